use proptest::prelude::*;
use zektra_statement::batch::BatchOrder;

#[test]
fn the_order_does_not_change() {
    let mut order = BatchOrder::new([7; 32], 10, 3);
    let steps: Vec<Vec<u32>> = (0..4).map(|t| order.step(t)).collect();
    assert_eq!(steps, GOLDEN);
}

const GOLDEN: [[u32; 3]; 4] = [[1, 8, 9], [5, 7, 3], [4, 0, 6], [9, 7, 5]];

#[test]
fn a_full_batch_is_in_natural_order() {
    assert_eq!(BatchOrder::new([1; 32], 5, 5).step(3), [0, 1, 2, 3, 4]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn epochs_are_permutations(beacon: [u8; 32], total in 2u32..40, wanted in 1u32..40, epoch in 0u32..5) {
        let groups = wanted.min(total - 1);
        let steps = total / groups;
        let mut order = BatchOrder::new(beacon, total, groups);
        let mut seen: Vec<u32> = (epoch * steps..(epoch + 1) * steps).flat_map(|t| order.step(t)).collect();
        prop_assert_eq!(seen.len() as u32, steps * groups);
        seen.sort_unstable();
        seen.dedup();
        prop_assert_eq!(seen.len() as u32, steps * groups, "a row group twice in an epoch");
        prop_assert!(seen.iter().all(|&g| g < total));
    }

    #[test]
    fn steps_can_be_asked_in_any_order(beacon: [u8; 32], total in 2u32..20, t in 0u32..50, between in 0u32..50) {
        let fresh = BatchOrder::new(beacon, total, 1).step(t);
        let mut used = BatchOrder::new(beacon, total, 1);
        used.step(between);
        prop_assert_eq!(used.step(t), fresh);
    }

    #[test]
    fn another_beacon_is_another_order(beacon: [u8; 32], bit in 0usize..256) {
        let mut other = beacon;
        other[bit / 8] ^= 1 << (bit % 8);
        let all = |b| { let mut o = BatchOrder::new(b, 32, 1); (0..32).flat_map(|t| o.step(t)).collect::<Vec<_>>() };
        prop_assert_ne!(all(beacon), all(other));
    }
}

/// Each of 4! = 24 orders comes up equally often: chi-square with 23 degrees of freedom, 49.7 is one in a thousand.
#[test]
fn permutations_are_uniform() {
    let mut counts = std::collections::BTreeMap::<Vec<u32>, f64>::new();
    let mut order = BatchOrder::new([9; 32], 4, 1);
    let epochs = 2400;
    for e in 0..epochs {
        *counts.entry((0..4).flat_map(|s| order.step(4 * e + s)).collect()).or_default() += 1.0;
    }
    let expected = f64::from(epochs) / 24.0;
    assert_eq!(counts.len(), 24);
    let chi: f64 = counts.values().map(|c| (c - expected).powi(2) / expected).sum();
    assert!(chi < 49.7, "{chi}");
}
