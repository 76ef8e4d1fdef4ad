//! The market: what data costs, what is put aside for a job, who is paid.
//!
//! A price is fixed when an order is placed; all fees are split to the unit.
//!
//! # Invariants
//! Of every escrow, what was put in is what was paid, refunded and burned, and what is held. The module's account holds
//! what escrows hold, and all credits. The payouts of a job are what has left its escrow.

mod credits;
mod demand;
pub mod error;
mod escrow;
mod genesis;
pub mod handler;
mod invariants;
pub mod keys;
mod listing;
mod query;
mod quote;
mod split;

pub use credits::credits;
pub use demand::{demand, moved, use_demand};
pub use escrow::{close, compute_left, escrow, open, pay_community, pay_compute, pay_data};
pub use listing::{listing, rate_at};
pub use quote::{Line, price, quote};
pub use split::{fraction, largest_remainder};

use crate::address::{Address, Prefix};
use crate::context::{Context, load, load_number};
use crate::error::TxError;
use crate::module::{GenesisError, Message, Module};
use crate::query::Service;
use serde_json::Value;
use zektra_proto::market::v1::{
    MsgBuyCredits, MsgClose, MsgList, MsgReopen, MsgReturnCredits, MsgSchedule, MsgUpdateParams, MsgUpdateTier, Params,
};
use zektra_proto::tendermint::abci::ValidatorUpdate;
use zektra_state::{StateError, StateRead};

/// The module.
pub struct Market;

/// The module's name.
pub const NAME: &str = "market";

/// What the database must not hold.
fn damaged(what: impl std::fmt::Display) -> StateError {
    StateError::Damaged(format!("market: {what}"))
}

/// The account that holds escrows and credits.
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

/// The number that the next listing gets.
fn next_listing(state: &dyn StateRead) -> Result<u64, StateError> {
    Ok(load_number(state, keys::NEXT)?.max(1))
}

/// Ends the epoch: what was used in it moves the prices of the next one.
///
/// # Errors
/// The database fails.
pub fn end_epoch(ctx: &mut Context<'_>) -> Result<(), TxError> {
    let next = epoch(ctx.state)?.checked_add(1).ok_or_else(|| damaged("no epochs are left"))?;
    ctx.state.put(keys::EPOCH.to_vec(), next.to_be_bytes().to_vec())?;
    ctx.emit("market_epoch", [("epoch", next.to_string())]);
    Ok(())
}

impl Module for Market {
    fn name(&self) -> &'static str {
        NAME
    }

    fn messages(&self) -> Vec<Message> {
        vec![
            Message::of::<MsgList>(),
            Message::of::<MsgUpdateTier>(),
            Message::of::<MsgSchedule>(),
            Message::of::<MsgClose>(),
            Message::of::<MsgReopen>(),
            Message::of::<MsgBuyCredits>(),
            Message::of::<MsgReturnCredits>(),
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

    fn check_invariants(&self, state: &dyn StateRead) -> Result<(), TxError> {
        invariants::check(state)
    }
}
