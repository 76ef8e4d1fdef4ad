use crate::a_bond_returns_when_its_jobs_are_done::registration;
use crate::ground::{Ground, person, shown};
use crate::work::{check, each_refused, ground, round_trip};
use proptest::prelude::*;
use zektra_modules::Module as _;
use zektra_modules::authority::authority;
use zektra_modules::reputation::formula::{credit, decay, score};
use zektra_modules::reputation::{self, Fault, Reputation};
use zektra_proto::reputation::v1::*;

const PARAMS: Params = Params { prior_units: 1000, units_per_token: 10, units_per_fee: 1 };

fn parts(good: u64, bad: u64, bond: u128) -> [u32; 3] {
    let reputation::Score { validity, throughput, score } = score(&PARAMS, good, bad, bond);
    [validity, throughput, score]
}

#[test]
fn by_formulas_with_known_values() {
    assert_eq!(parts(0, 0, 1000), [2500, 0, 1250]);
    assert_eq!(parts(100_000, 0, 10_000), [9711, 5000, 7283]);
    assert_eq!(parts(100_000, 16_000, 10_000), [8416, 5000, 6312]);
    assert_eq!(parts(1_000_000, 0, 10_000), [9970, 9090, 9516]);
    assert_eq!(parts(0, 0, 0), [2500, 0, 1250]);
    assert_eq!(parts(u64::MAX, u64::MAX, u128::MAX), [4999, 0, 2499]);
    let mut record = Record { good: 1_000_000, bad: 1_000_000, ..Record::default() };
    decay(&mut record, 22);
    assert_eq!((record.good, record.bad), (497_338, 707_174));
    decay(&mut record, 344);
    assert!(record.good > 0);
    decay(&mut record, 345);
    assert_eq!(record.good, 0);
    let mut record = Record { good: u64::MAX, bad: u64::MAX, ..Record::default() };
    decay(&mut record, u64::MAX);
    assert_eq!((record.good, record.bad), (0, 0));
}

fn work(timely: u64, late: u64, burned_fee: u64) -> Pending {
    Pending { timely, late, burned_fee, ..Pending::default() }
}

#[test]
fn with_caps_by_requester_and_by_fees() {
    // One requester alone: a quarter.
    assert_eq!(credit(&PARAMS, &[work(1000, 0, 1000)]), 250);
    // Four of the same size: all. One of them late: half of its.
    assert_eq!(credit(&PARAMS, &[1, 2, 3, 4].map(|_| work(100, 0, 500))), 400);
    assert_eq!(credit(&PARAMS, &[work(100, 0, 100), work(100, 0, 100), work(100, 0, 100), work(0, 100, 100)]), 350);
    // Fees for a tenth: 10, 100, 100, 100, of which a quarter is 77.
    let paid = [work(100, 0, 10), work(100, 0, 100), work(100, 0, 100), work(100, 0, 100)];
    assert_eq!(credit(&PARAMS, &paid), 10 + 3 * 77);
    // Half of it late: three quarters count.
    assert_eq!(credit(&PARAMS, &[1, 2, 3, 4].map(|_| work(50, 50, 100))), 4 * 75);
    assert_eq!(credit(&PARAMS, &[]), 0);
    assert_eq!(credit(&PARAMS, &[work(0, 0, 5)]), 0);
}

fn credited(ground: &mut Ground, node: u8, requester: u8, units: u64, late: bool) {
    ground.with(|ctx| reputation::credit(ctx, &person(node), &person(requester), units, units, late)).unwrap();
}

fn end(ground: &mut Ground) {
    let runs = reputation::epoch(&ground.state).unwrap();
    ground.with(|ctx| reputation::end_epoch(ctx, runs)).unwrap();
    check(ground);
}

