//! `cosmos.mint.v1beta1.Query`.

use super::{damaged, minter, params};
use crate::decimal::Dec;
use crate::query::{QueryError, Service};
use zektra_proto::cosmos::mint::v1beta1::{
    QueryAnnualProvisionsRequest, QueryAnnualProvisionsResponse, QueryInflationRequest, QueryInflationResponse,
    QueryParamsRequest, QueryParamsResponse,
};

pub fn service() -> Service {
    Service::new("cosmos.mint.v1beta1.Query")
        .unary("Params", |q, _: QueryParamsRequest| Ok(QueryParamsResponse { params: Some(params(q.state)?) }))
        .unary("Inflation", |q, _: QueryInflationRequest| {
            Ok(QueryInflationResponse { inflation: digits(&minter(q.state)?.inflation)?.into() })
        })
        .unary("AnnualProvisions", |q, _: QueryAnnualProvisionsRequest| {
            let annual_provisions = digits(&minter(q.state)?.annual_provisions)?.into();
            Ok(QueryAnnualProvisionsResponse { annual_provisions })
        })
}

fn digits(stored: &str) -> Result<Vec<u8>, QueryError> {
    Ok(Dec::read(stored).map_err(damaged)?.digit_bytes())
}
