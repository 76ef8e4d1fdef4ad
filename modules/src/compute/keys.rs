//! Keys of compute nodes.

use crate::address::Address;

/// Parameters.
pub const PARAMS: &[u8] = b"compute/params";
/// The epoch that runs, big-endian.
pub const EPOCH: &[u8] = b"compute/epoch";
/// Units assigned in the epoch that runs, big-endian.
pub const UNITS: &[u8] = b"compute/units";
/// All nodes.
pub const NODES: &[u8] = b"compute/node/";
/// Leaving nodes without jobs, by the height from which their bond can be returned.
pub const LEAVING: &[u8] = b"compute/leaving/";

/// `compute/node/` operator
pub fn node(operator: &Address) -> Vec<u8> {
    [NODES, operator.bytes()].concat()
}

/// `compute/leaving/` height, big-endian, operator: the byte 1
pub fn leaving(height: u64, operator: &Address) -> Vec<u8> {
    [LEAVING, &height.to_be_bytes(), operator.bytes()].concat()
}
