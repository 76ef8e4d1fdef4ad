//! Keys of reputation.

use crate::address::Address;

/// Parameters.
pub const PARAMS: &[u8] = b"reputation/params";
/// The epoch that runs, big-endian.
pub const EPOCH: &[u8] = b"reputation/epoch";
/// All records.
pub const RECORDS: &[u8] = b"reputation/record/";
/// All work of the epoch that runs.
pub const PENDING: &[u8] = b"reputation/pending/";

/// `reputation/record/` node
pub fn record(node: &Address) -> Vec<u8> {
    [RECORDS, node.bytes()].concat()
}

/// `reputation/pending/` length of the node, node
pub fn pending_of(node: &Address) -> Vec<u8> {
    [PENDING, &node.prefixed()].concat()
}

/// `reputation/pending/` length of the node, node, requester
pub fn pending(node: &Address, requester: &Address) -> Vec<u8> {
    [&pending_of(node)[..], requester.bytes()].concat()
}
