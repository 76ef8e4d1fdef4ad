//! How jobs end, and who is paid then.
//!
//! | end | node | owners | members' deposits |
//! | --- | --- | --- | --- |
//! | settled | all | all | back |
//! | aborted | its last slice of what is proven | no last slice | back; that of who owes is lost |
//! | failed, a release is missing or does not open | all | all; the last slice of whose it is is the developer's | back; that of whose it is is lost |
//! | failed, no node or no time is left | no last slice | no last slice | back |
//! | expired | nothing; `cancel_fee` is the community's, if it was drawn | nothing | back; less what `cancel_fee` takes |
//!
//! The rest of the escrow goes back to the developer. Of a lost deposit half is burned, half goes to whoever it was
//! owed to: the node for an answer, the developer for a release.

use super::handler::part::{compute_fee, data_fees, due, iterations, proposer};
use super::job::{become_, brought_last, free_node, is_over, store, wake};
use super::{account, damaged, keys, rules};
use crate::address::Address;
use crate::coin::{Coins, parse_amount};
use crate::context::Context;
use crate::error::TxError;
use crate::{bank, distribution, market, vault};
use std::collections::BTreeSet;
use zektra_proto::training::v1::{ChainJob, JobStatus as Status};

/// Iterations of a job, and how many of them are proven.
fn progress(job: &ChainJob) -> (u64, u64) {
    (iterations(job), job.proven.as_ref().map_or(0, |p| p.iteration))
}

/// Pays the last slice of what is proven to the node that has proven it.
fn pay_node(ctx: &mut Context<'_>, job: &ChainJob) -> Result<(), TxError> {
    if !brought_last(ctx.state, job)? {
        return Ok(());
    }
    let (all, done) = progress(job);
    let (part, of) = due(job.last_slice, done, all);
    let fee = compute_fee(job);
    let rest = market::fraction(fee, done, all) - market::fraction(fee, part, of);
    // Each node has its own price, each part is rounded: together they may be a unit more than was put aside.
    let rest = rest.min(market::compute_left(ctx.state, job.number)?);
    let node = ctx.parse(&job.node)?;
    let proposer = proposer(ctx)?;
    market::pay_compute(ctx, job.number, rest, &node, proposer.as_ref()).map(drop)
}

/// Pays the last slice of all data; what the `guilty` would get goes to the developer.
fn pay_owners(ctx: &mut Context<'_>, job: &ChainJob, guilty: &BTreeSet<Address>) -> Result<(), TxError> {
    let developer = ctx.parse(&job.developer)?;
    let mut fees = data_fees(ctx, job)?;
    for (owner, _) in fees.iter_mut().filter(|(owner, _)| guilty.contains(owner)) {
        *owner = developer.clone();
    }
    market::pay_data(ctx, job.number, &fees, (1, 1)).map(drop)
}

/// Takes the deposits of these seats: half is burned, half goes to `owed_to`.
fn forfeit(
    ctx: &mut Context<'_>,
    job: &mut ChainJob,
    seats: &BTreeSet<usize>,
    owed_to: &Address,
) -> Result<(), TxError> {
    let denom = rules(ctx.state)?.deposit.unwrap_or_default().denom;
    for seat in seats {
        let Some(member) = job.members.get_mut(*seat).filter(|m| !m.deposit.is_empty()) else { continue };
        let amount = parse_amount(&member.deposit).map_err(damaged)?;
        member.deposit.clear();
        let half = amount / 2;
        let given = Coins::one(&denom, half);
        if !given.is_empty() {
            bank::transfer(ctx, &account(), owed_to, &given)?;
        }
        let burned = Coins::one(&denom, amount - half);
        if !burned.is_empty() {
            bank::burn(ctx, &account(), &burned)?;
        }
        let attributes = [
            ("job", job.number.to_string()),
            ("seat", seat.to_string()),
            ("amount", amount.to_string()),
            ("to", ctx.text(owed_to)),
        ];
        ctx.emit("training_forfeit", attributes);
    }
    Ok(())
}

/// Gives all deposits back, the rest of the escrow to the developer, and everybody free.
fn close(ctx: &mut Context<'_>, job: &mut ChainJob, status: Status, reason: String) -> Result<(), TxError> {
    let denom = rules(ctx.state)?.deposit.unwrap_or_default().denom;
    for member in &mut job.members {
        if member.deposit.is_empty() {
            continue;
        }
        let amount = parse_amount(&member.deposit).map_err(damaged)?;
        member.deposit.clear();
        let coins = Coins::one(&denom, amount);
        if !coins.is_empty() {
            let to = ctx.parse(&member.address)?;
            bank::transfer(ctx, &account(), &to, &coins)?;
        }
    }
    market::close(ctx, job.number)?;
    let (all, done) = progress(job);
    for line in &job.data {
        ctx.state.delete(keys::dataset(line.dataset, job.number))?;
        if job.locked == 0 {
            continue;
        }
        vault::leave(ctx, line.dataset)?;
        if done < all {
            // Rounded up in favour of the data: what was begun is used.
            let left = |used: u64| used - used.saturating_mul(done).div_ceil(all.max(1)).min(used);
            // What parties have opened since the last part is not seen here: all coefficients count as opened.
            vault::give_back(ctx, line.grant, left(job.passes), 0)?;
        }
    }
    // After the last part its node is free already.
    if !job.bonded.is_empty() {
        free_node(ctx, job)?;
    }
    wake(ctx, job, 0)?;
    // Of what its parts showed an audit reads the last.
    job.offline = job.offline.pop().into_iter().collect();
    job.stall = None;
    job.ended = ctx.block.height;
    job.reason = reason;
    let reason = job.reason.clone();
    become_(ctx, job, status, &[("reason", reason)]);
    store(ctx, job)
}

