//! Validators and stake of a genesis file.

use super::delegation::{set_redelegation, set_shares, set_unbonding, stored_shares};
use super::validator::{Status, Validator, add, address_of, validators};
use super::{NAME, handler, keys, params, pool, set};
use crate::address::{Address, Prefix};
use crate::auth;
use crate::coin::parse_amount;
use crate::context::{Context, load_all, save};
use crate::decimal::Dec;
use crate::error::TxError;
use crate::hooks;
use crate::module::{GenesisError, failed, read_genesis};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use zektra_proto::cosmos::staking::v1beta1::{
    Delegation, GenesisState, LastValidatorPower, Params, Redelegation, UnbondingDelegation,
};
use zektra_proto::tendermint::abci::ValidatorUpdate;
use zektra_proto::{Duration, json};
use zektra_state::{Order, StateRead, scan_prefix};

pub fn default(native: &str) -> Value {
    let params = Params {
        unbonding_time: Some(Duration { seconds: 21 * 24 * 3600, nanos: 0 }),
        max_validators: 100,
        max_entries: 7,
        historical_entries: 10_000,
        bond_denom: native.into(),
        min_commission_rate: Dec::ZERO.digits(),
    };
    json::write(&GenesisState { params: Some(params), ..GenesisState::default() }).expect("a genesis state is served")
}

/// A genesis file's part, with its addresses read.
struct Read {
    params: Params,
    powers: Vec<(Address, u64)>,
    validators: Vec<Validator>,
    delegations: Vec<(Address, Address, Dec)>,
    unbondings: Vec<(Address, Address, UnbondingDelegation)>,
    redelegations: Vec<([Address; 3], Redelegation)>,
    exported: bool,
}

fn read(genesis: &Value, prefix: &Prefix) -> Result<Read, GenesisError> {
    let state: GenesisState = read_genesis(NAME, genesis)?;
    let params = state.params.ok_or_else(|| GenesisError::new("staking.params", "nothing", "the parameters"))?;
    handler::check_params(&params).map_err(|e| GenesisError::new("staking.params", e, "parameters in range"))?;
    let account = |field: String, text: &str| {
        prefix.parse(text).map_err(|e| GenesisError::new(field, text, format!("an address: {e}")))
    };
    let operator = |field: String, text: &str| {
        prefix.parse_operator(text).map_err(|e| GenesisError::new(field, text, format!("an operator's address: {e}")))
    };
    let mut read = Read {
        params,
        powers: vec![],
        validators: vec![],
        delegations: vec![],
        unbondings: vec![],
        redelegations: vec![],
        exported: state.exported,
    };
    for (k, LastValidatorPower { address, power }) in state.last_validator_powers.into_iter().enumerate() {
        let field = |name: &str| format!("staking.last_validator_powers[{k}].{name}");
        let number = u64::try_from(power).ok().filter(|&p| p > 0);
        let number = number.ok_or_else(|| GenesisError::new(field("power"), power, "a positive number"))?;
        read.powers.push((operator(field("address"), &address)?, number));
    }
    for (k, v) in state.validators.into_iter().enumerate() {
        let field = |name: &str| format!("staking.validators[{k}].{name}");
        let address = operator(field("operator_address"), &v.operator_address)?;
        let found = v.operator_address.clone();
        let v = Validator::from_proto(address, v);
        let v = v.map_err(|e| GenesisError::new(field("operator_address"), found, format!("a validator: {e}")))?;
        if v.status == Status::Unspecified {
            return Err(GenesisError::new(field("status"), "BOND_STATUS_UNSPECIFIED", "another status"));
        }
        read.validators.push(v);
    }
    for (k, Delegation { delegator_address, validator_address, shares }) in state.delegations.iter().enumerate() {
        let field = |name: &str| format!("staking.delegations[{k}].{name}");
        let number = Dec::read(shares).ok().filter(|s| !s.is_zero());
        let number = number.ok_or_else(|| GenesisError::new(field("shares"), shares, "a positive decimal"))?;
        let who = account(field("delegator_address"), delegator_address)?;
        read.delegations.push((who, operator(field("validator_address"), validator_address)?, number));
    }
    for (k, unbonding) in state.unbonding_delegations.into_iter().enumerate() {
        let field = |name: &str| format!("staking.unbonding_delegations[{k}].{name}");
        for entry in &unbonding.entries {
            for (name, amount) in [("balance", &entry.balance), ("initial_balance", &entry.initial_balance)] {
                parse_amount(amount)
                    .map_err(|e| GenesisError::new(field("entries"), amount, format!("{name}: {e}")))?;
            }
        }
        let who = account(field("delegator_address"), &unbonding.delegator_address)?;
        read.unbondings.push((who, operator(field("validator_address"), &unbonding.validator_address)?, unbonding));
    }
    for (k, redelegation) in state.redelegations.into_iter().enumerate() {
        let field = |name: &str| format!("staking.redelegations[{k}].{name}");
        for entry in &redelegation.entries {
            let amount = &entry.initial_balance;
            parse_amount(amount).map_err(|e| GenesisError::new(field("entries"), amount, e))?;
            Dec::read(&entry.shares_dst).map_err(|e| GenesisError::new(field("entries"), &entry.shares_dst, e))?;
        }
        let of = [
            account(field("delegator_address"), &redelegation.delegator_address)?,
            operator(field("validator_src_address"), &redelegation.validator_src_address)?,
            operator(field("validator_dst_address"), &redelegation.validator_dst_address)?,
        ];
        read.redelegations.push((of, redelegation));
    }
    Ok(read)
}

