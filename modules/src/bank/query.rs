//! `cosmos.bank.v1beta1.Query`.

use super::{balance, keys, params, stored_amount, supply};
use crate::address::Address;
use crate::coin::{coin, is_denom};
use crate::query::{Code, Query, QueryError, Service, page};
use prost::Message as _;
use zektra_proto::cosmos::bank::v1beta1::{
    DenomOwner, Metadata, QueryAllBalancesRequest, QueryAllBalancesResponse, QueryBalanceRequest, QueryBalanceResponse,
    QueryDenomMetadataByQueryStringRequest, QueryDenomMetadataByQueryStringResponse, QueryDenomMetadataRequest,
    QueryDenomMetadataResponse, QueryDenomOwnersByQueryRequest, QueryDenomOwnersByQueryResponse,
    QueryDenomOwnersRequest, QueryDenomOwnersResponse, QueryDenomsMetadataRequest, QueryDenomsMetadataResponse,
    QueryParamsRequest, QueryParamsResponse, QuerySendEnabledRequest, QuerySendEnabledResponse,
    QuerySpendableBalanceByDenomRequest, QuerySpendableBalanceByDenomResponse, QuerySpendableBalancesRequest,
    QuerySpendableBalancesResponse, QuerySupplyOfRequest, QuerySupplyOfResponse, QueryTotalSupplyRequest,
    QueryTotalSupplyResponse, SendEnabled,
};
use zektra_proto::cosmos::base::query::v1beta1::{PageRequest, PageResponse};
use zektra_proto::cosmos::base::v1beta1::Coin;

pub fn service() -> Service {
    Service::new("cosmos.bank.v1beta1.Query")
        .unary("Balance", |q, r: QueryBalanceRequest| {
            Ok(QueryBalanceResponse { balance: Some(held(q, &r.address, &r.denom)?) })
        })
        .unary("AllBalances", |q, r: QueryAllBalancesRequest| {
            let (balances, pagination) = all(q, &r.address, r.pagination.as_ref())?;
            Ok(QueryAllBalancesResponse { balances, pagination: Some(pagination) })
        })
        // Nothing is locked: all of a balance can be spent.
        .unary("SpendableBalances", |q, r: QuerySpendableBalancesRequest| {
            let (balances, pagination) = all(q, &r.address, r.pagination.as_ref())?;
            Ok(QuerySpendableBalancesResponse { balances, pagination: Some(pagination) })
        })
        .unary("SpendableBalanceByDenom", |q, r: QuerySpendableBalanceByDenomRequest| {
            Ok(QuerySpendableBalanceByDenomResponse { balance: Some(held(q, &r.address, &r.denom)?) })
        })
        .unary("TotalSupply", |q, r: QueryTotalSupplyRequest| {
            let (supply, pagination) = coins(q, keys::SUPPLY, r.pagination.as_ref())?;
            Ok(QueryTotalSupplyResponse { supply, pagination: Some(pagination) })
        })
        .unary("SupplyOf", |q, r: QuerySupplyOfRequest| {
            demand_denom(&r.denom)?;
            Ok(QuerySupplyOfResponse { amount: Some(coin(&r.denom, supply(q.state, &r.denom)?)) })
        })
        .unary("Params", |q, _: QueryParamsRequest| Ok(QueryParamsResponse { params: Some(params(q.state)?) }))
        .unary("DenomMetadata", |q, r: QueryDenomMetadataRequest| {
            Ok(QueryDenomMetadataResponse { metadata: Some(metadata(q, &r.denom)?) })
        })
        .unary("DenomMetadataByQueryString", |q, r: QueryDenomMetadataByQueryStringRequest| {
            Ok(QueryDenomMetadataByQueryStringResponse { metadata: Some(metadata(q, &r.denom)?) })
        })
        .unary("DenomsMetadata", |q, r: QueryDenomsMetadataRequest| {
            let (metadatas, pagination) = page(q.state, keys::METADATA, r.pagination.as_ref(), |_, value| {
                Metadata::decode(&value[..]).map(Some).map_err(|e| Code::Internal.error(e))
            })?;
            Ok(QueryDenomsMetadataResponse { metadatas, pagination: Some(pagination) })
        })
        .unary("DenomOwners", |q, r: QueryDenomOwnersRequest| {
            let (denom_owners, pagination) = owners(q, &r.denom, r.pagination.as_ref())?;
            Ok(QueryDenomOwnersResponse { denom_owners, pagination: Some(pagination) })
        })
        .unary("DenomOwnersByQuery", |q, r: QueryDenomOwnersByQueryRequest| {
            let (denom_owners, pagination) = owners(q, &r.denom, r.pagination.as_ref())?;
            Ok(QueryDenomOwnersByQueryResponse { denom_owners, pagination: Some(pagination) })
        })
        .unary("SendEnabled", send_enabled)
}

fn demand_denom(denom: &str) -> Result<(), QueryError> {
    if is_denom(denom) { Ok(()) } else { Err(Code::InvalidArgument.error(format!("invalid denom: {denom}"))) }
}

fn held(q: &Query<'_>, address: &str, denom: &str) -> Result<Coin, QueryError> {
    let address = q.address(address)?;
    demand_denom(denom)?;
    Ok(coin(denom, balance(q.state, &address, denom)?))
}

fn all(q: &Query<'_>, address: &str, request: Option<&PageRequest>) -> Result<(Vec<Coin>, PageResponse), QueryError> {
    coins(q, &keys::balances(&q.address(address)?), request)
}

/// Entries whose keys end in a denomination.
fn coins(q: &Query<'_>, prefix: &[u8], request: Option<&PageRequest>) -> Result<(Vec<Coin>, PageResponse), QueryError> {
    page(q.state, prefix, request, |denom, value| {
        Ok(Some(coin(&String::from_utf8_lossy(denom), stored_amount(&value)?)))
    })
}

fn metadata(q: &Query<'_>, denom: &str) -> Result<Metadata, QueryError> {
    demand_denom(denom)?;
    let missing = || Code::NotFound.error(format!("client metadata for denom {denom}"));
    crate::context::load(q.state, &keys::metadata(denom))?.ok_or_else(missing)
}

fn owners(
    q: &Query<'_>,
    denom: &str,
    request: Option<&PageRequest>,
) -> Result<(Vec<DenomOwner>, PageResponse), QueryError> {
    demand_denom(denom)?;
    page(q.state, &keys::owners(denom), request, |address, _| {
        let address = Address::new(address.to_vec())?;
        let amount = balance(q.state, &address, denom)?;
        Ok(Some(DenomOwner { address: q.prefix.text(&address), balance: Some(coin(denom, amount)) }))
    })
}

fn send_enabled(q: &Query<'_>, r: QuerySendEnabledRequest) -> Result<QuerySendEnabledResponse, QueryError> {
    if r.denoms.is_empty() {
        let (send_enabled, pagination) = page(q.state, keys::SEND_ENABLED, r.pagination.as_ref(), |denom, value| {
            let denom = String::from_utf8_lossy(denom).into_owned();
            Ok(Some(SendEnabled { denom, enabled: value == [1] }))
        })?;
        return Ok(QuerySendEnabledResponse { send_enabled, pagination: Some(pagination) });
    }
    let mut found = vec![];
    for denom in r.denoms {
        // Only those with an entry of their own.
        if let Some(value) = q.state.get(&keys::send_enabled(&denom))? {
            found.push(SendEnabled { denom, enabled: value == [1] });
        }
    }
    Ok(QuerySendEnabledResponse { send_enabled: found, pagination: None })
}
