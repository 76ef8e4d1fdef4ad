//! Whether a proof shows what the chain expects of it.

use super::error::Proofs;
use super::{Accepted, circuit, keys, memo, params, trusted};
use crate::context::{load, load_all};
use crate::error::TxError;
use sha2::{Digest as _, Sha256};
use zektra_proto::proofs::v1::{Circuit, CircuitKind, CircuitStatus, VerifierKey};
use zektra_state::StateRead;
use zektra_statement::digest::Fingerprint;
use zektra_statement::record::{Dataset, Job};
use zektra_verify::envelope::{Envelope, envelope_fits};
use zektra_verify::known::{KnownSeal, Trusted};
use zektra_verify::part::{First, Part, verify_part};
use zektra_verify::pinned;
use zektra_verify::seal::verify_seal;

/// Reads a proof's bytes, checking all that can be said without a state: size, system, circuit, form.
///
/// # Errors
/// What is wrong with them.
pub fn read(bytes: &[u8], rows_log2: u32) -> Result<Envelope, TxError> {
    let rows = u8::try_from(rows_log2).map_err(|_| Proofs::WrongForm.wrap(format!("rows_log2 {rows_log2}")))?;
    let envelope = Envelope::decode(bytes).map_err(|e| Proofs::WrongForm.wrap(format!("proof: {e}")))?;
    envelope_fits(&envelope, rows).map_err(|e| Proofs::WrongForm.wrap(format!("proof: {e}")))?;
    Ok(envelope)
}

/// What must be right in the state before a proof of these circuits is verified.
fn accepted(
    state: &dyn StateRead,
    digest: &[u8],
    kind: CircuitKind,
    rows_log2: u8,
    bytes: &[u8],
) -> Result<(Accepted, Trusted), TxError> {
    let most = params(state)?.max_proof_bytes;
    if bytes.len() as u64 > most {
        return Err(Proofs::TooLarge.wrap(format!("{} bytes, expected at most {most}", bytes.len())));
    }
    let name = || hex::encode(digest);
    let found = circuit(state, digest)?.ok_or_else(|| Proofs::UnknownCircuit.wrap(name()))?;
    if found.kind() != kind {
        return Err(Proofs::WrongShape.wrap(format!("{} is {}", name(), found.kind().as_str_name())));
    }
    if found.status() == CircuitStatus::Tombstoned {
        return Err(Proofs::Tombstoned.wrap(name()));
    }
    let key = load::<VerifierKey>(state, &keys::verifier_key(rows_log2))?;
    let known = key.filter(|k| pinned::file(u32::from(rows_log2)).is_some_and(|file| file[..] == k.key[..]));
    known.ok_or_else(|| Proofs::UnknownKey.wrap(format!("2^{rows_log2} rows")))?;
    let trusted = trusted(&found)?;
    Ok((Accepted { circuit: found, hash: Sha256::digest(bytes).into() }, trusted))
}

/// Verifies the proof of a part of a job; `bytes` is its envelope as it was sent.
///
/// # Errors
/// The circuits take no proofs; the proof shows something else.
pub fn check_part(
    state: &dyn StateRead,
    job: &Job,
    roots: &[Fingerprint],
    node: &Fingerprint,
    part: &Part,
    first: Option<&First>,
    bytes: &[u8],
) -> Result<Accepted, TxError> {
    let digest = job.circuits.map(|c| c.to_bytes().to_vec()).unwrap_or_default();
    let (accepted, trusted) = accepted(state, &digest, CircuitKind::Training, part.rows_log2, bytes)?;
    let mut question = Sha256::new().chain_update(b"part").chain_update(job.lock_id(roots).0).chain_update(node.0);
    question.update(part.iteration.to_be_bytes());
    for c in [&part.tile_top, &part.made, &part.used, &part.state] {
        question.update(c.to_bytes());
    }
    match first {
        Some(First { tile_top, made }) => question.update([tile_top.to_bytes(), made.to_bytes()].concat()),
        None => question.update(b"first"),
    }
    question.update([part.rows_log2]);
    question.update(accepted.circuit.shape.as_bytes());
    question.update(accepted.hash);
    let found = memo::answer(question.finalize().into(), || {
        verify_part(job, roots, node, part, first, &trusted).map(drop).map_err(|e| e.to_string())
    });
    found.map(|()| accepted).map_err(|e| Proofs::Invalid.wrap(e))
}

/// Verifies that all tiles of a dataset are valid, with the active circuits that are for its bounds; `bytes` is the
/// proof's envelope as it was sent.
///
/// # Errors
/// No circuits are for such datasets; the proof shows something else.
pub fn check_seal(
    state: &dyn StateRead,
    chain_id: &str,
    dataset: &Dataset,
    rows_log2: u32,
    bytes: &[u8],
) -> Result<Accepted, TxError> {
    let proof = read(bytes, rows_log2)?;
    let bounds = KnownSeal::bounds_of(dataset);
    let digest = seal_of(state, bounds, rows_log2)?.ok_or_else(|| {
        let [columns, blocks, classes, scale_x, scale_r, row_norm, range] = bounds;
        Proofs::UnknownCircuit.wrap(format!(
            "seals of datasets with rows_log2={rows_log2} columns={columns} blocks={blocks} classes={classes} \
             scale_x={scale_x} scale_r={scale_r} row_norm={row_norm} range={range}"
        ))
    })?;
    let rows_log2 = u8::try_from(rows_log2).map_err(|_| Proofs::WrongForm.wrap(format!("rows_log2 {rows_log2}")))?;
    let (accepted, trusted) = accepted(state, &digest, CircuitKind::Seal, rows_log2, bytes)?;
    let mut question = Sha256::new().chain_update(b"seal").chain_update((chain_id.len() as u64).to_be_bytes());
    question.update(chain_id);
    question.update(dataset.digest().0);
    question.update([rows_log2]);
    question.update(accepted.circuit.shape.as_bytes());
    question.update(accepted.hash);
    let found = memo::answer(question.finalize().into(), || {
        verify_seal(chain_id, dataset, &proof, rows_log2, &trusted).map_err(|e| e.to_string())
    });
    found.map(|()| accepted).map_err(|e| Proofs::Invalid.wrap(e))
}

/// The digest of the active circuits for seals of these bounds: there are few of them.
fn seal_of(state: &dyn StateRead, bounds: [u32; 7], rows_log2: u32) -> Result<Option<Vec<u8>>, TxError> {
    for circuit in load_all::<Circuit>(state, keys::CIRCUITS)? {
        let usable = circuit.kind() == CircuitKind::Seal && circuit.status() == CircuitStatus::Active;
        let fits = |k: &KnownSeal| (k.bounds, k.rows_log2) == (bounds, rows_log2);
        if usable && trusted(&circuit)?.seals().iter().any(fits) {
            return Ok(Some(circuit.digest.to_vec()));
        }
    }
    Ok(None)
}
