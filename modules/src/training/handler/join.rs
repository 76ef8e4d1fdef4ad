//! Members take part: the last one locks the job.

use super::super::error::Training;
use super::super::job::{become_, demand, known, record, roots, store, wake};
use super::super::{keys, rules};
use super::order::put_down;
use crate::address::Prefix;
use crate::context::Context;
use crate::error::{Sdk, TxError};
use crate::module::Handler;
use crate::{market, vault};
use zektra_proto::training::v1::{ChainJob, JobStatus as Status, MsgJoin, MsgJoinResponse};

impl Handler for MsgJoin {
    type Response = MsgJoinResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.member]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.member).map_err(|e| e.within("invalid member address"))?;
        if self.digest.len() != 32 {
            let found = self.digest.len();
            return Err(Sdk::InvalidRequest.wrap(format!("digest of {found} bytes: expected 32")));
        }
        // A job has 64 datasets at most.
        match self.extension_roots.iter().find(|root| root.len() != 32) {
            Some(root) => {
                Err(Sdk::InvalidRequest.wrap(format!("extension_roots: one of {} bytes, expected 32", root.len())))
            }
            None if self.extension_roots.len() > 64 => Err(Sdk::InvalidRequest
                .wrap(format!("extension_roots: {}, expected at most 64", self.extension_roots.len()))),
            None => Ok(()),
        }
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgJoinResponse, TxError> {
        let mut job = known(ctx.state, self.job)?;
        demand(&job, &[Status::Open])?;
        if job.node.is_empty() {
            return Err(Training::WrongStatus.wrap(format!("job {}: its node is not drawn yet", job.number)));
        }
        let record = record(&job)?;
        let seat = self.seat as usize;
        let member = job.members.get(seat).ok_or_else(|| Training::WrongSeat.wrap(format!("seat {seat}")))?;
        if member.address != self.member {
            return Err(
                Training::NotThisMember.wrap(format!("seat {seat} of job {} is {}'s", job.number, member.address))
            );
        }
        if member.joined > 0 {
            return Err(Training::Joined.wrap(format!("seat {seat} of job {}", job.number)));
        }
        let digest = record.digest();
        if digest.0[..] != self.digest[..] {
            let found = hex::encode(&self.digest);
            return Err(Training::WrongDigest.wrap(format!("{found}, job {} has {digest}", job.number)));
        }
        let expected = record.datasets.iter().filter(|d| d.owner as usize != seat).count();
        if self.extension_roots.len() != expected {
            return Err(Training::WrongRoots.wrap(format!("{}, expected {expected}", self.extension_roots.len())));
        }
        // The developer's stands since the order.
        let deposit = match self.seat == record.developer {
            true => None,
            false => Some(put_down(ctx, &ctx.parse(&self.member)?)?),
        };
        let member = &mut job.members[seat];
        member.joined = ctx.block.height;
        member.extension_roots = self.extension_roots;
        if let Some(deposit) = deposit {
            member.deposit = deposit.to_string();
        }
        let attributes = [("job", job.number.to_string()), ("seat", seat.to_string()), ("member", self.member)];
        ctx.emit("training_join", attributes);
        if job.members.iter().all(|m| m.joined > 0) {
            lock(ctx, &mut job)?;
        }
        store(ctx, &job)?;
        Ok(MsgJoinResponse { lock: job.lock })
    }
}

/// Fixes a job that all members have joined.
fn lock(ctx: &mut Context<'_>, job: &mut ChainJob) -> Result<(), TxError> {
    let record = record(job)?;
    let developer = ctx.parse(&job.developer)?;
    let rows = record.datasets.iter().fold(0u64, |sum, d| sum.saturating_add(d.dataset.rows));
    let (template, passes, opened) = (record.template.kind.id(), job.passes, job.opened);
    let wanted = vault::Use { developer: &developer, template, rows, passes, opened };
    for (line, d) in job.data.iter_mut().zip(&record.datasets) {
        let granted = vault::granted(ctx.state, ctx.block.height, line.dataset, &wanted)?;
        // Since the order its owner may have another key or other tiles.
        if granted.dataset != d.dataset {
            return Err(Training::NoGrant.wrap(format!("dataset {} has changed", line.dataset)));
        }
        line.grant = granted.grant;
        line.ends_with_it = granted.on_revoke == zektra_proto::vault::v1::RevocationPolicy::Abort;
        vault::take(ctx, &granted, &wanted)?;
        // From now on: whoever revokes a dataset does not pay for orders that anybody places.
        ctx.state.put(keys::dataset(line.dataset, job.number), vec![1])?;
    }
    let used: Vec<(u64, u64)> = job.data.iter().map(|line| (line.dataset, line.units)).collect();
    market::use_demand(ctx, &used)?;
    let lock = record.lock_id(&roots(job, &record)?);
    job.lock = lock.0.to_vec().into();
    job.locked = ctx.block.height;
    become_(ctx, job, Status::Locked, &[("lock", lock.to_string()), ("node", job.node.clone())]);
    let due = ctx.block.height.saturating_add(rules(ctx.state)?.part_blocks).min(job.deadline);
    wake(ctx, job, due)
}
