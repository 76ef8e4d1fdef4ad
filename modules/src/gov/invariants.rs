//! What holds after every block.

use super::block::{covered, id_of};
use super::params::covers;
use super::{damaged, deposit, keys, rules, stored_proposals};
use crate::coin::Coins;
use crate::context::load_number;
use crate::error::TxError;
use std::collections::{BTreeMap, BTreeSet};
use zektra_proto::Timestamp;
use zektra_proto::cosmos::gov::v1::{Proposal, ProposalStatus as Status};
use zektra_state::{Order, StateError, StateRead, scan_prefix};

pub(super) fn check(state: &dyn StateRead) -> Result<(), TxError> {
    let fails = |what: String| Err(damaged(what).into());
    rules(state)?;
    let (held, owed) = covered(state)?;
    if !covers(&held, &owed) {
        return fails(format!("deposits are {owed}, the module holds {held}"));
    }
    let proposals = stored_proposals(state)?;
    let next = load_number(state, keys::NEXT)?;
    if let Some(last) = proposals.last().filter(|p| p.id >= next) {
        return fails(format!("proposal {} is there, {next} is the next", last.id));
    }
    queue_matches(state, &proposals, keys::INACTIVE, Status::DepositPeriod, |p| p.deposit_end_time)?;
    queue_matches(state, &proposals, keys::ACTIVE, Status::VotingPeriod, |p| p.voting_end_time)?;
    let of = |status: Status| proposals.iter().filter(move |p| p.status() == status).map(|p| p.id);
    let voting: BTreeSet<u64> = of(Status::VotingPeriod).collect();
    if ids(state, keys::VOTING)? != voting {
        return fails("the list of proposals that are voted on differs from their statuses".into());
    }
    if !ids(state, keys::VOTES)?.is_subset(&voting) {
        return fails("there are votes on a proposal that is not voted on".into());
    }
    let mut sums: BTreeMap<u64, Coins> = of(Status::DepositPeriod).chain(of(Status::VotingPeriod)).map(none).collect();
    for (_, deposit) in deposit::all(state, keys::DEPOSITS)? {
        let id = deposit.proposal_id;
        let Some(sum) = sums.get_mut(&id) else { return fails(format!("there is a deposit on {id}, which is closed")) };
        sum.add_all(&deposit::stored(&deposit.amount)?)?;
    }
    for proposal in &proposals {
        let total = deposit::stored(&proposal.total_deposit)?;
        if let Some(sum) = sums.get(&proposal.id).filter(|sum| **sum != total) {
            return fails(format!("deposits on {} are {sum}, it says {total}", proposal.id));
        }
    }
    Ok(())
}

fn none(id: u64) -> (u64, Coins) {
    (id, Coins::none())
}

/// The proposals that stand in keys behind a prefix.
fn ids(state: &dyn StateRead, prefix: &[u8]) -> Result<BTreeSet<u64>, StateError> {
    let at = prefix.len();
    scan_prefix(state, prefix, Order::Ascending)
        .map(|entry| id_of(entry?.0.get(at..at + 8).unwrap_or_default()))
        .collect()
}

/// A queue holds the proposals of its status, each at its time.
fn queue_matches(
    state: &dyn StateRead,
    proposals: &[Proposal],
    queue: &[u8],
    status: Status,
    end: fn(&Proposal) -> Option<Timestamp>,
) -> Result<(), TxError> {
    let wanted = proposals.iter().filter(|p| p.status() == status);
    let wanted: BTreeSet<_> = wanted.map(|p| keys::queued(queue, &end(p).unwrap_or_default(), p.id)).collect();
    let found = scan_prefix(state, queue, Order::Ascending).map(|entry| Ok(entry?.0));
    if found.collect::<Result<BTreeSet<_>, StateError>>()? != wanted {
        return Err(damaged(format!("the queue of {} differs from the statuses", status.as_str_name())).into());
    }
    Ok(())
}
