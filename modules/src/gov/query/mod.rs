//! `cosmos.gov.v1.Query` and `cosmos.gov.v1beta1.Query`.

mod newer;
mod older;

use super::params::{params, rules};
use super::proposal::{no_votes, proposal};
use super::{deposit, keys, tally, vote};
use crate::query::{Code, Query, QueryError, Service, page};
use prost::Message;
use zektra_proto::cosmos::base::query::v1beta1::{PageRequest, PageResponse};
use zektra_proto::cosmos::gov::v1::{Deposit, Params, Proposal, ProposalStatus as Status, TallyResult, Vote};

pub fn services() -> Vec<Service> {
    vec![newer::service(), older::service()]
}

fn demand_id(id: u64) -> Result<(), QueryError> {
    if id == 0 { Err(Code::InvalidArgument.error("proposal id can not be 0")) } else { Ok(()) }
}

fn one(q: &Query<'_>, id: u64) -> Result<Proposal, QueryError> {
    demand_id(id)?;
    proposal(q.state, id)?.ok_or_else(|| Code::NotFound.error(format!("proposal {id} doesn't exist")))
}

fn decoded<M: Message + Default>(value: &[u8]) -> Result<M, QueryError> {
    M::decode(value).map_err(|e| Code::Internal.error(e))
}

/// Proposals of a status, with a vote, with a deposit, as `shown` shows them.
fn proposals<T>(
    q: &Query<'_>,
    status: i32,
    [voter, depositor]: [&str; 2],
    request: Option<&PageRequest>,
    shown: fn(Proposal) -> Option<T>,
) -> Result<(Vec<T>, PageResponse), QueryError> {
    let address = |text: &str| if text.is_empty() { Ok(None) } else { q.address(text).map(Some) };
    let (voter, depositor) = (address(voter)?, address(depositor)?);
    // A status that is none asks for all.
    let status = Status::try_from(status).ok().filter(|s| *s != Status::Unspecified);
    page(q.state, keys::PROPOSALS, request, |_, value| {
        let proposal: Proposal = decoded(&value)?;
        let id = proposal.id;
        let is_there = |key: Option<Vec<u8>>| key.map_or(Ok(true), |key| q.state.get(&key).map(|v| v.is_some()));
        let wanted = status.is_none_or(|s| s == proposal.status())
            && is_there(voter.as_ref().map(|v| keys::vote(id, v)))?
            && is_there(depositor.as_ref().map(|d| keys::deposit(id, d)))?;
        Ok(if wanted { shown(proposal) } else { None })
    })
}

fn one_vote(q: &Query<'_>, id: u64, text: &str) -> Result<Vote, QueryError> {
    demand_id(id)?;
    if text.is_empty() {
        return Err(Code::InvalidArgument.error("empty voter address"));
    }
    let missing = || Code::InvalidArgument.error(format!("voter: {text} not found for proposal: {id}"));
    vote::vote(q.state, id, &q.address(text)?)?.ok_or_else(missing)
}

fn votes<T>(
    q: &Query<'_>,
    id: u64,
    request: Option<&PageRequest>,
    shown: fn(Vote) -> Result<T, QueryError>,
) -> Result<(Vec<T>, PageResponse), QueryError> {
    demand_id(id)?;
    page(q.state, &keys::votes(id), request, |_, value| shown(decoded(&value)?).map(Some))
}

fn one_deposit(q: &Query<'_>, id: u64, text: &str) -> Result<Deposit, QueryError> {
    demand_id(id)?;
    if text.is_empty() {
        return Err(Code::InvalidArgument.error("empty depositor address"));
    }
    let missing = || Code::NotFound.error(format!("depositer: {text} not found for proposal: {id}"));
    deposit::deposit(q.state, id, &q.address(text)?)?.ok_or_else(missing)
}

fn deposits<T>(
    q: &Query<'_>,
    id: u64,
    request: Option<&PageRequest>,
    shown: fn(Deposit) -> T,
) -> Result<(Vec<T>, PageResponse), QueryError> {
    demand_id(id)?;
    page(q.state, &keys::deposits(id), request, |_, value| Ok(Some(shown(decoded(&value)?))))
}

fn result(q: &Query<'_>, id: u64) -> Result<TallyResult, QueryError> {
    let proposal = one(q, id)?;
    match proposal.status() {
        Status::DepositPeriod => Ok(no_votes()),
        Status::VotingPeriod => Ok(tally::tally(q.state, &proposal, &rules(q.state)?)?.result),
        _ => Ok(proposal.final_tally_result.unwrap_or_default()),
    }
}

/// Which of the parameters are asked for.
enum Part {
    Deposit,
    Voting,
    Tallying,
    None,
}

fn part(q: &Query<'_>, name: &str) -> Result<(Part, Params), QueryError> {
    let part = match name {
        "deposit" => Part::Deposit,
        "voting" => Part::Voting,
        "tallying" => Part::Tallying,
        "" => Part::None,
        _ => return Err(Code::InvalidArgument.error(format!("unknown params type: {name}"))),
    };
    Ok((part, params(q.state)?))
}
