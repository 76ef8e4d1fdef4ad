//! Compute nodes: who computes, for what price, with which bond.
//!
//! A bond belongs to work alone, never to consensus: a job that fails costs no voting power.
//!
//! # Invariants
//! The module's account holds the sum of all bonds. What stands for a node's jobs is at most its bond, and nothing without
//! jobs: so what all of them can cost it together is there. A leaving node without jobs is in the queue, and no other.

mod block;
mod draw;
pub mod error;
mod genesis;
pub mod handler;
mod invariants;
pub mod keys;
mod nodes;
mod query;

pub use draw::{draw, weight};
pub use nodes::{Candidate, Slashed, all, assign, bond, candidates, engaged, finish, node, part, slash, within_cap};

use crate::address::{Address, Prefix};
use crate::context::{Context, load, load_number};
use crate::error::TxError;
use crate::module::{GenesisError, Message, Module};
use crate::query::Service;
use serde_json::Value;
use zektra_proto::compute::v1::{
    MsgAddBond, MsgLeave, MsgRegisterNode, MsgUpdateNode, MsgUpdateParams, Node, NodeStatus, Params,
};
use zektra_proto::tendermint::abci::ValidatorUpdate;
use zektra_state::{StateError, StateRead};

/// The module.
pub struct Compute;

/// The module's name.
pub const NAME: &str = "compute";

/// What the database must not hold.
fn damaged(what: impl std::fmt::Display) -> StateError {
    StateError::Damaged(format!("compute: {what}"))
}

/// The account that holds all bonds.
pub fn module() -> Address {
    Address::of_module(NAME)
}

/// The parameters.
///
/// # Errors
/// The database fails.
pub fn params(state: &dyn StateRead) -> Result<Params, StateError> {
    Ok(load(state, keys::PARAMS)?.unwrap_or_default())
}

/// The amount in a parameter or in a record.
fn amount(text: &str) -> Result<u128, StateError> {
    crate::coin::parse_amount(text).map_err(damaged)
}

/// The epoch that runs.
///
/// # Errors
/// The database fails.
pub fn epoch(state: &dyn StateRead) -> Result<u64, StateError> {
    load_number(state, keys::EPOCH)
}

/// Units assigned in the epoch that runs.
///
/// # Errors
/// The database fails.
pub fn epoch_units(state: &dyn StateRead) -> Result<u64, StateError> {
    load_number(state, keys::UNITS)
}

/// Ends the epoch: of the next one no units are assigned yet.
///
/// # Errors
/// The database fails.
pub fn end_epoch(ctx: &mut Context<'_>) -> Result<(), TxError> {
    let next = epoch(ctx.state)?.checked_add(1).ok_or_else(|| damaged("no epochs are left"))?;
    ctx.state.put(keys::EPOCH.to_vec(), next.to_be_bytes().to_vec())?;
    ctx.state.delete(keys::UNITS.to_vec())?;
    ctx.emit("compute_epoch", [("epoch", next.to_string())]);
    Ok(())
}

impl Module for Compute {
    fn name(&self) -> &'static str {
        NAME
    }

    fn messages(&self) -> Vec<Message> {
        vec![
            Message::of::<MsgRegisterNode>(),
            Message::of::<MsgUpdateNode>(),
            Message::of::<MsgAddBond>(),
            Message::of::<MsgLeave>(),
            Message::of::<MsgUpdateParams>(),
        ]
    }

    fn services(&self) -> Vec<Service> {
        vec![query::service()]
    }

    fn default_genesis(&self, native: &str) -> Value {
        genesis::default(native)
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
        block::end(ctx)?;
        Ok(vec![])
    }

    fn check_invariants(&self, state: &dyn StateRead) -> Result<(), TxError> {
        invariants::check(state)
    }
}

/// Whether a node waits for its bond.
fn is_leaving(node: &Node) -> bool {
    node.status() == NodeStatus::Leaving
}
