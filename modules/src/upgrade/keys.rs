//! Keys of upgrades.

/// `upgrade/plan`
pub const PLAN: &[u8] = b"upgrade/plan";
/// Upgrades that were made.
pub const DONE: &[u8] = b"upgrade/done/";
/// Versions of modules.
pub const VERSIONS: &[u8] = b"upgrade/version/";

/// `upgrade/done/` height, big-endian, name: the byte 1
pub fn done(height: u64, name: &str) -> Vec<u8> {
    [DONE, &height.to_be_bytes(), name.as_bytes()].concat()
}

/// `upgrade/version/` module: the version, big-endian
pub fn version(module: &str) -> Vec<u8> {
    [VERSIONS, module.as_bytes()].concat()
}
