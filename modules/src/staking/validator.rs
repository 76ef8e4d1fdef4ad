//! A validator: its tokens, and the shares that delegators have of them.

use super::error::Staking as StakingError;
use super::{damaged, keys};
use crate::address::Address;
use crate::coin::parse_amount;
use crate::context::{Context, load, load_all_keyed, save};
use crate::decimal::{Dec, OutOfRange};
use crate::error::TxError;
use crate::power;
use prost::{Message as _, Name as _};
use sha2::{Digest as _, Sha256};
use zektra_proto::cosmos::crypto::ed25519;
use zektra_proto::cosmos::staking::v1beta1 as proto;
use zektra_proto::tendermint::abci::ValidatorUpdate;
use zektra_proto::tendermint::crypto::{PublicKey, public_key};
use zektra_proto::{Any, Timestamp};
use zektra_state::{StateError, StateRead};

pub use zektra_proto::cosmos::staking::v1beta1::{BondStatus as Status, Description};

/// Tokens for one unit of voting power.
pub const POWER_REDUCTION: u128 = 1_000_000;

/// What a validator keeps of its delegators' rewards.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commission {
    /// The part that it keeps.
    pub rate: Dec,
    /// The most that it may ever keep.
    pub max_rate: Dec,
    /// The most by which the rate may go up at once.
    pub max_change_rate: Dec,
    /// When the rate was changed last.
    pub update_time: Timestamp,
}

/// A validator.
#[derive(Clone, Debug, PartialEq)]
pub struct Validator {
    /// Who runs it.
    pub operator: Address,
    /// Its key in consensus, 32 bytes of Ed25519.
    pub key: [u8; 32],
    /// Whether it is kept out of the set.
    pub jailed: bool,
    /// Whether it is in the set.
    pub status: Status,
    /// All tokens that are delegated to it.
    pub tokens: u128,
    /// All shares of its delegators.
    pub shares: Dec,
    /// What people read of it.
    pub description: Description,
    /// The height at which it left the set.
    pub unbonding_height: u64,
    /// When it will have left the set.
    pub unbonding_time: Timestamp,
    /// What it keeps.
    pub commission: Commission,
    /// The least that its operator must delegate itself.
    pub min_self_delegation: u128,
    /// Numbers of its unbondings.
    pub unbonding_ids: Vec<u64>,
}

/// A key as clients hold it.
pub fn key_any(key: &[u8; 32]) -> Any {
    let inner = ed25519::PubKey { key: key.to_vec().into() };
    Any { type_url: format!("/{}", ed25519::PubKey::full_name()), value: inner.encode_to_vec() }
}

/// Reads a consensus key.
///
/// # Errors
/// No key; a key of another kind.
pub fn read_key(any: Option<&Any>) -> Result<[u8; 32], TxError> {
    let any = any.ok_or_else(|| StakingError::EmptyValidatorPubKey.bare())?;
    let name = ed25519::PubKey::full_name();
    let unsupported =
        |got: &str| StakingError::ValidatorPubKeyTypeNotSupported.wrap(format!("got: {got}, expected {name}"));
    if any.type_url.trim_start_matches('/') != name {
        return Err(unsupported(&any.type_url));
    }
    let key = ed25519::PubKey::decode(&any.value[..]).ok().and_then(|k| k.key[..].try_into().ok());
    key.ok_or_else(|| unsupported("a key that is not of 32 bytes"))
}

/// The consensus address of a key: the first 20 bytes of its SHA-256.
pub fn address_of(key: &[u8; 32]) -> Address {
    Address::new(Sha256::digest(key)[..20].to_vec()).expect("20 bytes are an address")
}

fn text<T>(read: Result<T, String>) -> Result<T, StateError> {
    read.map_err(damaged)
}

impl Validator {
    /// A new validator without tokens.
    pub fn new(operator: Address, key: [u8; 32], description: Description) -> Self {
        Self {
            operator,
            key,
            jailed: false,
            status: Status::Unbonded,
            tokens: 0,
            shares: Dec::ZERO,
            description,
            unbonding_height: 0,
            unbonding_time: Timestamp::default(),
            commission: Commission::default(),
            min_self_delegation: 1,
            unbonding_ids: vec![],
        }
    }

