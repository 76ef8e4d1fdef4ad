//! The chain cannot tell a member that is silent from a node that says so: nobody gains by saying it.

use crate::a_job_ends_one_way_or_another::{bond, demand_idle};
use crate::jobs::*;
use zektra_modules::address::Address;
use zektra_modules::distribution;
use zektra_proto::training::v1::{JobStatus as Status, MsgOrder};
use zektra_proto::vault::v1::RevocationPolicy;

const WORKERS: [u8; 3] = [4, 5, 6];

fn world() -> Jobs {
    Jobs::with(RevocationPolicy::Finish, &WORKERS)
}

fn node_of(jobs: &Jobs, job: u64) -> u8 {
    let text = jobs.job(job).node;
    WORKERS.into_iter().find(|n| jobs.text(*n) == text).unwrap()
}

/// Its node says as often as it may that it waits for a seat, which answers each time.
fn reported(jobs: &mut Jobs, job: u64, seat: u32) {
    for _ in 0..rules().max_stalls {
        let (stall, answer) = (jobs.stalling(job, seat), jobs.answering(job, seat));
        jobs.send(stall).unwrap();
        jobs.send(answer).unwrap();
    }
    let more = jobs.stalling(job, seat);
    assert_eq!(code(jobs.send(more)), ("training", 23));
}

/// The next node after a miss.
fn replaced(jobs: &mut Jobs, job: u64) -> u8 {
    assert_eq!(jobs.status(job), Status::Rescue);
    jobs.pass_due(job);
    assert_eq!(jobs.status(job), Status::Locked);
    node_of(jobs, job)
}

#[test]
fn of_its_slash() {
    let mut jobs = world();
    let job = jobs.locked();
    let node = node_of(&jobs, job);
    let due = jobs.job(job).due;
    let held = |jobs: &Jobs| [DEVELOPER, ALICE, BOB].map(|who| jobs.held(who));
    let community = |jobs: &Jobs| jobs.balance(&Address::of_module(distribution::NAME));
    let before = (held(&jobs), community(&jobs));
    reported(&mut jobs, job, 1);
    // The answers came at once: its time is what it was.
    assert_eq!(jobs.job(job).due, due);
    assert_eq!(jobs.job(job).reported, [1, 1]);
    jobs.pass_due(job);
    assert_eq!(bond(&jobs, node), BOND - BOND / 10);
    // The developer, who may be whom it waited for, gains nothing.
    assert_eq!((held(&jobs), community(&jobs)), (before.0, before.1 + BOND / 20));
    let found = jobs.job(job);
    assert_eq!((found.reported, found.suspects), (vec![], vec![1]));
    jobs.check();
    jobs.round_trip();
    // The next node says nothing, and misses as well: what is not burned is the community's.
    let second = replaced(&mut jobs, job);
    jobs.pass_due(job);
    assert_eq!((held(&jobs), community(&jobs)), (before.0, before.1 + BOND / 10));
    assert_eq!(bond(&jobs, second), BOND - BOND / 10);
    assert_eq!(jobs.job(job).suspects, Vec::<u32>::new());
}

#[test]
fn but_a_member_that_two_nodes_wait_for_in_vain_pays() {
    let mut jobs = world();
    let before = jobs.held(BOB);
    let job = jobs.locked();
    reported(&mut jobs, job, 1);
    jobs.pass_due(job);
    let second = replaced(&mut jobs, job);
    let had = jobs.held(second);
    reported(&mut jobs, job, 1);
    jobs.pass_due(job);
    jobs.demand_over(job, Status::Aborted);
    assert_eq!(jobs.job(job).reason, "seat 1 did not answer");
    assert_eq!(jobs.held(BOB), before - DEPOSIT);
    assert_eq!((jobs.held(second), bond(&jobs, second)), (had + DEPOSIT / 2, BOND));
    demand_idle(&jobs);
}

