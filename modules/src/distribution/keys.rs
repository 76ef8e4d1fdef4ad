//! Keys of rewards.

use crate::address::Address;

/// Parameters.
pub const PARAMS: &[u8] = b"distribution/params";
/// What belongs to the community.
pub const POOL: &[u8] = b"distribution/pool";
/// Where rewards go that do not go to the delegator.
pub const WITHDRAW: &[u8] = b"distribution/withdraw/";
/// What was not withdrawn yet, by validator: rewards and commission.
pub const OUTSTANDING: &[u8] = b"distribution/outstanding/";
/// Commission that was not withdrawn yet.
pub const COMMISSION: &[u8] = b"distribution/commission/";
/// Rewards of periods that are running.
pub const CURRENT: &[u8] = b"distribution/current/";
/// Rewards of one token from a validator's beginning to the end of a period.
pub const HISTORY: &[u8] = b"distribution/history/";
/// From where the rewards of delegations count.
pub const STARTS: &[u8] = b"distribution/start/";
/// Slashes of validators.
pub const SLASHES: &[u8] = b"distribution/slash/";

/// `distribution/withdraw/` delegator: the address
pub fn withdraw(delegator: &Address) -> Vec<u8> {
    [WITHDRAW, delegator.bytes()].concat()
}

/// `distribution/outstanding/` operator
pub fn outstanding(operator: &Address) -> Vec<u8> {
    [OUTSTANDING, operator.bytes()].concat()
}

/// `distribution/commission/` operator
pub fn commission(operator: &Address) -> Vec<u8> {
    [COMMISSION, operator.bytes()].concat()
}

/// `distribution/current/` operator
pub fn current(operator: &Address) -> Vec<u8> {
    [CURRENT, operator.bytes()].concat()
}

/// `distribution/history/` length of the operator, operator
pub fn histories(operator: &Address) -> Vec<u8> {
    [HISTORY, &operator.prefixed()].concat()
}

/// `distribution/history/` length of the operator, operator, period, big-endian
pub fn history(operator: &Address, period: u64) -> Vec<u8> {
    [&histories(operator)[..], &period.to_be_bytes()].concat()
}

/// `distribution/start/` length of the operator, operator
pub fn starts(operator: &Address) -> Vec<u8> {
    [STARTS, &operator.prefixed()].concat()
}

/// `distribution/start/` length of the operator, operator, delegator
pub fn start(operator: &Address, delegator: &Address) -> Vec<u8> {
    [&starts(operator)[..], delegator.bytes()].concat()
}

/// `distribution/slash/` length of the operator, operator
pub fn slashes(operator: &Address) -> Vec<u8> {
    [SLASHES, &operator.prefixed()].concat()
}

/// `distribution/slash/` length of the operator, operator, height, big-endian
pub fn slashes_from(operator: &Address, height: u64) -> Vec<u8> {
    [&slashes(operator)[..], &height.to_be_bytes()].concat()
}

/// `distribution/slash/` length of the operator, operator, height, period, big-endian
pub fn slash(operator: &Address, height: u64, period: u64) -> Vec<u8> {
    [&slashes_from(operator, height)[..], &period.to_be_bytes()].concat()
}
