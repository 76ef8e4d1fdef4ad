//! `cosmos.staking.v1beta1.Query`.

use super::delegation::{redelegation, shares, stored_shares, unbonding};
use super::validator::{Status, Validator, validator};
use super::{damaged, history, keys, params, pool};
use crate::address::Address;
use crate::coin::coin;
use crate::decimal::Dec;
use crate::query::{Code, Query, QueryError, Service, page};
use prost::Message as _;
use zektra_proto::cosmos::staking::v1beta1::{
    self as proto, Delegation, DelegationResponse, Pool, QueryDelegationRequest, QueryDelegationResponse,
    QueryDelegatorDelegationsRequest, QueryDelegatorDelegationsResponse, QueryDelegatorUnbondingDelegationsRequest,
    QueryDelegatorUnbondingDelegationsResponse, QueryDelegatorValidatorRequest, QueryDelegatorValidatorResponse,
    QueryDelegatorValidatorsRequest, QueryDelegatorValidatorsResponse, QueryHistoricalInfoRequest,
    QueryHistoricalInfoResponse, QueryParamsRequest, QueryParamsResponse, QueryPoolRequest, QueryPoolResponse,
    QueryRedelegationsRequest, QueryRedelegationsResponse, QueryUnbondingDelegationRequest,
    QueryUnbondingDelegationResponse, QueryValidatorDelegationsRequest, QueryValidatorDelegationsResponse,
    QueryValidatorRequest, QueryValidatorResponse, QueryValidatorUnbondingDelegationsRequest,
    QueryValidatorUnbondingDelegationsResponse, QueryValidatorsRequest, QueryValidatorsResponse, Redelegation,
    RedelegationEntryResponse, RedelegationResponse, UnbondingDelegation,
};
use zektra_state::StateError;

