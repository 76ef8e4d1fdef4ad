//! By hand: two datasets of a MiB and a pass for 1000003 each, four iterations of two units for 7 each, 10 at most.
//!
//! ```text
//! part of 56 and 2000006          compute: node, proposer, protocol     data: owners, treasury, protocol
//! 1 of 4, nine tenths             12  →  11, 0, 1                        450001 →  405001, 22500, 22500
//! 4 of 4, nine tenths             38  →  36, 0, 2                       1350004 → 1215004, 67500, 67500
//! the rest                         6  →   6, 0, 0                        200001 →  180001, 10000, 10000
//! ```
//!
//! Of the protocol's parts 1, 2 are burned 1, 1, and 0, 1 are validators'; of 22500, 67500, 10000 two fifths are burned,
//! two fifths are validators', a fifth is the community's, as is the treasury's part.

use crate::ground::person;
use crate::jobs::*;
use crate::work::DENOM;
use std::collections::BTreeMap;
use zektra_modules::address::Address;
use zektra_modules::{bank, compute, distribution, market, reputation};
use zektra_proto::market::v1::{MsgBuyCredits, QueryPayoutsRequest, QueryPayoutsResponse, Role};
use zektra_proto::training::v1::{JobStatus as Status, MsgOrder, Rules};

const FEES: u128 = 2 * 1_000_003;
const COMPUTE: u128 = 4 * 2 * 7;

/// What each of these accounts has.
fn all(jobs: &Jobs) -> BTreeMap<&'static str, i128> {
    let collector = Address::of_module(zektra_modules::auth::FEE_COLLECTOR);
    let accounts = [
        ("developer", person(DEVELOPER)),
        ("alice", person(ALICE)),
        ("bob", person(BOB)),
        ("nodes", person(NODES[0])),
        ("more nodes", person(NODES[1])),
        ("proposer", person(VALIDATOR)),
        ("validators", collector),
        ("community", Address::of_module(distribution::NAME)),
        ("escrow", market::module()),
        ("bonds", compute::module()),
        ("deposits", zektra_modules::training::account()),
    ];
    let supply = bank::supply(&jobs.ground.state, DENOM).unwrap();
    let held = accounts.into_iter().map(|(name, a)| (name, jobs.balance(&a)));
    let mut out: BTreeMap<_, i128> = held.chain([("supply", supply)]).map(|(n, a)| (n, a as i128)).collect();
    let second = out.remove("more nodes").unwrap();
    *out.get_mut("nodes").unwrap() += second;
    out
}

/// Who has more, and who has less.
fn change(jobs: &Jobs, before: &BTreeMap<&'static str, i128>) -> Vec<(&'static str, i128)> {
    let after = all(jobs);
    before.iter().map(|(name, had)| (*name, after[name] - had)).filter(|(_, more)| *more != 0).collect()
}

fn in_two_parts(jobs: &mut Jobs) -> u64 {
    let job = jobs.locked();
    jobs.accept(job, 1).unwrap();
    jobs.accept(job, ALL).unwrap();
    job
}

#[test]
fn when_it_settles() {
    let mut jobs = Jobs::new();
    let before = all(&jobs);
    let job = in_two_parts(&mut jobs);
    assert_eq!((jobs.job(job).units, jobs.job(job).price, jobs.job(job).passes), (2, 7, 1));
    // Put aside: what the dearest node would cost.
    let escrow = market::escrow(&jobs.ground.state, job).unwrap().unwrap();
    assert_eq!((escrow.data, escrow.compute), ("2000006".into(), "80".into()));
    (0..2).for_each(|seat| jobs.release(job, seat));
    assert_eq!(change(&jobs, &before).iter().find(|c| c.0 == "deposits"), Some(&("deposits", 3 * DEPOSIT as i128)));
    jobs.pass_due(job);
    jobs.demand_over(job, Status::Settled);
    let expected = [
        ("alice", 202_501 + 607_502 + 90_001),
        ("bob", 202_500 + 607_502 + 90_000),
        ("community", 4500 + 13_500 + 2000 + 100_000),
        ("developer", -((FEES + COMPUTE) as i128)),
        ("nodes", 11 + 36 + 6),
        ("supply", -(9000 + 27_000 + 4000 + 1 + 1)),
        ("validators", 9000 + 27_000 + 4000 + 1),
    ];
    assert_eq!(change(&jobs, &before), expected);
    let escrow = market::escrow(&jobs.ground.state, job).unwrap().unwrap();
    let found = [&escrow.paid, &escrow.burned, &escrow.refunded, &escrow.held].map(|a| a.parse::<u128>().unwrap());
    assert_eq!(found, [FEES + COMPUTE - 40_002, 40_002, 24, 0]);
    // Each payout has its line.
    let request = QueryPayoutsRequest { job, ..QueryPayoutsRequest::default() };
    let answer: QueryPayoutsResponse = jobs.ground.ask(&market::Market, "Payouts", &request).unwrap();
    let sum = |role: Role| {
        let of = answer.payouts.iter().filter(|p| p.role() == role);
        of.map(|p| p.amount.parse::<u128>().unwrap()).sum::<u128>()
    };
    let roles = [Role::Owner, Role::Treasury, Role::Node, Role::Burn, Role::Validators, Role::Community, Role::Refund];
    assert_eq!(roles.map(sum), [1_800_006, 100_000, 53, 40_002, 40_001, 20_000, 24]);
}

