//! Messages about stake, rewards and coins.

use super::any;
use super::chance::Chance;
use super::genesis::{ACCOUNTS, FEE, NATIVE, creation, span};
use super::world::{World, account, guardian};
use zektra_modules::address::Address;
use zektra_modules::coin::{coin, parse_amount};
use zektra_modules::decimal::Dec;
use zektra_modules::staking::{self, Description, Validator, delegation, keys};
use zektra_proto::Any;
use zektra_proto::cosmos::bank::v1beta1::{Input, MsgMultiSend, MsgSend, Output};
use zektra_proto::cosmos::base::v1beta1::Coin;
use zektra_proto::cosmos::distribution::v1beta1::{
    MsgDepositValidatorRewardsPool, MsgFundCommunityPool, MsgSetWithdrawAddress, MsgWithdrawDelegatorReward,
    MsgWithdrawValidatorCommission,
};
use zektra_proto::cosmos::slashing::v1beta1::MsgUnjail;
use zektra_proto::cosmos::staking::v1beta1::{
    MsgBeginRedelegate, MsgCancelUnbondingDelegation, MsgDelegate, MsgEditValidator, MsgUndelegate, Params,
    UnbondingDelegation,
};
use zektra_state::{Order, scan_prefix};

fn any_account(chance: &mut Chance) -> Address {
    account(chance.below(ACCOUNTS))
}

pub fn any_validator(world: &World, chance: &mut Chance) -> Option<Validator> {
    let all = staking::validators(&world.state).unwrap();
    // Those that are jailed, too, but not often.
    let free: Vec<_> = all.iter().filter(|v| !v.jailed).cloned().collect();
    let some = if chance.one_in(8) { &all } else { &free };
    chance.of(some).cloned()
}

/// A delegation, and what it is worth.
fn any_delegation(world: &World, chance: &mut Chance, who: &Address) -> Option<(Validator, u128)> {
    let all = delegation::delegations(&world.state, who).unwrap();
    let (operator, shares) = chance.of(&all)?;
    if *who == guardian() && operator == who {
        return None;
    }
    let validator = staking::known(&world.state, operator).unwrap();
    let worth = validator.tokens_of(*shares).ok()?.floor().unwrap();
    Some((validator, worth))
}

pub fn create(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let (key, value) = (world.any_key(chance), world.some_of(chance, who)?);
    let message = creation(world, u64::from(who.bytes()[0]) - 1, &key, chance.below(20), value);
    staking::validator(&world.state, who).unwrap().is_none().then(|| any(&message))
}

pub fn edit(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let validator = staking::validator(&world.state, who).unwrap()?;
    let rate = if chance.one_in(3) { Dec::percent(chance.below(60)).digits() } else { String::new() };
    let least = validator.min_self_delegation + u128::from(chance.below(100_000));
    let min_self_delegation = if chance.one_in(4) && *who != guardian() { least.to_string() } else { String::new() };
    let description = Some(Description { moniker: format!("{}", chance.below(1000)), ..Description::default() });
    let validator_address = world.operator_text(who);
    Some(any(&MsgEditValidator { description, validator_address, commission_rate: rate, min_self_delegation }))
}

pub fn delegate(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let validator_address = world.operator_text(&any_validator(world, chance)?.operator);
    let amount = Some(world.some_of(chance, who)?);
    Some(any(&MsgDelegate { delegator_address: world.text(who), validator_address, amount }))
}

pub fn redelegate(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let (from, worth) = any_delegation(world, chance, who)?;
    let to = any_validator(world, chance)?;
    Some(any(&MsgBeginRedelegate {
        delegator_address: world.text(who),
        validator_src_address: world.operator_text(&from.operator),
        validator_dst_address: world.operator_text(&to.operator),
        amount: Some(coin(NATIVE, chance.amount(worth)?)),
    }))
}

pub fn undelegate(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let (from, worth) = any_delegation(world, chance, who)?;
    let (delegator_address, validator_address) = (world.text(who), world.operator_text(&from.operator));
    let amount = Some(coin(NATIVE, chance.amount(worth)?));
    Some(any(&MsgUndelegate { delegator_address, validator_address, amount }))
}

