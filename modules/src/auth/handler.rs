//! What the chain's authority may change.

use super::keys;
use crate::address::Prefix;
use crate::authority::demand_authority;
use crate::context::{Context, save};
use crate::error::{Sdk, TxError};
use crate::module::Handler;
use zektra_proto::cosmos::auth::v1beta1::{MsgUpdateParams, MsgUpdateParamsResponse, Params};

/// The first parameter that is zero: all must be positive.
pub fn zero(params: &Params) -> Option<&'static str> {
    let Params {
        max_memo_characters,
        tx_sig_limit,
        tx_size_cost_per_byte,
        sig_verify_cost_ed25519,
        sig_verify_cost_secp256k1,
    } = params;
    let all = [
        ("max_memo_characters", max_memo_characters),
        ("tx_sig_limit", tx_sig_limit),
        ("tx_size_cost_per_byte", tx_size_cost_per_byte),
        ("sig_verify_cost_ed25519", sig_verify_cost_ed25519),
        ("sig_verify_cost_secp256k1", sig_verify_cost_secp256k1),
    ];
    all.into_iter().find(|(_, value)| **value == 0).map(|(field, _)| field)
}

impl Handler for MsgUpdateParams {
    type Response = MsgUpdateParamsResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.authority]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.authority).map_err(|e| e.within("invalid authority address"))?;
        match zero(self.params.as_ref().ok_or_else(|| Sdk::InvalidRequest.wrap("params: missing"))?) {
            Some(field) => Err(Sdk::InvalidRequest.wrap(format!("{field} 0: expected a positive number"))),
            None => Ok(()),
        }
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgUpdateParamsResponse, TxError> {
        demand_authority(ctx, &self.authority)?;
        save(ctx.state, keys::PARAMS.to_vec(), &self.params.unwrap_or_default())?;
        Ok(MsgUpdateParamsResponse {})
    }
}
