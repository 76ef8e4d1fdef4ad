use crate::a_job_ends_one_way_or_another::{aborting, bond, demand_idle, node_of, revoke, withdraw};
use crate::jobs::*;
use crate::work::DENOM;
use zektra_modules::address::Address;
use zektra_modules::authority::authority;
use zektra_modules::{bank, distribution};
use zektra_proto::proofs::v1::{CircuitStatus, MsgSetCircuitStatus};
use zektra_proto::training::v1::{JobStatus as Status, MsgOrder};
use zektra_proto::vault::v1::RevocationPolicy;

#[test]
fn and_who_misses_is_slashed_and_replaced() {
    let mut jobs = Jobs::new();
    let job = jobs.locked();
    jobs.accept(job, 1).unwrap();
    let lost = node_of(&jobs, job);
    let (supply, had) = (bank::supply(&jobs.ground.state, DENOM).unwrap(), jobs.held(DEVELOPER));
    let community = |jobs: &Jobs| jobs.balance(&Address::of_module(distribution::NAME));
    let before = community(&jobs);
    jobs.pass_due(job);
    assert_eq!((jobs.status(job), jobs.job(job).lost.clone()), (Status::Rescue, vec![jobs.text(lost)]));
    // A tenth of the bond: half is burned, half is the community's. The developer lives on no bond.
    assert_eq!(bond(&jobs, lost), BOND - BOND / 10);
    assert_eq!(bank::supply(&jobs.ground.state, DENOM).unwrap(), supply - BOND / 20);
    assert_eq!((jobs.held(DEVELOPER), community(&jobs)), (had, before + BOND / 20));
    jobs.pass_due(job);
    assert_eq!(jobs.status(job), Status::Locked);
    assert_ne!(node_of(&jobs, job), lost);
    jobs.accept(job, ALL).unwrap();
    (0..2).for_each(|seat| jobs.release(job, seat));
    jobs.pass_due(job);
    jobs.demand_over(job, Status::Settled);
    demand_idle(&jobs);
}

#[test]
fn and_pays_for_what_it_has_proven_itself() {
    let mut jobs = aborting();
    let job = jobs.locked();
    jobs.accept(job, 2).unwrap();
    jobs.pass_due(job);
    jobs.pass_due(job);
    let second = node_of(&jobs, job);
    let had = jobs.held(second);
    revoke(&mut jobs, ALICE);
    jobs.demand_over(job, Status::Aborted);
    assert_eq!(jobs.held(second), had);
}

#[test]
fn and_fails_without_another_node() {
    let mut jobs = Jobs::with(RevocationPolicy::Finish, &[NODES[0]]);
    let job = jobs.rescue();
    for _ in 0..100 {
        jobs.pass();
    }
    jobs.demand_over(job, Status::Failed);
    assert_eq!(jobs.job(job).reason, "no other node would take it");
    demand_idle(&jobs);
}

#[test]
fn and_fails_at_its_deadline_without_a_slash_of_who_brought_its_parts() {
    let mut jobs = Jobs::new();
    let order = jobs.order();
    let deadline = jobs.height() + 40;
    let job = jobs.send(MsgOrder { deadline, ..order }).unwrap().job;
    jobs.pass_due(job);
    (0..3).for_each(|seat| jobs.join(job, seat));
    for part in 1..ALL {
        jobs.pass_many(9);
        jobs.accept(job, part).unwrap();
    }
    let node = node_of(&jobs, job);
    jobs.pass_due(job);
    jobs.demand_over(job, Status::Failed);
    assert_eq!((jobs.job(job).ended, bond(&jobs, node)), (deadline, BOND));
    demand_idle(&jobs);
}

#[test]
fn whoever_would_gain_by_a_slash() {
    let mut jobs = Jobs::new();
    let order = jobs.order();
    // As early as it can be: 3 blocks to the draw, 10 for a part.
    let deadline = jobs.height() + 14;
    let job = jobs.send(MsgOrder { deadline, ..order }).unwrap().job;
    jobs.pass_due(job);
    let last = jobs.job(job).due;
    assert_eq!(last, deadline - 10);
    jobs.pass_many(last - jobs.height());
    (0..3).for_each(|seat| jobs.join(job, seat));
    assert_eq!((jobs.status(job), jobs.job(job).due), (Status::Locked, deadline));
    jobs.pass_due(job);
    // It had the time, and there is none for another.
    assert_eq!(jobs.status(job), Status::Failed);
    // The same after a stall beyond the deadline.
    let mut jobs = Jobs::new();
    let order = jobs.order();
    let deadline = jobs.height() + 20;
    let job = jobs.send(MsgOrder { deadline, ..order }).unwrap().job;
    jobs.pass_due(job);
    (0..3).for_each(|seat| jobs.join(job, seat));
    jobs.pass_many(8);
    let (stall, answer) = (jobs.stalling(job, 0), jobs.answering(job, 0));
    jobs.send(stall).unwrap();
    jobs.pass_many(7);
    jobs.send(answer).unwrap();
    assert!(jobs.height() + 2 <= jobs.job(job).deadline);
    jobs.accept(job, 1).unwrap();
    jobs.pass();
    assert_eq!(jobs.status(job), Status::Locked);
}

#[test]
fn and_slashes_nobody_whose_part_could_not_be_accepted() {
    let mut jobs = aborting();
    let job = jobs.locked();
    let node = node_of(&jobs, job);
    withdraw(&mut jobs, BOB);
    jobs.pass_due(job);
    jobs.demand_over(job, Status::Aborted);
    assert_eq!(bond(&jobs, node), BOND);
    // Nor when its circuits are buried.
    let mut jobs = Jobs::new();
    let job = jobs.locked();
    let node = node_of(&jobs, job);
    let authority = jobs.ground.prefix.text(&authority());
    let status = CircuitStatus::Tombstoned.into();
    jobs.send(MsgSetCircuitStatus { authority, digest: circuits().into(), status }).unwrap();
    jobs.pass_due(job);
    jobs.demand_over(job, Status::Aborted);
    assert_eq!(bond(&jobs, node), BOND);
}