/// All leave a validator.
pub fn leave(world: &World, chance: &mut Chance) -> Option<Vec<Any>> {
    // Mostly one that is jailed, maybe for ever: else its operator has no other.
    let all = staking::validators(&world.state).unwrap();
    let jailed: Vec<_> = all.iter().filter(|v| v.jailed).cloned().collect();
    let some = if chance.one_in(4) || jailed.is_empty() { &all } else { &jailed };
    let validator = chance.of(some).filter(|v| v.operator != guardian())?;
    let each = |delegator: Address| {
        let shares = delegation::shares(&world.state, &delegator, &validator.operator).unwrap();
        let worth = validator.tokens_of(shares).ok()?.floor().ok()?;
        let (delegator_address, validator_address) = (world.text(&delegator), world.operator_text(&validator.operator));
        Some(any(&MsgUndelegate { delegator_address, validator_address, amount: Some(coin(NATIVE, worth)) }))
    };
    let mut delegators = delegation::delegators(&world.state, &validator.operator).unwrap();
    // Modules sign nothing.
    delegators.retain(|d| (0..ACCOUNTS).any(|k| account(k) == *d));
    delegators.into_iter().map(each).collect()
}

pub fn cancel(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let prefix = keys::of(keys::UNBONDINGS, who);
    let read = |entry: Result<(_, Vec<u8>), _>| {
        let (_, value) = entry.unwrap();
        <UnbondingDelegation as prost::Message>::decode(&value[..]).unwrap()
    };
    let all: Vec<UnbondingDelegation> = scan_prefix(&world.state, &prefix, Order::Ascending).map(read).collect();
    let unbonding = chance.of(&all)?;
    let entry = chance.of(&unbonding.entries)?;
    Some(any(&MsgCancelUnbondingDelegation {
        delegator_address: unbonding.delegator_address.clone(),
        validator_address: unbonding.validator_address.clone(),
        amount: Some(coin(NATIVE, chance.amount(parse_amount(&entry.balance).unwrap())?)),
        creation_height: entry.creation_height,
    }))
}

pub fn withdraw(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let all = delegation::delegations(&world.state, who).unwrap();
    let validator_address = world.operator_text(&chance.of(&all)?.0);
    Some(any(&MsgWithdrawDelegatorReward { delegator_address: world.text(who), validator_address }))
}

pub fn commission(world: &World, _: &mut Chance, who: &Address) -> Option<Any> {
    staking::validator(&world.state, who).unwrap()?;
    Some(any(&MsgWithdrawValidatorCommission { validator_address: world.operator_text(who) }))
}

pub fn withdraw_address(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let withdraw_address = world.text(&any_account(chance));
    Some(any(&MsgSetWithdrawAddress { delegator_address: world.text(who), withdraw_address }))
}

/// A little of both coins.
fn coins(world: &World, chance: &mut Chance, who: &Address) -> Option<Vec<Coin>> {
    let both = [FEE, NATIVE].map(|denom| chance.amount(world.balance(who, denom) / 100).map(|a| coin(denom, a)));
    let kept: Vec<_> = both.into_iter().flatten().filter(|_| !chance.one_in(3)).collect();
    if kept.is_empty() { None } else { Some(kept) }
}

pub fn fund(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    Some(any(&MsgFundCommunityPool { amount: coins(world, chance, who)?, depositor: world.text(who) }))
}

pub fn reward(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let validator_address = world.operator_text(&any_validator(world, chance)?.operator);
    let amount = coins(world, chance, who)?;
    Some(any(&MsgDepositValidatorRewardsPool { depositor: world.text(who), validator_address, amount }))
}

pub fn send(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let to_address = world.text(&any_account(chance));
    Some(any(&MsgSend { from_address: world.text(who), to_address, amount: coins(world, chance, who)? }))
}

pub fn send_many(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let each = chance.amount(world.balance(who, FEE) / 100)?;
    let outputs: Vec<_> = (0..chance.between(1, 4))
        .map(|_| Output { address: world.text(&any_account(chance)), coins: vec![coin(FEE, each)] })
        .collect();
    let all = vec![coin(FEE, each * outputs.len() as u128)];
    Some(any(&MsgMultiSend { inputs: vec![Input { address: world.text(who), coins: all }], outputs }))
}

pub fn unjail(world: &World, _: &mut Chance, who: &Address) -> Option<Any> {
    let validator = staking::validator(&world.state, who).unwrap()?;
    validator.jailed.then(|| any(&MsgUnjail { validator_addr: world.operator_text(who) }))
}

/// A change of staking's parameters.
pub fn params(world: &World, chance: &mut Chance) -> Params {
    let old = staking::params(&world.state).unwrap();
    Params {
        unbonding_time: span(chance.between(1, 8) as i64 * 24 * 3600),
        max_validators: chance.between(3, 12) as u32,
        max_entries: chance.between(1, 7) as u32,
        historical_entries: chance.one([0, 1, 20, 100]),
        min_commission_rate: Dec::percent(chance.below(5)).digits(),
        ..old
    }
}
