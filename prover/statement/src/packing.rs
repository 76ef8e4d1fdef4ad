//! Where the entries of a vector sit in a polynomial, and with which sign.
//!
//! A tile holds `rows = N/D` rows of `D` columns: `X = Σ_i Σ_j x_ij Z^{iD+j}`. The packings below
//! make the coefficients that a phase opens free of other terms; all other coefficients are never
//! opened.

use crate::field::N;

/// A monomial `sign · Z^position`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The exponent, below `N`.
    pub position: u16,
    /// Minus instead of plus.
    pub negative: bool,
}

/// How a vector is laid out in a polynomial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Packing {
    /// `w_0 − Σ_{j≥1} w_j Z^{N−j}`: the coefficient of `X·w` at `iD` is `⟨x_i, w⟩`.
    Weights = 1,
    /// `r_0 − Σ_{i≥1} r_i Z^{N−iD}`: the coefficient of `X·r` at `j` is `Σ_i x_ij r_i`.
    Residuals = 2,
    /// At `t(i)`, the integers with ternary digits in {0, 1}: the product's coefficient at `2t(i)` is `u_i v_i`.
    Elementwise = 3,
}

/// The most positions an opening may have.
pub const MAX_POSITIONS: usize = 128;

impl Packing {
    /// Where entry `i` sits, for tiles of `columns` columns.
    ///
    /// # Panics
    /// If the vector has no entry `i` in this packing; templates are checked when they are compiled.
    pub fn place(self, i: usize, columns: usize) -> Place {
        let (exponent, wraps) = match self {
            Self::Weights => (i, i > 0),
            Self::Residuals => (i * columns, i > 0),
            Self::Elementwise => (ternary_free(i), false),
        };
        assert!(exponent < N, "entry {i} does not fit a packing of {columns} columns");
        let position = if wraps { N - exponent } else { exponent };
        Place { position: position as u16, negative: wraps }
    }
}

/// The `i`-th integer whose ternary digits are 0 or 1: no three of these are in arithmetic progression.
///
/// So `t(i) + t(j) = 2t(k)` only for `i = j = k` (the sum has digits 0, 1, 2 without carries).
/// The 128 first are below 1094.
pub fn ternary_free(i: usize) -> usize {
    let (mut value, mut power, mut bits) = (0, 1, i);
    while bits > 0 {
        value += (bits & 1) * power;
        power *= 3;
        bits >>= 1;
    }
    value
}

/// The positions of the row products, `iD`.
pub fn row_positions(columns: usize) -> Vec<u16> {
    (0..N / columns).map(|i| (i * columns) as u16).collect()
}

/// The positions of the column sums, `j`.
pub fn column_positions(columns: usize) -> Vec<u16> {
    (0..columns as u16).collect()
}

/// The positions of `count` element-wise products, `2t(i)`.
pub fn product_positions(count: usize) -> Vec<u16> {
    (0..count).map(|i| (2 * ternary_free(i)) as u16).collect()
}
