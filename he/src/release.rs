//! The end of a job: every other member sends its last shares to the developer, sealed with the system's randomness.
//! Messages, opening and what counts as open are those of [`zektra_statement::release`].

use rand_core::{OsRng, TryRngCore as _};
use zektra_statement::digest::Fingerprint;
use zektra_statement::field::{F, centred};
use zektra_statement::release;

pub use zektra_statement::release::{ReleaseError, ReleaseSecret, Released, Sealed, check_key, commit_share, open};

/// Seals a member's shares for the developer.
///
/// # Errors
/// If the developer's key is invalid.
pub fn seal(
    released: &Released,
    developer_key: &[u8; 32],
    lock: &Fingerprint,
    member: u32,
) -> Result<Sealed, ReleaseError> {
    release::seal(released, developer_key, lock, member, &mut OsRng.unwrap_err())
}

/// A fresh release key's secret.
///
/// # Errors
/// The operating system has no randomness.
pub fn fresh() -> Result<ReleaseSecret, getrandom::Error> {
    let mut material = zeroize::Zeroizing::new([0; 32]);
    getrandom::fill(&mut material[..])?;
    Ok(ReleaseSecret::derive(&material))
}

/// The released states as integers: `U − Σ S_i`, one vector a released state.
///
/// # Errors
/// Another number of releases than members.
pub fn combine(opened: &[Vec<F>], releases: &[Released], members: usize) -> Result<Vec<Vec<i64>>, ReleaseError> {
    if releases.len() != members {
        return Err(ReleaseError::Count(releases.len(), members));
    }
    let value =
        |state: usize, entry: usize, u: F| centred(releases.iter().fold(u, |v, r| v - r.states[state].0[entry]));
    let vector = |(state, u): (usize, &Vec<F>)| u.iter().enumerate().map(|(i, &u)| value(state, i, u)).collect();
    Ok(opened.iter().enumerate().map(vector).collect())
}
