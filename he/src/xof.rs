//! Public randomness and a member's own streams, both from BLAKE3 in its extendable-output mode.

use crate::ring::Poly;
use zektra_statement::digest::{Commitment, Encoder, Fingerprint};
use zektra_statement::field::{F, Field, N, P, from_i64};
use zeroize::Zeroizing;

/// Where every `c1` comes from: anyone recomputes it, nobody chooses it.
#[derive(Clone, Debug)]
pub struct PublicRandomness {
    chain_id: String,
    domain: &'static str,
    object: Fingerprint,
}

impl PublicRandomness {
    /// The randomness of a dataset's tiles.
    ///
    /// Tiles and states never share an `a`: whoever names a dataset after a job's lock would else get
    /// an extension share on that job's `a''`, and the difference of two shares on one `a` is no secret.
    pub fn of_dataset(chain_id: &str, id: Fingerprint) -> Self {
        Self { chain_id: chain_id.into(), domain: "zektra/tile-randomness/v1", object: id }
    }

    /// The randomness of a locked job's states.
    pub fn of_job(chain_id: &str, lock: Fingerprint) -> Self {
        Self { chain_id: chain_id.into(), domain: "zektra/state-randomness/v1", object: lock }
    }

    /// `a = XOF(domain ‖ chain id ‖ object id ‖ plane ‖ index ‖ attempt)`, uniform in the ring.
    pub fn poly(&self, plane: u64, index: u64, attempt: u32) -> Poly {
        let mut e = Encoder::new(self.domain);
        e.bytes(self.chain_id.as_bytes()).bytes(&self.object.0).u64(plane).u64(index).u64(u64::from(attempt));
        uniform(&mut blake3::Hasher::new().update(e.finish()).finalize_xof())
    }
}

/// Rejection sampling of 64-bit words: a word is refused with probability 2^−32.
fn uniform(xof: &mut blake3::OutputReader) -> Poly {
    let mut coefficients = Vec::with_capacity(N);
    let mut buffer = vec![0u8; N * 8];
    while coefficients.len() < N {
        let wanted = (N - coefficients.len()) * 8;
        xof.fill(&mut buffer[..wanted]);
        for chunk in buffer[..wanted].chunks_exact(8) {
            let mut word = [0; 8];
            word.copy_from_slice(chunk);
            let v = u64::from_le_bytes(word);
            if v < P {
                coefficients.push(F::from_canonical_u64(v));
            }
        }
    }
    Poly::from_coefficients(coefficients)
}

/// What a stream is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Noise of a tile's ciphertext.
    Tile = 1,
    /// Noise of an extension share.
    Extension = 2,
    /// Noise of an offline share.
    Offline = 3,
    /// Masks of an opening.
    Mask = 4,
    /// Noise of a fresh encryption of a state.
    Refresh = 5,
    /// Salt of a state share's commitment.
    Salt = 6,
    /// The lock of a job: which record its number stands for.
    Lock = 7,
}

/// What a stream is used for, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label {
    /// A tile's plane, for [`Kind::Tile`] and [`Kind::Extension`].
    Tile {
        /// The dataset's id with its owner's key.
        object: Fingerprint,
        /// The plane's number.
        plane: u64,
        /// The tile.
        tile: u64,
        /// The upload attempt.
        attempt: u32,
    },
    /// A place in a job, for the other kinds.
    Job {
        /// Chain id and job number: [`Label::job`].
        job: Fingerprint,
        /// The iteration.
        iteration: u32,
        /// The phase.
        phase: u32,
        /// Index of the opening or the output.
        index: u32,
        /// The job's attempt.
        attempt: u32,
    },
}

impl Label {
    /// How a job is named in labels: by its number, not by its contents, so that another content under
    /// the same number is refused.
    pub fn job(chain_id: &str, id: u64) -> Fingerprint {
        let mut e = Encoder::new("zektra/job-label/v1");
        e.bytes(chain_id.as_bytes()).u64(id);
        e.fingerprint()
    }

    fn encode(&self, e: &mut Encoder) {
        match *self {
            Self::Tile { object, plane, tile, attempt } => {
                e.u64(1).bytes(&object.0).u64(plane).u64(tile).u64(u64::from(attempt));
            }
            Self::Job { job, iteration, phase, index, attempt } => {
                e.u64(2).bytes(&job.0);
                for v in [iteration, phase, index, attempt] {
                    e.u64(u64::from(v));
                }
            }
        }
    }
}

/// One use of a stream: everything that its bytes depend on besides the secret.
#[derive(Clone, Copy, Debug)]
pub struct Use {
    /// What for.
    pub kind: Kind,
    /// Where.
    pub label: Label,
    /// The polynomial that meets the key: `a`, `d2`, `c` or `a''`.
    pub multiplier: Fingerprint,
    /// The secret that is hidden, if there is one.
    pub message: Fingerprint,
}

