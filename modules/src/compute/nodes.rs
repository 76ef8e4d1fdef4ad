//! Nodes as they are kept, and what jobs do to them.

use super::error::Compute;
use super::{amount, damaged, epoch, epoch_units, is_leaving, keys, module, params};
use crate::address::Address;
use crate::bank;
use crate::coin::{Coins, coin};
use crate::context::{Context, load, load_all_keyed, save};
use crate::distribution;
use crate::error::TxError;
use zektra_proto::compute::v1::{Node, NodeStatus};
use zektra_state::{StateError, StateRead, StateWrite};

/// A node that can get a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its operator.
    pub node: Address,
    /// Its bond in base units.
    pub bond: u128,
    /// What of it stands for no job yet.
    pub free: u128,
    /// What it asks for a unit.
    pub price: u64,
    /// Units assigned to it in this epoch.
    pub epoch_units: u64,
}

/// What became of a bond that was slashed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slashed {
    /// Base units that were burned.
    pub burned: u128,
    /// Base units that the community got.
    pub community: u128,
}

/// The node of an operator.
///
/// # Errors
/// The database fails.
pub fn node(state: &dyn StateRead, operator: &Address) -> Result<Option<Node>, StateError> {
    load(state, &keys::node(operator))
}

/// A node's bond in base units.
///
/// # Errors
/// The record is damaged.
pub fn bond(node: &Node) -> Result<u128, StateError> {
    node.bond.as_ref().map_or(Ok(0), |coin| amount(&coin.amount))
}

/// What of a node's bond stands for its jobs, in base units.
///
/// # Errors
/// The record is damaged.
pub fn engaged(node: &Node) -> Result<u128, StateError> {
    if node.engaged.is_empty() { Ok(0) } else { amount(&node.engaged) }
}

/// A node that must be there.
pub fn known(ctx: &Context<'_>, operator: &Address) -> Result<Node, TxError> {
    node(ctx.state, operator)?.ok_or_else(|| Compute::NodeUnknown.wrap(ctx.text(operator)))
}

pub fn set(state: &mut dyn StateWrite, operator: &Address, node: &Node) -> Result<(), StateError> {
    save(state, keys::node(operator), node)
}

/// All nodes with their operators' addresses.
///
/// # Errors
/// The database fails.
pub fn all(state: &dyn StateRead) -> Result<Vec<(Address, Node)>, StateError> {
    let all = load_all_keyed(state, keys::NODES)?.into_iter();
    all.map(|(rest, node)| Ok((Address::new(rest).map_err(damaged)?, node))).collect()
}

/// Units assigned to a node in an epoch.
fn units_in(node: &Node, epoch: u64) -> u64 {
    if node.units_epoch == epoch { node.epoch_units } else { 0 }
}

/// The nodes that take work now, ask at most this price, have at least the parameter's bond and as much of it free of
/// other jobs, without those that are excluded. Whose reputation is too low is not known here; whoever has had its share of the epoch is still
/// among them: [`within_cap`].
///
/// # Errors
/// The database fails.
pub fn candidates(
    state: &dyn StateRead,
    most_price: u64,
    least_free: u128,
    exclude: &[Address],
) -> Result<Vec<Candidate>, TxError> {
    let least = amount(&params(state)?.min_bond)?;
    let epoch = epoch(state)?;
    let mut out = vec![];
    for (operator, node) in all(state)? {
        let bond = bond(&node)?;
        let free = bond.saturating_sub(engaged(&node)?);
        let idle = node.status() == NodeStatus::Active && node.live_jobs < node.max_jobs;
        let bonded = bond >= least && free >= least_free;
        if idle && bonded && node.price <= most_price && !exclude.contains(&operator) {
            let epoch_units = units_in(&node, epoch);
            out.push(Candidate { node: operator, bond, free, price: node.price, epoch_units });
        }
    }
    Ok(out)
}

/// Those of all eligible nodes that have not had more than the most of an epoch's units that one operator gets. With
/// fewer nodes than have room under that cap it does not hold; so somebody is always left.
///
/// # Errors
/// The database fails.
pub fn within_cap(state: &dyn StateRead, eligible: Vec<Candidate>) -> Result<Vec<Candidate>, TxError> {
    let cap = u128::from(params(state)?.share_cap_bps.max(1));
    if (eligible.len() as u128) < 10_000u128.div_ceil(cap) {
        return Ok(eligible);
    }
    let most = u128::from(epoch_units(state)?).saturating_mul(cap);
    Ok(eligible.into_iter().filter(|c| u128::from(c.epoch_units).saturating_mul(10_000) <= most).collect())
}

