//! What faults cost.

use super::{Rules, ring, set_signing_info};
use crate::context::Context;
use crate::decimal::Dec;
use crate::error::TxError;
use crate::power;
use crate::staking::{self, Validator, set};
use crate::time::later;
use zektra_proto::Timestamp;
use zektra_proto::cosmos::slashing::v1beta1::ValidatorSigningInfo;

/// The end of a time in jail that never ends: the last second of the year 9999.
pub const NEVER: Timestamp = Timestamp { seconds: 253_402_300_799, nanos: 0 };

/// A fault of a validator.
struct Fault {
    /// Its power among the votes.
    power: u64,
    /// The height that was voted for, or was not.
    height: u64,
    /// The part of that stake that it costs.
    fraction: Dec,
    /// What it is called.
    reason: &'static str,
}

/// Burns what a fault costs; gives the attributes of its event.
fn slash(ctx: &mut Context<'_>, validator: &Validator, fault: Fault) -> Result<[(&'static str, String); 4], TxError> {
    let consensus = validator.consensus();
    let Fault { power, height, fraction, reason } = fault;
    // Votes weigh stake times multiplier; stake alone is slashed.
    let weight = power::weight(ctx.state, &validator.operator, power, height)?;
    // The stake behind a vote is that of the block before.
    let burned = staking::slash::slash(ctx, &consensus, height.saturating_sub(1), weight, fraction)?;
    Ok([
        ("address", ctx.prefix.consensus_text(&consensus)),
        ("power", power.to_string()),
        ("reason", reason.into()),
        ("burned_coins", burned.to_string()),
    ])
}

/// Jails a validator after it was slashed.
fn jail(ctx: &mut Context<'_>, validator: &Validator) -> Result<(), TxError> {
    let mut slashed = staking::known(ctx.state, &validator.operator)?;
    if slashed.jailed { Ok(()) } else { set::jail(ctx, &mut slashed) }
}

/// Punishes who missed too many blocks; its blocks are counted anew.
pub(super) fn downtime(
    ctx: &mut Context<'_>,
    rules: &Rules,
    validator: &Validator,
    power: u64,
    info: &mut ValidatorSigningInfo,
) -> Result<(), TxError> {
    let consensus = validator.consensus();
    // The commit is that of the block before.
    let height = ctx.block.height.saturating_sub(1);
    let fault = Fault { power, height, fraction: rules.downtime, reason: "missing_signature" };
    let [address, power, reason, burned] = slash(ctx, validator, fault)?;
    ctx.emit("slash", [address, power, reason, ("jailed", ctx.prefix.consensus_text(&consensus)), burned]);
    jail(ctx, validator)?;
    info.jailed_until = Some(later(&ctx.block.time, &rules.jail)?);
    forget(ctx, validator, info)
}

/// Clears what was counted of a validator.
pub(super) fn forget(
    ctx: &mut Context<'_>,
    validator: &Validator,
    info: &mut ValidatorSigningInfo,
) -> Result<(), TxError> {
    (info.missed_blocks_counter, info.index_offset) = (0, 0);
    Ok(ring::clear(ctx.state, &validator.consensus())?)
}

/// Punishes two votes of a validator for one height: it loses a part of its stake, and its key is never used again.
/// `power` is what each of the votes weighed at `height`.
///
/// # Errors
/// The database fails.
pub fn double_sign(
    ctx: &mut Context<'_>,
    validator: &Validator,
    mut info: ValidatorSigningInfo,
    power: u64,
    height: u64,
) -> Result<(), TxError> {
    let fraction = Rules::load(ctx.state)?.double_sign;
    let fault = Fault { power, height, fraction, reason: "double_sign" };
    let attributes = slash(ctx, validator, fault)?;
    ctx.emit("slash", attributes);
    let consensus = validator.consensus();
    if !validator.jailed {
        jail(ctx, validator)?;
        ctx.emit("slash", [("jailed", ctx.prefix.consensus_text(&consensus))]);
    }
    (info.jailed_until, info.tombstoned) = (Some(NEVER), true);
    Ok(set_signing_info(ctx.state, &consensus, &info)?)
}
