//! Errors of codespace `gov`.

use super::NAME;
use crate::error::TxError;

/// The module's errors with their codes, which clients know from the Cosmos SDK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Gov {
    UnknownProposal = 2,
    InactiveProposal = 3,
    InvalidProposalContent = 5,
    InvalidVote = 7,
    NoProposalHandlerExists = 9,
    UnroutableProposalMsg = 10,
    NoProposalMsgs = 11,
    InvalidProposalMsg = 12,
    InvalidSigner = 13,
    MetadataTooLong = 15,
    MinDepositTooSmall = 16,
    InvalidProposer = 18,
    VotingPeriodEnded = 20,
    InvalidProposal = 21,
    SummaryTooLong = 22,
    InvalidDepositDenom = 23,
}

impl Gov {
    fn text(self) -> &'static str {
        match self {
            Self::UnknownProposal => "unknown proposal",
            Self::InactiveProposal => "inactive proposal",
            Self::InvalidProposalContent => "invalid proposal content",
            Self::InvalidVote => "invalid vote option",
            Self::NoProposalHandlerExists => "no handler exists for proposal type",
            Self::UnroutableProposalMsg => "proposal message not recognized by router",
            Self::NoProposalMsgs => "no messages proposed",
            Self::InvalidProposalMsg => "invalid proposal message",
            Self::InvalidSigner => "expected gov account as only signer for proposal message",
            Self::MetadataTooLong => "metadata too long",
            Self::MinDepositTooSmall => "minimum deposit is too small",
            Self::InvalidProposer => "invalid proposer",
            Self::VotingPeriodEnded => "voting period already ended",
            Self::InvalidProposal => "invalid proposal",
            Self::SummaryTooLong => "summary too long",
            Self::InvalidDepositDenom => "invalid deposit denom",
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
