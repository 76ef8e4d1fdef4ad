//! Keys of jobs.

use crate::address::Address;

/// The rules.
pub const RULES: &[u8] = b"training/rules";
/// The next job's number, big-endian.
pub const NEXT: &[u8] = b"training/next";
/// All jobs.
pub const JOBS: &[u8] = b"training/job/";
/// Parts of proofs that were accepted.
pub const PARTS: &[u8] = b"training/part/";
/// Jobs by the height at which something must have happened.
pub const DUE: &[u8] = b"training/due/";
/// Jobs by their parties.
pub const PARTIES: &[u8] = b"training/party/";
/// Locked jobs that are not over, by their datasets.
pub const DATASETS: &[u8] = b"training/dataset/";

/// `training/job/` number, big-endian
pub fn job(number: u64) -> Vec<u8> {
    [JOBS, &number.to_be_bytes()].concat()
}

/// `training/part/` number, big-endian, `/`
pub fn parts(number: u64) -> Vec<u8> {
    [PARTS, &number.to_be_bytes(), b"/"].concat()
}

/// `training/part/` number, big-endian, `/` iteration, big-endian
pub fn part(number: u64, iteration: u64) -> Vec<u8> {
    [&parts(number)[..], &iteration.to_be_bytes()].concat()
}

/// `training/due/` height, big-endian, `/` number, big-endian
pub fn due(height: u64, number: u64) -> Vec<u8> {
    [DUE, &height.to_be_bytes(), b"/", &number.to_be_bytes()].concat()
}

/// `training/due/` the height after this one, big-endian: where what is due at this one ends
pub fn due_end(height: u64) -> Vec<u8> {
    [DUE, &height.saturating_add(1).to_be_bytes()].concat()
}

/// `training/party/` length of the address, address
pub fn of_party(party: &Address) -> Vec<u8> {
    [PARTIES, &party.prefixed()].concat()
}

/// `training/party/` length of the address, address, number, big-endian
pub fn party(party: &Address, number: u64) -> Vec<u8> {
    [&of_party(party)[..], &number.to_be_bytes()].concat()
}

/// `training/dataset/` dataset, big-endian, `/`
pub fn of_dataset(dataset: u64) -> Vec<u8> {
    [DATASETS, &dataset.to_be_bytes(), b"/"].concat()
}

/// `training/dataset/` dataset, big-endian, `/` number, big-endian
pub fn dataset(dataset: u64, number: u64) -> Vec<u8> {
    [&of_dataset(dataset)[..], &number.to_be_bytes()].concat()
}
