//! Errors of codespace `authz`.

use super::NAME;
use crate::error::TxError;

/// The module's errors with their codes, which clients know from the Cosmos SDK.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Authz {
    NoAuthorizationFound = 2,
    InvalidExpirationTime = 3,
    UnknownAuthorizationType = 4,
    AuthorizationExpired = 6,
    GranteeIsGranter = 7,
    AuthorizationNumOfSigners = 9,
    NegativeMaxTokens = 12,
}

impl Authz {
    fn text(self) -> &'static str {
        match self {
            Self::NoAuthorizationFound => "authorization not found",
            Self::InvalidExpirationTime => "expiration time of authorization should be more than current time",
            Self::UnknownAuthorizationType => "unknown authorization type",
            Self::AuthorizationExpired => "authorization expired",
            Self::GranteeIsGranter => "grantee and granter should be different",
            Self::AuthorizationNumOfSigners => "authorization can be given to msg with only one signer",
            Self::NegativeMaxTokens => "max tokens should be positive",
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
