use crate::ground::{Ground, person, shown};
use crate::work::{DENOM, FORTUNE, TOKEN, check, coin, ground, held, round_trip};
use proptest::prelude::*;
use zektra_modules::address::Address;
use zektra_modules::compute::{self, Compute, Slashed};
use zektra_modules::{Module as _, bank, distribution};
use zektra_proto::compute::v1::*;

const BOND: u128 = 2000 * TOKEN;
const FEE: u128 = 10 * TOKEN;
const UNBONDING: u64 = 21 * 24 * 720;

pub fn registration(ground: &Ground, who: u8) -> MsgRegisterNode {
    MsgRegisterNode {
        operator: ground.text(who),
        moniker: format!("number {who}"),
        endpoint: "https://node.example:7443".into(),
        bond: Some(coin(BOND)),
        price: 50,
        max_jobs: 2,
        validator: String::new(),
    }
}

fn node(ground: &Ground, who: u8) -> Option<Node> {
    compute::node(&ground.state, &person(who)).unwrap()
}

fn end(ground: &mut Ground, height: u64) {
    ground.block.height = height;
    ground.with(|ctx| Compute.end_block(ctx)).unwrap();
    check(ground);
}

#[test]
fn and_its_time_has_passed() {
    let mut ground = ground();
    let supply = bank::supply(&ground.state, DENOM).unwrap();
    let registered = ground.send(registration(&ground, 1)).unwrap();
    let text = ground.text(1);
    let print = zektra_statement::record::node_fingerprint("test-1", person(1).bytes());
    assert_eq!(registered.fingerprint[..], print.0);
    let wanted = format!("compute_register{{node={text},fingerprint={},bond={BOND}}}", hex::encode(print.0));
    assert_eq!(shown(&ground.events).last().unwrap(), &wanted);
    // The fee is burned, the bond is held.
    assert_eq!(held(&ground, 1), FORTUNE - BOND - FEE);
    assert_eq!(bank::supply(&ground.state, DENOM).unwrap(), supply - FEE);
    ground.send(MsgAddBond { operator: ground.text(1), amount: Some(coin(5)) }).unwrap();
    ground.with(|ctx| compute::assign(ctx, &person(1), 700, 0)).unwrap();
    let left = ground.send(MsgLeave { operator: ground.text(1) }).unwrap();
    assert_eq!(left.leaves_at, 10 + UNBONDING);
    check(&ground);
    // With a live job nothing returns, however late it is.
    end(&mut ground, left.leaves_at + 5);
    assert_eq!(node(&ground, 1).unwrap().live_jobs, 1);
    round_trip(&ground, &Compute);
    ground.with(|ctx| compute::finish(ctx, &person(1), 0)).unwrap();
    round_trip(&ground, &Compute);
    end(&mut ground, left.leaves_at + 6);
    assert_eq!(node(&ground, 1), None);
    assert_eq!(held(&ground, 1), FORTUNE - FEE);
    let wanted = format!("compute_return{{node={text},amount={}{DENOM}}}", BOND + 5);
    assert_eq!(shown(&ground.events).last().unwrap(), &wanted);
    // Without a job it returns at its very height; then the operator may begin again.
    ground.block.height = 10;
    ground.send(registration(&ground, 2)).unwrap();
    let left = ground.send(MsgLeave { operator: ground.text(2) }).unwrap();
    end(&mut ground, left.leaves_at - 1);
    assert!(node(&ground, 2).is_some());
    end(&mut ground, left.leaves_at);
    assert_eq!((node(&ground, 2), held(&ground, 2)), (None, FORTUNE - FEE));
    ground.send(registration(&ground, 2)).unwrap();
}

