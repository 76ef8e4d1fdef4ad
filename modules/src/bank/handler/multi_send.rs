//! One sender, many receivers.

use crate::address::Prefix;
use crate::auth;
use crate::bank::error::Bank;
use crate::bank::{demand_enabled, demand_receiver, give, take};
use crate::coin::Coins;
use crate::context::Context;
use crate::error::{Sdk, TxError};
use crate::module::Handler;
use zektra_proto::cosmos::bank::v1beta1::{MsgMultiSend, MsgMultiSendResponse};

impl Handler for MsgMultiSend {
    type Response = MsgMultiSendResponse;

    fn signers(&self) -> Vec<&str> {
        self.inputs.iter().map(|i| &i.address[..]).collect()
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        let input = match &self.inputs[..] {
            [] => return Err(Bank::NoInputs.bare()),
            [input] => input,
            _ => return Err(Bank::MultipleSenders.bare()),
        };
        if self.outputs.is_empty() {
            return Err(Bank::NoOutputs.bare());
        }
        prefix.parse(&input.address).map_err(|e| e.within("invalid input address"))?;
        let given = Coins::positive(&input.coins)?;
        let mut taken = Coins::none();
        for output in &self.outputs {
            prefix.parse(&output.address).map_err(|e| e.within("invalid output address"))?;
            taken.add_all(&Coins::positive(&output.coins)?)?;
        }
        if given != taken {
            return Err(Bank::InputOutputMismatch.bare());
        }
        Ok(())
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgMultiSendResponse, TxError> {
        let input = self.inputs.first().ok_or_else(|| Bank::NoInputs.bare())?;
        let (from, coins) = (ctx.parse(&input.address)?, Coins::positive(&input.coins)?);
        demand_enabled(ctx, &coins)?;
        let mut outputs = vec![];
        for output in &self.outputs {
            let to = ctx.parse(&output.address)?;
            demand_receiver(ctx, &to)?;
            outputs.push((to, Coins::positive(&output.coins)?));
        }
        let sender = ctx.text(&from);
        take(ctx, &from, &sender, &coins)?;
        ctx.emit("message", [("sender", sender.clone())]);
        let mut rest = coins;
        for (to, coins) in &outputs {
            rest = rest.less(coins).ok_or_else(|| Sdk::InvalidCoins.wrap("outputs exceed the input"))?;
            let recipient = ctx.text(to);
            give(ctx, to, &recipient, coins)?;
            let attributes = [("recipient", recipient), ("sender", sender.clone()), ("amount", coins.to_string())];
            ctx.emit("transfer", attributes);
            if auth::account(ctx.state, to)?.is_none() {
                auth::create(ctx, to)?;
            }
        }
        if !rest.is_empty() {
            return Err(Bank::InputOutputMismatch.bare());
        }
        Ok(MsgMultiSendResponse {})
    }
}
