//! Proofs in blocks: which circuits are accepted, what a block may hold, what was proven and whom it counts for.
//!
//! Training, and all else that is proven, takes this one road: a module that receives a proof asks [`check_part`] or
//! [`check_seal`], and tells [`record`] of what it accepted. The work of a proof follows from its circuits and from how
//! many iterations or row groups it shows, never from a claim.
//!
//! # Invariants
//! A digest stands for one line of the registry for ever; a tombstoned one stays so. The root is that of the last
//! summary.

pub mod error;
mod genesis;
mod handler;
pub mod keys;
mod memo;
mod query;
pub mod verify;
pub mod weights;

use crate::address::{Address, Prefix};
use crate::context::{Context, load, load_all, number, save};
use crate::error::TxError;
use crate::module::{GenesisError, Message, Module};
use crate::query::Service;
use error::Proofs as ProofsError;
use prost::Message as _;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use zektra_proto::proofs::v1::{
    Circuit, CircuitKind, MsgAddCircuit, MsgSetCircuitStatus, MsgUpdateParams, Params, Summary, VerifierKey,
};
use zektra_proto::tendermint::abci::ValidatorUpdate;
use zektra_state::{Order, StateError, StateRead, StateWrite, scan_prefix};
use zektra_verify::known::Trusted;

pub use verify::{check_part, check_seal};

/// The module.
pub struct Proofs;

/// The module's name.
pub const NAME: &str = "proofs";

fn damaged(what: String) -> StateError {
    StateError::Damaged(format!("proofs: {what}"))
}

/// The parameters.
///
/// # Errors
/// The database fails.
pub fn params(state: &dyn StateRead) -> Result<Params, StateError> {
    Ok(load(state, keys::PARAMS)?.unwrap_or_default())
}

/// The line of the registry of a digest.
///
/// # Errors
/// The database fails.
pub fn circuit(state: &dyn StateRead, digest: &[u8]) -> Result<Option<Circuit>, StateError> {
    load(state, &keys::circuit(digest))
}

/// A verifier that trusts a line's circuits and no others.
///
/// # Errors
/// Words that name no circuits of this program.
pub fn trusted(circuit: &Circuit) -> Result<Trusted, TxError> {
    let kind = match circuit.kind() {
        CircuitKind::Seal => "seal",
        CircuitKind::Training | CircuitKind::Unspecified => "job",
    };
    let line = format!("{kind} {} {}", hex::encode(&circuit.digest), circuit.shape);
    Trusted::none().know_line(&line).ok_or_else(|| ProofsError::WrongShape.wrap(format!("shape {:?}", circuit.shape)))
}

/// All verifier keys, by the size of their links.
///
/// # Errors
/// The database fails.
pub fn verifier_keys(state: &dyn StateRead) -> Result<Vec<VerifierKey>, StateError> {
    load_all(state, keys::VERIFIER_KEYS)
}

/// Units of each validator in this epoch, by operator.
fn credits(state: &dyn StateRead) -> Result<Vec<(Address, u64)>, TxError> {
    let each = |entry: Result<(Vec<u8>, Vec<u8>), StateError>| {
        let (key, value) = entry?;
        Ok((Address::new(key[keys::CREDITS.len()..].to_vec())?, number(&value)?))
    };
    scan_prefix(state, keys::CREDITS, Order::Ascending).map(each).collect()
}

fn clear_credits(state: &mut dyn StateWrite) -> Result<(), TxError> {
    let all = scan_prefix(state, keys::CREDITS, Order::Ascending).map(|e| Ok(e?.0));
    let all: Vec<Vec<u8>> = all.collect::<Result<_, StateError>>()?;
    all.into_iter().try_for_each(|key| Ok(state.delete(key)?))
}

/// The root before a height, over the proofs of all blocks before it.
fn root_before(state: &dyn StateRead, height: u64) -> Result<Vec<u8>, StateError> {
    let end = keys::summary(height);
    let last = state.scan(keys::SUMMARIES, Some(&end), Order::Descending).next().transpose()?;
    let Some((_, value)) = last else { return Ok(vec![0; 32]) };
    Ok(Summary::decode(&value[..]).map_err(|e| damaged(e.to_string()))?.root.to_vec())
}

/// A proof that was accepted.
#[derive(Clone, Debug, PartialEq)]
pub struct Accepted {
    /// Its circuits.
    pub circuit: Circuit,
    /// SHA-256 of the proof's envelope.
    pub hash: [u8; 32],
}

/// Notes a proof that was accepted, for `count` iterations or row groups, in the block's summary; `validator` is
/// credited with its units if there is one. Gives the units.
///
/// # Errors
/// The database fails; units beyond 2^64.
pub fn record(
    ctx: &mut Context<'_>,
    accepted: &Accepted,
    count: u64,
    validator: Option<&Address>,
) -> Result<u64, TxError> {
    let Accepted { circuit, hash } = accepted;
    let units = circuit.units.checked_mul(count).ok_or_else(|| damaged("units beyond 2^64".into()))?;
    let height = ctx.block.height;
    let mut summary = match load::<Summary>(ctx.state, &keys::summary(height))? {
        Some(summary) => summary,
        None => Summary { height, root: root_before(ctx.state, height)?.into(), ..Summary::default() },
    };
    summary.proofs = summary.proofs.saturating_add(1);
    summary.units = summary.units.saturating_add(units);
    summary.cost = summary.cost.saturating_add(circuit.cost);
    summary.root = Sha256::new().chain_update(&summary.root).chain_update(hash).finalize().to_vec().into();
    save(ctx.state, keys::summary(height), &summary)?;
    if let Some(validator) = validator {
        weights::add(ctx, validator, units)?;
    }
    let attributes = [
        ("circuits", hex::encode(&circuit.digest)),
        ("hash", hex::encode(hash)),
        ("units", units.to_string()),
        ("validator", validator.map(|v| ctx.operator_text(v)).unwrap_or_default()),
    ];
    ctx.emit("proofs_accepted", attributes);
    Ok(units)
}

impl Module for Proofs {
    fn name(&self) -> &'static str {
        NAME
    }

    fn messages(&self) -> Vec<Message> {
        vec![Message::of::<MsgUpdateParams>(), Message::of::<MsgAddCircuit>(), Message::of::<MsgSetCircuitStatus>()]
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

    fn end_block(&self, ctx: &mut Context<'_>) -> Result<Vec<ValidatorUpdate>, TxError> {
        weights::end(ctx)?;
        Ok(vec![])
    }
}