#[test]
fn and_who_pauses_or_leaves_gets_no_job() {
    let mut ground = ground();
    for who in 1..=3 {
        ground.send(registration(&ground, who)).unwrap();
    }
    let update = |ground: &Ground, who, price, paused| MsgUpdateNode {
        operator: ground.text(who),
        endpoint: "node.example:1".into(),
        price,
        max_jobs: 1,
        paused,
        validator: String::new(),
    };
    let found = |ground: &Ground, most, least, without: &[Address]| -> Vec<Address> {
        let found = compute::candidates(&ground.state, most, least, without).unwrap();
        found.into_iter().map(|c| c.node).collect()
    };
    assert_eq!(found(&ground, 50, 0, &[]), [person(1), person(2), person(3)]);
    assert_eq!(found(&ground, 50, 0, &[person(2)]), [person(1), person(3)]);
    assert!(found(&ground, 49, 0, &[]).is_empty() && found(&ground, 50, BOND + 1, &[]).is_empty());
    ground.send(update(&ground, 1, 40, false)).unwrap();
    assert_eq!(found(&ground, 49, 0, &[]), [person(1)]);
    ground.send(update(&ground, 2, 50, true)).unwrap();
    ground.send(MsgLeave { operator: ground.text(3) }).unwrap();
    assert_eq!(found(&ground, 50, 0, &[]), [person(1)]);
    ground.with(|ctx| compute::assign(ctx, &person(1), 9, 0)).unwrap();
    assert!(found(&ground, 50, 0, &[]).is_empty());
    let code = |ground: &mut Ground, who| ground.with(|ctx| compute::assign(ctx, &person(who), 1, 0)).unwrap_err().code;
    assert_eq!([1, 2, 3, 4].map(|who| code(&mut ground, who)), [7, 6, 5, 4]);
    ground.with(|ctx| compute::finish(ctx, &person(1), 0)).unwrap();
    assert_eq!(ground.with(|ctx| compute::finish(ctx, &person(1), 0)).unwrap_err().code, 8);
    assert_eq!(compute::epoch_units(&ground.state).unwrap(), 9);
    round_trip(&ground, &Compute);
    // What is asked for shows the same.
    let request = QueryCandidatesRequest { most_price: 50, least_bond: String::new() };
    let answer: QueryCandidatesResponse = ground.ask(&Compute, "Candidates", &request).unwrap();
    assert_eq!(answer.candidates[0].node, ground.text(1));
    assert_eq!((answer.candidates[0].epoch_units, answer.candidates[0].within_cap), (9, true));
    let answer: QueryNodesResponse = ground.ask(&Compute, "Nodes", &QueryNodesRequest::default()).unwrap();
    assert_eq!(answer.nodes.len(), 3);
    let request = QueryNodeRequest { operator: ground.text(4) };
    assert!(ground.ask::<_, QueryNodeResponse>(&Compute, "Node", &request).is_err());
    let answer: QueryParamsResponse = ground.ask(&Compute, "Params", &QueryParamsRequest {}).unwrap();
    assert_eq!(answer.params.unwrap().share_cap_bps, 1500);
}

#[test]
fn and_stands_for_as_many_as_it_covers() {
    let mut ground = ground();
    ground.send(registration(&ground, 1)).unwrap();
    let free = |ground: &Ground| compute::candidates(&ground.state, 50, 0, &[]).unwrap().first().map(|c| c.free);
    ground.with(|ctx| compute::assign(ctx, &person(1), 1, BOND - 7)).unwrap();
    check(&ground);
    round_trip(&ground, &Compute);
    assert_eq!(free(&ground), Some(7));
    assert_eq!(compute::candidates(&ground.state, 50, 8, &[]).unwrap(), []);
    let more = ground.with(|ctx| compute::assign(ctx, &person(1), 1, 8)).unwrap_err();
    assert_eq!((more.codespace, more.code), ("compute", 9));
    ground.with(|ctx| compute::assign(ctx, &person(1), 1, 7)).unwrap();
    // What one of them costs is less than what stood for it.
    ground.with(|ctx| compute::slash(ctx, &person(1), 5)).unwrap();
    ground.with(|ctx| compute::finish(ctx, &person(1), 7)).unwrap();
    check(&ground);
    assert_eq!(free(&ground), Some(2));
    assert_eq!(ground.with(|ctx| compute::finish(ctx, &person(1), BOND)).unwrap_err().code, 8);
    ground.with(|ctx| compute::finish(ctx, &person(1), BOND - 7)).unwrap();
    check(&ground);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn less_what_was_slashed_to_one_unit(wanted in prop_oneof![0..=BOND, Just(BOND * 3)], bps in 0u32..=10_000) {
        let mut ground = ground();
        ground.send(registration(&ground, 1)).unwrap();
        let authority = ground.prefix.text(&zektra_modules::authority::authority());
        let params = Params { slash_burn_bps: bps, ..compute::params(&ground.state).unwrap() };
        ground.send(MsgUpdateParams { authority, params: Some(params) }).unwrap();
        let supply = bank::supply(&ground.state, DENOM).unwrap();
        let slashed = ground.with(|ctx| compute::slash(ctx, &person(1), wanted)).unwrap();
        check(&ground);
        let taken = wanted.min(BOND);
        let community = taken * u128::from(10_000 - bps) / 10_000;
        prop_assert_eq!(slashed, Slashed { burned: taken - community, community });
        prop_assert_eq!(compute::bond(&node(&ground, 1).unwrap()).unwrap(), BOND - taken);
        prop_assert_eq!(bank::supply(&ground.state, DENOM).unwrap(), supply - (taken - community));
        let pool = distribution::community_pool(&ground.state).unwrap().split().unwrap().0.amount(DENOM);
        prop_assert_eq!(pool, community);
    }
}
