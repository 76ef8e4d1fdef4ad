//! What the chain's authority may change.

use crate::address::Prefix;
use crate::authority::demand_authority;
use crate::coin::{is_denom, parse_amount};
use crate::compute::error::Compute;
use crate::compute::{keys, params};
use crate::context::{Context, save};
use crate::error::TxError;
use crate::module::Handler;
use zektra_proto::compute::v1::{MsgUpdateParams, MsgUpdateParamsResponse, Params};

/// The longest unbonding: ten years at a block in five seconds.
const MOST_BLOCKS: u64 = 10 * 365 * 24 * 720;

/// Checks parameters.
///
/// # Errors
/// Which one is out of its range.
pub fn check(params: &Params) -> Result<(), TxError> {
    let Params { denom, min_bond, registration_fee, unbonding_blocks, share_cap_bps, min_reputation, slash_burn_bps } =
        params;
    let wrong = |what: String| Err(Compute::InvalidParams.wrap(what));
    if !is_denom(denom) {
        return wrong(format!("denom {denom:?}: expected a denomination"));
    }
    for (name, text) in [("min_bond", min_bond), ("registration_fee", registration_fee)] {
        if let Err(e) = parse_amount(text) {
            return wrong(format!("{name}: {e}"));
        }
    }
    if !(1..=MOST_BLOCKS).contains(unbonding_blocks) {
        return wrong(format!("unbonding_blocks {unbonding_blocks}: expected 1 to {MOST_BLOCKS}"));
    }
    if !(1..=10_000).contains(share_cap_bps) {
        return wrong(format!("share_cap_bps {share_cap_bps}: expected 1 to 10000 basis points"));
    }
    for (name, found) in [("min_reputation", min_reputation), ("slash_burn_bps", slash_burn_bps)] {
        if *found > 10_000 {
            return wrong(format!("{name} {found}: expected 0 to 10000"));
        }
    }
    Ok(())
}

impl Handler for MsgUpdateParams {
    type Response = MsgUpdateParamsResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.authority]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.authority).map_err(|e| e.within("invalid authority address"))?;
        check(self.params.as_ref().ok_or_else(|| Compute::InvalidParams.wrap("params: missing"))?)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgUpdateParamsResponse, TxError> {
        demand_authority(ctx, &self.authority)?;
        let (new, old) = (self.params.unwrap_or_default(), params(ctx.state)?);
        if new.denom != old.denom {
            return Err(Compute::InvalidParams.wrap(format!("denom {}: expected {}", new.denom, old.denom)));
        }
        save(ctx.state, keys::PARAMS.to_vec(), &new)?;
        ctx.emit("compute_params", [("authority", self.authority)]);
        Ok(MsgUpdateParamsResponse {})
    }
}
