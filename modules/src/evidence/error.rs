//! Errors of codespace `evidence`.

use super::NAME;
use crate::error::TxError;

/// The module's errors with their codes, which clients know from the Cosmos SDK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Evidence {
    NoEvidenceHandlerExists = 2,
    InvalidEvidence = 3,
    EvidenceExists = 5,
}

impl Evidence {
    fn text(self) -> &'static str {
        match self {
            Self::NoEvidenceHandlerExists => "unregistered handler for evidence type",
            Self::InvalidEvidence => "invalid evidence",
            Self::EvidenceExists => "evidence already exists",
        }
    }

    /// The error with what happened in front of it.
    pub fn wrap(self, what: impl std::fmt::Display) -> TxError {
        TxError { codespace: NAME, code: self as u32, log: self.text().into() }.within(what)
    }
}
