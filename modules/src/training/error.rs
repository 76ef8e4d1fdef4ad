//! Errors of codespace `training`.

use super::NAME;
use crate::error::TxError;

/// The module's errors with their codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Training {
    UnknownJob = 2,
    WrongStatus = 3,
    NotTheNode = 4,
    NotThisMember = 5,
    WrongSeat = 6,
    WrongRecord = 7,
    NotListed = 8,
    TooExpensive = 9,
    TooFewRows = 10,
    WrongCircuits = 11,
    TooManyIterations = 12,
    WrongDigest = 13,
    WrongRoots = 14,
    Joined = 15,
    NothingNew = 16,
    OutOfOrder = 17,
    WrongOffline = 18,
    WrongStates = 19,
    NoGrant = 20,
    WrongRelease = 21,
    Released = 22,
    TooManyStalls = 23,
    NothingOwed = 24,
    WrongDeadline = 25,
    ReleaseFits = 26,
    WrongReleaseKey = 27,
    TooLarge = 28,
}

impl Training {
    fn text(self) -> &'static str {
        match self {
            Self::UnknownJob => "there is no such job",
            Self::WrongStatus => "the job's status does not allow it",
            Self::NotTheNode => "the job is assigned to another node",
            Self::NotThisMember => "the seat is another account's",
            Self::WrongSeat => "not a seat that can take part",
            Self::WrongRecord => "the job's record contradicts itself",
            Self::NotListed => "the listing does not offer this",
            Self::TooExpensive => "the price is above the limit",
            Self::TooFewRows => "the datasets have too few rows",
            Self::WrongCircuits => "the circuits do not prove such jobs",
            Self::TooManyIterations => "the circuits hide enough for fewer iterations only",
            Self::WrongDigest => "the record is another than the one that was checked",
            Self::WrongRoots => "not one root for each dataset of others",
            Self::Joined => "the member has joined already",
            Self::NothingNew => "the proof shows nothing new",
            Self::OutOfOrder => "the proof shows more iterations than the job has",
            Self::WrongOffline => "not the offline shares that were made for the job",
            Self::WrongStates => "the states are not those that the proof ends with",
            Self::NoGrant => "a dataset may not be used any more",
            Self::WrongRelease => "not a release of this job's form",
            Self::Released => "the member has released its share already",
            Self::TooManyStalls => "the node has said so too often",
            Self::NothingOwed => "the member owes nothing",
            Self::WrongDeadline => "the deadline is too early or too late",
            Self::ReleaseFits => "the release opens its commitment: there is nothing to dispute",
            Self::WrongReleaseKey => "not the release key of this job",
            Self::TooLarge => "the job is too large for the time of a part",
        }
    }

    /// The error alone.
    pub fn bare(self) -> TxError {
        TxError { codespace: NAME, code: self as u32, log: self.text().into() }
    }

    /// The error with what happened in front of it.
    pub fn wrap(self, what: impl std::fmt::Display) -> TxError {
        self.bare().within(what)
    }
}
