//! `zektra.training.v1.Query`.

use super::{damaged, job, keys, rules};
use crate::context::number;
use crate::query::{Code, Query, QueryError, Service, page};
use prost::Message as _;
use zektra_proto::training::v1::{
    ChainJob, JobStatus as Status, Part, QueryJobRequest, QueryJobResponse, QueryJobsRequest, QueryJobsResponse,
    QueryParamsRequest, QueryParamsResponse, QueryPartsRequest, QueryPartsResponse,
};

pub fn service() -> Service {
    Service::new("zektra.training.v1.Query")
        .unary("Params", |q, _: QueryParamsRequest| Ok(QueryParamsResponse { params: Some(rules(q.state)?) }))
        .unary("Job", |q, r: QueryJobRequest| {
            let found = job(q.state, r.job)?.ok_or_else(|| Code::NotFound.error(format!("job {} not found", r.job)))?;
            Ok(QueryJobResponse { job: Some(found) })
        })
        .unary("Jobs", jobs)
        .unary("Parts", |q, r: QueryPartsRequest| {
            let (parts, pagination) = page(q.state, &keys::parts(r.job), r.pagination.as_ref(), |_, value| {
                Ok(Some(Part::decode(&value[..]).map_err(|e| damaged(e.to_string()))?))
            })?;
            Ok(QueryPartsResponse { parts, pagination: Some(pagination) })
        })
}

fn jobs(q: &Query<'_>, r: QueryJobsRequest) -> Result<QueryJobsResponse, QueryError> {
    let status = r.status();
    let wanted = |job: ChainJob| (status == Status::Unspecified || job.status() == status).then_some(job);
    let pagination = r.pagination.as_ref();
    let (jobs, pagination) = if r.party.is_empty() {
        page(q.state, keys::JOBS, pagination, |_, value| {
            Ok(wanted(ChainJob::decode(&value[..]).map_err(|e| damaged(e.to_string()))?))
        })?
    } else {
        let party = q.prefix.parse(&r.party).map_err(|e| Code::InvalidArgument.error(e))?;
        page(q.state, &keys::of_party(&party), pagination, |rest, _| Ok(job(q.state, number(rest)?)?.and_then(wanted)))?
    };
    Ok(QueryJobsResponse { jobs, pagination: Some(pagination) })
}
