//! What a validator changes of itself.

use super::{check_description, decimal};
use crate::address::Prefix;
use crate::coin::parse_amount;
use crate::context::Context;
use crate::decimal::Dec;
use crate::error::{Sdk, TxError};
use crate::module::Handler;
use crate::staking::error::Staking;
use crate::staking::params;
use crate::staking::validator::{Commission, Description, known, store};
use crate::time::nanos;
use zektra_proto::cosmos::staking::v1beta1::{MsgEditValidator, MsgEditValidatorResponse};

/// What a field holds that is to stay as it is.
const KEEP: &str = "[do-not-modify]";
/// Least time between two changes of a commission: a day, in nanoseconds.
const DAY: i128 = 24 * 3600 * 1_000_000_000;

impl Handler for MsgEditValidator {
    type Response = MsgEditValidatorResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.validator_address]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        let invalid = |e: TxError| Sdk::InvalidAddress.wrap(format!("invalid validator address: {}", e.log));
        prefix.parse_operator(&self.validator_address).map_err(invalid)?;
        if self.description.as_ref().is_none_or(|d| *d == Description::default()) {
            return Err(Sdk::InvalidRequest.wrap("empty description"));
        }
        if !self.min_self_delegation.is_empty() {
            let least = parse_amount(&self.min_self_delegation).ok().filter(|&a| a > 0);
            least.ok_or_else(|| Sdk::InvalidRequest.wrap("minimum self delegation must be a positive integer"))?;
        }
        if !self.commission_rate.is_empty() {
            let rate = Dec::read(&self.commission_rate).ok().filter(|r| *r <= Dec::one());
            let wrong = "commission rate must be between 0 and 1 (inclusive)";
            rate.ok_or_else(|| Sdk::InvalidRequest.wrap(wrong))?;
        }
        Ok(())
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgEditValidatorResponse, TxError> {
        let operator = ctx.prefix.parse_operator(&self.validator_address)?;
        let least = decimal(&params(ctx.state)?.min_commission_rate, "minimum commission")?;
        if !self.commission_rate.is_empty() && decimal(&self.commission_rate, "commission rate")? < least {
            let wrong = format!("commission rate cannot be less than the min commission rate {least}");
            return Err(Sdk::InvalidRequest.wrap(wrong));
        }
        let mut validator = known(ctx.state, &operator)?;
        let new = self.description.unwrap_or_default();
        let old = std::mem::take(&mut validator.description);
        let pick = |new: String, old: String| if new == KEEP { old } else { new };
        validator.description = Description {
            moniker: pick(new.moniker, old.moniker),
            identity: pick(new.identity, old.identity),
            website: pick(new.website, old.website),
            security_contact: pick(new.security_contact, old.security_contact),
            details: pick(new.details, old.details),
        };
        check_description(&validator.description)?;
        if !self.commission_rate.is_empty() {
            let rate = decimal(&self.commission_rate, "commission rate")?;
            change(ctx, &mut validator.commission, rate)?;
        }
        if !self.min_self_delegation.is_empty() {
            let least = parse_amount(&self.min_self_delegation).map_err(|e| Sdk::InvalidRequest.wrap(e))?;
            if least <= validator.min_self_delegation {
                return Err(Staking::MinSelfDelegationDecreased.bare());
            }
            if least > validator.tokens {
                return Err(Staking::SelfDelegationBelowMinimum.bare());
            }
            validator.min_self_delegation = least;
        }
        store(ctx, &validator)?;
        let attributes = [
            ("commission_rate", validator.commission.rate.to_string()),
            ("min_self_delegation", validator.min_self_delegation.to_string()),
        ];
        ctx.emit("edit_validator", attributes);
        Ok(MsgEditValidatorResponse {})
    }
}

fn change(ctx: &Context<'_>, commission: &mut Commission, rate: Dec) -> Result<(), TxError> {
    if nanos(&ctx.block.time) - nanos(&commission.update_time) < DAY {
        return Err(Staking::CommissionUpdateTime.bare());
    }
    if rate > commission.max_rate {
        return Err(Staking::CommissionGtMaxRate.bare());
    }
    // Down it may go at any pace.
    if rate.minus(commission.rate).is_ok_and(|more| more > commission.max_change_rate) {
        return Err(Staking::CommissionGtMaxChangeRate.bare());
    }
    (commission.rate, commission.update_time) = (rate, ctx.block.time);
    Ok(())
}