#[test]
fn and_not_one_whom_only_one_of_them_has_named() {
    // Another seat; or the same one, after it has answered for a part.
    for (seat, part) in [(0, false), (1, true)] {
        let mut jobs = world();
        let job = jobs.locked();
        reported(&mut jobs, job, 1);
        jobs.pass_due(job);
        let second = replaced(&mut jobs, job);
        if part {
            jobs.accept(job, 1).unwrap();
            assert_eq!(jobs.job(job).suspects, Vec::<u32>::new());
        }
        reported(&mut jobs, job, seat);
        jobs.pass_due(job);
        assert_eq!((jobs.status(job), bond(&jobs, second)), (Status::Rescue, BOND - BOND / 10));
        assert_eq!(jobs.job(job).suspects, [seat]);
    }
}

/// Its node says to wait at the end of its time, its member answers at the end of its own: eight blocks later its node has
/// two more to fetch the answer. What came of the report.
fn waits(jobs: &mut Jobs, job: u64) -> (&'static str, u32) {
    let left = jobs.job(job).due - jobs.height();
    jobs.pass_many(left - 1);
    let (stall, before) = (jobs.stalling(job, 0), jobs.job(job).waited);
    let done = code(jobs.send(stall));
    if done.1 == 0 {
        jobs.pass_many(rules().stall_blocks - 1);
        let answer = jobs.answering(job, 0);
        jobs.send(answer).unwrap();
        assert_eq!(jobs.job(job).waited, before + 8);
    }
    done
}

#[test]
fn and_no_job_waits_for_ever() {
    let mut jobs = world();
    let job = jobs.locked();
    let deadline = jobs.job(job).deadline;
    // Twice eight and two from one part to the next, and no longer for all parts together.
    assert_eq!([waits(&mut jobs, job), waits(&mut jobs, job)], [("", 0); 2]);
    jobs.accept(job, 1).unwrap();
    assert_eq!(jobs.job(job).reported, Vec::<u32>::new());
    assert_eq!(waits(&mut jobs, job), ("training", 23));
    assert_eq!(jobs.job(job).deadline, deadline + 16);
    jobs.round_trip();
    // It misses; its member, who was never silent as often as it may be named, is nobody's suspect.
    jobs.pass_due(job);
    assert_eq!((jobs.status(job), jobs.job(job).suspects), (Status::Rescue, vec![]));
    // The next node may wait as long. Who does not answer it pays at once.
    jobs.pass_due(job);
    assert_eq!((jobs.status(job), jobs.job(job).waited), (Status::Locked, 0));
    let before = jobs.held(ALICE);
    let stall = jobs.stalling(job, 0);
    jobs.send(stall).unwrap();
    jobs.pass_due(job);
    assert_eq!(jobs.status(job), Status::Aborted);
    // What it put down does not come back.
    assert_eq!(jobs.held(ALICE), before);
}

#[test]
fn and_a_node_that_goes_on_can_say_so_again() {
    let mut jobs = world();
    let job = jobs.locked();
    for part in 1..=ALL {
        reported(&mut jobs, job, 0);
        jobs.accept(job, part).unwrap();
        assert_eq!(jobs.job(job).reported, Vec::<u32>::new());
    }
    (0..2).for_each(|seat| jobs.release(job, seat));
    jobs.pass_due(job);
    jobs.demand_over(job, Status::Settled);
}

#[test]
fn nor_brings_the_deadline_closer() {
    let mut jobs = world();
    let deadline = jobs.height() + 20;
    let order = MsgOrder { deadline, ..jobs.order() };
    let job = jobs.send(order).unwrap().job;
    jobs.pass_due(job);
    (0..3).for_each(|seat| jobs.join(job, seat));
    // Its next part is due a block before the deadline.
    jobs.pass_many(deadline - 11 - jobs.height());
    jobs.accept(job, 1).unwrap();
    assert_eq!(jobs.job(job).due, deadline - 1);
    jobs.pass_many(9);
    let (node, stall, answer) = (node_of(&jobs, job), jobs.stalling(job, 0), jobs.answering(job, 0));
    jobs.send(stall).unwrap();
    jobs.send(answer).unwrap();
    assert_eq!((jobs.job(job).due, jobs.job(job).deadline), (deadline, deadline + 1));
    jobs.pass_due(job);
    assert_eq!((jobs.status(job), bond(&jobs, node)), (Status::Rescue, BOND - BOND / 10));
}
