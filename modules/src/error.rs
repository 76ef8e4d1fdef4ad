//! Errors that clients see: a codespace, a code and a text.

use zektra_state::StateError;

/// Why a transaction or a message is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{log}")]
pub struct TxError {
    /// Whose code it is: `sdk`, or a module's name.
    pub codespace: &'static str,
    /// The code, never 0.
    pub code: u32,
    /// What people read.
    pub log: String,
}

/// Codes of codespace `sdk`, as clients know them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Sdk {
    TxDecode = 2,
    Unauthorized = 4,
    InsufficientFunds = 5,
    UnknownRequest = 6,
    InvalidAddress = 7,
    InvalidPubKey = 8,
    UnknownAddress = 9,
    InvalidCoins = 10,
    OutOfGas = 11,
    MemoTooLarge = 12,
    InsufficientFee = 13,
    TooManySignatures = 14,
    NoSignatures = 15,
    InvalidRequest = 18,
    TxInMempoolCache = 19,
    MempoolIsFull = 20,
    TxTooLarge = 21,
    KeyNotFound = 22,
    InvalidHeight = 26,
    InvalidType = 29,
    TxTimeoutHeight = 30,
    UnknownExtensionOptions = 31,
    WrongSequence = 32,
    NotSupported = 37,
    NotFound = 38,
    InvalidGasLimit = 41,
    TxTimeout = 42,
}

impl Sdk {
    /// The text that stands behind every error of this code.
    pub fn text(self) -> &'static str {
        match self {
            Self::TxDecode => "tx parse error",
            Self::Unauthorized => "unauthorized",
            Self::InsufficientFunds => "insufficient funds",
            Self::UnknownRequest => "unknown request",
            Self::InvalidAddress => "invalid address",
            Self::InvalidPubKey => "invalid pubkey",
            Self::UnknownAddress => "unknown address",
            Self::InvalidCoins => "invalid coins",
            Self::OutOfGas => "out of gas",
            Self::MemoTooLarge => "memo too large",
            Self::InsufficientFee => "insufficient fee",
            Self::TooManySignatures => "maximum number of signatures exceeded",
            Self::NoSignatures => "no signatures supplied",
            Self::InvalidRequest => "invalid request",
            Self::TxInMempoolCache => "tx already in mempool",
            Self::MempoolIsFull => "mempool is full",
            Self::TxTooLarge => "tx too large",
            Self::KeyNotFound => "key not found",
            Self::InvalidHeight => "invalid height",
            Self::InvalidType => "invalid type",
            Self::TxTimeoutHeight => "tx timeout height",
            Self::UnknownExtensionOptions => "unknown extension options",
            Self::WrongSequence => "incorrect account sequence",
            Self::NotSupported => "feature not supported",
            Self::NotFound => "not found",
            Self::InvalidGasLimit => "invalid gas limit",
            Self::TxTimeout => "tx timeout",
        }
    }

    /// The error with what happened in front of the code's text.
    pub fn wrap(self, what: impl std::fmt::Display) -> TxError {
        TxError { codespace: "sdk", code: self as u32, log: format!("{what}: {}", self.text()) }
    }

    /// The error with the code's text alone.
    pub fn bare(self) -> TxError {
        TxError { codespace: "sdk", code: self as u32, log: self.text().into() }
    }
}

/// A database that fails is no transaction's fault: whoever executes blocks stops at this code.
pub const INTERNAL: u32 = 1;

impl From<StateError> for TxError {
    fn from(error: StateError) -> Self {
        match error {
            StateError::OutOfGas { .. } => Sdk::OutOfGas.wrap(error),
            other => Self { codespace: "undefined", code: INTERNAL, log: other.to_string() },
        }
    }
}

impl TxError {
    /// Whether the program or its database is at fault, not the transaction.
    pub fn is_internal(&self) -> bool {
        self.codespace == "undefined"
    }

    /// The same error with more in front of its text.
    #[must_use]
    pub fn within(self, what: impl std::fmt::Display) -> Self {
        Self { log: format!("{what}: {}", self.log), ..self }
    }
}
