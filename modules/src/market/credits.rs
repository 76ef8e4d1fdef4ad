//! Credits: coins that were paid ahead for compute. Nobody can send them to others.

use super::error::Market;
use super::{amount, keys};
use crate::address::Address;
use crate::context::{Context, load, save};
use crate::error::TxError;
use zektra_proto::market::v1::Credits;
use zektra_state::{StateError, StateRead};

/// Credits of an account.
///
/// # Errors
/// The database fails.
pub fn credits(state: &dyn StateRead, account: &Address) -> Result<u128, StateError> {
    load::<Credits>(state, &keys::credits(account))?.map_or(Ok(0), |found| amount(&found.amount))
}

fn set(ctx: &mut Context<'_>, account: &Address, amount: u128) -> Result<(), TxError> {
    let key = keys::credits(account);
    let account = ctx.text(account);
    match amount {
        0 => ctx.state.delete(key)?,
        _ => save(ctx.state, key, &Credits { account: account.clone(), amount: amount.to_string() })?,
    }
    ctx.emit("market_credits", [("account", account), ("amount", amount.to_string())]);
    Ok(())
}

/// Adds to the credits of an account.
pub fn add(ctx: &mut Context<'_>, account: &Address, more: u128) -> Result<(), TxError> {
    let sum = credits(ctx.state, account)?.checked_add(more);
    let sum = sum.ok_or_else(|| Market::InvalidField.wrap(format!("amount {more}: expected credits below 2^128")))?;
    set(ctx, account, sum)
}

/// Takes from the credits of an account.
pub fn take(ctx: &mut Context<'_>, account: &Address, wanted: u128) -> Result<(), TxError> {
    let held = credits(ctx.state, account)?;
    let rest = held.checked_sub(wanted);
    let rest = rest.ok_or_else(|| Market::TooFewCredits.wrap(format!("amount {wanted}: expected at most {held}")))?;
    set(ctx, account, rest)
}
