//! Proposals on their way: submitted, voted on, decided or taken back.

use super::deposit;
use super::error::Gov;
use super::params::{Rules, rules};
use super::{demand_metadata, demand_summary, keys, legacy, vote};
use crate::address::Address;
use crate::authority::authority;
use crate::context::{Context, load, load_number, save};
use crate::error::{Sdk, TxError};
use crate::module::handler_of;
use crate::time::later;
use prost::Message as _;
use zektra_proto::cosmos::gov::v1::{MsgSubmitProposal, Proposal, ProposalStatus as Status, TallyResult};
use zektra_proto::{Any, Timestamp};
use zektra_state::{StateError, StateRead, StateWrite};

/// Gas for a byte of a proposal, which is written again and again: thrice what writing it once costs.
const GAS_PER_BYTE: u64 = 90;

/// A proposal.
///
/// # Errors
/// The database fails.
pub fn proposal(state: &dyn StateRead, id: u64) -> Result<Option<Proposal>, StateError> {
    load(state, &keys::proposal(id))
}

/// A proposal that must be there.
///
/// # Errors
/// There is none; the database fails.
pub fn known(state: &dyn StateRead, id: u64) -> Result<Proposal, TxError> {
    proposal(state, id)?.ok_or_else(|| Gov::UnknownProposal.wrap(id))
}

/// Stores a proposal, and whether it is voted on.
pub(super) fn store(state: &mut dyn StateWrite, proposal: &Proposal) -> Result<(), StateError> {
    let key = keys::voting(proposal.id);
    match proposal.status() {
        Status::VotingPeriod => state.put(key, vec![1])?,
        _ => state.delete(key)?,
    }
    save(state, keys::proposal(proposal.id), proposal)
}

/// The result of a vote that nobody took part in.
pub(super) fn no_votes() -> TallyResult {
    let zero = || "0".to_string();
    TallyResult { yes_count: zero(), abstain_count: zero(), no_count: zero(), no_with_veto_count: zero() }
}

/// Forgets a proposal and its place in the queues.
pub(super) fn delete(state: &mut dyn StateWrite, proposal: &Proposal) -> Result<(), StateError> {
    if let Some(end) = &proposal.deposit_end_time {
        state.delete(keys::queued(keys::INACTIVE, end, proposal.id))?;
    }
    if let Some(end) = &proposal.voting_end_time {
        state.delete(keys::queued(keys::ACTIVE, end, proposal.id))?;
    }
    state.delete(keys::voting(proposal.id))?;
    state.delete(keys::proposal(proposal.id))
}

/// Refuses a message that the chain itself could not execute.
fn demand_executable(ctx: &Context<'_>, any: &Any) -> Result<(), TxError> {
    let handler = handler_of(any).map_err(|_| Gov::UnroutableProposalMsg.wrap(&any.type_url))?;
    let signers = handler.check(&any.value, ctx.prefix).map_err(|e| Gov::InvalidProposalMsg.wrap(e))?;
    match &signers[..] {
        [signer] if *signer == authority() => legacy::demand_content(any),
        [other] => Err(Gov::InvalidSigner.wrap(ctx.text(other))),
        _ => Err(Gov::InvalidSigner.bare()),
    }
}

/// Takes a proposal in, with its first deposit; gives its number.
pub(super) fn submit(ctx: &mut Context<'_>, msg: MsgSubmitProposal) -> Result<u64, TxError> {
    let rules = rules(ctx.state)?;
    let proposer = ctx.parse(&msg.proposer)?;
    let initial = deposit::initial(&rules, &msg.initial_deposit, msg.expedited)?;
    demand_metadata(&msg.metadata)?;
    demand_summary(&msg.summary)?;
    demand_metadata(&msg.title)?;
    for any in &msg.messages {
        demand_executable(ctx, any)?;
    }
    let id = load_number(ctx.state, keys::NEXT)?.max(1);
    let next = id.checked_add(1).ok_or_else(|| Sdk::InvalidRequest.wrap("no numbers of proposals are left"))?;
    ctx.state.put(keys::NEXT.to_vec(), next.to_be_bytes().to_vec())?;
    let names: String = msg.messages.iter().map(|any| format!(",{}", any.type_url)).collect();
    let end = later(&ctx.block.time, &rules.max_deposit_period)?;
    let proposal = Proposal {
        id,
        messages: msg.messages,
        status: Status::DepositPeriod.into(),
        final_tally_result: Some(no_votes()),
        submit_time: Some(ctx.block.time),
        deposit_end_time: Some(end),
        total_deposit: vec![],
        voting_start_time: None,
        voting_end_time: None,
        metadata: msg.metadata,
        title: msg.title,
        summary: msg.summary,
        proposer: ctx.text(&proposer),
        expedited: msg.expedited,
        failed_reason: String::new(),
    };
    store(ctx.state, &proposal)?;
    ctx.state.put(keys::queued(keys::INACTIVE, &end, id), vec![1])?;
    let attributes = [
        ("proposal_id", id.to_string()),
        ("proposal_proposer", proposal.proposer.clone()),
        ("proposal_messages", names),
    ];
    ctx.emit("submit_proposal", attributes);
    ctx.gas.consume(GAS_PER_BYTE.saturating_mul(proposal.encoded_len() as u64), "submit proposal")?;
    if deposit::add(ctx, id, &proposer, &initial)? {
        ctx.emit("submit_proposal", [("voting_period_start", id.to_string())]);
    }
    Ok(id)
}

/// Begins the vote on a proposal.
pub(super) fn activate(ctx: &mut Context<'_>, proposal: &mut Proposal, rules: &Rules) -> Result<(), TxError> {
    let period = if proposal.expedited { &rules.expedited_voting_period } else { &rules.voting_period };
    let end = later(&ctx.block.time, period)?;
    proposal.voting_start_time = Some(ctx.block.time);
    proposal.voting_end_time = Some(end);
    proposal.set_status(Status::VotingPeriod);
    store(ctx.state, proposal)?;
    if let Some(waited) = &proposal.deposit_end_time {
        ctx.state.delete(keys::queued(keys::INACTIVE, waited, proposal.id))?;
    }
    Ok(ctx.state.put(keys::queued(keys::ACTIVE, &end, proposal.id), vec![1])?)
}

fn before(a: &Timestamp, b: &Timestamp) -> bool {
    (a.seconds, a.nanos) < (b.seconds, b.nanos)
}

/// Takes a proposal back: its deposits are charged, and it is forgotten with its votes.
pub(super) fn cancel(ctx: &mut Context<'_>, id: u64, proposer: &Address) -> Result<(), TxError> {
    let proposal = known(ctx.state, id)?;
    let by = ctx.text(proposer);
    if proposal.proposer != by {
        return Err(Gov::InvalidProposer.wrap(format!("invalid proposer {by}")));
    }
    if !matches!(proposal.status(), Status::DepositPeriod | Status::VotingPeriod) {
        return Err(Gov::InvalidProposal.wrap("proposal should be in the deposit or voting period"));
    }
    if proposal.voting_end_time.is_some_and(|end| before(&end, &ctx.block.time)) {
        let ended = format!("voting period is already ended for this proposal {id}");
        return Err(Gov::VotingPeriodEnded.wrap(ended));
    }
    let rules = rules(ctx.state)?;
    deposit::charge(ctx, id, &rules)?;
    vote::delete(ctx.state, id)?;
    delete(ctx.state, &proposal)?;
    ctx.emit("cancel_proposal", [("sender", by), ("proposal_id", id.to_string())]);
    Ok(())
}
