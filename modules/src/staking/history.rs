//! Who was in the set at the last heights, for light clients of other chains.
//!
//! A set is written when it changes, not with every block: blocks in between share it.

use super::validator::Validator;
use super::{keys, params, set};
use crate::address::Address;
use crate::context::{Context, load, save};
use crate::error::TxError;
use sha2::{Digest as _, Sha256};
use zektra_proto::cosmos::staking::v1beta1::HistoricalInfo;
use zektra_proto::tendermint::types::Header;
use zektra_state::{Order, StateError, StateRead};

/// What is known of a height.
///
/// # Errors
/// The database fails.
pub fn info(state: &dyn StateRead, height: u64) -> Result<Option<HistoricalInfo>, StateError> {
    let Some(header) = load::<HistoricalInfo>(state, &keys::history(height))? else { return Ok(None) };
    let set = newest(state, height)?.map(|(_, set)| set).unwrap_or_default();
    Ok(Some(HistoricalInfo { valset: set.valset, ..header }))
}

/// The newest set that began at a height or before, with its height's key.
fn newest(state: &dyn StateRead, height: u64) -> Result<Option<(Vec<u8>, HistoricalInfo)>, StateError> {
    let after = keys::history_set(height.saturating_add(1));
    let Some(entry) = state.scan(keys::HISTORY_SETS, Some(&after), Order::Descending).next() else { return Ok(None) };
    let (key, _) = entry?;
    Ok(load(state, &key)?.map(|set| (key, set)))
}

/// Notes this block's header and set, and forgets what is too old.
pub(super) fn track(ctx: &mut Context<'_>) -> Result<(), TxError> {
    let kept = u64::from(params(ctx.state)?.historical_entries);
    let height = ctx.block.height;
    forget(ctx, height.saturating_sub(kept).saturating_add(1))?;
    if kept == 0 {
        return Ok(());
    }
    let header = Header {
        chain_id: ctx.block.chain_id.clone(),
        height: i64::try_from(height).unwrap_or(i64::MAX),
        time: Some(zektra_proto::comet::Timestamp { seconds: ctx.block.time.seconds, nanos: ctx.block.time.nanos }),
        proposer_address: ctx.block.proposer.clone(),
        ..Header::default()
    };
    save(ctx.state, keys::history(height), &HistoricalInfo { header: Some(header), valset: vec![] })?;
    let powers = set::last_powers(ctx.state)?;
    let sum = powers.iter().fold(Sha256::new(), |sum, (operator, power)| {
        sum.chain_update(operator.prefixed()).chain_update(power.to_be_bytes())
    });
    let sum = sum.finalize().to_vec();
    if ctx.state.get(keys::HISTORY_SUM)?.as_ref() == Some(&sum) {
        return Ok(());
    }
    let of = |operator: &Address| super::known(ctx.state, operator);
    let mut set: Vec<Validator> = powers.keys().map(of).collect::<Result<_, _>>()?;
    set.sort_by(|a, b| b.tokens.cmp(&a.tokens).then_with(|| a.operator.cmp(&b.operator)));
    let valset = set.iter().map(|v| v.to_proto(ctx.operator_text(&v.operator))).collect();
    save(ctx.state, keys::history_set(height), &HistoricalInfo { header: None, valset })?;
    Ok(ctx.state.put(keys::HISTORY_SUM.to_vec(), sum)?)
}

/// Forgets headers below a height, and sets that no header needs.
fn forget(ctx: &mut Context<'_>, first: u64) -> Result<(), TxError> {
    let keys_below = |from: &[u8], to: &[u8]| -> Result<Vec<Vec<u8>>, StateError> {
        ctx.state.scan(from, Some(to), Order::Ascending).map(|entry| Ok(entry?.0)).collect()
    };
    let mut old = keys_below(keys::HISTORY, &keys::history(first))?;
    if let Some((needed, _)) = newest(ctx.state, first)? {
        old.extend(keys_below(keys::HISTORY_SETS, &needed)?);
    }
    old.into_iter().try_for_each(|key| Ok(ctx.state.delete(key)?))
}