/// Gives a node a job of so many units, for which so much of its bond stands until the job [finishes](finish).
///
/// # Errors
/// It takes no job now; less of its bond is free.
pub fn assign(ctx: &mut Context<'_>, operator: &Address, units: u64, bonded: u128) -> Result<(), TxError> {
    let mut node = known(ctx, operator)?;
    match node.status() {
        NodeStatus::Active if node.live_jobs < node.max_jobs => {}
        NodeStatus::Active => {
            let wrong = format!("{}: {} of {} jobs", node.operator, node.live_jobs, node.max_jobs);
            return Err(Compute::NodeBusy.wrap(wrong));
        }
        NodeStatus::Leaving => return Err(Compute::NodeLeaving.wrap(&node.operator)),
        _ => return Err(Compute::NodePaused.wrap(&node.operator)),
    }
    let free = bond(&node)?.saturating_sub(engaged(&node)?);
    if bonded > free {
        return Err(Compute::BondTooSmall.wrap(format!("{}: {bonded} for a job, {free} are free", node.operator)));
    }
    node.engaged = engaged(&node)?.saturating_add(bonded).to_string();
    let epoch = epoch(ctx.state)?;
    node.live_jobs = node.live_jobs.saturating_add(1);
    node.epoch_units = units_in(&node, epoch).saturating_add(units);
    node.units_epoch = epoch;
    set(ctx.state, operator, &node)?;
    let total = epoch_units(ctx.state)?.saturating_add(units);
    ctx.state.put(keys::UNITS.to_vec(), total.to_be_bytes().to_vec())?;
    ctx.emit("compute_assign", [("node", node.operator), ("units", units.to_string())]);
    Ok(())
}

/// A job of a node is over, however it ended: what of the bond stood for it is free again.
///
/// # Errors
/// It has none, or none for which so much stands.
pub fn finish(ctx: &mut Context<'_>, operator: &Address, bonded: u128) -> Result<(), TxError> {
    let mut node = known(ctx, operator)?;
    let none = || Compute::NoJob.wrap(&node.operator);
    let live_jobs = node.live_jobs.checked_sub(1).ok_or_else(none)?;
    let engaged = engaged(&node)?.checked_sub(bonded).ok_or_else(none)?;
    (node.live_jobs, node.engaged) = (live_jobs, engaged.to_string());
    if is_leaving(&node) && node.live_jobs == 0 {
        ctx.state.put(keys::leaving(node.leaves_at, operator), vec![1])?;
    }
    set(ctx.state, operator, &node)?;
    ctx.emit("compute_finish", [("node", node.operator), ("live_jobs", node.live_jobs.to_string())]);
    Ok(())
}

/// Takes an amount of a node's bond, or all of it if it is less. What is not burned, rounded down, is the community's.
///
/// # Errors
/// There is no such node.
pub fn slash(ctx: &mut Context<'_>, operator: &Address, wanted: u128) -> Result<Slashed, TxError> {
    let mut node = known(ctx, operator)?;
    let params = params(ctx.state)?;
    let held = bond(&node)?;
    let taken = wanted.min(held);
    let community = part(taken, 10_000u32.saturating_sub(params.slash_burn_bps));
    let out = Slashed { burned: taken.saturating_sub(community), community };
    node.bond = Some(coin(&params.denom, held.saturating_sub(taken)));
    set(ctx.state, operator, &node)?;
    if out.burned > 0 {
        bank::burn(ctx, &module(), &Coins::one(&params.denom, out.burned))?;
    }
    if out.community > 0 {
        distribution::fund_community_pool(ctx, &module(), &Coins::one(&params.denom, out.community))?;
    }
    let attributes =
        [("node", node.operator), ("burned", out.burned.to_string()), ("community", out.community.to_string())];
    ctx.emit("compute_slash", attributes);
    Ok(out)
}

/// So many basis points of an amount, rounded down, without a product beyond 128 bits.
pub fn part(amount: u128, bps: u32) -> u128 {
    let bps = u128::from(bps);
    (amount / 10_000).saturating_mul(bps).saturating_add(amount % 10_000 * bps / 10_000)
}
