//! Keys of balances.

use crate::address::Address;

/// Parameters.
pub const PARAMS: &[u8] = b"bank/params";
/// All balances.
pub const BALANCES: &[u8] = b"bank/balance/";
/// What there is of each denomination.
pub const SUPPLY: &[u8] = b"bank/supply/";
/// Who holds what, by denomination.
pub const OWNERS: &[u8] = b"bank/owner/";
/// Descriptions of denominations.
pub const METADATA: &[u8] = b"bank/metadata/";
/// Denominations that can be sent, or not.
pub const SEND_ENABLED: &[u8] = b"bank/send/";

/// `bank/balance/` length of the address, address, denomination: the amount in decimal digits
pub fn balance(address: &Address, denom: &str) -> Vec<u8> {
    [BALANCES, &address.prefixed(), denom.as_bytes()].concat()
}

/// `bank/balance/` length of the address, address
pub fn balances(address: &Address) -> Vec<u8> {
    [BALANCES, &address.prefixed()].concat()
}

/// `bank/supply/` denomination: the amount in decimal digits
pub fn supply(denom: &str) -> Vec<u8> {
    [SUPPLY, denom.as_bytes()].concat()
}

/// `bank/owner/` denomination, 0, address: the byte 1
pub fn owner(denom: &str, address: &Address) -> Vec<u8> {
    [&owners(denom), address.bytes()].concat()
}

/// `bank/owner/` denomination, 0
pub fn owners(denom: &str) -> Vec<u8> {
    [OWNERS, denom.as_bytes(), &[0]].concat()
}

/// `bank/metadata/` denomination
pub fn metadata(denom: &str) -> Vec<u8> {
    [METADATA, denom.as_bytes()].concat()
}

/// `bank/send/` denomination: 1 or 0
pub fn send_enabled(denom: &str) -> Vec<u8> {
    [SEND_ENABLED, denom.as_bytes()].concat()
}
