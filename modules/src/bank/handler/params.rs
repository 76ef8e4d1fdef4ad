//! What the chain's authority may change.

use crate::address::Prefix;
use crate::authority::demand_authority;
use crate::bank::{error::Bank, keys};
use crate::coin::is_denom;
use crate::context::{Context, save};
use crate::error::{Sdk, TxError};
use crate::module::Handler;
use std::collections::BTreeSet;
use zektra_proto::cosmos::bank::v1beta1::{
    MsgSetSendEnabled, MsgSetSendEnabledResponse, MsgUpdateParams, MsgUpdateParamsResponse, Params,
};

impl Handler for MsgUpdateParams {
    type Response = MsgUpdateParamsResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.authority]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.authority).map_err(|e| e.within("invalid authority address"))?;
        let params = self.params.as_ref().ok_or_else(|| Sdk::InvalidRequest.wrap("params: missing"))?;
        // The old list has moved to entries of its own.
        #[allow(deprecated)]
        if !params.send_enabled.is_empty() {
            return Err(Sdk::InvalidRequest.wrap("params.send_enabled: use MsgSetSendEnabled"));
        }
        Ok(())
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgUpdateParamsResponse, TxError> {
        demand_authority(ctx, &self.authority)?;
        let Params { default_send_enabled, .. } = self.params.unwrap_or_default();
        save(ctx.state, keys::PARAMS.to_vec(), &Params { default_send_enabled, ..Params::default() })?;
        Ok(MsgUpdateParamsResponse {})
    }
}

impl Handler for MsgSetSendEnabled {
    type Response = MsgSetSendEnabledResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.authority]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.authority).map_err(|e| e.within("invalid authority address"))?;
        let mut known = BTreeSet::new();
        let named = self.send_enabled.iter().map(|s| &s.denom).chain(&self.use_default_for);
        for denom in named {
            if !is_denom(denom) {
                return Err(Sdk::InvalidRequest.wrap(format!("invalid denom: {denom}")));
            }
            if !known.insert(denom) {
                return Err(Bank::DuplicateEntry.wrap(denom));
            }
        }
        Ok(())
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgSetSendEnabledResponse, TxError> {
        demand_authority(ctx, &self.authority)?;
        for entry in &self.send_enabled {
            ctx.state.put(keys::send_enabled(&entry.denom), vec![u8::from(entry.enabled)])?;
        }
        for denom in &self.use_default_for {
            ctx.state.delete(keys::send_enabled(denom))?;
        }
        Ok(MsgSetSendEnabledResponse {})
    }
}
