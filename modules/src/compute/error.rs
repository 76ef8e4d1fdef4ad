//! Errors of codespace `compute`.

use super::NAME;
use crate::error::TxError;

/// The module's errors with their codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Compute {
    InvalidField = 2,
    NodeExists = 3,
    NodeUnknown = 4,
    NodeLeaving = 5,
    NodePaused = 6,
    NodeBusy = 7,
    NoJob = 8,
    BondTooSmall = 9,
    BondTooLarge = 10,
    ValidatorUnknown = 11,
    InvalidParams = 12,
}

impl Compute {
    fn text(self) -> &'static str {
        match self {
            Self::InvalidField => "invalid field",
            Self::NodeExists => "the operator has a node",
            Self::NodeUnknown => "the operator has no node",
            Self::NodeLeaving => "the node is leaving",
            Self::NodePaused => "the node takes no work",
            Self::NodeBusy => "the node has as many jobs as it takes",
            Self::NoJob => "the node has no job",
            Self::BondTooSmall => "the bond is too small",
            Self::BondTooLarge => "the bond is too large",
            Self::ValidatorUnknown => "no such validator",
            Self::InvalidParams => "invalid parameters",
        }
    }

    /// The error with what happened in front of it.
    pub fn wrap(self, what: impl std::fmt::Display) -> TxError {
        TxError { codespace: NAME, code: self as u32, log: format!("{what}: {}", self.text()) }
    }
}
