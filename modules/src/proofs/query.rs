//! `zektra.proofs.v1.Query`.

use super::{circuit, keys, params};
use crate::address::Address;
use crate::context::{load, number};
use crate::query::{Code, Query, QueryError, Service, page};
use prost::Message as _;
use zektra_proto::proofs::v1::{
    Circuit, Credit, QueryCircuitRequest, QueryCircuitResponse, QueryCircuitsRequest, QueryCircuitsResponse,
    QueryCreditsRequest, QueryCreditsResponse, QueryParamsRequest, QueryParamsResponse, QuerySummaryRequest,
    QuerySummaryResponse, QueryVerifierKeysRequest, QueryVerifierKeysResponse, Summary,
};

pub fn service() -> Service {
    Service::new("zektra.proofs.v1.Query")
        .unary("Params", |q, _: QueryParamsRequest| Ok(QueryParamsResponse { params: Some(params(q.state)?) }))
        .unary("Circuits", |q, r: QueryCircuitsRequest| {
            let (circuits, pagination) = page(q.state, keys::CIRCUITS, r.pagination.as_ref(), |_, value| {
                Ok(Some(Circuit::decode(&value[..]).map_err(|e| super::damaged(e.to_string()))?))
            })?;
            Ok(QueryCircuitsResponse { circuits, pagination: Some(pagination) })
        })
        .unary("Circuit", one)
        .unary("VerifierKeys", |q, _: QueryVerifierKeysRequest| {
            Ok(QueryVerifierKeysResponse { verifier_keys: super::verifier_keys(q.state)? })
        })
        .unary("Summary", summary)
        .unary("Credits", credits)
}

fn one(q: &Query<'_>, r: QueryCircuitRequest) -> Result<QueryCircuitResponse, QueryError> {
    let digest = hex::decode(&r.digest).ok().filter(|d| d.len() == 32);
    let wrong = || Code::InvalidArgument.error(format!("digest {:?}: expected 64 hexadecimal digits", r.digest));
    let found = circuit(q.state, &digest.ok_or_else(wrong)?)?;
    let found = found.ok_or_else(|| Code::NotFound.error(format!("circuits {} not found", r.digest)))?;
    Ok(QueryCircuitResponse { circuit: Some(found) })
}

fn summary(q: &Query<'_>, r: QuerySummaryRequest) -> Result<QuerySummaryResponse, QueryError> {
    if r.height == 0 || r.height > q.block.height {
        let last = q.block.height;
        return Err(Code::InvalidArgument.error(format!("height {}: expected 1 to {last}", r.height)));
    }
    // A block without proofs leaves the root as it was.
    let found = load::<Summary>(q.state, &keys::summary(r.height))?;
    let found = match found {
        Some(found) => found,
        None => Summary { height: r.height, root: super::root_before(q.state, r.height)?.into(), ..Summary::default() },
    };
    Ok(QuerySummaryResponse { summary: Some(found) })
}

fn credits(q: &Query<'_>, r: QueryCreditsRequest) -> Result<QueryCreditsResponse, QueryError> {
    let (credits, pagination) = page(q.state, keys::CREDITS, r.pagination.as_ref(), |rest, value| {
        let operator = Address::new(rest.to_vec()).map_err(|e| super::damaged(e.log))?;
        let validator_address = q.prefix.operator_text(&operator);
        Ok(Some(Credit { validator_address, units: number(&value)? }))
    })?;
    let epoch_blocks = params(q.state)?.epoch_blocks.max(1);
    let epoch = q.block.height / epoch_blocks;
    let ends_at = epoch.saturating_add(1).saturating_mul(epoch_blocks);
    Ok(QueryCreditsResponse { epoch, ends_at, credits, pagination: Some(pagination) })
}
