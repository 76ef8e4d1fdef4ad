//! Commitments, fingerprints and the byte encoding that everything is hashed in.
//!
//! Two hashes, two uses. A [`Commitment`] is Poseidon, because a proof will open it; a
//! [`Fingerprint`] is BLAKE3, because it only has to tell two messages apart and is taken of every
//! polynomial that passes by (some 30 times faster).

use crate::field::{F, P};
use plonky2::field::types::{Field, PrimeField64};
use plonky2::hash::hashing::hash_n_to_hash_no_pad;
use plonky2::hash::poseidon::{PoseidonHash, PoseidonPermutation};
use plonky2::plonk::config::Hasher;
use std::fmt;

/// What a commitment is of. The tag is the first element that is hashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Tag {
    /// A ring element: 4096 coefficients.
    Polynomial = 1,
    /// A key share: 103 elements of 40 ternary digits.
    KeyShare = 2,
    /// A member's share of an opened state, followed by four salt elements.
    StateShare = 3,
    /// A leaf of a dataset's tree.
    DatasetLeaf = 4,
    /// An inner node of a dataset's tree.
    DatasetNode = 5,
    /// An opened vector `U`.
    Opened = 6,
    /// The public inputs of a statement.
    PublicInputs = 7,
    /// The root of a dataset's tree together with its number of leaves.
    DatasetRoot = 8,
    /// The commitments of a released model.
    Model = 9,
    /// A vector of masked shares `y`.
    MaskedShare = 10,
    /// A prover's own vectors.
    Witness = 11,
    /// A prover's quotients.
    Quotient = 12,
    /// From the first digest of a statement and its quotients: the point `r`.
    Point = 13,
    /// A leaf of a job's tree of tiles.
    TileLeaf = 14,
    /// A link of a hash chain.
    Chain = 15,
    /// An offline share with its values.
    OfflineLeaf = 16,
    /// What a chain of proofs is about: job, table, node, keys.
    Context = 17,
    /// The states between two phases.
    States = 18,
    /// The verifier data of one circuit.
    VerifierData = 19,
    /// The list of a chain's circuits.
    Circuits = 20,
}

/// A Poseidon commitment: four field elements, about 128 bits of collision resistance.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Commitment(pub [u64; 4]);

impl Commitment {
    /// The four field elements.
    pub fn elements(&self) -> [F; 4] {
        self.0.map(F::from_canonical_u64)
    }

    /// 32 bytes, little endian per element.
    pub fn to_bytes(self) -> [u8; 32] {
        let mut out = [0; 32];
        for (chunk, e) in out.chunks_exact_mut(8).zip(self.0) {
            chunk.copy_from_slice(&e.to_le_bytes());
        }
        out
    }

    /// Reads what [`Commitment::to_bytes`] wrote; `None` for another length or an element not below `p`.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != 32 {
            return None;
        }
        let mut out = [0; 4];
        for (e, chunk) in out.iter_mut().zip(bytes.chunks_exact(8)) {
            *e = u64::from_le_bytes(chunk.try_into().ok()?);
            if *e >= P {
                return None;
            }
        }
        Some(Self(out))
    }
}

impl fmt::Display for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_bytes().iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Commitment({self})")
    }
}

/// Poseidon over `(tag, number of elements, elements)`; bare `hash_no_pad` separates neither use nor length.
pub fn commit(tag: Tag, elements: &[F]) -> Commitment {
    let mut input = Vec::with_capacity(elements.len() + 2);
    input.push(F::from_canonical_u64(tag as u64));
    input.push(F::from_canonical_usize(elements.len()));
    input.extend_from_slice(elements);
    let hash = hash_n_to_hash_no_pad::<F, PoseidonPermutation<F>>(&input);
    Commitment(hash.elements.map(|e| e.to_canonical_u64()))
}

/// One Poseidon compression of two commitments under a tag: `commit(tag, left ‖ right)`.
pub fn commit_pair(tag: Tag, left: &Commitment, right: &Commitment) -> Commitment {
    let mut both = [F::ZERO; 8];
    both[..4].copy_from_slice(&left.elements());
    both[4..].copy_from_slice(&right.elements());
    commit(tag, &both)
}

/// One native Poseidon permutation chain of `count` steps: the unit `P` of the benchmarks is `count = 2^20`.
pub fn poseidon_chain(count: usize) -> u64 {
    let mut state = PoseidonHash::hash_no_pad(&[F::ONE]);
    for _ in 0..count {
        state = PoseidonHash::two_to_one(state, state);
    }
    state.elements[0].to_canonical_u64()
}

/// A BLAKE3 fingerprint of bytes under a domain.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Fingerprint(pub [u8; 32]);

impl Fingerprint {
    /// Stands for "no message" and "no multiplier" where a stream has none.
    pub const NONE: Self = Self([0; 32]);

    /// Reads 32 bytes; `None` for another length.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

/// The fingerprint of the elements' canonical bytes.
pub fn fingerprint(elements: &[F]) -> Fingerprint {
    // In one piece: BLAKE3 hashes 16 chunks at once only if it gets them at once.
    let mut bytes = Vec::with_capacity(26 + elements.len() * 8);
    bytes.extend_from_slice(b"zektra/elements/v1");
    bytes.extend_from_slice(&(elements.len() as u64).to_le_bytes());
    bytes.extend(elements.iter().flat_map(|e| e.to_canonical_u64().to_le_bytes()));
    Fingerprint(*blake3::hash(&bytes).as_bytes())
}

/// A writer of the canonical encoding: fixed-width little-endian integers, length-prefixed bytes.
///
/// # Invariants
/// Equal encodings under one domain mean equal values: every variable part carries its length.
#[derive(Debug)]
pub struct Encoder {
    bytes: Vec<u8>,
}

impl Encoder {
    /// Starts with a domain, e.g. `zektra/job/v1`.
    pub fn new(domain: &str) -> Self {
        let mut e = Self { bytes: Vec::new() };
        e.bytes(domain.as_bytes());
        e
    }

    /// Adds a number.
    pub fn u64(&mut self, v: u64) -> &mut Self {
        self.bytes.extend_from_slice(&v.to_le_bytes());
        self
    }

    /// Adds a length.
    pub fn len(&mut self, v: usize) -> &mut Self {
        self.u64(v as u64)
    }

    /// Adds a signed number.
    pub fn i64(&mut self, v: i64) -> &mut Self {
        self.bytes.extend_from_slice(&v.to_le_bytes());
        self
    }

    /// Adds bytes behind their length.
    pub fn bytes(&mut self, v: &[u8]) -> &mut Self {
        self.u64(v.len() as u64);
        self.bytes.extend_from_slice(v);
        self
    }

    /// What was written.
    pub fn finish(&self) -> &[u8] {
        &self.bytes
    }

    /// The fingerprint of what was written.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint(*blake3::hash(&self.bytes).as_bytes())
    }
}
