use crate::jobs::*;
use crate::vault_world::hash;
use crate::work::{DENOM, FORTUNE, TOKEN, coin};
use zektra_modules::address::Address;
use zektra_modules::authority::authority;
use zektra_modules::{bank, compute, distribution, market, vault};
use zektra_proto::training::v1::{JobStatus as Status, MsgCancel, MsgOrder, MsgUpdateParams, Rules};
use zektra_proto::vault::v1::{MsgReportErasure, MsgRevokeDataset, MsgWithdrawGrant, RevocationPolicy};

const OWNERS: [u8; 2] = [ALICE, BOB];
/// What the draw of a job costs that is never locked: a tenth of eight units for 7 each, 5, or of the deposit, whichever
/// is more.
const PLACE: u128 = 1_000_000;

pub fn revoke(jobs: &mut Jobs, owner: u8) {
    let message = MsgRevokeDataset { owner: jobs.text(owner), dataset: u64::from(owner - 1) };
    jobs.send(message).unwrap();
}

pub fn withdraw(jobs: &mut Jobs, owner: u8) {
    let message = MsgWithdrawGrant { owner: jobs.text(owner), grant: u64::from(owner - 1) };
    jobs.send(message).unwrap();
}

pub fn aborting() -> Jobs {
    Jobs::with(RevocationPolicy::Abort, &NODES)
}

pub fn bond(jobs: &Jobs, who: u8) -> u128 {
    let node = compute::node(&jobs.ground.state, &crate::ground::person(who)).unwrap().unwrap();
    compute::bond(&node).unwrap()
}

/// The person behind a job's node.
pub fn node_of(jobs: &Jobs, job: u64) -> u8 {
    let text = jobs.job(job).node;
    NODES.into_iter().find(|n| jobs.text(*n) == text).unwrap()
}

/// Nobody works, and nothing is in use.
pub fn demand_idle(jobs: &Jobs) {
    for dataset in [1, 2] {
        assert_eq!(vault::dataset(&jobs.ground.state, dataset).unwrap().unwrap().live_jobs, 0);
    }
    for who in NODES {
        let node = compute::node(&jobs.ground.state, &crate::ground::person(who)).unwrap();
        assert_eq!(node.map_or(0, |n| n.live_jobs), 0);
    }
}

#[test]
fn settled_with_everybody_free() {
    let mut jobs = Jobs::new();
    let job = jobs.settled();
    jobs.demand_over(job, Status::Settled);
    demand_idle(&jobs);
    revoke(&mut jobs, ALICE);
    let erased = MsgReportErasure { owner: jobs.text(ALICE), dataset: 1, statement_hash: hash(6) };
    jobs.send(erased).unwrap();
}

#[test]
fn aborted_when_a_dataset_is_revoked_that_it_ends_with() {
    let mut jobs = aborting();
    let before = jobs.held(DEVELOPER);
    let job = jobs.locked();
    jobs.accept(job, ALL / 2).unwrap();
    let node = jobs.job(job).node;
    revoke(&mut jobs, ALICE);
    jobs.demand_over(job, Status::Aborted);
    demand_idle(&jobs);
    // The node gets all of its half, the owners nine tenths of theirs, the rest is the developer's again.
    let found = jobs.job(job);
    let half = u128::from(found.units * ALL / 2 * PRICE);
    let data: u128 = found.data.iter().map(|l| l.fee.parse::<u128>().unwrap()).sum();
    assert_eq!(before - jobs.held(DEVELOPER), half + data * 9 / 20);
    assert_eq!(found.node, node);
    // Nothing of what was proven is given back to the grants, nor any privacy.
    let grant = vault::grant(&jobs.ground.state, 1).unwrap().unwrap();
    assert_eq!((grant.passes_used, grant.privacy_used), (1, found.opened));
}

#[test]
fn finished_when_a_dataset_is_revoked_that_lets_it_go_on() {
    let mut jobs = Jobs::new();
    let job = jobs.locked();
    revoke(&mut jobs, ALICE);
    withdraw(&mut jobs, BOB);
    // The proof is looked at: it is none.
    let part = jobs.part(job, 1);
    assert_eq!(code(jobs.handle(part)), ("proofs", 6));
    jobs.accept(job, ALL).unwrap();
    (0..2).for_each(|seat| jobs.release(job, seat));
    jobs.pass_due(job);
    jobs.demand_over(job, Status::Settled);
}

