//! Keys of the market.

use crate::address::Address;

/// Parameters.
pub const PARAMS: &[u8] = b"market/params";
/// The number that the next listing gets, big-endian.
pub const NEXT: &[u8] = b"market/next";
/// The epoch that runs, big-endian.
pub const EPOCH: &[u8] = b"market/epoch";
/// All listings.
pub const LISTINGS: &[u8] = b"market/listing/";
/// Listings by seller.
pub const SELLERS: &[u8] = b"market/seller/";
/// Demand for datasets.
pub const DEMANDS: &[u8] = b"market/demand/";
/// All escrows.
pub const ESCROWS: &[u8] = b"market/escrow/";
/// All payouts.
pub const PAYOUTS: &[u8] = b"market/payout/";
/// Credits of all accounts.
pub const CREDITS: &[u8] = b"market/credits/";

/// `market/listing/` number, big-endian
pub fn listing(number: u64) -> Vec<u8> {
    [LISTINGS, &number.to_be_bytes()].concat()
}

/// `market/seller/` length of the seller, seller
pub fn of_seller(seller: &Address) -> Vec<u8> {
    [SELLERS, &seller.prefixed()].concat()
}

/// `market/seller/` length of the seller, seller, number, big-endian: the byte 1
pub fn seller(seller: &Address, number: u64) -> Vec<u8> {
    [&of_seller(seller)[..], &number.to_be_bytes()].concat()
}

/// `market/demand/` dataset, big-endian
pub fn demand(dataset: u64) -> Vec<u8> {
    [DEMANDS, &dataset.to_be_bytes()].concat()
}

/// `market/escrow/` job, big-endian
pub fn escrow(job: u64) -> Vec<u8> {
    [ESCROWS, &job.to_be_bytes()].concat()
}

/// `market/payout/` job, big-endian
pub fn payouts(job: u64) -> Vec<u8> {
    [PAYOUTS, &job.to_be_bytes()].concat()
}

/// `market/payout/` job, number, both big-endian
pub fn payout(job: u64, number: u64) -> Vec<u8> {
    [&payouts(job)[..], &number.to_be_bytes()].concat()
}

/// `market/credits/` account
pub fn credits(account: &Address) -> Vec<u8> {
    [CREDITS, account.bytes()].concat()
}
