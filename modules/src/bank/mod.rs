//! Balances and supply.
//!
//! # Invariants
//! The supply of a denomination is the sum of its balances.

pub mod error;
mod genesis;
mod handler;
pub mod keys;
mod query;

use crate::address::{Address, Prefix};
use crate::auth;
use crate::coin::{Coins, parse_amount};
use crate::context::{Context, load};
use crate::error::{Sdk, TxError};
use crate::module::{GenesisError, Message, Module};
use crate::query::Service;
use error::Bank as BankError;
use serde_json::Value;
use std::collections::BTreeMap;
use zektra_proto::cosmos::bank::v1beta1::{MsgMultiSend, MsgSend, MsgSetSendEnabled, MsgUpdateParams, Params};
use zektra_proto::tendermint::abci::ValidatorUpdate;
use zektra_state::{Order, StateError, StateRead, StateWrite, scan_prefix};

/// The module.
pub struct Bank;

/// The module's name.
pub const NAME: &str = "bank";

fn amount_at(state: &dyn StateRead, key: &[u8]) -> Result<u128, StateError> {
    let Some(bytes) = state.get(key)? else { return Ok(0) };
    stored_amount(&bytes)
}

fn stored_amount(bytes: &[u8]) -> Result<u128, StateError> {
    let text = str::from_utf8(bytes).map_err(|e| e.to_string());
    text.and_then(parse_amount).map_err(|e| StateError::Damaged(format!("an amount: {e}")))
}

/// What an address holds of a denomination.
///
/// # Errors
/// The database fails.
pub fn balance(state: &dyn StateRead, address: &Address, denom: &str) -> Result<u128, StateError> {
    amount_at(state, &keys::balance(address, denom))
}

/// All that an address holds.
///
/// # Errors
/// The database fails.
pub fn balances(state: &dyn StateRead, address: &Address) -> Result<Coins, TxError> {
    let prefix = keys::balances(address);
    let mut out = Coins::none();
    for entry in scan_prefix(state, &prefix, Order::Ascending) {
        let (key, value) = entry?;
        out.add(&String::from_utf8_lossy(&key[prefix.len()..]), stored_amount(&value)?)?;
    }
    Ok(out)
}

/// How much there is of a denomination.
///
/// # Errors
/// The database fails.
pub fn supply(state: &dyn StateRead, denom: &str) -> Result<u128, StateError> {
    amount_at(state, &keys::supply(denom))
}

fn set_balance(
    state: &mut dyn StateWrite,
    address: &Address,
    denom: &str,
    before: u128,
    after: u128,
) -> Result<(), StateError> {
    let key = keys::balance(address, denom);
    if after == 0 {
        state.delete(key)?;
        return state.delete(keys::owner(denom, address));
    }
    state.put(key, after.to_string().into_bytes())?;
    if before == 0 {
        // Of an empty value there would be no proof.
        state.put(keys::owner(denom, address), vec![1])?;
    }
    Ok(())
}

fn set_supply(state: &mut dyn StateWrite, denom: &str, amount: u128) -> Result<(), StateError> {
    match amount {
        0 => state.delete(keys::supply(denom)),
        _ => state.put(keys::supply(denom), amount.to_string().into_bytes()),
    }
}

/// Takes coins from an address, which is also given as text: writing it is not free.
fn take(ctx: &mut Context<'_>, from: &Address, text: &str, coins: &Coins) -> Result<(), TxError> {
    for (denom, amount) in coins.iter() {
        let held = balance(ctx.state, from, denom)?;
        let rest = held.checked_sub(amount).ok_or_else(|| {
            Sdk::InsufficientFunds.wrap(format!("spendable balance {held}{denom} is smaller than {amount}{denom}"))
        })?;
        set_balance(ctx.state, from, denom, held, rest)?;
    }
    let attributes = [("spender", text.to_string()), ("amount", coins.to_string())];
    ctx.emit("coin_spent", attributes);
    Ok(())
}

/// Gives coins to an address, which is also given as text.
fn give(ctx: &mut Context<'_>, to: &Address, text: &str, coins: &Coins) -> Result<(), TxError> {
    for (denom, amount) in coins.iter() {
        let held = balance(ctx.state, to, denom)?;
        let more = held.checked_add(amount);
        let more = more.ok_or_else(|| Sdk::InvalidCoins.wrap(format!("the balance of {denom} would be too large")))?;
        set_balance(ctx.state, to, denom, held, more)?;
    }
    let attributes = [("receiver", text.to_string()), ("amount", coins.to_string())];
    ctx.emit("coin_received", attributes);
    Ok(())
}

/// Moves coins. The receiver gets an account if it has none.
///
/// # Errors
/// The sender has too little.
pub fn transfer(ctx: &mut Context<'_>, from: &Address, to: &Address, coins: &Coins) -> Result<(), TxError> {
    let (recipient, sender) = (ctx.text(to), ctx.text(from));
    take(ctx, from, &sender, coins)?;
    give(ctx, to, &recipient, coins)?;
    if auth::account(ctx.state, to)?.is_none() {
        auth::create(ctx, to)?;
    }
    ctx.emit("transfer", [("recipient", recipient), ("sender", sender.clone()), ("amount", coins.to_string())]);
    ctx.emit("message", [("sender", sender)]);
    Ok(())
}

/// Moves coins without the events of a transfer, as staking does.
///
/// # Errors
/// The sender has too little.
pub fn change_hands(ctx: &mut Context<'_>, from: &Address, to: &Address, coins: &Coins) -> Result<(), TxError> {
    let (receiver, spender) = (ctx.text(to), ctx.text(from));
    take(ctx, from, &spender, coins)?;
    give(ctx, to, &receiver, coins)
}

