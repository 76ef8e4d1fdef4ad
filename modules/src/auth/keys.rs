//! Keys of accounts.

use crate::address::Address;

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
