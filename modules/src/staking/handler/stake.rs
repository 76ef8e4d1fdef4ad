//! Stake that comes, goes, moves, and stays after all.

use super::{demand_known, positive, staked};
use crate::address::{Address, Prefix};
use crate::context::Context;
use crate::error::{Sdk, TxError};
use crate::module::Handler;
use crate::staking::delegation::{self, From, shares_for};
use zektra_proto::Timestamp;
use zektra_proto::cosmos::base::v1beta1::Coin;
use zektra_proto::cosmos::staking::v1beta1::{
    MsgBeginRedelegate, MsgBeginRedelegateResponse, MsgCancelUnbondingDelegation, MsgCancelUnbondingDelegationResponse,
    MsgDelegate, MsgDelegateResponse, MsgUndelegate, MsgUndelegateResponse,
};

fn operator(prefix: &Prefix, text: &str, which: &str) -> Result<Address, TxError> {
    let invalid = |e: TxError| Sdk::InvalidAddress.wrap(format!("invalid {which} address: {}", e.log));
    prefix.parse_operator(text).map_err(invalid)
}

fn delegator(prefix: &Prefix, text: &str) -> Result<Address, TxError> {
    prefix.parse(text).map_err(|e| Sdk::InvalidAddress.wrap(format!("invalid delegator address: {}", e.log)))
}

fn shown(coin: Option<&Coin>) -> String {
    coin.map(|c| format!("{}{}", c.amount, c.denom)).unwrap_or_default()
}

/// A time as Go writes it in events: RFC 3339.
fn text(time: &Timestamp) -> String {
    time.to_string()
}

impl Handler for MsgDelegate {
    type Response = MsgDelegateResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.delegator_address]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        operator(prefix, &self.validator_address, "validator")?;
        delegator(prefix, &self.delegator_address)?;
        positive(self.amount.as_ref(), "delegation").map(drop)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgDelegateResponse, TxError> {
        let (to, from) =
            (operator(ctx.prefix, &self.validator_address, "validator")?, ctx.parse(&self.delegator_address)?);
        demand_known(ctx, &to)?;
        let tokens = staked(ctx, self.amount.as_ref())?;
        let issued = delegation::delegate(ctx, &from, tokens, From::Account, &to)?;
        let attributes = [
            ("validator", self.validator_address),
            ("delegator", self.delegator_address),
            ("amount", shown(self.amount.as_ref())),
            ("new_shares", issued.to_string()),
        ];
        ctx.emit("delegate", attributes);
        Ok(MsgDelegateResponse {})
    }
}

impl Handler for MsgUndelegate {
    type Response = MsgUndelegateResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.delegator_address]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        operator(prefix, &self.validator_address, "validator")?;
        delegator(prefix, &self.delegator_address)?;
        positive(self.amount.as_ref(), "shares").map(drop)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgUndelegateResponse, TxError> {
        let (from, to) =
            (operator(ctx.prefix, &self.validator_address, "validator")?, ctx.parse(&self.delegator_address)?);
        let tokens = positive(self.amount.as_ref(), "shares")?;
        let shares = shares_for(ctx.state, &to, &from, tokens)?;
        staked(ctx, self.amount.as_ref())?;
        let (end, tokens) = delegation::undelegate(ctx, &to, &from, shares)?;
        let denom = self.amount.map(|c| c.denom).unwrap_or_default();
        let attributes = [
            ("validator", self.validator_address),
            ("delegator", self.delegator_address),
            ("amount", format!("{tokens}{denom}")),
            ("completion_time", text(&end)),
        ];
        ctx.emit("unbond", attributes);
        let amount = Some(crate::coin::coin(&denom, tokens));
        Ok(MsgUndelegateResponse { completion_time: Some(end), amount })
    }
}

impl Handler for MsgBeginRedelegate {
    type Response = MsgBeginRedelegateResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.delegator_address]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        operator(prefix, &self.validator_src_address, "source validator")?;
        operator(prefix, &self.validator_dst_address, "destination validator")?;
        delegator(prefix, &self.delegator_address)?;
        positive(self.amount.as_ref(), "shares").map(drop)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgBeginRedelegateResponse, TxError> {
        let from = operator(ctx.prefix, &self.validator_src_address, "source validator")?;
        let to = operator(ctx.prefix, &self.validator_dst_address, "destination validator")?;
        let who = ctx.parse(&self.delegator_address)?;
        let tokens = positive(self.amount.as_ref(), "shares")?;
        let shares = shares_for(ctx.state, &who, &from, tokens)?;
        staked(ctx, self.amount.as_ref())?;
        let end = delegation::redelegate(ctx, &who, &from, &to, shares)?;
        let attributes = [
            ("source_validator", self.validator_src_address),
            ("destination_validator", self.validator_dst_address),
            ("amount", shown(self.amount.as_ref())),
            ("completion_time", text(&end)),
        ];
        ctx.emit("redelegate", attributes);
        Ok(MsgBeginRedelegateResponse { completion_time: Some(end) })
    }
}

impl Handler for MsgCancelUnbondingDelegation {
    type Response = MsgCancelUnbondingDelegationResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.delegator_address]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        operator(prefix, &self.validator_address, "validator")?;
        delegator(prefix, &self.delegator_address)?;
        positive(self.amount.as_ref(), "")?;
        if self.creation_height <= 0 {
            return Err(Sdk::InvalidRequest.wrap("invalid height"));
        }
        Ok(())
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgCancelUnbondingDelegationResponse, TxError> {
        let (to, who) =
            (operator(ctx.prefix, &self.validator_address, "validator")?, ctx.parse(&self.delegator_address)?);
        let tokens = staked(ctx, self.amount.as_ref())?;
        delegation::cancel_unbonding(ctx, &who, &to, tokens, self.creation_height)?;
        let attributes = [
            ("amount", shown(self.amount.as_ref())),
            ("validator", self.validator_address),
            ("delegator", self.delegator_address),
            ("creation_height", self.creation_height.to_string()),
        ];
        ctx.emit("cancel_unbonding_delegation", attributes);
        Ok(MsgCancelUnbondingDelegationResponse {})
    }
}
