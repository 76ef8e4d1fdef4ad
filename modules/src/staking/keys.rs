//! Keys of validators and delegations.

use crate::address::{Address, split_prefixed};
use crate::time::key as time;
use zektra_proto::Timestamp;

/// Parameters.
pub const PARAMS: &[u8] = b"staking/params";
/// All validators.
pub const VALIDATORS: &[u8] = b"staking/validator/";
/// Operators by consensus address.
pub const BY_CONSENSUS: &[u8] = b"staking/consensus/";
/// Operators of validators that are not jailed, by power.
pub const BY_POWER: &[u8] = b"staking/power/";
/// Voting powers as consensus knows them.
pub const LAST: &[u8] = b"staking/last/";
/// All delegations.
pub const DELEGATIONS: &[u8] = b"staking/delegation/";
/// Delegators by validator.
pub const DELEGATORS: &[u8] = b"staking/delegator/";
/// All unbonding delegations.
pub const UNBONDINGS: &[u8] = b"staking/unbonding/";
/// Delegators of unbonding delegations by validator.
pub const UNBONDING_FROM: &[u8] = b"staking/unbonding-from/";
/// All redelegations.
pub const REDELEGATIONS: &[u8] = b"staking/redelegation/";
/// Redelegations by the validator that they leave.
pub const REDELEGATION_FROM: &[u8] = b"staking/redelegation-from/";
/// Redelegations by the validator that they go to.
pub const REDELEGATION_TO: &[u8] = b"staking/redelegation-to/";
/// Unbonding delegations by the time at which entries end.
pub const UNBONDING_QUEUE: &[u8] = b"staking/queue/unbonding/";
/// Redelegations by the time at which entries end.
pub const REDELEGATION_QUEUE: &[u8] = b"staking/queue/redelegation/";
/// Unbonding validators by time and height.
pub const VALIDATOR_QUEUE: &[u8] = b"staking/queue/validator/";
/// Headers of the last heights.
pub const HISTORY: &[u8] = b"staking/history/";
/// Sets of validators by the height at which they began.
pub const HISTORY_SETS: &[u8] = b"staking/history-set/";
/// A hash of the set that was written last: operators and powers.
pub const HISTORY_SUM: &[u8] = b"staking/history-sum";
/// The next unbonding's number, big-endian.
pub const NEXT_UNBONDING: &[u8] = b"staking/next-unbonding";

/// `staking/validator/` operator
pub fn validator(operator: &Address) -> Vec<u8> {
    [VALIDATORS, operator.bytes()].concat()
}

/// `staking/consensus/` consensus address: the operator
pub fn by_consensus(consensus: &Address) -> Vec<u8> {
    [BY_CONSENSUS, consensus.bytes()].concat()
}

/// `staking/power/` power, big-endian, the operator's bytes inverted: read from behind, the largest power comes first, of
/// equal ones the smaller address; the operator
pub fn by_power(power: u64, operator: &Address) -> Vec<u8> {
    let inverted: Vec<u8> = operator.bytes().iter().map(|b| !b).collect();
    [BY_POWER, &power.to_be_bytes(), &inverted].concat()
}

/// `staking/last/` operator: the voting power, big-endian
pub fn last(operator: &Address) -> Vec<u8> {
    [LAST, operator.bytes()].concat()
}

fn pair(prefix: &[u8], first: &Address, second: &Address) -> Vec<u8> {
    [prefix, &first.prefixed(), second.bytes()].concat()
}

fn triple(prefix: &[u8], first: &Address, second: &Address, third: &Address) -> Vec<u8> {
    [prefix, &first.prefixed(), &second.prefixed(), third.bytes()].concat()
}

/// A prefix with all that belongs to an address behind it.
pub fn of(prefix: &[u8], address: &Address) -> Vec<u8> {
    [prefix, &address.prefixed()].concat()
}

