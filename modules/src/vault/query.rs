//! `zektra.vault.v1.Query`.

use super::{dataset, grant, keys, params, seat, set};
use crate::context::number;
use crate::query::{Code, Query, QueryError, Service, page};
use prost::Message;
use zektra_proto::vault::v1::{
    DatasetRecord, DatasetStatus as Status, Grant, QueryDatasetByObjectRequest, QueryDatasetByObjectResponse,
    QueryDatasetRequest, QueryDatasetResponse, QueryDatasetsRequest, QueryDatasetsResponse, QueryGrantRequest,
    QueryGrantResponse, QueryGrantsRequest, QueryGrantsResponse, QueryParamsRequest, QueryParamsResponse,
    QuerySeatRequest, QuerySeatResponse, QuerySeatsByOwnerRequest, QuerySeatsByOwnerResponse, QuerySetRequest,
    QuerySetResponse, QuerySetsRequest, QuerySetsResponse,
};
use zektra_statement::digest::{Commitment, Fingerprint};

/// 32 bytes as text.
const HEX: &str = "64 hexadecimal digits";

pub fn service() -> Service {
    Service::new("zektra.vault.v1.Query")
        .unary("Params", |q, _: QueryParamsRequest| Ok(QueryParamsResponse { params: Some(params(q.state)?) }))
        .unary("Seat", |q, r: QuerySeatRequest| {
            let key = read("key", &r.key, Commitment::from_bytes, &format!("{HEX} of elements below 2^64 − 2^32 + 1"))?;
            let found = seat::seat(q.state, &key)?.ok_or_else(|| missing("seat", &r.key))?;
            Ok(QuerySeatResponse { seat: Some(found) })
        })
        .unary("SeatsByOwner", |q, r: QuerySeatsByOwnerRequest| {
            let prefix = keys::seats_of(&q.address(&r.owner)?);
            let (seats, pagination) = page(q.state, &prefix, r.pagination.as_ref(), |rest, _| {
                let key = Commitment::from_bytes(rest).ok_or_else(|| super::damaged("the key of a seat"))?;
                Ok(Some(seat::known(q.state, &key)?))
            })?;
            Ok(QuerySeatsByOwnerResponse { seats, pagination: Some(pagination) })
        })
        .unary("Dataset", |q, r: QueryDatasetRequest| {
            let (dataset, schema) = one(q, r.dataset)?;
            Ok(QueryDatasetResponse { dataset: Some(dataset), schema })
        })
        .unary("DatasetByObject", |q, r: QueryDatasetByObjectRequest| {
            let id = read("id", &r.id, Fingerprint::from_bytes, HEX)?;
            let found = dataset::of_object(q.state, &id)?.filter(|number| *number > 0);
            let (dataset, schema) = one(q, found.ok_or_else(|| missing("object", &r.id))?)?;
            Ok(QueryDatasetByObjectResponse { dataset: Some(dataset), schema })
        })
        .unary("Datasets", datasets)
        .unary("Grant", |q, r: QueryGrantRequest| {
            let found = grant::grant(q.state, r.grant)?.ok_or_else(|| missing("grant", r.grant))?;
            Ok(QueryGrantResponse { grant: Some(found) })
        })
        .unary("Grants", |q, r: QueryGrantsRequest| {
            one(q, r.dataset)?;
            let prefix = keys::grants(r.dataset);
            let (grants, pagination) =
                page(q.state, &prefix, r.pagination.as_ref(), |_, value| decoded::<Grant>(&value).map(Some))?;
            Ok(QueryGrantsResponse { grants, pagination: Some(pagination) })
        })
        .unary("Set", |q, r: QuerySetRequest| {
            let found = set::set(q.state, r.set)?.ok_or_else(|| missing("set", r.set))?;
            Ok(QuerySetResponse { set: Some(found) })
        })
        .unary("Sets", |q, r: QuerySetsRequest| {
            let (sets, pagination) =
                page(q.state, keys::SETS, r.pagination.as_ref(), |_, value| decoded(&value).map(Some))?;
            Ok(QuerySetsResponse { sets, pagination: Some(pagination) })
        })
}

fn missing(what: &str, which: impl std::fmt::Display) -> QueryError {
    Code::NotFound.error(format!("{what} {which} not found"))
}

fn decoded<M: Message + Default>(value: &[u8]) -> Result<M, QueryError> {
    M::decode(value).map_err(|e| Code::Internal.error(e))
}

/// Reads hexadecimal digits of a request.
fn read<T>(field: &str, text: &str, of: fn(&[u8]) -> Option<T>, expected: &str) -> Result<T, QueryError> {
    let found = hex::decode(text).ok().and_then(|bytes| of(&bytes));
    let shown: String = text.chars().take(80).collect();
    found.ok_or_else(|| Code::InvalidArgument.error(format!("{field} {shown:?}: expected {expected}")))
}

/// A dataset with its schema.
fn one(q: &Query<'_>, number: u64) -> Result<(DatasetRecord, String), QueryError> {
    let found = dataset::dataset(q.state, number)?.ok_or_else(|| missing("dataset", number))?;
    Ok((found, dataset::schema(q.state, number)?))
}

fn datasets(q: &Query<'_>, r: QueryDatasetsRequest) -> Result<QueryDatasetsResponse, QueryError> {
    let status = Status::try_from(r.status);
    let status = status.map_err(|_| Code::InvalidArgument.error(format!("status {}: expected 0 to 5", r.status)))?;
    let wanted = |record: DatasetRecord| {
        let fits = status == Status::Unspecified || status == record.status();
        fits.then_some(record)
    };
    let request = r.pagination.as_ref();
    let (datasets, pagination) = if r.owner.is_empty() {
        page(q.state, keys::DATASETS, request, |_, value| decoded(&value).map(wanted))?
    } else {
        let prefix = keys::datasets_of(&q.address(&r.owner)?);
        page(q.state, &prefix, request, |rest, _| Ok(wanted(dataset::known(q.state, number(rest)?)?)))?
    };
    Ok(QueryDatasetsResponse { datasets, pagination: Some(pagination) })
}
