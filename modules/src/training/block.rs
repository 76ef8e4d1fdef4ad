//! What happens to jobs whose height has come.

use super::handler::part::iterations;
use super::job::{become_, brought_last, free_node, index, known, obstacle, parties, said_all, stall, store, wake};
use super::{damaged, end, keys, rules};
use crate::address::Address;
use crate::coin::parse_amount;
use crate::context::{Context, last_number};
use crate::error::TxError;
use crate::reputation::Fault;
use crate::{beacon, compute, proofs, reputation};
use sha2::{Digest as _, Sha256};
use zektra_proto::training::v1::{ChainJob, JobStatus as Status, Rules};
use zektra_state::{Order, StateError};

/// Jobs that a block goes on with at most; the next block takes the rest.
const MOST: usize = 1000;

pub fn end(ctx: &mut Context<'_>) -> Result<(), TxError> {
    let end = keys::due_end(ctx.block.height);
    let due = ctx.state.scan(keys::DUE, Some(&end), Order::Ascending).take(MOST);
    for number in due.map(|entry| last_number(&entry?.0)).collect::<Result<Vec<_>, StateError>>()? {
        let mut job = known(ctx.state, number)?;
        step(ctx, &mut job)?;
    }
    let params = proofs::params(ctx.state)?;
    if proofs::weights::ends(ctx.block.height, params.epoch_blocks) {
        compute::end_epoch(ctx)?;
        let epoch = reputation::epoch(ctx.state)?;
        reputation::end_epoch(ctx, epoch)?;
        crate::market::end_epoch(ctx)?;
    }
    Ok(())
}

fn step(ctx: &mut Context<'_>, job: &mut ChainJob) -> Result<(), TxError> {
    let rules = rules(ctx.state)?;
    match job.status() {
        Status::Open if job.node.is_empty() => draw(ctx, job, &rules),
        Status::Open => {
            let late = job.members.iter().filter(|m| m.joined == 0).map(|m| m.address.clone()).collect::<Vec<_>>();
            end::expire(ctx, job, format!("not joined in time by {}", late.join(", ")))
        }
        Status::Locked => missed(ctx, job, &rules),
        Status::Rescue => draw(ctx, job, &rules),
        Status::Stalled => {
            let seat = stall(job)?.member;
            end::stalled(ctx, job, seat)
        }
        Status::Proven => {
            let seats = end::missing(job);
            let names: Vec<_> = seats.iter().map(usize::to_string).collect();
            end::kept_back(ctx, job, &seats, format!("not released in time by seat {}", names.join(", ")))
        }
        Status::Delivered => end::settle(ctx, job),
        status => Err(damaged(format!("job {} is {status:?} and waits for height {}", job.number, job.due)).into()),
    }
}

/// The seed of a draw: the block's beacon, for this job.
fn seed(beacon: &[u8; 32], number: u64) -> [u8; 32] {
    let hash = Sha256::new().chain_update(b"zektra assignment").chain_update(beacon);
    hash.chain_update(number.to_be_bytes()).finalize().into()
}

/// The height from which no node gets a job any more: each has the time of a part, and an order waits so long for one as
/// for its members.
fn last_draw(job: &ChainJob, rules: &Rules) -> u64 {
    let last = job.deadline.saturating_sub(rules.part_blocks);
    match job.status() {
        Status::Open => last.min(job.ordered.saturating_add(rules.draw_delay).saturating_add(rules.join_blocks)),
        _ => last,
    }
}

