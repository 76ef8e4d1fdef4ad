//! Keys of proposals.

use crate::address::Address;
use crate::time::key as time;
use zektra_proto::Timestamp;

/// Parameters.
pub const PARAMS: &[u8] = b"gov/params";
/// The constitution, as text.
pub const CONSTITUTION: &[u8] = b"gov/constitution";
/// The next proposal's number, big-endian.
pub const NEXT: &[u8] = b"gov/next";
/// All proposals.
pub const PROPOSALS: &[u8] = b"gov/proposal/";
/// Proposals that are voted on.
pub const VOTING: &[u8] = b"gov/voting/";
/// All deposits.
pub const DEPOSITS: &[u8] = b"gov/deposit/";
/// All votes.
pub const VOTES: &[u8] = b"gov/vote/";
/// Proposals that are voted on, by the time at which the vote ends.
pub const ACTIVE: &[u8] = b"gov/queue/active/";
/// Proposals that wait for deposits, by the time at which they have waited enough.
pub const INACTIVE: &[u8] = b"gov/queue/inactive/";

/// `gov/proposal/` number, big-endian
pub fn proposal(id: u64) -> Vec<u8> {
    [PROPOSALS, &id.to_be_bytes()].concat()
}

/// `gov/voting/` number, big-endian: the byte 1
pub fn voting(id: u64) -> Vec<u8> {
    [VOTING, &id.to_be_bytes()].concat()
}

/// `gov/deposit/` number, big-endian
pub fn deposits(id: u64) -> Vec<u8> {
    [DEPOSITS, &id.to_be_bytes()].concat()
}

/// `gov/deposit/` number, big-endian, depositor
pub fn deposit(id: u64, depositor: &Address) -> Vec<u8> {
    [&deposits(id), depositor.bytes()].concat()
}

/// `gov/vote/` number, big-endian
pub fn votes(id: u64) -> Vec<u8> {
    [VOTES, &id.to_be_bytes()].concat()
}

/// `gov/vote/` number, big-endian, voter
pub fn vote(id: u64, voter: &Address) -> Vec<u8> {
    [&votes(id), voter.bytes()].concat()
}

/// `gov/queue/active/` or `gov/queue/inactive/` time, number, big-endian: the byte 1
pub fn queued(queue: &[u8], end: &Timestamp, id: u64) -> Vec<u8> {
    [queue, &time(end), &id.to_be_bytes()].concat()
}
