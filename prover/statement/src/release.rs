//! The end of a job: a member's last shares, sealed for the developer alone.
//!
//! A release is an HPKE message (RFC 9180, X25519 + HKDF-SHA256 + ChaCha20-Poly1305) to the key that was fixed when the
//! job locked. What it holds must open the recorded commitments, so the developer knows that it got what was trained,
//! and can show it if it did not. Opening needs no randomness: whoever has the secret comes to the same answer, so
//! validators judge a dispute by the same function by which the developer opens (`docs/protocol.md` §14).

use crate::digest::{Commitment, Encoder, Fingerprint, Tag, commit};
use crate::field::{F, from_bytes, to_bytes};
use crate::phase::PhaseTable;
use hpke::aead::ChaCha20Poly1305;
use hpke::kdf::HkdfSha256;
use hpke::kem::X25519HkdfSha256;
use hpke::{Deserializable, Kem as _, OpModeR, OpModeS, Serializable};
use rand_core::CryptoRng;
use zeroize::{Zeroize as _, Zeroizing};

type Kem = X25519HkdfSha256;
type PrivateKey = <Kem as hpke::Kem>::PrivateKey;
type PublicKey = <Kem as hpke::Kem>::PublicKey;
type EncappedKey = <Kem as hpke::Kem>::EncappedKey;

/// Bytes of an authenticator.
pub const TAG_BYTES: usize = 16;
/// Elements of a commitment's salt.
const SALT: usize = 4;

/// The secret of a release key. Dropping it overwrites it, but not what the curve's arithmetic leaves of it.
#[derive(Clone)]
pub struct ReleaseSecret(Zeroizing<[u8; 32]>);

impl ReleaseSecret {
    /// A scalar's 32 bytes, clamped where it is used: each is a secret.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self(Zeroizing::new(*bytes))
    }

    /// `DeriveKeyPair` of RFC 9180 on 32 bytes of key material.
    pub fn derive(material: &[u8; 32]) -> Self {
        Self(Zeroizing::new(Kem::derive_keypair(material).0.to_bytes().into()))
    }

    /// The 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    fn key(&self) -> PrivateKey {
        // Only another length is refused.
        PrivateKey::from_bytes(&self.0[..]).expect("32 bytes")
    }

    /// The release key that it is the secret of, in its one form.
    pub fn public(&self) -> [u8; 32] {
        Kem::sk_to_pk(&self.key()).to_bytes().into()
    }
}

impl std::fmt::Debug for ReleaseSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "ReleaseSecret(…)")
    }
}

/// What a member hands to the developer at the end: the shares of the released states with their salts.
#[derive(Clone, PartialEq, Eq)]
pub struct Released {
    /// One entry a released state: shares, then salt.
    pub states: Vec<(Vec<F>, [F; SALT])>,
}

impl std::fmt::Debug for Released {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Released({} states)", self.states.len())
    }
}

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
    /// The developer's key is none that can be sealed to, or not in its one form.
    #[error("the developer's release key is not a valid X25519 key")]
    Key,
    /// The message was not made for this job, member and key, or was changed.
    #[error("the release of member {0} does not open: it was made for another job, member or key, or was changed")]
    Open(u32),
    /// The plaintext has another form.
    #[error("the release of member {0} holds {1} bytes, expected {2} of canonical elements")]
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

impl ReleaseError {
    /// Whether it is the fault of who sealed the message, and of nobody else.
    pub fn is_the_senders(&self) -> bool {
        match self {
            Self::Open(_) | Self::Form(..) | Self::Commitment { .. } => true,
            Self::Key | Self::Recorded(..) | Self::Count(..) => false,
        }
    }
}

/// The commitment of a state share: `commit(S ‖ salt)`.
pub fn commit_share(share: &[F], salt: &[F; SALT]) -> Commitment {
    let mut input = share.to_vec();
    input.extend_from_slice(salt);
    let commitment = commit(Tag::StateShare, &input);
    input.iter_mut().for_each(|e| e.0.zeroize());
    commitment
}

fn info(lock: &Fingerprint, member: u32) -> Vec<u8> {
    let mut e = Encoder::new("zektra/release/v1");
    e.bytes(&lock.0).u64(u64::from(member));
    e.finish().to_vec()
}

/// Entries of each released state.
fn lengths(table: &PhaseTable) -> impl Iterator<Item = usize> {
    table.released.iter().map(|&s| usize::from(table.states[usize::from(s)].length))
}

