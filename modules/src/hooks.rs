//! Who is told what happens to validators and delegations: all of it in one place, in the order in which it runs.

use crate::address::Address;
use crate::context::Context;
use crate::decimal::Dec;
use crate::error::TxError;
use crate::staking::Validator;
use crate::{distribution, power, slashing};

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
