//! Delegations, and stake on its way out or elsewhere.
//!
//! Source of the formulas and of their order: the Cosmos SDK's `x/staking/keeper/delegation.go`.

use super::error::Staking as StakingError;
use super::validator::{self, Status, Validator, in_order, known};
use super::{damaged, keys, params, pool};
use crate::address::Address;
use crate::bank;
use crate::coin::{Coins, parse_amount};
use crate::context::{Context, load, load_number, save};
use crate::decimal::Dec;
use crate::error::{Sdk, TxError};
use crate::hooks;
use crate::time;
use zektra_proto::Timestamp;
use zektra_proto::cosmos::staking::v1beta1::{
    Redelegation, RedelegationEntry, UnbondingDelegation, UnbondingDelegationEntry,
};
use zektra_state::{Order, StateError, StateRead, StateWrite, scan_prefix};

/// A delegator's shares of a validator; zero if there are none.
///
/// # Errors
/// The database fails.
pub fn shares(state: &dyn StateRead, delegator: &Address, operator: &Address) -> Result<Dec, StateError> {
    let Some(bytes) = state.get(&keys::delegation(delegator, operator))? else { return Ok(Dec::ZERO) };
    stored_shares(&bytes)
}

/// A delegator's shares of a validator.
///
/// # Errors
/// There are none.
pub fn demand(state: &dyn StateRead, delegator: &Address, operator: &Address) -> Result<Dec, TxError> {
    let held = shares(state, delegator, operator)?;
    if held.is_zero() { Err(StakingError::NoDelegation.bare()) } else { Ok(held) }
}

pub(super) fn stored_shares(bytes: &[u8]) -> Result<Dec, StateError> {
    Dec::read_bytes(bytes).map_err(damaged)
}

/// A delegator's delegations: operators with shares.
///
/// # Errors
/// The database fails.
pub fn delegations(state: &dyn StateRead, delegator: &Address) -> Result<Vec<(Address, Dec)>, StateError> {
    let prefix = keys::of(keys::DELEGATIONS, delegator);
    scan_prefix(state, &prefix, Order::Ascending)
        .map(|entry| {
            let (key, value) = entry?;
            let operator = Address::new(key[prefix.len()..].to_vec()).map_err(|e| damaged(e.log))?;
            Ok((operator, stored_shares(&value)?))
        })
        .collect()
}

/// A validator's delegators.
///
/// # Errors
/// The database fails.
pub fn delegators(state: &dyn StateRead, operator: &Address) -> Result<Vec<Address>, StateError> {
    ends(state, &keys::of(keys::DELEGATORS, operator))
}

/// The addresses behind a prefix.
fn ends(state: &dyn StateRead, prefix: &[u8]) -> Result<Vec<Address>, StateError> {
    scan_prefix(state, prefix, Order::Ascending)
        .map(|entry| Address::new(entry?.0[prefix.len()..].to_vec()).map_err(|e| damaged(e.log)))
        .collect()
}

pub(super) fn set_shares(
    state: &mut dyn StateWrite,
    delegator: &Address,
    operator: &Address,
    shares: Dec,
) -> Result<(), StateError> {
    let (key, index) = (keys::delegation(delegator, operator), keys::delegator(operator, delegator));
    if shares.is_zero() {
        state.delete(key)?;
        return state.delete(index);
    }
    state.put(key, shares.digit_bytes())?;
    state.put(index, vec![1])
}

/// Where delegated tokens come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// The delegator's account.
    Account,
    /// Tokens that are staked already, with a validator of this status.
    Staked(Status),
}

/// Delegates tokens; gives the shares that they buy.
///
/// # Errors
/// The delegator has too little; the validator's shares have no price.
pub fn delegate(
    ctx: &mut Context<'_>,
    delegator: &Address,
    tokens: u128,
    from: From,
    operator: &Address,
) -> Result<Dec, TxError> {
    if known(ctx.state, operator)?.is_worthless() {
        return Err(StakingError::DelegatorShareExRateInvalid.bare());
    }
    let held = shares(ctx.state, delegator, operator)?;
    if held.is_zero() {
        hooks::before_delegation_created(ctx, delegator, operator)?;
    } else {
        hooks::before_delegation_shares_modified(ctx, delegator, operator)?;
    }
    let mut validator = known(ctx.state, operator)?;
    let to = pool::of(validator.status);
    match from {
        From::Account => {
            let coins = Coins::one(&params(ctx.state)?.bond_denom, tokens);
            pool::demand_room(ctx, tokens)?;
            bank::change_hands(ctx, delegator, &pool::address(to), &coins)?;
        }
        From::Staked(status) => pool::shift(ctx, pool::of(status), to, tokens)?,
    }
    let issued = in_order(ctx, &mut validator, |v| Ok(v.add_tokens(tokens)?))?;
    set_shares(ctx.state, delegator, operator, held.plus(issued)?)?;
    hooks::after_delegation_modified(ctx, delegator, operator)?;
    Ok(issued)
}

