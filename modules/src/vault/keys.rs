//! Keys of seats, datasets, grants and sets. Numbers are big-endian.

use crate::address::Address;
use zektra_statement::digest::{Commitment, Fingerprint};

/// Parameters.
pub const PARAMS: &[u8] = b"vault/params";
/// The next dataset's number.
pub const NEXT_DATASET: &[u8] = b"vault/next/dataset";
/// The next grant's number.
pub const NEXT_GRANT: &[u8] = b"vault/next/grant";
/// The next set's number.
pub const NEXT_SET: &[u8] = b"vault/next/set";
/// All seats.
pub const SEATS: &[u8] = b"vault/seat/";
/// Seats by owner.
pub const SEATS_OF: &[u8] = b"vault/seats-of/";
/// All datasets.
pub const DATASETS: &[u8] = b"vault/dataset/";
/// Their schemas.
pub const SCHEMAS: &[u8] = b"vault/schema/";
/// Datasets by owner.
pub const DATASETS_OF: &[u8] = b"vault/datasets-of/";
/// Datasets by object id.
pub const OBJECTS: &[u8] = b"vault/object/";
/// All grants, by dataset.
pub const GRANTS: &[u8] = b"vault/grant/";
/// The datasets of grants.
pub const GRANT_OF: &[u8] = b"vault/grant-of/";
/// Grants that are not withdrawn.
pub const STANDING: &[u8] = b"vault/standing/";
/// All sets.
pub const SETS: &[u8] = b"vault/set/";

/// `vault/seat/` key commitment
pub fn seat(key: &Commitment) -> Vec<u8> {
    [SEATS, &key.to_bytes()].concat()
}

/// `vault/seats-of/` length of the owner, owner
pub fn seats_of(owner: &Address) -> Vec<u8> {
    [SEATS_OF, &owner.prefixed()].concat()
}

/// `vault/seats-of/` length of the owner, owner, key commitment: the byte 1
pub fn seat_of(owner: &Address, key: &Commitment) -> Vec<u8> {
    [&seats_of(owner)[..], &key.to_bytes()].concat()
}

/// `vault/dataset/` number
pub fn dataset(number: u64) -> Vec<u8> {
    [DATASETS, &number.to_be_bytes()].concat()
}

/// `vault/schema/` number of the dataset: TOML
pub fn schema(number: u64) -> Vec<u8> {
    [SCHEMAS, &number.to_be_bytes()].concat()
}

/// `vault/datasets-of/` length of the owner, owner
pub fn datasets_of(owner: &Address) -> Vec<u8> {
    [DATASETS_OF, &owner.prefixed()].concat()
}

/// `vault/datasets-of/` length of the owner, owner, number: the byte 1
pub fn dataset_of(owner: &Address, number: u64) -> Vec<u8> {
    [&datasets_of(owner)[..], &number.to_be_bytes()].concat()
}

/// `vault/object/` object id: the dataset's number, 0 after its draft was dropped
pub fn object(id: &Fingerprint) -> Vec<u8> {
    [OBJECTS, &id.0].concat()
}

/// `vault/grant/` number of the dataset
pub fn grants(dataset: u64) -> Vec<u8> {
    [GRANTS, &dataset.to_be_bytes()].concat()
}

/// `vault/grant/` number of the dataset, number
pub fn grant(dataset: u64, number: u64) -> Vec<u8> {
    [&grants(dataset)[..], &number.to_be_bytes()].concat()
}

/// `vault/grant-of/` number: the number of the dataset
pub fn grant_of(number: u64) -> Vec<u8> {
    [GRANT_OF, &number.to_be_bytes()].concat()
}

/// `vault/standing/` number of the dataset
pub fn all_standing(dataset: u64) -> Vec<u8> {
    [STANDING, &dataset.to_be_bytes()].concat()
}

/// `vault/standing/` number of the dataset, number: the byte 1
pub fn standing(dataset: u64, number: u64) -> Vec<u8> {
    [&all_standing(dataset)[..], &number.to_be_bytes()].concat()
}

/// `vault/set/` number
pub fn set(number: u64) -> Vec<u8> {
    [SETS, &number.to_be_bytes()].concat()
}
