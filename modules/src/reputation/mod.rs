//! What is known of a node's work: how much was accepted, how much went wrong, both forgotten slowly.
//!
//! A node's score is its validity, half of it for a node that does little work for its bond. Splitting a node into several
//! never helps; a new name begins at 1250 of 10000 and costs the fee of a registration.
//!
//! # Invariants
//! No record is of a later epoch than the one that runs.

pub mod error;
pub mod formula;
mod genesis;
pub mod handler;
pub mod keys;
mod query;

pub use formula::Score;

use crate::address::{Address, Prefix};
use crate::context::{Context, load, load_all, load_number, save};
use crate::error::TxError;
use crate::module::{GenesisError, Message, Module};
use crate::query::Service;
use error::Reputation as Error;
use serde_json::Value;
use zektra_proto::reputation::v1::{MsgUpdateParams, Params, Pending, Record};
use zektra_proto::tendermint::abci::ValidatorUpdate;
use zektra_state::{StateError, StateRead};

/// The module.
pub struct Reputation;

/// The module's name.
pub const NAME: &str = "reputation";

/// Base units of a token: bonds are counted in whole tokens.
pub const TOKEN: u128 = 1_000_000;

/// The most units of an epoch that are counted for one requester: products stay below 2^128.
const MOST: u64 = 1 << 60;

/// What went wrong with a node's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A job that it had locked and did not prove in time.
    Missed,
    /// A proof that is none.
    InvalidProof,
    /// A result that it keeps, or two that contradict each other.
    Withheld,
}

impl Fault {
    /// How many times its units weigh.
    pub fn factor(self) -> u64 {
        match self {
            Self::Missed => 1,
            Self::InvalidProof => 16,
            Self::Withheld => 64,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Missed => "missed",
            Self::InvalidProof => "invalid_proof",
            Self::Withheld => "withheld",
        }
    }
}

/// What the database must not hold.
fn damaged(what: impl std::fmt::Display) -> StateError {
    StateError::Damaged(format!("reputation: {what}"))
}

/// The parameters.
///
/// # Errors
/// The database fails.
pub fn params(state: &dyn StateRead) -> Result<Params, StateError> {
    Ok(load(state, keys::PARAMS)?.unwrap_or_default())
}

/// The epoch that runs.
///
/// # Errors
/// The database fails.
pub fn epoch(state: &dyn StateRead) -> Result<u64, StateError> {
    load_number(state, keys::EPOCH)
}

/// A node's record as of the epoch that runs; an empty one if nothing is known of it.
///
/// # Errors
/// The database fails.
pub fn record(state: &dyn StateRead, node: &Address) -> Result<Record, StateError> {
    let mut record: Record = load(state, &keys::record(node))?.unwrap_or_default();
    formula::decay(&mut record, epoch(state)?);
    Ok(record)
}

fn set(ctx: &mut Context<'_>, node: &Address, record: Record) -> Result<(), StateError> {
    let node_text = ctx.text(node);
    save(ctx.state, keys::record(node), &Record { node: node_text, ..record })
}

/// What a node's work is worth now, for a bond in whole tokens.
///
/// # Errors
/// The database fails.
pub fn score(state: &dyn StateRead, node: &Address, bond_tokens: u128) -> Result<Score, StateError> {
    let Record { good, bad, .. } = record(state, node)?;
    Ok(formula::score(&params(state)?, good, bad, bond_tokens))
}

/// Counts work of a job that the protocol assigned, which was accepted in time or late. `burned_fee` are the base units of
/// the requester's fees that were burned for it. It counts at the end of the epoch.
///
/// # Errors
/// The database fails.
pub fn credit(
    ctx: &mut Context<'_>,
    node: &Address,
    requester: &Address,
    units: u64,
    burned_fee: u64,
    late: bool,
) -> Result<(), TxError> {
    let key = keys::pending(node, requester);
    let mut pending: Pending = load(ctx.state, &key)?.unwrap_or_default();
    (pending.node, pending.requester) = (ctx.text(node), ctx.text(requester));
    let sum = if late { &mut pending.late } else { &mut pending.timely };
    *sum = sum.saturating_add(units).min(MOST);
    pending.burned_fee = pending.burned_fee.saturating_add(burned_fee);
    save(ctx.state, key, &pending)?;
    let attributes = [
        ("node", pending.node),
        ("requester", pending.requester),
        ("units", units.to_string()),
        ("late", late.to_string()),
    ];
    ctx.emit("reputation_credit", attributes);
    Ok(())
}

/// Counts work that went wrong, at once.
///
/// # Errors
/// The database fails.
pub fn debit(ctx: &mut Context<'_>, node: &Address, fault: Fault, units: u64) -> Result<(), TxError> {
    let mut record = record(ctx.state, node)?;
    let weight = units.saturating_mul(fault.factor());
    record.bad = record.bad.saturating_add(weight);
    set(ctx, node, record)?;
    let attributes = [("node", ctx.text(node)), ("fault", fault.text().into()), ("units", weight.to_string())];
    ctx.emit("reputation_debit", attributes);
    Ok(())
}

/// The work of the epoch that runs, node by node.
fn all_pending(state: &dyn StateRead) -> Result<Vec<Pending>, StateError> {
    load_all(state, keys::PENDING)
}

/// Ends an epoch, which must be the one that runs: its work counts, and the next one begins.
///
/// # Errors
/// Another epoch runs; the database fails.
pub fn end_epoch(ctx: &mut Context<'_>, ended: u64) -> Result<(), TxError> {
    let runs = epoch(ctx.state)?;
    if ended != runs {
        return Err(Error::WrongEpoch.wrap(format!("epoch {ended}: expected {runs}")));
    }
    let params = params(ctx.state)?;
    for work in all_pending(ctx.state)?.chunk_by(|a, b| a.node == b.node) {
        let Some(first) = work.first() else { continue };
        let node = ctx.parse(&first.node)?;
        for pending in work {
            ctx.state.delete(keys::pending(&node, &ctx.parse(&pending.requester)?))?;
        }
        let mut record = record(ctx.state, &node)?;
        record.good = record.good.saturating_add(formula::credit(&params, work));
        set(ctx, &node, record)?;
    }
    let next = runs.checked_add(1).ok_or_else(|| damaged("no epochs are left"))?;
    ctx.state.put(keys::EPOCH.to_vec(), next.to_be_bytes().to_vec())?;
    ctx.emit("reputation_epoch", [("epoch", next.to_string())]);
    Ok(())
}

impl Module for Reputation {
    fn name(&self) -> &'static str {
        NAME
    }

    fn messages(&self) -> Vec<Message> {
        vec![Message::of::<MsgUpdateParams>()]
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

    fn check_invariants(&self, state: &dyn StateRead) -> Result<(), TxError> {
        let runs = epoch(state)?;
        for record in load_all::<Record>(state, keys::RECORDS)? {
            if record.epoch > runs {
                let wrong = format!("the record of {} is of epoch {}, epoch {runs} runs", record.node, record.epoch);
                return Err(damaged(wrong).into());
            }
        }
        Ok(())
    }
}