/// Takes shares back; gives the tokens that they are worth, which stay in the validator's pool.
///
/// # Errors
/// The delegator has fewer shares.
pub fn unbond(ctx: &mut Context<'_>, delegator: &Address, operator: &Address, taken: Dec) -> Result<u128, TxError> {
    let held = shares(ctx.state, delegator, operator)?;
    if held.is_zero() {
        return Err(StakingError::NoDelegatorForAddress.bare());
    }
    hooks::before_delegation_shares_modified(ctx, delegator, operator)?;
    let rest = held.minus(taken).map_err(|_| StakingError::NotEnoughDelegationShares.wrap(held))?;
    let mut validator = known(ctx.state, operator)?;
    if delegator == operator && !validator.jailed && validator.tokens_of(rest)?.floor()? < validator.min_self_delegation
    {
        super::set::jail(ctx, &mut validator)?;
    }
    set_shares(ctx.state, delegator, operator, rest)?;
    if !rest.is_zero() {
        hooks::after_delegation_modified(ctx, delegator, operator)?;
    }
    let tokens = in_order(ctx, &mut validator, |v| Ok(v.remove_shares(taken)?))?;
    if validator.shares.is_zero() && validator.is_unbonded() {
        validator::remove(ctx, &validator)?;
    }
    Ok(tokens)
}

/// The shares that a delegator must give back for these tokens.
///
/// # Errors
/// No such delegation; more than it is worth.
pub fn shares_for(
    state: &dyn StateRead,
    delegator: &Address,
    operator: &Address,
    tokens: u128,
) -> Result<Dec, TxError> {
    let validator = known(state, operator)?;
    let held = demand(state, delegator, operator)?;
    let wrong = || Sdk::InvalidRequest.wrap("invalid shares amount");
    let least = validator.shares.times_whole(tokens)?.over_down(Dec::whole(validator.tokens)).map_err(|_| wrong())?;
    if least > held {
        return Err(wrong());
    }
    // What rounding gives too much is not there.
    Ok(validator.shares_of(tokens)?.min(held))
}

/// When stake that begins to leave now is free.
pub(super) fn end_of_unbonding(ctx: &Context<'_>) -> Result<Timestamp, TxError> {
    let period = params(ctx.state)?.unbonding_time.unwrap_or_default();
    time::later(&ctx.block.time, &period)
}

/// When stake that is set free now can be used, and by which height it counts: `None` if at once.
fn free_at(ctx: &Context<'_>, source: Option<&Validator>) -> Result<Option<(Timestamp, u64)>, TxError> {
    match source {
        Some(v) if v.status == Status::Unbonded => Ok(None),
        Some(v) if v.status == Status::Unbonding => Ok(Some((v.unbonding_time, v.unbonding_height))),
        _ => Ok(Some((end_of_unbonding(ctx)?, ctx.block.height))),
    }
}

fn next_id(state: &mut dyn StateWrite) -> Result<u64, TxError> {
    let next = load_number(state, keys::NEXT_UNBONDING)?;
    let next = next.checked_add(1).ok_or_else(|| Sdk::InvalidRequest.wrap("no numbers of unbondings are left"))?;
    state.put(keys::NEXT_UNBONDING.to_vec(), next.to_be_bytes().to_vec())?;
    Ok(next)
}

fn signed(height: u64) -> i64 {
    i64::try_from(height).unwrap_or(i64::MAX)
}

fn added(sum: &mut String, more: u128) -> Result<(), TxError> {
    let total = parse_amount(sum).map_err(damaged)?.checked_add(more);
    *sum = total.ok_or_else(|| Sdk::InvalidRequest.wrap("an amount is too large"))?.to_string();
    Ok(())
}

