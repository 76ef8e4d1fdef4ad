//! Elements of `Z_p[X]/(X^4096 + 1)`: coefficients, and the private form in which they multiply.

use crate::ntt;
use std::fmt;
use zektra_statement::digest::{Commitment, Fingerprint, Tag, commit, fingerprint};
use zektra_statement::field::{F, Field, N, POLY_BYTES, PrimeField64, from_bytes, to_bytes};
use zektra_statement::packing::Place;

/// A ring element as its 4096 canonical coefficients: how it is stored, committed and sent.
#[derive(Clone, PartialEq, Eq)]
pub struct Poly(Vec<F>);

/// A ring element in the transform's private order: how it is multiplied.
#[derive(Clone)]
pub struct Eval(Vec<F>);

/// Bytes that are no polynomial.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolyError {
    /// Another length.
    #[error("a polynomial has {POLY_BYTES} bytes, not {0}")]
    Length(usize),
    /// A coefficient is not below `p`.
    #[error("the coefficient at byte {0} is not below 2^64 − 2^32 + 1")]
    Range(usize),
}

impl Poly {
    /// Zero.
    pub fn zero() -> Self {
        Self(vec![F::ZERO; N])
    }

    /// From 4096 coefficients.
    ///
    /// # Panics
    /// For another number of them: a mistake of the caller, never of an input.
    pub fn from_coefficients(mut coefficients: Vec<F>) -> Self {
        assert_eq!(coefficients.len(), N, "a polynomial has {N} coefficients");
        ntt::canonical(&mut coefficients);
        Self(coefficients)
    }

    /// `Σ ± values[i] · Z^position[i]`.
    pub fn placed(places: &[Place], values: &[F]) -> Self {
        let mut out = Self::zero();
        for (place, &v) in places.iter().zip(values) {
            out.0[usize::from(place.position)] = if place.negative { -v } else { v };
        }
        ntt::canonical(&mut out.0);
        out
    }

    /// The coefficients.
    pub fn coefficients(&self) -> &[F] {
        &self.0
    }

    /// Coefficients at positions.
    pub fn at(&self, positions: &[u16]) -> Vec<F> {
        positions.iter().map(|&p| self.0[usize::from(p)]).collect()
    }

    /// `self ← self + other`.
    pub fn add_assign(&mut self, other: &Self) {
        ntt::add(&mut self.0, &other.0);
        ntt::canonical(&mut self.0);
    }

    /// `self ← self − other`.
    pub fn sub_assign(&mut self, other: &Self) {
        ntt::sub(&mut self.0, &other.0);
        ntt::canonical(&mut self.0);
    }

    /// `self · Z^(−k)`, `k < N`.
    pub fn shifted_down(&self, k: usize) -> Self {
        let mut out = Vec::with_capacity(N);
        out.extend_from_slice(&self.0[k..]);
        out.extend(self.0[..k].iter().map(|&c| -c));
        ntt::canonical(&mut out);
        Self(out)
    }

    /// The form to multiply in.
    pub fn eval(&self) -> Eval {
        self.clone().into_eval()
    }

    /// The form to multiply in, without a copy.
    pub fn into_eval(self) -> Eval {
        let mut values = self.0;
        ntt::forward(&mut values);
        Eval(values)
    }

    /// 32 KiB, little endian.
    pub fn to_bytes(&self) -> Vec<u8> {
        to_bytes(&self.0)
    }

    /// Reads what [`Poly::to_bytes`] wrote.
    ///
    /// # Errors
    /// Another length, or a coefficient that is not canonical.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PolyError> {
        if bytes.len() != POLY_BYTES {
            return Err(PolyError::Length(bytes.len()));
        }
        from_bytes(bytes).map(Self).map_err(PolyError::Range)
    }

    /// Whether the coefficients could be uniform modulo `p`, as those of every ciphertext are.
    ///
    /// Text, floats, small integers and zeros are told apart from ciphertexts by the histogram of their
    /// coefficients' highest bytes: χ² over 256 bins is 255 ± 23 for a ciphertext, and 1,000 is 33 standard
    /// deviations away. It guards against uploading plaintext by mistake; it proves nothing.
    pub fn looks_uniform(&self) -> bool {
        let mut bins = [0u32; 256];
        for c in &self.0 {
            bins[(c.to_canonical_u64() >> 56) as usize] += 1;
        }
        let expected = N as f64 / 256.0;
        bins.iter().map(|&b| (f64::from(b) - expected).powi(2) / expected).sum::<f64>() < 1000.0
    }

    /// The Poseidon commitment that a proof opens.
    pub fn commitment(&self) -> Commitment {
        commit(Tag::Polynomial, &self.0)
    }

    /// The fast fingerprint that tells messages apart.
    pub fn fingerprint(&self) -> Fingerprint {
        fingerprint(&self.0)
    }

    /// Overwrites the coefficients.
    pub fn wipe(&mut self) {
        ntt::wipe(&mut self.0);
    }
}

impl Eval {
    /// Zero.
    pub fn zero() -> Self {
        Self(vec![F::ZERO; N])
    }

    /// `self ← self + a·b`.
    pub fn mul_add(&mut self, a: &Self, b: &Self) {
        ntt::mul_add(&mut self.0, &a.0, &b.0);
    }

    /// `a·b`.
    pub fn mul(&self, other: &Self) -> Self {
        let mut out = Self::zero();
        out.mul_add(self, other);
        out
    }

    /// `self ← self + other`.
    pub fn add_assign(&mut self, other: &Self) {
        ntt::add(&mut self.0, &other.0);
    }

    /// Back to coefficients.
    pub fn into_poly(self) -> Poly {
        let mut values = self.0;
        ntt::inverse(&mut values);
        ntt::canonical(&mut values);
        Poly(values)
    }

    /// Single coefficients, much faster than all of them where positions are multiples of a power of two
    /// or small. Scrambles the element, which the caller wipes if it is secret.
    pub(crate) fn take_at(&mut self, positions: &[u16]) -> Vec<F> {
        ntt::inverse_at(&mut self.0, positions)
    }

    /// The multiplicative inverse, or `None` if a factor of the ring kills the element.
    pub fn inverse(&self) -> Option<Self> {
        if self.0.iter().any(|v| v.is_zero()) {
            return None;
        }
        Some(Self(F::batch_multiplicative_inverse(&self.0)))
    }

    /// Overwrites the values.
    pub fn wipe(&mut self) {
        ntt::wipe(&mut self.0);
    }
}

impl fmt::Debug for Poly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Poly({})", self.fingerprint())
    }
}

impl fmt::Debug for Eval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Eval(..)")
    }
}
