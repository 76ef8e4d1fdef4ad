//! Keys of fee grants.

use crate::address::Address;
use crate::time;
use zektra_proto::Timestamp;

/// All grants.
pub const GRANTS: &[u8] = b"feegrant/grant/";
/// Grants by who pays.
pub const BY_GRANTER: &[u8] = b"feegrant/granter/";
/// Grants by the time at which they end.
pub const QUEUE: &[u8] = b"feegrant/queue/";

/// `feegrant/grant/` length of the grantee, grantee, granter
pub fn grant(granter: &Address, grantee: &Address) -> Vec<u8> {
    [GRANTS, &grantee.prefixed(), granter.bytes()].concat()
}

/// `feegrant/granter/` length of the granter, granter, grantee: the byte 1
pub fn by_granter(granter: &Address, grantee: &Address) -> Vec<u8> {
    [BY_GRANTER, &granter.prefixed(), grantee.bytes()].concat()
}

/// A prefix with all that belongs to an address behind it.
pub fn of(prefix: &[u8], address: &Address) -> Vec<u8> {
    [prefix, &address.prefixed()].concat()
}

/// `feegrant/queue/` seconds, nanoseconds, big-endian, length of the grantee, grantee, granter: the byte 1
pub fn queue(end: &Timestamp, granter: &Address, grantee: &Address) -> Vec<u8> {
    [QUEUE, &time::key(end), &grantee.prefixed(), granter.bytes()].concat()
}

/// The first key of the queue whose grant can still be used at `now`: until its very end it can.
pub fn queue_at(now: &Timestamp) -> Vec<u8> {
    [QUEUE, &time::key(now)].concat()
}
