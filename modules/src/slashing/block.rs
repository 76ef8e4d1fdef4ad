//! What happens at the beginning of blocks: signatures of the block before are counted.

use super::{Rules, damaged, number, penalty, ring, set_signing_info, signing_info};
use crate::context::{Context, Vote};
use crate::error::TxError;
use crate::staking;

pub fn begin(ctx: &mut Context<'_>) -> Result<(), TxError> {
    let (block, rules) = (ctx.block, Rules::load(ctx.state)?);
    block.votes.iter().try_for_each(|vote| count(ctx, &rules, vote))
}

fn count(ctx: &mut Context<'_>, rules: &Rules, vote: &Vote) -> Result<(), TxError> {
    let consensus = &vote.validator;
    // Votes come some blocks late: their validator may have left by now.
    let Some(validator) = staking::by_consensus(ctx.state, consensus)? else { return Ok(()) };
    if validator.jailed || validator.is_unbonded() {
        return Ok(());
    }
    let Some(mut info) = signing_info(ctx.state, consensus)? else { return Ok(()) };
    let offset = number(info.index_offset)?;
    info.index_offset = info.index_offset.checked_add(1).ok_or_else(|| damaged("more blocks than can be counted"))?;
    let missed = !vote.signed;
    if ring::set(ctx.state, consensus, offset % rules.window, missed)? {
        info.missed_blocks_counter += if missed { 1 } else { -1 };
    }
    let (height, misses) = (ctx.block.height, number(info.missed_blocks_counter)?);
    if missed {
        let address = ctx.prefix.consensus_text(consensus);
        let attributes = [("address", address), ("missed_blocks", misses.to_string()), ("height", height.to_string())];
        ctx.emit("liveness", attributes);
    }
    let first = number(info.start_height)?.saturating_add(rules.window);
    if height > first && misses > rules.max_missed() {
        penalty::downtime(ctx, rules, &validator, vote.power, &mut info)?;
    }
    Ok(set_signing_info(ctx.state, consensus, &info)?)
}
