//! `cosmos.distribution.v1beta1.Query`.

use super::error::Distribution;
use super::{keys, params, records, rewards, withdraw_address};
use crate::address::Address;
use crate::context::number;
use crate::dec_coins::DecCoins;
use crate::query::{Code, Query, QueryError, Service, page};
use crate::staking::{self, Validator, delegation};
use prost::Message as _;
use zektra_proto::cosmos::base::v1beta1::DecCoin;
use zektra_proto::cosmos::distribution::v1beta1::{
    DelegationDelegatorReward, QueryCommunityPoolRequest, QueryCommunityPoolResponse, QueryDelegationRewardsRequest,
    QueryDelegationRewardsResponse, QueryDelegationTotalRewardsRequest, QueryDelegationTotalRewardsResponse,
    QueryDelegatorValidatorsRequest, QueryDelegatorValidatorsResponse, QueryDelegatorWithdrawAddressRequest,
    QueryDelegatorWithdrawAddressResponse, QueryParamsRequest, QueryParamsResponse, QueryValidatorCommissionRequest,
    QueryValidatorCommissionResponse, QueryValidatorDistributionInfoRequest, QueryValidatorDistributionInfoResponse,
    QueryValidatorOutstandingRewardsRequest, QueryValidatorOutstandingRewardsResponse, QueryValidatorSlashesRequest,
    QueryValidatorSlashesResponse, ValidatorAccumulatedCommission, ValidatorOutstandingRewards, ValidatorSlashEvent,
};

pub fn service() -> Service {
    Service::new("cosmos.distribution.v1beta1.Query")
        .unary("Params", |q, _: QueryParamsRequest| Ok(QueryParamsResponse { params: Some(params(q.state)?) }))
        .unary("ValidatorDistributionInfo", |q, r: QueryValidatorDistributionInfoRequest| {
            let validator = validator(q, &r.validator_address)?;
            let operator = &validator.operator;
            Ok(QueryValidatorDistributionInfoResponse {
                // Clients get the operator's account here.
                operator_address: q.prefix.text(operator),
                self_bond_rewards: pending(q, operator, &validator)?,
                commission: records::commission(q.state, operator)?.to_proto(),
            })
        })
        .unary("ValidatorOutstandingRewards", |q, r: QueryValidatorOutstandingRewardsRequest| {
            let rewards = records::outstanding(q.state, &validator(q, &r.validator_address)?.operator)?.to_proto();
            Ok(QueryValidatorOutstandingRewardsResponse { rewards: Some(ValidatorOutstandingRewards { rewards }) })
        })
        .unary("ValidatorCommission", |q, r: QueryValidatorCommissionRequest| {
            let commission = records::commission(q.state, &validator(q, &r.validator_address)?.operator)?.to_proto();
            Ok(QueryValidatorCommissionResponse { commission: Some(ValidatorAccumulatedCommission { commission }) })
        })
        .unary("ValidatorSlashes", slashes)
        .unary("DelegationRewards", |q, r: QueryDelegationRewardsRequest| {
            let delegator = delegator(q, &r.delegator_address)?;
            let rewards = pending(q, &delegator, &validator(q, &r.validator_address)?)?;
            Ok(QueryDelegationRewardsResponse { rewards })
        })
        .unary("DelegationTotalRewards", total)
        .unary("DelegatorValidators", |q, r: QueryDelegatorValidatorsRequest| {
            let found = delegation::delegations(q.state, &delegator(q, &r.delegator_address)?)?;
            let validators = found.iter().map(|(operator, _)| q.prefix.operator_text(operator)).collect();
            Ok(QueryDelegatorValidatorsResponse { validators })
        })
        .unary("DelegatorWithdrawAddress", |q, r: QueryDelegatorWithdrawAddressRequest| {
            let to = withdraw_address(q.state, &delegator(q, &r.delegator_address)?)?;
            Ok(QueryDelegatorWithdrawAddressResponse { withdraw_address: q.prefix.text(&to) })
        })
        .unary("CommunityPool", |q, _: QueryCommunityPoolRequest| {
            Ok(QueryCommunityPoolResponse { pool: records::pool(q.state)?.to_proto() })
        })
}

fn delegator(q: &Query<'_>, text: &str) -> Result<Address, QueryError> {
    if text.is_empty() {
        return Err(Code::InvalidArgument.error("empty delegator address"));
    }
    Ok(q.prefix.parse(text)?)
}

fn operator(q: &Query<'_>, text: &str) -> Result<Address, QueryError> {
    if text.is_empty() {
        return Err(Code::InvalidArgument.error("empty validator address"));
    }
    Ok(q.prefix.parse_operator(text)?)
}

fn validator(q: &Query<'_>, text: &str) -> Result<Validator, QueryError> {
    let missing = || Code::NotFound.error(Distribution::NoValidatorExists.wrap(text));
    staking::validator(q.state, &operator(q, text)?)?.ok_or_else(missing)
}

fn pending(q: &Query<'_>, delegator: &Address, validator: &Validator) -> Result<Vec<DecCoin>, QueryError> {
    if delegation::shares(q.state, delegator, &validator.operator)?.is_zero() {
        return Err(Code::NotFound.error(Distribution::NoDelegationExists.bare()));
    }
    Ok(rewards::pending(q.state, delegator, validator)?.to_proto())
}

fn total(
    q: &Query<'_>,
    r: QueryDelegationTotalRewardsRequest,
) -> Result<QueryDelegationTotalRewardsResponse, QueryError> {
    let delegator = delegator(q, &r.delegator_address)?;
    let (mut rewards, mut total) = (vec![], DecCoins::none());
    for (operator, _) in delegation::delegations(q.state, &delegator)? {
        let reward = rewards::pending(q.state, &delegator, &staking::known(q.state, &operator)?)?;
        total.add(&reward)?;
        let validator_address = q.prefix.operator_text(&operator);
        rewards.push(DelegationDelegatorReward { validator_address, reward: reward.to_proto() });
    }
    Ok(QueryDelegationTotalRewardsResponse { rewards, total: total.to_proto() })
}

fn slashes(q: &Query<'_>, r: QueryValidatorSlashesRequest) -> Result<QueryValidatorSlashesResponse, QueryError> {
    let (from, to) = (r.starting_height, r.ending_height);
    let operator = operator(q, &r.validator_address)?;
    if to < from {
        let wrong = format!("starting height greater than ending height ({from} > {to})");
        return Err(Code::InvalidArgument.error(wrong));
    }
    let (slashes, pagination) = page(q.state, &keys::slashes(&operator), r.pagination.as_ref(), |key, value| {
        let height = number(key.get(..8).unwrap_or_default())?;
        if !(from..=to).contains(&height) {
            return Ok(None);
        }
        ValidatorSlashEvent::decode(&value[..]).map(Some).map_err(|e| Code::Internal.error(e))
    })?;
    Ok(QueryValidatorSlashesResponse { slashes, pagination: Some(pagination) })
}
