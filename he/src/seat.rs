//! A member's secrets: one seed, from which the key share, the stream key and the release key come.

use crate::release::ReleaseSecret;
use crate::ring::{Eval, Poly};
use crate::xof::{Prf, Stream, digits_to_elements};
use zektra_statement::digest::{Commitment, Tag, commit};
use zektra_statement::field::{F, Field, N};
use zektra_statement::record::Seat;
use zeroize::{Zeroize, Zeroizing};

/// Ternary digits packed into one element of a key's commitment.
const DIGITS_PER_ELEMENT: usize = 40;

/// A seat with its secrets. Dropping it overwrites them.
pub struct SeatSecret {
    name: String,
    epoch: u32,
    seed: Zeroizing<[u8; 32]>,
    key: Eval,
    commitment: Commitment,
    prf: Prf,
    release_secret: ReleaseSecret,
}

/// A seat file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SeatError {
    /// The operating system gave no randomness.
    #[error("the operating system gave no randomness: {0}")]
    Randomness(getrandom::Error),
    /// The bytes are no seat file, or a damaged one.
    #[error("not a seat file: {0}")]
    Format(&'static str),
}

const MAGIC: &[u8; 8] = b"ZKSEAT1\n";

impl SeatSecret {
    /// A new seat from the operating system's randomness.
    ///
    /// # Errors
    /// If there is none.
    pub fn generate(name: &str) -> Result<Self, SeatError> {
        let mut seed = Zeroizing::new([0; 32]);
        getrandom::fill(&mut seed[..]).map_err(SeatError::Randomness)?;
        Ok(Self::from_seed(name, 0, seed))
    }

    /// The next key epoch: a new seed under the same name. The old key must never answer again.
    ///
    /// # Errors
    /// If the operating system has no randomness.
    pub fn rotate(&self) -> Result<Self, SeatError> {
        let mut next = Self::generate(&self.name)?;
        next.epoch = self.epoch + 1;
        Ok(next)
    }

    /// The seat of a seed.
    pub fn from_seed(name: &str, epoch: u32, seed: Zeroizing<[u8; 32]>) -> Self {
        let digits = Stream::derived("zektra 2026 ternary key share v1", &seed).ternary(N);
        let commitment = commit_digits(&digits);
        let mut elements = digits_to_elements(&digits);
        let key = Poly::from_coefficients(elements.clone()).into_eval();
        crate::ntt::wipe(&mut elements);
        let prf_key = Zeroizing::new(blake3::derive_key("zektra 2026 stream key v1", &seed[..]));
        let ikm = Zeroizing::new(blake3::derive_key("zektra 2026 release key v1", &seed[..]));
        let release_secret = ReleaseSecret::derive(&ikm);
        let prf = Prf::new(prf_key, commitment);
        Self { name: name.into(), epoch, seed, key, commitment, prf, release_secret }
    }

    /// The public record.
    pub fn public(&self) -> Seat {
        Seat {
            name: self.name.clone(),
            key: self.commitment,
            epoch: self.epoch,
            release_key: self.release_secret.public(),
            operator_keys: vec![],
        }
    }

    /// The commitment of the key share.
    pub fn commitment(&self) -> Commitment {
        self.commitment
    }

    /// The key share's 4096 digits in {−1, 0, 1}: secret, for proofs about it.
    pub fn digits(&self) -> Vec<F> {
        digits_to_elements(&Stream::derived("zektra 2026 ternary key share v1", &self.seed).ternary(N))
    }

    /// The key share, to multiply with.
    pub(crate) fn key(&self) -> &Eval {
        &self.key
    }

    pub(crate) fn prf(&self) -> &Prf {
        &self.prf
    }

    /// The secret of the seat's own release key.
    pub fn release_secret(&self) -> &ReleaseSecret {
        &self.release_secret
    }

    /// An authenticator of bytes under this seat's own key: for what it gave itself to keep.
    pub fn authenticate(&self, bytes: &[u8]) -> [u8; 32] {
        let key = Zeroizing::new(blake3::derive_key("zektra 2026 own records v1", &self.seed[..]));
        *blake3::keyed_hash(&key, bytes).as_bytes()
    }

    /// The secret file: magic, epoch, name, seed, checksum. Keep it readable by its owner alone.
    pub fn to_file(&self) -> Zeroizing<Vec<u8>> {
        let mut out = Zeroizing::new(Vec::with_capacity(64 + self.name.len()));
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&self.epoch.to_le_bytes());
        out.extend_from_slice(&(self.name.len() as u32).to_le_bytes());
        out.extend_from_slice(self.name.as_bytes());
        out.extend_from_slice(&self.seed[..]);
        let check = blake3::hash(&out);
        out.extend_from_slice(&check.as_bytes()[..8]);
        out
    }

    /// Reads what [`SeatSecret::to_file`] wrote.
    ///
    /// # Errors
    /// Foreign, truncated or changed bytes.
    pub fn from_file(bytes: &[u8]) -> Result<Self, SeatError> {
        let word = |range: std::ops::Range<usize>| {
            let b = bytes.get(range)?.try_into().ok()?;
            Some(u32::from_le_bytes(b))
        };
        if bytes.get(..8) != Some(MAGIC) {
            return Err(SeatError::Format("it does not start with ZKSEAT1"));
        }
        let (Some(epoch), Some(length)) = (word(8..12), word(12..16)) else {
            return Err(SeatError::Format("it ends early"));
        };
        let length = length as usize;
        if bytes.len() != 16 + length + 32 + 8 {
            return Err(SeatError::Format("its length does not fit its name"));
        }
        let (body, check) = bytes.split_at(bytes.len() - 8);
        if &blake3::hash(body).as_bytes()[..8] != check {
            return Err(SeatError::Format("its checksum does not fit: the file was changed or damaged"));
        }
        let name = std::str::from_utf8(&body[16..16 + length]);
        let name = name.map_err(|_| SeatError::Format("its name is not text"))?;
        let mut seed = Zeroizing::new([0; 32]);
        seed.copy_from_slice(&body[16 + length..]);
        Ok(Self::from_seed(name, epoch, seed))
    }
}

impl Drop for SeatSecret {
    fn drop(&mut self) {
        self.key.wipe();
        self.seed.zeroize();
    }
}

impl std::fmt::Debug for SeatSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SeatSecret({}, epoch {}, key {})", self.name, self.epoch, self.commitment)
    }
}

/// `commit(103 elements)`, each `Σ (digit + 1)·3^k` over 40 digits: what the ternary gate's sums are.
fn commit_digits(digits: &[i8]) -> Commitment {
    let mut packed: Vec<F> = digits
        .chunks(DIGITS_PER_ELEMENT)
        .map(|chunk| {
            let sum = chunk.iter().rev().fold(0u64, |sum, &d| 3 * sum + (d + 1) as u64);
            F::from_canonical_u64(sum)
        })
        .collect();
    let commitment = commit(Tag::KeyShare, &packed);
    crate::ntt::wipe(&mut packed);
    commitment
}
