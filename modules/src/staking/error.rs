//! Errors of codespace `staking`.

use super::NAME;
use crate::error::TxError;

/// The module's errors with their codes, which clients know from the Cosmos SDK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Staking {
    NoValidatorFound = 3,
    ValidatorOwnerExists = 4,
    ValidatorPubKeyExists = 5,
    ValidatorPubKeyTypeNotSupported = 6,
    ValidatorJailed = 7,
    CommissionNegative = 9,
    CommissionHuge = 10,
    CommissionGtMaxRate = 11,
    CommissionUpdateTime = 12,
    CommissionChangeRateGtMaxRate = 14,
    CommissionGtMaxChangeRate = 15,
    SelfDelegationBelowMinimum = 16,
    MinSelfDelegationDecreased = 17,
    NoDelegation = 19,
    NoDelegatorForAddress = 21,
    NotEnoughDelegationShares = 24,
    NoUnbondingDelegation = 26,
    MaxUnbondingDelegationEntries = 27,
    NoRedelegation = 28,
    SelfRedelegation = 29,
    TinyRedelegationAmount = 30,
    BadRedelegationDst = 31,
    TransitiveRedelegation = 32,
    MaxRedelegationEntries = 33,
    DelegatorShareExRateInvalid = 34,
    NoHistoricalInfo = 38,
    EmptyValidatorPubKey = 39,
    CommissionLtMinRate = 40,
    BadRedelegationSrc = 44,
}

impl Staking {
    fn text(self) -> &'static str {
        match self {
            Self::NoValidatorFound => "validator does not exist",
            Self::ValidatorOwnerExists => {
                "validator already exist for this operator address; must use new validator operator address"
            }
            Self::ValidatorPubKeyExists => "validator already exist for this pubkey; must use new validator pubkey",
            Self::ValidatorPubKeyTypeNotSupported => "validator pubkey type is not supported",
            Self::ValidatorJailed => "validator for this address is currently jailed",
            Self::CommissionNegative => "commission must be positive",
            Self::CommissionHuge => "commission cannot be more than 100%",
            Self::CommissionGtMaxRate => "commission cannot be more than the max rate",
            Self::CommissionUpdateTime => "commission cannot be changed more than once in 24h",
            Self::CommissionChangeRateGtMaxRate => "commission change rate cannot be more than the max rate",
            Self::CommissionGtMaxChangeRate => "commission cannot be changed more than max change rate",
            Self::SelfDelegationBelowMinimum => {
                "validator's self delegation must be greater than their minimum self delegation"
            }
            Self::MinSelfDelegationDecreased => "minimum self delegation cannot be decrease",
            Self::NoDelegation => "no delegation for (address, validator) tuple",
            Self::NoDelegatorForAddress => "delegator does not contain delegation",
            Self::NotEnoughDelegationShares => "not enough delegation shares",
            Self::NoUnbondingDelegation => "no unbonding delegation found",
            Self::MaxUnbondingDelegationEntries => {
                "too many unbonding delegation entries for (delegator, validator) tuple"
            }
            Self::NoRedelegation => "no redelegation found",
            Self::SelfRedelegation => "cannot redelegate to the same validator",
            Self::TinyRedelegationAmount => "too few tokens to redelegate (truncates to zero tokens)",
            Self::BadRedelegationDst => "redelegation destination validator not found",
            Self::TransitiveRedelegation => {
                "redelegation to this validator already in progress; first redelegation to this validator must complete before next redelegation"
            }
            Self::MaxRedelegationEntries => {
                "too many redelegation entries for (delegator, src-validator, dst-validator) tuple"
            }
            Self::DelegatorShareExRateInvalid => "cannot delegate to validators with invalid (zero) ex-rate",
            Self::NoHistoricalInfo => "no historical info found",
            Self::EmptyValidatorPubKey => "empty validator public key",
            Self::CommissionLtMinRate => "commission cannot be less than min rate",
            Self::BadRedelegationSrc => "redelegation source validator not found",
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
