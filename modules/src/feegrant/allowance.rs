//! What a grant allows.

use super::error::Feegrant;
use crate::coin::Coins;
use crate::context::Context;
use crate::error::{Sdk, TxError};
use crate::time;
use prost::{Message, Name};
use std::collections::BTreeSet;
use zektra_proto::cosmos::base::v1beta1::Coin;
use zektra_proto::cosmos::feegrant::v1beta1::{AllowedMsgAllowance, BasicAllowance, PeriodicAllowance};
use zektra_proto::{Any, Timestamp};

/// Lists of messages around an allowance, one in the other, at most.
const MOST_LISTS: usize = 4;
/// Gas for each message that is compared.
const GAS: u64 = 10;

/// What a grant allows.
#[derive(Clone, Debug, PartialEq)]
pub enum Allowance {
    /// So much, until then.
    Basic(BasicAllowance),
    /// So much in each period.
    Periodic(PeriodicAllowance),
    /// What is inside, for these messages alone.
    Allowed(Vec<String>, Box<Allowance>),
}

fn decode<M: Message + Default>(any: &Any) -> Result<M, TxError> {
    M::decode(&any.value[..]).map_err(|e| Sdk::TxDecode.wrap(format!("{}: {e}", any.type_url)))
}

fn pack<M: Message + Name>(message: &M) -> Any {
    Any { type_url: format!("/{}", M::full_name()), value: message.encode_to_vec() }
}

impl Allowance {
    /// Reads an allowance.
    ///
    /// # Errors
    /// Any other message.
    pub fn read(any: Option<&Any>) -> Result<Self, TxError> {
        Self::read_in(any, 0)
    }

    fn read_in(any: Option<&Any>, lists: usize) -> Result<Self, TxError> {
        let any = any.ok_or_else(|| Feegrant::NoAllowance.wrap("allowance should not be empty"))?;
        let name = any.type_url.trim_start_matches('/');
        if name == BasicAllowance::full_name() {
            Ok(Self::Basic(decode(any)?))
        } else if name == PeriodicAllowance::full_name() {
            Ok(Self::Periodic(decode(any)?))
        } else if name == AllowedMsgAllowance::full_name() && lists < MOST_LISTS {
            let AllowedMsgAllowance { allowance, allowed_messages } = decode(any)?;
            Ok(Self::Allowed(allowed_messages, Box::new(Self::read_in(allowance.as_ref(), lists + 1)?)))
        } else {
            Err(Feegrant::NoAllowance.wrap("failed to get allowance"))
        }
    }

    /// As grants hold it.
    pub fn to_any(&self) -> Any {
        match self {
            Self::Basic(basic) => pack(basic),
            Self::Periodic(periodic) => pack(periodic),
            Self::Allowed(messages, inner) => {
                let (allowance, allowed_messages) = (Some(inner.to_any()), messages.clone());
                pack(&AllowedMsgAllowance { allowance, allowed_messages })
            }
        }
    }

    /// Checks the fields of a new one.
    ///
    /// # Errors
    /// What no state could make right.
    pub fn check(&self) -> Result<(), TxError> {
        self.check_used()?;
        match self {
            Self::Basic(_) => Ok(()),
            Self::Periodic(periodic) => check_denoms(periodic),
            Self::Allowed(_, inner) => inner.check(),
        }
    }

    /// Checks the fields of one that was used: a coin of its limit may be spent.
    ///
    /// # Errors
    /// What no state could make right.
    pub fn check_used(&self) -> Result<(), TxError> {
        match self {
            Self::Basic(basic) => check_basic(basic),
            Self::Periodic(periodic) => check_periodic(periodic),
            Self::Allowed(messages, inner) => {
                if messages.is_empty() {
                    return Err(Feegrant::NoMessages.wrap("allowed messages shouldn't be empty"));
                }
                inner.check_used()
            }
        }
    }

    /// When it ends.
    pub fn expiration(&self) -> Option<Timestamp> {
        match self {
            Self::Basic(basic) => basic.expiration,
            Self::Periodic(periodic) => periodic.basic.as_ref().and_then(|basic| basic.expiration),
            Self::Allowed(_, inner) => inner.expiration(),
        }
    }

