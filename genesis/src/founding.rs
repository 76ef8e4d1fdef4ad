//! Who is there at the beginning: accounts with coins, and transactions that make validators.

use crate::{GENUTIL, section};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use zektra_modules::address::Prefix;
use zektra_modules::coin::parse_amount;
use zektra_modules::module::GenesisError;

/// The transactions that make the first validators, as JSON.
pub fn gen_txs(app_state: &Value) -> &[Value] {
    section(app_state, GENUTIL).get("gen_txs").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Puts the transactions that make the first validators into an `app_state`, in the place of those that are there.
pub fn set_gen_txs(app_state: &mut Value, txs: Vec<Value>) {
    app_state[GENUTIL] = json!({"gen_txs": txs});
}

/// Checks the form of the section; the transactions themselves are checked when they are executed.
pub(crate) fn check(app_state: &Value) -> Result<(), GenesisError> {
    let found = section(app_state, GENUTIL);
    let list = &found["gen_txs"];
    let other = found.as_object().and_then(|fields| fields.keys().find(|k| *k != "gen_txs"));
    if !found.is_null() && (!found.is_object() || other.is_some()) {
        return Err(GenesisError::new(GENUTIL, found, "an object with gen_txs"));
    }
    if !list.is_null() && !list.as_array().is_some_and(|txs| txs.iter().all(Value::is_object)) {
        return Err(GenesisError::new("genutil.gen_txs", list, "a list of transactions"));
    }
    Ok(())
}

/// Gives a new account coins: amounts by denomination.
///
/// # Errors
/// An address that is none or has an account already; amounts that are none. Nothing is changed then.
pub fn add_account<'a>(
    app_state: &mut Value,
    address: &str,
    coins: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<(), GenesisError> {
    add(app_state, address, coins, false)
}

/// Gives an account coins on top of what it has; it is made if it is not there.
///
/// # Errors
/// An address that is none; amounts that are none or too large. Nothing is changed then.
pub fn add_coins<'a>(
    app_state: &mut Value,
    address: &str,
    coins: impl IntoIterator<Item = (&'a str, &'a str)>,
) -> Result<(), GenesisError> {
    add(app_state, address, coins, true)
}

fn add<'a>(
    app_state: &mut Value,
    address: &str,
    coins: impl IntoIterator<Item = (&'a str, &'a str)>,
    append: bool,
) -> Result<(), GenesisError> {
    let found = section(app_state, crate::CHAIN)["bech32_prefix"].as_str().unwrap_or_default();
    let prefix = Prefix::new(found).map_err(|e| GenesisError::new("chain.bech32_prefix", format!("{found:?}"), e))?;
    let wrong = |expected: String| GenesisError::new("auth.accounts", format!("{address:?}"), expected);
    prefix.parse(address).map_err(|e| wrong(format!("an address: {}", e.log)))?;
    let read =
        |amount: &str| parse_amount(amount).map_err(|e| GenesisError::new("bank.balances", format!("{amount:?}"), e));
    let mut held = BTreeMap::new();
    for (denom, amount) in coins {
        held.insert(denom.to_string(), read(amount)?);
    }
    let list = |app_state: &Value, of: &str, name: &str| {
        app_state[of][name]
            .as_array()
            .cloned()
            .ok_or_else(|| GenesisError::new(format!("{of}.{name}"), &app_state[of][name], "a list"))
    };
    let (mut accounts, mut balances) = (list(app_state, "auth", "accounts")?, list(app_state, "bank", "balances")?);
    let known = |a: &Value| a["address"] == address || a["base_account"]["address"] == address;
    if !append && (accounts.iter().any(known) || balances.iter().any(known)) {
        return Err(wrong("an address without an account; --append adds to what it has".into()));
    }
    for coin in balances.iter().filter(|b| known(b)).filter_map(|b| b["coins"].as_array()).flatten() {
        let sum = held.entry(coin["denom"].as_str().unwrap_or_default().into()).or_insert(0);
        let more = read(coin["amount"].as_str().unwrap_or_default())?;
        let large = || GenesisError::new("bank.balances", format!("{address:?}"), "amounts below 2^128 together");
        *sum = sum.checked_add(more).ok_or_else(large)?;
    }
    balances.retain(|b| !known(b));
    let held: Vec<_> =
        held.into_iter().map(|(denom, amount)| json!({"denom": denom, "amount": amount.to_string()})).collect();
    let number = |a: &Value| {
        let base = if a["base_account"].is_object() { &a["base_account"] } else { a };
        base["account_number"].as_str().and_then(|n| n.parse::<u64>().ok())
    };
    let next = accounts.iter().filter_map(number).max().map_or(0, |n| n.saturating_add(1));
    if !accounts.iter().any(known) {
        accounts.push(json!({
            "@type": "/cosmos.auth.v1beta1.BaseAccount",
            "address": address,
            "account_number": next.to_string(),
        }));
    }
    balances.push(json!({"address": address, "coins": held}));
    app_state["auth"]["accounts"] = accounts.into();
    app_state["bank"]["balances"] = balances.into();
    // What is there alone must add up; a total that is named does not any more.
    app_state["bank"]["supply"] = json!([]);
    Ok(())
}