#[test]
fn aborted_by_the_next_part_when_a_grant_is_withdrawn() {
    let mut jobs = aborting();
    let job = jobs.locked();
    withdraw(&mut jobs, BOB);
    assert_eq!(jobs.status(job), Status::Locked);
    let part = jobs.part(job, 1);
    assert_eq!(jobs.handle(part).unwrap().units, 0);
    jobs.demand_over(job, Status::Aborted);
}

#[test]
fn expired_without_a_node() {
    let mut jobs = Jobs::with(RevocationPolicy::Finish, &[]);
    jobs.set_rules(&Rules { join_blocks: 300, ..rules() });
    let before = jobs.held(DEVELOPER);
    let order = MsgOrder { deadline: jobs.height() + 1000, ..jobs.order() };
    let job = jobs.send(order).unwrap().job;
    let mut draws = 0;
    while jobs.job(job).due > 0 {
        jobs.pass_due(job);
        draws += 1;
    }
    jobs.demand_over(job, Status::Expired);
    assert_eq!(jobs.held(DEVELOPER), before);
    // Ever less often.
    assert!(draws < 25, "{draws}");
    assert_eq!(jobs.job(job).ended - jobs.job(job).ordered, 303);
}

#[test]
fn expired_without_a_member() {
    let mut jobs = Jobs::new();
    let before = [DEVELOPER, ALICE, BOB].map(|who| jobs.held(who));
    let job = jobs.drawn();
    jobs.join(job, 0);
    jobs.join(job, 2);
    jobs.pass_due(job);
    jobs.demand_over(job, Status::Expired);
    let [developer, alice, bob] = before;
    assert_eq!([DEVELOPER, ALICE, BOB].map(|who| jobs.held(who)), [developer - PLACE, alice, bob]);
    assert_eq!(jobs.job(job).reason, format!("not joined in time by {}", jobs.text(BOB)));
    demand_idle(&jobs);
}

#[test]
fn expired_when_the_developer_takes_it_back() {
    let mut jobs = Jobs::new();
    let before = jobs.held(DEVELOPER);
    // Before the draw it costs nothing.
    let job = jobs.open();
    let cancel = MsgCancel { developer: jobs.text(DEVELOPER), job };
    jobs.send(cancel.clone()).unwrap();
    jobs.demand_over(job, Status::Expired);
    assert_eq!(jobs.held(DEVELOPER), before);
    // Then it does: draws are not for nothing. Its node, which has done nothing, gains nothing.
    let job = jobs.drawn();
    let (node, had) = (node_of(&jobs, job), jobs.held(node_of(&jobs, job)));
    let community = jobs.balance(&Address::of_module(distribution::NAME));
    jobs.send(MsgCancel { job, ..cancel.clone() }).unwrap();
    jobs.demand_over(job, Status::Expired);
    assert_eq!((jobs.held(DEVELOPER), jobs.held(node)), (before - PLACE, had));
    assert_eq!(jobs.balance(&Address::of_module(distribution::NAME)), community + PLACE);
    demand_idle(&jobs);
    // Where the deposit is small, its part is in what the fee costs: 3 of a deposit of 30, no more than the 5.
    jobs.set_rules(&Rules { deposit: Some(coin(30)), ..rules() });
    let job = jobs.drawn();
    jobs.send(MsgCancel { job, ..cancel.clone() }).unwrap();
    jobs.demand_over(job, Status::Expired);
    assert_eq!(jobs.held(DEVELOPER), before - PLACE - 5);
    let job = jobs.drawn();
    jobs.join(job, 1);
    assert_eq!(code(jobs.send(MsgCancel { job, ..cancel })), ("training", 3));
}

#[test]
fn settled_after_an_answer() {
    let mut jobs = Jobs::new();
    let job = jobs.stalled(0);
    let deadline = jobs.job(job).deadline;
    jobs.pass_many(5);
    let answer = jobs.answering(job, 0);
    jobs.send(answer).unwrap();
    // The node has the ten blocks that it had, and the job five more.
    assert_eq!(jobs.job(job).due - jobs.height(), 10);
    assert_eq!(jobs.job(job).deadline, deadline + 5);
    jobs.accept(job, ALL).unwrap();
    (0..2).for_each(|seat| jobs.release(job, seat));
    jobs.pass_due(job);
    jobs.demand_over(job, Status::Settled);
}

