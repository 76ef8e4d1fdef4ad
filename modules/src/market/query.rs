//! `zektra.market.v1.Query`.

use super::{credits, damaged, demand, escrow, keys, listing, params, quote};
use crate::context::number;
use crate::query::{Code, Query, QueryError, Service, page};
use prost::Message;
use zektra_proto::cosmos::base::query::v1beta1::{PageRequest, PageResponse};
use zektra_proto::market::v1::{
    Credits, Line, QueryCreditsRequest, QueryCreditsResponse, QueryDemandRequest, QueryDemandResponse,
    QueryEscrowRequest, QueryEscrowResponse, QueryListingRequest, QueryListingResponse, QueryListingsBySellerRequest,
    QueryListingsBySellerResponse, QueryListingsRequest, QueryListingsResponse, QueryParamsRequest,
    QueryParamsResponse, QueryPayoutsRequest, QueryPayoutsResponse, QueryQuoteRequest, QueryQuoteResponse,
};

pub fn service() -> Service {
    Service::new("zektra.market.v1.Query")
        .unary("Params", |q, _: QueryParamsRequest| Ok(QueryParamsResponse { params: Some(params(q.state)?) }))
        .unary("Listing", |q, r: QueryListingRequest| {
            let missing = || Code::NotFound.error(format!("listing {} not found", r.listing));
            Ok(QueryListingResponse { listing: Some(listing(q.state, r.listing)?.ok_or_else(missing)?) })
        })
        .unary("Listings", |q, r: QueryListingsRequest| {
            let (listings, pagination) = records(q, keys::LISTINGS, r.pagination.as_ref())?;
            Ok(QueryListingsResponse { listings, pagination: Some(pagination) })
        })
        .unary("ListingsBySeller", |q, r: QueryListingsBySellerRequest| {
            let prefix = keys::of_seller(&q.address(&r.seller)?);
            let (listings, pagination) =
                page(q.state, &prefix, r.pagination.as_ref(), |rest, _| Ok(listing(q.state, number(rest)?)?))?;
            Ok(QueryListingsBySellerResponse { listings, pagination: Some(pagination) })
        })
        .unary("Quote", |q, r: QueryQuoteRequest| Ok(QueryQuoteResponse { line: Some(quoted(q, &r)?) }))
        .unary("Demand", |q, r: QueryDemandRequest| {
            Ok(QueryDemandResponse { demand: Some(demand(q.state, r.dataset)?) })
        })
        .unary("Escrow", |q, r: QueryEscrowRequest| {
            let missing = || Code::NotFound.error(format!("job {} has no escrow", r.job));
            Ok(QueryEscrowResponse { escrow: Some(escrow(q.state, r.job)?.ok_or_else(missing)?) })
        })
        .unary("Payouts", |q, r: QueryPayoutsRequest| {
            let (payouts, pagination) = records(q, &keys::payouts(r.job), r.pagination.as_ref())?;
            Ok(QueryPayoutsResponse { payouts, pagination: Some(pagination) })
        })
        .unary("Credits", |q, r: QueryCreditsRequest| {
            let amount = credits(q.state, &q.address(&r.account)?)?.to_string();
            Ok(QueryCreditsResponse { credits: Some(Credits { account: r.account, amount }) })
        })
}

fn records<M: Message + Default>(
    q: &Query<'_>,
    prefix: &[u8],
    request: Option<&PageRequest>,
) -> Result<(Vec<M>, PageResponse), QueryError> {
    page(q.state, prefix, request, |_, value| Ok(Some(M::decode(&value[..]).map_err(damaged)?)))
}

/// An order placed now would be in the next block.
fn quoted(q: &Query<'_>, r: &QueryQuoteRequest) -> Result<Line, QueryError> {
    let height = q.block.height.saturating_add(1);
    // Who is paid changes no price.
    let nobody = super::module();
    let lines = quote(q.state, height, r.listing, &r.tier, &[(r.dataset, nobody, r.bytes)], r.passes)?;
    let line = lines.into_iter().next().ok_or_else(|| damaged("a quote without a line"))?;
    let super::Line { dataset, owner: _, mib, units, price, fee, demand, quality, rated } = line;
    Ok(Line { dataset, owner: String::new(), mib, units, price, fee: fee.to_string(), demand, quality, rated })
}
