//! Who is told what happens to validators, delegations and datasets: all of it in one place, in the order in which it runs.
//! And what modules of work, which do not know each other, ask each other.

use crate::address::Address;
use crate::context::Context;
use crate::decimal::Dec;
use crate::error::TxError;
use crate::staking::Validator;
use crate::{compute, distribution, power, slashing, training, vault};
use zektra_proto::market::v1::Kind;
use zektra_state::{StateError, StateRead};

/// A validator was made.
///
/// # Errors
/// What a listener says.
pub fn after_validator_created(ctx: &mut Context<'_>, validator: &Validator) -> Result<(), TxError> {
    distribution::hooks::validator_created(ctx, &validator.operator)?;
    slashing::hooks::validator_created(ctx, validator)
}

/// A validator is about to be forgotten: it has no shares left.
///
/// # Errors
/// What a listener says.
pub fn after_validator_removed(ctx: &mut Context<'_>, validator: &Validator) -> Result<(), TxError> {
    distribution::hooks::validator_removed(ctx, &validator.operator)?;
    slashing::hooks::validator_removed(ctx, validator)?;
    power::forget(ctx, &validator.operator)
}

/// A validator joined the set.
///
/// # Errors
/// What a listener says.
pub fn after_validator_bonded(ctx: &mut Context<'_>, validator: &Validator) -> Result<(), TxError> {
    slashing::hooks::validator_bonded(ctx, validator)
}

/// A delegation is about to be made.
///
/// # Errors
/// What a listener says.
pub fn before_delegation_created(ctx: &mut Context<'_>, _: &Address, operator: &Address) -> Result<(), TxError> {
    distribution::hooks::delegation_created(ctx, operator)
}

/// The shares of a delegation are about to change, or to go.
///
/// # Errors
/// What a listener says.
pub fn before_delegation_shares_modified(
    ctx: &mut Context<'_>,
    delegator: &Address,
    operator: &Address,
) -> Result<(), TxError> {
    distribution::hooks::delegation_modified(ctx, delegator, operator)
}

/// The shares of a delegation have changed.
///
/// # Errors
/// What a listener says.
pub fn after_delegation_modified(
    ctx: &mut Context<'_>,
    delegator: &Address,
    operator: &Address,
) -> Result<(), TxError> {
    distribution::hooks::delegation_settled(ctx, delegator, operator)
}

/// A validator is about to lose this fraction of its tokens.
///
/// # Errors
/// What a listener says.
pub fn before_validator_slashed(ctx: &mut Context<'_>, operator: &Address, fraction: Dec) -> Result<(), TxError> {
    distribution::hooks::validator_slashed(ctx, operator, fraction)
}

/// A dataset was revoked.
///
/// # Errors
/// What a listener says.
pub fn after_dataset_revoked(ctx: &mut Context<'_>, dataset: u64) -> Result<(), TxError> {
    training::dataset_revoked(ctx, dataset)
}

/// The bond of a node in base units, for whom it is a part of a reputation.
///
/// # Errors
/// The database fails.
pub fn bond_of(state: &dyn StateRead, node: &Address) -> Result<u128, StateError> {
    compute::node(state, node)?.map_or(Ok(0), |node| compute::bond(&node))
}

/// Whether an account may list a dataset or a set: it must be the owner's, or the curator's. A listing is an offer, and
/// grants are asked for again at every lock.
///
/// # Errors
/// It is not the account's.
pub fn may_list(ctx: &Context<'_>, seller: &Address, kind: Kind, target: u64) -> Result<(), TxError> {
    vault::demand_seller(ctx, seller, kind == Kind::Set, target)
}
