//! Parameters and all records of a genesis file.

use super::handler::params;
use super::records::{self, Current, History, Slash, Start};
use super::{NAME, damaged, keys};
use crate::address::{Address, Prefix, split_prefixed};
use crate::auth;
use crate::bank;
use crate::context::{Context, load_all_keyed, number, save};
use crate::dec_coins::DecCoins;
use crate::decimal::Dec;
use crate::module::{GenesisError, failed, read_genesis};
use serde_json::Value;
use zektra_proto::cosmos::base::v1beta1::DecCoin;
use zektra_proto::cosmos::distribution::v1beta1::{
    DelegatorStartingInfo, DelegatorStartingInfoRecord, DelegatorWithdrawInfo, FeePool, GenesisState, Params,
    ValidatorAccumulatedCommission, ValidatorAccumulatedCommissionRecord, ValidatorCurrentRewards,
    ValidatorCurrentRewardsRecord, ValidatorHistoricalRewards, ValidatorHistoricalRewardsRecord,
    ValidatorOutstandingRewards, ValidatorOutstandingRewardsRecord, ValidatorSlashEvent, ValidatorSlashEventRecord,
};
use zektra_proto::json;
use zektra_state::{Order, StateError, StateRead, scan_prefix};

#[allow(deprecated)]
pub fn default() -> Value {
    let params = Params {
        community_tax: Dec::percent(2).digits(),
        base_proposer_reward: Dec::ZERO.digits(),
        bonus_proposer_reward: Dec::ZERO.digits(),
        withdraw_addr_enabled: true,
    };
    let genesis = GenesisState { params: Some(params), fee_pool: Some(FeePool::default()), ..GenesisState::default() };
    json::write(&genesis).expect("a genesis state is served")
}

/// An entry of a list, and what is wrong with it.
struct Entry<'a>(&'a str, usize, &'a Prefix);

impl Entry<'_> {
    fn wrong(&self, field: &str, found: impl ToString, expected: &str) -> GenesisError {
        GenesisError::new(format!("distribution.{}[{}].{field}", self.0, self.1), found, expected)
    }

    fn operator(&self, text: &str) -> Result<(), GenesisError> {
        let wrong = |e| self.wrong("validator_address", text, &format!("a validator's address: {e}"));
        self.2.parse_operator(text).map(drop).map_err(wrong)
    }

    fn account(&self, field: &str, text: &str) -> Result<(), GenesisError> {
        self.2.parse(text).map(drop).map_err(|e| self.wrong(field, text, &format!("an address: {e}")))
    }

    fn coins(&self, field: &str, list: &[DecCoin]) -> Result<(), GenesisError> {
        DecCoins::read(list).map(drop).map_err(|e| self.wrong(field, e, "decimal coins in the order of denominations"))
    }

    fn positive(&self, field: &str, number: u64) -> Result<(), GenesisError> {
        if number == 0 { Err(self.wrong(field, number, "a positive number")) } else { Ok(()) }
    }
}

