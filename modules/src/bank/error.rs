//! Errors of codespace `bank`.

use super::NAME;
use crate::error::TxError;

/// The module's errors with their codes, which clients know from the Cosmos SDK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Bank {
    NoInputs = 2,
    NoOutputs = 3,
    InputOutputMismatch = 4,
    SendDisabled = 5,
    DuplicateEntry = 8,
    MultipleSenders = 9,
}

impl Bank {
    fn text(self) -> &'static str {
        match self {
            Self::NoInputs => "no inputs to send transaction",
            Self::NoOutputs => "no outputs to send transaction",
            Self::InputOutputMismatch => "sum inputs != sum outputs",
            Self::SendDisabled => "send transactions are disabled",
            Self::DuplicateEntry => "duplicate entry",
            Self::MultipleSenders => "multiple senders not allowed",
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
