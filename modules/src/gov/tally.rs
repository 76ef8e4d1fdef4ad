//! What the votes on a proposal come to.
//!
//! Source of the formulas and of their order: the Cosmos SDK's `x/gov/keeper/tally.go`.

use super::params::Rules;
use super::{damaged, keys};
use crate::address::Address;
use crate::context::load_all_keyed;
use crate::decimal::{Dec, OutOfRange};
use crate::error::TxError;
use crate::staking::{self, Validator};
use std::collections::BTreeMap;
use zektra_proto::cosmos::gov::v1::{Proposal, TallyResult, Vote, WeightedVoteOption};
use zektra_state::StateRead;

/// What a vote ended with.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// Whether the proposal is accepted.
    pub passes: bool,
    /// Whether its deposits are burned.
    pub burns: bool,
    /// Tokens for each option.
    pub result: TallyResult,
}

impl Outcome {
    /// Of votes that cannot be counted.
    pub(super) fn none() -> Self {
        let none = || "0".to_string();
        let result =
            TallyResult { yes_count: none(), abstain_count: none(), no_count: none(), no_with_veto_count: none() };
        Self { passes: false, burns: false, result }
    }
}

/// A validator in the set: what is left of its shares for its own vote, and this vote.
struct Seat {
    validator: Validator,
    left: Dec,
    vote: Vec<WeightedVoteOption>,
}

/// Voting power by option: yes, abstain, no, veto.
#[derive(Default)]
struct Sums([Dec; 4], Dec);

impl Sums {
    fn add(&mut self, power: Dec, options: &[WeightedVoteOption]) -> Result<(), TxError> {
        for WeightedVoteOption { option, weight } in options {
            let sum = usize::try_from(*option).ok().and_then(|k| self.0.get_mut(k.checked_sub(1)?));
            let sum = sum.ok_or_else(|| damaged(format!("a vote for option {option}")))?;
            *sum = sum.plus(power.times(Dec::parse(weight).map_err(damaged)?)?)?;
        }
        self.1 = self.1.plus(power)?;
        Ok(())
    }
}

/// Counts the votes on a proposal: delegators with their shares, validators with those of all others.
///
/// # Errors
/// The database fails.
pub fn tally(state: &dyn StateRead, proposal: &Proposal, rules: &Rules) -> Result<Outcome, TxError> {
    let seat = |v: Validator| (v.operator.clone(), Seat { left: v.shares, validator: v, vote: vec![] });
    let mut seats: BTreeMap<Address, Seat> = staking::set::in_set(state)?.into_iter().map(seat).collect();
    let mut sums = Sums::default();
    for (voter, vote) in load_all_keyed::<Vote>(state, &keys::votes(proposal.id))? {
        let voter = Address::new(voter)?;
        for (operator, shares) in staking::delegation::delegations(state, &voter)? {
            let Some(seat) = seats.get_mut(&operator) else { continue };
            seat.left = seat.left.minus(shares)?;
            sums.add(seat.validator.tokens_of(shares)?, &vote.options)?;
        }
        if let Some(seat) = seats.get_mut(&voter) {
            seat.vote = vote.options;
        }
    }
    for seat in seats.values().filter(|seat| !seat.vote.is_empty() && !seat.validator.shares.is_zero()) {
        sums.add(seat.validator.tokens_of(seat.left)?, &seat.vote)?;
    }
    Ok(decide(&sums, staking::total_bonded(state)?, proposal.expedited, rules)?)
}

fn decide(Sums(sums, total): &Sums, bonded: u128, expedited: bool, rules: &Rules) -> Result<Outcome, OutOfRange> {
    let [yes, abstain, no, veto] = *sums;
    let count = |sum: Dec| Ok::<_, OutOfRange>(sum.floor()?.to_string());
    let result = TallyResult {
        yes_count: count(yes)?,
        abstain_count: count(abstain)?,
        no_count: count(no)?,
        no_with_veto_count: count(veto)?,
    };
    let ends = |passes, burns| Ok(Outcome { passes, burns, result });
    if bonded == 0 {
        return ends(false, false);
    }
    if total.over(Dec::whole(bonded))? < rules.quorum {
        return ends(false, rules.burn_vote_quorum);
    }
    // Parts that were rounded up can exceed the whole.
    let active = total.minus(abstain).unwrap_or(Dec::ZERO);
    if active.is_zero() {
        return ends(false, false);
    }
    if veto.over(*total)? > rules.veto_threshold {
        return ends(false, rules.burn_vote_veto);
    }
    let threshold = if expedited { rules.expedited_threshold } else { rules.threshold };
    ends(yes.over(active)? > threshold, false)
}
