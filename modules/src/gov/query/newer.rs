//! `cosmos.gov.v1.Query`.

use super::{Part, deposits, one, one_deposit, one_vote, part, proposals, result, votes};
use crate::gov::constitution;
use crate::query::{Query, QueryError, Service};
#[allow(deprecated)]
use zektra_proto::cosmos::gov::v1::{DepositParams, TallyParams, VotingParams};
use zektra_proto::cosmos::gov::v1::{
    QueryConstitutionRequest, QueryConstitutionResponse, QueryDepositRequest, QueryDepositResponse,
    QueryDepositsRequest, QueryDepositsResponse, QueryParamsRequest, QueryParamsResponse, QueryProposalRequest,
    QueryProposalResponse, QueryProposalsRequest, QueryProposalsResponse, QueryTallyResultRequest,
    QueryTallyResultResponse, QueryVoteRequest, QueryVoteResponse, QueryVotesRequest, QueryVotesResponse,
};

pub(super) fn service() -> Service {
    Service::new("cosmos.gov.v1.Query")
        .unary("Constitution", |q, _: QueryConstitutionRequest| {
            Ok(QueryConstitutionResponse { constitution: constitution(q.state)? })
        })
        .unary("Proposal", |q, r: QueryProposalRequest| {
            Ok(QueryProposalResponse { proposal: Some(one(q, r.proposal_id)?) })
        })
        .unary("Proposals", |q, r: QueryProposalsRequest| {
            let who = [&r.voter[..], &r.depositor];
            let (proposals, pagination) = proposals(q, r.proposal_status, who, r.pagination.as_ref(), Some)?;
            Ok(QueryProposalsResponse { proposals, pagination: Some(pagination) })
        })
        .unary("Vote", |q, r: QueryVoteRequest| {
            Ok(QueryVoteResponse { vote: Some(one_vote(q, r.proposal_id, &r.voter)?) })
        })
        .unary("Votes", |q, r: QueryVotesRequest| {
            let (votes, pagination) = votes(q, r.proposal_id, r.pagination.as_ref(), Ok)?;
            Ok(QueryVotesResponse { votes, pagination: Some(pagination) })
        })
        .unary("Params", params)
        .unary("Deposit", |q, r: QueryDepositRequest| {
            Ok(QueryDepositResponse { deposit: Some(one_deposit(q, r.proposal_id, &r.depositor)?) })
        })
        .unary("Deposits", |q, r: QueryDepositsRequest| {
            let (deposits, pagination) = deposits(q, r.proposal_id, r.pagination.as_ref(), |d| d)?;
            Ok(QueryDepositsResponse { deposits, pagination: Some(pagination) })
        })
        .unary("TallyResult", |q, r: QueryTallyResultRequest| {
            Ok(QueryTallyResultResponse { tally: Some(result(q, r.proposal_id)?) })
        })
}

/// All parameters, and beside them those of the part that is asked for, as clients once read them.
#[allow(deprecated)]
fn params(q: &Query<'_>, r: QueryParamsRequest) -> Result<QueryParamsResponse, QueryError> {
    let (part, params) = part(q, &r.params_type)?;
    let mut out = QueryParamsResponse { params: Some(params.clone()), ..QueryParamsResponse::default() };
    match part {
        Part::Deposit => {
            let (min_deposit, max_deposit_period) = (params.min_deposit, params.max_deposit_period);
            out.deposit_params = Some(DepositParams { min_deposit, max_deposit_period });
        }
        Part::Voting => out.voting_params = Some(VotingParams { voting_period: params.voting_period }),
        Part::Tallying => {
            let (quorum, threshold, veto_threshold) = (params.quorum, params.threshold, params.veto_threshold);
            out.tally_params = Some(TallyParams { quorum, threshold, veto_threshold });
        }
        Part::None => {}
    }
    Ok(out)
}
