//! What a user asked for that is not done: their input cannot be used, or a rule forbids it.

/// Why a command does not go on, for what no other error says better.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// An argument, a file or a field is not what it should be.
    #[error("{0}")]
    Input(String),
    /// The input is right, and doing it would break a rule.
    #[error("{0}")]
    Refused(String),
}

/// Input that must hold.
///
/// # Errors
/// [`Rejected::Input`] if it does not.
pub fn expect(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), Rejected> {
    if holds { Ok(()) } else { Err(Rejected::Input(otherwise())) }
}

/// A rule that must hold.
///
/// # Errors
/// [`Rejected::Refused`] if it does not.
pub fn allow(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), Rejected> {
    if holds { Ok(()) } else { Err(Rejected::Refused(otherwise())) }
}
