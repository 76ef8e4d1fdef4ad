//! Two accounts that hold all staked coins: of validators in the set, and all others with what is on its way out.

use super::params;
use super::validator::{POWER_REDUCTION, Status};
use crate::address::Address;
use crate::bank;
use crate::coin::Coins;
use crate::context::Context;
use crate::error::{Sdk, TxError};
use crate::power;
use zektra_state::{StateError, StateRead};

/// Holds the tokens of validators in the set.
pub const BONDED: &str = "bonded_tokens_pool";
/// Holds the tokens of all other validators, and of unbonding delegations.
pub const NOT_BONDED: &str = "not_bonded_tokens_pool";

/// CometBFT's bound of the sum of all powers: an eighth of 2^63.
const MAX_TOTAL_POWER: u128 = (i64::MAX / 8) as u128;

/// The pool of a validator's tokens.
pub fn of(status: Status) -> &'static str {
    if status == Status::Bonded { BONDED } else { NOT_BONDED }
}

/// A pool's address.
pub fn address(pool: &str) -> Address {
    Address::of_module(pool)
}

/// What a pool holds of the bond denomination.
///
/// # Errors
/// The database fails.
pub fn held(state: &dyn StateRead, pool: &str) -> Result<u128, StateError> {
    bank::balance(state, &address(pool), &params(state)?.bond_denom)
}

/// Moves tokens between the pools.
pub(super) fn shift(ctx: &mut Context<'_>, from: &str, to: &str, tokens: u128) -> Result<(), TxError> {
    if from == to || tokens == 0 {
        return Ok(());
    }
    let coins = Coins::one(&params(ctx.state)?.bond_denom, tokens);
    bank::transfer(ctx, &address(from), &address(to), &coins)
}

/// Destroys tokens of a pool.
pub(super) fn burn(ctx: &mut Context<'_>, pool: &str, tokens: u128) -> Result<(), TxError> {
    if tokens == 0 {
        return Ok(());
    }
    let coins = Coins::one(&params(ctx.state)?.bond_denom, tokens);
    bank::burn(ctx, &address(pool), &coins)
}

/// Refuses more stake than CometBFT can count, with every vote at its largest multiplier.
pub(super) fn demand_room(ctx: &Context<'_>, more: u128) -> Result<(), TxError> {
    let sum = held(ctx.state, BONDED)?.checked_add(held(ctx.state, NOT_BONDED)?).and_then(|s| s.checked_add(more));
    let votes = sum
        .map(|s| s / POWER_REDUCTION)
        .map(|s| s.saturating_mul(u128::from(power::MOST) / u128::from(power::ONE) + 1));
    match votes {
        Some(votes) if votes <= MAX_TOTAL_POWER => Ok(()),
        _ => Err(Sdk::InvalidRequest.wrap(format!("{more} more tokens are more stake than consensus can count"))),
    }
}