impl Use {
    /// What the label log remembers of the label.
    ///
    /// A tile and an extension share are one label, because they meet the same `a`: their difference is
    /// the rows. A key gives one of the two, never both.
    pub fn label_print(&self) -> Fingerprint {
        let kind = if self.kind == Kind::Extension { Kind::Tile } else { self.kind };
        let mut e = Encoder::new("zektra/label/v1");
        e.u64(kind as u64);
        self.label.encode(&mut e);
        e.fingerprint()
    }

    /// What the label log remembers of the contents.
    pub fn content_print(&self) -> Fingerprint {
        let mut e = Encoder::new("zektra/label-content/v1");
        e.u64(self.kind as u64).bytes(&self.multiplier.0).bytes(&self.message.0);
        e.fingerprint()
    }
}

/// A member's pseudorandom function.
pub struct Prf {
    key: Zeroizing<[u8; 32]>,
    own: Commitment,
}

impl Prf {
    /// `own` is the commitment of the key share: rotation changes every stream.
    pub fn new(key: Zeroizing<[u8; 32]>, own: Commitment) -> Self {
        Self { key, own }
    }

    /// `PRF(k; kind ‖ label ‖ own key ‖ multiplier ‖ message)`.
    pub fn stream(&self, usage: &Use) -> Stream {
        let mut e = Encoder::new("zektra/stream/v1");
        e.u64(usage.kind as u64);
        usage.label.encode(&mut e);
        e.bytes(&self.own.to_bytes()).bytes(&usage.multiplier.0).bytes(&usage.message.0);
        Stream(blake3::Hasher::new_keyed(&self.key).update(e.finish()).finalize_xof())
    }
}

/// Secret bytes, and the distributions made of them in constant time.
pub struct Stream(blake3::OutputReader);

impl Stream {
    /// A stream of a secret, for keys.
    pub(crate) fn derived(context: &str, secret: &[u8; 32]) -> Self {
        let key = Zeroizing::new(blake3::derive_key(context, secret));
        Self(blake3::Hasher::new_keyed(&key).finalize_xof())
    }

    /// Fills a buffer.
    pub fn fill(&mut self, out: &mut [u8]) {
        self.0.fill(out);
    }

    /// A polynomial of centred binomial noise, η = 2: `b0 + b1 − b2 − b3`, so |e| ≤ 2 always.
    pub fn noise(&mut self) -> Poly {
        let mut bytes = Zeroizing::new(vec![0u8; N / 2]);
        self.0.fill(&mut bytes);
        let mut out = Vec::with_capacity(N);
        for &byte in bytes.iter() {
            for nibble in [byte & 15, byte >> 4] {
                let bit = |k: u8| i64::from((nibble >> k) & 1);
                let e = bit(0) + bit(1) - bit(2) - bit(3);
                // p is added instead of branching on the sign.
                let lifted = (e as u64).wrapping_add(P & ((e >> 63) as u64));
                out.push(F::from_canonical_u64(lifted));
            }
        }
        Poly::from_coefficients(out)
    }

    /// `count` integers, uniform in `[−2^bits, 2^bits)`.
    pub fn masks(&mut self, count: usize, bits: u32) -> Zeroizing<Vec<i64>> {
        let mut bytes = Zeroizing::new(vec![0u8; count * 8]);
        self.0.fill(&mut bytes);
        let word = |chunk: &[u8]| {
            let mut w = [0; 8];
            w.copy_from_slice(chunk);
            // Of 64 random bits the top bits+1, as a signed number.
            i64::from_le_bytes(w) >> (63 - bits)
        };
        Zeroizing::new(bytes.chunks_exact(8).map(word).collect())
    }

    /// `count` ternary digits, uniform up to 2^−62: `⌊3·word / 2^64⌋ − 1`.
    pub fn ternary(&mut self, count: usize) -> Zeroizing<Vec<i8>> {
        let mut bytes = Zeroizing::new(vec![0u8; count * 8]);
        self.0.fill(&mut bytes);
        let digit = |chunk: &[u8]| {
            let mut w = [0; 8];
            w.copy_from_slice(chunk);
            ((u128::from(u64::from_le_bytes(w)) * 3) >> 64) as i8 - 1
        };
        Zeroizing::new(bytes.chunks_exact(8).map(digit).collect())
    }

    /// Four salt elements, each of 63 random bits.
    pub fn salt(&mut self) -> [F; 4] {
        let mut bytes = [0u8; 32];
        self.0.fill(&mut bytes);
        let mut out = [F::ZERO; 4];
        for (e, chunk) in out.iter_mut().zip(bytes.chunks_exact(8)) {
            let mut w = [0; 8];
            w.copy_from_slice(chunk);
            *e = F::from_canonical_u64(u64::from_le_bytes(w) >> 1);
        }
        out
    }
}

/// Ternary digits as field elements.
pub(crate) fn digits_to_elements(digits: &[i8]) -> Vec<F> {
    digits.iter().map(|&d| from_i64(i64::from(d))).collect()
}
