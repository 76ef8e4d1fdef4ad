//! Circuits and credits of a genesis file.

use super::{NAME, credits, handler, keys, params, verifier_keys};
use crate::address::Prefix;
use crate::context::{Context, load_all, save};
use crate::module::{GenesisError, failed, read_genesis};
use serde_json::Value;
use std::collections::BTreeSet;
use zektra_proto::json;
use zektra_proto::proofs::v1::{Circuit, CircuitKind, CircuitStatus, Credit, GenesisState, Params, VerifierKey};
use zektra_state::StateRead;
use zektra_statement::digest::Commitment;
use zektra_statement::payload::{FLOORS, payload};
use zektra_statement::template::Template;
use zektra_verify::envelope::SYSTEM;
use zektra_verify::known::{Known, Trusted};
use zektra_verify::pinned;

/// Verification units of a wrap: one is about a hundredth of a second of one core.
const COST: u64 = 1;

/// The circuits that this program knows, all of them active, and all keys of theirs.
pub fn default() -> Value {
    let params = Params {
        max_section_bytes: 4 << 20,
        max_section_cost: 32,
        max_proof_bytes: 512 << 10,
        epoch_blocks: 17_280,
        training_bonus: 1250,
    };
    let known = Trusted::pinned();
    let seals = known.seals().iter().map(|k| line(&k.to_string(), CircuitKind::Seal, &k.digest, 0, 0));
    let circuits = known.known().iter().map(job).chain(seals).collect();
    let verifier_keys = pinned::sizes().filter_map(|rows_log2| {
        let id = pinned::wrap_id(rows_log2).0.to_vec().into();
        Some(VerifierKey { id, system: SYSTEM.into(), rows_log2, key: pinned::file(rows_log2)?.into() })
    });
    let state = GenesisState {
        params: Some(params),
        circuits,
        verifier_keys: verifier_keys.collect(),
        ..GenesisState::default()
    };
    json::write(&state).expect("a genesis state is served")
}

/// A line of the registry out of one that this program knows.
fn line(shown: &str, kind: CircuitKind, digest: &Commitment, units: u64, max_iterations: u32) -> Circuit {
    // Behind the kind and the digest.
    let shape = shown.splitn(3, ' ').nth(2).unwrap_or_default().to_string();
    let digest = digest.to_bytes().to_vec().into();
    let status = CircuitStatus::Active.into();
    Circuit { digest, kind: kind.into(), shape, units, cost: COST, status, max_iterations }
}

fn job(known: &Known) -> Circuit {
    // Products of an iteration: what a step computes.
    let table = known.template.compile().expect("circuits are built from a table");
    let products = table.phases.iter().flat_map(|p| &p.openings).map(|o| o.products.len() as u64).sum();
    line(&known.to_string(), CircuitKind::Training, &known.digest, products, max_iterations(known))
}

/// Iterations up to which hiding stays above the floors.
fn max_iterations(known: &Known) -> u32 {
    let enough = |iterations: u32| {
        let params = zektra_statement::template::Params { iterations, ..known.template.params };
        let payload = payload(&Template { params, ..known.template }, known.members);
        let found = payload.hiding(known.members, 1);
        let pairs = [
            (found.opening_worst, FLOORS.opening_worst),
            (found.opening_honest, FLOORS.opening_honest),
            (found.job_worst, FLOORS.job_worst),
            (found.job_honest, FLOORS.job_honest),
        ];
        payload.expansion <= 2.0 && pairs.iter().all(|(bits, floor)| bits >= floor)
    };
    // More iterations never hide more.
    let (mut below, mut above) = (0, 4097);
    while below + 1 < above {
        let middle = (below + above) / 2;
        if enough(middle) {
            below = middle;
        } else {
            above = middle;
        }
    }
    below
}

pub fn check(genesis: &Value, prefix: &Prefix) -> Result<(), GenesisError> {
    let state: GenesisState = read_genesis(NAME, genesis)?;
    let params = state.params.ok_or_else(|| GenesisError::new("proofs.params", "nothing", "the parameters"))?;
    handler::check(&params).map_err(|e| GenesisError::new("proofs.params", e, "parameters in range"))?;
    let mut known = BTreeSet::new();
    for (k, circuit) in state.circuits.iter().enumerate() {
        let field = format!("proofs.circuits[{k}]");
        handler::check_circuit(circuit)
            .map_err(|e| GenesisError::new(&field, e, "circuits that this program knows"))?;
        if !known.insert(&circuit.digest) {
            return Err(GenesisError::new(field, hex::encode(&circuit.digest), "each digest once"));
        }
    }
    for (k, key) in state.verifier_keys.iter().enumerate() {
        let field = |name: &str| format!("proofs.verifier_keys[{k}].{name}");
        if pinned::file(key.rows_log2).is_none_or(|file| file[..] != key.key[..]) {
            return Err(GenesisError::new(field("key"), "another key", "the one that this program verifies with"));
        }
        if pinned::wrap_id(key.rows_log2).0[..] != key.id[..] {
            return Err(GenesisError::new(field("id"), hex::encode(&key.id), "the id of the circuit"));
        }
    }
    for (k, credit) in state.credits.iter().enumerate() {
        let field = format!("proofs.credits[{k}].validator_address");
        let text = &credit.validator_address;
        prefix.parse_operator(text).map_err(|e| GenesisError::new(field, text, format!("an operator: {e}")))?;
    }
    for (k, summary) in state.summaries.iter().enumerate() {
        if summary.root.len() != 32 || summary.height == 0 {
            let field = format!("proofs.summaries[{k}]");
            return Err(GenesisError::new(field, summary.height, "a height and a root of 32 bytes"));
        }
    }
    Ok(())
}

pub fn init(ctx: &mut Context<'_>, genesis: &Value) -> Result<(), GenesisError> {
    let state: GenesisState = read_genesis(NAME, genesis)?;
    save(ctx.state, keys::PARAMS.to_vec(), &state.params.unwrap_or_default()).map_err(failed(NAME))?;
    for circuit in &state.circuits {
        save(ctx.state, keys::circuit(&circuit.digest), circuit).map_err(failed(NAME))?;
    }
    for key in &state.verifier_keys {
        let rows_log2 = u8::try_from(key.rows_log2).map_err(failed(NAME))?;
        save(ctx.state, keys::verifier_key(rows_log2), key).map_err(failed(NAME))?;
    }
    for credit in &state.credits {
        let operator = ctx.prefix.parse_operator(&credit.validator_address).map_err(failed(NAME))?;
        let units = credit.units.to_be_bytes().to_vec();
        ctx.state.put(keys::credit(&operator), units).map_err(failed(NAME))?;
    }
    for summary in &state.summaries {
        save(ctx.state, keys::summary(summary.height), summary).map_err(failed(NAME))?;
    }
    Ok(())
}

pub fn export(state: &dyn StateRead, prefix: &Prefix) -> Result<Value, GenesisError> {
    let credit = |(operator, units)| Credit { validator_address: prefix.operator_text(&operator), units };
    let out = GenesisState {
        params: Some(params(state).map_err(failed(NAME))?),
        circuits: load_all(state, keys::CIRCUITS).map_err(failed(NAME))?,
        verifier_keys: verifier_keys(state).map_err(failed(NAME))?,
        credits: credits(state).map_err(failed(NAME))?.into_iter().map(credit).collect(),
        summaries: load_all(state, keys::SUMMARIES).map_err(failed(NAME))?,
    };
    json::write(&out).map_err(failed(NAME))
}
