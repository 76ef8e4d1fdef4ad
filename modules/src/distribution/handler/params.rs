//! What the chain's authority may change.

use crate::address::Prefix;
use crate::authority::demand_authority;
use crate::context::{Context, save};
use crate::decimal::Dec;
use crate::distribution::keys;
use crate::error::{Sdk, TxError};
use crate::module::Handler;
use zektra_proto::cosmos::distribution::v1beta1::{MsgUpdateParams, MsgUpdateParamsResponse, Params};
use zektra_state::{StateError, StateWrite};

/// Checks parameters; gives the field that is wrong, and what is wrong with it.
#[allow(deprecated)]
pub fn check(params: &Params) -> Result<(), (&'static str, String)> {
    let Params { community_tax, base_proposer_reward, bonus_proposer_reward, withdraw_addr_enabled: _ } = params;
    for (field, digits) in
        [("base_proposer_reward", base_proposer_reward), ("bonus_proposer_reward", bonus_proposer_reward)]
    {
        if !digits.is_empty() && Dec::read(digits) != Ok(Dec::ZERO) {
            let why = "cannot update base or bonus proposer reward because these are deprecated fields";
            return Err((field, why.into()));
        }
    }
    if community_tax.is_empty() {
        return Err(("community_tax", "community tax must be not nil".into()));
    }
    let tax = Dec::read(community_tax).map_err(|e| ("community_tax", e))?;
    if tax > Dec::one() { Err(("community_tax", format!("community tax too large: {tax}"))) } else { Ok(()) }
}

/// Stores parameters.
#[allow(deprecated)]
pub fn store(state: &mut dyn StateWrite, params: &Params) -> Result<(), StateError> {
    let Params { community_tax, base_proposer_reward: _, bonus_proposer_reward: _, withdraw_addr_enabled } = params;
    let params = Params {
        community_tax: community_tax.clone(),
        base_proposer_reward: Dec::ZERO.digits(),
        bonus_proposer_reward: Dec::ZERO.digits(),
        withdraw_addr_enabled: *withdraw_addr_enabled,
    };
    save(state, keys::PARAMS.to_vec(), &params)
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
        store(ctx.state, &self.params.unwrap_or_default())?;
        Ok(MsgUpdateParamsResponse {})
    }
}
