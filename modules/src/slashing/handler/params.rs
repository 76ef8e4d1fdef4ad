//! What the chain's authority may change.

use crate::address::Prefix;
use crate::authority::demand_authority;
use crate::context::{Context, save};
use crate::error::{Sdk, TxError};
use crate::module::Handler;
use crate::slashing::{Rules, keys, number, ring, set_signing_info, signing_infos};
use zektra_proto::cosmos::slashing::v1beta1::{MsgUpdateParams, MsgUpdateParamsResponse, Params};

fn read(params: Option<&Params>) -> Result<Rules, TxError> {
    let params = params.ok_or_else(|| Sdk::InvalidRequest.wrap("params: missing"))?;
    Rules::read(params).map_err(|e| Sdk::InvalidRequest.wrap(e))
}

impl Handler for MsgUpdateParams {
    type Response = MsgUpdateParamsResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.authority]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.authority).map_err(|e| e.within("invalid authority address"))?;
        read(self.params.as_ref()).map(drop)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgUpdateParamsResponse, TxError> {
        demand_authority(ctx, &self.authority)?;
        let after = read(self.params.as_ref())?.window;
        let before = Rules::load(ctx.state)?.window;
        if before != after {
            resize(ctx, before, after)?;
        }
        save(ctx.state, keys::PARAMS.to_vec(), &self.params.unwrap_or_default())?;
        Ok(MsgUpdateParamsResponse {})
    }
}

/// Bits of a ring are found by the window: a ring that stayed as it is would count blocks that are not in it any more.
fn resize(ctx: &mut Context<'_>, before: u64, after: u64) -> Result<(), TxError> {
    for (consensus, mut info) in signing_infos(ctx.state)? {
        if info.missed_blocks_counter == 0 {
            continue;
        }
        let missed = ring::resize(ctx.state, &consensus, number(info.index_offset)?, before, after)?;
        info.missed_blocks_counter = i64::try_from(missed).unwrap_or(i64::MAX);
        set_signing_info(ctx.state, &consensus, &info)?;
    }
    Ok(())
}
