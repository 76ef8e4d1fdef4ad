//! The field `Z_p`, `p = 2^64 − 2^32 + 1`, its traits, and its centred integers.

use plonky2::field::extension::FieldExtension;
use plonky2::field::extension::quadratic::QuadraticExtension;
use plonky2::field::goldilocks_field::GoldilocksField;

pub use plonky2::field::packable::Packable;
pub use plonky2::field::packed::PackedField;
pub use plonky2::field::types::{Field, PrimeField64};

/// The field of ring coefficients, which is also the field of the proofs.
pub type F = GoldilocksField;

/// The quadratic extension `F[φ]/(φ² − 7)`, where identities are checked.
pub type E = QuadraticExtension<F>;

/// `x_0 + φ·x_1`.
pub fn to_ext(x: [F; 2]) -> E {
    E::from_basefield_array(x)
}

/// The coordinates of an element of [`E`].
pub fn from_ext(x: E) -> [F; 2] {
    x.to_basefield_array()
}

/// The modulus `2^64 − 2^32 + 1`.
pub const P: u64 = 0xffff_ffff_0000_0001;

/// The ring is `Z_p[X]/(X^N + 1)`.
pub const N: usize = 4096;

/// The bytes of a polynomial: `N` coefficients, 8 bytes each, little endian.
pub const POLY_BYTES: usize = N * 8;

/// The element that stands for `v`, without a branch on its sign: digits of keys and masks pass here.
pub fn from_i64(v: i64) -> F {
    let sign = (v >> 63) as u64;
    F::from_canonical_u64((v as u64).wrapping_add(P & sign))
}

/// The representative of `x` in `(−p/2, p/2)`.
pub fn centred(x: F) -> i64 {
    let v = x.to_canonical_u64();
    if v > P / 2 { -((P - v) as i64) } else { v as i64 }
}

/// `round(v / 2^shift)`, halves towards plus infinity: `⌊(v + 2^(shift−1)) / 2^shift⌋`.
///
/// One definition for public values, for masks and for the integer reference.
pub fn round_shift(v: i64, shift: u32) -> i64 {
    if shift == 0 {
        return v;
    }
    ((i128::from(v) + (1i128 << (shift - 1))) >> shift) as i64
}

/// Elements as canonical little-endian bytes.
pub fn to_bytes(elements: &[F]) -> Vec<u8> {
    let mut out = Vec::with_capacity(elements.len() * 8);
    for e in elements {
        out.extend_from_slice(&e.to_canonical_u64().to_le_bytes());
    }
    out
}

/// The elements of canonical little-endian bytes.
///
/// # Errors
/// The byte position of the first value that is not below `p`, or the length if it is no multiple of 8.
pub fn from_bytes(bytes: &[u8]) -> Result<Vec<F>, usize> {
    if !bytes.len().is_multiple_of(8) {
        return Err(bytes.len());
    }
    let mut out = Vec::with_capacity(bytes.len() / 8);
    for (i, chunk) in bytes.chunks_exact(8).enumerate() {
        let mut word = [0u8; 8];
        word.copy_from_slice(chunk);
        let v = u64::from_le_bytes(word);
        if v >= P {
            return Err(i * 8);
        }
        out.push(F::from_canonical_u64(v));
    }
    Ok(out)
}
