//! Rewards and commission are withdrawn, and where they go.

use crate::address::Prefix;
use crate::context::Context;
use crate::dec_coins::DecCoins;
use crate::distribution::error::Distribution;
use crate::distribution::{demand_receiver, keys, params, records, rewards};
use crate::error::TxError;
use crate::module::Handler;
use crate::staking::{self, delegation};
use zektra_proto::cosmos::distribution::v1beta1::{
    MsgSetWithdrawAddress, MsgSetWithdrawAddressResponse, MsgWithdrawDelegatorReward,
    MsgWithdrawDelegatorRewardResponse, MsgWithdrawValidatorCommission, MsgWithdrawValidatorCommissionResponse,
};

impl Handler for MsgSetWithdrawAddress {
    type Response = MsgSetWithdrawAddressResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.delegator_address]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.delegator_address).map_err(|e| e.within("invalid delegator address"))?;
        prefix.parse(&self.withdraw_address).map_err(|e| e.within("invalid withdraw address"))?;
        Ok(())
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgSetWithdrawAddressResponse, TxError> {
        let (delegator, to) = (ctx.parse(&self.delegator_address)?, ctx.parse(&self.withdraw_address)?);
        demand_receiver(ctx, &to)?;
        if !params(ctx.state)?.withdraw_addr_enabled {
            return Err(Distribution::SetWithdrawAddrDisabled.bare());
        }
        let attributes = [("withdraw_address", ctx.text(&to))];
        ctx.emit("set_withdraw_address", attributes);
        ctx.state.put(keys::withdraw(&delegator), to.bytes().to_vec())?;
        Ok(MsgSetWithdrawAddressResponse {})
    }
}

impl Handler for MsgWithdrawDelegatorReward {
    type Response = MsgWithdrawDelegatorRewardResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.delegator_address]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse_operator(&self.validator_address).map_err(|e| e.within("invalid validator address"))?;
        prefix.parse(&self.delegator_address).map_err(|e| e.within("invalid delegator address"))?;
        Ok(())
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgWithdrawDelegatorRewardResponse, TxError> {
        let operator = ctx.prefix.parse_operator(&self.validator_address)?;
        let delegator = ctx.parse(&self.delegator_address)?;
        let validator = staking::known(ctx.state, &operator)?;
        // Clients get staking's error here.
        delegation::demand(ctx.state, &delegator, &operator)?;
        let coins = rewards::pay(ctx, &delegator, &validator)?;
        rewards::settle(ctx, &delegator, &operator)?;
        Ok(MsgWithdrawDelegatorRewardResponse { amount: coins })
    }
}

impl Handler for MsgWithdrawValidatorCommission {
    type Response = MsgWithdrawValidatorCommissionResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.validator_address]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse_operator(&self.validator_address).map_err(|e| e.within("invalid validator address"))?;
        Ok(())
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgWithdrawValidatorCommissionResponse, TxError> {
        let operator = ctx.prefix.parse_operator(&self.validator_address)?;
        let commission = records::commission(ctx.state, &operator)?;
        if commission.is_empty() {
            return Err(Distribution::NoValidatorCommission.bare());
        }
        // What is no whole coin yet is withdrawn later.
        let (coins, rest) = commission.split()?;
        records::set_commission(ctx.state, &operator, &rest)?;
        let mut outstanding = records::outstanding(ctx.state, &operator)?;
        outstanding.take(&DecCoins::whole(&coins))?;
        records::set_outstanding(ctx.state, &operator, &outstanding)?;
        rewards::send(ctx, &operator, &coins)?;
        ctx.emit("withdraw_commission", [("amount", coins.to_string())]);
        Ok(MsgWithdrawValidatorCommissionResponse { amount: coins.to_proto() })
    }
}
