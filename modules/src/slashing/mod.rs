//! Who signs, and what it costs not to.
//!
//! A validator's missed blocks among the last `signed_blocks_window` that it could sign stand in a ring of bits
//! ([`ring`]). Too many of them cost a part of the stake and a time in jail; two votes for one height cost more, and the
//! key can never be used again.
//!
//! # Invariants
//! The counter of missed blocks is the number of bits set in the ring, all of which lie in the window. Every validator
//! in the set has signing info.

mod block;
pub mod error;
mod genesis;
mod handler;
pub mod hooks;
mod invariants;
pub mod keys;
mod penalty;
mod query;
pub mod ring;
mod rules;

pub use penalty::double_sign;
pub use rules::Rules;

use crate::address::{Address, Prefix};
use crate::context::{Context, load, load_all_keyed, save};
use crate::error::TxError;
use crate::module::{GenesisError, Message, Module};
use crate::query::Service;
use serde_json::Value;
use zektra_proto::cosmos::slashing::v1beta1::{MsgUnjail, MsgUpdateParams, Params, ValidatorSigningInfo};
use zektra_proto::tendermint::abci::ValidatorUpdate;
use zektra_state::{StateError, StateRead, StateWrite};

/// The module.
pub struct Slashing;

/// The module's name.
pub const NAME: &str = "slashing";

/// What the database must not hold.
fn damaged(what: impl std::fmt::Display) -> StateError {
    StateError::Damaged(format!("slashing: {what}"))
}

/// A height or a count of signing info.
fn number(found: i64) -> Result<u64, StateError> {
    u64::try_from(found).map_err(|_| damaged(format!("{found} in signing info")))
}

/// The parameters.
///
/// # Errors
/// The database fails.
pub fn params(state: &dyn StateRead) -> Result<Params, StateError> {
    Ok(load(state, keys::PARAMS)?.unwrap_or_default())
}

/// How a validator signs; `None` if its key was never in the set.
///
/// # Errors
/// The database fails.
pub fn signing_info(state: &dyn StateRead, consensus: &Address) -> Result<Option<ValidatorSigningInfo>, StateError> {
    load(state, &keys::signing_info(consensus))
}

/// All signing info by consensus address.
///
/// # Errors
/// The database fails.
pub fn signing_infos(state: &dyn StateRead) -> Result<Vec<(Address, ValidatorSigningInfo)>, StateError> {
    let all = load_all_keyed(state, keys::SIGNING_INFOS)?.into_iter();
    all.map(|(rest, info)| Ok((Address::new(rest).map_err(damaged)?, info))).collect()
}

fn set_signing_info(
    state: &mut dyn StateWrite,
    consensus: &Address,
    info: &ValidatorSigningInfo,
) -> Result<(), StateError> {
    save(state, keys::signing_info(consensus), info)
}

impl Module for Slashing {
    fn name(&self) -> &'static str {
        NAME
    }

    fn messages(&self) -> Vec<Message> {
        vec![Message::of::<MsgUnjail>(), Message::of::<MsgUpdateParams>()]
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
        block::begin(ctx)
    }

    fn check_invariants(&self, state: &dyn StateRead) -> Result<(), TxError> {
        invariants::check(state)
    }
}
