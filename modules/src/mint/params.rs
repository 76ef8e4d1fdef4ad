//! What the chain's authority may change.

use super::inflation::Rates;
use super::keys;
use crate::address::Prefix;
use crate::authority::demand_authority;
use crate::coin::is_denom;
use crate::context::{Context, save};
use crate::error::{Sdk, TxError};
use crate::module::Handler;
use zektra_proto::cosmos::mint::v1beta1::{MsgUpdateParams, MsgUpdateParamsResponse, Params};

/// Checks parameters; gives the field that is wrong, and what is wrong with it.
pub fn check(params: &Params) -> Result<(), (&'static str, String)> {
    let denom = &params.mint_denom;
    if denom.trim().is_empty() {
        return Err(("mint_denom", "mint denom cannot be blank".into()));
    }
    if !is_denom(denom) {
        return Err(("mint_denom", format!("invalid denom: {denom}")));
    }
    Rates::read(params).map(drop)
}

impl Handler for MsgUpdateParams {
    type Response = MsgUpdateParamsResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.authority]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.authority).map_err(|e| e.within("invalid authority address"))?;
        let params = self.params.as_ref().ok_or_else(|| Sdk::InvalidRequest.wrap("params: missing"))?;
        check(params).map_err(|(_, why)| Sdk::InvalidRequest.wrap(why))
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgUpdateParamsResponse, TxError> {
        demand_authority(ctx, &self.authority)?;
        save(ctx.state, keys::PARAMS.to_vec(), &self.params.unwrap_or_default())?;
        Ok(MsgUpdateParamsResponse {})
    }
}
