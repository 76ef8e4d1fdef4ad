//! What becomes of proposals whose time is over.
//!
//! # Work per block
//! What waits in the two queues was paid for. A proposal without enough deposits locks one per cent of the least deposit
//! for the deposit period, and each further deposit as much again: with the defaults a hundred thousand of them lock
//! 10^10 base units for two days, beside their gas. A proposal that is voted on locks the least deposit, 10^7, and each
//! vote costs a transaction of some 60 000 gas for every voter and every proposal. So that whoever pays for very many
//! cannot let them end in one block, a block stops after [`MOST_ENTRIES`] deposits and votes of each queue and leaves the
//! rest to the next: a thousand proposals of a thousand votes end within fifty blocks. One proposal is never divided: a
//! million votes on it cost their senders 6·10^10 gas, and their count one read of delegations and one deletion each.

use super::params::{covers, rules};
use super::proposal::{delete, known, store};
use super::{damaged, deposit, keys, tally, vote};
use crate::authority::authority;
use crate::bank;
use crate::coin::Coins;
use crate::context::{Context, last_number};
use crate::error::{Sdk, TxError};
use crate::module::handler_of;
use crate::staking::keys::queue_end;
use crate::time::later;
use zektra_proto::cosmos::gov::v1::{Proposal, ProposalStatus as Status};
use zektra_proto::tendermint::abci::Event;
use zektra_state::{Order, StateDelta, StateError, StateRead};

/// Deposits and votes of each queue after which a block leaves further proposals to the next.
pub const MOST_ENTRIES: usize = 20_000;

pub(super) fn end(ctx: &mut Context<'_>) -> Result<(), TxError> {
    let mut done = 0;
    while let (true, Some(id)) = (done < MOST_ENTRIES, due(ctx, keys::INACTIVE)?) {
        done += 1 + drop_proposal(ctx, id)?;
    }
    let mut done = 0;
    while let (true, Some(id)) = (done < MOST_ENTRIES, due(ctx, keys::ACTIVE)?) {
        done += 1 + conclude(ctx, id)?;
    }
    Ok(())
}

/// The first proposal of a queue whose time is over.
fn due(ctx: &Context<'_>, queue: &[u8]) -> Result<Option<u64>, StateError> {
    let end = queue_end(queue, &ctx.block.time);
    let Some(entry) = ctx.state.scan(queue, Some(&end), Order::Ascending).next() else { return Ok(None) };
    id_of(&entry?.0).map(Some)
}

/// The proposal at the end of a queue's key.
pub(super) fn id_of(key: &[u8]) -> Result<u64, StateError> {
    last_number(key)
}

/// Ends the wait for deposits; how many there were.
fn drop_proposal(ctx: &mut Context<'_>, id: u64) -> Result<usize, TxError> {
    let proposal = known(ctx.state, id)?;
    delete(ctx.state, &proposal)?;
    let burns = rules(ctx.state)?.burn_proposal_deposit_prevote;
    let count = if burns { deposit::burn(ctx, id)? } else { deposit::refund(ctx, id)? };
    let attributes = [("proposal_id", id.to_string()), ("proposal_result", "proposal_dropped".into())];
    ctx.emit("inactive_proposal", attributes);
    Ok(count)
}

