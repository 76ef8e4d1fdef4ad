//! `cosmos.gov.v1beta1.Query`: the answers of the newer service in the older form.

use super::{Part, deposits, one, one_deposit, one_vote, part, proposals, result, rules, votes};
use crate::decimal::Dec;
use crate::gov::legacy;
use crate::query::{Code, Query, QueryError, Service};
use zektra_proto::cosmos::gov::v1;
use zektra_proto::cosmos::gov::v1beta1::{
    DepositParams, QueryDepositRequest, QueryDepositResponse, QueryDepositsRequest, QueryDepositsResponse,
    QueryParamsRequest, QueryParamsResponse, QueryProposalRequest, QueryProposalResponse, QueryProposalsRequest,
    QueryProposalsResponse, QueryTallyResultRequest, QueryTallyResultResponse, QueryVoteRequest, QueryVoteResponse,
    QueryVotesRequest, QueryVotesResponse, TallyParams, Vote, VotingParams, WeightedVoteOption,
};

pub(super) fn service() -> Service {
    Service::new("cosmos.gov.v1beta1.Query")
        .unary("Proposal", |q, r: QueryProposalRequest| {
            Ok(QueryProposalResponse { proposal: Some(legacy::proposal(&one(q, r.proposal_id)?)?) })
        })
        .unary("Proposals", |q, r: QueryProposalsRequest| {
            let who = [&r.voter[..], &r.depositor];
            // What the older form cannot show is left out, so that it does not hide all others.
            let shown = |p| legacy::proposal(&p).ok();
            let (proposals, pagination) = proposals(q, r.proposal_status, who, r.pagination.as_ref(), shown)?;
            Ok(QueryProposalsResponse { proposals, pagination: Some(pagination) })
        })
        .unary("Vote", |q, r: QueryVoteRequest| {
            Ok(QueryVoteResponse { vote: Some(vote(one_vote(q, r.proposal_id, &r.voter)?)?) })
        })
        .unary("Votes", |q, r: QueryVotesRequest| {
            let (votes, pagination) = votes(q, r.proposal_id, r.pagination.as_ref(), vote)?;
            Ok(QueryVotesResponse { votes, pagination: Some(pagination) })
        })
        .unary("Params", params)
        .unary("Deposit", |q, r: QueryDepositRequest| {
            let deposit = legacy::deposit(one_deposit(q, r.proposal_id, &r.depositor)?);
            Ok(QueryDepositResponse { deposit: Some(deposit) })
        })
        .unary("Deposits", |q, r: QueryDepositsRequest| {
            let (deposits, pagination) = deposits(q, r.proposal_id, r.pagination.as_ref(), legacy::deposit)?;
            Ok(QueryDepositsResponse { deposits, pagination: Some(pagination) })
        })
        .unary("TallyResult", |q, r: QueryTallyResultRequest| {
            Ok(QueryTallyResultResponse { tally: Some(legacy::tally(result(q, r.proposal_id)?)) })
        })
}

/// A vote, whose weights are digits in the older form.
#[allow(deprecated)]
fn vote(vote: v1::Vote) -> Result<Vote, QueryError> {
    let each = |o: &v1::WeightedVoteOption| {
        let weight = Dec::parse(&o.weight).map_err(|e| Code::Internal.error(e))?.digits();
        Ok(WeightedVoteOption { option: o.option, weight })
    };
    let options = vote.options.iter().map(each).collect::<Result<_, QueryError>>()?;
    Ok(Vote { proposal_id: vote.proposal_id, voter: vote.voter, options, ..Vote::default() })
}

fn params(q: &Query<'_>, r: QueryParamsRequest) -> Result<QueryParamsResponse, QueryError> {
    let (part, params) = part(q, &r.params_type)?;
    let mut out = QueryParamsResponse::default();
    match part {
        Part::Deposit => {
            let (min_deposit, max_deposit_period) = (params.min_deposit, params.max_deposit_period);
            out.deposit_params = Some(DepositParams { min_deposit, max_deposit_period });
        }
        Part::Voting => out.voting_params = Some(VotingParams { voting_period: params.voting_period }),
        Part::Tallying => {
            let rules = rules(q.state)?;
            out.tally_params = Some(TallyParams {
                quorum: rules.quorum.digit_bytes().into(),
                threshold: rules.threshold.digit_bytes().into(),
                veto_threshold: rules.veto_threshold.digit_bytes().into(),
            });
        }
        Part::None => {
            return Err(Code::InvalidArgument.error(format!("{} is not a valid parameter type", r.params_type)));
        }
    }
    Ok(out)
}
