//! What the chain's authority may change.

use super::{MOST, ONE, keys, params, set};
use crate::address::{Address, Prefix};
use crate::authority::demand_authority;
use crate::context::{Context, save};
use crate::error::{Sdk, TxError};
use crate::module::Handler;
use zektra_proto::power::v1::{MsgUpdateParams, MsgUpdateParamsResponse, Params};

/// Checks parameters.
pub fn check(params: &Params) -> Result<(), TxError> {
    let Params { max_multiplier } = params;
    if !(ONE..=MOST).contains(max_multiplier) {
        let wrong = format!("max_multiplier {max_multiplier}: expected {ONE} to {MOST} basis points");
        return Err(Sdk::InvalidRequest.wrap(wrong));
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
        check(self.params.as_ref().ok_or_else(|| Sdk::InvalidRequest.wrap("params: missing"))?)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgUpdateParamsResponse, TxError> {
        demand_authority(ctx, &self.authority)?;
        let new = self.params.unwrap_or_default();
        let lower = new.max_multiplier < params(ctx.state)?.max_multiplier;
        save(ctx.state, keys::PARAMS.to_vec(), &new)?;
        if lower {
            let over = |(_, m): &(Address, u32)| *m > new.max_multiplier;
            let above: Vec<_> = super::newest(ctx.state)?.into_iter().filter(over).collect();
            above.into_iter().try_for_each(|(operator, _)| set(ctx, &operator, new.max_multiplier))?;
        }
        Ok(MsgUpdateParamsResponse {})
    }
}
