//! Keys of authorizations.

use crate::address::Address;
use crate::time;
use zektra_proto::Timestamp;

/// All grants.
pub const GRANTS: &[u8] = b"authz/grant/";
/// Grants by who may use them.
pub const BY_GRANTEE: &[u8] = b"authz/grantee/";
/// Grants by the time at which they end.
pub const QUEUE: &[u8] = b"authz/queue/";

/// `authz/grant/` length of the granter, granter, length of the grantee, grantee, the message's type with its slash
pub fn grant(granter: &Address, grantee: &Address, url: &str) -> Vec<u8> {
    [&between(granter, grantee), url.as_bytes()].concat()
}

/// `authz/grant/` length of the granter, granter, length of the grantee, grantee
pub fn between(granter: &Address, grantee: &Address) -> Vec<u8> {
    [GRANTS, &granter.prefixed(), &grantee.prefixed()].concat()
}

/// `authz/grantee/` length of the grantee, grantee, length of the granter, granter, the message's type: the byte 1
pub fn by_grantee(granter: &Address, grantee: &Address, url: &str) -> Vec<u8> {
    [BY_GRANTEE, &grantee.prefixed(), &granter.prefixed(), url.as_bytes()].concat()
}

/// A prefix with all that belongs to an address behind it.
pub fn of(prefix: &[u8], address: &Address) -> Vec<u8> {
    [prefix, &address.prefixed()].concat()
}

/// `authz/queue/` seconds, nanoseconds, big-endian, length of the granter, granter, length of the grantee, grantee, the
/// message's type: the byte 1
pub fn queue(end: &Timestamp, granter: &Address, grantee: &Address, url: &str) -> Vec<u8> {
    [QUEUE, &time::key(end), &granter.prefixed(), &grantee.prefixed(), url.as_bytes()].concat()
}

/// The first key of the queue whose grant can still be used at `now`: until its very end it can.
pub fn queue_at(now: &Timestamp) -> Vec<u8> {
    [QUEUE, &time::key(now)].concat()
}