pub fn check(genesis: &Value, prefix: &Prefix) -> Result<(), GenesisError> {
    let state: GenesisState = read_genesis(NAME, genesis)?;
    let found = state.params.ok_or_else(|| GenesisError::new("distribution.params", "nothing", "the parameters"))?;
    let wrong = |(field, why)| GenesisError::new(format!("distribution.params.{field}"), why, "another");
    params::check(&found).map_err(wrong)?;
    let pool = state.fee_pool.unwrap_or_default().community_pool;
    let wrong = |e| GenesisError::new("distribution.fee_pool.community_pool", e, "decimal coins");
    DecCoins::read(&pool).map_err(wrong)?;
    for (k, r) in state.delegator_withdraw_infos.iter().enumerate() {
        let entry = Entry("delegator_withdraw_infos", k, prefix);
        entry.account("delegator_address", &r.delegator_address)?;
        entry.account("withdraw_address", &r.withdraw_address)?;
    }
    for (k, r) in state.outstanding_rewards.iter().enumerate() {
        let entry = Entry("outstanding_rewards", k, prefix);
        entry.operator(&r.validator_address)?;
        entry.coins("outstanding_rewards", &r.outstanding_rewards)?;
    }
    for (k, r) in state.validator_accumulated_commissions.iter().enumerate() {
        let entry = Entry("validator_accumulated_commissions", k, prefix);
        entry.operator(&r.validator_address)?;
        entry.coins("accumulated", &r.accumulated.clone().unwrap_or_default().commission)?;
    }
    for (k, r) in state.validator_historical_rewards.iter().enumerate() {
        let (entry, rewards) =
            (Entry("validator_historical_rewards", k, prefix), r.rewards.clone().unwrap_or_default());
        entry.operator(&r.validator_address)?;
        entry.coins("rewards.cumulative_reward_ratio", &rewards.cumulative_reward_ratio)?;
        entry.positive("rewards.reference_count", rewards.reference_count.into())?;
    }
    for (k, r) in state.validator_current_rewards.iter().enumerate() {
        let (entry, rewards) = (Entry("validator_current_rewards", k, prefix), r.rewards.clone().unwrap_or_default());
        entry.operator(&r.validator_address)?;
        entry.coins("rewards.rewards", &rewards.rewards)?;
        entry.positive("rewards.period", rewards.period)?;
    }
    for (k, r) in state.delegator_starting_infos.iter().enumerate() {
        let entry = Entry("delegator_starting_infos", k, prefix);
        entry.operator(&r.validator_address)?;
        entry.account("delegator_address", &r.delegator_address)?;
        let wrong = |e| entry.wrong("starting_info", e, "a start");
        Start::read(&r.starting_info.clone().unwrap_or_default()).map_err(wrong)?;
    }
    for (k, r) in state.validator_slash_events.iter().enumerate() {
        let entry = Entry("validator_slash_events", k, prefix);
        entry.operator(&r.validator_address)?;
        let event = r.validator_slash_event.clone().unwrap_or_default();
        let slash = Slash::read(&event).map_err(|e| entry.wrong("validator_slash_event", e, "a slash"))?;
        if slash.fraction > Dec::one() || slash.period != r.period || slash.period == 0 {
            return Err(entry.wrong("validator_slash_event", format!("{event:?}"), "its period, 1 at most"));
        }
    }
    Ok(())
}

pub fn init(ctx: &mut Context<'_>, genesis: &Value) -> Result<(), GenesisError> {
    let state: GenesisState = read_genesis(NAME, genesis)?;
    let module = auth::create_module(ctx, NAME, &[]).map_err(failed(NAME))?;
    let holdings = write(ctx, state).map_err(failed(NAME))?;
    let held = DecCoins::whole(&bank::balances(ctx.state, &module).map_err(failed(NAME))?);
    if holdings.least(&held) != holdings {
        let expected = format!("as much as is outstanding and belongs to the community, {holdings}");
        return Err(GenesisError::new("bank.balances of distribution", held, expected));
    }
    Ok(())
}

/// Writes all records; gives the sum of what the module must hold.
fn write(ctx: &mut Context<'_>, genesis: GenesisState) -> Result<DecCoins, crate::TxError> {
    let GenesisState {
        params,
        fee_pool,
        delegator_withdraw_infos,
        // Nothing is paid for a proposal.
        previous_proposer: _,
        outstanding_rewards,
        validator_accumulated_commissions,
        validator_historical_rewards,
        validator_current_rewards,
        delegator_starting_infos,
        validator_slash_events,
    } = genesis;
    let coins = |list: &[DecCoin]| DecCoins::read(list).map_err(damaged);
    params::store(ctx.state, &params.unwrap_or_default())?;
    let mut holdings = coins(&fee_pool.unwrap_or_default().community_pool)?;
    records::set_pool(ctx.state, &holdings)?;
    for r in delegator_withdraw_infos {
        let (delegator, to) = (ctx.parse(&r.delegator_address)?, ctx.parse(&r.withdraw_address)?);
        ctx.state.put(keys::withdraw(&delegator), to.bytes().to_vec())?;
    }
    for r in outstanding_rewards {
        let (operator, rewards) = (ctx.prefix.parse_operator(&r.validator_address)?, coins(&r.outstanding_rewards)?);
        holdings.add(&rewards)?;
        records::set_outstanding(ctx.state, &operator, &rewards)?;
    }
    for r in validator_accumulated_commissions {
        let operator = ctx.prefix.parse_operator(&r.validator_address)?;
        let commission = coins(&r.accumulated.unwrap_or_default().commission)?;
        records::set_commission(ctx.state, &operator, &commission)?;
    }
    for r in validator_historical_rewards {
        let (operator, rewards) = (ctx.prefix.parse_operator(&r.validator_address)?, r.rewards.unwrap_or_default());
        let (ratio, references) = (coins(&rewards.cumulative_reward_ratio)?, rewards.reference_count);
        records::set_history(ctx.state, &operator, r.period, &History { ratio, references })?;
    }
    for r in validator_current_rewards {
        let (operator, rewards) = (ctx.prefix.parse_operator(&r.validator_address)?, r.rewards.unwrap_or_default());
        let current = Current { rewards: coins(&rewards.rewards)?, period: rewards.period };
        records::set_current(ctx.state, &operator, &current)?;
    }
    for r in delegator_starting_infos {
        let (operator, delegator) =
            (ctx.prefix.parse_operator(&r.validator_address)?, ctx.parse(&r.delegator_address)?);
        save(ctx.state, keys::start(&operator, &delegator), &r.starting_info.unwrap_or_default())?;
    }
    for r in validator_slash_events {
        let operator = ctx.prefix.parse_operator(&r.validator_address)?;
        let event = r.validator_slash_event.unwrap_or_default();
        save(ctx.state, keys::slash(&operator, r.height, r.period), &event)?;
    }
    Ok(holdings)
}

