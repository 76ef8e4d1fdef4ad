//! What holds of stake after every block.

use super::validator::validators;
use super::{damaged, delegation, keys, params, pool, set};
use crate::address::{Address, split_prefixed};
use crate::coin::parse_amount;
use crate::context::{load_all, load_all_keyed};
use crate::decimal::Dec;
use crate::error::TxError;
use std::collections::BTreeMap;
use zektra_proto::cosmos::staking::v1beta1::{Redelegation, UnbondingDelegation};
use zektra_state::{Order, StateError, StateRead, scan_prefix};

fn more(sum: &mut u128, amount: u128) -> Result<(), StateError> {
    *sum = sum.checked_add(amount).ok_or_else(|| damaged("a sum beyond 2^128".into()))?;
    Ok(())
}

fn demand<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> Result<(), StateError> {
    if found == expected { Ok(()) } else { Err(damaged(format!("{what}: {found:?}, expected {expected:?}"))) }
}

pub fn check(state: &dyn StateRead) -> Result<(), TxError> {
    let all = validators(state)?;
    pools(state, &all)?;
    places(state, &all)?;
    shares(state, &all)?;
    Ok(queues(state)?)
}

/// The pools hold what validators and unbonding delegations say.
fn pools(state: &dyn StateRead, all: &[super::Validator]) -> Result<(), StateError> {
    let mut sums: BTreeMap<&str, u128> = [(pool::BONDED, 0), (pool::NOT_BONDED, 0)].into();
    for v in all {
        more(sums.entry(pool::of(v.status)).or_default(), v.tokens)?;
    }
    for unbonding in load_all::<UnbondingDelegation>(state, keys::UNBONDINGS)? {
        for entry in unbonding.entries {
            more(sums.entry(pool::NOT_BONDED).or_default(), parse_amount(&entry.balance).map_err(damaged)?)?;
        }
    }
    sums.into_iter().try_for_each(|(pool, sum)| demand(pool, pool::held(state, pool)?, sum))
}

/// All validators that are not jailed have their place by power, and nobody else; consensus knows those in the set.
fn places(state: &dyn StateRead, all: &[super::Validator]) -> Result<(), StateError> {
    let mut expected: Vec<Vec<u8>> =
        all.iter().filter(|v| !v.jailed).map(|v| keys::by_power(v.weight(), &v.operator)).collect();
    expected.sort();
    let found: Vec<Vec<u8>> =
        scan_prefix(state, keys::BY_POWER, Order::Ascending).map(|e| Ok(e?.0)).collect::<Result<_, StateError>>()?;
    demand("places by power", found, expected)?;
    let in_set: Vec<&Address> = all.iter().filter(|v| v.is_bonded()).map(|v| &v.operator).collect();
    demand("the set", set::last_powers(state)?.keys().collect::<Vec<_>>(), in_set)?;
    let most = params(state)?.max_validators as usize;
    if set::last_powers(state)?.len() > most {
        return Err(damaged(format!("more than {most} validators are in the set")));
    }
    for v in all {
        let by = state.get(&keys::by_consensus(&v.consensus()))?;
        demand("the operator of a consensus address", by.as_deref(), Some(v.operator.bytes()))?;
    }
    Ok(())
}

/// The shares of each validator are those of its delegators, who are found from both sides.
fn shares(state: &dyn StateRead, all: &[super::Validator]) -> Result<(), TxError> {
    let mut sums: BTreeMap<Address, (Dec, usize)> = BTreeMap::new();
    for entry in scan_prefix(state, keys::DELEGATIONS, Order::Ascending) {
        let (key, value) = entry?;
        let rest = &key[keys::DELEGATIONS.len()..];
        let (_, operator) = split_prefixed(rest).ok_or_else(|| damaged("the key of a delegation".into()))?;
        let sum = sums.entry(Address::new(operator.to_vec())?).or_default();
        *sum = (sum.0.plus(delegation::stored_shares(&value)?)?, sum.1 + 1);
    }
    for v in all {
        let (sum, count) = sums.remove(&v.operator).unwrap_or_default();
        demand("the sum of shares", sum, v.shares)?;
        demand("the number of delegators", delegation::delegators(state, &v.operator)?.len(), count)?;
    }
    Ok(demand("delegations to nobody", sums.len(), 0)?)
}

/// What is on its way has a place in its queue.
fn queues(state: &dyn StateRead) -> Result<(), StateError> {
    let queued = |key: Vec<u8>| -> Result<(), StateError> {
        let found = state.get(&key)?.is_some();
        demand("a place in a queue", found, true)
    };
    for (delegator, operator, unbonding) in pairs(state)? {
        for entry in unbonding.entries {
            queued(keys::unbonding_queue(&entry.completion_time.unwrap_or_default(), &delegator, &operator))?;
        }
    }
    for (rest, redelegation) in load_all_keyed::<Redelegation>(state, keys::REDELEGATIONS)? {
        let of = keys::split_triple(&rest).ok_or_else(|| damaged("the key of a redelegation".into()))?;
        for entry in redelegation.entries {
            queued(keys::redelegation_queue(&entry.completion_time.unwrap_or_default(), [&of[0], &of[1], &of[2]]))?;
        }
    }
    Ok(())
}

fn pairs(state: &dyn StateRead) -> Result<Vec<(Address, Address, UnbondingDelegation)>, StateError> {
    let mut out = vec![];
    for entry in scan_prefix(state, keys::UNBONDINGS, Order::Ascending) {
        let (key, _) = entry?;
        let of = keys::split_pair(&key[keys::UNBONDINGS.len()..]);
        let (delegator, operator) = of.ok_or_else(|| damaged("the key of an unbonding delegation".into()))?;
        if let Some(unbonding) = delegation::unbonding(state, &delegator, &operator)? {
            out.push((delegator, operator, unbonding));
        }
    }
    Ok(out)
}
