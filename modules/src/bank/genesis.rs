//! Balances, supply and descriptions of a genesis file.

use super::{NAME, keys, set_balance, set_supply, stored_amount};
use crate::address::{Prefix, split_prefixed};
use crate::coin::{Coins, coin, is_denom};
use crate::context::{Context, load_all, save};
use crate::module::{GenesisError, failed, read_genesis};
use serde_json::Value;
use std::collections::BTreeSet;
use zektra_proto::cosmos::bank::v1beta1::{Balance, GenesisState, Metadata, Params, SendEnabled};
use zektra_proto::json;
use zektra_state::{Order, StateRead, scan_prefix};

pub fn default() -> Value {
    let params = Params { default_send_enabled: true, ..Params::default() };
    json::write(&GenesisState { params: Some(params), ..GenesisState::default() }).expect("a genesis state is served")
}

pub fn check(genesis: &Value, prefix: &Prefix) -> Result<(), GenesisError> {
    let GenesisState { params, balances, supply, denom_metadata, send_enabled } = read_genesis(NAME, genesis)?;
    params.ok_or_else(|| GenesisError::new("bank.params", "nothing", "the parameters"))?;
    let mut total = Coins::none();
    let mut known = BTreeSet::new();
    for (k, balance) in balances.iter().enumerate() {
        let field = |name: &str| format!("bank.balances[{k}].{name}");
        let address = &balance.address;
        let parsed = prefix.parse(address);
        let parsed = parsed.map_err(|e| GenesisError::new(field("address"), address, format!("an address: {e}")))?;
        if !known.insert(parsed) {
            return Err(GenesisError::new(field("address"), address, "each address once"));
        }
        let coins = Coins::sorted(&balance.coins).and_then(|coins| total.add_all(&coins));
        coins.map_err(|e| GenesisError::new(field("coins"), e, "coins in the order of their denominations"))?;
    }
    let stated = Coins::sorted(&supply)
        .map_err(|e| GenesisError::new("bank.supply", e, "coins in the order of their denominations"))?;
    if !supply.is_empty() && stated != total {
        return Err(GenesisError::new("bank.supply", stated, format!("the sum of all balances, {total}")));
    }
    let mut known = BTreeSet::new();
    for (k, metadata) in denom_metadata.iter().enumerate() {
        let field = |name: &str| format!("bank.denom_metadata[{k}].{name}");
        let Metadata { base, display, denom_units, .. } = metadata;
        if !is_denom(base) || !known.insert(base) {
            return Err(GenesisError::new(field("base"), base, "a denomination that is described once"));
        }
        if denom_units.first().is_none_or(|u| u.denom != *base || u.exponent != 0) {
            return Err(GenesisError::new(field("denom_units"), base, "the base with exponent 0 first"));
        }
        if !denom_units.iter().any(|u| u.denom == *display) {
            return Err(GenesisError::new(field("display"), display, "one of the units"));
        }
    }
    let mut known = BTreeSet::new();
    for (k, entry) in send_enabled.iter().enumerate() {
        if !is_denom(&entry.denom) || !known.insert(&entry.denom) {
            let field = format!("bank.send_enabled[{k}].denom");
            return Err(GenesisError::new(field, &entry.denom, "a denomination that is named once"));
        }
    }
    Ok(())
}

pub fn init(ctx: &mut Context<'_>, genesis: &Value) -> Result<(), GenesisError> {
    let state: GenesisState = read_genesis(NAME, genesis)?;
    let Params { default_send_enabled, .. } = state.params.unwrap_or_default();
    let params = Params { default_send_enabled, ..Params::default() };
    save(ctx.state, keys::PARAMS.to_vec(), &params).map_err(failed(NAME))?;
    let mut total = Coins::none();
    for balance in &state.balances {
        let address = ctx.parse(&balance.address).map_err(failed(NAME))?;
        let coins = Coins::sorted(&balance.coins).map_err(failed(NAME))?;
        for (denom, amount) in coins.iter() {
            set_balance(ctx.state, &address, denom, 0, amount).map_err(failed(NAME))?;
        }
        total.add_all(&coins).map_err(failed(NAME))?;
    }
    for (denom, amount) in total.iter() {
        set_supply(ctx.state, denom, amount).map_err(failed(NAME))?;
    }
    for metadata in &state.denom_metadata {
        save(ctx.state, keys::metadata(&metadata.base), metadata).map_err(failed(NAME))?;
    }
    for entry in &state.send_enabled {
        ctx.state.put(keys::send_enabled(&entry.denom), vec![u8::from(entry.enabled)]).map_err(failed(NAME))?;
    }
    Ok(())
}

pub fn export(state: &dyn StateRead, prefix: &Prefix) -> Result<Value, GenesisError> {
    let mut out = GenesisState { params: Some(super::params(state).map_err(failed(NAME))?), ..GenesisState::default() };
    for entry in scan_prefix(state, keys::BALANCES, Order::Ascending) {
        let (key, value) = entry.map_err(failed(NAME))?;
        let damaged = || failed(NAME)("the key of a balance");
        let (address, denom) = split_prefixed(&key[keys::BALANCES.len()..]).ok_or_else(damaged)?;
        let address = prefix.text(&address);
        let coin = coin(&String::from_utf8_lossy(denom), stored_amount(&value).map_err(failed(NAME))?);
        match out.balances.last_mut() {
            Some(balance) if balance.address == address => balance.coins.push(coin),
            _ => out.balances.push(Balance { address, coins: vec![coin] }),
        }
    }
    for entry in scan_prefix(state, keys::SUPPLY, Order::Ascending) {
        let (key, value) = entry.map_err(failed(NAME))?;
        let denom = String::from_utf8_lossy(&key[keys::SUPPLY.len()..]).into_owned();
        out.supply.push(coin(&denom, stored_amount(&value).map_err(failed(NAME))?));
    }
    out.denom_metadata = load_all(state, keys::METADATA).map_err(failed(NAME))?;
    for entry in scan_prefix(state, keys::SEND_ENABLED, Order::Ascending) {
        let (key, value) = entry.map_err(failed(NAME))?;
        let denom = String::from_utf8_lossy(&key[keys::SEND_ENABLED.len()..]).into_owned();
        out.send_enabled.push(SendEnabled { denom, enabled: value == [1] });
    }
    json::write(&out).map_err(failed(NAME))
}
