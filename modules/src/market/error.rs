//! Errors of codespace `market`.

use super::NAME;
use crate::error::TxError;

/// The module's errors with their codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Market {
    InvalidField = 2,
    InvalidTier = 3,
    InvalidSchedule = 4,
    ListingUnknown = 5,
    TierUnknown = 6,
    NotSeller = 7,
    ListingClosed = 8,
    ListingOpen = 9,
    NoNotice = 10,
    NotPriced = 11,
    InvalidPasses = 12,
    InvalidParts = 13,
    EscrowUnknown = 14,
    EscrowExists = 15,
    EscrowClosed = 16,
    EscrowTooSmall = 17,
    TooFewCredits = 18,
    InvalidParams = 19,
}

impl Market {
    fn text(self) -> &'static str {
        match self {
            Self::InvalidField => "invalid field",
            Self::InvalidTier => "invalid tier",
            Self::InvalidSchedule => "invalid schedule",
            Self::ListingUnknown => "no such listing",
            Self::TierUnknown => "no such tier",
            Self::NotSeller => "the listing is another's",
            Self::ListingClosed => "the listing is closed",
            Self::ListingOpen => "the listing is open",
            Self::NoNotice => "a higher rate needs notice",
            Self::NotPriced => "the tier has no rate yet",
            Self::InvalidPasses => "invalid number of passes",
            Self::InvalidParts => "invalid parts",
            Self::EscrowUnknown => "the job has no escrow",
            Self::EscrowExists => "the job has an escrow",
            Self::EscrowClosed => "the escrow is closed",
            Self::EscrowTooSmall => "the escrow is too small",
            Self::TooFewCredits => "too few credits",
            Self::InvalidParams => "invalid parameters",
        }
    }

    /// The error with what happened in front of it.
    pub fn wrap(self, what: impl std::fmt::Display) -> TxError {
        TxError { codespace: NAME, code: self as u32, log: format!("{what}: {}", self.text()) }
    }
}
