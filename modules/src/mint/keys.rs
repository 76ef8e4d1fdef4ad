//! Keys of minting.

/// Parameters.
pub const PARAMS: &[u8] = b"mint/params";
/// Inflation and yearly provisions as of the last block.
pub const MINTER: &[u8] = b"mint/minter";
