use proptest::prelude::*;
use zektra_statement::field::{F, Field, P, PrimeField64, centred, from_bytes, from_i64, round_shift, to_bytes};

#[test]
fn the_ends_of_the_range_are_kept() {
    let half = (P / 2) as i64;
    for v in [0, 1, -1, half, -half] {
        assert_eq!(centred(from_i64(v)), v);
    }
    assert_eq!(from_i64(i64::MIN).to_canonical_u64(), P - (1 << 63));
    assert_eq!([5, 6, 7, -5, -6, -7].map(|v| round_shift(v, 2)), [1, 2, 2, -1, -1, -2]);
    assert_eq!([2, -2].map(|v| round_shift(v, 2)), [1, 0], "halves go up");
    assert_eq!(round_shift(i64::MAX, 40), 1 << 23);
}

proptest! {
    #[test]
    fn centring_inverts_embedding(v in -((P / 2) as i64)..=(P / 2) as i64) {
        prop_assert_eq!(centred(from_i64(v)), v);
    }

    #[test]
    fn embedding_is_a_ring_map(a in -(1i64 << 30)..1 << 30, b in -(1i64 << 30)..1 << 30) {
        prop_assert_eq!(from_i64(a) * from_i64(b) + from_i64(a), from_i64(a * b + a));
    }

    #[test]
    fn rounding_is_at_most_a_half_away(v: i64, shift in 0u32..63) {
        let distance = (i128::from(round_shift(v, shift)) << shift) - i128::from(v);
        prop_assert!(distance.unsigned_abs() * 2 <= 1 << shift, "{v} by {shift} bits");
        prop_assert!(shift == 0 || distance != -(1 << (shift - 1)), "halves go up");
    }

    /// What members and the node round apart differs from the rounded sum by at most a half each.
    #[test]
    fn rounding_apart_costs_a_half_a_member(parts in prop::collection::vec(-(1i64 << 55)..1 << 55, 1..6), shift in 0u32..40) {
        let apart: i64 = parts.iter().map(|&v| round_shift(v, shift)).sum();
        let together = round_shift(parts.iter().sum(), shift);
        prop_assert!((apart - together).unsigned_abs() as usize <= parts.len().div_ceil(2) + 1);
    }

    #[test]
    fn elements_round_trip_and_other_bytes_never_panic(values in prop::collection::vec(0..P, 0..20), bytes: Vec<u8>) {
        let elements: Vec<F> = values.iter().map(|&v| F::from_canonical_u64(v)).collect();
        prop_assert_eq!(from_bytes(&to_bytes(&elements)).unwrap(), elements);
        if let Ok(elements) = from_bytes(&bytes) {
            prop_assert_eq!(to_bytes(&elements), bytes);
        }
    }

    #[test]
    fn a_value_that_is_not_below_p_is_refused(v in P..=u64::MAX, before in 0usize..4) {
        let mut bytes = vec![0; before * 8];
        bytes.extend(v.to_le_bytes());
        prop_assert_eq!(from_bytes(&bytes), Err(before * 8));
    }
}
