//! What validators are proven to have done: votes for two blocks of one height.
//!
//! Consensus finds the votes and hands them in with a block; whoever cast them is slashed, jailed and tombstoned, once
//! for ever. What was punished is kept by its hash.

mod block;
pub mod error;
mod genesis;
mod handler;
pub mod keys;
mod query;

use crate::address::Prefix;
use crate::context::{Context, load, save};
use crate::error::TxError;
use crate::module::{GenesisError, Message, Module};
use crate::query::Service;
use prost::{Message as _, Name as _};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use zektra_proto::Any;
use zektra_proto::cosmos::evidence::v1beta1::{Equivocation, MsgSubmitEvidence};
use zektra_proto::tendermint::abci::ValidatorUpdate;
use zektra_state::{StateError, StateRead, StateWrite};

/// The module.
pub struct Evidence;

/// The module's name.
pub const NAME: &str = "evidence";

/// The hash of evidence, by which it is found.
pub fn hash(evidence: &Equivocation) -> [u8; 32] {
    Sha256::digest(evidence.encode_to_vec()).into()
}

/// Evidence by its hash.
///
/// # Errors
/// The database fails.
pub fn evidence(state: &dyn StateRead, hash: &[u8]) -> Result<Option<Any>, StateError> {
    load(state, &keys::evidence(hash))
}

fn keep(state: &mut dyn StateWrite, evidence: &Equivocation) -> Result<(), StateError> {
    let any = Any { type_url: Equivocation::type_url(), value: evidence.encode_to_vec() };
    save(state, keys::evidence(&hash(evidence)), &any)
}

/// Reads evidence of a message or a file.
fn read(any: &Any, prefix: &Prefix) -> Result<Equivocation, String> {
    let (found, known) = (&any.type_url, Equivocation::type_url());
    if found.trim_start_matches('/') != known.trim_start_matches('/') {
        return Err(format!("type {found}, expected {known}"));
    }
    let evidence = Equivocation::decode(&any.value[..]).map_err(|e| e.to_string())?;
    let Equivocation { height, time, power, consensus_address } = &evidence;
    let seconds = time.unwrap_or_default().seconds;
    if seconds <= 0 {
        return Err(format!("invalid equivocation time: {seconds}s"));
    }
    if *height < 1 {
        return Err(format!("invalid equivocation height: {height}"));
    }
    if *power < 1 {
        return Err(format!("invalid equivocation validator power: {power}"));
    }
    let wrong = |e| format!("invalid equivocation validator consensus address: {e}");
    prefix.parse_consensus(consensus_address).map_err(wrong)?;
    Ok(evidence)
}

impl Module for Evidence {
    fn name(&self) -> &'static str {
        NAME
    }

    fn messages(&self) -> Vec<Message> {
        vec![Message::of::<MsgSubmitEvidence>()]
    }

    fn services(&self) -> Vec<Service> {
        vec![query::service()]
    }

    fn default_genesis(&self, _: &str) -> Value {
        genesis::default()
    }

    fn check_genesis(&self, genesis: &Value, prefix: &Prefix) -> Result<(), GenesisError> {
        genesis::read(genesis, prefix).map(drop)
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
