//! What a validator and its delegators lose for what it did.
//!
//! Source: the Cosmos SDK's `x/staking/keeper/slash.go`.

use super::validator::{POWER_REDUCTION, Validator, by_consensus, in_order};
use super::{damaged, delegation, pool, validator};
use crate::address::Address;
use crate::coin::parse_amount;
use crate::context::Context;
use crate::decimal::Dec;
use crate::error::TxError;
use crate::hooks;
use crate::time;
use zektra_proto::Timestamp;
use zektra_proto::cosmos::staking::v1beta1::UnbondingDelegationEntry;

/// What is slashed: a fraction of what was staked at a height.
#[derive(Clone, Copy)]
struct Fault {
    height: u64,
    fraction: Dec,
}

impl Fault {
    /// Whether stake that began to leave at `created` and is free at `end` answers for it.
    fn concerns(&self, created: i64, end: Option<Timestamp>, now: &Timestamp) -> bool {
        u64::try_from(created).unwrap_or(0) >= self.height && time::key(&end.unwrap_or_default()) > time::key(now)
    }

    fn of(&self, initial: &str) -> Result<u128, TxError> {
        let initial = parse_amount(initial).map_err(damaged)?;
        Ok(self.fraction.times_down(Dec::whole(initial))?.floor()?)
    }
}

/// Slashes the validator with this consensus address for what it did at a height, when its tokens weighed `weight` (in
/// units of 10^6): a fraction of these. Stake that has begun to leave since then pays first, the rest comes from the
/// validator's tokens. Gives the tokens that are taken from the validator itself; all are destroyed.
///
/// # Errors
/// The database fails, or holds what it must not.
pub fn slash(
    ctx: &mut Context<'_>,
    consensus: &Address,
    height: u64,
    weight: u64,
    fraction: Dec,
) -> Result<u128, TxError> {
    let whole = u128::from(weight).checked_mul(POWER_REDUCTION).ok_or_else(|| damaged("a weight".into()))?;
    let amount = Dec::whole(whole).times(fraction)?.floor()?;
    let Some(found) = by_consensus(ctx.state, consensus)? else { return Ok(0) };
    if found.is_unbonded() {
        return Ok(0);
    }
    let fault = Fault { height, fraction };
    let mut rest = amount;
    if height < ctx.block.height {
        for delegator in delegation::unbonding_from(ctx.state, &found.operator)? {
            rest = rest.saturating_sub(slash_unbonding(ctx, &delegator, &found.operator, fault)?);
        }
        for (delegator, destination) in delegation::redelegations_from(ctx.state, &found.operator)? {
            rest = rest.saturating_sub(slash_redelegation(ctx, &delegator, &found.operator, &destination, fault)?);
        }
    }
    // What was destroyed elsewhere may have changed it.
    let mut validator = validator::known(ctx.state, &found.operator)?;
    let burned = rest.min(validator.tokens);
    if burned == 0 {
        return Ok(0);
    }
    let effective = Dec::whole(burned).over_up(Dec::whole(validator.tokens))?.min(Dec::one());
    hooks::before_validator_slashed(ctx, &validator.operator, effective)?;
    in_order(ctx, &mut validator, |v: &mut Validator| {
        // Not more than it has.
        v.tokens -= burned;
        Ok(())
    })?;
    pool::burn(ctx, pool::of(validator.status), burned)?;
    Ok(burned)
}

/// Takes up to `amount` from an entry; gives what it took.
fn taken(entry: &mut UnbondingDelegationEntry, amount: u128) -> Result<u128, TxError> {
    let balance = parse_amount(&entry.balance).map_err(damaged)?;
    let taken = amount.min(balance);
    entry.balance = (balance - taken).to_string();
    Ok(taken)
}

/// Slashes what is on its way out; gives what the fraction of it is, whether it could pay that or not.
fn slash_unbonding(
    ctx: &mut Context<'_>,
    delegator: &Address,
    operator: &Address,
    fault: Fault,
) -> Result<u128, TxError> {
    let Some(mut unbonding) = delegation::unbonding(ctx.state, delegator, operator)? else { return Ok(0) };
    let (mut total, mut burned) = (0u128, 0u128);
    for entry in &mut unbonding.entries {
        if fault.concerns(entry.creation_height, entry.completion_time, &ctx.block.time) {
            let amount = fault.of(&entry.initial_balance)?;
            total = total.saturating_add(amount);
            burned = burned.saturating_add(taken(entry, amount)?);
        }
    }
    delegation::set_unbonding(ctx.state, delegator, operator, &unbonding)?;
    pool::burn(ctx, pool::NOT_BONDED, burned)?;
    Ok(total)
}

/// Slashes what moved to another validator; gives what the fraction of it is, whether it could pay that or not.
fn slash_redelegation(
    ctx: &mut Context<'_>,
    delegator: &Address,
    source: &Address,
    destination: &Address,
    fault: Fault,
) -> Result<u128, TxError> {
    let Some(redelegation) = delegation::redelegation(ctx.state, delegator, source, destination)? else {
        return Ok(0);
    };
    let mut total = 0u128;
    for entry in redelegation.entries {
        if !fault.concerns(entry.creation_height, entry.completion_time, &ctx.block.time) {
            continue;
        }
        let amount = fault.of(&entry.initial_balance)?;
        total = total.saturating_add(amount);
        // What leaves the second validator, too, pays before what stays there.
        let mut left = amount;
        if let Some(mut unbonding) = delegation::unbonding(ctx.state, delegator, destination)? {
            for entry in &mut unbonding.entries {
                if fault.concerns(entry.creation_height, entry.completion_time, &ctx.block.time) {
                    left -= taken(entry, left)?;
                }
            }
            delegation::set_unbonding(ctx.state, delegator, destination, &unbonding)?;
            pool::burn(ctx, pool::NOT_BONDED, amount - left)?;
        }
        let held = delegation::shares(ctx.state, delegator, destination)?;
        let moved = Dec::read(&entry.shares_dst).map_err(damaged)?;
        let shares = fault.fraction.times(moved)?.min(held);
        if left == 0 || shares.is_zero() {
            continue;
        }
        // The second validator may be forgotten with its last shares.
        let status = validator::known(ctx.state, destination)?.status;
        let burned = delegation::unbond(ctx, delegator, destination, shares)?;
        pool::burn(ctx, pool::of(status), burned)?;
    }
    Ok(total)
}
