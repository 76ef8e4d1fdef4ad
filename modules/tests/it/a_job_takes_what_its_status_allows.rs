use crate::ground::Ground;
use crate::jobs::*;
use zektra_modules::TxError;
use zektra_modules::module::Handler;
use zektra_proto::training::v1::{JobStatus as Status, MsgCancel};
use zektra_proto::vault::v1::{MsgRevokeDataset, RevocationPolicy};
use zektra_state::{Empty, StateDelta};

/// What would come of a message.
fn would<M: Handler>(jobs: &Jobs, message: M) -> (&'static str, u32) {
    let state = StateDelta::with(Empty, jobs.ground.state.changes().clone());
    let mut ground = Ground { state, block: jobs.ground.block.clone(), ..Ground::new() };
    let done: Result<M::Response, TxError> = ground.with(|ctx| message.handle(ctx));
    code(done)
}

/// Jobs in every status, brought there in their worlds.
pub fn everywhere() -> Vec<(&'static str, Jobs, u64)> {
    let bring = |name, act: &dyn Fn(&mut Jobs) -> u64| {
        let mut jobs = Jobs::with(RevocationPolicy::Abort, &NODES);
        let job = act(&mut jobs);
        (name, jobs, job)
    };
    vec![
        bring("ordered", &|j| j.open()),
        bring("open", &|j| j.drawn()),
        bring("locked", &|j| j.locked()),
        bring("stalled", &|j| j.stalled(0)),
        bring("rescue", &|j| j.rescue()),
        bring("proven", &|j| j.proven()),
        bring("delivered", &|j| j.delivered()),
        bring("wrongly delivered", &|j| j.delivered_with(&[1])),
        bring("settled", &|j| j.settled()),
        bring("disputed", &|j| {
            let job = j.delivered_with(&[1]);
            let message = j.disputing(job, &[1]);
            j.send(message).unwrap();
            job
        }),
        bring("aborted", &|j| {
            let job = j.locked();
            j.accept(job, 1).unwrap();
            let owner = j.text(ALICE);
            j.send(MsgRevokeDataset { owner, dataset: 1 }).unwrap();
            job
        }),
        bring("expired", &|j| {
            let job = j.drawn();
            j.join(job, 0);
            j.pass_due(job);
            job
        }),
        bring("failed", &|j| {
            let job = j.proven();
            j.pass_due(job);
            job
        }),
    ]
}

#[test]
fn and_nothing_else() {
    for (name, jobs, job) in everywhere() {
        let cancel = MsgCancel { developer: jobs.text(DEVELOPER), job };
        let found = [
            would(&jobs, cancel),
            would(&jobs, jobs.joining(job, 0)),
            would(&jobs, jobs.part(job, 2)),
            would(&jobs, jobs.stalling(job, 0)),
            would(&jobs, jobs.answering(job, 0)),
            would(&jobs, jobs.releasing(job, 0)),
            would(&jobs, jobs.disputing(job, &[1])),
        ];
        let (yes, no, fits) = (("", 0), ("training", 3), ("training", 26));
        // A part goes as far as to its proof, which is none.
        let proof = ("proofs", 6);
        let expected = match name {
            "ordered" => [yes, no, no, no, no, no, no],
            "open" => [yes, yes, no, no, no, no, no],
            "locked" => [no, no, proof, yes, no, no, no],
            "stalled" => [no, no, proof, no, yes, no, no],
            "proven" => [no, no, no, no, no, yes, no],
            "delivered" => [no, no, no, no, no, no, fits],
            "wrongly delivered" => [no, no, no, no, no, no, yes],
            _ => [no; 7],
        };
        assert_eq!(found, expected, "{name}");
    }
}

#[test]
fn and_survives_a_genesis_file() {
    for (name, jobs, job) in everywhere() {
        let status = match name {
            "ordered" => Status::Open,
            "wrongly delivered" => Status::Delivered,
            "disputed" => Status::Failed,
            other => Status::from_str_name(&format!("JOB_STATUS_{}", other.to_uppercase())).unwrap(),
        };
        assert_eq!(jobs.status(job), status);
        jobs.check();
        jobs.round_trip();
    }
}