#[test]
fn work_counts_at_the_end_of_an_epoch_and_faults_at_once() {
    let mut ground = ground();
    ground.send(registration(&ground, 1)).unwrap();
    for requester in 2..6 {
        credited(&mut ground, 1, requester, 500, false);
        credited(&mut ground, 1, requester, 500, requester == 2);
    }
    let record = |ground: &Ground| {
        let Record { good, bad, epoch, .. } = reputation::record(&ground.state, &person(1)).unwrap();
        (good, bad, epoch)
    };
    assert_eq!(record(&ground), (0, 0, 0));
    round_trip(&ground, &Reputation);
    let request = QueryPendingRequest { node: ground.text(1), pagination: None };
    let answer: QueryPendingResponse = ground.ask(&Reputation, "Pending", &request).unwrap();
    assert_eq!(answer.pending.iter().map(|p| (p.timely, p.late)).collect::<Vec<_>>()[..2], [(500, 500), (1000, 0)]);
    // In the epoch after, a 32nd is gone: 3750 - 118.
    end(&mut ground);
    assert_eq!(record(&ground), (3632, 0, 1));
    for (fault, weight) in [(Fault::Missed, 10), (Fault::InvalidProof, 160), (Fault::Withheld, 640)] {
        ground.with(|ctx| reputation::debit(ctx, &person(1), fault, 10)).unwrap();
        let text = shown(&ground.events).remove(0);
        assert!(text.starts_with("reputation_debit{") && text.ends_with(&format!("units={weight}}}")), "{text}");
    }
    assert_eq!(record(&ground), (3632, 810, 1));
    let score = reputation::score(&ground.state, &person(1), 2000).unwrap();
    // 10000·4632/8442, 10000·3632/23632, 5486·5768/10000 by hand.
    assert_eq!((score.validity, score.throughput, score.score), (5486, 1536, 3164));
    let request = QueryReputationRequest { node: ground.text(1) };
    let answer: QueryReputationResponse = ground.ask(&Reputation, "Reputation", &request).unwrap();
    let shown = answer.score.unwrap();
    assert_eq!((shown.validity, shown.throughput, shown.score), (5486, 1536, 3164));
    assert_eq!((answer.record.unwrap().bad, &answer.bond[..]), (810, "2000000000"));
    // Who is not known has the score of a newcomer.
    let request = QueryReputationRequest { node: ground.text(7) };
    let answer: QueryReputationResponse = ground.ask(&Reputation, "Reputation", &request).unwrap();
    assert_eq!(answer.score.unwrap().score, 1250);
    round_trip(&ground, &Reputation);
    let error = ground.with(|ctx| reputation::end_epoch(ctx, 0)).unwrap_err();
    assert_eq!((error.codespace, error.code), ("reputation", 3));
}

#[test]
fn and_stays_with_a_name_that_leaves_and_comes_again() {
    let mut ground = ground();
    ground.send(registration(&ground, 1)).unwrap();
    ground.with(|ctx| reputation::debit(ctx, &person(1), Fault::Withheld, 1000)).unwrap();
    let before = reputation::record(&ground.state, &person(1)).unwrap();
    let operator = ground.text(1);
    let left = ground.send(zektra_proto::compute::v1::MsgLeave { operator }).unwrap();
    ground.block.height = left.leaves_at;
    ground.with(|ctx| zektra_modules::compute::Compute.end_block(ctx)).unwrap();
    ground.send(registration(&ground, 1)).unwrap();
    assert_eq!(reputation::record(&ground.state, &person(1)).unwrap(), before);
    assert!(reputation::score(&ground.state, &person(1), 2000).unwrap().score < 1000);
}

#[test]
fn by_parameters_in_their_range() {
    let mut ground = ground();
    let right = MsgUpdateParams { authority: ground.prefix.text(&authority()), params: Some(PARAMS) };
    let (someone, most) = (ground.text(1), 1u64 << 40);
    each_refused(
        &mut ground,
        &right,
        &[
            (&|m| m.authority = someone.clone(), ("gov", 13), "invalid authority"),
            (&|m| m.params = None, ("reputation", 2), "params: missing"),
            (
                &|m| m.params = Some(Params { prior_units: 0, ..PARAMS }),
                ("reputation", 2),
                "prior_units 0: expected 1 to",
            ),
            (
                &|m| m.params = Some(Params { units_per_token: most + 1, ..PARAMS }),
                ("reputation", 2),
                "units_per_token",
            ),
            (&|m| m.params = Some(Params { units_per_fee: 0, ..PARAMS }), ("reputation", 2), "units_per_fee 0"),
        ],
    );
    ground.send(right).unwrap();
    let right = Reputation.export_genesis(&ground.state, &ground.prefix).unwrap();
    let mut wrong = right.clone();
    wrong["records"] = serde_json::json!([{"node": "x", "good": "1", "bad": "0", "epoch": "0"}]);
    assert_eq!(Reputation.check_genesis(&wrong, &ground.prefix).unwrap_err().field, "reputation.records[0].node");
    wrong["records"][0]["node"] = ground.text(1).into();
    wrong["records"][0]["epoch"] = "1".into();
    assert_eq!(Reputation.check_genesis(&wrong, &ground.prefix).unwrap_err().field, "reputation.records[0].epoch");
}

proptest! {
    #[test]
    fn more_good_work_is_never_worse_and_more_bad_work_never_better(
        good in 0u64..1 << 50, bad in 0u64..1 << 50, more in 0u64..1 << 50, bond in 0u128..1 << 50,
    ) {
        let at = |good, bad| score(&PARAMS, good, bad, bond);
        let (base, better, worse) = (at(good, bad), at(good + more, bad), at(good, bad + more));
        prop_assert!(better.validity >= base.validity && better.throughput >= base.throughput);
        prop_assert!(better.score >= base.score && worse.score <= base.score);
        prop_assert!(better.score <= 10_000 && score(&PARAMS, good, bad, bond + 1).score <= base.score);
    }

    #[test]
    fn it_does_not_matter_when_a_record_is_touched(good: u64, bad: u64, steps in prop::collection::vec(0u64..400, 1..12)) {
        let mut touched = Record { good, bad, ..Record::default() };
        let mut at_once = touched.clone();
        let mut epoch = 0;
        for step in steps {
            epoch += step;
            decay(&mut touched, epoch);
        }
        decay(&mut at_once, epoch);
        prop_assert_eq!(touched, at_once);
    }
}
