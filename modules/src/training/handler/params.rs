//! What the chain's authority may change.

use super::super::{keys, rules};
use crate::address::Prefix;
use crate::authority::demand_authority;
use crate::coin::{is_denom, parse_amount};
use crate::context::{Context, save};
use crate::error::{Sdk, TxError};
use crate::module::Handler;
use zektra_proto::training::v1::{MsgUpdateParams, MsgUpdateParamsResponse, Rules};
use zektra_statement::record::MAX_ATTEMPTS;

/// Blocks that a span may have.
const MOST: u64 = 100_000_000;
/// Links that a job may need before its first phase: the leaves of 24 offline shares each stand in a part's transaction,
/// beside its proof.
const MOST_LINKS: u64 = 600;

/// Checks rules.
pub fn check(rules: &Rules) -> Result<(), TxError> {
    let Rules {
        draw_delay,
        join_blocks,
        part_blocks,
        stall_blocks,
        release_blocks,
        dispute_blocks,
        last_slice,
        deposit,
        miss_slash,
        max_rescues,
        max_stalls,
        cancel_fee,
        max_links,
    } = rules;
    let wrong = |field: &str, value: &dyn std::fmt::Display, expected: &str| {
        Err(Sdk::InvalidRequest.wrap(format!("{field} {value}: expected {expected}")))
    };
    let spans = [
        ("draw_delay", draw_delay),
        ("join_blocks", join_blocks),
        ("part_blocks", part_blocks),
        ("stall_blocks", stall_blocks),
        ("release_blocks", release_blocks),
        ("dispute_blocks", dispute_blocks),
    ];
    for (field, blocks) in spans {
        if !(1..=MOST).contains(blocks) {
            return wrong(field, blocks, "1 to 100000000 blocks");
        }
    }
    for (field, points) in [("last_slice", last_slice), ("miss_slash", miss_slash), ("cancel_fee", cancel_fee)] {
        if *points > 10_000 {
            return wrong(field, points, "at most 10000 basis points");
        }
    }
    if *max_rescues >= MAX_ATTEMPTS {
        let most = format!("at most {}: hiding is counted for {MAX_ATTEMPTS} nodes at most", MAX_ATTEMPTS - 1);
        return wrong("max_rescues", max_rescues, &most);
    }
    if *max_stalls > 100 {
        return wrong("max_stalls", max_stalls, "at most 100");
    }
    if !(1..=MOST_LINKS).contains(max_links) {
        return wrong("max_links", max_links, "1 to 600");
    }
    let deposit = deposit.clone().unwrap_or_default();
    if !is_denom(&deposit.denom) {
        return wrong("deposit.denom", &format!("{:?}", deposit.denom), "a denomination");
    }
    parse_amount(&deposit.amount).map_err(|e| Sdk::InvalidRequest.wrap(format!("deposit.amount: {e}"))).map(drop)
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
        let denom = |rules: &Rules| rules.deposit.clone().unwrap_or_default().denom;
        // What members have put down is given back in it.
        let (found, expected) = (denom(&new), denom(&rules(ctx.state)?));
        if found != expected {
            return Err(Sdk::InvalidRequest.wrap(format!("deposit.denom {found}: expected {expected}")));
        }
        save(ctx.state, keys::RULES.to_vec(), &new)?;
        Ok(MsgUpdateParamsResponse {})
    }
}