pub fn check(genesis: &Value, prefix: &Prefix) -> Result<(), GenesisError> {
    let Read { params, powers, validators, delegations, unbondings, redelegations, .. } = read(genesis, prefix)?;
    let (mut operators, mut keys) = (BTreeSet::new(), BTreeSet::new());
    for (k, v) in validators.iter().enumerate() {
        let text = prefix.operator_text(&v.operator);
        if !operators.insert(&v.operator) || !keys.insert(address_of(&v.key)) {
            let field = format!("staking.validators[{k}]");
            return Err(GenesisError::new(field, text, "each operator and each key once"));
        }
    }
    if validators.iter().filter(|v| v.is_bonded()).count() > params.max_validators as usize {
        let most = format!("at most {} bonded validators", params.max_validators);
        return Err(GenesisError::new("staking.validators", validators.len(), most));
    }
    let known = |field: &str, operator: &Address| match operators.contains(operator) {
        true => Ok(()),
        false => Err(GenesisError::new(field, prefix.operator_text(operator), "a validator of staking.validators")),
    };
    let mut sums: BTreeMap<&Address, Dec> = BTreeMap::new();
    let mut pairs = BTreeSet::new();
    for (who, operator, shares) in &delegations {
        known("staking.delegations", operator)?;
        if !pairs.insert((who, operator)) {
            return Err(GenesisError::new("staking.delegations", prefix.text(who), "each delegation once"));
        }
        let sum = sums.entry(operator).or_default();
        *sum = sum.plus(*shares).map_err(|e| GenesisError::new("staking.delegations", e, "shares below 2^256"))?;
    }
    for (k, v) in validators.iter().enumerate() {
        let sum = sums.get(&v.operator).copied().unwrap_or_default();
        if sum != v.shares {
            let field = format!("staking.validators[{k}].delegator_shares");
            return Err(GenesisError::new(field, v.shares, format!("the sum of its delegations, {sum}")));
        }
    }
    powers.iter().try_for_each(|(operator, _)| known("staking.last_validator_powers", operator))?;
    let mut unbonding = unbondings.iter().map(|(who, operator, _)| (who, operator));
    let mut seen = BTreeSet::new();
    if let Some((who, _)) = unbonding.find(|pair| !seen.insert(*pair)) {
        return Err(GenesisError::new("staking.unbonding_delegations", prefix.text(who), "each once"));
    }
    let mut seen = BTreeSet::new();
    if let Some((of, _)) = redelegations.iter().find(|(of, _)| !seen.insert(of)) {
        return Err(GenesisError::new("staking.redelegations", prefix.text(&of[0]), "each once"));
    }
    Ok(())
}

