//! How fees and new coins are shared out.

use super::records;
use super::{add_to_pool, community_tax, module};
use crate::address::Address;
use crate::auth::FEE_COLLECTOR;
use crate::bank;
use crate::context::Context;
use crate::dec_coins::DecCoins;
use crate::decimal::Dec;
use crate::error::TxError;
use crate::staking::{self, Validator};

/// Shares out what was collected, by the powers of those who were to sign the block before.
pub fn begin(ctx: &mut Context<'_>) -> Result<(), TxError> {
    let block = ctx.block;
    // The first block follows none that was signed.
    if block.height <= 1 {
        return Ok(());
    }
    let collector = Address::of_module(FEE_COLLECTOR);
    let collected = bank::balances(ctx.state, &collector)?;
    if collected.is_empty() {
        return Ok(());
    }
    bank::transfer(ctx, &collector, &module(), &collected)?;
    let mut rest = DecCoins::whole(&collected);
    let total = block.votes.iter().map(|vote| u128::from(vote.power)).sum();
    let shared = rest.times_down(Dec::one().minus(community_tax(ctx.state)?)?)?;
    for vote in block.votes.iter().filter(|vote| vote.power > 0) {
        // One that is gone gets nothing more: its part is the community's.
        let Some(validator) = staking::by_consensus(ctx.state, &vote.validator)? else { continue };
        let reward = shared.times_down(Dec::whole(vote.power.into()).over_down(Dec::whole(total))?)?;
        share(ctx, &validator, &reward)?;
        rest.take(&reward)?;
    }
    Ok(add_to_pool(ctx.state, &rest)?)
}

/// Gives a validator and its delegators coins that the module holds.
pub fn share(ctx: &mut Context<'_>, validator: &Validator, coins: &DecCoins) -> Result<(), TxError> {
    let operator = &validator.operator;
    let text = ctx.operator_text(operator);
    let kept = coins.times(validator.commission.rate)?;
    ctx.emit("commission", [("amount", kept.to_string()), ("validator", text.clone())]);
    let mut commission = records::commission(ctx.state, operator)?;
    commission.add(&kept)?;
    records::set_commission(ctx.state, operator, &commission)?;
    let mut current = records::current(ctx.state, operator)?;
    current.rewards.add(coins)?;
    current.rewards.take(&kept)?;
    records::set_current(ctx.state, operator, &current)?;
    ctx.emit("rewards", [("amount", coins.to_string()), ("validator", text)]);
    let mut outstanding = records::outstanding(ctx.state, operator)?;
    outstanding.add(coins)?;
    Ok(records::set_outstanding(ctx.state, operator, &outstanding)?)
}
