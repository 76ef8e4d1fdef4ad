//! Rewards of delegations.
//!
//! Rounding goes down everywhere, so that no delegator takes what belongs to another; source: the Cosmos SDK's
//! `x/distribution/keeper/delegation.go`.

use super::error::Distribution;
use super::records::{self, Start};
use super::{add_to_pool, module, period, withdraw_address};
use crate::address::Address;
use crate::bank;
use crate::coin::{Coins, coin};
use crate::context::Context;
use crate::dec_coins::DecCoins;
use crate::decimal::Dec;
use crate::error::TxError;
use crate::staking::{self, Validator, delegation};
use zektra_proto::cosmos::base::v1beta1::Coin;
use zektra_state::StateRead;

/// Counts the rewards of a delegation from the end of the last period.
pub fn settle(ctx: &mut Context<'_>, delegator: &Address, operator: &Address) -> Result<(), TxError> {
    let period = period::hold_last(ctx.state, operator)?;
    let shares = delegation::shares(ctx.state, delegator, operator)?;
    let stake = staking::known(ctx.state, operator)?.tokens_of_down(shares)?;
    let start = Start { period, stake, height: ctx.block.height };
    Ok(records::set_start(ctx.state, operator, delegator, &start)?)
}

/// What a delegation has earned since its start, up to a period's end of which the rewards of one token are given; and its
/// stake there, as slashes have left it.
pub fn earned(
    state: &dyn StateRead,
    operator: &Address,
    start: Start,
    worth: Dec,
    ratio: &DecCoins,
) -> Result<(DecCoins, Dec), TxError> {
    let Start { mut period, mut stake, height } = start;
    let mut from = records::history(state, operator, period)?.ratio;
    let mut rewards = DecCoins::none();
    let mut add = |from: &DecCoins, to: &DecCoins, stake: Dec| -> Result<(), TxError> {
        let mut difference = to.clone();
        difference.take(from)?;
        Ok(rewards.add(&difference.times_down(stake)?)?)
    };
    // Slashes of the height of the start came before it, unless the start is that of a redelegation slashed just before:
    // their periods tell.
    for slash in records::slashes(state, operator, height)? {
        if slash.period > period {
            let to = records::history(state, operator, slash.period)?.ratio;
            add(&from, &to, stake)?;
            (from, period) = (to, slash.period);
            stake = stake.times_down(Dec::one().minus(slash.fraction)?)?;
        }
    }
    // Staking slashes all shares at once, here it is each period by itself: the last digits may differ.
    add(&from, ratio, stake.min(worth))?;
    Ok((rewards, stake))
}

/// What could be withdrawn of a delegation.
pub fn pending(state: &dyn StateRead, delegator: &Address, validator: &Validator) -> Result<DecCoins, TxError> {
    let operator = &validator.operator;
    let missing = || Distribution::EmptyDelegationDistInfo.bare();
    let start = records::start(state, operator, delegator)?.ok_or_else(missing)?;
    let worth = validator.tokens_of(delegation::shares(state, delegator, operator)?)?;
    Ok(earned(state, operator, start, worth, &period::ratio(state, validator)?)?.0)
}

/// Pays the rewards of a delegation, which has no start afterwards; gives the coins as clients see them.
pub fn pay(ctx: &mut Context<'_>, delegator: &Address, validator: &Validator) -> Result<Vec<Coin>, TxError> {
    let operator = &validator.operator;
    let missing = || Distribution::EmptyDelegationDistInfo.bare();
    let start = records::start(ctx.state, operator, delegator)?.ok_or_else(missing)?;
    let ratio = period::end(ctx, validator)?;
    let worth = validator.tokens_of(delegation::shares(ctx.state, delegator, operator)?)?;
    let (earned, _) = earned(ctx.state, operator, start, worth, &ratio)?;
    let mut outstanding = records::outstanding(ctx.state, operator)?;
    // The order of operations may leave the very last digits short.
    let paid = earned.least(&outstanding);
    let (coins, rest) = paid.split()?;
    send(ctx, delegator, &coins)?;
    outstanding.take(&paid)?;
    records::set_outstanding(ctx.state, operator, &outstanding)?;
    add_to_pool(ctx.state, &rest)?;
    period::release(ctx.state, operator, start.period)?;
    ctx.state.delete(super::keys::start(operator, delegator))?;
    // No reward is a coin of amount 0.
    let shown = if coins.is_empty() { vec![coin(&staking::bond_denom(ctx.state)?, 0)] } else { coins.to_proto() };
    let amount = shown.iter().map(|c| format!("{}{}", c.amount, c.denom)).collect::<Vec<_>>().join(",");
    let attributes =
        [("amount", amount), ("validator", ctx.operator_text(operator)), ("delegator", ctx.text(delegator))];
    ctx.emit("withdraw_rewards", attributes);
    Ok(shown)
}

/// Sends coins of the module to where an account's rewards go.
pub fn send(ctx: &mut Context<'_>, to: &Address, coins: &Coins) -> Result<(), TxError> {
    if coins.is_empty() {
        return Ok(());
    }
    let to = withdraw_address(ctx.state, to)?;
    bank::transfer(ctx, &module(), &to, coins)
}