#[test]
fn when_a_release_is_missing() {
    let mut jobs = Jobs::new();
    let before = all(&jobs);
    let job = in_two_parts(&mut jobs);
    jobs.release(job, 0);
    jobs.pass_due(job);
    jobs.demand_over(job, Status::Failed);
    // Bob's last slice and half of his deposit are the developer's.
    let expected = [
        ("alice", 900_004),
        ("bob", 810_002 - 10_000_000),
        ("community", 120_000),
        ("developer", 5_000_000 + 90_000 - 2_000_062),
        ("nodes", 53),
        ("supply", -(40_002 + 5_000_000)),
        ("validators", 40_001),
    ];
    assert_eq!(change(&jobs, &before), expected);
}

#[test]
fn when_a_release_does_not_open() {
    let mut jobs = Jobs::new();
    let before = all(&jobs);
    let job = in_two_parts(&mut jobs);
    jobs.release(job, 0);
    let other = jobs.releasing_another(job, 1);
    jobs.send(other).unwrap();
    let dispute = jobs.disputing(job, &[1]);
    jobs.send(dispute).unwrap();
    jobs.demand_over(job, Status::Failed);
    // As if Bob had kept it back.
    let expected = [
        ("alice", 900_004),
        ("bob", 810_002 - 10_000_000),
        ("community", 120_000),
        ("developer", 5_000_000 + 90_000 - 2_000_062),
        ("nodes", 53),
        ("supply", -(40_002 + 5_000_000)),
        ("validators", 40_001),
    ];
    assert_eq!(change(&jobs, &before), expected);
}

#[test]
fn when_no_release_opens() {
    let mut jobs = Jobs::new();
    let before = all(&jobs);
    let job = in_two_parts(&mut jobs);
    for seat in 0..2 {
        let other = jobs.releasing_another(job, seat);
        jobs.send(other).unwrap();
    }
    let dispute = jobs.disputing(job, &[0, 1]);
    jobs.send(dispute).unwrap();
    jobs.demand_over(job, Status::Failed);
    // The owners' whole last slice, 180001, and half of two deposits are the developer's.
    let expected = [
        ("alice", 202_501 + 607_502 - 10_000_000),
        ("bob", 202_500 + 607_502 - 10_000_000),
        ("community", 120_000),
        ("developer", 10_000_000 + 180_001 - 2_000_062),
        ("nodes", 53),
        ("supply", -(40_002 + 10_000_000)),
        ("validators", 40_001),
    ];
    assert_eq!(change(&jobs, &before), expected);
}

#[test]
fn when_another_node_ends_it() {
    let mut jobs = Jobs::with(zektra_proto::vault::v1::RevocationPolicy::Finish, &[NODES[0]]);
    let job = jobs.locked();
    let before = all(&jobs);
    jobs.accept(job, 1).unwrap();
    // A tenth of a bond of 2000 tokens.
    jobs.pass_due(job);
    jobs.register(NODES[1], 9);
    let registered = all(&jobs);
    jobs.pass_due(job);
    assert_eq!(jobs.job(job).price, 9);
    jobs.accept(job, ALL).unwrap();
    (0..2).for_each(|seat| jobs.release(job, seat));
    jobs.pass_due(job);
    jobs.demand_over(job, Status::Settled);
    // 72 for all: 12 of the first price, 49 = ⌊64.8⌋ − ⌊16.2⌋ + 1 of the second, and a rest of 8, less 5 of 100 each.
    let node = |jobs: &Jobs, k: usize| jobs.held(NODES[k]) as i128;
    assert_eq!(node(&jobs, 0) + BOND as i128 + 10_000_000, crate::work::FORTUNE as i128 + 11);
    let escrow = market::escrow(&jobs.ground.state, job).unwrap().unwrap();
    assert_eq!(escrow.compute_used, (12 + (64 - 16) + (72 - 64)).to_string());
    assert_eq!(registered["bonds"] - before["bonds"], (BOND - BOND / 10) as i128);
    assert_eq!(change(&jobs, &registered).iter().find(|c| c.0 == "bonds"), None);
}

