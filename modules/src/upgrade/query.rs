//! `cosmos.upgrade.v1beta1.Query`.

use super::{done_at, plan, versions};
use crate::authority::authority;
use crate::query::{Code, Query, QueryError, Service};
use zektra_proto::cosmos::upgrade::v1beta1::{
    ModuleVersion, QueryAppliedPlanRequest, QueryAppliedPlanResponse, QueryAuthorityRequest, QueryAuthorityResponse,
    QueryCurrentPlanRequest, QueryCurrentPlanResponse, QueryModuleVersionsRequest, QueryModuleVersionsResponse,
};
#[allow(deprecated)]
use zektra_proto::cosmos::upgrade::v1beta1::{QueryUpgradedConsensusStateRequest, QueryUpgradedConsensusStateResponse};

pub fn service() -> Service {
    Service::new("cosmos.upgrade.v1beta1.Query")
        .unary("CurrentPlan", |q, _: QueryCurrentPlanRequest| Ok(QueryCurrentPlanResponse { plan: plan(q.state)? }))
        .unary("AppliedPlan", |q, r: QueryAppliedPlanRequest| {
            let height = done_at(q.state, &r.name)?.unwrap_or(0);
            Ok(QueryAppliedPlanResponse { height: i64::try_from(height).unwrap_or(i64::MAX) })
        })
        .unary("UpgradedConsensusState", consensus_state)
        .unary("ModuleVersions", module_versions)
        .unary("Authority", |q, _: QueryAuthorityRequest| {
            Ok(QueryAuthorityResponse { address: q.prefix.text(&authority()) })
        })
}

#[allow(deprecated)]
fn consensus_state(
    _: &Query<'_>,
    _: QueryUpgradedConsensusStateRequest,
) -> Result<QueryUpgradedConsensusStateResponse, QueryError> {
    Err(Code::Unimplemented.error("upgraded consensus states are those of IBC, which this chain does not have"))
}

fn module_versions(q: &Query<'_>, r: QueryModuleVersionsRequest) -> Result<QueryModuleVersionsResponse, QueryError> {
    let all = versions(q.state)?.into_iter().map(|(name, version)| ModuleVersion { name, version });
    let module_versions: Vec<_> = all.filter(|m| r.module_name.is_empty() || m.name == r.module_name).collect();
    if module_versions.is_empty() && !r.module_name.is_empty() {
        let missing = format!("x/upgrade: QueryModuleVersions module {} not found: not found", r.module_name);
        return Err(Code::NotFound.error(missing));
    }
    Ok(QueryModuleVersionsResponse { module_versions })
}