/// Takes what an order costs that was drawn and never locked, whoever is to blame: else a developer could, for nothing,
/// order again and again until the draw falls on the node that it wants. Its node gets nothing of it: it would gain by
/// letting orders pass.
///
/// It is a share of the fee, and at least that share of a deposit, which is taken then: the smallest order holds as much
/// of a node's bond as a miss costs.
fn pay_for_draw(ctx: &mut Context<'_>, job: &mut ChainJob) -> Result<(), TxError> {
    if job.node.is_empty() {
        return Ok(());
    }
    let rules = rules(ctx.state)?;
    let share = |of: u128| market::fraction(of, rules.cancel_fee.into(), 10_000);
    let fee = share(compute_fee(job));
    market::pay_community(ctx, job.number, fee)?;
    let seat = job.record.as_ref().map_or(0, |r| r.developer as usize);
    let Some(member) = job.members.get_mut(seat).filter(|m| !m.deposit.is_empty()) else { return Ok(()) };
    let deposit = parse_amount(&member.deposit).map_err(damaged)?;
    let more = share(deposit).saturating_sub(fee);
    if more > 0 {
        member.deposit = (deposit - more).to_string();
        let coins = Coins::one(&rules.deposit.unwrap_or_default().denom, more);
        distribution::fund_community_pool(ctx, &account(), &coins)?;
        let attributes = [("job", job.number.to_string()), ("amount", more.to_string())];
        ctx.emit("training_cancel_fee", attributes);
    }
    Ok(())
}

/// Ends a job that was not locked.
pub(super) fn expire(ctx: &mut Context<'_>, job: &mut ChainJob, reason: String) -> Result<(), TxError> {
    pay_for_draw(ctx, job)?;
    close(ctx, job, Status::Expired, reason)
}

/// Ends a job that runs, by nobody's fault.
pub(super) fn abort(ctx: &mut Context<'_>, job: &mut ChainJob, reason: String) -> Result<(), TxError> {
    if is_over(job.status()) {
        return Ok(());
    }
    if job.status() != Status::Rescue {
        pay_node(ctx, job)?;
    }
    close(ctx, job, Status::Aborted, reason)
}

/// Ends a job whose member owes an answer.
pub(super) fn stalled(ctx: &mut Context<'_>, job: &mut ChainJob, seat: u32) -> Result<(), TxError> {
    let node = ctx.parse(&job.node)?;
    forfeit(ctx, job, &[seat as usize].into(), &node)?;
    abort(ctx, job, format!("seat {seat} did not answer"))
}

/// Ends a job that lost its node and found no other.
pub(super) fn fail(ctx: &mut Context<'_>, job: &mut ChainJob, reason: String) -> Result<(), TxError> {
    close(ctx, job, Status::Failed, reason)
}

/// Ends a proven job of which these seats keep the model back, or have sealed something else.
pub(super) fn kept_back(
    ctx: &mut Context<'_>,
    job: &mut ChainJob,
    seats: &BTreeSet<usize>,
    reason: String,
) -> Result<(), TxError> {
    let developer = ctx.parse(&job.developer)?;
    pay_node(ctx, job)?;
    let guilty = seats.iter().filter_map(|s| job.members.get(*s)).map(|m| ctx.parse(&m.address));
    let guilty = guilty.collect::<Result<_, _>>()?;
    pay_owners(ctx, job, &guilty)?;
    forfeit(ctx, job, seats, &developer)?;
    close(ctx, job, Status::Failed, reason)
}

/// Ends a job as it should end.
pub(super) fn settle(ctx: &mut Context<'_>, job: &mut ChainJob) -> Result<(), TxError> {
    pay_node(ctx, job)?;
    pay_owners(ctx, job, &BTreeSet::new())?;
    close(ctx, job, Status::Settled, String::new())
}

/// Seats whose release is missing.
pub(super) fn missing(job: &ChainJob) -> BTreeSet<usize> {
    let developer = job.record.as_ref().map_or(0, |r| r.developer as usize);
    let missing = |(seat, m): (usize, &zektra_proto::training::v1::Member)| {
        (seat != developer && m.released == 0).then_some(seat)
    };
    job.members.iter().enumerate().filter_map(missing).collect()
}

/// A proven job of which all shares are there is delivered.
pub(super) fn delivered_if_all(ctx: &mut Context<'_>, job: &mut ChainJob) -> Result<(), TxError> {
    if job.status() != Status::Proven || !missing(job).is_empty() {
        return Ok(());
    }
    become_(ctx, job, Status::Delivered, &[]);
    let until = ctx.block.height.saturating_add(rules(ctx.state)?.dispute_blocks);
    wake(ctx, job, until)
}
