//! `cosmos.slashing.v1beta1.Query`.

use super::{keys, params, signing_info};
use crate::query::{Code, Query, QueryError, Service, page};
use prost::Message as _;
use zektra_proto::cosmos::slashing::v1beta1::{
    QueryParamsRequest, QueryParamsResponse, QuerySigningInfoRequest, QuerySigningInfoResponse,
    QuerySigningInfosRequest, QuerySigningInfosResponse, ValidatorSigningInfo,
};

pub fn service() -> Service {
    Service::new("cosmos.slashing.v1beta1.Query")
        .unary("Params", |q, _: QueryParamsRequest| Ok(QueryParamsResponse { params: Some(params(q.state)?) }))
        .unary("SigningInfo", |q, r: QuerySigningInfoRequest| {
            Ok(QuerySigningInfoResponse { val_signing_info: Some(one(q, &r.cons_address)?) })
        })
        .unary("SigningInfos", |q, r: QuerySigningInfosRequest| {
            let (info, pagination) = page(q.state, keys::SIGNING_INFOS, r.pagination.as_ref(), |_, value| {
                ValidatorSigningInfo::decode(&value[..]).map(Some).map_err(|e| Code::Internal.error(e))
            })?;
            Ok(QuerySigningInfosResponse { info, pagination: Some(pagination) })
        })
}

fn one(q: &Query<'_>, address: &str) -> Result<ValidatorSigningInfo, QueryError> {
    if address.is_empty() {
        return Err(Code::InvalidArgument.error("invalid request"));
    }
    let missing = || Code::NotFound.error(format!("SigningInfo not found for validator {address}"));
    signing_info(q.state, &q.prefix.parse_consensus(address)?)?.ok_or_else(missing)
}
