//! Accounts that pay the fees of others.
//!
//! # Invariants
//! A grant stands once by its two accounts, once by who pays, and in the queue by its end, if it has one.

pub mod allowance;
pub mod error;
mod genesis;
mod handler;
pub mod keys;
mod query;

use crate::address::{Address, Prefix, split_prefixed};
use crate::coin::Coins;
use crate::context::{Context, load, save};
use crate::error::{Sdk, TxError};
use crate::module::{GenesisError, Message, Module};
use crate::query::Service;
use allowance::Allowance;
use serde_json::Value;
use zektra_proto::cosmos::feegrant::v1beta1::{Grant, MsgGrantAllowance, MsgPruneAllowances, MsgRevokeAllowance};
use zektra_proto::tendermint::abci::ValidatorUpdate;
use zektra_state::{Order, StateError, StateRead, StateWrite, scan_prefix};

/// The module.
pub struct Feegrant;

/// The module's name.
pub const NAME: &str = "feegrant";

/// Grants that a message removes at most.
const PRUNED_BY_MESSAGE: usize = 75;
/// Grants that the end of a block removes at most.
pub const PRUNED_BY_BLOCK: usize = 200;

/// What one account lets another spend.
///
/// # Errors
/// The database fails.
pub fn grant(state: &dyn StateRead, granter: &Address, grantee: &Address) -> Result<Option<Grant>, StateError> {
    load(state, &keys::grant(granter, grantee))
}

fn known(state: &dyn StateRead, granter: &Address, grantee: &Address) -> Result<Allowance, TxError> {
    let found = grant(state, granter, grantee)?.ok_or_else(|| Sdk::NotFound.wrap("fee-grant not found"))?;
    Allowance::read(found.allowance.as_ref())
}

fn told(ctx: &mut Context<'_>, kind: &str, granter: &Address, grantee: &Address) {
    let attributes = [("granter", ctx.text(granter)), ("grantee", ctx.text(grantee))];
    ctx.emit(kind, attributes);
}

fn set(ctx: &mut Context<'_>, granter: &Address, grantee: &Address, allowance: &Allowance) -> Result<(), TxError> {
    let (granter_text, grantee_text) = (ctx.text(granter), ctx.text(grantee));
    let grant = Grant { granter: granter_text, grantee: grantee_text, allowance: Some(allowance.to_any()) };
    Ok(save(ctx.state, keys::grant(granter, grantee), &grant)?)
}

/// Stores a new grant under all its keys.
fn add(ctx: &mut Context<'_>, granter: &Address, grantee: &Address, allowance: &Allowance) -> Result<(), TxError> {
    set(ctx, granter, grantee, allowance)?;
    ctx.state.put(keys::by_granter(granter, grantee), vec![1])?;
    if let Some(end) = allowance.expiration() {
        ctx.state.put(keys::queue(&end, granter, grantee), vec![1])?;
    }
    Ok(())
}

fn forget(state: &mut dyn StateWrite, granter: &Address, grantee: &Address) -> Result<(), StateError> {
    state.delete(keys::grant(granter, grantee))?;
    state.delete(keys::by_granter(granter, grantee))
}

/// Takes a grant back.
fn revoke(ctx: &mut Context<'_>, granter: &Address, grantee: &Address) -> Result<(), TxError> {
    let allowance = known(ctx.state, granter, grantee)?;
    forget(ctx.state, granter, grantee)?;
    if let Some(end) = allowance.expiration() {
        ctx.state.delete(keys::queue(&end, granter, grantee))?;
    }
    told(ctx, "revoke_feegrant", granter, grantee);
    Ok(())
}

