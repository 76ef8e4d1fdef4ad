//! What proven work adds to validators' weights: `docs/protocol.md`, section 17.
//!
//! ```text
//! multiplier = 10000 + ⌊training_bonus · min(1, c/s)⌋
//! ```
//!
//! with `s` a validator's share of stake and `c` its share of the units that were proven in the epoch.

use super::{clear_credits, credits, keys, params};
use crate::address::Address;
use crate::context::{Context, load_number};
use crate::error::TxError;
use crate::{power, staking};
use primitive_types::U256;
use std::collections::BTreeMap;

/// `⌊bonus · min(1, (part/all) / (stake/stakes))⌋`; 0 where nobody has a part.
pub fn bonus(bonus: u32, part: u64, all: u64, stake: u128, stakes: u128) -> u32 {
    if all == 0 || stake == 0 {
        return 0;
    }
    // 32 + 64 + 128 bits.
    let earned = U256::from(bonus) * U256::from(part) * U256::from(stakes);
    let share = earned / (U256::from(all) * U256::from(stake));
    u32::try_from(share.min(bonus.into())).unwrap_or(bonus)
}

/// Whether a block is the last of its epoch.
pub fn ends(height: u64, epoch_blocks: u64) -> bool {
    epoch_blocks > 0 && height.is_multiple_of(epoch_blocks)
}

pub(super) fn end(ctx: &mut Context<'_>) -> Result<(), TxError> {
    let params = params(ctx.state)?;
    if !ends(ctx.block.height, params.epoch_blocks) {
        return Ok(());
    }
    let credits: BTreeMap<Address, u64> = credits(ctx.state)?.into_iter().collect();
    let all = credits.values().fold(0u64, |sum, units| sum.saturating_add(*units));
    let set = staking::set::in_set(ctx.state)?;
    let stakes = set.iter().fold(0u128, |sum, v| sum.saturating_add(v.tokens));
    for validator in set {
        let part = credits.get(&validator.operator).copied().unwrap_or(0);
        let multiplier = power::ONE.saturating_add(bonus(params.training_bonus, part, all, validator.tokens, stakes));
        if power::multiplier(ctx.state, &validator.operator)? != multiplier {
            power::set(ctx, &validator.operator, multiplier)?;
        }
    }
    let epoch = ctx.block.height / params.epoch_blocks;
    let attributes = [("epoch", epoch.to_string()), ("units", all.to_string())];
    ctx.emit("proofs_epoch", attributes);
    clear_credits(ctx.state)
}

/// Units with which a validator was credited in this epoch.
pub(super) fn add(ctx: &mut Context<'_>, operator: &Address, units: u64) -> Result<(), TxError> {
    let key = keys::credit(operator);
    let sum = load_number(ctx.state, &key)?.saturating_add(units);
    Ok(ctx.state.put(key, sum.to_be_bytes().to_vec())?)
}