/// Bytes of a release's plaintext: 8 an element, each state's entries with their salt.
fn plain_bytes(table: &PhaseTable) -> usize {
    lengths(table).map(|length| (length + SALT) * 8).sum()
}

/// Bytes of a release's ciphertext, its tag included.
pub fn ciphertext_bytes(table: &PhaseTable) -> usize {
    plain_bytes(table) + TAG_BYTES
}

/// Whether releases can be sealed to a key: better known before a job than after it.
///
/// A key in another form than its secret's public key has would go into the key schedule of whoever seals, and not of
/// whoever opens: nothing that is sealed to it would open.
///
/// # Errors
/// A point of low order, to which no message can be sealed; a key that is not in its one form.
pub fn check_key(key: &[u8; 32]) -> Result<(), ReleaseError> {
    // Below 2^255 − 19: little endian, the highest bit is none of the number's.
    let (low, rest, high) = (key[0], &key[1..31], key[31]);
    if high > 0x7f || (high == 0x7f && low >= 0xed && rest.iter().all(|b| *b == 0xff)) {
        return Err(ReleaseError::Key);
    }
    // Every clamped scalar is a multiple of 8: it takes exactly the points of low order to zero, which is refused.
    let point = EncappedKey::from_bytes(key).map_err(|_| ReleaseError::Key)?;
    let any = ReleaseSecret::from_bytes(&[1; 32]);
    let met = hpke::setup_receiver::<ChaCha20Poly1305, HkdfSha256, Kem>(&OpModeR::Base, &any.key(), &point, &[]);
    met.map(drop).map_err(|_| ReleaseError::Key)
}

/// Seals a member's shares for the developer.
///
/// # Errors
/// If the developer's key is invalid.
pub fn seal(
    released: &Released,
    key: &[u8; 32],
    lock: &Fingerprint,
    member: u32,
    rng: &mut impl CryptoRng,
) -> Result<Sealed, ReleaseError> {
    check_key(key)?;
    let key = PublicKey::from_bytes(key).map_err(|_| ReleaseError::Key)?;
    let mut plain = Zeroizing::new(Vec::new());
    for (share, salt) in &released.states {
        plain.extend_from_slice(&Zeroizing::new(to_bytes(share)));
        plain.extend_from_slice(&to_bytes(salt));
    }
    let info = info(lock, member);
    let mode = OpModeS::Base;
    let sealed = hpke::single_shot_seal::<ChaCha20Poly1305, HkdfSha256, Kem, _>(&mode, &key, &info, &plain, &[], rng);
    let (encapped, ciphertext) = sealed.map_err(|_| ReleaseError::Key)?;
    Ok(Sealed { encapped: encapped.to_bytes().to_vec(), ciphertext })
}

/// Opens a member's release and checks it against the commitments of the released states, `recorded[state]`.
///
/// # Errors
/// A message that is not for us, or that does not open the commitments.
pub fn open(
    sealed: &Sealed,
    secret: &ReleaseSecret,
    table: &PhaseTable,
    lock: &Fingerprint,
    member: u32,
    recorded: &[Commitment],
) -> Result<Released, ReleaseError> {
    if recorded.len() != table.released.len() {
        return Err(ReleaseError::Recorded(recorded.len(), table.released.len()));
    }
    let encapped = EncappedKey::from_bytes(&sealed.encapped).map_err(|_| ReleaseError::Open(member))?;
    let info = info(lock, member);
    let mode = OpModeR::Base;
    let plain = hpke::single_shot_open::<ChaCha20Poly1305, HkdfSha256, Kem>(
        &mode,
        &secret.key(),
        &encapped,
        &info,
        &sealed.ciphertext,
        &[],
    );
    let plain = Zeroizing::new(plain.map_err(|_| ReleaseError::Open(member))?);
    let form = || ReleaseError::Form(member, plain.len(), plain_bytes(table));
    if plain.len() != plain_bytes(table) {
        return Err(form());
    }
    let elements = from_bytes(&plain).map_err(|_| form())?;
    let mut rest = &elements[..];
    let mut states = Vec::with_capacity(recorded.len());
    for ((length, &state), commitment) in lengths(table).zip(&table.released).zip(recorded) {
        let (share, tail) = rest.split_at(length);
        let (salt, tail) = tail.split_at(SALT);
        rest = tail;
        let salt = [salt[0], salt[1], salt[2], salt[3]];
        if commit_share(share, &salt) != *commitment {
            return Err(ReleaseError::Commitment { member, state });
        }
        states.push((share.to_vec(), salt));
    }
    Ok(Released { states })
}
