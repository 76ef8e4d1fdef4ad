use proptest::prelude::*;
use zektra_statement::field::{F, Field, N, centred, from_i64};
use zektra_statement::packing::{
    MAX_POSITIONS, Packing, column_positions, product_positions, row_positions, ternary_free,
};

/// `Z^a·Z^b`: its exponent, and whether it wraps.
fn monomials(a: usize, b: usize) -> (usize, bool) {
    ((a + b) % N, a + b >= N)
}

/// Which (entry, tile position) pairs reach each position, with their sign: exhaustively over both supports.
fn reach(packing: Packing, length: usize, columns: usize, wanted: &[u16]) -> Vec<Vec<(usize, usize, bool)>> {
    let mut out = vec![vec![]; wanted.len()];
    for entry in 0..length {
        let place = packing.place(entry, columns);
        for position in 0..N {
            let (sum, wraps) = monomials(position, usize::from(place.position));
            if let Some(k) = wanted.iter().position(|&w| usize::from(w) == sum) {
                out[k].push((entry, position, wraps != place.negative));
            }
        }
    }
    out
}

#[test]
fn a_row_product_takes_its_own_row_only() {
    for columns in [32, 64] {
        for (row, pairs) in reach(Packing::Weights, columns, columns, &row_positions(columns)).into_iter().enumerate() {
            let wanted: Vec<_> = (0..columns).map(|j| (j, row * columns + j, false)).collect();
            assert_eq!(pairs, wanted, "row {row} of {columns} columns");
        }
    }
}

#[test]
fn a_column_sum_takes_its_own_column_only() {
    for columns in [32, 64] {
        let rows = N / columns;
        let all = reach(Packing::Residuals, rows, columns, &column_positions(columns));
        for (column, pairs) in all.into_iter().enumerate() {
            let wanted: Vec<_> = (0..rows).map(|i| (i, i * columns + column, false)).collect();
            assert_eq!(pairs, wanted, "column {column} of {columns}");
        }
    }
}

#[test]
fn an_elementwise_product_takes_one_pair_only() {
    let positions = product_positions(MAX_POSITIONS);
    assert_eq!(ternary_free(127), 1093);
    assert!(positions.iter().all(|&p| usize::from(p) < N));
    for i in 0..MAX_POSITIONS {
        for j in 0..MAX_POSITIONS {
            let places = [i, j].map(|k| Packing::Elementwise.place(k, 32));
            assert!(places.iter().all(|p| !p.negative));
            let (sum, wraps) = monomials(usize::from(places[0].position), usize::from(places[1].position));
            assert!(!wraps);
            let opened = positions.iter().position(|&p| usize::from(p) == sum);
            assert_eq!(opened, (i == j).then_some(i), "entries {i} and {j}");
        }
    }
}

#[test]
fn no_two_entries_share_a_place() {
    for columns in [32, 64] {
        for (packing, length) in
            [(Packing::Weights, columns), (Packing::Residuals, N / columns), (Packing::Elementwise, MAX_POSITIONS)]
        {
            let mut places: Vec<u16> = (0..length).map(|i| packing.place(i, columns).position).collect();
            places.sort_unstable();
            places.dedup();
            assert_eq!(places.len(), length, "{packing:?} with {columns} columns");
        }
    }
}

fn negacyclic_at(a: &[F], b: &[F], position: usize) -> F {
    (0..N).fold(
        F::ZERO,
        |sum, i| {
            if i <= position { sum + a[i] * b[position - i] } else { sum - a[i] * b[N + position - i] }
        },
    )
}

fn packed(packing: Packing, values: &[i64], columns: usize) -> Vec<F> {
    let mut out = vec![F::ZERO; N];
    for (i, &v) in values.iter().enumerate() {
        let place = packing.place(i, columns);
        out[usize::from(place.position)] = from_i64(if place.negative { -v } else { v });
    }
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// cap 3: the packed products are the matrix-vector product, its transpose and the element-wise product.
    #[test]
    fn opened_coefficients_are_the_wanted_sums(
        x in prop::collection::vec(-4096i64..4096, N),
        v in prop::collection::vec(-4096i64..4096, 128),
        u in prop::collection::vec(-4096i64..4096, 128),
        wide: bool,
    ) {
        let columns = if wide { 64 } else { 32 };
        let rows = N / columns;
        let tile: Vec<F> = x.iter().map(|&v| from_i64(v)).collect();
        let weights = packed(Packing::Weights, &v[..columns], columns);
        for (i, &p) in row_positions(columns).iter().enumerate() {
            let wanted: i64 = (0..columns).map(|j| x[i * columns + j] * v[j]).sum();
            prop_assert_eq!(centred(negacyclic_at(&tile, &weights, usize::from(p))), wanted);
        }
        let residuals = packed(Packing::Residuals, &v[..rows], columns);
        for (j, &p) in column_positions(columns).iter().enumerate() {
            let wanted: i64 = (0..rows).map(|i| x[i * columns + j] * v[i]).sum();
            prop_assert_eq!(centred(negacyclic_at(&tile, &residuals, usize::from(p))), wanted);
        }
        let (left, right) = (packed(Packing::Elementwise, &u, columns), packed(Packing::Elementwise, &v, columns));
        for (i, &p) in product_positions(128).iter().enumerate() {
            prop_assert_eq!(centred(negacyclic_at(&left, &right, usize::from(p))), u[i] * v[i]);
        }
    }
}
