//! The negacyclic number-theoretic transform of length 4096 over Goldilocks.
//!
//! Decimation in time with the 2N-th roots merged into the twiddles, in Harvey's arrangement
//! (Seiler, "Faster AVX2 optimized NTT multiplication for Ring-LWE lattice cryptography", 2018,
//! section 2). The transform's order is private: it depends on the vector width of the build, so
//! it never leaves the process.

use std::sync::LazyLock;
use zektra_statement::field::{F, Field, N, Packable, PackedField, PrimeField64};

type Lane = <F as Packable>::Packing;

const WIDTH: usize = <Lane as PackedField>::WIDTH;
const LOG_N: usize = N.trailing_zeros() as usize;

struct Tables {
    /// `ψ^bitrev(i)`: the twiddle of block `i − m` of the layer with `m` blocks is entry `i`.
    forward: Vec<F>,
    inverse: Vec<F>,
    /// For each layer with stride below the vector width: one vector of twiddles a pair of vectors.
    forward_packed: Vec<Vec<Lane>>,
    inverse_packed: Vec<Vec<Lane>>,
    n_inverse: F,
}

static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    let psi = F::primitive_root_of_unity(LOG_N + 1);
    let powers = |root: F| {
        let natural: Vec<F> = root.powers().take(N).collect();
        (0..N).map(|i| natural[i.reverse_bits() >> (usize::BITS as usize - LOG_N)]).collect::<Vec<F>>()
    };
    let (forward, inverse) = (powers(psi), powers(psi.inverse()));
    let packed = |twiddles: &[F]| strides().map(|stride| packed_twiddles(twiddles, stride)).collect();
    Tables {
        forward_packed: packed(&forward),
        inverse_packed: packed(&inverse),
        forward,
        inverse,
        n_inverse: F::from_canonical_usize(N).inverse(),
    }
});

/// The strides that are handled inside vectors, largest first.
fn strides() -> impl DoubleEndedIterator<Item = usize> + ExactSizeIterator {
    (0..WIDTH.trailing_zeros()).rev().map(|e| 1usize << e)
}

/// Twiddles of the layer `stride`, in the lanes where the interleaved layout puts each butterfly.
fn packed_twiddles(twiddles: &[F], stride: usize) -> Vec<Lane> {
    // Follow the index of every lane through the interleavings of all layers down to this one.
    let blocks = N / (2 * stride);
    let mut index: Vec<usize> = (0..N).collect();
    for s in strides().take_while(|&s| s >= stride) {
        for pair in index.chunks_exact_mut(2 * WIDTH) {
            let (a, b) = pair.split_at_mut(WIDTH);
            interleave_indices(a, b, s);
        }
    }
    let mut out = Vec::with_capacity(N / (2 * WIDTH));
    for pair in index.chunks_exact(2 * WIDTH) {
        let mut lanes = Lane::ZEROS;
        for (lane, &i) in lanes.as_slice_mut().iter_mut().zip(&pair[..WIDTH]) {
            *lane = twiddles[blocks + i / (2 * stride)];
        }
        out.push(lanes);
    }
    out
}

/// What `PackedField::interleave` does, on indices.
fn interleave_indices(a: &mut [usize], b: &mut [usize], block: usize) {
    for start in (0..a.len()).step_by(2 * block) {
        for k in 0..block {
            std::mem::swap(&mut a[start + block + k], &mut b[start + k]);
        }
    }
}

/// Coefficients to the private evaluation order.
pub(crate) fn forward(values: &mut [F]) {
    let t = &*TABLES;
    let lanes = Lane::pack_slice_mut(values);
    let (mut blocks, mut stride) = (1, N / 2);
    while stride >= WIDTH {
        let step = stride / WIDTH;
        for (chunk, &w) in lanes.chunks_exact_mut(2 * step).zip(&t.forward[blocks..2 * blocks]) {
            let w = Lane::from(w);
            let (low, high) = chunk.split_at_mut(step);
            for (x, y) in low.iter_mut().zip(high) {
                let v = *y * w;
                *y = *x - v;
                *x += v;
            }
        }
        blocks *= 2;
        stride /= 2;
    }
    for (k, pair) in lanes.chunks_exact_mut(2).enumerate() {
        if WIDTH == 1 {
            break;
        }
        let (mut x, mut y) = (pair[0], pair[1]);
        for (stride, twiddles) in strides().zip(&t.forward_packed) {
            (x, y) = x.interleave(y, stride);
            let v = y * twiddles[k];
            y = x - v;
            x += v;
        }
        (pair[0], pair[1]) = (x, y);
    }
}

/// The private evaluation order back to coefficients.
pub(crate) fn inverse(values: &mut [F]) {
    let t = &*TABLES;
    inverse_layers(t, values, N);
    let n = Lane::from(t.n_inverse);
    for lane in Lane::pack_slice_mut(values) {
        *lane *= n;
    }
}

