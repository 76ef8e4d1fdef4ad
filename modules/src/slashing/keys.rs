//! Keys of what is kept of signatures.

use crate::address::{Address, split_prefixed};

/// Parameters.
pub const PARAMS: &[u8] = b"slashing/params";
/// All signing info.
pub const SIGNING_INFOS: &[u8] = b"slashing/info/";
/// All missed blocks.
pub const MISSED: &[u8] = b"slashing/missed/";

/// `slashing/info/` consensus address
pub fn signing_info(consensus: &Address) -> Vec<u8> {
    [SIGNING_INFOS, consensus.bytes()].concat()
}

/// `slashing/missed/` length of the consensus address, consensus address
pub fn missed_of(consensus: &Address) -> Vec<u8> {
    [MISSED, &consensus.prefixed()].concat()
}

/// `slashing/missed/` length of the consensus address, consensus address, chunk, big-endian: its bits, the lowest bit of
/// the first byte first, without zero bytes at the end
pub fn missed(consensus: &Address, chunk: u64) -> Vec<u8> {
    [&missed_of(consensus)[..], &chunk.to_be_bytes()].concat()
}

/// Whose missed blocks a key below [`MISSED`] holds, and which chunk of them.
pub fn split_missed(rest: &[u8]) -> Option<(Address, u64)> {
    let (consensus, chunk) = split_prefixed(rest)?;
    Some((consensus, u64::from_be_bytes(chunk.try_into().ok()?)))
}
