//! Accounts that act for others.
//!
//! # Invariants
//! A grant stands once by its two accounts and its type of message, once by who may use it, and in the queue by its end,
//! if it has one.

pub mod authorization;
pub mod error;
mod genesis;
mod handler;
pub mod keys;
mod query;

pub use handler::MOST_LEVELS;

use crate::address::{Address, Prefix, split_prefixed};
use crate::context::{Context, load, save};
use crate::error::TxError;
use crate::module::{GenesisError, Message, Module};
use crate::query::Service;
use crate::time;
use authorization::{Authorization, Left};
use error::Authz as AuthzError;
use serde_json::Value;
use zektra_proto::Any;
use zektra_proto::cosmos::authz::v1beta1::{Grant, MsgExec, MsgGrant, MsgRevoke};
use zektra_proto::tendermint::abci::ValidatorUpdate;
use zektra_state::{Order, StateError, StateRead, scan_prefix};

/// The module.
pub struct Authz;

/// The module's name.
pub const NAME: &str = "authz";

/// Grants that the beginning of a block removes at most.
pub const PRUNED_BY_BLOCK: usize = 200;

/// What one account lets another do with messages of a type, given with its slash.
///
/// # Errors
/// The database fails.
pub fn grant(
    state: &dyn StateRead,
    granter: &Address,
    grantee: &Address,
    url: &str,
) -> Result<Option<Grant>, StateError> {
    load(state, &keys::grant(granter, grantee, url))
}

/// An event of a type that has a message: its values are JSON.
fn told(ctx: &mut Context<'_>, kind: &str, granter: &Address, grantee: &Address, url: &str) {
    let shown = |text: String| Value::from(text).to_string();
    let attributes = [
        ("grantee", shown(ctx.text(grantee))),
        ("granter", shown(ctx.text(granter))),
        ("msg_type_url", shown(url.into())),
    ];
    ctx.emit(kind, attributes);
}

/// Stores a grant under all its keys, in the place of an older one.
fn add(ctx: &mut Context<'_>, granter: &Address, grantee: &Address, url: &str, new: &Grant) -> Result<(), TxError> {
    let old = grant(ctx.state, granter, grantee, url)?;
    if let Some(end) = old.and_then(|old| old.expiration) {
        ctx.state.delete(keys::queue(&end, granter, grantee, url))?;
    }
    if let Some(end) = &new.expiration {
        ctx.state.put(keys::queue(end, granter, grantee, url), vec![1])?;
    }
    ctx.state.put(keys::by_grantee(granter, grantee, url), vec![1])?;
    Ok(save(ctx.state, keys::grant(granter, grantee, url), new)?)
}

/// Takes a grant away.
fn revoke(ctx: &mut Context<'_>, granter: &Address, grantee: &Address, url: &str) -> Result<(), TxError> {
    let old = grant(ctx.state, granter, grantee, url)?.ok_or_else(|| {
        let (granter, grantee) = (ctx.text(granter), ctx.text(grantee));
        AuthzError::NoAuthorizationFound.wrap(format!("failed to delete grant of {granter} to {grantee} for {url}"))
    })?;
    if let Some(end) = &old.expiration {
        ctx.state.delete(keys::queue(end, granter, grantee, url))?;
    }
    ctx.state.delete(keys::by_grantee(granter, grantee, url))?;
    ctx.state.delete(keys::grant(granter, grantee, url))?;
    told(ctx, "cosmos.authz.v1beta1.EventRevoke", granter, grantee, url);
    Ok(())
}

