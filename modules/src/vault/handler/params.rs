//! What the chain's authority may change.

use crate::address::Prefix;
use crate::authority::demand_authority;
use crate::coin::{is_denom, parse_amount};
use crate::context::{Context, save};
use crate::error::TxError;
use crate::module::Handler;
use crate::vault::error::Vault;
use crate::vault::keys;
use zektra_proto::vault::v1::{MsgUpdateParams, MsgUpdateParamsResponse, Params};

/// Checks parameters.
pub fn check(params: Option<&Params>) -> Result<(), TxError> {
    let wrong = Vault::InvalidParams;
    let Params { denom, min_bond } = params.ok_or_else(|| wrong.field("params", "missing", "the parameters"))?;
    if !is_denom(denom) {
        return Err(wrong.field("denom", format!("{denom:?}"), "a denomination"));
    }
    match parse_amount(min_bond) {
        Ok(1..) => Ok(()),
        Ok(0) => Err(wrong.field("min_bond", 0, "at least 1")),
        Err(e) => Err(wrong.wrap(format!("min_bond: {e}"))),
    }
}

impl Handler for MsgUpdateParams {
    type Response = MsgUpdateParamsResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.authority]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.authority).map_err(|e| e.within("invalid authority address"))?;
        check(self.params.as_ref())
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgUpdateParamsResponse, TxError> {
        demand_authority(ctx, &self.authority)?;
        let params = self.params.unwrap_or_default();
        save(ctx.state, keys::PARAMS.to_vec(), &params)?;
        ctx.emit("vault_params_updated", [("denom", params.denom), ("min_bond", params.min_bond)]);
        Ok(MsgUpdateParamsResponse {})
    }
}
