//! What rewards need to know of validators and delegations.

use super::{add_to_pool, keys, period, records, rewards};
use crate::address::Address;
use crate::context::Context;
use crate::dec_coins::DecCoins;
use crate::decimal::Dec;
use crate::error::TxError;
use crate::staking;

/// A validator was made.
pub fn validator_created(ctx: &mut Context<'_>, operator: &Address) -> Result<(), TxError> {
    Ok(period::begin(ctx.state, operator)?)
}

/// A validator is about to be forgotten: its commission is paid, and what rounding left goes to the community.
pub fn validator_removed(ctx: &mut Context<'_>, operator: &Address) -> Result<(), TxError> {
    let mut rest = records::outstanding(ctx.state, operator)?;
    let (coins, _) = records::commission(ctx.state, operator)?.split()?;
    rest.take(&DecCoins::whole(&coins))?;
    add_to_pool(ctx.state, &rest)?;
    rewards::send(ctx, operator, &coins)?;
    ctx.state.delete(keys::outstanding(operator))?;
    ctx.state.delete(keys::commission(operator))?;
    Ok(period::forget(ctx.state, operator)?)
}

/// A delegation is about to be made: a period of the validator's rewards ends.
pub fn delegation_created(ctx: &mut Context<'_>, operator: &Address) -> Result<(), TxError> {
    let validator = staking::known(ctx.state, operator)?;
    period::end(ctx, &validator).map(drop)
}

/// The shares of a delegation are about to change: its rewards are paid.
pub fn delegation_modified(ctx: &mut Context<'_>, delegator: &Address, operator: &Address) -> Result<(), TxError> {
    let validator = staking::known(ctx.state, operator)?;
    rewards::pay(ctx, delegator, &validator).map(drop)
}

/// The shares of a delegation have changed: its rewards count from here.
pub fn delegation_settled(ctx: &mut Context<'_>, delegator: &Address, operator: &Address) -> Result<(), TxError> {
    rewards::settle(ctx, delegator, operator)
}

/// A validator is about to lose a fraction of its tokens.
pub fn validator_slashed(ctx: &mut Context<'_>, operator: &Address, fraction: Dec) -> Result<(), TxError> {
    let validator = staking::known(ctx.state, operator)?;
    period::slash(ctx, &validator, fraction)
}
