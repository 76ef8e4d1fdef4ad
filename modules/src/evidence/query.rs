//! `cosmos.evidence.v1beta1.Query`.

use super::{evidence, keys};
use crate::query::{Code, Query, QueryError, Service, page};
use prost::Message as _;
use zektra_proto::Any;
use zektra_proto::cosmos::evidence::v1beta1::{
    QueryAllEvidenceRequest, QueryAllEvidenceResponse, QueryEvidenceRequest, QueryEvidenceResponse,
};

pub fn service() -> Service {
    Service::new("cosmos.evidence.v1beta1.Query")
        .unary("Evidence", |q, r: QueryEvidenceRequest| Ok(QueryEvidenceResponse { evidence: Some(one(q, &r.hash)?) }))
        .unary("AllEvidence", |q, r: QueryAllEvidenceRequest| {
            let (evidence, pagination) = page(q.state, keys::EVIDENCE, r.pagination.as_ref(), |_, value| {
                Any::decode(&value[..]).map(Some).map_err(|e| Code::Internal.error(e))
            })?;
            Ok(QueryAllEvidenceResponse { evidence, pagination: Some(pagination) })
        })
}

fn one(q: &Query<'_>, hash: &str) -> Result<Any, QueryError> {
    if hash.is_empty() {
        return Err(Code::InvalidArgument.error("invalid request; hash is empty"));
    }
    let bytes = hex::decode(hash).map_err(|e| Code::Unknown.error(format!("invalid evidence hash: {e}")))?;
    evidence(q.state, &bytes)?.ok_or_else(|| Code::NotFound.error(format!("evidence {hash} not found")))
}
