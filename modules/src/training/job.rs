//! A job's record: read, stored, found.

use super::error::Training;
use super::{damaged, keys};
use crate::address::Address;
use crate::coin::parse_amount;
use crate::context::{Context, last_number, load, save};
use crate::error::TxError;
use crate::{compute, proofs, vault};
use std::collections::BTreeSet;
use zektra_proto::proofs::v1::CircuitStatus;
use zektra_proto::training::v1::{ChainJob, DataLine, JobStatus as Status, Part, Rules, Stall};
use zektra_records::{job_from_pb, roots_from_pb};
use zektra_state::{Order, StateError, StateRead, scan_prefix};
use zektra_statement::digest::Fingerprint;
use zektra_statement::record::Job;

/// A job.
///
/// # Errors
/// The database fails.
pub fn job(state: &dyn StateRead, number: u64) -> Result<Option<ChainJob>, StateError> {
    load(state, &keys::job(number))
}

/// A job that must be there.
///
/// # Errors
/// There is none.
pub fn known(state: &dyn StateRead, number: u64) -> Result<ChainJob, TxError> {
    job(state, number)?.ok_or_else(|| Training::UnknownJob.wrap(format!("job {number}")))
}

/// Refuses a job in another status.
pub(super) fn demand(job: &ChainJob, allowed: &[Status]) -> Result<(), TxError> {
    if allowed.contains(&job.status()) {
        return Ok(());
    }
    let names: Vec<_> = allowed.iter().map(|s| name(*s)).collect();
    let wrong = format!("job {} is {}, expected {}", job.number, name(job.status()), names.join(" or "));
    Err(Training::WrongStatus.wrap(wrong))
}

/// A status as people read it.
pub(super) fn name(status: Status) -> String {
    status.as_str_name().trim_start_matches("JOB_STATUS_").to_lowercase()
}

/// Whether nothing can happen to a job any more.
pub(super) fn is_over(status: Status) -> bool {
    matches!(status, Status::Settled | Status::Aborted | Status::Expired | Status::Failed)
}

/// The record that parties derive their work from, with its beacon.
pub(super) fn record(job: &ChainJob) -> Result<Job, StateError> {
    let record = job.record.as_ref().ok_or_else(|| damaged(format!("job {} has no record", job.number)))?;
    job_from_pb(record).map_err(|e| damaged(format!("job {}: {e}", job.number)))
}

/// The roots of all extension shares in the lock's order.
pub(super) fn roots(job: &ChainJob, record: &Job) -> Result<Vec<Fingerprint>, StateError> {
    roots_from_pb(&job.members, record).map_err(|e| damaged(format!("job {}: {e}", job.number)))
}

/// What stands under a line's fee.
pub(super) fn fee(line: &DataLine) -> Result<u128, StateError> {
    parse_amount(&line.fee).map_err(damaged)
}

/// An account of a stored record.
pub(super) fn account(ctx: &Context<'_>, text: &str) -> Result<Address, StateError> {
    ctx.parse(text).map_err(|e| damaged(e.log))
}

/// Everybody who has to do with a job.
pub(super) fn parties(ctx: &Context<'_>, job: &ChainJob) -> Result<BTreeSet<Address>, StateError> {
    let texts = [&job.developer, &job.node].into_iter().chain(&job.lost).chain(job.members.iter().map(|m| &m.address));
    texts.filter(|text| !text.is_empty()).map(|text| account(ctx, text)).collect()
}

/// Stores a job.
pub(super) fn store(ctx: &mut Context<'_>, job: &ChainJob) -> Result<(), TxError> {
    Ok(save(ctx.state, keys::job(job.number), job)?)
}

/// Puts a job into the queue of heights, in place of where it was; 0 takes it out.
pub(super) fn wake(ctx: &mut Context<'_>, job: &mut ChainJob, due: u64) -> Result<(), TxError> {
    if job.due > 0 {
        ctx.state.delete(keys::due(job.due, job.number))?;
    }
    job.due = due;
    if due > 0 {
        ctx.state.put(keys::due(due, job.number), vec![1])?;
    }
    Ok(())
}

