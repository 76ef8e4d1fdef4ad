//! What is stored of validators' and delegators' rewards. What is empty or not there yet reads as nothing.

use super::{damaged, keys};
use crate::address::Address;
use crate::context::{load, save};
use crate::dec_coins::DecCoins;
use crate::decimal::Dec;
use prost::Message as _;
use zektra_proto::cosmos::base::v1beta1::DecCoin;
use zektra_proto::cosmos::distribution::v1beta1::{
    DelegatorStartingInfo, FeePool, ValidatorAccumulatedCommission, ValidatorCurrentRewards,
    ValidatorHistoricalRewards, ValidatorOutstandingRewards, ValidatorSlashEvent,
};
use zektra_state::{Order, StateError, StateRead, StateWrite, after_prefix};

/// Rewards of the period that is running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Current {
    /// For all delegators together.
    pub rewards: DecCoins,
    /// The period's number, from 1 on.
    pub period: u64,
}

/// The end of a period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// Rewards of one token from the validator's beginning up to there.
    pub ratio: DecCoins,
    /// How many still need it: the running period that follows, delegations, slashes.
    pub references: u32,
}

/// From where the rewards of a delegation count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Start {
    /// The period that ended there.
    pub period: u64,
    /// What its shares were worth there.
    pub stake: Dec,
    /// The height.
    pub height: u64,
}

/// A slash of a validator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slash {
    /// The period that ended with it.
    pub period: u64,
    /// The part of the tokens that was lost.
    pub fraction: Dec,
}

fn coins(list: &[DecCoin]) -> Result<DecCoins, StateError> {
    DecCoins::read(list).map_err(damaged)
}

pub fn pool(state: &dyn StateRead) -> Result<DecCoins, StateError> {
    coins(&load::<FeePool>(state, keys::POOL)?.unwrap_or_default().community_pool)
}

pub fn set_pool(state: &mut dyn StateWrite, pool: &DecCoins) -> Result<(), StateError> {
    save(state, keys::POOL.to_vec(), &FeePool { community_pool: pool.to_proto() })
}

pub fn outstanding(state: &dyn StateRead, operator: &Address) -> Result<DecCoins, StateError> {
    let found = load::<ValidatorOutstandingRewards>(state, &keys::outstanding(operator))?;
    coins(&found.unwrap_or_default().rewards)
}

pub fn set_outstanding(state: &mut dyn StateWrite, operator: &Address, rewards: &DecCoins) -> Result<(), StateError> {
    save(state, keys::outstanding(operator), &ValidatorOutstandingRewards { rewards: rewards.to_proto() })
}

pub fn commission(state: &dyn StateRead, operator: &Address) -> Result<DecCoins, StateError> {
    let found = load::<ValidatorAccumulatedCommission>(state, &keys::commission(operator))?;
    coins(&found.unwrap_or_default().commission)
}

pub fn set_commission(state: &mut dyn StateWrite, operator: &Address, commission: &DecCoins) -> Result<(), StateError> {
    save(state, keys::commission(operator), &ValidatorAccumulatedCommission { commission: commission.to_proto() })
}

pub fn current(state: &dyn StateRead, operator: &Address) -> Result<Current, StateError> {
    let found = load::<ValidatorCurrentRewards>(state, &keys::current(operator))?;
    let found = found.ok_or_else(|| damaged(format!("validator {operator:?} has no period")))?;
    Ok(Current { rewards: coins(&found.rewards)?, period: found.period })
}

pub fn set_current(state: &mut dyn StateWrite, operator: &Address, current: &Current) -> Result<(), StateError> {
    let Current { rewards, period } = current;
    save(state, keys::current(operator), &ValidatorCurrentRewards { rewards: rewards.to_proto(), period: *period })
}

pub fn history(state: &dyn StateRead, operator: &Address, period: u64) -> Result<History, StateError> {
    let found = load::<ValidatorHistoricalRewards>(state, &keys::history(operator, period))?;
    let found = found.ok_or_else(|| damaged(format!("period {period} of validator {operator:?} is not there")))?;
    Ok(History { ratio: coins(&found.cumulative_reward_ratio)?, references: found.reference_count })
}

/// Stores the end of a period; one that nobody needs is forgotten.
pub fn set_history(
    state: &mut dyn StateWrite,
    operator: &Address,
    period: u64,
    history: &History,
) -> Result<(), StateError> {
    let key = keys::history(operator, period);
    let History { ratio, references } = history;
    if *references == 0 {
        return state.delete(key);
    }
    let stored = ValidatorHistoricalRewards { cumulative_reward_ratio: ratio.to_proto(), reference_count: *references };
    save(state, key, &stored)
}

impl Start {
    /// Reads what messages hold.
    pub fn read(info: &DelegatorStartingInfo) -> Result<Self, StateError> {
        let stake = Dec::read(&info.stake).map_err(damaged)?;
        Ok(Self { period: info.previous_period, stake, height: info.height })
    }
}

pub fn start(state: &dyn StateRead, operator: &Address, delegator: &Address) -> Result<Option<Start>, StateError> {
    let found = load::<DelegatorStartingInfo>(state, &keys::start(operator, delegator))?;
    found.map(|info| Start::read(&info)).transpose()
}

pub fn set_start(
    state: &mut dyn StateWrite,
    operator: &Address,
    delegator: &Address,
    start: &Start,
) -> Result<(), StateError> {
    let Start { period, stake, height } = start;
    let info = DelegatorStartingInfo { previous_period: *period, stake: stake.digits(), height: *height };
    save(state, keys::start(operator, delegator), &info)
}

impl Slash {
    /// Reads what messages hold.
    pub fn read(event: &ValidatorSlashEvent) -> Result<Self, StateError> {
        let fraction = Dec::read(&event.fraction).map_err(damaged)?;
        Ok(Self { period: event.validator_period, fraction })
    }
}

/// A validator's slashes from a height on, in their order.
pub fn slashes(state: &dyn StateRead, operator: &Address, height: u64) -> Result<Vec<Slash>, StateError> {
    let end = after_prefix(&keys::slashes(operator));
    let entries = state.scan(&keys::slashes_from(operator, height), end.as_deref(), Order::Ascending);
    let read = |value: Vec<u8>| {
        let event = ValidatorSlashEvent::decode(&value[..]).map_err(|e| damaged(e.to_string()))?;
        Slash::read(&event)
    };
    entries.map(|entry| read(entry?.1)).collect()
}

pub fn set_slash(state: &mut dyn StateWrite, operator: &Address, height: u64, slash: &Slash) -> Result<(), StateError> {
    let Slash { period, fraction } = slash;
    let event = ValidatorSlashEvent { validator_period: *period, fraction: fraction.digits() };
    save(state, keys::slash(operator, height, *period), &event)
}
