//! `zektra tx distribution withdraw-rewards | withdraw-all-rewards | withdraw-validator-commission`.

use super::own::{Made, Own, Signer, any};
use crate::cli::chain::settings::Bech;
use anyhow::Result;
use clap::Args;
use zektra_agents::rejected::{allow, expect};
use zektra_proto::cosmos::distribution::v1beta1::{
    MsgWithdrawDelegatorReward, MsgWithdrawValidatorCommission, QueryDelegatorValidatorsRequest,
    QueryDelegatorValidatorsResponse,
};

/// `withdraw-rewards`.
#[derive(Args, Debug)]
pub struct Withdraw {
    /// The validator: its address, that of its operator, or the name of a key.
    validator_address: String,
    /// Pay out the validator's commission, too.
    #[arg(long)]
    commission: bool,
}

impl Own for Withdraw {
    fn make(self, from: Signer<'_>) -> Result<Made> {
        let validator_address = from.settings.address_as(Bech::Operator, &self.validator_address)?;
        let reward = MsgWithdrawDelegatorReward {
            delegator_address: from.account()?,
            validator_address: validator_address.clone(),
        };
        let mut messages = vec![any(&reward)];
        if self.commission {
            demand_own(from, &validator_address)?;
            messages.push(any(&MsgWithdrawValidatorCommission { validator_address }));
        }
        from.sign(messages)
    }
}

/// A validator's commission goes to its operator, who must sign.
fn demand_own(from: Signer<'_>, validator: &str) -> Result<()> {
    let own = from.operator()?;
    Ok(expect(own == validator, || format!("the commission of {validator} goes to its operator, and {own} signs"))?)
}

/// `withdraw-validator-commission`.
#[derive(Args, Debug)]
pub struct WithdrawCommission {
    /// The validator; it is that of the signer and may be left out.
    validator_address: Option<String>,
}

impl Own for WithdrawCommission {
    fn make(self, from: Signer<'_>) -> Result<Made> {
        let validator_address = match self.validator_address {
            Some(text) => from.settings.address_as(Bech::Operator, &text)?,
            None => from.operator()?,
        };
        demand_own(from, &validator_address)?;
        from.sign(vec![any(&MsgWithdrawValidatorCommission { validator_address })])
    }
}

/// `withdraw-all-rewards`.
#[derive(Args, Debug)]
pub struct WithdrawAll {}

impl Own for WithdrawAll {
    fn make(self, from: Signer<'_>) -> Result<Made> {
        allow(!from.offline, || "withdraw-all-rewards asks a node, --offline none: name validators".into())?;
        let delegator_address = from.account()?;
        let request = QueryDelegatorValidatorsRequest { delegator_address: delegator_address.clone() };
        let path = "/cosmos.distribution.v1beta1.Query/DelegatorValidators";
        let answer: QueryDelegatorValidatorsResponse = from.settings.client().query(path, &request)?;
        expect(!answer.validators.is_empty(), || format!("{delegator_address} has delegated nothing"))?;
        let of = |validator_address| {
            any(&MsgWithdrawDelegatorReward { delegator_address: delegator_address.clone(), validator_address })
        };
        from.sign(answer.validators.into_iter().map(of).collect())
    }
}
