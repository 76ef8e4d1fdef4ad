//! What validators' votes weigh beside their stake: a multiplier that other modules set at the end of an epoch.
//!
//! ```text
//! vote = ⌊weight · multiplier / 10000⌋,   10000 ≤ multiplier ≤ max_multiplier
//! ```
//!
//! Consensus names votes, and evidence the vote at the time of the fault, while stake is slashed by weight: so what the
//! multiplier was at each height is kept as long as evidence of that height is taken.

mod genesis;
mod handler;
pub mod keys;
mod query;

use crate::address::{Address, Prefix, split_prefixed};
use crate::consensus;
use crate::context::{Context, load};
use crate::error::{Sdk, TxError};
use crate::module::{GenesisError, Message, Module};
use crate::query::Service;
use crate::time::key as time;
use serde_json::Value;
use zektra_proto::Timestamp;
use zektra_proto::power::v1::{MsgUpdateParams, Multiplier, Params};
use zektra_proto::tendermint::abci::ValidatorUpdate;
use zektra_state::{Order, StateError, StateRead, scan_prefix};

/// The module.
pub struct Power;

/// The module's name.
pub const NAME: &str = "power";
/// A multiplier of one, in basis points.
pub const ONE: u32 = 10_000;
/// The largest multiplier that the parameter may allow, in basis points.
pub const MOST: u32 = 20_000;
/// Blocks from a change of the set to the first block that it signs, as CometBFT has it.
const DELAY: u64 = 2;

fn damaged(what: &str) -> StateError {
    StateError::Damaged(format!("power: {what}"))
}

/// The parameters.
///
/// # Errors
/// The database fails.
pub fn params(state: &dyn StateRead) -> Result<Params, StateError> {
    Ok(load(state, keys::PARAMS)?.unwrap_or_default())
}

/// A multiplier that was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Set {
    from: u64,
    multiplier: u32,
    /// When it was set, as keys have times.
    time: [u8; 12],
}

impl Set {
    /// As messages hold it.
    fn to_proto(self, validator_address: String) -> Multiplier {
        let Self { from, multiplier, time } = self;
        Multiplier { validator_address, multiplier, from_height: from, set_time: Some(crate::time::of_key(&time)) }
    }
}

fn read(key: &[u8], value: &[u8]) -> Result<Set, StateError> {
    let from = key.last_chunk().map(|b| u64::from_be_bytes(*b)).ok_or_else(|| damaged("a key"))?;
    let (multiplier, time) = value.split_first_chunk().ok_or_else(|| damaged("a multiplier"))?;
    let time = time.try_into().map_err(|_| damaged("a time"))?;
    Ok(Set { from, multiplier: u32::from_be_bytes(*multiplier), time })
}

fn value(multiplier: u32, set_at: &Timestamp) -> Vec<u8> {
    [&multiplier.to_be_bytes()[..], &time(set_at)].concat()
}

/// The newest multiplier of each validator that has one.
fn newest(state: &dyn StateRead) -> Result<Vec<(Address, u32)>, StateError> {
    let mut out: Vec<(Address, u32)> = vec![];
    for entry in scan_prefix(state, keys::MULTIPLIERS, Order::Ascending) {
        let (key, value) = entry?;
        let (operator, _) = split_prefixed(&key[keys::MULTIPLIERS.len()..]).ok_or_else(|| damaged("a key"))?;
        let multiplier = read(&key, &value)?.multiplier;
        match out.last_mut() {
            Some((last, newer)) if *last == operator => *newer = multiplier,
            _ => out.push((operator, multiplier)),
        }
    }
    Ok(out)
}

/// What was set last for a validator.
fn last(state: &dyn StateRead, operator: &Address) -> Result<Option<Set>, StateError> {
    let newest = scan_prefix(state, &keys::of(operator), Order::Descending).next().transpose()?;
    newest.map(|(key, value)| read(&key, &value)).transpose()
}

/// A validator's multiplier, in basis points.
///
/// # Errors
/// The database fails.
pub fn multiplier(state: &dyn StateRead, operator: &Address) -> Result<u32, StateError> {
    Ok(last(state, operator)?.map_or(ONE, |set| set.multiplier))
}

