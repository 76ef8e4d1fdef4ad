use crate::a_job_ends_one_way_or_another::{aborting, demand_idle, revoke};
use crate::ground::shown;
use crate::jobs::*;
use crate::releases::*;
use crate::vault_world::hash;
use crate::work::each_refused;
use zektra_modules::context::Context;
use zektra_modules::gas::{Meter, Metered};
use zektra_modules::module::Handler as _;
use zektra_modules::{reputation, training};
use zektra_proto::training::v1::{JobStatus as Status, MsgDispute, QueryJobRequest, QueryJobResponse};
use zektra_statement::digest::Fingerprint;
use zektra_statement::field::{F, Field};
use zektra_statement::release::Sealed;

/// The gas that a message takes.
fn gas(jobs: &mut Jobs, message: MsgDispute) -> u64 {
    let (meter, mut events) = (Meter::new(1 << 40), vec![]);
    let (block, prefix) = (jobs.ground.block.clone(), jobs.ground.prefix.clone());
    let (state, events) = (&mut Metered::new(&mut jobs.ground.state, &meter), &mut events);
    let mut ctx = Context { state, events, block: &block, prefix: &prefix, gas: &meter };
    let _ = message.handle(&mut ctx);
    meter.used()
}

#[test]
fn and_the_job_fails_by_its_members_fault() {
    let mut jobs = Jobs::new();
    let job = jobs.delivered_with(&[1]);
    let before = jobs.job(job);
    let dispute = jobs.disputing(job, &[1]);
    jobs.send(dispute).unwrap();
    let events = shown(&jobs.ground.events);
    let bob = jobs.text(BOB);
    let why = "the release of member 1 does not open its recorded commitment of state 0";
    let expected = [
        format!("training_dispute{{job=1,seat=1,member={bob},reason={why}}}"),
        format!("training_forfeit{{job=1,seat=1,amount=10000000,to={}}}", jobs.text(DEVELOPER)),
        "training_status{job=1,from=delivered,to=failed,reason=disputed: what seat 1 released does not open}".into(),
    ];
    let own: Vec<_> = events.iter().filter(|e| e.starts_with("training_")).cloned().collect();
    assert_eq!(own, expected);
    jobs.demand_over(job, Status::Failed);
    demand_idle(&jobs);
    // The record stays what it was; everybody can look again.
    let asked: QueryJobResponse = jobs.ground.ask(&training::Training, "Job", &QueryJobRequest { job }).unwrap();
    let found = asked.job.unwrap();
    assert_eq!(found.status(), Status::Failed);
    assert_eq!(found.reason, "disputed: what seat 1 released does not open");
    assert_eq!((&found.record, &found.states), (&before.record, &before.states));
    assert_eq!(found.members[1].release, before.members[1].release);
    assert_eq!(jobs.wrong(job), [1]);
    jobs.round_trip();
    // The node did its work, and nobody may dispute it twice.
    let node = jobs.ground.prefix.parse(&found.node).unwrap();
    jobs.ground.with(|ctx| reputation::end_epoch(ctx, 0)).unwrap();
    assert_eq!(reputation::record(&jobs.ground.state, &node).unwrap().bad, 0);
    let again = jobs.disputing(job, &[1]);
    assert_eq!(code(jobs.send(again)), ("training", 3));
    // The datasets take the next job, which ends well.
    let next = jobs.settled();
    jobs.demand_over(next, Status::Settled);
}

#[test]
fn whatever_is_wrong_with_it() {
    let mut jobs = Jobs::new();
    let job = jobs.proven();
    let lock = lock(&jobs.job(job));
    let right = shares(job, 1);
    let whole = sealed(&right, &lock, 1);
    let mut salt = right.clone();
    salt.states[0].1[2] += F::ONE;
    let flipped = |at: usize| {
        let mut sealed = whole.clone();
        sealed.ciphertext[at] ^= 1;
        sealed
    };
    let cases = [
        ("another salt", sealed(&salt, &lock, 1), "recorded commitment"),
        ("the share of another", sealed(&shares(job, 0), &lock, 1), "recorded commitment"),
        ("the message of another", sealed(&shares(job, 0), &lock, 0), "does not open"),
        ("for another seat", sealed(&right, &lock, 2), "does not open"),
        ("for another job", sealed(&right, &Fingerprint([9; 32]), 1), "does not open"),
        ("a point of low order", Sealed { encapped: vec![0; 32], ..whole.clone() }, "does not open"),
        ("any point", Sealed { encapped: vec![3; 32], ..whole.clone() }, "does not open"),
        ("a bit", flipped(0), "does not open"),
        ("the tag", flipped(whole.ciphertext.len() - 1), "does not open"),
        ("noise", Sealed { ciphertext: vec![3; whole.ciphertext.len()], ..whole.clone() }, "does not open"),
    ];
    jobs.release(job, 0);
    let begun = jobs.ground.state.changes().clone();
    for (name, sealed, reason) in cases {
        jobs.ground.state = zektra_state::StateDelta::with(zektra_state::Empty, begun.clone());
        let mut message = jobs.releasing(job, 1);
        message.release = stored(sealed);
        jobs.send(message).unwrap();
        assert_eq!(jobs.wrong(job), [1], "{name}");
        let dispute = jobs.disputing(job, &[1]);
        jobs.send(dispute).unwrap();
        assert!(shown(&jobs.ground.events)[0].contains(reason), "{name}: {:?}", shown(&jobs.ground.events)[0]);
        jobs.demand_over(job, Status::Failed);
    }
}

