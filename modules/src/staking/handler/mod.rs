//! Messages of staking.

mod create;
mod edit;
mod params;
mod stake;

pub(super) use params::check as check_params;

use super::error::Staking;
use super::{bond_denom, validator};
use crate::coin::{is_denom, parse_amount};
use crate::context::Context;
use crate::decimal::Dec;
use crate::error::{Sdk, TxError};
use zektra_proto::cosmos::base::v1beta1::Coin;
use zektra_proto::cosmos::staking::v1beta1::Description;

/// The longest texts of a description, in bytes.
const LONGEST: [(&str, usize); 5] =
    [("moniker", 70), ("identity", 3000), ("website", 140), ("security contact", 140), ("details", 280)];

fn check_description(description: &Description) -> Result<(), TxError> {
    let Description { moniker, identity, website, security_contact, details } = description;
    for ((name, most), text) in LONGEST.into_iter().zip([moniker, identity, website, security_contact, details]) {
        if text.len() > most {
            let wrong = format!("invalid {name} length; got: {}, max: {most}", text.len());
            return Err(Sdk::InvalidRequest.wrap(wrong));
        }
    }
    Ok(())
}

/// The amount of a message's coin, which must be positive.
fn positive(amount: Option<&Coin>, what: &str) -> Result<u128, TxError> {
    let wrong = || Sdk::InvalidRequest.wrap(format!("invalid {what} amount"));
    let coin = amount.ok_or_else(wrong)?;
    let amount = parse_amount(&coin.amount).ok().filter(|&a| a > 0 && is_denom(&coin.denom));
    amount.ok_or_else(wrong)
}

/// The amount of a message's coin in the denomination that is staked.
fn staked(ctx: &Context<'_>, amount: Option<&Coin>) -> Result<u128, TxError> {
    let (found, expected) = (amount.map(|c| &c.denom[..]).unwrap_or_default(), bond_denom(ctx.state)?);
    if found != expected {
        return Err(Sdk::InvalidRequest.wrap(format!("invalid coin denomination: got {found}, expected {expected}")));
    }
    positive(amount, "delegation")
}

/// A decimal of a message.
fn decimal(digits: &str, name: &str) -> Result<Dec, TxError> {
    Dec::read(digits).map_err(|e| Sdk::InvalidRequest.wrap(format!("{name}: {e}")))
}

fn check_rates(rate: Dec, most: Dec, change: Dec) -> Result<(), TxError> {
    if most > Dec::one() {
        return Err(Staking::CommissionHuge.bare());
    }
    if rate > most {
        return Err(Staking::CommissionGtMaxRate.bare());
    }
    if change > most {
        return Err(Staking::CommissionChangeRateGtMaxRate.bare());
    }
    Ok(())
}

/// Refuses a delegation of more than can be delegated to a validator that is worth nothing, by its name.
fn demand_known(ctx: &Context<'_>, operator: &crate::address::Address) -> Result<(), TxError> {
    validator::known(ctx.state, operator).map(drop)
}
