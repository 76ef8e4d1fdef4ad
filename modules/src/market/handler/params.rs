//! What the chain's authority may change.

use crate::address::Prefix;
use crate::authority::demand_authority;
use crate::coin::{is_denom, parse_amount};
use crate::context::{Context, save};
use crate::error::TxError;
use crate::market::error::Market;
use crate::market::{keys, params};
use crate::module::Handler;
use zektra_proto::market::v1::{MsgUpdateParams, MsgUpdateParamsResponse, Params};

/// The longest notice: a year at a block in five seconds.
const MOST_BLOCKS: u64 = 365 * 24 * 720;
/// The range of multipliers by demand, in basis points.
const DEMAND: std::ops::RangeInclusive<u32> = 100..=1_000_000;

/// Checks parameters, except for the treasury's address.
///
/// # Errors
/// Which one is out of its range.
pub fn check(params: &Params) -> Result<(), TxError> {
    let Params {
        denom,
        data_owners,
        data_storage,
        data_protocol,
        compute_node,
        compute_proposer,
        compute_protocol,
        protocol_burn,
        protocol_validators,
        protocol_community,
        demand_start,
        demand_min,
        demand_max,
        notice_blocks,
        listing_fee,
        treasury: _,
    } = params;
    let wrong = |what: String| Err(Market::InvalidParams.wrap(what));
    if !is_denom(denom) {
        return wrong(format!("denom {denom:?}: expected a denomination"));
    }
    for (name, parts) in [
        ("data", [data_owners, data_storage, data_protocol]),
        ("compute", [compute_node, compute_proposer, compute_protocol]),
        ("protocol", [protocol_burn, protocol_validators, protocol_community]),
    ] {
        let sum: u64 = parts.into_iter().map(|&part| u64::from(part)).sum();
        if sum != 10_000 {
            return wrong(format!("parts of {name} of {sum}: expected 10000 basis points"));
        }
    }
    for (name, found) in [("demand_min", demand_min), ("demand_max", demand_max)] {
        if !DEMAND.contains(found) {
            return wrong(format!("{name} {found}: expected {} to {}", DEMAND.start(), DEMAND.end()));
        }
    }
    if demand_start < demand_min || demand_start > demand_max {
        return wrong(format!("demand_start {demand_start}: expected {demand_min} to {demand_max}"));
    }
    if *notice_blocks > MOST_BLOCKS {
        return wrong(format!("notice_blocks {notice_blocks}: expected at most {MOST_BLOCKS}"));
    }
    parse_amount(listing_fee).map(drop).or_else(|e| wrong(format!("listing_fee: {e}")))
}

/// Checks the treasury's address: it may be none.
///
/// # Errors
/// Text that is no address.
pub fn check_treasury(params: &Params, prefix: &Prefix) -> Result<(), TxError> {
    match &params.treasury[..] {
        "" => Ok(()),
        text => prefix.parse(text).map(drop).map_err(|e| e.within("treasury")),
    }
}

impl Handler for MsgUpdateParams {
    type Response = MsgUpdateParamsResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.authority]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.authority).map_err(|e| e.within("invalid authority address"))?;
        let params = self.params.as_ref().ok_or_else(|| Market::InvalidParams.wrap("params: missing"))?;
        check(params)?;
        check_treasury(params, prefix)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgUpdateParamsResponse, TxError> {
        demand_authority(ctx, &self.authority)?;
        let (new, old) = (self.params.unwrap_or_default(), params(ctx.state)?);
        if new.denom != old.denom {
            return Err(Market::InvalidParams.wrap(format!("denom {}: expected {}", new.denom, old.denom)));
        }
        save(ctx.state, keys::PARAMS.to_vec(), &new)?;
        ctx.emit("market_params", [("authority", self.authority)]);
        Ok(MsgUpdateParamsResponse {})
    }
}
