//! `zektra.reputation.v1.Query`.

use super::{damaged, formula, keys, params, record};
use crate::hooks::bond_of;
use crate::query::{Query, QueryError, Service, page};
use prost::Message as _;
use zektra_proto::reputation::v1::{
    Pending, QueryParamsRequest, QueryParamsResponse, QueryPendingRequest, QueryPendingResponse,
    QueryReputationRequest, QueryReputationResponse, Score,
};

pub fn service() -> Service {
    Service::new("zektra.reputation.v1.Query")
        .unary("Params", |q, _: QueryParamsRequest| Ok(QueryParamsResponse { params: Some(params(q.state)?) }))
        .unary("Reputation", of_node)
        .unary("Pending", |q, r: QueryPendingRequest| {
            let prefix = keys::pending_of(&q.address(&r.node)?);
            let (pending, pagination) = page(q.state, &prefix, r.pagination.as_ref(), |_, value| {
                Ok(Some(Pending::decode(&value[..]).map_err(damaged)?))
            })?;
            Ok(QueryPendingResponse { pending, pagination: Some(pagination) })
        })
}

/// Nothing is known of a newcomer: it has a score all the same.
fn of_node(q: &Query<'_>, r: QueryReputationRequest) -> Result<QueryReputationResponse, QueryError> {
    let node = q.address(&r.node)?;
    let (mut record, bond) = (record(q.state, &node)?, bond_of(q.state, &node)?);
    record.node = r.node;
    let score = formula::score(&params(q.state)?, record.good, record.bad, bond / super::TOKEN);
    let formula::Score { validity, throughput, score } = score;
    let score = Some(Score { validity, throughput, score });
    Ok(QueryReputationResponse { score, record: Some(record), bond: bond.to_string() })
}