/// Ends a vote; how many votes and deposits there were.
fn conclude(ctx: &mut Context<'_>, id: u64) -> Result<usize, TxError> {
    let mut proposal = known(ctx.state, id)?;
    let rules = rules(ctx.state)?;
    let (outcome, refused) = match tally::tally(ctx.state, &proposal, &rules) {
        Ok(outcome) => (outcome, "proposal did not get enough votes to pass".into()),
        Err(error) if error.is_internal() => return Err(error),
        // Numbers that cannot be counted end the proposal, not the chain.
        Err(error) => (tally::Outcome::none(), error.log),
    };
    let mut count = vote::delete(ctx.state, id)?;
    // An expedited proposal that fails keeps its deposits: the vote goes on.
    let goes_on = proposal.expedited && !outcome.passes;
    if !goes_on {
        count += if outcome.burns { deposit::burn(ctx, id)? } else { deposit::refund(ctx, id)? };
    }
    if let Some(end) = &proposal.voting_end_time {
        ctx.state.delete(keys::queued(keys::ACTIVE, end, id))?;
    }
    let (result, log) = if outcome.passes {
        // Decided before it is executed: its messages find it closed.
        proposal.set_status(Status::Passed);
        store(ctx.state, &proposal)?;
        match execute(ctx, &proposal)? {
            Ok(()) => ("proposal_passed", "passed".into()),
            Err(Failure { place, name, error }) => {
                proposal.set_status(Status::Failed);
                proposal.failed_reason = error.log;
                let why = &proposal.failed_reason;
                ("proposal_failed", format!("passed, but msg {place} ({name}) failed on execution: {why}"))
            }
        }
    } else if goes_on {
        proposal.expedited = false;
        let start = proposal.voting_start_time.ok_or_else(|| damaged(format!("the vote on {id} never began")))?;
        let end = later(&start, &rules.voting_period)?;
        proposal.voting_end_time = Some(end);
        ctx.state.put(keys::queued(keys::ACTIVE, &end, id), vec![1])?;
        ("expedited_proposal_rejected", "expedited proposal converted to regular".into())
    } else {
        proposal.set_status(Status::Rejected);
        proposal.failed_reason = refused;
        ("proposal_rejected", "rejected".into())
    };
    proposal.final_tally_result = Some(outcome.result);
    store(ctx.state, &proposal)?;
    let attributes = [("proposal_id", id.to_string()), ("proposal_result", result.to_string()), ("proposal_log", log)];
    ctx.emit("active_proposal", attributes);
    Ok(count)
}

/// A message that failed: its place in the proposal and its type.
struct Failure {
    place: usize,
    name: String,
    error: TxError,
}

/// Executes the messages of a proposal, all or none.
fn execute(ctx: &mut Context<'_>, proposal: &Proposal) -> Result<Result<(), Failure>, TxError> {
    let mut layer = StateDelta::new(&*ctx.state);
    let mut events: Vec<Event> = vec![];
    let mut inner =
        Context { state: &mut layer, events: &mut events, block: ctx.block, prefix: ctx.prefix, gas: ctx.gas };
    for (place, any) in proposal.messages.iter().enumerate() {
        let before = bank::balances(inner.state, &authority())?;
        let run = handler_of(any).and_then(|handler| handler.run(&any.value, &mut inner));
        match run.and_then(|_| demand_covered(inner.state, &before)) {
            Ok(()) => {}
            // A database that fails is no proposal's fault.
            Err(error) if error.is_internal() => return Err(error),
            Err(error) => return Ok(Err(Failure { place, name: any.type_url.clone(), error })),
        }
    }
    for (key, value) in layer.into_changes() {
        match value {
            Some(value) => ctx.state.put(key, value)?,
            None => ctx.state.delete(key)?,
        }
    }
    ctx.events.append(&mut events);
    Ok(Ok(()))
}

/// Refuses that a proposal spends what others deposited: they could not be paid back.
fn demand_covered(state: &dyn StateRead, before: &Coins) -> Result<(), TxError> {
    // All deposits are read only where something was spent.
    if covers(&bank::balances(state, &authority())?, before) {
        return Ok(());
    }
    let (held, owed) = covered(state)?;
    if covers(&held, &owed) {
        return Ok(());
    }
    Err(Sdk::InsufficientFunds.wrap(format!("{held} would be left of deposits of {owed}")))
}

/// What the module holds, and the sum of all deposits.
pub(super) fn covered(state: &dyn StateRead) -> Result<(Coins, Coins), TxError> {
    let mut owed = Coins::none();
    for (_, deposit) in deposit::all(state, keys::DEPOSITS)? {
        owed.add_all(&deposit::stored(&deposit.amount)?)?;
    }
    Ok((bank::balances(state, &authority())?, owed))
}
