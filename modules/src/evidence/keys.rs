//! Keys of evidence.

/// All evidence.
pub const EVIDENCE: &[u8] = b"evidence/";

/// `evidence/` hash: the evidence and its type
pub fn evidence(hash: &[u8]) -> Vec<u8> {
    [EVIDENCE, hash].concat()
}
