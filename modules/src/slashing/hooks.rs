//! What is kept of validators' signatures when they come and go.

use super::error::Slashing as SlashingError;
use super::{penalty, set_signing_info, signing_info};
use crate::context::Context;
use crate::error::{Sdk, TxError};
use crate::staking::Validator;
use zektra_proto::Timestamp;
use zektra_proto::cosmos::slashing::v1beta1::ValidatorSigningInfo;

/// A validator was made: not with a key that was slashed for ever.
pub fn validator_created(ctx: &mut Context<'_>, validator: &Validator) -> Result<(), TxError> {
    match signing_info(ctx.state, &validator.consensus())? {
        Some(info) if info.tombstoned => Err(SlashingError::ValidatorTombstoned.bare()),
        _ => Ok(()),
    }
}

/// A validator is about to be forgotten. Its signing info stays: a key that comes back is the same key.
pub fn validator_removed(ctx: &mut Context<'_>, validator: &Validator) -> Result<(), TxError> {
    let consensus = validator.consensus();
    let Some(mut info) = signing_info(ctx.state, &consensus)? else { return Ok(()) };
    penalty::forget(ctx, validator, &mut info)?;
    Ok(set_signing_info(ctx.state, &consensus, &info)?)
}

/// A validator joined the set: its signatures are counted from here.
pub fn validator_bonded(ctx: &mut Context<'_>, validator: &Validator) -> Result<(), TxError> {
    let consensus = validator.consensus();
    let start_height = i64::try_from(ctx.block.height).map_err(|e| Sdk::InvalidHeight.wrap(e))?;
    let new = || ValidatorSigningInfo {
        address: ctx.prefix.consensus_text(&consensus),
        jailed_until: Some(Timestamp::default()),
        ..ValidatorSigningInfo::default()
    };
    let info = signing_info(ctx.state, &consensus)?.unwrap_or_else(new);
    Ok(set_signing_info(ctx.state, &consensus, &ValidatorSigningInfo { start_height, ..info })?)
}
