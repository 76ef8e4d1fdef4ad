//! `cosmos.authz.v1beta1.Query`.

use super::{error::Authz, grant, keys, parts};
use crate::address::Address;
use crate::query::{Code, Query, QueryError, Service, page};
use prost::Message as _;
use zektra_proto::cosmos::authz::v1beta1::{
    Grant, GrantAuthorization, QueryGranteeGrantsRequest, QueryGranteeGrantsResponse, QueryGranterGrantsRequest,
    QueryGranterGrantsResponse, QueryGrantsRequest, QueryGrantsResponse,
};

pub fn service() -> Service {
    Service::new("cosmos.authz.v1beta1.Query")
        .unary("Grants", grants)
        .unary("GranterGrants", |q, r: QueryGranterGrantsRequest| {
            let granter = q.address(&r.granter)?;
            let prefix = keys::of(keys::GRANTS, &granter);
            let (grants, pagination) = page(q.state, &prefix, r.pagination.as_ref(), |rest, value| {
                // The granter is cut off, and the key begins with it.
                let key = [&granter.prefixed(), rest].concat();
                let (_, grantee, _) = parts(&key)?;
                Ok(Some(shown(q, &granter, &grantee, decode(&value)?)))
            })?;
            Ok(QueryGranterGrantsResponse { grants, pagination: Some(pagination) })
        })
        .unary("GranteeGrants", |q, r: QueryGranteeGrantsRequest| {
            let grantee = q.address(&r.grantee)?;
            let prefix = keys::of(keys::BY_GRANTEE, &grantee);
            let (grants, pagination) = page(q.state, &prefix, r.pagination.as_ref(), |rest, _| {
                let key = [&grantee.prefixed(), rest].concat();
                let (_, granter, url) = parts(&key)?;
                Ok(grant(q.state, &granter, &grantee, url)?.map(|grant| shown(q, &granter, &grantee, grant)))
            })?;
            Ok(QueryGranteeGrantsResponse { grants, pagination: Some(pagination) })
        })
}

fn decode(value: &[u8]) -> Result<Grant, QueryError> {
    Grant::decode(value).map_err(|e| Code::Internal.error(e))
}

fn shown(q: &Query<'_>, granter: &Address, grantee: &Address, grant: Grant) -> GrantAuthorization {
    let Grant { authorization, expiration } = grant;
    let (granter, grantee) = (q.prefix.text(granter), q.prefix.text(grantee));
    GrantAuthorization { granter, grantee, authorization, expiration }
}

fn grants(q: &Query<'_>, r: QueryGrantsRequest) -> Result<QueryGrantsResponse, QueryError> {
    let (granter, grantee) = (q.address(&r.granter)?, q.address(&r.grantee)?);
    if r.msg_type_url.is_empty() {
        let prefix = keys::between(&granter, &grantee);
        let (grants, pagination) = page(q.state, &prefix, r.pagination.as_ref(), |_, value| decode(&value).map(Some))?;
        return Ok(QueryGrantsResponse { grants, pagination: Some(pagination) });
    }
    let missing = || {
        let what = format!("authorization not found for {} type", r.msg_type_url);
        Code::Unknown.error(Authz::NoAuthorizationFound.wrap(what))
    };
    let found = grant(q.state, &granter, &grantee, &r.msg_type_url)?.ok_or_else(missing)?;
    Ok(QueryGrantsResponse { grants: vec![found], pagination: None })
}
