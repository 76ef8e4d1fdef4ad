//! A chain with a job in every status, through a genesis file and back. The application's tests go on from the same file.

use crate::a_job_ends_one_way_or_another::revoke;
use crate::ground::Ground;
use crate::jobs::*;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use zektra_modules::MODULES;
use zektra_proto::training::v1::{JobStatus as Status, MsgCancel};
use zektra_proto::vault::v1::RevocationPolicy;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/jobs_in_every_status.json");
/// Renews the file.
const RENEW: &str = "ZEKTRA_RENEW_GOLDEN";

/// Jobs in every status but aborted; one of the open ones has its node.
fn world() -> Jobs {
    let mut jobs = Jobs::with(RevocationPolicy::Abort, &[4, 5, 6]);
    jobs.settled();
    let failed = jobs.delivered_with(&[1]);
    let dispute = jobs.disputing(failed, &[1]);
    jobs.send(dispute).unwrap();
    let expired = jobs.drawn();
    let developer = jobs.text(DEVELOPER);
    jobs.send(MsgCancel { developer, job: expired }).unwrap();
    let rescued = jobs.locked();
    jobs.accept(rescued, 1).unwrap();
    // The others begin so late that none of them misses anything before it does.
    jobs.pass_many(jobs.job(rescued).due - jobs.height() - 4);
    let [drawn, locked, begun, stalled, proven, delivered] = [(); 6].map(|()| jobs.open());
    jobs.pass_due(drawn);
    for job in [locked, begun, stalled, proven, delivered] {
        (0..3).for_each(|seat| jobs.join(job, seat));
    }
    jobs.accept(begun, 2).unwrap();
    let stall = jobs.stalling(stalled, 1);
    jobs.send(stall).unwrap();
    jobs.accept(proven, ALL).unwrap();
    jobs.accept(delivered, ALL).unwrap();
    (0..2).for_each(|seat| jobs.release(delivered, seat));
    jobs.pass_due(rescued);
    jobs.open();
    jobs
}

fn statuses(jobs: &Jobs, all: u64) -> Vec<Status> {
    (1..=all).map(|job| jobs.status(job)).collect()
}

/// What all modules hold, as a genesis file has it.
fn exported(ground: &Ground) -> Value {
    let of = |m: &&dyn zektra_modules::Module| m.export_genesis(&ground.state, &ground.prefix).unwrap();
    Value::Object(MODULES.iter().map(|m| (m.name().to_string(), of(m))).collect::<Map<_, _>>())
}

/// A chain that begins with a genesis file.
fn begun(genesis: &Value, like: &Ground) -> Ground {
    let mut other = Ground { block: like.block.clone(), ..Ground::new() };
    for module in MODULES {
        module.check_genesis(&genesis[module.name()], &other.prefix).unwrap();
    }
    for module in MODULES {
        other.with(|ctx| Ok(module.init_genesis(ctx, &genesis[module.name()]).unwrap())).unwrap();
    }
    other
}

#[test]
fn and_gives_the_same_chain() {
    let mut jobs = world();
    use Status::{Delivered, Expired, Failed, Locked, Open, Proven, Rescue, Settled, Stalled};
    let expected = [Settled, Failed, Expired, Rescue, Open, Locked, Locked, Stalled, Proven, Delivered, Open];
    assert_eq!(statuses(&jobs, 11), expected);
    assert_eq!([5, 11].map(|job| jobs.job(job).node.is_empty()), [false, true]);
    let genesis = exported(&jobs.ground);
    let mut other = Jobs { ground: begun(&genesis, &jobs.ground) };
    assert_eq!(exported(&other.ground), genesis);
    // And from there on: whatever was due is due.
    for _ in 0..60 {
        jobs.pass();
        other.pass();
        assert_eq!(statuses(&jobs, 11), statuses(&other, 11));
        assert_eq!(exported(&jobs.ground), exported(&other.ground));
    }
    other.check();
}

#[test]
fn aborted_ones_too() {
    let mut jobs = world();
    let before = statuses(&jobs, 11);
    revoke(&mut jobs, ALICE);
    jobs.pass();
    let all: BTreeSet<i32> = before.into_iter().chain(statuses(&jobs, 11)).map(i32::from).collect();
    assert_eq!(all, (1..=10).collect());
    let genesis = exported(&jobs.ground);
    assert_eq!(exported(&begun(&genesis, &jobs.ground)), genesis);
}

/// What the application's tests begin with is what this version writes.
#[test]
fn in_the_form_of_the_last_release() {
    let jobs = world();
    let mut found = exported(&jobs.ground);
    found["height"] = jobs.height().into();
    let found = serde_json::to_string_pretty(&found).unwrap() + "\n";
    if std::env::var_os(RENEW).is_some() {
        std::fs::write(GOLDEN, &found).unwrap();
    }
    let golden = std::fs::read_to_string(GOLDEN).unwrap_or_default();
    for (k, (found, golden)) in found.lines().zip(golden.lines()).enumerate() {
        assert_eq!(found, golden, "line {} of {GOLDEN}", k + 1);
    }
    assert_eq!(found.len(), golden.len(), "{GOLDEN}");
}
