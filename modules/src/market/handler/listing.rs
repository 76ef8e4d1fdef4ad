//! What sellers do with their listings.

use crate::address::Prefix;
use crate::bank;
use crate::coin::Coins;
use crate::context::Context;
use crate::error::TxError;
use crate::hooks::may_list;
use crate::market::error::Market;
use crate::market::{amount, keys, listing, module, next_listing, params};
use crate::module::Handler;
use zektra_proto::market::v1::{
    Kind, Listing, MsgClose, MsgCloseResponse, MsgList, MsgListResponse, MsgReopen, MsgReopenResponse, MsgSchedule,
    MsgScheduleResponse, MsgUpdateTier, MsgUpdateTierResponse, Rate, Tier,
};

/// A listing of this seller.
fn own(ctx: &Context<'_>, seller: &str, number: u64) -> Result<Listing, TxError> {
    let found = listing::known(ctx.state, number)?;
    if ctx.parse(&found.seller)? != ctx.parse(seller)? {
        return Err(Market::NotSeller.wrap(format!("listing {number} of {}", found.seller)));
    }
    Ok(found)
}

fn demand_number(listing: u64) -> Result<(), TxError> {
    if listing == 0 { Err(Market::ListingUnknown.wrap("listing 0: expected 1 or more")) } else { Ok(()) }
}

impl Handler for MsgList {
    type Response = MsgListResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.seller]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.seller)?;
        if !matches!(Kind::try_from(self.kind), Ok(Kind::Dataset | Kind::Set)) {
            return Err(Market::InvalidField.wrap(format!("kind {}: expected a dataset or a set", self.kind)));
        }
        if self.target == 0 {
            return Err(Market::InvalidField.wrap("target 0: expected the number of a dataset or a set"));
        }
        listing::check_tiers(&self.tiers)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgListResponse, TxError> {
        let (kind, seller) = (self.kind(), ctx.parse(&self.seller)?);
        may_list(ctx, &seller, kind, self.target)?;
        let params = params(ctx.state)?;
        let fee = Coins::one(&params.denom, amount(&params.listing_fee)?);
        if !fee.is_empty() {
            bank::transfer(ctx, &seller, &module(), &fee)?;
            bank::burn(ctx, &module(), &fee)?;
        }
        let number = next_listing(ctx.state)?;
        let next = number.checked_add(1).ok_or_else(|| Market::InvalidField.wrap("no numbers of listings are left"))?;
        ctx.state.put(keys::NEXT.to_vec(), next.to_be_bytes().to_vec())?;
        let (target, tiers) = (self.target, self.tiers);
        let new = Listing { number, seller: self.seller, kind: kind.into(), target, tiers, open: true };
        listing::set(ctx.state, &new)?;
        ctx.state.put(keys::seller(&seller, number), vec![1])?;
        let attributes = [
            ("listing", number.to_string()),
            ("seller", new.seller),
            ("kind", if kind == Kind::Set { "set" } else { "dataset" }.into()),
            ("target", target.to_string()),
        ];
        ctx.emit("market_list", attributes);
        Ok(MsgListResponse { listing: number })
    }
}

impl Handler for MsgUpdateTier {
    type Response = MsgUpdateTierResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.seller]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.seller)?;
        demand_number(self.listing)?;
        listing::check_tier(self.tier.as_ref().ok_or_else(|| Market::InvalidTier.wrap("tier: missing"))?)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgUpdateTierResponse, TxError> {
        let mut found = own(ctx, &self.seller, self.listing)?;
        let new = self.tier.unwrap_or_default();
        let name = new.name.clone();
        match found.tiers.iter_mut().find(|tier| tier.name == name) {
            Some(_) if !new.schedule.is_empty() => {
                let wrong = format!("schedule of the known tier {name:?}: expected none");
                return Err(Market::InvalidSchedule.wrap(wrong));
            }
            Some(tier) => *tier = Tier { schedule: std::mem::take(&mut tier.schedule), ..new },
            None => found.tiers.push(new),
        }
        listing::check_tiers(&found.tiers)?;
        listing::set(ctx.state, &found)?;
        ctx.emit("market_tier", [("listing", found.number.to_string()), ("tier", name)]);
        Ok(MsgUpdateTierResponse {})
    }
}

impl Handler for MsgSchedule {
    type Response = MsgScheduleResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.seller]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.seller)?;
        demand_number(self.listing)?;
        listing::check_rate(self.rate)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgScheduleResponse, TxError> {
        let mut found = own(ctx, &self.seller, self.listing)?;
        let Self { from_height, rate, .. } = self;
        let (height, notice) = (ctx.block.height, params(ctx.state)?.notice_blocks);
        listing::tier(&found, &self.tier)?;
        for tier in found.tiers.iter_mut().filter(|tier| tier.name == self.tier) {
            listing::schedule(tier, Rate { from_height, rate }, height, notice)?;
        }
        listing::set(ctx.state, &found)?;
        let attributes = [
            ("listing", found.number.to_string()),
            ("tier", self.tier),
            ("from_height", from_height.to_string()),
            ("rate", rate.to_string()),
        ];
        ctx.emit("market_schedule", attributes);
        Ok(MsgScheduleResponse {})
    }
}

/// Opens or closes a listing.
fn turn(ctx: &mut Context<'_>, seller: &str, number: u64, open: bool) -> Result<(), TxError> {
    let found = own(ctx, seller, number)?;
    if found.open == open {
        let code = if open { Market::ListingOpen } else { Market::ListingClosed };
        return Err(code.wrap(format!("listing {number}")));
    }
    listing::set(ctx.state, &Listing { open, ..found })?;
    ctx.emit(if open { "market_reopen" } else { "market_close_listing" }, [("listing", number.to_string())]);
    Ok(())
}

impl Handler for MsgClose {
    type Response = MsgCloseResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.seller]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.seller)?;
        demand_number(self.listing)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgCloseResponse, TxError> {
        turn(ctx, &self.seller, self.listing, false)?;
        Ok(MsgCloseResponse {})
    }
}

impl Handler for MsgReopen {
    type Response = MsgReopenResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.seller]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.seller)?;
        demand_number(self.listing)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgReopenResponse, TxError> {
        turn(ctx, &self.seller, self.listing, true)?;
        Ok(MsgReopenResponse {})
    }
}