fn operator(prefix: &Prefix, key: &[u8]) -> Result<String, crate::TxError> {
    Ok(prefix.operator_text(&Address::new(key.to_vec())?))
}

/// The operator of a key, and what follows.
fn behind(key: &[u8]) -> Result<(Address, &[u8]), StateError> {
    split_prefixed(key).ok_or_else(|| damaged("a key".into()))
}

/// The numbers that a key ends in.
fn numbers<const N: usize>(key: &[u8]) -> Result<[u64; N], StateError> {
    let numbers: Vec<u64> = key.chunks(8).map(number).collect::<Result<_, _>>()?;
    numbers.try_into().map_err(|_| damaged("the numbers of a key".into()))
}

fn read(state: &dyn StateRead, prefix: &Prefix) -> Result<GenesisState, crate::TxError> {
    let mut out = GenesisState {
        params: Some(super::params(state)?),
        fee_pool: Some(FeePool { community_pool: records::pool(state)?.to_proto() }),
        ..GenesisState::default()
    };
    for entry in scan_prefix(state, keys::WITHDRAW, Order::Ascending) {
        let (key, to) = entry?;
        out.delegator_withdraw_infos.push(DelegatorWithdrawInfo {
            delegator_address: prefix.text(&Address::new(key[keys::WITHDRAW.len()..].to_vec())?),
            withdraw_address: prefix.text(&Address::new(to)?),
        });
    }
    for (key, rewards) in load_all_keyed::<ValidatorOutstandingRewards>(state, keys::OUTSTANDING)? {
        let (validator_address, outstanding_rewards) = (operator(prefix, &key)?, rewards.rewards);
        out.outstanding_rewards.push(ValidatorOutstandingRewardsRecord { validator_address, outstanding_rewards });
    }
    for (key, found) in load_all_keyed::<ValidatorAccumulatedCommission>(state, keys::COMMISSION)? {
        let (validator_address, accumulated) = (operator(prefix, &key)?, Some(found));
        let record = ValidatorAccumulatedCommissionRecord { validator_address, accumulated };
        out.validator_accumulated_commissions.push(record);
    }
    for (key, rewards) in load_all_keyed::<ValidatorHistoricalRewards>(state, keys::HISTORY)? {
        let (operator, rest) = behind(&key)?;
        let [period] = numbers(rest)?;
        let validator_address = prefix.operator_text(&operator);
        let record = ValidatorHistoricalRewardsRecord { validator_address, period, rewards: Some(rewards) };
        out.validator_historical_rewards.push(record);
    }
    for (key, rewards) in load_all_keyed::<ValidatorCurrentRewards>(state, keys::CURRENT)? {
        let (validator_address, rewards) = (operator(prefix, &key)?, Some(rewards));
        out.validator_current_rewards.push(ValidatorCurrentRewardsRecord { validator_address, rewards });
    }
    for (key, info) in load_all_keyed::<DelegatorStartingInfo>(state, keys::STARTS)? {
        let (operator, rest) = behind(&key)?;
        out.delegator_starting_infos.push(DelegatorStartingInfoRecord {
            delegator_address: prefix.text(&Address::new(rest.to_vec())?),
            validator_address: prefix.operator_text(&operator),
            starting_info: Some(info),
        });
    }
    for (key, event) in load_all_keyed::<ValidatorSlashEvent>(state, keys::SLASHES)? {
        let (operator, rest) = behind(&key)?;
        let [height, period] = numbers(rest)?;
        out.validator_slash_events.push(ValidatorSlashEventRecord {
            validator_address: prefix.operator_text(&operator),
            height,
            period,
            validator_slash_event: Some(event),
        });
    }
    Ok(out)
}

pub fn export(state: &dyn StateRead, prefix: &Prefix) -> Result<Value, GenesisError> {
    json::write(&read(state, prefix).map_err(failed(NAME))?).map_err(failed(NAME))
}