#[test]
fn by_the_developer_with_the_key_and_for_what_is_wrong() {
    let mut jobs = Jobs::new();
    let job = jobs.delivered_with(&[1]);
    let right = jobs.disputing(job, &[1]);
    let (stranger, bob) = (jobs.text(STRANGER), jobs.text(BOB));
    let (ours, other) = (right.release_secret.clone(), hash(78));
    let public = hex::encode(secret().public());
    each_refused::<MsgDispute>(
        &mut jobs.ground,
        &right,
        &[
            (&|m| m.developer = "x".into(), ("sdk", 7), "invalid developer address"),
            (&|m| m.release_secret = ours.slice(1..), ("sdk", 18), "release_secret of 31 bytes"),
            (&|m| m.seats.clear(), ("sdk", 18), "seats 0: expected 1 to 64"),
            (&|m| m.seats = (0..65).collect(), ("sdk", 18), "seats 65: expected 1 to 64"),
            (&|m| m.seats = vec![1, 1], ("sdk", 18), "[1, 1]: expected each seat once, ascending"),
            (&|m| m.seats = vec![1, 0], ("sdk", 18), "[1, 0]: expected each seat once, ascending"),
            (&|m| m.job = 9, ("training", 2), "job 9"),
            (&|m| m.developer = stranger.clone(), ("sdk", 4), "job 1 was ordered by"),
            (&|m| m.developer = bob.clone(), ("sdk", 4), "job 1 was ordered by"),
            (&|m| m.seats = vec![2], ("training", 6), "the developer keeps its own share"),
            (&|m| m.seats = vec![1, 2], ("training", 6), "the developer keeps its own share"),
            (&|m| m.seats = vec![1, 3], ("training", 6), "seat 3"),
            (&|m| m.seats = vec![u32::MAX], ("training", 6), "seat 4294967295"),
            (&|m| m.release_secret = other.clone(), ("training", 27), &public),
            // What opens opens, whatever stands beside it.
            (&|m| m.seats = vec![0], ("training", 26), "seat 0 of job 1"),
            (&|m| m.seats = vec![0, 1], ("training", 26), "seat 0 of job 1"),
        ],
    );
    assert_eq!(jobs.status(job), Status::Delivered);
    assert!(jobs.ground.events.iter().all(|e| e.r#type != "training_dispute"));
    // Bits of a scalar that are not looked at make no other secret; nor do capitals another developer.
    let mut clamped = ours.to_vec();
    clamped[0] ^= 7;
    let developer = right.developer.to_uppercase();
    jobs.send(MsgDispute { release_secret: clamped.into(), developer, ..right }).unwrap();
    jobs.demand_over(job, Status::Failed);
}

#[test]
fn until_the_window_is_over() {
    let mut jobs = Jobs::new();
    let last = jobs.delivered_with(&[0]);
    jobs.pass_many(rules().dispute_blocks);
    assert_eq!(jobs.job(last).due, jobs.height());
    let dispute = jobs.disputing(last, &[0]);
    jobs.send(dispute).unwrap();
    jobs.demand_over(last, Status::Failed);
    let late = jobs.delivered_with(&[0]);
    jobs.pass_due(late);
    let dispute = jobs.disputing(late, &[0]);
    assert_eq!(code(jobs.send(dispute)), ("training", 3));
    // Paid, although it was wrong: nobody said so.
    jobs.demand_over(late, Status::Settled);
}

#[test]
fn with_a_key_that_opens_no_honest_release_of_another_job() {
    // All jobs have one key here, which no developer should do: it is shown by the first.
    let mut jobs = Jobs::new();
    let (wrong, honest) = (jobs.delivered_with(&[1]), jobs.delivered());
    let shown = jobs.disputing(wrong, &[1]);
    jobs.send(shown.clone()).unwrap();
    assert_eq!(code(jobs.send(MsgDispute { job: honest, ..shown.clone() })), ("training", 26));
    assert_eq!(code(jobs.send(MsgDispute { job: honest, seats: vec![0, 1], ..shown })), ("training", 26));
    jobs.pass_due(honest);
    jobs.demand_over(honest, Status::Settled);
}

#[test]
fn also_when_the_data_was_revoked_meanwhile() {
    let mut jobs = aborting();
    let job = jobs.delivered_with(&[0]);
    revoke(&mut jobs, ALICE);
    assert_eq!(jobs.status(job), Status::Delivered);
    let before = [ALICE, BOB].map(|who| jobs.held(who));
    let dispute = jobs.disputing(job, &[0]);
    jobs.send(dispute).unwrap();
    jobs.demand_over(job, Status::Failed);
    demand_idle(&jobs);
    // Of the last slices Bob gets his, Alice nothing; his deposit is back, hers is lost.
    let after = [ALICE, BOB].map(|who| jobs.held(who));
    assert_eq!([after[0] - before[0], after[1] - before[1]], [0, 90_000 + DEPOSIT]);
}

#[test]
fn and_whoever_asks_pays_for_the_points() {
    let cost = |wrong: &[u32], seats: &[u32]| {
        let mut jobs = Jobs::new();
        let job = jobs.delivered_with(wrong);
        let message = jobs.disputing(job, seats);
        gas(&mut jobs, message)
    };
    // Of a refusal only the looking is paid: the first that opens ends it.
    let read = {
        let mut jobs = Jobs::new();
        let job = jobs.delivered();
        let message = MsgDispute { developer: jobs.text(STRANGER), ..jobs.disputing(job, &[0]) };
        gas(&mut jobs, message)
    };
    assert_eq!(cost(&[], &[0]), read + 3000);
    assert_eq!(cost(&[], &[0, 1]), read + 3000);
    assert_eq!(cost(&[0], &[0, 1]), read + 5000);
    assert!(cost(&[0], &[0]) > read + 3000);
}