#[test]
fn aborted_without_an_answer_which_costs_the_deposit() {
    let mut jobs = Jobs::new();
    let before = OWNERS.map(|who| jobs.held(who));
    let supply = bank::supply(&jobs.ground.state, DENOM).unwrap();
    let job = jobs.stalled(0);
    let node = node_of(&jobs, job);
    let had = jobs.held(node);
    jobs.pass_due(job);
    jobs.demand_over(job, Status::Aborted);
    assert_eq!(OWNERS.map(|who| jobs.held(who)), [before[0] - DEPOSIT, before[1]]);
    assert_eq!(jobs.held(node), had + DEPOSIT / 2);
    assert_eq!(bank::supply(&jobs.ground.state, DENOM).unwrap(), supply - DEPOSIT / 2);
    demand_idle(&jobs);
}

#[test]
fn aborted_without_an_answer_of_who_revokes_instead() {
    let mut jobs = aborting();
    let before = OWNERS.map(|who| jobs.held(who));
    let job = jobs.stalled(0);
    revoke(&mut jobs, ALICE);
    jobs.demand_over(job, Status::Aborted);
    assert_eq!(OWNERS.map(|who| jobs.held(who)), [before[0] - DEPOSIT, before[1]]);
    // The other owner loses nothing that way.
    let mut jobs = aborting();
    let job = jobs.stalled(0);
    revoke(&mut jobs, BOB);
    jobs.demand_over(job, Status::Aborted);
    assert_eq!(OWNERS.map(|who| jobs.held(who)), before);
}

#[test]
fn failed_when_a_dataset_is_revoked_before_its_owner_has_released() {
    let mut jobs = aborting();
    let before = OWNERS.map(|who| jobs.held(who));
    let job = jobs.proven();
    jobs.release(job, 0);
    // Who has released does not owe anything.
    revoke(&mut jobs, ALICE);
    assert_eq!(jobs.status(job), Status::Proven);
    revoke(&mut jobs, BOB);
    jobs.demand_over(job, Status::Failed);
    // In one part: 810003 and 90001 for who has released, 810002 and no deposit for who has not.
    assert_eq!(OWNERS.map(|who| jobs.held(who)), [before[0] + 900_004, before[1] + 810_002 - DEPOSIT]);
    // A model that is delivered is delivered.
    let mut jobs = aborting();
    let job = jobs.delivered();
    revoke(&mut jobs, BOB);
    jobs.pass_due(job);
    jobs.demand_over(job, Status::Settled);
}

#[test]
fn paid_by_the_rules_of_its_order() {
    let mut jobs = Jobs::new();
    jobs.set_rules(&Rules { last_slice: 0, ..rules() });
    let job = jobs.locked();
    jobs.accept(job, ALL - 1).unwrap();
    let change = |rules: Rules| MsgUpdateParams {
        authority: zektra_modules::address::Prefix::new("zektra").unwrap().text(&authority()),
        params: Some(rules),
    };
    // More is kept back from now on: of what was paid in full nothing is paid twice.
    jobs.send(change(Rules { last_slice: 9000, ..rules() })).unwrap();
    let other = Rules { deposit: Some(zektra_modules::coin::coin("uother", 1)), ..rules() };
    assert_eq!(code(jobs.send(change(other))), ("sdk", 18));
    jobs.accept(job, ALL).unwrap();
    (0..2).for_each(|seat| jobs.release(job, seat));
    jobs.pass_due(job);
    jobs.demand_over(job, Status::Settled);
    let escrow = market::escrow(&jobs.ground.state, job).unwrap().unwrap();
    assert_eq!(escrow.compute_used, (jobs.job(job).units * ALL * PRICE).to_string());
}

#[test]
fn with_what_a_developer_in_capitals_put_aside() {
    let mut jobs = Jobs::new();
    let order = jobs.order();
    let developer = order.developer.to_uppercase();
    let job = jobs.send(MsgOrder { developer, ..order }).unwrap().job;
    assert_eq!(jobs.job(job).developer, jobs.text(DEVELOPER));
    jobs.pass_due(job);
    jobs.join(job, 2);
    jobs.pass_due(job);
    jobs.demand_over(job, Status::Expired);
    assert_eq!(jobs.held(DEVELOPER), FORTUNE - PLACE);
    assert_eq!(coin(TOKEN).denom, DENOM);
}
