//! One sender, one receiver.

use crate::address::Prefix;
use crate::auth::keys::account;
use crate::bank::keys::balance;
use crate::bank::{demand_enabled, demand_receiver, transfer};
use crate::coin::Coins;
use crate::context::Context;
use crate::error::TxError;
use crate::module::Handler;
use zektra_proto::cosmos::bank::v1beta1::{MsgSend, MsgSendResponse};

/// Denominations of a send that are read ahead.
const MOST_AHEAD: usize = 16;

impl Handler for MsgSend {
    type Response = MsgSendResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.from_address]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.from_address).map_err(|e| e.within("invalid from address"))?;
        prefix.parse(&self.to_address).map_err(|e| e.within("invalid to address"))?;
        Coins::positive(&self.amount)?;
        Ok(())
    }

    fn reads(&self, prefix: &Prefix) -> Vec<Vec<u8>> {
        let Ok(to) = prefix.parse(&self.to_address) else { return vec![] };
        // Whoever names more of them waits for more reads.
        let balances = self.amount.iter().take(MOST_AHEAD).map(|coin| balance(&to, &coin.denom));
        balances.chain([account(&to)]).collect()
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgSendResponse, TxError> {
        let coins = Coins::positive(&self.amount)?;
        let (from, to) = (ctx.parse(&self.from_address)?, ctx.parse(&self.to_address)?);
        demand_enabled(ctx, &coins)?;
        demand_receiver(ctx, &to)?;
        transfer(ctx, &from, &to, &coins)?;
        Ok(MsgSendResponse {})
    }
}