    /// Reads what messages hold.
    ///
    /// # Errors
    /// Numbers or keys that are none.
    pub fn from_proto(operator: Address, v: proto::Validator) -> Result<Self, StateError> {
        let commission = v.commission.unwrap_or_default();
        let rates = commission.commission_rates.unwrap_or_default();
        Ok(Self {
            operator,
            key: read_key(v.consensus_pubkey.as_ref()).map_err(|e| damaged(e.log))?,
            jailed: v.jailed,
            status: Status::try_from(v.status).map_err(|e| damaged(e.to_string()))?,
            tokens: text(parse_amount(&v.tokens))?,
            shares: text(Dec::read(&v.delegator_shares))?,
            description: v.description.unwrap_or_default(),
            unbonding_height: u64::try_from(v.unbonding_height).map_err(|e| damaged(e.to_string()))?,
            unbonding_time: v.unbonding_time.unwrap_or_default(),
            commission: Commission {
                rate: text(Dec::read(&rates.rate))?,
                max_rate: text(Dec::read(&rates.max_rate))?,
                max_change_rate: text(Dec::read(&rates.max_change_rate))?,
                update_time: commission.update_time.unwrap_or_default(),
            },
            min_self_delegation: text(parse_amount(&v.min_self_delegation))?,
            unbonding_ids: v.unbonding_ids,
        })
    }

    /// As messages hold it, with its operator's address as text.
    pub fn to_proto(&self, operator_address: String) -> proto::Validator {
        let Self {
            operator: _,
            key,
            jailed,
            status,
            tokens,
            shares,
            description,
            unbonding_height,
            unbonding_time,
            commission: Commission { rate, max_rate, max_change_rate, update_time },
            min_self_delegation,
            unbonding_ids,
        } = self;
        proto::Validator {
            operator_address,
            consensus_pubkey: Some(key_any(key)),
            jailed: *jailed,
            status: *status as i32,
            tokens: tokens.to_string(),
            delegator_shares: shares.digits(),
            description: Some(description.clone()),
            unbonding_height: i64::try_from(*unbonding_height).unwrap_or(i64::MAX),
            unbonding_time: Some(*unbonding_time),
            commission: Some(proto::Commission {
                commission_rates: Some(proto::CommissionRates {
                    rate: rate.digits(),
                    max_rate: max_rate.digits(),
                    max_change_rate: max_change_rate.digits(),
                }),
                update_time: Some(*update_time),
            }),
            min_self_delegation: min_self_delegation.to_string(),
            unbonding_on_hold_ref_count: 0,
            unbonding_ids: unbonding_ids.clone(),
        }
    }

    /// Its address in consensus.
    pub fn consensus(&self) -> Address {
        address_of(&self.key)
    }

    /// Whether it is in the set.
    pub fn is_bonded(&self) -> bool {
        self.status == Status::Bonded
    }

    /// Whether it has left the set, and its tokens are free.
    pub fn is_unbonded(&self) -> bool {
        self.status == Status::Unbonded
    }

    /// Whether all its tokens were slashed while shares are left, so that new shares have no price.
    pub fn is_worthless(&self) -> bool {
        self.tokens == 0 && !self.shares.is_zero()
    }

    /// What its tokens weigh: the place in the set. Its vote in consensus weighs [`vote`].
    pub fn weight(&self) -> u64 {
        u64::try_from(self.tokens / POWER_REDUCTION).unwrap_or(u64::MAX)
    }

    /// What shares are worth.
    ///
    /// # Errors
    /// There are no shares.
    pub fn tokens_of(&self, shares: Dec) -> Result<Dec, OutOfRange> {
        shares.share(self.tokens, self.shares)
    }

    /// What shares are worth, rounded down.
    ///
    /// # Errors
    /// There are no shares.
    pub fn tokens_of_down(&self, shares: Dec) -> Result<Dec, OutOfRange> {
        shares.share_down(self.tokens, self.shares)
    }

    /// The shares that these tokens buy.
    ///
    /// # Errors
    /// There are no tokens.
    pub fn shares_of(&self, tokens: u128) -> Result<Dec, OutOfRange> {
        self.shares.share_of_whole(tokens, self.tokens)
    }

    /// Adds tokens; gives the shares that they buy.
    ///
    /// # Errors
    /// Too many tokens.
    pub fn add_tokens(&mut self, tokens: u128) -> Result<Dec, OutOfRange> {
        // The first delegation sets the rate to one.
        let issued = if self.shares.is_zero() { Dec::whole(tokens) } else { self.shares_of(tokens)? };
        self.tokens = self.tokens.checked_add(tokens).ok_or(OutOfRange)?;
        self.shares = self.shares.plus(issued)?;
        Ok(issued)
    }

