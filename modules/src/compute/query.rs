//! `zektra.compute.v1.Query`.

use super::{candidates, damaged, keys, node, params, within_cap};
use crate::coin::parse_amount;
use crate::query::{Code, Query, QueryError, Service, page};
use prost::Message as _;
use zektra_proto::compute::v1::{
    Candidate, Node, QueryCandidatesRequest, QueryCandidatesResponse, QueryNodeRequest, QueryNodeResponse,
    QueryNodesRequest, QueryNodesResponse, QueryParamsRequest, QueryParamsResponse,
};

pub fn service() -> Service {
    Service::new("zektra.compute.v1.Query")
        .unary("Params", |q, _: QueryParamsRequest| Ok(QueryParamsResponse { params: Some(params(q.state)?) }))
        .unary("Node", |q, r: QueryNodeRequest| {
            let missing = || Code::NotFound.error(format!("{} has no node", r.operator));
            Ok(QueryNodeResponse { node: Some(node(q.state, &q.address(&r.operator)?)?.ok_or_else(missing)?) })
        })
        .unary("Nodes", |q, r: QueryNodesRequest| {
            let (nodes, pagination) = page(q.state, keys::NODES, r.pagination.as_ref(), |_, value| {
                Ok(Some(Node::decode(&value[..]).map_err(damaged)?))
            })?;
            Ok(QueryNodesResponse { nodes, pagination: Some(pagination) })
        })
        .unary("Candidates", found)
}

fn found(q: &Query<'_>, r: QueryCandidatesRequest) -> Result<QueryCandidatesResponse, QueryError> {
    let least = if r.least_bond.is_empty() { Ok(0) } else { parse_amount(&r.least_bond) };
    let least = least.map_err(|e| Code::InvalidArgument.error(format!("least_bond: {e}")))?;
    let all = candidates(q.state, r.most_price, least, &[])?;
    let within = within_cap(q.state, all.clone())?;
    let shown = |c: &super::Candidate| Candidate {
        node: q.prefix.text(&c.node),
        bond: c.bond.to_string(),
        price: c.price,
        epoch_units: c.epoch_units,
        within_cap: within.contains(c),
        free: c.free.to_string(),
    };
    Ok(QueryCandidatesResponse { candidates: all.iter().map(shown).collect() })
}
