//! What openings claim of a product is what the product is, computed by hand.

use crate::stage::pseudo;
use proptest::prelude::*;
use zektra_prove::poly::{self, Sum};
use zektra_statement::field::{E, F, Field, N, to_ext};

fn uniform(seed: u64) -> Vec<F> {
    (0..N).map(|k| F::from_noncanonical_u64(pseudo(seed, k))).collect()
}

/// `a·b`, all `2N` coefficients, term by term.
fn naive(a: &[F], b: &[F]) -> Vec<F> {
    let mut out = vec![F::ZERO; 2 * N];
    for (i, &x) in a.iter().enumerate() {
        out[i..i + N].iter_mut().zip(b).for_each(|(o, &y)| *o += x * y);
    }
    out
}

/// Modulo `X^N + 1`.
fn reduced(wide: &[F]) -> Vec<F> {
    wide[..N].iter().zip(&wide[N..]).map(|(&l, &h)| l - h).collect()
}

/// `Σ a·b` over the pairs, in the ring.
fn ring(pairs: &[(Vec<F>, Vec<F>)]) -> Vec<F> {
    let mut out = vec![F::ZERO; N];
    pairs.iter().for_each(|(a, b)| poly::add(&mut out, &reduced(&naive(a, b))));
    out
}

fn borrowed(pairs: &[(Vec<F>, Vec<F>)]) -> Vec<(&[F], &[F])> {
    pairs.iter().map(|(a, b)| (&a[..], &b[..])).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn sums(seed in any::<u64>(), shift in 0..N, at in any::<[u64; 2]>()) {
        let (a, b, c) = (uniform(seed), uniform(seed ^ 1), uniform(seed ^ 2));
        let mut sum = Sum::default();
        sum.add_product(&a, &b);
        sum.add(&c);
        sum.add_shifted_down(&b, shift);
        // Z^(−k): what falls below comes back negated at the top.
        let mut expected = reduced(&naive(&a, &b));
        poly::add(&mut expected, &c);
        for (i, &x) in b.iter().enumerate() {
            if i >= shift { expected[i - shift] += x } else { expected[N + i - shift] -= x }
        }
        prop_assert_eq!(sum.remainder(), expected.clone());
        // A·B + C − X^(N−k)·B − D = (X^N + 1)·Q, at a point.
        let r = to_ext(at.map(F::from_noncanonical_u64));
        let value = |p: &[F]| poly::evaluate(p, r);
        let factor = if shift == 0 { E::ONE } else { -r.exp_u64((N - shift) as u64) };
        let left = value(&a) * value(&b) + value(&c) + factor * value(&b) - value(&expected);
        prop_assert_eq!(left, (r.exp_u64(N as u64) + E::ONE) * value(&sum.into_quotient()));
    }

    #[test]
    fn rows(seed in any::<u64>(), count in 1usize..3, at in any::<[u64; 2]>()) {
        let pairs: Vec<_> = (0..count as u64).map(|k| (uniform(seed ^ k), uniform(!seed ^ k))).collect();
        let product = ring(&pairs);
        let r = to_ext(at.map(F::from_noncanonical_u64));
        for columns in [32, 64] {
            let m = N / columns;
            let (d, q) = poly::row_identity(&borrowed(&pairs), columns);
            let expected: Vec<F> = product.iter().step_by(columns).copied().collect();
            prop_assert_eq!(&d, &expected);
            prop_assert_eq!(q.len(), m);
            let y = r.exp_u64(columns as u64);
            let mut left = E::ZERO;
            for (a, b) in &pairs {
                let (a, b) = (poly::rows(a, columns, r), poly::rows(b, columns, r));
                left += a[0] * b[0];
                left += y * (1..columns).map(|x| a[x] * b[columns - x]).sum::<E>();
            }
            let right = poly::evaluate(&d, y) + (y.exp_u64(m as u64) + E::ONE) * poly::evaluate(&q, y);
            prop_assert_eq!(left, right);
            // The parts give the whole back.
            let parts = poly::rows(&pairs[0].0, columns, r);
            let whole = parts.iter().rev().fold(E::ZERO, |s, &v| s * r + v);
            prop_assert_eq!(whole, poly::evaluate(&pairs[0].0, r));
        }
    }

    #[test]
    fn columns(seed in any::<u64>(), count in 1usize..3, at in any::<[u64; 2]>()) {
        let pairs: Vec<_> = (0..count as u64).map(|k| (uniform(seed ^ k), uniform(!seed ^ k))).collect();
        let product = ring(&pairs);
        let r = to_ext(at.map(F::from_noncanonical_u64));
        for columns in [32, 64] {
            let m = N / columns;
            let (t, v) = poly::column_products(&borrowed(&pairs), columns);
            prop_assert_eq!((t.len(), v.len()), (2 * columns - 1, 2 * columns - 1));
            for j in 0..columns {
                let upper = v.get(j + columns).copied().unwrap_or_default();
                prop_assert_eq!(t[j] - upper, product[j]);
            }
            let (mut t_sum, mut v_sum) = (E::ZERO, E::ZERO);
            for (a, b) in &pairs {
                let (a, b) = (poly::blocks(a, columns, r), poly::blocks(b, columns, r));
                t_sum += a[0] * b[0] - (1..m).map(|i| a[i] * b[m - i]).sum::<E>();
                v_sum += (0..m).map(|i| a[i] * b[m - 1 - i]).sum::<E>();
            }
            prop_assert_eq!(poly::evaluate(&t, r), t_sum);
            prop_assert_eq!(poly::evaluate(&v, r), v_sum);
            let power = r.exp_u64(columns as u64);
            let whole = poly::blocks(&pairs[0].0, columns, r).iter().rev().fold(E::ZERO, |s, &v| s * power + v);
            prop_assert_eq!(whole, poly::evaluate(&pairs[0].0, r));
        }
    }

    #[test]
    fn combinations(seed in any::<u64>(), count in 0usize..5, at in any::<[u64; 4]>()) {
        let beta = to_ext([at[0], at[1]].map(F::from_noncanonical_u64));
        let r = to_ext([at[2], at[3]].map(F::from_noncanonical_u64));
        let list: Vec<_> = (0..count as u64).map(|k| uniform(seed ^ k)).collect();
        let expected: E = list.iter().rev().fold(E::ZERO, |s, q| s * beta + poly::evaluate(q, r));
        let parts: Vec<E> = poly::combine_some(&list, beta).iter().map(|p| poly::evaluate(p, r)).collect();
        let phi = to_ext([F::ZERO, F::ONE]);
        let found = match parts[..] { [] => E::ZERO, [x] => x, [x, y] => x + phi * y, _ => unreachable!() };
        prop_assert_eq!(found, expected);
    }
}
