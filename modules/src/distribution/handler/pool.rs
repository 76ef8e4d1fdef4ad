//! Coins for and of the community, and for a validator's delegators.

use crate::address::Prefix;
use crate::authority::demand_authority;
use crate::bank;
use crate::coin::Coins;
use crate::context::Context;
use crate::dec_coins::DecCoins;
use crate::distribution::error::Distribution;
use crate::distribution::{block, demand_receiver, fund_community_pool, module, records};
use crate::error::TxError;
use crate::module::Handler;
use crate::staking;
use zektra_proto::cosmos::distribution::v1beta1::{
    MsgCommunityPoolSpend, MsgCommunityPoolSpendResponse, MsgDepositValidatorRewardsPool,
    MsgDepositValidatorRewardsPoolResponse, MsgFundCommunityPool, MsgFundCommunityPoolResponse,
};

impl Handler for MsgFundCommunityPool {
    type Response = MsgFundCommunityPoolResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.depositor]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.depositor).map_err(|e| e.within("invalid depositor address"))?;
        Coins::positive(&self.amount)?;
        Ok(())
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgFundCommunityPoolResponse, TxError> {
        let depositor = ctx.parse(&self.depositor)?;
        fund_community_pool(ctx, &depositor, &Coins::positive(&self.amount)?)?;
        Ok(MsgFundCommunityPoolResponse {})
    }
}

impl Handler for MsgCommunityPoolSpend {
    type Response = MsgCommunityPoolSpendResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.authority]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.authority).map_err(|e| e.within("invalid authority address"))?;
        Coins::positive(&self.amount)?;
        prefix.parse(&self.recipient).map(drop)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgCommunityPoolSpendResponse, TxError> {
        demand_authority(ctx, &self.authority)?;
        let (coins, recipient) = (Coins::positive(&self.amount)?, ctx.parse(&self.recipient)?);
        demand_receiver(ctx, &recipient)?;
        let mut pool = records::pool(ctx.state)?;
        pool.take(&DecCoins::whole(&coins)).map_err(|_| Distribution::BadDistribution.bare())?;
        bank::transfer(ctx, &module(), &recipient, &coins)?;
        records::set_pool(ctx.state, &pool)?;
        Ok(MsgCommunityPoolSpendResponse {})
    }
}

impl Handler for MsgDepositValidatorRewardsPool {
    type Response = MsgDepositValidatorRewardsPoolResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.depositor]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.depositor).map_err(|e| e.within("invalid depositor address"))?;
        prefix.parse_operator(&self.validator_address).map_err(|e| e.within("invalid validator address"))?;
        Coins::positive(&self.amount)?;
        Ok(())
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgDepositValidatorRewardsPoolResponse, TxError> {
        let coins = Coins::positive(&self.amount)?;
        let depositor = ctx.parse(&self.depositor)?;
        bank::transfer(ctx, &depositor, &module(), &coins)?;
        let operator = ctx.prefix.parse_operator(&self.validator_address)?;
        let validator = staking::known(ctx.state, &operator)?;
        block::share(ctx, &validator, &DecCoins::whole(&coins))?;
        Ok(MsgDepositValidatorRewardsPoolResponse {})
    }
}