    /// Takes shares away; gives the tokens that they were worth.
    ///
    /// # Errors
    /// More shares than there are.
    pub fn remove_shares(&mut self, shares: Dec) -> Result<u128, OutOfRange> {
        let rest = self.shares.minus(shares)?;
        // The last one takes what rounding left.
        let tokens = if rest.is_zero() { self.tokens } else { self.tokens_of(shares)?.floor()? };
        self.tokens = self.tokens.checked_sub(tokens).ok_or(OutOfRange)?;
        self.shares = rest;
        Ok(tokens)
    }

    /// The change that consensus is told.
    pub fn update(&self, power: u64) -> ValidatorUpdate {
        let sum = public_key::Sum::Ed25519(self.key.to_vec());
        ValidatorUpdate { pub_key: Some(PublicKey { sum: Some(sum) }), power: i64::try_from(power).unwrap_or(i64::MAX) }
    }
}

/// What a validator's vote weighs in consensus: its weight times its multiplier, which other modules earn it.
///
/// # Errors
/// The database fails.
pub fn vote(state: &dyn StateRead, validator: &Validator) -> Result<u64, StateError> {
    let multiplier = power::multiplier(state, &validator.operator)?;
    Ok(power::multiplied(validator.weight(), multiplier))
}

/// A validator by its operator.
///
/// # Errors
/// The database fails.
pub fn validator(state: &dyn StateRead, operator: &Address) -> Result<Option<Validator>, StateError> {
    let found = load::<proto::Validator>(state, &keys::validator(operator))?;
    found.map(|v| Validator::from_proto(operator.clone(), v)).transpose()
}

/// A validator that must be there.
///
/// # Errors
/// There is none; the database fails.
pub fn known(state: &dyn StateRead, operator: &Address) -> Result<Validator, TxError> {
    validator(state, operator)?.ok_or_else(|| StakingError::NoValidatorFound.bare())
}

/// A validator by its address in consensus.
///
/// # Errors
/// The database fails.
pub fn by_consensus(state: &dyn StateRead, consensus: &Address) -> Result<Option<Validator>, StateError> {
    let Some(operator) = state.get(&keys::by_consensus(consensus))? else { return Ok(None) };
    validator(state, &Address::new(operator).map_err(|e| damaged(e.log))?)
}

/// All validators, in the order of their operators.
///
/// # Errors
/// The database fails.
pub fn validators(state: &dyn StateRead) -> Result<Vec<Validator>, StateError> {
    let all = load_all_keyed(state, keys::VALIDATORS)?.into_iter();
    all.map(|(rest, found)| Validator::from_proto(Address::new(rest).map_err(|e| damaged(e.log))?, found)).collect()
}

/// Stores a validator, whose place by power does not change or is changed by [`in_order`].
pub(super) fn store(ctx: &mut Context<'_>, validator: &Validator) -> Result<(), TxError> {
    let text = ctx.operator_text(&validator.operator);
    Ok(save(ctx.state, keys::validator(&validator.operator), &validator.to_proto(text))?)
}

/// Changes a validator that is stored, and its place by power with it. A validator that is jailed has no place.
pub(super) fn in_order<T>(
    ctx: &mut Context<'_>,
    validator: &mut Validator,
    change: impl FnOnce(&mut Validator) -> Result<T, TxError>,
) -> Result<T, TxError> {
    let place = |v: &Validator| (!v.jailed).then(|| keys::by_power(v.weight(), &v.operator));
    let before = place(validator);
    let out = change(validator)?;
    let after = place(validator);
    if before != after {
        if let Some(before) = before {
            ctx.state.delete(before)?;
        }
        if let Some(after) = after {
            ctx.state.put(after, validator.operator.bytes().to_vec())?;
        }
    }
    store(ctx, validator)?;
    Ok(out)
}

/// Stores a new validator with all that finds it.
pub(super) fn add(ctx: &mut Context<'_>, validator: &Validator) -> Result<(), TxError> {
    let operator = validator.operator.bytes().to_vec();
    ctx.state.put(keys::by_consensus(&validator.consensus()), operator.clone())?;
    if !validator.jailed {
        ctx.state.put(keys::by_power(validator.weight(), &validator.operator), operator)?;
    }
    store(ctx, validator)
}

/// Forgets a validator without shares.
pub(super) fn remove(ctx: &mut Context<'_>, validator: &Validator) -> Result<(), TxError> {
    if !validator.shares.is_zero() || validator.tokens > 0 || !validator.is_unbonded() {
        return Err(damaged(format!("validator {:?} is removed while it has tokens", validator.operator)).into());
    }
    ctx.state.delete(keys::validator(&validator.operator))?;
    ctx.state.delete(keys::by_consensus(&validator.consensus()))?;
    ctx.state.delete(keys::by_power(validator.weight(), &validator.operator))?;
    crate::hooks::after_validator_removed(ctx, validator)
}
