//! Errors of codespace `reputation`.

use super::NAME;
use crate::error::TxError;

/// The module's errors with their codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Reputation {
    InvalidParams = 2,
    WrongEpoch = 3,
}

impl Reputation {
    fn text(self) -> &'static str {
        match self {
            Self::InvalidParams => "invalid parameters",
            Self::WrongEpoch => "another epoch runs",
        }
    }

    /// The error with what happened in front of it.
    pub fn wrap(self, what: impl std::fmt::Display) -> TxError {
        TxError { codespace: NAME, code: self as u32, log: format!("{what}: {}", self.text()) }
    }
}
