use crate::stage::{Chance, encrypt, open_product};
use proptest::prelude::*;
use zektra_he::rehearsal::rows::Random;
use zektra_he::ring::Poly;
use zektra_statement::field::{N, from_i64};
use zektra_statement::packing::{Packing, column_positions, product_positions, row_positions};

const E: f64 = 2.0;

/// Worst-case noise of an opened coefficient of a product, by Cauchy–Schwarz: each factor times the other's
/// noise (|e| ≤ 2n over N coefficients), noise times noise, and the offline shares' noise times the keys.
fn bound(left: f64, right: f64, n: f64) -> f64 {
    let (noise, root) = (E * n, (N as f64).sqrt());
    (left + right) * noise * root + noise * noise * N as f64 + noise * n * N as f64
}

fn norm(values: &[i64]) -> f64 {
    values.iter().map(|&v| (v * v) as f64).sum::<f64>().sqrt()
}

fn numbers(random: &mut Random, count: usize, bits: u32) -> Vec<i64> {
    (0..count).map(|_| random.below(2 << bits) as i64 - (1 << bits)).collect()
}

fn pack(packing: Packing, values: &[i64], columns: usize) -> Poly {
    let places: Vec<_> = (0..values.len()).map(|i| packing.place(i, columns)).collect();
    Poly::placed(&places, &values.iter().map(|&v| from_i64(v)).collect::<Vec<_>>())
}

/// `Dec(op(Enc left, Enc right))` at the positions, by `n` members.
fn run(seed: u64, n: usize, left: &Poly, right: &Poly, positions: &[u16]) -> Vec<i64> {
    let mut chance = Chance::new(seed);
    let keys: Vec<Poly> = (0..n).map(|_| chance.ternary()).collect();
    let ciphertext = |chance: &mut Chance, message: &Poly| {
        let a = chance.uniform();
        (encrypt(&keys, &a, message, &mut |_| chance.noise()), a)
    };
    let (a, b) = (ciphertext(&mut chance, left), ciphertext(&mut chance, right));
    open_product(&mut chance, &keys, (&a, &b), positions, &mut |chance, _| chance.noise())
}

fn close(opened: &[i64], wanted: &[i64], bound: f64) -> Result<(), TestCaseError> {
    let worst = opened.iter().zip(wanted).map(|(a, b)| (a - b).abs()).max().unwrap_or(0);
    prop_assert!(worst as f64 <= bound, "{worst} beyond {bound}");
    // Independent noise is far below its worst case: 16 times is not a lucky bound.
    prop_assert!(worst as f64 <= bound / 16.0, "{worst} is not far below {bound}");
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    /// cap 3: a matrix-vector product, which is a dot product a row.
    #[test]
    fn a_matrix_times_a_vector(seed: u64, n in 1usize..6, wide: bool) {
        let columns = if wide { 64 } else { 32 };
        let mut random = Random(seed);
        let (x, w) = (numbers(&mut random, N, 8), numbers(&mut random, columns, 14));
        let wanted: Vec<i64> = x.chunks(columns).map(|row| row.iter().zip(&w).map(|(a, b)| a * b).sum()).collect();
        let tile = crate::stage::poly(&x);
        let opened = run(seed, n, &tile, &pack(Packing::Weights, &w, columns), &row_positions(columns));
        close(&opened, &wanted, bound(norm(&x), norm(&w), n as f64))?;
    }

    /// cap 3: the transposed product, which is a sum over rows.
    #[test]
    fn a_transposed_matrix_times_a_vector(seed: u64, n in 1usize..6, wide: bool) {
        let columns = if wide { 64 } else { 32 };
        let mut random = Random(seed);
        let (x, r) = (numbers(&mut random, N, 8), numbers(&mut random, N / columns, 10));
        let wanted: Vec<i64> =
            (0..columns).map(|j| r.iter().enumerate().map(|(i, r)| x[i * columns + j] * r).sum()).collect();
        let tile = crate::stage::poly(&x);
        let opened = run(seed, n, &tile, &pack(Packing::Residuals, &r, columns), &column_positions(columns));
        close(&opened, &wanted, bound(norm(&x), norm(&r), n as f64))?;
    }

    /// cap 3: an element-wise product of two encrypted vectors.
    #[test]
    fn two_vectors_entry_by_entry(seed: u64, n in 1usize..6, count in 1usize..129) {
        let mut random = Random(seed);
        let (u, v) = (numbers(&mut random, count, 12), numbers(&mut random, count, 14));
        let wanted: Vec<i64> = u.iter().zip(&v).map(|(a, b)| a * b).collect();
        let (left, right) = (pack(Packing::Elementwise, &u, 32), pack(Packing::Elementwise, &v, 32));
        let opened = run(seed, n, &left, &right, &product_positions(count));
        close(&opened, &wanted, bound(norm(&u), norm(&v), n as f64))?;
    }
}
