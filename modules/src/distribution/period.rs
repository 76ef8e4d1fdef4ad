//! Periods of a validator: times in which its tokens do not change but by slashes.
//!
//! At a period's end the rewards of one token are known. Who delegates in between ends a period, so whoever stays from one
//! end to another has earned his stake times the difference of the two: no other delegator is touched (F1 fee
//! distribution, Ojha and Goes, 2019; order and rounding as in the Cosmos SDK's `x/distribution/keeper/validator.go`).

use super::records::{self, Current, History, Slash};
use super::{damaged, keys};
use crate::address::Address;
use crate::context::Context;
use crate::dec_coins::DecCoins;
use crate::decimal::Dec;
use crate::error::TxError;
use crate::staking::Validator;
use zektra_state::{Order, StateError, StateRead, StateWrite, scan_prefix};

/// Begins the first period of a new validator.
pub fn begin(state: &mut dyn StateWrite, operator: &Address) -> Result<(), StateError> {
    records::set_history(state, operator, 0, &History { ratio: DecCoins::none(), references: 1 })?;
    records::set_current(state, operator, &Current { rewards: DecCoins::none(), period: 1 })
}

/// What the end of the running period would be: the period, the rewards of one token up to there, and the rewards that
/// belong to nobody.
fn ended(state: &dyn StateRead, validator: &Validator) -> Result<(u64, DecCoins, DecCoins), TxError> {
    let Current { rewards, period } = records::current(state, &validator.operator)?;
    let mut ratio = records::history(state, &validator.operator, before(period)?)?.ratio;
    if validator.tokens == 0 {
        return Ok((period, ratio, rewards));
    }
    ratio.add(&rewards.over_down(Dec::whole(validator.tokens))?)?;
    Ok((period, ratio, DecCoins::none()))
}

/// The period before.
fn before(period: u64) -> Result<u64, StateError> {
    period.checked_sub(1).ok_or_else(|| damaged("a period has number 0".into()))
}

/// The rewards of one token, were the running period to end now.
pub fn ratio(state: &dyn StateRead, validator: &Validator) -> Result<DecCoins, TxError> {
    Ok(ended(state, validator)?.1)
}

/// Ends the running period; gives the rewards of one token up to there.
pub fn end(ctx: &mut Context<'_>, validator: &Validator) -> Result<DecCoins, TxError> {
    let operator = &validator.operator;
    let (period, ratio, nobodys) = ended(ctx.state, validator)?;
    if !nobodys.is_empty() {
        let mut outstanding = records::outstanding(ctx.state, operator)?;
        outstanding.take(&nobodys)?;
        records::set_outstanding(ctx.state, operator, &outstanding)?;
        super::add_to_pool(ctx.state, &nobodys)?;
    }
    release(ctx.state, operator, before(period)?)?;
    let next = period.checked_add(1).ok_or_else(|| damaged("no periods are left".into()))?;
    records::set_history(ctx.state, operator, period, &History { ratio: ratio.clone(), references: 1 })?;
    records::set_current(ctx.state, operator, &Current { rewards: DecCoins::none(), period: next })?;
    Ok(ratio)
}

/// Keeps the end of the last period for one more; gives the period.
pub fn hold_last(state: &mut dyn StateWrite, operator: &Address) -> Result<u64, StateError> {
    let period = before(records::current(state, operator)?.period)?;
    let History { ratio, references } = records::history(state, operator, period)?;
    let references = references.checked_add(1).ok_or_else(|| damaged("a period is needed too often".into()))?;
    records::set_history(state, operator, period, &History { ratio, references })?;
    Ok(period)
}

/// Needs the end of a period no more.
pub fn release(state: &mut dyn StateWrite, operator: &Address, period: u64) -> Result<(), StateError> {
    let History { ratio, references } = records::history(state, operator, period)?;
    let references = references.checked_sub(1).ok_or_else(|| damaged(format!("nobody needs period {period}")))?;
    records::set_history(state, operator, period, &History { ratio, references })
}

/// Ends the running period with a slash.
pub fn slash(ctx: &mut Context<'_>, validator: &Validator, fraction: Dec) -> Result<(), TxError> {
    if fraction > Dec::one() {
        return Err(damaged(format!("fraction must be >=0 and <=1, current fraction: {fraction}")).into());
    }
    end(ctx, validator)?;
    let period = hold_last(ctx.state, &validator.operator)?;
    records::set_slash(ctx.state, &validator.operator, ctx.block.height, &Slash { period, fraction })?;
    Ok(())
}

/// Forgets all periods of a validator that is gone.
pub fn forget(state: &mut dyn StateWrite, operator: &Address) -> Result<(), StateError> {
    let mut gone = vec![keys::current(operator)];
    for prefix in [keys::histories(operator), keys::slashes(operator)] {
        for entry in scan_prefix(state, &prefix, Order::Ascending) {
            gone.push(entry?.0);
        }
    }
    gone.into_iter().try_for_each(|key| state.delete(key))
}