/// A validator's multiplier in the votes of a height, in basis points.
///
/// # Errors
/// The database fails.
pub fn multiplier_at(state: &dyn StateRead, operator: &Address, height: u64) -> Result<u32, StateError> {
    let end = keys::multiplier(operator, height.saturating_add(1));
    let newest = state.scan(&keys::of(operator), Some(&end), Order::Descending).next().transpose()?;
    newest.map_or(Ok(ONE), |(key, value)| Ok(read(&key, &value)?.multiplier))
}

/// What a weight makes of a vote.
pub fn multiplied(weight: u64, multiplier: u32) -> u64 {
    let vote = u128::from(weight) * u128::from(multiplier) / u128::from(ONE);
    u64::try_from(vote).unwrap_or(u64::MAX)
}

/// The weight behind a vote of a height: what [`multiplied`] was given.
///
/// # Errors
/// The database fails.
pub fn weight(state: &dyn StateRead, operator: &Address, vote: u64, height: u64) -> Result<u64, StateError> {
    let multiplier = multiplier_at(state, operator, height)?.max(ONE);
    // Up: with a multiplier of at least one, no other weight gives this vote.
    let weight = (u128::from(vote) * u128::from(ONE)).div_ceil(u128::from(multiplier));
    Ok(u64::try_from(weight).unwrap_or(u64::MAX))
}

/// Sets a validator's multiplier, at most the parameter's: consensus hears of it at the end of the block.
///
/// # Errors
/// A multiplier below one; the database fails.
pub fn set(ctx: &mut Context<'_>, operator: &Address, multiplier: u32) -> Result<(), TxError> {
    if multiplier < ONE {
        return Err(Sdk::InvalidRequest.wrap(format!("multiplier {multiplier}: expected at least {ONE}")));
    }
    let multiplier = multiplier.min(params(ctx.state)?.max_multiplier);
    forget_old(ctx, operator)?;
    let value = value(multiplier, &ctx.block.time);
    Ok(ctx.state.put(keys::multiplier(operator, ctx.block.height.saturating_add(DELAY)), value)?)
}

/// Forgets multipliers that no evidence can ask for any more. A multiplier is part of votes until the block after the one
/// in which the next was set, of which the time is not known here: but it is before the time of the next but one.
fn forget_old(ctx: &mut Context<'_>, operator: &Address) -> Result<(), TxError> {
    let evidence = consensus::params(ctx.state)?.evidence.unwrap_or_default();
    let blocks = u64::try_from(evidence.max_age_num_blocks).unwrap_or(0);
    let age = evidence.max_age_duration.unwrap_or_default();
    let seconds = ctx.block.time.seconds.saturating_sub(age.seconds).saturating_sub(1);
    let oldest = time(&Timestamp { seconds, nanos: 0 });
    let mut old = vec![];
    for entry in scan_prefix(ctx.state, &keys::of(operator), Order::Ascending) {
        let (key, value) = entry?;
        let Set { from, time, .. } = read(&key, &value)?;
        if from.saturating_add(blocks) >= ctx.block.height || time >= oldest {
            break;
        }
        old.push(key);
    }
    old.truncate(old.len().saturating_sub(2));
    old.into_iter().try_for_each(|key| Ok(ctx.state.delete(key)?))
}

/// Forgets the multipliers of a validator that is gone.
///
/// # Errors
/// The database fails.
pub fn forget(ctx: &mut Context<'_>, operator: &Address) -> Result<(), TxError> {
    let all: Vec<Vec<u8>> = scan_prefix(ctx.state, &keys::of(operator), Order::Ascending)
        .map(|entry| Ok(entry?.0))
        .collect::<Result<_, StateError>>()?;
    all.into_iter().try_for_each(|key| Ok(ctx.state.delete(key)?))
}

impl Module for Power {
    fn name(&self) -> &'static str {
        NAME
    }

    fn messages(&self) -> Vec<Message> {
        vec![Message::of::<MsgUpdateParams>()]
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
}
