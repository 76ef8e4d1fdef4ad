//! Errors of codespace `feegrant`.

use super::NAME;
use crate::error::TxError;

/// The module's errors with their codes, which clients know from the Cosmos SDK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Feegrant {
    FeeLimitExceeded = 2,
    FeeLimitExpired = 3,
    InvalidDuration = 4,
    NoAllowance = 5,
    NoMessages = 6,
    MessageNotAllowed = 7,
}

impl Feegrant {
    fn text(self) -> &'static str {
        match self {
            Self::FeeLimitExceeded => "fee limit exceeded",
            Self::FeeLimitExpired => "fee allowance expired",
            Self::InvalidDuration => "invalid duration",
            Self::NoAllowance => "no allowance",
            Self::NoMessages => "allowed messages are empty",
            Self::MessageNotAllowed => "message not allowed",
        }
    }

    /// The error with what happened in front of it.
    pub fn wrap(self, what: impl std::fmt::Display) -> TxError {
        TxError { codespace: NAME, code: self as u32, log: format!("{what}: {}", self.text()) }
    }
}
