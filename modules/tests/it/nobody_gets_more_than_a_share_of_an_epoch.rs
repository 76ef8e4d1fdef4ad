use crate::a_bond_returns_when_its_jobs_are_done::registration;
use crate::ground::{Ground, person};
use crate::work::ground;
use proptest::prelude::*;
use std::collections::BTreeMap;
use zektra_modules::address::Address;
use zektra_modules::compute;

/// One after the other gets a job, always the one who is allowed and comes first: the greediest order.
fn shares(nodes: u8, jobs: &[u64]) -> (Ground, BTreeMap<Address, u64>) {
    let mut ground = ground();
    for who in 1..=nodes {
        ground.send(registration(&ground, who)).unwrap();
    }
    let mut got: BTreeMap<Address, u64> = BTreeMap::new();
    for &units in jobs {
        let all = compute::candidates(&ground.state, 50, 0, &[]).unwrap();
        let first = compute::within_cap(&ground.state, all).unwrap().remove(0).node;
        let total: u64 = got.values().sum();
        let before = got.entry(first.clone()).or_default();
        assert!(nodes < 7 || *before * 10_000 <= total * 1500);
        *before += units;
        ground.with(|ctx| compute::assign(ctx, &first, units, 0)).unwrap();
        ground.with(|ctx| compute::finish(ctx, &first, 0)).unwrap();
    }
    (ground, got)
}

#[test]
fn but_with_few_nodes_there_is_no_cap() {
    let (_, got) = shares(6, &[10; 30]);
    assert_eq!(got[&person(1)], 300);
}

#[test]
fn and_the_next_epoch_begins_with_none() {
    let (mut ground, got) = shares(7, &[10; 70]);
    assert_eq!(got.len(), 7);
    assert!(got.values().all(|&units| units <= 700 * 15 / 100 + 10));
    let units = |ground: &Ground| -> u64 {
        let all = compute::candidates(&ground.state, 50, 0, &[]).unwrap();
        all.iter().map(|c| c.epoch_units).sum()
    };
    assert_eq!((units(&ground), compute::epoch_units(&ground.state).unwrap()), (700, 700));
    ground.with(compute::end_epoch).unwrap();
    assert_eq!((units(&ground), compute::epoch_units(&ground.state).unwrap()), (0, 0));
    assert_eq!(compute::epoch(&ground.state).unwrap(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(20))]

    #[test]
    fn and_somebody_is_always_left(jobs in prop::collection::vec(1u64..1000, 1..40)) {
        shares(9, &jobs);
    }
}
