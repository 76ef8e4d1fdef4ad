//! Votes.

use super::error::Gov;
use super::{demand_metadata, keys};
use crate::address::Address;
use crate::context::{Context, load, save};
use crate::decimal::Dec;
use crate::error::{Sdk, TxError};
use zektra_proto::cosmos::gov::v1::{Vote, VoteOption, WeightedVoteOption};
use zektra_state::{Order, StateError, StateRead, StateWrite, scan_prefix};

/// A vote.
///
/// # Errors
/// The database fails.
pub fn vote(state: &dyn StateRead, id: u64, voter: &Address) -> Result<Option<Vote>, StateError> {
    load(state, &keys::vote(id, voter))
}

/// One option with all the weight.
pub(super) fn whole(option: i32) -> Vec<WeightedVoteOption> {
    vec![WeightedVoteOption { option, weight: Dec::one().to_string() }]
}

/// The name of an option, or its number if it has none.
fn name(option: i32) -> String {
    VoteOption::try_from(option).map_or_else(|_| option.to_string(), |o| o.as_str_name().into())
}

/// Refuses what is no option.
pub(super) fn check_option(option: i32) -> Result<(), TxError> {
    match VoteOption::try_from(option) {
        Ok(VoteOption::Unspecified) | Err(_) => Err(Gov::InvalidVote.wrap(name(option))),
        Ok(_) => Ok(()),
    }
}

/// Refuses options that stand twice, or whose weights are not one together.
pub(super) fn check_options(options: &[WeightedVoteOption]) -> Result<(), TxError> {
    if options.is_empty() {
        return Err(Sdk::InvalidRequest.wrap("null"));
    }
    let mut total = Dec::ZERO;
    for (k, WeightedVoteOption { option, weight }) in options.iter().enumerate() {
        let wrong = || Gov::InvalidVote.wrap(format!("option:{} weight:{weight:?} ", name(*option)));
        let share = Dec::parse(weight).map_err(|_| wrong())?;
        if share.is_zero() || share > Dec::one() || check_option(*option).is_err() {
            return Err(wrong());
        }
        if options[..k].iter().any(|o| o.option == *option) {
            return Err(Gov::InvalidVote.wrap("duplicated vote option"));
        }
        total = total.plus(share)?;
    }
    match total.cmp(&Dec::one()) {
        std::cmp::Ordering::Greater => Err(Gov::InvalidVote.wrap("total weight overflow 1.00")),
        std::cmp::Ordering::Less => Err(Gov::InvalidVote.wrap("total weight lower than 1.00")),
        std::cmp::Ordering::Equal => Ok(()),
    }
}

/// Options as events show them.
fn shown(options: &[WeightedVoteOption]) -> String {
    let each = |o: &WeightedVoteOption| format!(r#"{{"option":{},"weight":"{}"}}"#, o.option, o.weight);
    format!("[{}]", options.iter().map(each).collect::<Vec<_>>().join(","))
}

/// Casts a vote, in place of an earlier one. The options were checked.
pub(super) fn cast(
    ctx: &mut Context<'_>,
    id: u64,
    voter: &Address,
    options: Vec<WeightedVoteOption>,
    metadata: String,
) -> Result<(), TxError> {
    if ctx.state.get(&keys::voting(id))?.is_none() {
        return Err(Gov::InactiveProposal.wrap(id));
    }
    demand_metadata(&metadata)?;
    let text = ctx.text(voter);
    let attributes = [("voter", text.clone()), ("option", shown(&options)), ("proposal_id", id.to_string())];
    save(ctx.state, keys::vote(id, voter), &Vote { proposal_id: id, voter: text, options, metadata })?;
    ctx.emit("proposal_vote", attributes);
    Ok(())
}

/// Forgets all votes on a proposal; how many there were.
pub(super) fn delete(state: &mut dyn StateWrite, id: u64) -> Result<usize, StateError> {
    let keys: Vec<_> = scan_prefix(state, &keys::votes(id), Order::Ascending)
        .map(|entry| Ok(entry?.0))
        .collect::<Result<_, StateError>>()?;
    let count = keys.len();
    keys.into_iter().try_for_each(|key| state.delete(key))?;
    Ok(count)
}
