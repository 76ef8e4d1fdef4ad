//! `cosmos.feegrant.v1beta1.Query`.

use super::{grant, keys};
use crate::address::Address;
use crate::query::{Code, Query, QueryError, Service, page};
use prost::Message as _;
use zektra_proto::cosmos::base::query::v1beta1::PageRequest;
use zektra_proto::cosmos::feegrant::v1beta1::{
    Grant, QueryAllowanceRequest, QueryAllowanceResponse, QueryAllowancesByGranterRequest,
    QueryAllowancesByGranterResponse, QueryAllowancesRequest, QueryAllowancesResponse,
};

pub fn service() -> Service {
    Service::new("cosmos.feegrant.v1beta1.Query")
        .unary("Allowance", |q, r: QueryAllowanceRequest| {
            let (granter, grantee) = (q.address(&r.granter)?, q.address(&r.grantee)?);
            // Clients know the missing grant by this code and text.
            let missing = || Code::Internal.error("fee-grant not found: not found");
            Ok(QueryAllowanceResponse { allowance: Some(grant(q.state, &granter, &grantee)?.ok_or_else(missing)?) })
        })
        .unary("Allowances", |q, r: QueryAllowancesRequest| {
            let prefix = keys::of(keys::GRANTS, &q.address(&r.grantee)?);
            let (allowances, pagination) = page(q.state, &prefix, r.pagination.as_ref(), |_, value| {
                Grant::decode(&value[..]).map(Some).map_err(|e| Code::Internal.error(e))
            })?;
            Ok(QueryAllowancesResponse { allowances, pagination: Some(pagination) })
        })
        .unary("AllowancesByGranter", |q, r: QueryAllowancesByGranterRequest| {
            issued(q, &q.address(&r.granter)?, r.pagination.as_ref())
        })
}

fn issued(
    q: &Query<'_>,
    granter: &Address,
    request: Option<&PageRequest>,
) -> Result<QueryAllowancesByGranterResponse, QueryError> {
    let (allowances, pagination) = page(q.state, &keys::of(keys::BY_GRANTER, granter), request, |grantee, _| {
        Ok(grant(q.state, granter, &Address::new(grantee.to_vec())?)?)
    })?;
    Ok(QueryAllowancesByGranterResponse { allowances, pagination: Some(pagination) })
}
