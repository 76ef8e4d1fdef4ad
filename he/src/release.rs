//! The end of a job: every member sends its last shares to the developer alone.
//!
//! A release is an HPKE message (RFC 9180, X25519 + HKDF-SHA256 + ChaCha20-Poly1305) to the key that
//! was fixed when the job locked. What it holds must open the commitment in the transcript, so the
//! developer knows that it got what was trained, and can show it if it did not.

use crate::member::{Released, commit_share};
use crate::seat::{Kem, SeatSecret};
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::{Deserializable, OpModeR, OpModeS, Serializable};
use rand_core::{OsRng, TryRngCore as _};
use zektra_statement::digest::{Commitment, Encoder, Fingerprint};
use zektra_statement::field::{F, centred, from_bytes, to_bytes};
use zektra_statement::phase::PhaseTable;
use zeroize::Zeroizing;

/// An HPKE message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// The encapsulated key.
    pub encapped: Vec<u8>,
    /// The ciphertext with its tag.
    pub ciphertext: Vec<u8>,
}

/// Why a release cannot be made or used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReleaseError {
    /// The developer's key is no X25519 key.
    #[error("the developer's release key is not a valid X25519 key")]
    Key,
    /// The message was not made for this job, member and key, or was changed.
    #[error("the release of member {0} does not open: it was made for another job, member or key, or was changed")]
    Open(u32),
    /// The plaintext has another form.
    #[error("the release of member {0} holds {1} bytes, expected {2}")]
    Form(u32, usize, usize),
    /// The shares do not open the recorded commitment: grounds for a dispute.
    #[error("the release of member {member} does not open its recorded commitment of state {state}")]
    Commitment {
        /// Whose.
        member: u32,
        /// Which state.
        state: u16,
    },
    /// Not one recorded commitment a released state: shares would go unchecked.
    #[error("there are {0} recorded commitments, expected one of each of the {1} released states")]
    Recorded(usize, usize),
    /// Not one release a member.
    #[error("there are {0} releases, expected one of each of the {1} members")]
    Count(usize, usize),
}

fn info(lock: &Fingerprint, member: u32) -> Vec<u8> {
    let mut e = Encoder::new("zektra/release/v1");
    e.bytes(&lock.0).u64(u64::from(member));
    e.finish().to_vec()
}

/// Whether releases can be sealed to a key: better known before a job than after it.
///
/// # Errors
/// A key that no message can be sealed to.
pub fn check_key(developer_key: &[u8; 32]) -> Result<(), ReleaseError> {
    let nothing = Released { states: vec![] };
    seal(&nothing, developer_key, &Fingerprint::NONE, 0).map(|_| ())
}

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
    let key = <Kem as hpke::Kem>::PublicKey::from_bytes(developer_key).map_err(|_| ReleaseError::Key)?;
    let mut plain = Zeroizing::new(Vec::new());
    for (share, salt) in &released.states {
        plain.extend_from_slice(&Zeroizing::new(to_bytes(share)));
        plain.extend_from_slice(&to_bytes(salt));
    }
    let sealed = hpke::single_shot_seal::<ChaCha20Poly1305, HkdfSha256, Kem, _>(
        &OpModeS::Base,
        &key,
        &info(lock, member),
        &plain,
        &[],
        &mut OsRng.unwrap_err(),
    );
    let (encapped, ciphertext) = sealed.map_err(|_| ReleaseError::Key)?;
    Ok(Sealed { encapped: encapped.to_bytes().to_vec(), ciphertext })
}

/// Opens a member's release and checks it against the commitments of the transcript, `shares[state]`.
///
/// # Errors
/// A message that is not for us, or that does not open the commitments.
pub fn open(
    sealed: &Sealed,
    developer: &SeatSecret,
    table: &PhaseTable,
    lock: &Fingerprint,
    member: u32,
    recorded: &[Commitment],
) -> Result<Released, ReleaseError> {
    if recorded.len() != table.released.len() {
        return Err(ReleaseError::Recorded(recorded.len(), table.released.len()));
    }
    let encapped = <Kem as hpke::Kem>::EncappedKey::from_bytes(&sealed.encapped);
    let encapped = encapped.map_err(|_| ReleaseError::Open(member))?;
    let plain = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, Kem>(
        &OpModeR::Base,
        developer.release_secret(),
        &encapped,
        &info(lock, member),
        &sealed.ciphertext,
        &[],
    );
    let plain = Zeroizing::new(plain.map_err(|_| ReleaseError::Open(member))?);
    let lengths: Vec<usize> =
        table.released.iter().map(|&s| usize::from(table.states[usize::from(s)].length)).collect();
    let expected = lengths.iter().map(|l| (l + 4) * 8).sum();
    let form = || ReleaseError::Form(member, plain.len(), expected);
    if plain.len() != expected {
        return Err(form());
    }
    let elements = from_bytes(&plain).map_err(|_| form())?;
    let mut rest = &elements[..];
    let mut states = Vec::with_capacity(lengths.len());
    for ((length, &state), commitment) in lengths.into_iter().zip(&table.released).zip(recorded) {
        let (share, tail) = rest.split_at(length);
        let (salt, tail) = tail.split_at(4);
        rest = tail;
        let salt = [salt[0], salt[1], salt[2], salt[3]];
        if commit_share(share, &salt) != *commitment {
            return Err(ReleaseError::Commitment { member, state });
        }
        states.push((share.to_vec(), salt));
    }
    Ok(Released { states })
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