/// Makes new coins for the account of a module.
///
/// # Errors
/// The supply would be too large.
pub fn mint(ctx: &mut Context<'_>, to: &Address, coins: &Coins) -> Result<(), TxError> {
    let text = ctx.text(to);
    give(ctx, to, &text, coins)?;
    for (denom, amount) in coins.iter() {
        let more = supply(ctx.state, denom)?.checked_add(amount);
        let more = more.ok_or_else(|| Sdk::InvalidCoins.wrap(format!("the supply of {denom} would be too large")))?;
        set_supply(ctx.state, denom, more)?;
    }
    let attributes = [("minter", text), ("amount", coins.to_string())];
    ctx.emit("coinbase", attributes);
    Ok(())
}

/// Destroys coins of the account of a module.
///
/// # Errors
/// The account has too little.
pub fn burn(ctx: &mut Context<'_>, from: &Address, coins: &Coins) -> Result<(), TxError> {
    let text = ctx.text(from);
    take(ctx, from, &text, coins)?;
    for (denom, amount) in coins.iter() {
        let held = supply(ctx.state, denom)?;
        let less = held.checked_sub(amount);
        let less = less.ok_or_else(|| StateError::Damaged(format!("the supply of {denom} is {held}")))?;
        set_supply(ctx.state, denom, less)?;
    }
    let attributes = [("burner", text), ("amount", coins.to_string())];
    ctx.emit("burn", attributes);
    Ok(())
}

/// The parameters.
///
/// # Errors
/// The database fails.
pub fn params(state: &dyn StateRead) -> Result<Params, StateError> {
    Ok(load(state, keys::PARAMS)?.unwrap_or_default())
}

/// Whether a denomination can be sent.
///
/// # Errors
/// The database fails.
pub fn is_send_enabled(state: &dyn StateRead, denom: &str) -> Result<bool, StateError> {
    match state.get(&keys::send_enabled(denom))? {
        Some(value) => Ok(value == [1]),
        None => Ok(params(state)?.default_send_enabled),
    }
}

/// Refuses coins that cannot be sent.
fn demand_enabled(ctx: &Context<'_>, coins: &Coins) -> Result<(), TxError> {
    for (denom, _) in coins.iter() {
        if !is_send_enabled(ctx.state, denom)? {
            return Err(BankError::SendDisabled.wrap(format!("{denom} transfers are currently disabled")));
        }
    }
    Ok(())
}

/// Refuses receivers that are modules: nobody could send the coins on.
///
/// # Errors
/// The account of a module.
pub fn demand_receiver(ctx: &Context<'_>, to: &Address) -> Result<(), TxError> {
    match auth::account(ctx.state, to)? {
        Some(auth::Account::Module(_)) => {
            Err(Sdk::Unauthorized.wrap(format!("{} is not allowed to receive funds", ctx.text(to))))
        }
        _ => Ok(()),
    }
}

impl Module for Bank {
    fn name(&self) -> &'static str {
        NAME
    }

    fn messages(&self) -> Vec<Message> {
        vec![
            Message::of::<MsgSend>(),
            Message::of::<MsgMultiSend>(),
            Message::of::<MsgUpdateParams>(),
            Message::of::<MsgSetSendEnabled>(),
        ]
    }

    fn services(&self) -> Vec<Service> {
        vec![query::service()]
    }

    fn default_genesis(&self, _: &str) -> Value {
        genesis::default()
    }

    fn check_genesis(&self, genesis: &Value, prefix: &Prefix) -> Result<(), GenesisError> {
        genesis::check(genesis, prefix)
    }

    fn init_genesis(&self, ctx: &mut Context<'_>, genesis: &Value) -> Result<Vec<ValidatorUpdate>, GenesisError> {
        genesis::init(ctx, genesis)?;
        Ok(vec![])
    }

    fn export_genesis(&self, state: &dyn StateRead, prefix: &Prefix) -> Result<Value, GenesisError> {
        genesis::export(state, prefix)
    }

    fn check_invariants(&self, state: &dyn StateRead) -> Result<(), TxError> {
        let mut sums: BTreeMap<String, u128> = BTreeMap::new();
        let damaged = |what: String| TxError::from(StateError::Damaged(what));
        for entry in scan_prefix(state, keys::BALANCES, Order::Ascending) {
            let (key, value) = entry?;
            let found = crate::address::split_prefixed(&key[keys::BALANCES.len()..]);
            let (_, denom) = found.ok_or_else(|| damaged("the key of a balance".into()))?;
            let sum = sums.entry(String::from_utf8_lossy(denom).into_owned()).or_default();
            let more = sum.checked_add(stored_amount(&value)?);
            *sum = more.ok_or_else(|| damaged("balances beyond 2^128".into()))?;
        }
        for entry in scan_prefix(state, keys::SUPPLY, Order::Ascending) {
            let (key, value) = entry?;
            let denom = String::from_utf8_lossy(&key[keys::SUPPLY.len()..]).into_owned();
            let (supply, sum) = (stored_amount(&value)?, sums.remove(&denom).unwrap_or(0));
            if supply != sum {
                return Err(damaged(format!("the supply of {denom} is {supply}, its balances are {sum}")));
            }
        }
        match sums.first_key_value() {
            Some((denom, sum)) => Err(damaged(format!("balances of {denom} are {sum}, it has no supply"))),
            None => Ok(()),
        }
    }
}
