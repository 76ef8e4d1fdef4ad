//! What happens at the beginning of blocks: who voted for two blocks of one height is punished.

use super::keep;
use crate::address::Address;
use crate::context::Context;
use crate::error::TxError;
use crate::{consensus, slashing, staking};
use zektra_proto::Timestamp;
use zektra_proto::cosmos::evidence::v1beta1::Equivocation;
use zektra_proto::tendermint::abci::{Misbehavior, MisbehaviorType};
use zektra_state::StateError;

pub fn begin(ctx: &mut Context<'_>) -> Result<(), TxError> {
    let block = ctx.block;
    block.misbehavior.iter().try_for_each(|found| punish(ctx, found))
}

/// Punishes what can still be punished; nothing else is an error, as consensus may know validators that are forgotten
/// here.
fn punish(ctx: &mut Context<'_>, found: &Misbehavior) -> Result<(), TxError> {
    if !matches!(found.r#type(), MisbehaviorType::DuplicateVote | MisbehaviorType::LightClientAttack) {
        return Ok(());
    }
    let accused = found.validator.as_ref();
    let Some(Ok(address)) = accused.map(|v| Address::new(v.address.to_vec())) else { return Ok(()) };
    let power = accused.map_or(0, |v| v.power);
    let time = found.time.as_ref().map(|t| Timestamp { seconds: t.seconds, nanos: t.nanos }).unwrap_or_default();
    let Some(validator) = staking::by_consensus(ctx.state, &address)?.filter(|v| !v.is_unbonded()) else {
        return Ok(());
    };
    if is_too_old(ctx, found.height, &time)? {
        return Ok(());
    }
    let Some(info) = slashing::signing_info(ctx.state, &address)?.filter(|info| !info.tombstoned) else {
        return Ok(());
    };
    let (weight, height) = (u64::try_from(power).unwrap_or(0), u64::try_from(found.height).unwrap_or(0));
    slashing::double_sign(ctx, &validator, info, weight, height)?;
    let consensus_address = ctx.prefix.consensus_text(&address);
    let evidence = Equivocation { height: found.height, time: Some(time), power, consensus_address };
    Ok(keep(ctx.state, &evidence)?)
}

/// Evidence is too old when it is both in blocks and in time: a validator's stake is gone by then.
fn is_too_old(ctx: &Context<'_>, height: i64, time: &Timestamp) -> Result<bool, StateError> {
    let Some(limits) = consensus::params(ctx.state)?.evidence else { return Ok(false) };
    let nanos = |seconds: i64, nanos: i32| i128::from(seconds) * 1_000_000_000 + i128::from(nanos);
    let now = &ctx.block.time;
    let age = nanos(now.seconds, now.nanos) - nanos(time.seconds, time.nanos);
    let most = limits.max_age_duration.map_or(0, |d| nanos(d.seconds, d.nanos));
    let blocks = i128::from(ctx.block.height) - i128::from(height);
    Ok(age > most && blocks > limits.max_age_num_blocks.into())
}