/// Takes a fee out of what `granter` lets `grantee` spend, for these types of messages; the coins stay where they are.
///
/// # Errors
/// There is no such grant, or it does not allow this.
pub fn pay(
    ctx: &mut Context<'_>,
    granter: &Address,
    grantee: &Address,
    fee: &Coins,
    messages: &[&str],
) -> Result<(), TxError> {
    let mut allowance = known(ctx.state, granter, grantee)?;
    if allowance.accept(ctx, fee, messages)? {
        revoke(ctx, granter, grantee)?;
        told(ctx, "use_feegrant", granter, grantee);
        return Ok(());
    }
    told(ctx, "use_feegrant", granter, grantee);
    set(ctx, granter, grantee, &allowance)?;
    told(ctx, "update_feegrant", granter, grantee);
    Ok(())
}

fn damaged(what: &str) -> StateError {
    StateError::Damaged(format!("feegrant: {what}"))
}

/// Both accounts of a key's rest: grantee and granter.
fn pair(rest: &[u8]) -> Result<(Address, Address), TxError> {
    let (first, second) = split_prefixed(rest).ok_or_else(|| damaged("a key without an address"))?;
    Ok((first, Address::new(second.to_vec())?))
}

/// Removes grants that have ended, at most so many, the oldest first.
fn prune(ctx: &mut Context<'_>, most: usize) -> Result<(), TxError> {
    let end = keys::queue_at(&ctx.block.time);
    let ended = ctx.state.scan(keys::QUEUE, Some(&end), Order::Ascending).take(most);
    for (key, _) in ended.collect::<Result<Vec<_>, _>>()? {
        let rest = key.get(keys::QUEUE.len() + 12..).ok_or_else(|| damaged("a key of the queue"))?;
        let (grantee, granter) = pair(rest)?;
        forget(ctx.state, &granter, &grantee)?;
        ctx.state.delete(key)?;
    }
    Ok(())
}

impl Module for Feegrant {
    fn name(&self) -> &'static str {
        NAME
    }

    fn messages(&self) -> Vec<Message> {
        vec![
            Message::of::<MsgGrantAllowance>(),
            Message::of::<MsgRevokeAllowance>(),
            Message::of::<MsgPruneAllowances>(),
        ]
    }

    fn services(&self) -> Vec<Service> {
        vec![query::service()]
    }

    fn default_genesis(&self, _: &str) -> Value {
        genesis::default()
    }

    fn check_genesis(&self, genesis: &Value, prefix: &Prefix) -> Result<(), GenesisError> {
        genesis::check(genesis, prefix)
    }

    fn init_genesis(&self, ctx: &mut Context<'_>, genesis: &Value) -> Result<Vec<ValidatorUpdate>, GenesisError> {
        genesis::init(ctx, genesis)?;
        Ok(vec![])
    }

    fn export_genesis(&self, state: &dyn StateRead, _: &Prefix) -> Result<Value, GenesisError> {
        genesis::export(state)
    }

    fn end_block(&self, ctx: &mut Context<'_>) -> Result<Vec<ValidatorUpdate>, TxError> {
        prune(ctx, PRUNED_BY_BLOCK)?;
        Ok(vec![])
    }

    fn check_invariants(&self, state: &dyn StateRead) -> Result<(), TxError> {
        let (mut grants, mut ending) = (0usize, 0usize);
        for entry in scan_prefix(state, keys::GRANTS, Order::Ascending) {
            let (key, _) = entry?;
            let (grantee, granter) = pair(&key[keys::GRANTS.len()..])?;
            let allowance = known(state, &granter, &grantee)?;
            let queued = match allowance.expiration() {
                Some(end) => {
                    ending += 1;
                    state.get(&keys::queue(&end, &granter, &grantee))?.is_some()
                }
                None => true,
            };
            if !queued || state.get(&keys::by_granter(&granter, &grantee))?.is_none() {
                return Err(
                    damaged(&format!("the grant of {granter:?} to {grantee:?} is not found by all keys")).into()
                );
            }
            grants += 1;
        }
        let count = |prefix| scan_prefix(state, prefix, Order::Ascending).count();
        if count(keys::BY_GRANTER) != grants || count(keys::QUEUE) != ending {
            return Err(damaged("there are keys of grants that are gone").into());
        }
        Ok(())
    }
}
