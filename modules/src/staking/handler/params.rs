//! What the chain's authority may change.

use super::decimal;
use crate::address::Prefix;
use crate::authority::demand_authority;
use crate::coin::is_denom;
use crate::context::{Context, save};
use crate::decimal::Dec;
use crate::error::{Sdk, TxError};
use crate::module::Handler;
use crate::staking::{keys, params};
use crate::time;
use zektra_proto::cosmos::staking::v1beta1::{MsgUpdateParams, MsgUpdateParamsResponse, Params};

/// Most validators of a set: all are walked at the end of each block.
const MOST_VALIDATORS: u32 = 1000;

/// Checks parameters; says which field is wrong.
pub fn check(params: &Params) -> Result<(), TxError> {
    let Params { unbonding_time, max_validators, max_entries, historical_entries: _, bond_denom, min_commission_rate } =
        params;
    let wrong = |what: &str, found: String, expected: &str| {
        Err(Sdk::InvalidRequest.wrap(format!("{what} {found}: expected {expected}")))
    };
    let period = time::span(&unbonding_time.unwrap_or_default())?;
    if period <= 0 {
        return wrong("unbonding time", format!("{period} ns"), "a positive span");
    }
    if !(1..=MOST_VALIDATORS).contains(max_validators) {
        return wrong("max validators", max_validators.to_string(), "1 to 1000");
    }
    if *max_entries == 0 {
        return wrong("max entries", max_entries.to_string(), "a positive number");
    }
    if !is_denom(bond_denom) {
        return wrong("bond denom", format!("{bond_denom:?}"), "a denomination");
    }
    if decimal(min_commission_rate, "minimum commission rate")? > Dec::one() {
        return wrong("minimum commission rate", min_commission_rate.clone(), "at most 100%");
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
        let (old, new) = (params(ctx.state)?, self.params.unwrap_or_default());
        // Both pools hold the old one.
        if new.bond_denom != old.bond_denom {
            return Err(Sdk::InvalidRequest.wrap(format!("bond denom {}: expected {}", new.bond_denom, old.bond_denom)));
        }
        save(ctx.state, keys::PARAMS.to_vec(), &new)?;
        Ok(MsgUpdateParamsResponse {})
    }
}
