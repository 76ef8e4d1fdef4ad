//! A member that does not answer: who, since when, and what it costs.
//!
//! The chain does not see what parties send each other, so it cannot tell a member that is silent from a node that says
//! so. It stops the node's clock, and gives the member a way to answer in the open, which a node cannot claim not to
//! have seen. How often a node may say so from one part to the next is bounded, and how long a job waits with it in all; then
//! its clock runs on, so that nobody gets out of a miss by what it says of others. Whether an answer is one the chain
//! does not see either: see [`missed`](super::super::block) for who pays when both say that it is the other.

use super::super::error::Training;
use super::super::job::{
    become_, demand, known, postpone, record, resume, said_all, stall, store, time_to_fetch, waited_all, wake,
};
use super::super::rules;
use crate::address::Prefix;
use crate::context::Context;
use crate::error::{Sdk, TxError};
use crate::module::Handler;
use sha2::{Digest as _, Sha256};
use zektra_proto::training::v1::{
    JobStatus as Status, MsgAnswerStall, MsgAnswerStallResponse, MsgReportStall, MsgReportStallResponse, Stall,
};

/// Bytes of an answer at most: a proof and its polynomials.
const MOST: usize = 1 << 20;

impl Handler for MsgReportStall {
    type Response = MsgReportStallResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.node]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.node).map_err(|e| e.within("invalid node address")).map(drop)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgReportStallResponse, TxError> {
        let mut job = known(ctx.state, self.job)?;
        demand(&job, &[Status::Locked])?;
        if job.node != self.node {
            return Err(Training::NotTheNode.wrap(format!("job {} is {}'s", job.number, job.node)));
        }
        if self.member as usize >= job.members.len() {
            return Err(Training::WrongSeat.wrap(format!("seat {}", self.member)));
        }
        let table = record(&job)?.template;
        let phases = table.compile().map_err(|e| Training::WrongRecord.wrap(e))?.phases.len();
        let done = job.proven.as_ref().map_or(0, |p| p.iteration);
        if self.phase as usize >= phases || !(done..u64::from(table.params.iterations)).contains(&self.iteration) {
            let found = format!("phase {} of iteration {}", self.phase, self.iteration);
            return Err(Training::OutOfOrder.wrap(found));
        }
        let rules = rules(ctx.state)?;
        if said_all(&job, &rules) || waited_all(&job, &rules) {
            let (said, waited) = (job.reported.len(), job.waited);
            let found = format!("job {}: {said} times since its last part, {waited} blocks in all", job.number);
            return Err(Training::TooManyStalls.wrap(found));
        }
        job.reported.push(self.member);
        let height = ctx.block.height;
        let Self { member, iteration, phase, .. } = self;
        job.stall = Some(Stall { member, since: height, iteration, phase, left: job.due.saturating_sub(height) });
        let attributes =
            [("seat", member.to_string()), ("iteration", iteration.to_string()), ("phase", phase.to_string())];
        become_(ctx, &mut job, Status::Stalled, &attributes);
        wake(ctx, &mut job, height.saturating_add(rules.stall_blocks))?;
        store(ctx, &job)?;
        Ok(MsgReportStallResponse {})
    }
}

impl Handler for MsgAnswerStall {
    type Response = MsgAnswerStallResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.member]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.member).map_err(|e| e.within("invalid member address"))?;
        if self.answer.is_empty() || self.answer.len() > MOST {
            let found = self.answer.len();
            return Err(Sdk::InvalidRequest.wrap(format!("answer of {found} bytes: expected 1 to {MOST}")));
        }
        Ok(())
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgAnswerStallResponse, TxError> {
        let mut job = known(ctx.state, self.job)?;
        demand(&job, &[Status::Stalled])?;
        let owed = stall(&job)?;
        let member = job.members.get(owed.member as usize).map(|m| &m.address);
        if member != Some(&self.member) {
            return Err(Training::NothingOwed.wrap(format!("{} in job {}", self.member, job.number)));
        }
        let height = ctx.block.height;
        resume(&mut job, height);
        let hash = hex::encode(Sha256::digest(&self.answer));
        become_(ctx, &mut job, Status::Locked, &[("seat", owed.member.to_string()), ("answer", hash)]);
        // What the node had left, and time to fetch the answer. The deadline keeps its distance: it must not come first
        // because a node has said to wait.
        let rules = rules(ctx.state)?;
        let left = owed.left.max(time_to_fetch(&rules));
        postpone(&mut job, left.saturating_sub(owed.left));
        wake(ctx, &mut job, height.saturating_add(left))?;
        store(ctx, &job)?;
        Ok(MsgAnswerStallResponse {})
    }
}