#[test]
fn when_three_nodes_prices_round_to_more_than_was_put_aside() {
    let mut jobs = Jobs::with(zektra_proto::vault::v1::RevocationPolicy::Finish, &[]);
    jobs.set_rules(&Rules { last_slice: 9000, ..rules() });
    jobs.register(4, 8);
    let order = MsgOrder { max_unit_price: 8, ..jobs.order() };
    let job = jobs.send(order).unwrap().job;
    jobs.pass_due(job);
    (0..3).for_each(|seat| jobs.join(job, seat));
    let used = |jobs: &Jobs| market::escrow(&jobs.ground.state, job).unwrap().unwrap().compute_used;
    jobs.accept(job, 2).unwrap();
    assert_eq!(used(&jobs), "3");
    for (node, price, part, sum) in [(5, 7, 3, "5"), (6, 8, 4, "7")] {
        jobs.pass_due(job);
        jobs.register(node, price);
        jobs.pass_due(job);
        jobs.accept(job, part).unwrap();
        assert_eq!(used(&jobs), sum);
    }
    // A tenth by parts: 3 = ⌊6.4 · 2/4⌋, 2 = ⌊5.6 · 3/4⌋ − ⌊5.6 · 2/4⌋, 2 = 6 − ⌊6.4 · 3/4⌋; the rest of 64 would be 58.
    (0..2).for_each(|seat| jobs.release(job, seat));
    jobs.pass_due(job);
    jobs.demand_over(job, Status::Settled);
    assert_eq!(used(&jobs), "64");
}

#[test]
fn when_it_aborts_half_way() {
    let mut jobs = Jobs::new();
    let before = all(&jobs);
    let job = jobs.locked();
    jobs.accept(job, 2).unwrap();
    let stall = jobs.stalling(job, 1);
    jobs.send(stall).unwrap();
    jobs.pass_due(job);
    jobs.demand_over(job, Status::Aborted);
    // Compute: 25 = ⌊56 · 0.45⌋ and the rest of 28: 3. Data: ⌊2000006 · 0.45⌋ = 900002 → 810002, 45000, 45000.
    let expected = [
        ("alice", 405_001),
        ("bob", 405_001 - 10_000_000),
        ("community", 9000 + 45_000),
        ("developer", -(900_002 + 28)),
        ("nodes", 24 + 3 + 5_000_000),
        ("supply", -(18_000 + 1 + 5_000_000)),
        ("validators", 18_000),
    ];
    assert_eq!(change(&jobs, &before), expected);
}

#[test]
fn when_credits_pay_for_it() {
    let mut jobs = Jobs::new();
    let buyer = jobs.text(DEVELOPER);
    jobs.send(MsgBuyCredits { buyer, amount: Some(crate::work::coin(70)) }).unwrap();
    let before = all(&jobs);
    let order = MsgOrder { use_credits: true, ..jobs.order() };
    let job = jobs.send(order).unwrap().job;
    jobs.pass_due(job);
    (0..3).for_each(|seat| jobs.join(job, seat));
    jobs.accept(job, ALL).unwrap();
    (0..2).for_each(|seat| jobs.release(job, seat));
    jobs.pass_due(job);
    jobs.demand_over(job, Status::Settled);
    // Of 70 credits and 10 coins 56 are used, credits first.
    assert_eq!(market::credits(&jobs.ground.state, &person(DEVELOPER)).unwrap(), 14);
    assert_eq!(change(&jobs, &before).iter().find(|c| c.0 == "developer"), Some(&("developer", -(FEES as i128))));
}

#[test]
fn when_its_node_has_worked_it_counts() {
    let mut jobs = Jobs::new();
    let job = jobs.locked();
    assert_eq!(jobs.accept(job, 1).unwrap(), 2);
    assert_eq!(jobs.accept(job, ALL).unwrap(), 6);
    jobs.check();
    let node = jobs.ground.prefix.parse(&jobs.job(job).node).unwrap();
    jobs.ground.with(|ctx| reputation::end_epoch(ctx, 0)).unwrap();
    // Of one requester a quarter counts, and one of two is forgotten by the next epoch.
    assert_eq!(reputation::record(&jobs.ground.state, &node).unwrap().good, 1);
}