pub fn init(ctx: &mut Context<'_>, genesis: &Value) -> Result<Vec<ValidatorUpdate>, GenesisError> {
    let read = read(genesis, ctx.prefix)?;
    for pool in [pool::BONDED, pool::NOT_BONDED] {
        auth::create_module(ctx, pool, &["burner", "staking"]).map_err(failed(NAME))?;
    }
    let updates = write(ctx, read).map_err(failed(NAME))?;
    pool::demand_room(ctx, 0).map_err(failed(NAME))?;
    super::invariants::check(ctx.state).map_err(failed(NAME))?;
    Ok(updates)
}

fn write(ctx: &mut Context<'_>, read: Read) -> Result<Vec<ValidatorUpdate>, TxError> {
    let Read { params, powers, validators, delegations, unbondings, redelegations, exported } = read;
    save(ctx.state, keys::PARAMS.to_vec(), &params)?;
    let mut number = 0;
    for validator in &validators {
        add(ctx, validator)?;
        // What other modules know of it comes with an export.
        if !exported {
            hooks::after_validator_created(ctx, validator)?;
        }
        if validator.status == Status::Unbonding {
            set::queue(ctx, validator)?;
        }
    }
    for (who, operator, shares) in &delegations {
        if !exported {
            hooks::before_delegation_created(ctx, who, operator)?;
        }
        set_shares(ctx.state, who, operator, *shares)?;
        if !exported {
            hooks::after_delegation_modified(ctx, who, operator)?;
        }
    }
    for (who, operator, unbonding) in &unbondings {
        set_unbonding(ctx.state, who, operator, unbonding)?;
        for entry in &unbonding.entries {
            number = number.max(entry.unbonding_id);
            let end = entry.completion_time.unwrap_or_default();
            ctx.state.put(keys::unbonding_queue(&end, who, operator), vec![1])?;
        }
    }
    for (of, redelegation) in &redelegations {
        let of = [&of[0], &of[1], &of[2]];
        set_redelegation(ctx.state, of, redelegation)?;
        for entry in &redelegation.entries {
            number = number.max(entry.unbonding_id);
            let end = entry.completion_time.unwrap_or_default();
            ctx.state.put(keys::redelegation_queue(&end, of), vec![1])?;
        }
    }
    if number > 0 {
        ctx.state.put(keys::NEXT_UNBONDING.to_vec(), number.to_be_bytes().to_vec())?;
    }
    if !exported {
        return set::update(ctx);
    }
    powers
        .into_iter()
        .map(|(operator, power)| {
            ctx.state.put(keys::last(&operator), power.to_be_bytes().to_vec())?;
            Ok(super::known(ctx.state, &operator)?.update(power))
        })
        .collect()
}

pub fn export(state: &dyn StateRead, prefix: &Prefix) -> Result<Value, GenesisError> {
    let out = state_of(state, prefix).map_err(failed(NAME))?;
    json::write(&out).map_err(failed(NAME))
}

fn state_of(state: &dyn StateRead, prefix: &Prefix) -> Result<GenesisState, TxError> {
    let powers = set::last_powers(state)?;
    let total: u128 = powers.values().map(|&p| u128::from(p)).sum();
    let signed = |power: u64| i64::try_from(power).unwrap_or(i64::MAX);
    let mut delegations = vec![];
    for entry in scan_prefix(state, keys::DELEGATIONS, Order::Ascending) {
        let (key, value) = entry?;
        let of = keys::split_pair(&key[keys::DELEGATIONS.len()..]);
        let (who, operator) = of.ok_or_else(|| super::damaged("the key of a delegation".into()))?;
        delegations.push(Delegation {
            delegator_address: prefix.text(&who),
            validator_address: prefix.operator_text(&operator),
            shares: stored_shares(&value)?.digits(),
        });
    }
    Ok(GenesisState {
        params: Some(params(state)?),
        last_total_power: total.to_string().into_bytes().into(),
        last_validator_powers: powers
            .iter()
            .map(|(operator, &power)| LastValidatorPower {
                address: prefix.operator_text(operator),
                power: signed(power),
            })
            .collect(),
        validators: validators(state)?.iter().map(|v| v.to_proto(prefix.operator_text(&v.operator))).collect(),
        delegations,
        unbonding_delegations: load_all(state, keys::UNBONDINGS)?,
        redelegations: load_all(state, keys::REDELEGATIONS)?,
        exported: true,
    })
}
