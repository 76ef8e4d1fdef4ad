//! Paying ahead for compute.

use crate::address::Prefix;
use crate::bank;
use crate::coin::{Coins, positive, positive_in};
use crate::context::Context;
use crate::error::TxError;
use crate::market::{credits, module, params};
use crate::module::Handler;
use zektra_proto::market::v1::{MsgBuyCredits, MsgBuyCreditsResponse, MsgReturnCredits, MsgReturnCreditsResponse};

impl Handler for MsgBuyCredits {
    type Response = MsgBuyCreditsResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.buyer]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.buyer)?;
        positive("amount", self.amount.as_ref()).map(drop)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgBuyCreditsResponse, TxError> {
        let (buyer, denom) = (ctx.parse(&self.buyer)?, params(ctx.state)?.denom);
        let amount = positive_in("amount", self.amount.as_ref(), &denom)?;
        bank::transfer(ctx, &buyer, &module(), &Coins::one(&denom, amount))?;
        credits::add(ctx, &buyer, amount)?;
        Ok(MsgBuyCreditsResponse {})
    }
}

impl Handler for MsgReturnCredits {
    type Response = MsgReturnCreditsResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.holder]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.holder)?;
        positive("amount", self.amount.as_ref()).map(drop)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgReturnCreditsResponse, TxError> {
        let (holder, denom) = (ctx.parse(&self.holder)?, params(ctx.state)?.denom);
        let amount = positive_in("amount", self.amount.as_ref(), &denom)?;
        credits::take(ctx, &holder, amount)?;
        bank::transfer(ctx, &module(), &holder, &Coins::one(&denom, amount))?;
        Ok(MsgReturnCreditsResponse {})
    }
}