pub fn service() -> Service {
    Service::new("cosmos.staking.v1beta1.Query")
        .unary("Validators", all)
        .unary("Validator", |q, r: QueryValidatorRequest| {
            Ok(QueryValidatorResponse { validator: Some(shown(q, &known(q, &r.validator_addr)?)) })
        })
        .unary("ValidatorDelegations", |q, r: QueryValidatorDelegationsRequest| {
            let v = known(q, &r.validator_addr)?;
            let (delegation_responses, pagination) =
                page(q.state, &keys::of(keys::DELEGATORS, &v.operator), r.pagination.as_ref(), |rest, _| {
                    let who = address(rest)?;
                    Ok(Some(delegated(q, &who, &v, shares(q.state, &who, &v.operator)?)?))
                })?;
            Ok(QueryValidatorDelegationsResponse { delegation_responses, pagination: Some(pagination) })
        })
        .unary("ValidatorUnbondingDelegations", |q, r: QueryValidatorUnbondingDelegationsRequest| {
            let operator = operator(q, &r.validator_addr)?;
            let (unbonding_responses, pagination) =
                page(q.state, &keys::of(keys::UNBONDING_FROM, &operator), r.pagination.as_ref(), |rest, _| {
                    Ok(unbonding(q.state, &address(rest)?, &operator)?)
                })?;
            Ok(QueryValidatorUnbondingDelegationsResponse { unbonding_responses, pagination: Some(pagination) })
        })
        .unary("Delegation", delegation)
        .unary("UnbondingDelegation", |q, r: QueryUnbondingDelegationRequest| {
            let (who, from) = (delegator(q, &r.delegator_addr)?, operator(q, &r.validator_addr)?);
            let missing = || {
                let (who, from) = (&r.delegator_addr, &r.validator_addr);
                Code::NotFound
                    .error(format!("unbonding delegation with delegator {who} not found for validator {from}"))
            };
            let found = unbonding(q.state, &who, &from)?.ok_or_else(missing)?;
            Ok(QueryUnbondingDelegationResponse { unbond: Some(found) })
        })
        .unary("DelegatorDelegations", |q, r: QueryDelegatorDelegationsRequest| {
            let who = delegator(q, &r.delegator_addr)?;
            let (delegation_responses, pagination) =
                page(q.state, &keys::of(keys::DELEGATIONS, &who), r.pagination.as_ref(), |rest, value| {
                    let v = validator(q.state, &address(rest)?)?;
                    let v = v.ok_or_else(|| damaged("a delegation to nobody".into()))?;
                    Ok(Some(delegated(q, &who, &v, stored_shares(&value)?)?))
                })?;
            Ok(QueryDelegatorDelegationsResponse { delegation_responses, pagination: Some(pagination) })
        })
        .unary("DelegatorUnbondingDelegations", |q, r: QueryDelegatorUnbondingDelegationsRequest| {
            let prefix = keys::of(keys::UNBONDINGS, &delegator(q, &r.delegator_addr)?);
            let (unbonding_responses, pagination) = page(q.state, &prefix, r.pagination.as_ref(), |_, value| {
                UnbondingDelegation::decode(&value[..]).map(Some).map_err(|e| Code::Internal.error(e))
            })?;
            Ok(QueryDelegatorUnbondingDelegationsResponse { unbonding_responses, pagination: Some(pagination) })
        })
        .unary("Redelegations", redelegations)
        .unary("DelegatorValidators", |q, r: QueryDelegatorValidatorsRequest| {
            let prefix = keys::of(keys::DELEGATIONS, &delegator(q, &r.delegator_addr)?);
            let (validators, pagination) = page(q.state, &prefix, r.pagination.as_ref(), |rest, _| {
                Ok(validator(q.state, &address(rest)?)?.map(|v| shown(q, &v)))
            })?;
            Ok(QueryDelegatorValidatorsResponse { validators, pagination: Some(pagination) })
        })
        .unary("DelegatorValidator", |q, r: QueryDelegatorValidatorRequest| {
            let (who, v) = (delegator(q, &r.delegator_addr)?, known(q, &r.validator_addr)?);
            if shares(q.state, &who, &v.operator)?.is_zero() {
                return Err(Code::NotFound.error("no delegation for (address, validator) tuple"));
            }
            Ok(QueryDelegatorValidatorResponse { validator: Some(shown(q, &v)) })
        })
        .unary("HistoricalInfo", |q, r: QueryHistoricalInfoRequest| {
            let height =
                u64::try_from(r.height).map_err(|_| Code::InvalidArgument.error("height cannot be negative"))?;
            let missing = || Code::NotFound.error(format!("historical info for height {height} not found"));
            Ok(QueryHistoricalInfoResponse { hist: Some(history::info(q.state, height)?.ok_or_else(missing)?) })
        })
        .unary("Pool", |q, _: QueryPoolRequest| {
            let held = |name| pool::held(q.state, name).map(|amount| amount.to_string());
            let pool = Pool { not_bonded_tokens: held(pool::NOT_BONDED)?, bonded_tokens: held(pool::BONDED)? };
            Ok(QueryPoolResponse { pool: Some(pool) })
        })
        .unary("Params", |q, _: QueryParamsRequest| Ok(QueryParamsResponse { params: Some(params(q.state)?) }))
}

fn address(rest: &[u8]) -> Result<Address, StateError> {
    Address::new(rest.to_vec()).map_err(|e| damaged(e.log))
}

fn operator(q: &Query<'_>, text: &str) -> Result<Address, QueryError> {
    if text.is_empty() {
        return Err(Code::InvalidArgument.error("validator address cannot be empty"));
    }
    q.prefix.parse_operator(text).map_err(|e| Code::InvalidArgument.error(e))
}

fn delegator(q: &Query<'_>, text: &str) -> Result<Address, QueryError> {
    if text.is_empty() {
        return Err(Code::InvalidArgument.error("delegator address cannot be empty"));
    }
    q.address(text)
}

fn known(q: &Query<'_>, text: &str) -> Result<Validator, QueryError> {
    let missing = || Code::NotFound.error(format!("validator {text} not found"));
    validator(q.state, &operator(q, text)?)?.ok_or_else(missing)
}

fn shown(q: &Query<'_>, v: &Validator) -> proto::Validator {
    v.to_proto(q.prefix.operator_text(&v.operator))
}

/// What staked shares are worth, as clients see it.
fn worth(v: &Validator, shares: Dec) -> Result<u128, QueryError> {
    Ok(v.tokens_of(shares)?.floor()?)
}

