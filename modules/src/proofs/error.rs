//! Errors of codespace `proofs`.

use super::NAME;
use crate::error::TxError;

/// The module's errors with their codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Proofs {
    UnknownCircuit = 2,
    CircuitNotActive = 3,
    CircuitExists = 4,
    Tombstoned = 5,
    WrongForm = 6,
    Invalid = 7,
    TooLarge = 8,
    UnknownKey = 9,
    WrongShape = 10,
}

impl Proofs {
    fn text(self) -> &'static str {
        match self {
            Self::UnknownCircuit => "the circuits are not registered",
            Self::CircuitNotActive => "the circuits take nothing new",
            Self::CircuitExists => "the circuits are registered already",
            Self::Tombstoned => "the circuits are buried for ever",
            Self::WrongForm => "not a proof of the expected form",
            Self::Invalid => "the proof does not show what it should",
            Self::TooLarge => "the proof is too large",
            Self::UnknownKey => "no verifier key for links of this size is registered",
            Self::WrongShape => "the circuits are for other jobs",
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
