//! Errors of codespace `vault`.

use super::NAME;
use crate::error::TxError;

/// The module's errors with their codes, which never change. Of two grants that do not fit a job, the error with the higher
/// code is told: from [`Vault::OtherGrantee`] to [`Vault::PrivacySpent`] they are in the order in which is checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Vault {
    InvalidParams = 2,
    InvalidSeat = 3,
    KeyUsed = 4,
    UnknownSeat = 5,
    SeatRetired = 6,
    NotOwner = 7,
    InvalidDataset = 8,
    ObjectUsed = 9,
    UnknownDataset = 10,
    WrongStatus = 11,
    InvalidSeal = 12,
    ProofRefused = 13,
    InvalidStatement = 14,
    VouchedAlready = 15,
    TooManyAttestations = 16,
    NotVouchedFor = 17,
    InvalidBond = 18,
    JobsLive = 19,
    ErasedAlready = 20,
    InvalidGrant = 21,
    UnknownGrant = 22,
    GrantWithdrawn = 23,
    TooManyGrants = 24,
    NotActive = 25,
    Paused = 26,
    Revoked = 27,
    NoGrant = 28,
    OtherGrantee = 29,
    TemplateNotGranted = 30,
    GrantNotYet = 31,
    GrantExpired = 32,
    TooFewRows = 33,
    PassesSpent = 34,
    PrivacySpent = 35,
    InvalidSet = 36,
    UnknownSet = 37,
    OtherSchema = 38,
    MemberAlready = 39,
    NotMember = 40,
    SetFull = 41,
    Uncounted = 42,
    NumbersSpent = 43,
    NotNamed = 44,
    NotAdmitted = 45,
}

impl Vault {
    fn text(self) -> &'static str {
        match self {
            Self::InvalidParams => "invalid parameters",
            Self::InvalidSeat => "invalid seat",
            Self::KeyUsed => "key is used already",
            Self::UnknownSeat => "unknown seat",
            Self::SeatRetired => "seat is retired",
            Self::NotOwner => "not the owner",
            Self::InvalidDataset => "invalid dataset",
            Self::ObjectUsed => "object id is used already",
            Self::UnknownDataset => "unknown dataset",
            Self::WrongStatus => "not in this status",
            Self::InvalidSeal => "invalid seal",
            Self::ProofRefused => "proof refused",
            Self::InvalidStatement => "invalid statement",
            Self::VouchedAlready => "vouched for already",
            Self::TooManyAttestations => "too many attestations",
            Self::NotVouchedFor => "nobody vouches for it",
            Self::InvalidBond => "invalid bond",
            Self::JobsLive => "jobs are live",
            Self::ErasedAlready => "erased already",
            Self::InvalidGrant => "invalid grant",
            Self::UnknownGrant => "unknown grant",
            Self::GrantWithdrawn => "grant is withdrawn",
            Self::TooManyGrants => "too many grants",
            Self::NotActive => "dataset is not active yet",
            Self::Paused => "dataset is paused",
            Self::Revoked => "dataset is revoked",
            Self::NoGrant => "nothing is granted",
            Self::OtherGrantee => "granted to another",
            Self::TemplateNotGranted => "template is not granted",
            Self::GrantNotYet => "grant does not hold yet",
            Self::GrantExpired => "grant has expired",
            Self::TooFewRows => "too few rows",
            Self::PassesSpent => "passes are spent",
            Self::PrivacySpent => "privacy budget is spent",
            Self::InvalidSet => "invalid set",
            Self::UnknownSet => "unknown set",
            Self::OtherSchema => "another schema",
            Self::MemberAlready => "member already",
            Self::NotMember => "not a member",
            Self::SetFull => "set is full",
            Self::Uncounted => "never counted",
            Self::NumbersSpent => "no numbers are left",
            Self::NotNamed => "the owner has not named it",
            Self::NotAdmitted => "the curator has not admitted it",
        }
    }

    /// The error with what happened in front of it.
    pub fn wrap(self, what: impl std::fmt::Display) -> TxError {
        TxError { codespace: NAME, code: self as u32, log: format!("{what}: {}", self.text()) }
    }

    /// A field that is not as it should be.
    pub fn field(self, field: &str, found: impl std::fmt::Display, expected: impl std::fmt::Display) -> TxError {
        self.wrap(format!("{field}: {found}, expected {expected}"))
    }
}