/// Single coefficients of the inverse transform; `values` is used as scratch space.
///
/// Every layer of the inverse sends sums to its lower half, so where only lower halves are wanted a
/// layer is an addition. For multiples of `2^k` these are the first k layers, for positions below
/// `2^k` all but the first k: the two shapes that phases open.
pub(crate) fn inverse_at(values: &mut [F], positions: &[u16]) -> Vec<F> {
    let t = &*TABLES;
    let all = positions.iter().fold(0u16, |all, &p| all | p);
    let spacing = (1usize << all.trailing_zeros()).min(N);
    let end = (usize::from(all) + 1).next_power_of_two();
    // Sums do not depend on the order within a pair of vectors, which only whole pairs respect.
    let mut out: Vec<F> = if spacing >= 2 * WIDTH {
        let sum = |c: &[F]| Lane::pack_slice(c).iter().copied().sum::<Lane>().as_slice().iter().copied().sum::<F>();
        let mut folded: Vec<F> = values.chunks_exact(spacing).map(sum).collect();
        let (mut blocks, mut stride) = (folded.len() / 2, 1);
        while blocks > 0 {
            for (chunk, &w) in folded.chunks_exact_mut(2 * stride).zip(&t.inverse[blocks..2 * blocks]) {
                let (low, high) = chunk.split_at_mut(stride);
                for (x, y) in low.iter_mut().zip(high) {
                    (*x, *y) = (*x + *y, (*x - *y) * w);
                }
            }
            blocks /= 2;
            stride *= 2;
        }
        let out = positions.iter().map(|&p| folded[usize::from(p) / spacing]).collect();
        wipe(&mut folded);
        out
    } else {
        let end = end.max(2 * WIDTH);
        inverse_layers(t, values, end);
        let (first, rest) = values.split_at_mut(end);
        for block in rest.chunks_exact(end) {
            add(first, block);
        }
        positions.iter().map(|&p| first[usize::from(p)]).collect()
    };
    out.iter_mut().for_each(|v| *v *= t.n_inverse);
    canonical(&mut out);
    out
}

/// The layers with strides below `end`, without the division by `N`.
fn inverse_layers(t: &Tables, values: &mut [F], end: usize) {
    let lanes = Lane::pack_slice_mut(values);
    for (k, pair) in lanes.chunks_exact_mut(2).enumerate() {
        if WIDTH == 1 {
            break;
        }
        let (mut x, mut y) = (pair[0], pair[1]);
        for (stride, twiddles) in strides().zip(&t.inverse_packed).rev() {
            let (u, v) = (x, y);
            (x, y) = (u + v, (u - v) * twiddles[k]);
            (x, y) = x.interleave(y, stride);
        }
        (pair[0], pair[1]) = (x, y);
    }
    let (mut blocks, mut stride) = (N / (2 * WIDTH), WIDTH);
    while stride < end {
        let step = stride / WIDTH;
        for (chunk, &w) in lanes.chunks_exact_mut(2 * step).zip(&t.inverse[blocks..2 * blocks]) {
            let w = Lane::from(w);
            let (low, high) = chunk.split_at_mut(step);
            for (x, y) in low.iter_mut().zip(high) {
                let (u, v) = (*x, *y);
                *x = u + v;
                *y = (u - v) * w;
            }
        }
        blocks /= 2;
        stride *= 2;
    }
}

/// `a ← a + b`.
pub(crate) fn add(a: &mut [F], b: &[F]) {
    for (x, &y) in Lane::pack_slice_mut(a).iter_mut().zip(Lane::pack_slice(b)) {
        *x += y;
    }
}

/// `a ← a − b`.
pub(crate) fn sub(a: &mut [F], b: &[F]) {
    for (x, &y) in Lane::pack_slice_mut(a).iter_mut().zip(Lane::pack_slice(b)) {
        *x -= y;
    }
}

/// `acc ← acc + a∘b`, entry by entry.
pub(crate) fn mul_add(acc: &mut [F], a: &[F], b: &[F]) {
    let factors = Lane::pack_slice(a).iter().zip(Lane::pack_slice(b));
    for (x, (&a, &b)) in Lane::pack_slice_mut(acc).iter_mut().zip(factors) {
        *x += a * b;
    }
}

/// Overwrites secret values; the compiler may not leave this out.
pub(crate) fn wipe(values: &mut [F]) {
    use zeroize::Zeroize;
    for v in values {
        v.0.zeroize();
    }
}

/// Brings every element below `p`, so that equality and bytes are canonical.
pub(crate) fn canonical(values: &mut [F]) {
    for v in values {
        *v = F::from_canonical_u64(v.to_canonical_u64());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn single_coefficients_are_those_of_the_whole_transform() {
        let values: Vec<F> = (0..N as u64).map(|i| F::from_canonical_u64(i * i * 0x9e37_79b9 + 1)).collect();
        let mut all = values.clone();
        inverse(&mut all);
        canonical(&mut all);
        let shapes: [Vec<u16>; 8] = [
            vec![0],
            (0..128).map(|i| 32 * i).collect(),
            (0..64).map(|i| 64 * (63 - i)).collect(),
            (0..32).collect(),
            (0..64).collect(),
            vec![3, 8, 4095],
            vec![2, 4, 6],
            vec![2048],
        ];
        for positions in shapes {
            let wanted: Vec<F> = positions.iter().map(|&p| all[usize::from(p)]).collect();
            assert_eq!(inverse_at(&mut values.clone(), &positions), wanted, "{positions:?}");
        }
    }
}
