//! Keys of circuits, summaries and credits.

use crate::address::Address;

/// Parameters.
pub const PARAMS: &[u8] = b"proofs/params";
/// All circuits.
pub const CIRCUITS: &[u8] = b"proofs/circuit/";
/// All verifier keys.
pub const VERIFIER_KEYS: &[u8] = b"proofs/key/";
/// The proofs of all blocks that had some.
pub const SUMMARIES: &[u8] = b"proofs/summary/";
/// The root over all proofs that were accepted.
pub const ROOT: &[u8] = b"proofs/root";
/// What validators were credited with in this epoch.
pub const CREDITS: &[u8] = b"proofs/credit/";

/// `proofs/circuit/` digest
pub fn circuit(digest: &[u8]) -> Vec<u8> {
    [CIRCUITS, digest].concat()
}

/// `proofs/key/` binary logarithm of the links' rows
pub fn verifier_key(rows_log2: u8) -> Vec<u8> {
    [VERIFIER_KEYS, &[rows_log2]].concat()
}

/// `proofs/summary/` height, big-endian
pub fn summary(height: u64) -> Vec<u8> {
    [SUMMARIES, &height.to_be_bytes()].concat()
}

/// `proofs/credit/` the validator's operator: units, big-endian
pub fn credit(operator: &Address) -> Vec<u8> {
    [CREDITS, operator.bytes()].concat()
}
