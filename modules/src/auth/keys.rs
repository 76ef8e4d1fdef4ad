//! Keys of accounts.

use crate::address::Address;
use zektra_state::{StateError, StateRead};

/// Parameters.
pub const PARAMS: &[u8] = b"auth/params";
/// The next account's number, big-endian.
pub const NEXT_NUMBER: &[u8] = b"auth/next";
/// All accounts.
pub const ACCOUNTS: &[u8] = b"auth/account/";
/// All numbers.
pub const NUMBERS: &[u8] = b"auth/number/";

/// All modules with an account.
pub const MODULES: &[u8] = b"auth/module/";

/// `auth/module/` name
pub fn module(name: &str) -> Vec<u8> {
    [MODULES, name.as_bytes()].concat()
}

/// `auth/account/` address
pub fn account(address: &Address) -> Vec<u8> {
    [ACCOUNTS, address.bytes()].concat()
}

/// `auth/number/` number, big-endian
pub fn by_number(number: u64) -> Vec<u8> {
    [NUMBERS, &number.to_be_bytes()].concat()
}

/// A big-endian number; 0 if there is none.
pub(crate) fn read_number(state: &dyn StateRead, key: &[u8]) -> Result<u64, StateError> {
    let Some(bytes) = state.get(key)? else { return Ok(0) };
    let damaged = |_| StateError::Damaged(format!("{} has {} bytes", String::from_utf8_lossy(key), bytes.len()));
    Ok(u64::from_be_bytes(bytes[..].try_into().map_err(damaged)?))
}
