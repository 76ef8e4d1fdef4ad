use proptest::prelude::*;
use zektra_modules::market::largest_remainder;

#[test]
fn by_known_values() {
    // 3000·b·L + 7000·l·B for b = (100, 100, 200), l = (300, 0, 150).
    let weights = [975_000_000, 135_000_000, 690_000_000];
    assert_eq!(largest_remainder(1_000_003, &weights), [541_668, 75_000, 383_335]);
    // Of equal remainders the first comes first.
    assert_eq!(largest_remainder(2, &[1, 1, 1]), [1, 1, 0]);
    assert_eq!(largest_remainder(7, &[0, 0]), [4, 3]);
    assert_eq!(largest_remainder(7, &[]), [0; 0]);
    assert_eq!(largest_remainder(u128::MAX, &[u128::MAX, u128::MAX]), [u128::MAX / 2 + 1, u128::MAX / 2]);
}

proptest! {
    #[test]
    fn exactly_and_each_within_one_unit_of_its_part(total in 0u128..1 << 80, weights in prop::collection::vec(0u128..1 << 40, 1..65)) {
        let parts = largest_remainder(total, &weights);
        prop_assert_eq!(parts.iter().sum::<u128>(), total);
        let sum: u128 = weights.iter().sum();
        for (part, weight) in parts.iter().zip(&weights).filter(|_| sum > 0) {
            let floor = total * weight / sum;
            prop_assert!((floor..=floor + 1).contains(part));
            prop_assert!(*part == floor || total * weight % sum > 0);
        }
    }

    #[test]
    fn whatever_the_amounts(total: u128, weights in prop::collection::vec(any::<u128>(), 1..65)) {
        let sum = largest_remainder(total, &weights).iter().try_fold(0u128, |sum, &part| sum.checked_add(part));
        prop_assert_eq!(sum, Some(total));
    }
}
