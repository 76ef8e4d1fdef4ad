//! Errors of codespace `slashing`.

use super::NAME;
use crate::error::TxError;

/// The module's errors with their codes, which clients know from the Cosmos SDK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Slashing {
    ValidatorJailed = 4,
    ValidatorNotJailed = 5,
    SelfDelegationTooLowToUnjail = 7,
    ValidatorTombstoned = 9,
}

impl Slashing {
    fn text(self) -> &'static str {
        match self {
            Self::ValidatorJailed => "validator still jailed; cannot be unjailed",
            Self::ValidatorNotJailed => "validator not jailed; cannot be unjailed",
            Self::SelfDelegationTooLowToUnjail => "validator's self delegation less than minimum; cannot be unjailed",
            Self::ValidatorTombstoned => "validator already tombstoned",
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