/// Draws the batches' beacon, if it is not drawn yet, and the node.
fn draw(ctx: &mut Context<'_>, job: &mut ChainJob, rules: &Rules) -> Result<(), TxError> {
    let height = ctx.block.height;
    if height >= last_draw(job, rules) {
        return match job.status() {
            Status::Open => end::expire(ctx, job, "no node would take it".into()),
            _ => end::fail(ctx, job, "no other node would take it".into()),
        };
    }
    let drawn = beacon::beacon(ctx.state, height)?.ok_or_else(|| damaged(format!("no beacon of height {height}")))?;
    let record = job.record.as_mut().ok_or_else(|| damaged("a record"))?;
    // All zero until it is drawn: once, whatever becomes of the node.
    if record.beacon.iter().all(|b| *b == 0) {
        record.beacon = drawn.to_vec().into();
    }
    let done = job.proven.as_ref().map_or(0, |p| p.iteration);
    let units = job.units.saturating_mul(iterations(job).saturating_sub(done));
    let fee = u128::from(units).saturating_mul(u128::from(job.most_price));
    let exclude: Vec<Address> = parties(ctx, job)?.into_iter().collect();
    let score = |c: &compute::Candidate| reputation::score(ctx.state, &c.node, c.bond / reputation::TOKEN);
    let least = compute::params(ctx.state)?.min_reputation;
    // What stands for it: twice what it is paid, and what a miss costs.
    let twice = fee.saturating_mul(2);
    let stands = |bond: u128| compute::part(bond, rules.miss_slash).max(twice);
    let mut eligible = vec![];
    for c in compute::candidates(ctx.state, job.most_price, twice, &exclude)? {
        if c.free >= stands(c.bond) && score(&c)?.score >= least {
            eligible.push(c);
        }
    }
    let mut weights = vec![];
    for c in compute::within_cap(ctx.state, eligible)? {
        let weight = compute::weight(c.bond, score(&c)?.score, c.price, job.most_price);
        weights.push((c.node, weight));
    }
    let Some(node) = compute::draw(&seed(&drawn, job.number), &weights) else {
        return nobody(ctx, job, rules);
    };
    let registered = compute::node(ctx.state, &node)?.ok_or_else(|| damaged("a node that was drawn"))?;
    let bonded = stands(compute::bond(&registered)?);
    compute::assign(ctx, &node, units, bonded)?;
    job.bonded = bonded.to_string();
    job.node = ctx.text(&node);
    job.waited = 0;
    job.node_fingerprint = registered.fingerprint;
    job.price = registered.price;
    index(ctx, job)?;
    let attributes = [("job", job.number.to_string()), ("node", job.node.clone()), ("price", job.price.to_string())];
    ctx.emit("training_assign", attributes);
    let due = match job.status() {
        // Whoever locks it leaves the node the time of a part.
        Status::Open => height.saturating_add(rules.join_blocks).min(job.deadline.saturating_sub(rules.part_blocks)),
        _ => {
            become_(ctx, job, Status::Locked, &[("node", job.node.clone())]);
            height.saturating_add(rules.part_blocks).min(job.deadline)
        }
    };
    wake(ctx, job, due)?;
    store(ctx, job)
}

/// There is no node for a job now: it waits for one as long as it can.
fn nobody(ctx: &mut Context<'_>, job: &mut ChainJob, rules: &Rules) -> Result<(), TxError> {
    let height = ctx.block.height;
    // Ever less often: an order that nobody takes is cheap to place.
    let waited = match job.status() {
        Status::Open => height.saturating_sub(job.ordered) / 4,
        _ => 0,
    };
    let next = height.saturating_add(rules.draw_delay.max(waited));
    wake(ctx, job, next.min(last_draw(job, rules)))?;
    store(ctx, job)
}

/// The one seat for which a node has said to wait as often as it may, if there is one.
fn silent(job: &ChainJob, rules: &Rules) -> Option<u32> {
    let first = *job.reported.first()?;
    let all = said_all(job, rules) && job.reported.iter().all(|seat| *seat == first);
    all.then_some(first)
}

/// The node did not bring its next part in time: it is slashed, and replaced.
///
/// It may say that a member has answered with nonsense, the member that the node has lied; the chain cannot tell, and
/// nobody gains by it: what is not burned of the slash is the community's. A member for whom two nodes, one after the
/// other, have said to wait each time that they may say so, loses its deposit in place of the second one's bond: nodes are
/// drawn, so that two do not speak for one interest.
fn missed(ctx: &mut Context<'_>, job: &mut ChainJob, rules: &Rules) -> Result<(), TxError> {
    if let Some(why) = obstacle(ctx.state, job, ctx.block.height)? {
        return end::abort(ctx, job, why);
    }
    let late = ctx.block.height >= job.deadline;
    // Its time was cut short by the deadline.
    if late && brought_last(ctx.state, job)? {
        return end::fail(ctx, job, "not proven by its deadline".into());
    }
    let silent = silent(job, rules);
    if let Some(seat) = silent.filter(|seat| job.suspects.contains(seat)) {
        return end::stalled(ctx, job, seat);
    }
    let node = ctx.parse(&job.node)?;
    let registered = compute::node(ctx.state, &node)?.ok_or_else(|| damaged("a node of a job"))?;
    let bond = compute::bond(&registered)?;
    let bonded = parse_amount(&job.bonded).map_err(damaged)?;
    // Bond and rule may be others than at the draw: no job takes what stands for another.
    let amount = compute::part(bond, rules.miss_slash).min(bonded);
    compute::slash(ctx, &node, amount)?;
    job.suspects = silent.into_iter().collect();
    // What is said from now on is said by another node.
    job.reported.clear();
    reputation::debit(ctx, &node, Fault::Missed, job.units)?;
    free_node(ctx, job)?;
    job.lost.push(std::mem::take(&mut job.node));
    job.node_fingerprint.clear();
    // What the first part showed counts for its node alone: a chain that nobody can finish must not bind the next.
    job.tile_top.clear();
    job.offline.clear();
    become_(ctx, job, Status::Rescue, &[("lost", job.lost.last().cloned().unwrap_or_default())]);
    if late || job.lost.len() > rules.max_rescues as usize {
        let why = if late { "not proven by its deadline" } else { "lost too many nodes" };
        return end::fail(ctx, job, why.into());
    }
    let due = ctx.block.height.saturating_add(rules.draw_delay).min(job.deadline);
    wake(ctx, job, due)?;
    store(ctx, job)
}
