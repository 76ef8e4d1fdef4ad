//! What the chain's authority may change.

use crate::address::Prefix;
use crate::authority::demand_authority;
use crate::context::{Context, save};
use crate::error::TxError;
use crate::module::Handler;
use crate::reputation::error::Reputation;
use crate::reputation::keys;
use zektra_proto::reputation::v1::{MsgUpdateParams, MsgUpdateParamsResponse, Params};

/// The largest of all parameters: with it no product reaches 2^128.
const MOST: u64 = 1 << 40;

/// Checks parameters.
///
/// # Errors
/// Which one is out of its range.
pub fn check(params: &Params) -> Result<(), TxError> {
    let Params { prior_units, units_per_token, units_per_fee } = *params;
    for (name, found) in
        [("prior_units", prior_units), ("units_per_token", units_per_token), ("units_per_fee", units_per_fee)]
    {
        if !(1..=MOST).contains(&found) {
            return Err(Reputation::InvalidParams.wrap(format!("{name} {found}: expected 1 to {MOST}")));
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
        check(self.params.as_ref().ok_or_else(|| Reputation::InvalidParams.wrap("params: missing"))?)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgUpdateParamsResponse, TxError> {
        demand_authority(ctx, &self.authority)?;
        save(ctx.state, keys::PARAMS.to_vec(), &self.params.unwrap_or_default())?;
        ctx.emit("reputation_params", [("authority", self.authority)]);
        Ok(MsgUpdateParamsResponse {})
    }
}
