//! Validators, delegations, and stake on its way in and out.
//!
//! # Invariants
//! The bonded pool holds the tokens of validators in the set, the other pool those of all others and all balances of
//! unbonding delegations. The shares of a validator are the sum of its delegators' shares. The places by power are those
//! of all validators that are not jailed.

pub mod delegation;
pub mod error;
mod genesis;
mod handler;
pub mod history;
mod invariants;
pub mod keys;
pub mod pool;
mod query;
pub mod set;
pub mod slash;
pub mod validator;

pub use validator::{Description, Status, Validator, by_consensus, known, validator, validators};

use crate::address::Prefix;
use crate::context::{Context, load};
use crate::decimal::Dec;
use crate::error::TxError;
use crate::module::{GenesisError, Message, Module};
use crate::query::Service;
use serde_json::Value;
use zektra_proto::cosmos::staking::v1beta1::{
    MsgBeginRedelegate, MsgCancelUnbondingDelegation, MsgCreateValidator, MsgDelegate, MsgEditValidator, MsgUndelegate,
    MsgUpdateParams, Params,
};
use zektra_proto::tendermint::abci::ValidatorUpdate;
use zektra_state::{StateError, StateRead};

/// The module.
pub struct Staking;

/// The module's name.
pub const NAME: &str = "staking";

/// What the database must not hold.
fn damaged(what: String) -> StateError {
    StateError::Damaged(format!("staking: {what}"))
}

/// The parameters.
///
/// # Errors
/// The database fails.
pub fn params(state: &dyn StateRead) -> Result<Params, StateError> {
    Ok(load(state, keys::PARAMS)?.unwrap_or_default())
}

/// The denomination that is staked.
///
/// # Errors
/// The database fails.
pub fn bond_denom(state: &dyn StateRead) -> Result<String, StateError> {
    Ok(params(state)?.bond_denom)
}

/// Tokens of validators in the set.
///
/// # Errors
/// The database fails.
pub fn total_bonded(state: &dyn StateRead) -> Result<u128, StateError> {
    pool::held(state, pool::BONDED)
}

/// The part of the supply that is bonded.
///
/// # Errors
/// The database fails.
pub fn bonded_ratio(state: &dyn StateRead) -> Result<Dec, TxError> {
    let supply = crate::bank::supply(state, &bond_denom(state)?)?;
    if supply == 0 {
        return Ok(Dec::ZERO);
    }
    Ok(Dec::whole(total_bonded(state)?).over(Dec::whole(supply))?)
}

impl Module for Staking {
    fn name(&self) -> &'static str {
        NAME
    }

    fn messages(&self) -> Vec<Message> {
        vec![
            Message::of::<MsgCreateValidator>(),
            Message::of::<MsgEditValidator>(),
            Message::of::<MsgDelegate>(),
            Message::of::<MsgBeginRedelegate>(),
            Message::of::<MsgUndelegate>(),
            Message::of::<MsgCancelUnbondingDelegation>(),
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
        genesis::init(ctx, genesis)
    }

    fn export_genesis(&self, state: &dyn StateRead, prefix: &Prefix) -> Result<Value, GenesisError> {
        genesis::export(state, prefix)
    }

    fn begin_block(&self, ctx: &mut Context<'_>) -> Result<(), TxError> {
        history::track(ctx)
    }

    fn end_block(&self, ctx: &mut Context<'_>) -> Result<Vec<ValidatorUpdate>, TxError> {
        let updates = set::update(ctx)?;
        set::release(ctx)?;
        delegation::complete(ctx)?;
        Ok(updates)
    }

    fn check_invariants(&self, state: &dyn StateRead) -> Result<(), TxError> {
        invariants::check(state)
    }
}
