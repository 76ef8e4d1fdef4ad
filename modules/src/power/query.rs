//! `zektra.power.v1.Query`.

use super::{ONE, keys, last, params, read};
use crate::address::split_prefixed;
use crate::query::{Code, Query, Service, page};
use crate::staking;
use zektra_proto::power::v1::{
    Multiplier, QueryMultiplierRequest, QueryMultiplierResponse, QueryMultipliersRequest, QueryMultipliersResponse,
    QueryParamsRequest, QueryParamsResponse,
};

pub fn service() -> Service {
    Service::new("zektra.power.v1.Query")
        .unary("Params", |q, _: QueryParamsRequest| Ok(QueryParamsResponse { params: Some(params(q.state)?) }))
        .unary("Multipliers", |q, r: QueryMultipliersRequest| {
            let (multipliers, pagination) = page(q.state, keys::MULTIPLIERS, r.pagination.as_ref(), |rest, value| {
                let (operator, _) = split_prefixed(rest).ok_or_else(|| super::damaged("a key"))?;
                Ok(Some(read(rest, &value)?.to_proto(q.prefix.operator_text(&operator))))
            })?;
            Ok(QueryMultipliersResponse { multipliers, pagination: Some(pagination) })
        })
        .unary("Multiplier", one)
}

fn one(q: &Query<'_>, r: QueryMultiplierRequest) -> Result<QueryMultiplierResponse, crate::query::QueryError> {
    let operator = q.prefix.parse_operator(&r.validator_address).map_err(|e| Code::InvalidArgument.error(e))?;
    if staking::validator(q.state, &operator)?.is_none() {
        return Err(Code::NotFound.error(format!("validator {} not found", r.validator_address)));
    }
    let validator_address = r.validator_address;
    let multiplier = match last(q.state, &operator)? {
        Some(set) => set.to_proto(validator_address),
        None => Multiplier { validator_address, multiplier: ONE, ..Multiplier::default() },
    };
    Ok(QueryMultiplierResponse { multiplier: Some(multiplier) })
}