fn delegated(q: &Query<'_>, who: &Address, v: &Validator, shares: Dec) -> Result<DelegationResponse, QueryError> {
    let delegation = Delegation {
        delegator_address: q.prefix.text(who),
        validator_address: q.prefix.operator_text(&v.operator),
        shares: shares.digits(),
    };
    let balance = coin(&params(q.state)?.bond_denom, worth(v, shares)?);
    Ok(DelegationResponse { delegation: Some(delegation), balance: Some(balance) })
}

fn all(q: &Query<'_>, r: QueryValidatorsRequest) -> Result<QueryValidatorsResponse, QueryError> {
    let status = match &r.status[..] {
        "" => None,
        name => Some(
            Status::from_str_name(name)
                .filter(|s| *s != Status::Unspecified)
                .ok_or_else(|| Code::InvalidArgument.error(format!("invalid validator status {name}")))?,
        ),
    };
    let (validators, pagination) = page(q.state, keys::VALIDATORS, r.pagination.as_ref(), |_, value| {
        let v = proto::Validator::decode(&value[..]).map_err(|e| Code::Internal.error(e))?;
        Ok(status.is_none_or(|s| v.status == s as i32).then_some(v))
    })?;
    Ok(QueryValidatorsResponse { validators, pagination: Some(pagination) })
}

fn delegation(q: &Query<'_>, r: QueryDelegationRequest) -> Result<QueryDelegationResponse, QueryError> {
    let (who, to) = (delegator(q, &r.delegator_addr)?, operator(q, &r.validator_addr)?);
    let shares = shares(q.state, &who, &to)?;
    let missing = || {
        // Clients look for the last words.
        let (who, to) = (&r.delegator_addr, &r.validator_addr);
        Code::NotFound.error(format!("delegation with delegator {who} not found for validator {to}: key not found"))
    };
    if shares.is_zero() {
        return Err(missing());
    }
    let v = validator(q.state, &to)?.ok_or_else(missing)?;
    Ok(QueryDelegationResponse { delegation_response: Some(delegated(q, &who, &v, shares)?) })
}

fn redelegations(q: &Query<'_>, r: QueryRedelegationsRequest) -> Result<QueryRedelegationsResponse, QueryError> {
    let respond = |redelegation: Redelegation| -> Result<RedelegationResponse, QueryError> {
        let v = known(q, &redelegation.validator_dst_address)?;
        let entries = redelegation.entries.iter().map(|entry| {
            let shares = Dec::read(&entry.shares_dst).map_err(damaged)?;
            let balance = worth(&v, shares)?.to_string();
            Ok(RedelegationEntryResponse { redelegation_entry: Some(entry.clone()), balance })
        });
        let entries = entries.collect::<Result<_, QueryError>>()?;
        Ok(RedelegationResponse { redelegation: Some(Redelegation { entries: vec![], ..redelegation }), entries })
    };
    let three = [&r.delegator_addr, &r.src_validator_addr, &r.dst_validator_addr];
    if three.iter().all(|text| !text.is_empty()) {
        let (who, from, to) = (delegator(q, three[0])?, operator(q, three[1])?, operator(q, three[2])?);
        let missing = || {
            let [who, from, _] = three;
            Code::NotFound
                .error(format!("redelegation not found for delegator address {who} from validator address {from}"))
        };
        let found = redelegation(q.state, &who, &from, &to)?.ok_or_else(missing)?;
        return Ok(QueryRedelegationsResponse { redelegation_responses: vec![respond(found)?], pagination: None });
    }
    let (redelegation_responses, pagination) = if r.delegator_addr.is_empty() && !r.src_validator_addr.is_empty() {
        let from = operator(q, &r.src_validator_addr)?;
        page(q.state, &keys::of(keys::REDELEGATION_FROM, &from), r.pagination.as_ref(), |rest, _| {
            let (who, to) = keys::split_pair(rest).ok_or_else(|| damaged("the key of a redelegation".into()))?;
            redelegation(q.state, &who, &from, &to)?.map(respond).transpose()
        })?
    } else {
        let prefix = keys::of(keys::REDELEGATIONS, &delegator(q, &r.delegator_addr)?);
        page(q.state, &prefix, r.pagination.as_ref(), |_, value| {
            let found = Redelegation::decode(&value[..]).map_err(|e| Code::Internal.error(e))?;
            Ok(Some(respond(found)?))
        })?
    };
    Ok(QueryRedelegationsResponse { redelegation_responses, pagination: Some(pagination) })
}
