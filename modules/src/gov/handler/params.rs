//! What the chain's authority may change.

use crate::address::Prefix;
use crate::authority::demand_authority;
use crate::context::{Context, save};
use crate::error::{Sdk, TxError};
use crate::gov::keys;
use crate::gov::params::Rules;
use crate::module::Handler;
use zektra_proto::cosmos::gov::v1::{MsgUpdateParams, MsgUpdateParamsResponse};

impl Handler for MsgUpdateParams {
    type Response = MsgUpdateParamsResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.authority]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.authority).map_err(|e| e.within("invalid authority address"))?;
        let params = self.params.as_ref().ok_or_else(|| Sdk::InvalidRequest.wrap("params: missing"))?;
        Rules::read(params, Some(prefix)).map_err(|e| Sdk::InvalidRequest.wrap(e))?;
        Ok(())
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgUpdateParamsResponse, TxError> {
        demand_authority(ctx, &self.authority)?;
        self.check(ctx.prefix)?;
        save(ctx.state, keys::PARAMS.to_vec(), &self.params.unwrap_or_default())?;
        Ok(MsgUpdateParamsResponse {})
    }
}
