//! Rewards: what fees and new coins become.
//!
//! # Invariants
//! The module's account holds what validators and delegators can still withdraw, and what belongs to the community. The end
//! of a period is kept as long as a delegation, a slash or the period after it needs it.

mod block;
pub mod error;
mod genesis;
mod handler;
pub mod hooks;
mod invariants;
pub mod keys;
mod period;
mod query;
mod records;
mod rewards;

use crate::address::{Address, Prefix};
use crate::auth;
use crate::bank;
use crate::coin::Coins;
use crate::context::{Context, load};
use crate::dec_coins::DecCoins;
use crate::decimal::{Dec, OutOfRange};
use crate::error::{Sdk, TxError};
use crate::module::{GenesisError, Message, Module};
use crate::query::Service;
use serde_json::Value;
use zektra_proto::cosmos::distribution::v1beta1::{
    MsgCommunityPoolSpend, MsgDepositValidatorRewardsPool, MsgFundCommunityPool, MsgSetWithdrawAddress,
    MsgUpdateParams, MsgWithdrawDelegatorReward, MsgWithdrawValidatorCommission, Params,
};
use zektra_proto::tendermint::abci::ValidatorUpdate;
use zektra_state::{StateError, StateRead, StateWrite};

/// The module.
pub struct Distribution;

/// The module's name.
pub const NAME: &str = "distribution";

/// What the database must not hold.
fn damaged(what: String) -> StateError {
    StateError::Damaged(format!("distribution: {what}"))
}

/// The account that holds all that is not withdrawn, and what belongs to the community.
fn module() -> Address {
    Address::of_module(NAME)
}

/// The parameters.
///
/// # Errors
/// The database fails.
pub fn params(state: &dyn StateRead) -> Result<Params, StateError> {
    Ok(load(state, keys::PARAMS)?.unwrap_or_default())
}

/// The part of all rewards that the community gets.
fn community_tax(state: &dyn StateRead) -> Result<Dec, StateError> {
    Dec::read(&params(state)?.community_tax).map_err(damaged)
}

/// What belongs to the community.
///
/// # Errors
/// The database fails.
pub fn community_pool(state: &dyn StateRead) -> Result<DecCoins, StateError> {
    records::pool(state)
}

/// Gives the community coins that the module holds.
fn add_to_pool(state: &mut dyn StateWrite, coins: &DecCoins) -> Result<(), StateError> {
    if coins.is_empty() {
        return Ok(());
    }
    let mut pool = records::pool(state)?;
    pool.add(coins).map_err(|e: OutOfRange| damaged(e.to_string()))?;
    records::set_pool(state, &pool)
}

/// Gives the community coins of an account.
///
/// # Errors
/// The account has too little.
pub fn fund_community_pool(ctx: &mut Context<'_>, from: &Address, coins: &Coins) -> Result<(), TxError> {
    bank::transfer(ctx, from, &module(), coins)?;
    Ok(add_to_pool(ctx.state, &DecCoins::whole(coins))?)
}

/// Where an account's rewards go.
///
/// # Errors
/// The database fails.
pub fn withdraw_address(state: &dyn StateRead, delegator: &Address) -> Result<Address, TxError> {
    match state.get(&keys::withdraw(delegator))? {
        Some(bytes) => Address::new(bytes),
        None => Ok(delegator.clone()),
    }
}

/// Refuses modules as receivers: nobody could send the coins on.
fn demand_receiver(ctx: &Context<'_>, to: &Address) -> Result<(), TxError> {
    match auth::account(ctx.state, to)? {
        Some(auth::Account::Module(_)) => {
            Err(Sdk::Unauthorized.wrap(format!("{} is not allowed to receive external funds", ctx.text(to))))
        }
        _ => Ok(()),
    }
}

impl Module for Distribution {
    fn name(&self) -> &'static str {
        NAME
    }

    fn messages(&self) -> Vec<Message> {
        vec![
            Message::of::<MsgSetWithdrawAddress>(),
            Message::of::<MsgWithdrawDelegatorReward>(),
            Message::of::<MsgWithdrawValidatorCommission>(),
            Message::of::<MsgFundCommunityPool>(),
            Message::of::<MsgCommunityPoolSpend>(),
            Message::of::<MsgDepositValidatorRewardsPool>(),
            Message::of::<MsgUpdateParams>(),
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

    fn begin_block(&self, ctx: &mut Context<'_>) -> Result<(), TxError> {
        block::begin(ctx)
    }

    fn check_invariants(&self, state: &dyn StateRead) -> Result<(), TxError> {
        invariants::check(state)
    }
}
