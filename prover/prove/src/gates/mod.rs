//! Gates of our own: digits that are checked, packed, evaluated and squared in the row where they stand.

mod arith;
mod digits;
mod range;
mod small;

pub use digits::DigitGate;
pub use range::RangeGate;
pub use small::SmallGate;

pub(crate) use digits::DigitGenerator;
pub(crate) use range::RangeGenerator;
pub(crate) use small::SmallGenerator;

use plonky2::util::serialization::{Buffer, IoResult, Read, Write};
use zektra_statement::field::{F, Field};

/// A weighted digit: it adds `weight·d`, `0 ≤ d < base`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Weight {
    /// What one unit of the digit counts.
    pub weight: u64,
    /// The digit's number of values, 2 to 5.
    pub base: u64,
}

/// Digits whose sums are exactly the integers from 0 to `max`: bases of at most 4.
///
/// As long as a digit's weight is at most one more than what the digits before it reach, there is no gap.
pub fn weights(max: u64) -> Vec<Weight> {
    let (mut reached, mut out) = (0u64, vec![]);
    while reached < max {
        let left = max - reached;
        let w = if left / 3 > reached {
            Weight { weight: reached + 1, base: 4 }
        } else if left >= 3 {
            Weight { weight: left / 3, base: 4 }
        } else {
            Weight { weight: 1, base: left + 1 }
        };
        reached += w.weight * (w.base - 1);
        out.push(w);
    }
    out
}

/// Digits of `value` for [`weights`]: from the last weight down, the smallest digit that leaves what the
/// weights before it reach.
///
/// A value beyond the largest sum gives digits of another value: the constraints then refuse it.
pub fn digits(weights: &[Weight], value: u64) -> Vec<u64> {
    let mut reached: u64 = weights.iter().map(|w| w.weight * (w.base - 1)).sum();
    let (mut left, mut out) = (value, vec![0; weights.len()]);
    for (w, digit) in weights.iter().zip(&mut out).rev() {
        reached -= w.weight * (w.base - 1);
        *digit = left.saturating_sub(reached).div_ceil(w.weight).min(w.base - 1);
        left -= *digit * w.weight;
    }
    out
}

fn write_weights(dst: &mut Vec<u8>, list: &[Weight]) -> IoResult<()> {
    dst.write_usize(list.len())?;
    for w in list {
        dst.write_field(F::from_canonical_u64(w.weight))?;
        dst.write_usize(w.base as usize)?;
    }
    Ok(())
}

fn read_weights(src: &mut Buffer) -> IoResult<Vec<Weight>> {
    let read = |src: &mut Buffer| {
        let weight = zektra_statement::field::PrimeField64::to_canonical_u64(&src.read_field::<F>()?);
        Ok(Weight { weight, base: src.read_usize()? as u64 })
    };
    (0..src.read_usize()?).map(|_| read(src)).collect()
}
