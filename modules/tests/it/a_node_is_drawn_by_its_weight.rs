use proptest::prelude::*;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use zektra_modules::address::Address;
use zektra_modules::compute::{draw, weight};

fn address(k: u8) -> Address {
    Address::new(vec![k; 20]).unwrap()
}

fn seed(k: u64) -> [u8; 32] {
    Sha256::digest(k.to_be_bytes()).into()
}

/// The statistic of so many draws with fixed seeds.
fn chi_square(weights: &[u128], draws: u64) -> f64 {
    let list: Vec<_> = weights.iter().enumerate().map(|(k, &w)| (address(k as u8), w)).collect();
    let mut found: BTreeMap<Address, u64> = BTreeMap::new();
    for k in 0..draws {
        *found.entry(draw(&seed(k), &list).unwrap()).or_default() += 1;
    }
    let total: u128 = weights.iter().sum();
    let term = |(address, weight): &(Address, u128)| {
        let expected = draws as f64 * *weight as f64 / total as f64;
        let found = found.get(address).copied().unwrap_or(0) as f64;
        (found - expected).powi(2) / expected
    };
    list.iter().map(term).sum()
}

#[test]
fn as_often_as_it_should_be() {
    // Quantiles of 99.9 % with 4, 9 and 2 degrees of freedom.
    assert!(chi_square(&[1, 2, 3, 4, 5], 20_000) < 18.47);
    assert!(chi_square(&[7_283_000_000; 10], 20_000) < 27.88);
    // Two thirds of all 128-bit numbers: without rejection the first would win half of the draws.
    let third = u128::MAX / 3;
    assert!(chi_square(&[third / 2, third, third / 2], 20_000) < 13.82);
}

#[test]
fn whatever_the_order_of_the_list_and_never_with_no_weight() {
    let mut list: Vec<_> = (0..6).map(|k| (address(k), u128::from(k) * 10)).collect();
    for k in 0..500 {
        let drawn = draw(&seed(k), &list).unwrap();
        list.rotate_left(1);
        assert_eq!(draw(&seed(k), &list).unwrap(), drawn);
        assert_ne!(drawn, address(0));
    }
    assert_eq!(draw(&seed(0), &[]), None);
    assert_eq!(draw(&seed(0), &[(address(1), 0)]), None);
    assert_eq!(draw(&seed(0), &[(address(1), u128::MAX), (address(2), 1)]), None);
    assert_eq!(draw(&seed(0), &[(address(1), u128::MAX)]), Some(address(1)));
}

#[test]
fn which_is_bond_times_reputation_times_a_factor_by_price() {
    // 10000 · 7283 · factor / 10000, by hand: factors 10000, 20000, 13333.
    assert_eq!(weight(10_000, 7283, 50, 50), 72_830_000);
    assert_eq!(weight(10_000, 7283, 0, 50), 145_660_000);
    assert_eq!(weight(10_000, 7283, 25, 50), 97_104_239);
    assert_eq!(weight(10_000, 7283, 51, 50), 0);
    assert_eq!(weight(10_000, 7283, 0, 0), 72_830_000);
    assert_eq!(weight(u128::MAX, 10_000, 0, u64::MAX), 1 << 112);
}

proptest! {
    #[test]
    fn and_who_splits_a_bond_gains_nothing(
        bonds in prop::collection::vec(0u128..1 << 60, 1..20), r in 0u32..=10_000, most in 0u64..1 << 40, part in 0u64..=100,
    ) {
        let price = most / 100 * part;
        let whole = weight(bonds.iter().sum(), r, price, most);
        prop_assert!(bonds.iter().map(|&b| weight(b, r, price, most)).sum::<u128>() <= whole);
    }

    #[test]
    fn and_a_lower_price_is_never_worse(bond in 0u128..1 << 80, r in 0u32..=10_000, most in 1u64.., a: u64, b: u64) {
        let (a, b) = (a % most, b % most);
        let (low, high) = (a.min(b), a.max(b));
        prop_assert!(weight(bond, r, low, most) >= weight(bond, r, high, most));
        prop_assert!(weight(bond, r, low, most) <= 2 * bond * u128::from(r));
        prop_assert!(weight(bond, r, high, most) >= bond * u128::from(r));
    }
}
