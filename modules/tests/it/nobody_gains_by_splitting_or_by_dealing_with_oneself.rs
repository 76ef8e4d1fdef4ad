use proptest::prelude::*;
use zektra_modules::compute::weight;
use zektra_modules::reputation::formula::{credit, score};
use zektra_proto::reputation::v1::{Params, Pending};

const PARAMS: Params = Params { prior_units: 1000, units_per_token: 10, units_per_fee: 1 };

fn weighed(bond: u128, good: u64, bad: u64) -> u128 {
    weight(bond, score(&PARAMS, good, bad, bond).score, 50, 50)
}

#[test]
fn by_known_values() {
    // In millions: 72.83, 70.83, 67.23, 58.92, 30.00.
    for (k, wanted) in [(1, 7283), (2, 7083), (4, 6723), (10, 5892), (100, 3000)] {
        assert_eq!(u128::from(k) * weighed(10_000 / u128::from(k), 100_000 / k, 0), wanted * 10_000, "{k}");
    }
}

fn work(units: u64, burned_fee: u64) -> Pending {
    Pending { timely: units, burned_fee, ..Pending::default() }
}

proptest! {
    #[test]
    fn equal_parts_weigh_less_than_the_whole(k in 2u64..100, bond in 1u128..1 << 40, good in 0u64..1 << 40, bad in 0u64..1 << 40) {
        // Who has more bad work than validity of a quarter stands for has nothing to lose but its name.
        let bad = bad % (3 * good + 1);
        let whole = weighed(bond * u128::from(k), good * k, bad * k);
        prop_assert!(u128::from(k) * weighed(bond, good, bad) <= whole);
    }

    #[test]
    fn nor_do_other_parts_beyond_what_is_rounded(parts in prop::collection::vec((1u128..1 << 40, 0u64..1 << 40), 2..20)) {
        let (bond, good) = parts.iter().fold((0, 0), |(b, g), part| (b + part.0, g + part.1));
        let split: u128 = parts.iter().map(|&(bond, good)| weighed(bond, good, 0)).sum();
        // Three divisions round down, each by less than a basis point.
        prop_assert!(split <= weighed(bond, good, 0) + 3 * bond);
    }

    #[test]
    fn work_for_oneself_counts_a_quarter_and_no_more_than_the_fees_burned(
        own in 0u64..1 << 40, burned in 0u64..1 << 40, names in 1u64..50, other in 0u64..1 << 40,
    ) {
        prop_assert!(credit(&PARAMS, &[work(own, burned)]) <= own.min(burned) / 4);
        // Under many names: at most what was burned.
        let split: Vec<_> = (0..names).map(|_| work(own / names, burned / names)).collect();
        prop_assert!(credit(&PARAMS, &split) <= burned);
        // Beside honest work of another: no requester is more than a quarter of all.
        prop_assert!(credit(&PARAMS, &[work(own, own), work(other, other)]) <= (own + other) / 2);
    }
}
