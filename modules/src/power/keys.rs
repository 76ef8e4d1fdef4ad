//! Keys of multipliers.

use crate::address::Address;

/// Parameters.
pub const PARAMS: &[u8] = b"power/params";
/// All multipliers.
pub const MULTIPLIERS: &[u8] = b"power/multiplier/";

/// `power/multiplier/` length of the operator, operator
pub fn of(operator: &Address) -> Vec<u8> {
    [MULTIPLIERS, &operator.prefixed()].concat()
}

/// `power/multiplier/` length of the operator, operator, the height from which it holds, big-endian: the multiplier in
/// basis points, and the time at which it was set
pub fn multiplier(operator: &Address, from: u64) -> Vec<u8> {
    [&of(operator)[..], &from.to_be_bytes()].concat()
}