/// An unbonding delegation.
///
/// # Errors
/// The database fails.
pub fn unbonding(
    state: &dyn StateRead,
    delegator: &Address,
    operator: &Address,
) -> Result<Option<UnbondingDelegation>, StateError> {
    load(state, &keys::unbonding(delegator, operator))
}

/// Stores an unbonding delegation; one without entries is forgotten.
pub(super) fn set_unbonding(
    state: &mut dyn StateWrite,
    delegator: &Address,
    operator: &Address,
    unbonding: &UnbondingDelegation,
) -> Result<(), StateError> {
    let (key, index) = (keys::unbonding(delegator, operator), keys::unbonding_from(operator, delegator));
    if unbonding.entries.is_empty() {
        state.delete(key)?;
        return state.delete(index);
    }
    save(state, key, unbonding)?;
    state.put(index, vec![1])
}

/// A redelegation.
///
/// # Errors
/// The database fails.
pub fn redelegation(
    state: &dyn StateRead,
    delegator: &Address,
    source: &Address,
    destination: &Address,
) -> Result<Option<Redelegation>, StateError> {
    load(state, &keys::redelegation(delegator, source, destination))
}

/// Stores a redelegation; one without entries is forgotten.
pub(super) fn set_redelegation(
    state: &mut dyn StateWrite,
    [delegator, source, destination]: [&Address; 3],
    redelegation: &Redelegation,
) -> Result<(), StateError> {
    let key = keys::redelegation(delegator, source, destination);
    let from = keys::redelegation_from(source, delegator, destination);
    let to = keys::redelegation_to(destination, delegator, source);
    if redelegation.entries.is_empty() {
        state.delete(key)?;
        state.delete(from)?;
        return state.delete(to);
    }
    save(state, key, redelegation)?;
    state.put(from, vec![1])?;
    state.put(to, vec![1])
}

/// Begins to take a delegation out; gives when it ends, and the tokens.
///
/// # Errors
/// No such delegation, too few shares, too many entries.
pub fn undelegate(
    ctx: &mut Context<'_>,
    delegator: &Address,
    operator: &Address,
    taken: Dec,
) -> Result<(Timestamp, u128), TxError> {
    let validator = known(ctx.state, operator)?;
    let mut entries = unbonding(ctx.state, delegator, operator)?.unwrap_or_default().entries;
    if entries.len() as u64 >= u64::from(params(ctx.state)?.max_entries) {
        return Err(StakingError::MaxUnbondingDelegationEntries.bare());
    }
    let tokens = unbond(ctx, delegator, operator, taken)?;
    if validator.is_bonded() {
        pool::shift(ctx, pool::BONDED, pool::NOT_BONDED, tokens)?;
    }
    let end = end_of_unbonding(ctx)?;
    let height = signed(ctx.block.height);
    let unbonding_id = next_id(ctx.state)?;
    match entries.iter_mut().find(|e| e.creation_height == height && e.completion_time == Some(end)) {
        // Within one block all is one.
        Some(same) => {
            added(&mut same.initial_balance, tokens)?;
            added(&mut same.balance, tokens)?;
        }
        None => entries.push(UnbondingDelegationEntry {
            creation_height: height,
            completion_time: Some(end),
            initial_balance: tokens.to_string(),
            balance: tokens.to_string(),
            unbonding_id,
            unbonding_on_hold_ref_count: 0,
        }),
    }
    let (delegator_address, validator_address) = (ctx.text(delegator), ctx.operator_text(operator));
    let unbonding = UnbondingDelegation { delegator_address, validator_address, entries };
    set_unbonding(ctx.state, delegator, operator, &unbonding)?;
    ctx.state.put(keys::unbonding_queue(&end, delegator, operator), vec![1])?;
    Ok((end, tokens))
}

