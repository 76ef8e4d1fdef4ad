use super::ground::{Ground, person, shown};
use proptest::prelude::*;
use zektra_modules::Module as _;
use zektra_modules::authority::authority;
use zektra_modules::proofs::weights::{bonus, ends};
use zektra_modules::proofs::{self, Accepted, Proofs, keys};
use zektra_proto::proofs::v1::{
    Circuit, CircuitKind, CircuitStatus as Status, MsgAddCircuit, MsgSetCircuitStatus, MsgUpdateParams,
    QueryCircuitsRequest, QueryCircuitsResponse, QuerySummaryRequest, QuerySummaryResponse,
};
use zektra_state::StateRead as _;

fn ground() -> Ground {
    let mut ground = Ground::new();
    let genesis = Proofs.default_genesis("uzektra");
    Proofs.check_genesis(&genesis, &ground.prefix).unwrap();
    ground.with(|ctx| Ok(Proofs.init_genesis(ctx, &genesis).unwrap())).unwrap();
    ground
}

fn circuits(ground: &Ground) -> Vec<Circuit> {
    let answer: QueryCircuitsResponse = ground.ask(&Proofs, "Circuits", &QueryCircuitsRequest::default()).unwrap();
    answer.circuits
}

fn training(ground: &Ground) -> Circuit {
    circuits(ground).into_iter().find(|c| c.kind() == CircuitKind::Training).unwrap()
}

/// By hand: of a stake of a quarter, a part of the work of an eighth, a quarter, a half.
#[test]
fn by_the_share_of_work_for_the_share_of_stake_within_the_cap() {
    assert_eq!(bonus(1250, 1, 8, 100, 400), 625);
    assert_eq!(bonus(1250, 2, 8, 100, 400), 1250);
    assert_eq!(bonus(1250, 4, 8, 100, 400), 1250);
    assert_eq!(bonus(1250, 0, 8, 100, 400), 0);
    assert_eq!(bonus(1250, 0, 0, 100, 400), 0);
    assert_eq!(bonus(1250, 5, 5, 0, 400), 0);
    assert!(ends(20, 10) && !ends(21, 10) && !ends(20, 0));
}

proptest! {
    /// Splitting a validator with its stake and its work into k never gains: the sum of what stake weighs is the same or less.
    #[test]
    fn and_splitting_gains_nothing(
        stakes in prop::collection::vec(1u64..1_000_000, 1..6),
        works in prop::collection::vec(0u64..1_000_000, 6),
        others in (1u64..10_000_000, 0u64..10_000_000),
    ) {
        let works = &works[..stakes.len()];
        let (stake, work): (u64, u64) = (stakes.iter().sum(), works.iter().sum());
        let (all_stake, all_work) = (u128::from(stake + others.0), work + others.1);
        let weigh = |stake: u64, work: u64| {
            u128::from(stake) * (10_000 + u128::from(bonus(1250, work, all_work, u128::from(stake), all_stake)))
        };
        let split: u128 = stakes.iter().zip(works).map(|(s, w)| weigh(*s, *w)).sum();
        // Each is rounded down, at most by its own stake.
        prop_assert!(split <= weigh(stake, work) + u128::from(stake));
        prop_assert!(bonus(1250, work, all_work, u128::from(stake), all_stake) <= 1250);
    }
}

#[test]
fn a_block_sums_up_its_proofs() {
    let mut ground = ground();
    let circuit = training(&ground);
    assert!(circuit.units > 0 && circuit.max_iterations >= 8, "{circuit:?}");
    let record = |ground: &mut Ground, hash: u8, count: u64| {
        let accepted = Accepted { circuit: circuit.clone(), hash: [hash; 32] };
        ground.with(|ctx| proofs::record(ctx, &accepted, count, Some(&person(7)))).unwrap()
    };
    assert_eq!(record(&mut ground, 1, 3), 3 * circuit.units);
    assert!(shown(&ground.events)[0].starts_with("proofs_accepted{circuits="));
    record(&mut ground, 2, 1);
    let height = ground.block.height;
    ground.block.height += 5;
    record(&mut ground, 3, 1);
    ground.block.height += 1;
    let of = |height| {
        let answer: QuerySummaryResponse = ground.ask(&Proofs, "Summary", &QuerySummaryRequest { height }).unwrap();
        answer.summary.unwrap()
    };
    let first = of(height);
    assert_eq!((first.proofs, first.units, first.cost), (2, 4 * circuit.units, 2));
    assert_eq!((of(height + 1).root, of(height + 1).proofs), (first.root.clone(), 0));
    assert_ne!(of(height + 5).root, first.root);
    assert_eq!(of(height + 6).root, of(height + 5).root);
    let credit = ground.state.get(&keys::credit(&person(7))).unwrap().unwrap();
    assert_eq!(credit, (5 * circuit.units).to_be_bytes());
    ground.round_trip(&Proofs);
}

#[test]
fn the_registry_never_uses_a_digest_twice() {
    let mut ground = ground();
    let gov = ground.prefix.text(&authority());
    let known = training(&ground);
    let add = |circuit: Circuit| MsgAddCircuit { authority: gov.clone(), circuit: Some(circuit) };
    let codes = |e: zektra_modules::TxError| (e.codespace, e.code);
    assert_eq!(codes(ground.send(add(known.clone())).unwrap_err()), ("proofs", 4));
    let other = Circuit { digest: vec![0; 32].into(), ..known.clone() };
    ground.send(add(other.clone())).unwrap();
    let set = |status: Status| MsgSetCircuitStatus {
        authority: gov.clone(),
        digest: other.digest.clone(),
        status: status.into(),
    };
    for status in [Status::Retired, Status::Active, Status::Tombstoned] {
        ground.send(set(status)).unwrap();
    }
    assert_eq!(codes(ground.send(set(Status::Active)).unwrap_err()), ("proofs", 5));
    assert_eq!(codes(ground.send(add(other.clone())).unwrap_err()), ("proofs", 4));
    let stranger = MsgSetCircuitStatus { authority: ground.text(1), ..set(Status::Retired) };
    assert_eq!(codes(ground.send(stranger).unwrap_err()), ("gov", 13));
    let nobody = MsgSetCircuitStatus { digest: vec![9; 32].into(), ..set(Status::Retired) };
    assert_eq!(codes(ground.send(nobody).unwrap_err()), ("proofs", 2));
    // Bad input: no change of the state.
    let before = circuits(&ground);
    let wrong: [fn(&mut Circuit); 5] = [
        |c| c.digest = vec![1; 31].into(),
        |c| c.kind = 0,
        |c| c.status = 9,
        |c| c.cost = 0,
        |c| c.shape = "rows_log2=15".into(),
    ];
    for change in wrong {
        let mut circuit = Circuit { digest: vec![2; 32].into(), ..known.clone() };
        change(&mut circuit);
        ground.send(add(circuit)).unwrap_err();
    }
    let mut params = proofs::params(&ground.state).unwrap();
    params.epoch_blocks = 0;
    let message = MsgUpdateParams { authority: gov.clone(), params: Some(params) };
    assert!(ground.send(message).unwrap_err().log.starts_with("epoch_blocks 0: expected"));
    assert_eq!(circuits(&ground), before);
}
