//! A new validator, with its operator's own stake.

use super::{check_description, check_rates, decimal, positive, staked};
use crate::address::Prefix;
use crate::coin::parse_amount;
use crate::consensus;
use crate::context::Context;
use crate::error::{Sdk, TxError};
use crate::hooks;
use crate::module::Handler;
use crate::staking::delegation::{From, delegate};
use crate::staking::error::Staking;
use crate::staking::validator::{Commission, Validator, add, address_of, by_consensus, read_key, validator};
use crate::staking::{bond_denom, params};
use zektra_proto::cosmos::staking::v1beta1::{MsgCreateValidator, MsgCreateValidatorResponse};

impl Handler for MsgCreateValidator {
    type Response = MsgCreateValidatorResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.validator_address]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        let invalid = |e: TxError| Sdk::InvalidAddress.wrap(format!("invalid validator address: {}", e.log));
        prefix.parse_operator(&self.validator_address).map_err(invalid)?;
        read_key(self.pubkey.as_ref())?;
        let value = positive(self.value.as_ref(), "delegation")?;
        let description = self.description.as_ref().filter(|d| **d != Default::default());
        check_description(description.ok_or_else(|| Sdk::InvalidRequest.wrap("empty description"))?)?;
        let rates = self.commission.as_ref().ok_or_else(|| Sdk::InvalidRequest.wrap("empty commission"))?;
        check_rates(
            decimal(&rates.rate, "commission rate")?,
            decimal(&rates.max_rate, "commission max rate")?,
            decimal(&rates.max_change_rate, "commission max change rate")?,
        )?;
        let least = parse_amount(&self.min_self_delegation).ok().filter(|&a| a > 0);
        let least =
            least.ok_or_else(|| Sdk::InvalidRequest.wrap("minimum self delegation must be a positive integer"))?;
        if value < least {
            return Err(Staking::SelfDelegationBelowMinimum.bare());
        }
        Ok(())
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgCreateValidatorResponse, TxError> {
        let operator = ctx.prefix.parse_operator(&self.validator_address)?;
        let rates = self.commission.unwrap_or_default();
        let commission = Commission {
            rate: decimal(&rates.rate, "commission rate")?,
            max_rate: decimal(&rates.max_rate, "commission max rate")?,
            max_change_rate: decimal(&rates.max_change_rate, "commission max change rate")?,
            update_time: ctx.block.time,
        };
        let least = decimal(&params(ctx.state)?.min_commission_rate, "minimum commission")?;
        if commission.rate < least {
            return Err(Staking::CommissionLtMinRate
                .wrap(format!("cannot set validator commission to less than minimum rate of {least}")));
        }
        if validator(ctx.state, &operator)?.is_some() {
            return Err(Staking::ValidatorOwnerExists.bare());
        }
        let key = read_key(self.pubkey.as_ref())?;
        if by_consensus(ctx.state, &address_of(&key))?.is_some() {
            return Err(Staking::ValidatorPubKeyExists.bare());
        }
        let kinds = consensus::params(ctx.state)?.validator.unwrap_or_default().pub_key_types;
        if !kinds.is_empty() && !kinds.iter().any(|k| k == "ed25519") {
            let expected = kinds.join(", ");
            return Err(Staking::ValidatorPubKeyTypeNotSupported.wrap(format!("got: ed25519, expected: {expected}")));
        }
        let tokens = staked(ctx, self.value.as_ref())?;
        let mut new = Validator::new(operator.clone(), key, self.description.unwrap_or_default());
        new.commission = commission;
        new.min_self_delegation = parse_amount(&self.min_self_delegation).map_err(|e| Sdk::InvalidRequest.wrap(e))?;
        add(ctx, &new)?;
        hooks::after_validator_created(ctx, &new)?;
        delegate(ctx, &operator, tokens, From::Account, &operator)?;
        let amount = format!("{tokens}{}", bond_denom(ctx.state)?);
        ctx.emit("create_validator", [("validator", self.validator_address), ("amount", amount)]);
        Ok(MsgCreateValidatorResponse {})
    }
}
