//! Errors of codespace `distribution`.

use super::NAME;
use crate::error::TxError;

/// The module's errors with their codes, which clients know from the Cosmos SDK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Distribution {
    EmptyDelegationDistInfo = 5,
    NoValidatorDistInfo = 6,
    NoValidatorCommission = 7,
    SetWithdrawAddrDisabled = 8,
    BadDistribution = 9,
    NoValidatorExists = 12,
    NoDelegationExists = 13,
}

impl Distribution {
    fn text(self) -> &'static str {
        match self {
            Self::EmptyDelegationDistInfo => "no delegation distribution info",
            Self::NoValidatorDistInfo => "no validator distribution info",
            Self::NoValidatorCommission => "no validator commission to withdraw",
            Self::SetWithdrawAddrDisabled => "set withdraw address disabled",
            Self::BadDistribution => "community pool does not have sufficient coins to distribute",
            Self::NoValidatorExists => "validator does not exist",
            Self::NoDelegationExists => "delegation does not exist",
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
