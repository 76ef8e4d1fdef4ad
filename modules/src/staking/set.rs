//! Who is in the set of validators, and what consensus is told of it.
//!
//! Source: the Cosmos SDK's `x/staking/keeper/val_state_change.go`.

use super::validator::{self, Status, Validator, in_order, vote};
use super::{damaged, delegation, keys, params, pool};
use crate::address::Address;
use crate::context::Context;
use crate::error::TxError;
use crate::hooks;
use std::collections::BTreeMap;
use zektra_proto::tendermint::abci::ValidatorUpdate;
use zektra_state::{Order, StateError, StateRead, scan_prefix};

/// Powers that consensus was told last, by operator.
///
/// # Errors
/// The database fails.
pub fn last_powers(state: &dyn StateRead) -> Result<BTreeMap<Address, u64>, StateError> {
    scan_prefix(state, keys::LAST, Order::Ascending)
        .map(|entry| {
            let (key, value) = entry?;
            let operator = Address::new(key[keys::LAST.len()..].to_vec()).map_err(|e| damaged(e.log))?;
            let power = value[..].try_into().map_err(|_| damaged("a voting power".into()))?;
            Ok((operator, u64::from_be_bytes(power)))
        })
        .collect()
}

/// Validators by their place, the first with the most tokens; those that are jailed have none.
///
/// # Errors
/// The database fails.
pub fn by_power(state: &dyn StateRead, most: usize) -> impl Iterator<Item = Result<Validator, StateError>> + '_ {
    scan_prefix(state, keys::BY_POWER, Order::Descending).take(most).map(move |entry| {
        let operator = Address::new(entry?.1).map_err(|e| damaged(e.log))?;
        validator::validator(state, &operator)?.ok_or_else(|| damaged(format!("validator {operator:?} is missing")))
    })
}

/// The validators in the set, the first with the most tokens.
///
/// # Errors
/// The database fails.
pub fn in_set(state: &dyn StateRead) -> Result<Vec<Validator>, StateError> {
    let most = params(state)?.max_validators as usize;
    let bonded = |v: &Result<Validator, StateError>| v.as_ref().map_or(true, Validator::is_bonded);
    by_power(state, most).filter(bonded).collect()
}

/// Takes validators into the set and out of it; gives what consensus must be told.
///
/// A set of nobody would end the chain: where nobody could be in the set, it stays as it is.
///
/// # Errors
/// The database fails.
pub fn update(ctx: &mut Context<'_>) -> Result<Vec<ValidatorUpdate>, TxError> {
    let most = params(ctx.state)?.max_validators as usize;
    let mut last = last_powers(ctx.state)?;
    let (mut updates, mut joining, mut leaving) = (vec![], 0u128, 0u128);
    let first: Vec<Validator> = by_power(ctx.state, most)
        .take_while(|v| v.as_ref().map_or(true, |v| v.weight() > 0))
        .collect::<Result<_, _>>()?;
    if first.is_empty() {
        return Ok(updates);
    }
    for mut validator in first {
        if !validator.is_bonded() {
            joining = joining.checked_add(validator.tokens).ok_or_else(|| damaged("tokens beyond 2^128".into()))?;
            bond(ctx, &mut validator)?;
        }
        let power = vote(ctx.state, &validator)?;
        if last.remove(&validator.operator) != Some(power) {
            ctx.state.put(keys::last(&validator.operator), power.to_be_bytes().to_vec())?;
            updates.push(validator.update(power));
        }
    }
    // Whoever is left was in the set, and is not any more.
    for operator in last.into_keys() {
        let mut validator = validator::known(ctx.state, &operator)?;
        leaving = leaving.checked_add(validator.tokens).ok_or_else(|| damaged("tokens beyond 2^128".into()))?;
        begin_unbonding(ctx, &mut validator)?;
        ctx.state.delete(keys::last(&operator))?;
        updates.push(validator.update(0));
    }
    if joining > leaving {
        pool::shift(ctx, pool::NOT_BONDED, pool::BONDED, joining - leaving)?;
    } else {
        pool::shift(ctx, pool::BONDED, pool::NOT_BONDED, leaving - joining)?;
    }
    Ok(updates)
}

fn bond(ctx: &mut Context<'_>, validator: &mut Validator) -> Result<(), TxError> {
    if validator.status == Status::Unbonding {
        let end = validator.unbonding_time;
        ctx.state.delete(keys::validator_queue(&end, validator.unbonding_height, &validator.operator))?;
    }
    validator.status = Status::Bonded;
    validator::store(ctx, validator)?;
    hooks::after_validator_bonded(ctx, validator)
}

fn begin_unbonding(ctx: &mut Context<'_>, validator: &mut Validator) -> Result<(), TxError> {
    validator.status = Status::Unbonding;
    validator.unbonding_time = delegation::end_of_unbonding(ctx)?;
    validator.unbonding_height = ctx.block.height;
    validator::store(ctx, validator)?;
    queue(ctx, validator)
}

/// Puts an unbonding validator where its end is found.
pub(super) fn queue(ctx: &mut Context<'_>, validator: &Validator) -> Result<(), TxError> {
    let key = keys::validator_queue(&validator.unbonding_time, validator.unbonding_height, &validator.operator);
    Ok(ctx.state.put(key, vec![1])?)
}

/// Ends the unbonding of validators that have left the set long enough; forgets those without shares.
pub(super) fn release(ctx: &mut Context<'_>) -> Result<(), TxError> {
    let end = keys::queue_end(keys::VALIDATOR_QUEUE, &ctx.block.time);
    let due: Vec<Vec<u8>> = ctx
        .state
        .scan(keys::VALIDATOR_QUEUE, Some(&end), Order::Ascending)
        .take(delegation::MOST_DUE)
        .map(|entry| Ok(entry?.0))
        .collect::<Result<_, StateError>>()?;
    for key in due {
        // Behind time and height.
        let operator = key.get(keys::VALIDATOR_QUEUE.len() + 20..).unwrap_or_default().to_vec();
        let operator = Address::new(operator).map_err(|e| damaged(e.log))?;
        ctx.state.delete(key)?;
        let mut validator = validator::known(ctx.state, &operator)?;
        validator.status = Status::Unbonded;
        validator::store(ctx, &validator)?;
        if validator.shares.is_zero() {
            validator::remove(ctx, &validator)?;
        }
    }
    Ok(())
}

/// Keeps a validator out of the set, from the end of this block on.
///
/// # Errors
/// It is jailed already.
pub fn jail(ctx: &mut Context<'_>, validator: &mut Validator) -> Result<(), TxError> {
    set_jailed(ctx, validator, true)
}

/// Lets a validator into the set again.
///
/// # Errors
/// It is not jailed.
pub fn unjail(ctx: &mut Context<'_>, validator: &mut Validator) -> Result<(), TxError> {
    set_jailed(ctx, validator, false)
}

fn set_jailed(ctx: &mut Context<'_>, validator: &mut Validator, jailed: bool) -> Result<(), TxError> {
    if validator.jailed == jailed {
        return Err(damaged(format!("validator {:?} is jailed: {jailed} already", validator.operator)).into());
    }
    in_order(ctx, validator, |v| {
        v.jailed = jailed;
        Ok(())
    })
}