/// Moves a delegation to another validator; gives when it is free of the first.
///
/// # Errors
/// No such delegation, a move onwards, too many entries, too little.
pub fn redelegate(
    ctx: &mut Context<'_>,
    delegator: &Address,
    source: &Address,
    destination: &Address,
    taken: Dec,
) -> Result<Timestamp, TxError> {
    if source == destination {
        return Err(StakingError::SelfRedelegation.bare());
    }
    if validator::validator(ctx.state, destination)?.is_none() {
        return Err(StakingError::BadRedelegationDst.bare());
    }
    let from = validator::validator(ctx.state, source)?.ok_or_else(|| StakingError::BadRedelegationSrc.bare())?;
    let received = [keys::of(keys::REDELEGATION_TO, source), delegator.prefixed()].concat();
    if scan_prefix(ctx.state, &received, Order::Ascending).next().transpose()?.is_some() {
        return Err(StakingError::TransitiveRedelegation.bare());
    }
    let mut entries = redelegation(ctx.state, delegator, source, destination)?.unwrap_or_default().entries;
    if entries.len() as u64 >= u64::from(params(ctx.state)?.max_entries) {
        return Err(StakingError::MaxRedelegationEntries.bare());
    }
    let tokens = unbond(ctx, delegator, source, taken)?;
    if tokens == 0 {
        return Err(StakingError::TinyRedelegationAmount.bare());
    }
    let issued = delegate(ctx, delegator, tokens, From::Staked(from.status), destination)?;
    let now = validator::validator(ctx.state, source)?;
    // A validator that has just gone was unbonded.
    let gone = now.is_none().then_some(from);
    let Some((end, height)) = free_at(ctx, now.as_ref().or(gone.as_ref()))? else { return Ok(ctx.block.time) };
    entries.push(RedelegationEntry {
        creation_height: signed(height),
        completion_time: Some(end),
        initial_balance: tokens.to_string(),
        shares_dst: issued.digits(),
        unbonding_id: next_id(ctx.state)?,
        unbonding_on_hold_ref_count: 0,
    });
    let redelegation = Redelegation {
        delegator_address: ctx.text(delegator),
        validator_src_address: ctx.operator_text(source),
        validator_dst_address: ctx.operator_text(destination),
        entries,
    };
    let of = [delegator, source, destination];
    set_redelegation(ctx.state, of, &redelegation)?;
    ctx.state.put(keys::redelegation_queue(&end, of), vec![1])?;
    Ok(end)
}

/// Delegates again what an entry of an unbonding delegation was to set free.
///
/// # Errors
/// No such entry; more than it holds; it has ended; the validator is jailed.
pub fn cancel_unbonding(
    ctx: &mut Context<'_>,
    delegator: &Address,
    operator: &Address,
    tokens: u128,
    height: i64,
) -> Result<(), TxError> {
    let validator = known(ctx.state, operator)?;
    if validator.is_worthless() {
        return Err(StakingError::DelegatorShareExRateInvalid.bare());
    }
    if validator.jailed {
        return Err(StakingError::ValidatorJailed.bare());
    }
    let mut unbonding = unbonding(ctx.state, delegator, operator)?.ok_or_else(|| {
        let (delegator, operator) = (ctx.text(delegator), ctx.operator_text(operator));
        Sdk::NotFound
            .wrap(format!("unbonding delegation with delegator {delegator} not found for validator {operator}"))
    })?;
    let found = unbonding.entries.iter_mut().enumerate().find(|(_, e)| {
        let open = e.completion_time.is_some_and(|t| time::key(&t) > time::key(&ctx.block.time));
        e.creation_height == height && open
    });
    let missing = || Sdk::NotFound.wrap(format!("unbonding delegation entry is not found at block height {height}"));
    let (place, entry) = found.ok_or_else(missing)?;
    let balance = parse_amount(&entry.balance).map_err(damaged)?;
    let rest = balance.checked_sub(tokens);
    let rest =
        rest.ok_or_else(|| Sdk::InvalidRequest.wrap("amount is greater than the unbonding delegation entry balance"))?;
    entry.balance = rest.to_string();
    // A later slash takes its part of this: what has come back is slashed with the delegation.
    let initial = parse_amount(&entry.initial_balance).map_err(damaged)?.checked_sub(tokens);
    entry.initial_balance = initial.ok_or_else(|| damaged("an unbonding entry".into()))?.to_string();
    if rest == 0 {
        let end = unbonding.entries.remove(place).completion_time;
        // Another that ends then is found by the same place in the queue.
        if unbonding.entries.iter().all(|e| e.completion_time != end) {
            ctx.state.delete(keys::unbonding_queue(&end.unwrap_or_default(), delegator, operator))?;
        }
    }
    delegate(ctx, delegator, tokens, From::Staked(Status::Unbonding), operator)?;
    Ok(set_unbonding(ctx.state, delegator, operator, &unbonding)?)
}

/// Entries of each queue that a block sets free at most: some tenth of a second; the next block goes on.
pub const MOST_DUE: usize = 10_000;