/// Uses what `granter` lets `grantee` do for one message.
fn spend(ctx: &mut Context<'_>, granter: &Address, grantee: &Address, message: &Any) -> Result<(), TxError> {
    let url = format!("/{}", message.type_url.trim_start_matches('/'));
    let found = grant(ctx.state, granter, grantee, &url)?.ok_or_else(|| {
        let (granter, grantee) = (ctx.text(granter), ctx.text(grantee));
        AuthzError::NoAuthorizationFound.wrap(format!("failed to update grant of {granter} to {grantee} for {url}"))
    })?;
    if found.expiration.as_ref().is_some_and(|end| time::nanos(end) < time::nanos(&ctx.block.time)) {
        return Err(AuthzError::AuthorizationExpired.bare());
    }
    match Authorization::read(found.authorization.as_ref())?.accept(ctx, message)? {
        Left::Same => Ok(()),
        Left::Less(left) => {
            let grant = Grant { authorization: Some(left.to_any()), expiration: found.expiration };
            Ok(save(ctx.state, keys::grant(granter, grantee, &url), &grant)?)
        }
        Left::None => revoke(ctx, granter, grantee, &url),
    }
}

fn damaged(what: &str) -> StateError {
    StateError::Damaged(format!("authz: {what}"))
}

/// The two accounts and the type of message in a key's rest.
fn parts(rest: &[u8]) -> Result<(Address, Address, &str), StateError> {
    let two = split_prefixed(rest).and_then(|(first, rest)| Some((first, split_prefixed(rest)?)));
    let (first, (second, url)) = two.ok_or_else(|| damaged("a key without two addresses"))?;
    Ok((first, second, str::from_utf8(url).map_err(|_| damaged("a type that is no text"))?))
}

/// Removes grants that have ended, at most so many, the oldest first.
fn prune(ctx: &mut Context<'_>, most: usize) -> Result<(), TxError> {
    let end = keys::queue_at(&ctx.block.time);
    let ended = ctx.state.scan(keys::QUEUE, Some(&end), Order::Ascending).take(most);
    for (key, _) in ended.collect::<Result<Vec<_>, _>>()? {
        let rest = key.get(keys::QUEUE.len() + 12..).ok_or_else(|| damaged("a key of the queue"))?;
        let (granter, grantee, url) = parts(rest)?;
        ctx.state.delete(keys::grant(&granter, &grantee, url))?;
        ctx.state.delete(keys::by_grantee(&granter, &grantee, url))?;
        ctx.state.delete(key)?;
    }
    Ok(())
}

impl Module for Authz {
    fn name(&self) -> &'static str {
        NAME
    }

    fn messages(&self) -> Vec<Message> {
        vec![Message::of::<MsgGrant>(), Message::of::<MsgExec>(), Message::of::<MsgRevoke>()]
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

    fn export_genesis(&self, state: &dyn StateRead, prefix: &Prefix) -> Result<Value, GenesisError> {
        genesis::export(state, prefix)
    }

    fn begin_block(&self, ctx: &mut Context<'_>) -> Result<(), TxError> {
        prune(ctx, PRUNED_BY_BLOCK)
    }

    fn check_invariants(&self, state: &dyn StateRead) -> Result<(), TxError> {
        let (mut grants, mut ending) = (0usize, 0usize);
        for entry in scan_prefix(state, keys::GRANTS, Order::Ascending) {
            let (key, _) = entry?;
            let (granter, grantee, url) = parts(&key[keys::GRANTS.len()..])?;
            let found = grant(state, &granter, &grantee, url)?.ok_or_else(|| damaged("an empty grant"))?;
            let fits = Authorization::read(found.authorization.as_ref())?.url()? == url;
            let queued = match &found.expiration {
                Some(end) => {
                    ending += 1;
                    state.get(&keys::queue(end, &granter, &grantee, url))?.is_some()
                }
                None => true,
            };
            if !fits || !queued || state.get(&keys::by_grantee(&granter, &grantee, url))?.is_none() {
                let which = format!("the grant of {granter:?} to {grantee:?} for {url}");
                return Err(damaged(&format!("{which} is not found by all keys")).into());
            }
            grants += 1;
        }
        let count = |prefix| scan_prefix(state, prefix, Order::Ascending).count();
        if count(keys::BY_GRANTEE) != grants || count(keys::QUEUE) != ending {
            return Err(damaged("there are keys of grants that are gone").into());
        }
        Ok(())
    }
}