    /// Takes a fee out of it, for these types of messages; whether nothing is left of it.
    ///
    /// # Errors
    /// It has ended, has not so much, or is for other messages.
    pub fn accept(&mut self, ctx: &Context<'_>, fee: &Coins, messages: &[&str]) -> Result<bool, TxError> {
        let now = &ctx.block.time;
        match self {
            Self::Basic(basic) => {
                demand_time(basic, now, "basic allowance")?;
                spend(&mut basic.spend_limit, fee, "basic allowance")
            }
            Self::Periodic(periodic) => {
                let PeriodicAllowance { basic, period_can_spend, .. } = {
                    demand_time(&periodic.basic.clone().unwrap_or_default(), now, "absolute limit")?;
                    try_reset(periodic, now)?;
                    periodic
                };
                let left = Coins::sorted(period_can_spend)?.less(fee);
                let left = left.ok_or_else(|| Feegrant::FeeLimitExceeded.wrap("period limit"))?;
                *period_can_spend = left.to_proto();
                spend(&mut basic.get_or_insert_default().spend_limit, fee, "absolute limit")
            }
            Self::Allowed(allowed, inner) => {
                let compared = allowed.len().saturating_add(messages.len()) as u64;
                ctx.gas.consume(GAS.saturating_mul(compared), "check msg")?;
                // Both lists may be long, and nobody has proven to have signed yet.
                let allowed: BTreeSet<&str> = allowed.iter().map(|name| name.trim_start_matches('/')).collect();
                if !messages.iter().all(|message| allowed.contains(message.trim_start_matches('/'))) {
                    return Err(Feegrant::MessageNotAllowed.wrap("message does not exist in allowed messages"));
                }
                inner.accept(ctx, fee, messages)
            }
        }
    }
}

/// Refuses what has ended: at its very end it has not yet.
fn demand_time(basic: &BasicAllowance, now: &Timestamp, what: &str) -> Result<(), TxError> {
    match &basic.expiration {
        Some(end) if time::nanos(end) < time::nanos(now) => Err(Feegrant::FeeLimitExpired.wrap(what)),
        _ => Ok(()),
    }
}

/// Takes a fee out of a limit, of which an empty one is none; whether nothing is left.
fn spend(limit: &mut Vec<Coin>, fee: &Coins, what: &str) -> Result<bool, TxError> {
    if limit.is_empty() {
        return Ok(false);
    }
    let left = Coins::sorted(limit)?.less(fee).ok_or_else(|| Feegrant::FeeLimitExceeded.wrap(what))?;
    *limit = left.to_proto();
    Ok(left.is_empty())
}

/// Begins a new period if the last has passed: one period after it, or after now if even that has passed.
fn try_reset(periodic: &mut PeriodicAllowance, now: &Timestamp) -> Result<(), TxError> {
    let now = time::nanos(now);
    let end = periodic.period_reset.as_ref().map_or(i128::from(time::NO_TIME), time::nanos);
    if now < end {
        return Ok(());
    }
    let limit = periodic.basic.as_ref().map(|basic| &basic.spend_limit[..]).unwrap_or_default();
    let (all, each) = (Coins::sorted(limit)?, Coins::sorted(&periodic.period_spend_limit)?);
    let can = if all.is_empty() || all.less(&each).is_some() { each } else { all };
    periodic.period_can_spend = can.to_proto();
    let period = time::span(&periodic.period.unwrap_or_default())?;
    let next = end.saturating_add(period);
    periodic.period_reset = Some(time::at(if now > next { now.saturating_add(period) } else { next }));
    Ok(())
}

fn check_basic(basic: &BasicAllowance) -> Result<(), TxError> {
    if !basic.spend_limit.is_empty() {
        Coins::positive(&basic.spend_limit).map_err(|e| e.within("send amount is invalid"))?;
    }
    let Some(end) = &basic.expiration else { return Ok(()) };
    if end.seconds < 0 {
        return Err(Feegrant::InvalidDuration.wrap("expiration time cannot be negative"));
    }
    time::check(end)
}

fn check_periodic(periodic: &PeriodicAllowance) -> Result<(), TxError> {
    check_basic(&periodic.basic.clone().unwrap_or_default())?;
    Coins::positive(&periodic.period_spend_limit).map_err(|e| e.within("spend amount is invalid"))?;
    if !periodic.period_can_spend.is_empty() {
        Coins::positive(&periodic.period_can_spend).map_err(|e| e.within("can spend amount is invalid"))?;
    }
    if time::span(&periodic.period.unwrap_or_default())? < 0 {
        return Err(Feegrant::InvalidDuration.wrap("negative clock step"));
    }
    periodic.period_reset.as_ref().map_or(Ok(()), time::check)
}

/// Refuses a period's limit with coins that the whole limit does not have.
fn check_denoms(periodic: &PeriodicAllowance) -> Result<(), TxError> {
    let limit = periodic.basic.as_ref().map(|basic| &basic.spend_limit[..]).unwrap_or_default();
    let (all, each) = (Coins::sorted(limit)?, Coins::sorted(&periodic.period_spend_limit)?);
    if !all.is_empty() && each.iter().any(|(denom, _)| all.amount(denom) == 0) {
        let wrong = "period spend limit has different currency than basic spend limit";
        return Err(Sdk::InvalidCoins.wrap(wrong));
    }
    Ok(())
}