/// Gives a job another status, and says so.
pub(super) fn become_(ctx: &mut Context<'_>, job: &mut ChainJob, status: Status, more: &[(&str, String)]) {
    let before = name(job.status());
    job.set_status(status);
    let mut attributes = vec![("job", job.number.to_string()), ("from", before), ("to", name(status))];
    attributes.extend(more.iter().map(|(key, value)| (*key, value.clone())));
    ctx.emit("training_status", attributes);
}

/// Finds a job from all its parties.
pub(super) fn index(ctx: &mut Context<'_>, job: &ChainJob) -> Result<(), TxError> {
    for party in parties(ctx, job)? {
        ctx.state.put(keys::party(&party, job.number), vec![1])?;
    }
    Ok(())
}

/// A job's node has nothing to do with it any more: what of its bond stood for the job is free.
pub(super) fn free_node(ctx: &mut Context<'_>, job: &mut ChainJob) -> Result<(), TxError> {
    let node = ctx.parse(&job.node)?;
    let bonded = parse_amount(&std::mem::take(&mut job.bonded)).map_err(damaged)?;
    compute::finish(ctx, &node, bonded)
}

/// Locked jobs on a dataset.
pub(super) fn of_dataset(state: &dyn StateRead, dataset: u64) -> Result<Vec<u64>, StateError> {
    let prefix = keys::of_dataset(dataset);
    scan_prefix(state, &prefix, Order::Ascending).map(|entry| last_number(&entry?.0)).collect()
}

/// Whether the node that a job has now brought its last part.
pub(super) fn brought_last(state: &dyn StateRead, job: &ChainJob) -> Result<bool, StateError> {
    let Some(proven) = &job.proven else { return Ok(false) };
    let part: Option<Part> = load(state, &keys::part(job.number, proven.iteration))?;
    Ok(part.is_some_and(|part| part.node == job.node))
}

/// Goes on: the time in which a job waited for a member does not count.
pub(super) fn resume(job: &mut ChainJob, height: u64) {
    if let Some(stall) = job.stall.take() {
        postpone(job, height.saturating_sub(stall.since));
    }
}

/// Moves a job's deadline, because it waited for a member.
pub(super) fn postpone(job: &mut ChainJob, blocks: u64) {
    job.deadline = job.deadline.saturating_add(blocks);
    job.waited = job.waited.saturating_add(blocks);
}

/// Why a job cannot go on, whoever works on it.
pub(super) fn obstacle(state: &dyn StateRead, job: &ChainJob, height: u64) -> Result<Option<String>, TxError> {
    // What the owner's policy lets go on goes on; else nothing more is opened.
    for line in job.data.iter().filter(|line| line.ends_with_it) {
        if !vault::still_granted(state, line.dataset, line.grant, height)? {
            return Ok(Some(format!("the use of dataset {} is not granted any more", line.dataset)));
        }
    }
    let digest = job.record.as_ref().map(|r| &r.circuits[..]).unwrap_or_default();
    let circuit = proofs::circuit(state, digest)?.map(|c| c.status());
    Ok((circuit == Some(CircuitStatus::Tombstoned)).then(|| "its circuits are not accepted any more".into()))
}

/// The member whom a job waits for.
pub(super) fn stall(job: &ChainJob) -> Result<Stall, StateError> {
    job.stall.ok_or_else(|| damaged(format!("job {} waits for nobody", job.number)))
}

/// Whether its node has said to wait as often as it may from one part to the next.
pub(super) fn said_all(job: &ChainJob, rules: &Rules) -> bool {
    job.reported.len() >= rules.max_stalls as usize
}

/// Whether a job has waited as long with this node as it may from one part to the next: however many parts there are.
pub(super) fn waited_all(job: &ChainJob, rules: &Rules) -> bool {
    // Until the member answers, and what the node has to fetch the answer.
    let longest = rules.stall_blocks.saturating_add(time_to_fetch(rules));
    job.waited.saturating_add(longest) > longest.saturating_mul(rules.max_stalls.into())
}

/// Blocks that a node has at least to fetch an answer.
pub(super) fn time_to_fetch(rules: &Rules) -> u64 {
    (rules.part_blocks / 4).max(1)
}