/// `staking/delegation/` length of the delegator, delegator, operator: the shares
pub fn delegation(delegator: &Address, operator: &Address) -> Vec<u8> {
    pair(DELEGATIONS, delegator, operator)
}

/// `staking/delegator/` length of the operator, operator, delegator: the byte 1
pub fn delegator(operator: &Address, delegator: &Address) -> Vec<u8> {
    pair(DELEGATORS, operator, delegator)
}

/// `staking/unbonding/` length of the delegator, delegator, operator
pub fn unbonding(delegator: &Address, operator: &Address) -> Vec<u8> {
    pair(UNBONDINGS, delegator, operator)
}

/// `staking/unbonding-from/` length of the operator, operator, delegator: the byte 1
pub fn unbonding_from(operator: &Address, delegator: &Address) -> Vec<u8> {
    pair(UNBONDING_FROM, operator, delegator)
}

/// `staking/redelegation/` length of the delegator, delegator, length of the source, source, destination
pub fn redelegation(delegator: &Address, source: &Address, destination: &Address) -> Vec<u8> {
    triple(REDELEGATIONS, delegator, source, destination)
}

/// `staking/redelegation-from/` length of the source, source, length of the delegator, delegator, destination: the byte 1
pub fn redelegation_from(source: &Address, delegator: &Address, destination: &Address) -> Vec<u8> {
    triple(REDELEGATION_FROM, source, delegator, destination)
}

/// `staking/redelegation-to/` length of the destination, destination, length of the delegator, delegator, source: the
/// byte 1
pub fn redelegation_to(destination: &Address, delegator: &Address, source: &Address) -> Vec<u8> {
    triple(REDELEGATION_TO, destination, delegator, source)
}

/// `staking/queue/unbonding/` time, length of the delegator, delegator, operator: the byte 1
pub fn unbonding_queue(end: &Timestamp, delegator: &Address, operator: &Address) -> Vec<u8> {
    pair(&[UNBONDING_QUEUE, &time(end)].concat(), delegator, operator)
}

/// `staking/queue/redelegation/` time, length of the delegator, delegator, length of the source, source, destination: the
/// byte 1
pub fn redelegation_queue(end: &Timestamp, of: [&Address; 3]) -> Vec<u8> {
    triple(&[REDELEGATION_QUEUE, &time(end)].concat(), of[0], of[1], of[2])
}

/// `staking/queue/validator/` time, height, big-endian, operator: the byte 1
pub fn validator_queue(end: &Timestamp, height: u64, operator: &Address) -> Vec<u8> {
    [VALIDATOR_QUEUE, &time(end), &height.to_be_bytes(), operator.bytes()].concat()
}

/// The first key of a queue that is not ended at `now`.
pub fn queue_end(queue: &[u8], now: &Timestamp) -> Vec<u8> {
    // No key has exactly this length, so all of this very time come before it or after all of it.
    let mut after = time(now);
    for byte in after.iter_mut().rev() {
        let (next, carry) = byte.overflowing_add(1);
        *byte = next;
        if !carry {
            break;
        }
    }
    [queue, &after].concat()
}

/// `staking/history/` height, big-endian: the header
pub fn history(height: u64) -> Vec<u8> {
    [HISTORY, &height.to_be_bytes()].concat()
}

/// `staking/history-set/` height, big-endian: the validators
pub fn history_set(height: u64) -> Vec<u8> {
    [HISTORY_SETS, &height.to_be_bytes()].concat()
}

/// Two addresses of a key, the first behind its length.
pub fn split_pair(rest: &[u8]) -> Option<(Address, Address)> {
    let (first, rest) = split_prefixed(rest)?;
    Some((first, Address::new(rest.to_vec()).ok()?))
}

/// Three addresses of a key, the first two behind their lengths.
pub fn split_triple(rest: &[u8]) -> Option<[Address; 3]> {
    let (first, rest) = split_prefixed(rest)?;
    let (second, third) = split_pair(rest)?;
    Some([first, second, third])
}
