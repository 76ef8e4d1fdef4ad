//! Messages about upgrades: the authority's alone.

use super::{done_at, keys};
use crate::address::Prefix;
use crate::authority::demand_authority;
use crate::context::{Context, save};
use crate::error::{Sdk, TxError};
use crate::module::Handler;
use crate::time;
use zektra_proto::Timestamp;
use zektra_proto::cosmos::upgrade::v1beta1::{
    MsgCancelUpgrade, MsgCancelUpgradeResponse, MsgSoftwareUpgrade, MsgSoftwareUpgradeResponse, Plan,
};

/// What Go's clients send for no time.
const NO_TIME: Timestamp = Timestamp { seconds: time::NO_TIME, nanos: 0 };

/// Checks a plan's fields.
///
/// # Errors
/// No name, no height, or what plans had in earlier days.
#[allow(deprecated)]
pub fn check_plan(plan: &Plan) -> Result<(), TxError> {
    let wrong = |what: &str| Err(Sdk::InvalidRequest.wrap(what));
    if plan.time.is_some_and(|time| time != NO_TIME) {
        return wrong("time-based upgrades have been deprecated in the SDK");
    }
    if plan.upgraded_client_state.is_some() {
        return wrong("upgrade logic for IBC has been moved to the IBC module");
    }
    if plan.name.is_empty() {
        return wrong("name cannot be empty");
    }
    if plan.height <= 0 {
        return wrong("height must be greater than 0");
    }
    Ok(())
}

impl Handler for MsgSoftwareUpgrade {
    type Response = MsgSoftwareUpgradeResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.authority]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.authority).map_err(|e| e.within("authority"))?;
        check_plan(&self.plan.clone().unwrap_or_default()).map_err(|e| e.within("plan"))
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgSoftwareUpgradeResponse, TxError> {
        demand_authority(ctx, &self.authority)?;
        let Plan { name, height, info, .. } = self.plan.unwrap_or_default();
        if u64::try_from(height).is_ok_and(|height| height < ctx.block.height) {
            return Err(Sdk::InvalidRequest.wrap("upgrade cannot be scheduled in the past"));
        }
        if done_at(ctx.state, &name)?.is_some() {
            return Err(Sdk::InvalidRequest.wrap(format!("upgrade with name {name} has already been completed")));
        }
        // With the time that is none, as clients expect it.
        #[allow(deprecated)]
        let plan = Plan { name, height, info, time: Some(NO_TIME), upgraded_client_state: None };
        save(ctx.state, keys::PLAN.to_vec(), &plan)?;
        Ok(MsgSoftwareUpgradeResponse {})
    }
}

impl Handler for MsgCancelUpgrade {
    type Response = MsgCancelUpgradeResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.authority]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.authority).map(drop).map_err(|e| e.within("authority"))
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgCancelUpgradeResponse, TxError> {
        demand_authority(ctx, &self.authority)?;
        ctx.state.delete(keys::PLAN.to_vec())?;
        Ok(MsgCancelUpgradeResponse {})
    }
}