/// The pairs and triples of a queue whose time has come, taken out of it.
fn due<T: Ord>(ctx: &mut Context<'_>, queue: &[u8], split: fn(&[u8]) -> Option<T>) -> Result<Vec<T>, TxError> {
    let end = keys::queue_end(queue, &ctx.block.time);
    let keys = ctx.state.scan(queue, Some(&end), Order::Ascending).take(MOST_DUE).map(|e| Ok(e?.0));
    let keys: Vec<Vec<u8>> = keys.collect::<Result<_, StateError>>()?;
    let mut out = vec![];
    for key in keys {
        let rest = key.get(queue.len() + 12..).and_then(split);
        out.push(rest.ok_or_else(|| damaged("the key of a queue".into()))?);
        ctx.state.delete(key)?;
    }
    // Each once, in the order of their addresses.
    out.sort();
    out.dedup();
    Ok(out)
}

fn is_due(end: Option<Timestamp>, now: &Timestamp) -> bool {
    time::key(&end.unwrap_or_default()) <= time::key(now)
}

/// Sets free what is due: unbonding delegations go to their delegators' accounts, redelegations end.
pub(super) fn complete(ctx: &mut Context<'_>) -> Result<(), TxError> {
    let denom = params(ctx.state)?.bond_denom;
    let now = ctx.block.time;
    for (delegator, operator) in due(ctx, keys::UNBONDING_QUEUE, keys::split_pair)? {
        let Some(mut unbonding) = unbonding(ctx.state, &delegator, &operator)? else { continue };
        let (ended, rest): (Vec<_>, Vec<_>) =
            unbonding.entries.into_iter().partition(|e| is_due(e.completion_time, &now));
        unbonding.entries = rest;
        set_unbonding(ctx.state, &delegator, &operator, &unbonding)?;
        let mut coins = Coins::none();
        for entry in &ended {
            // All that is due of a pair ends at once, also what a later place of the queue names.
            ctx.state.delete(keys::unbonding_queue(
                &entry.completion_time.unwrap_or_default(),
                &delegator,
                &operator,
            ))?;
            coins.add(&denom, parse_amount(&entry.balance).map_err(damaged)?)?;
        }
        if !coins.is_empty() {
            bank::change_hands(ctx, &pool::address(pool::NOT_BONDED), &delegator, &coins)?;
        }
        let attributes = [
            ("amount", coins.to_string()),
            ("validator", ctx.operator_text(&operator)),
            ("delegator", ctx.text(&delegator)),
        ];
        ctx.emit("complete_unbonding", attributes);
    }
    for [delegator, source, destination] in due(ctx, keys::REDELEGATION_QUEUE, keys::split_triple)? {
        let of = [&delegator, &source, &destination];
        let Some(mut redelegation) = redelegation(ctx.state, of[0], of[1], of[2])? else { continue };
        let (ended, rest): (Vec<_>, Vec<_>) =
            redelegation.entries.into_iter().partition(|e| is_due(e.completion_time, &now));
        redelegation.entries = rest;
        set_redelegation(ctx.state, of, &redelegation)?;
        let mut coins = Coins::none();
        for entry in &ended {
            ctx.state.delete(keys::redelegation_queue(&entry.completion_time.unwrap_or_default(), of))?;
            coins.add(&denom, parse_amount(&entry.initial_balance).map_err(damaged)?)?;
        }
        let attributes = [
            ("amount", coins.to_string()),
            ("delegator", ctx.text(&delegator)),
            ("source_validator", ctx.operator_text(&source)),
            ("destination_validator", ctx.operator_text(&destination)),
        ];
        ctx.emit("complete_redelegation", attributes);
    }
    Ok(())
}

/// Delegators that have unbonding delegations from a validator.
pub(super) fn unbonding_from(state: &dyn StateRead, operator: &Address) -> Result<Vec<Address>, StateError> {
    ends(state, &keys::of(keys::UNBONDING_FROM, operator))
}

/// Delegators and destinations of redelegations from a validator.
pub(super) fn redelegations_from(
    state: &dyn StateRead,
    operator: &Address,
) -> Result<Vec<(Address, Address)>, StateError> {
    let prefix = keys::of(keys::REDELEGATION_FROM, operator);
    scan_prefix(state, &prefix, Order::Ascending)
        .map(|entry| {
            keys::split_pair(&entry?.0[prefix.len()..]).ok_or_else(|| damaged("the key of a redelegation".into()))
        })
        .collect()
}
