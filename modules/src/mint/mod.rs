//! New coins, block by block.
//!
//! The less is bonded the more is minted, within bounds: inflation moves up while less than the goal is bonded, and down
//! while more is. Source of the formulas: the Cosmos SDK's `x/mint/types/minter.go`.

mod block;
mod genesis;
pub mod inflation;
pub mod keys;
mod params;
mod query;

use crate::address::Prefix;
use crate::context::{Context, load};
use crate::error::TxError;
use crate::module::{GenesisError, Message, Module};
use crate::query::Service;
use serde_json::Value;
use zektra_proto::cosmos::mint::v1beta1::{Minter, MsgUpdateParams, Params};
use zektra_proto::tendermint::abci::ValidatorUpdate;
use zektra_state::{StateError, StateRead};

/// The module.
pub struct Mint;

/// The module's name.
pub const NAME: &str = "mint";

/// What the database must not hold.
fn damaged(what: String) -> StateError {
    StateError::Damaged(format!("mint: {what}"))
}

/// The parameters.
///
/// # Errors
/// The database fails.
pub fn params(state: &dyn StateRead) -> Result<Params, StateError> {
    Ok(load(state, keys::PARAMS)?.unwrap_or_default())
}

/// Inflation and yearly provisions as of the last block.
///
/// # Errors
/// The database fails.
pub fn minter(state: &dyn StateRead) -> Result<Minter, StateError> {
    Ok(load(state, keys::MINTER)?.unwrap_or_default())
}

impl Module for Mint {
    fn name(&self) -> &'static str {
        NAME
    }

    fn messages(&self) -> Vec<Message> {
        vec![Message::of::<MsgUpdateParams>()]
    }

    fn services(&self) -> Vec<Service> {
        vec![query::service()]
    }

    fn default_genesis(&self, native: &str) -> Value {
        genesis::default(native)
    }

    fn check_genesis(&self, genesis: &Value, _: &Prefix) -> Result<(), GenesisError> {
        genesis::check(genesis)
    }

    fn init_genesis(&self, ctx: &mut Context<'_>, genesis: &Value) -> Result<Vec<ValidatorUpdate>, GenesisError> {
        genesis::init(ctx, genesis)?;
        Ok(vec![])
    }

    fn export_genesis(&self, state: &dyn StateRead, _: &Prefix) -> Result<Value, GenesisError> {
        genesis::export(state)
    }

    fn begin_block(&self, ctx: &mut Context<'_>) -> Result<(), TxError> {
        block::begin(ctx)
    }
}
