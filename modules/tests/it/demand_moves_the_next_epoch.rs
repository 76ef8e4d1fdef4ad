use crate::ground::Ground;
use crate::work::{check, ground, round_trip};
use proptest::prelude::*;
use zektra_modules::market::{self, Market, moved};
use zektra_proto::market::v1::*;

fn used(ground: &mut Ground, dataset: u64, units: u64) {
    ground.with(|ctx| market::use_demand(ctx, &[(dataset, units)])).unwrap();
}

fn next(ground: &mut Ground) {
    ground.with(market::end_epoch).unwrap();
}

fn multiplier(ground: &Ground, dataset: u64) -> u32 {
    market::demand(&ground.state, dataset).unwrap().multiplier
}

#[test]
fn by_the_known_sequence() {
    let params = market::params(&ground().state).unwrap();
    let mut multiplier = 10_000;
    for (used, wanted) in [(200, 11_250), (200, 12_656), (100, 12_656), (0, 11_074), (0, 9690), (50, 9085)] {
        multiplier = moved(&params, multiplier, used, 100);
        assert_eq!(multiplier, wanted);
    }
    // An eighth at most, one at least, and never out of its range.
    assert_eq!(moved(&params, 10_000, u64::MAX, 1), 11_250);
    assert_eq!(moved(&params, 10_000, 1_000_001, 1_000_000), 10_001);
    assert_eq!((moved(&params, 40_000, 9, 1), moved(&params, 5000, 0, 9)), (40_000, 5000));
}

#[test]
fn and_a_job_does_not_move_its_own_price() {
    let mut ground = ground();
    used(&mut ground, 7, 1000);
    assert_eq!(multiplier(&ground, 7), 10_000);
    // The first epoch of use is the first target: it moves nothing.
    next(&mut ground);
    assert_eq!(multiplier(&ground, 7), 10_000);
    used(&mut ground, 7, 5000);
    assert_eq!(multiplier(&ground, 7), 10_000);
    next(&mut ground);
    assert_eq!(multiplier(&ground, 7), 11_250);
    // The mean is (7·1000 + 5000)/8: as much as that changes nothing.
    used(&mut ground, 7, 1500);
    next(&mut ground);
    assert_eq!(multiplier(&ground, 7), 11_250);
    next(&mut ground);
    assert_eq!(multiplier(&ground, 7), 9844);
    assert_eq!(multiplier(&ground, 8), 10_000);
    let request = QueryDemandRequest { dataset: 7 };
    let answer: QueryDemandResponse = ground.ask(&Market, "Demand", &request).unwrap();
    assert_eq!((answer.demand.unwrap().multiplier, answer.demand.unwrap().epoch), (9844, 4));
    round_trip(&ground, &Market);
    check(&ground);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn it_does_not_matter_when_a_record_is_touched(uses in prop::collection::vec(prop_oneof![Just(0u64), 0..10_000u64], 1..60)) {
        let (mut touched, mut idle) = (ground(), ground());
        for units in uses {
            // Uses of nothing write the record; of the other it is written only with a use.
            used(&mut touched, 1, units);
            used(&mut touched, 1, 0);
            if units > 0 {
                used(&mut idle, 1, units);
            }
            next(&mut touched);
            next(&mut idle);
            let read = |g: &Ground| market::demand(&g.state, 1).unwrap();
            prop_assert_eq!(read(&touched), read(&idle));
            prop_assert!((5000..=40_000).contains(&read(&idle).multiplier));
        }
    }

    #[test]
    fn and_steady_use_moves_nothing(units in 1u64..1 << 40) {
        let mut ground = ground();
        for _ in 0..30 {
            used(&mut ground, 1, units);
            next(&mut ground);
            prop_assert_eq!(multiplier(&ground, 1), 10_000);
        }
    }
}
