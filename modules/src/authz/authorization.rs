//! What a grant lets its grantee do.

use super::error::Authz;
use crate::address::Prefix;
use crate::bank::error::Bank;
use crate::coin::{Coins, is_denom, parse_amount};
use crate::context::Context;
use crate::error::{Sdk, TxError};
use prost::{Message, Name};
use std::collections::BTreeSet;
use zektra_proto::Any;
use zektra_proto::cosmos::authz::v1beta1::GenericAuthorization;
use zektra_proto::cosmos::bank::v1beta1::{MsgSend, SendAuthorization};
use zektra_proto::cosmos::base::v1beta1::Coin;
use zektra_proto::cosmos::staking::v1beta1::stake_authorization::Policy;
use zektra_proto::cosmos::staking::v1beta1::{
    AuthorizationType, MsgBeginRedelegate, MsgCancelUnbondingDelegation, MsgDelegate, MsgUndelegate, StakeAuthorization,
};

/// Gas for each entry of a list that is compared.
const GAS: u64 = 10;

/// What a grant lets its grantee do.
#[derive(Clone, Debug, PartialEq)]
pub enum Authorization {
    /// Any message of a type.
    Generic(GenericAuthorization),
    /// Payments up to a limit.
    Send(SendAuthorization),
    /// Delegations up to a limit.
    Stake(StakeAuthorization),
}

/// What is left of a grant after it was used.
#[derive(Clone, Debug, PartialEq)]
pub enum Left {
    /// All of it.
    Same,
    /// Less.
    Less(Authorization),
    /// Nothing.
    None,
}

fn decode<M: Message + Default>(any: &Any) -> Result<M, TxError> {
    M::decode(&any.value[..]).map_err(|e| Sdk::TxDecode.wrap(format!("{}: {e}", any.type_url)))
}

fn url<M: Name>() -> String {
    format!("/{}", M::full_name())
}

impl Authorization {
    /// Reads an authorization.
    ///
    /// # Errors
    /// Any other message.
    pub fn read(any: Option<&Any>) -> Result<Self, TxError> {
        let any = any.ok_or_else(|| Sdk::InvalidType.wrap("authorization is nil"))?;
        let name = any.type_url.trim_start_matches('/');
        if name == GenericAuthorization::full_name() {
            Ok(Self::Generic(decode(any)?))
        } else if name == SendAuthorization::full_name() {
            Ok(Self::Send(decode(any)?))
        } else if name == StakeAuthorization::full_name() {
            Ok(Self::Stake(decode(any)?))
        } else {
            Err(Sdk::InvalidType.wrap(format!("expected an authorization, got {}", any.type_url)))
        }
    }

    /// As grants hold it.
    pub fn to_any(&self) -> Any {
        match self {
            Self::Generic(a) => Any { type_url: url::<GenericAuthorization>(), value: a.encode_to_vec() },
            Self::Send(a) => Any { type_url: url::<SendAuthorization>(), value: a.encode_to_vec() },
            Self::Stake(a) => Any { type_url: url::<StakeAuthorization>(), value: a.encode_to_vec() },
        }
    }

    /// The type of the messages that it is for, with its slash.
    ///
    /// # Errors
    /// One of staking that does not say for which.
    pub fn url(&self) -> Result<String, TxError> {
        match self {
            Self::Generic(a) => Ok(a.msg.clone()),
            Self::Send(_) => Ok(url::<MsgSend>()),
            Self::Stake(a) => match a.authorization_type() {
                AuthorizationType::Delegate => Ok(url::<MsgDelegate>()),
                AuthorizationType::Undelegate => Ok(url::<MsgUndelegate>()),
                AuthorizationType::Redelegate => Ok(url::<MsgBeginRedelegate>()),
                AuthorizationType::CancelUnbondingDelegation => Ok(url::<MsgCancelUnbondingDelegation>()),
                AuthorizationType::Unspecified => Err(Authz::UnknownAuthorizationType.bare()),
            },
        }
    }

    /// Checks its fields.
    ///
    /// # Errors
    /// What no state could make right.
    pub fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        let url = self.url()?;
        match self {
            Self::Generic(_) => {}
            Self::Send(a) => {
                if a.spend_limit.is_empty() {
                    return Err(Sdk::InvalidCoins.wrap("spend limit cannot be nil"));
                }
                Coins::positive(&a.spend_limit).map_err(|e| e.within("spend limit must be positive"))?;
                let mut known = BTreeSet::new();
                for address in &a.allow_list {
                    if !known.insert(prefix.parse(address)?) {
                        return Err(Bank::DuplicateEntry.bare());
                    }
                }
            }
            Self::Stake(a) => {
                for operator in listed(a.policy.as_ref()).1 {
                    prefix.parse_operator(operator)?;
                }
                if let Some(Coin { denom, amount }) = &a.max_tokens {
                    if amount.starts_with('-') {
                        return Err(Authz::NegativeMaxTokens.wrap(format!("negative coin amount: {amount}{denom}")));
                    }
                    if !is_denom(denom) {
                        return Err(Sdk::InvalidCoins.wrap(format!("invalid denom: {denom}")));
                    }
                    parse_amount(amount).map_err(|e| Sdk::InvalidCoins.wrap(e))?;
                }
            }
        }
        let handled = url.strip_prefix('/').and_then(crate::module::handler);
        handled.map(drop).ok_or_else(|| Sdk::InvalidType.wrap(format!("{url} doesn't exist.")))
    }

    /// Whether it is for this message of its type, and what is left of it then.
    ///
    /// # Errors
    /// It is not for this message.
    pub fn accept(&self, ctx: &Context<'_>, message: &Any) -> Result<Left, TxError> {
        match self {
            Self::Generic(_) => Ok(Left::Same),
            Self::Send(a) => accept_send(ctx, a, &decode(message)?),
            Self::Stake(a) => accept_stake(ctx, a, message),
        }
    }
}

fn accept_send(ctx: &Context<'_>, a: &SendAuthorization, message: &MsgSend) -> Result<Left, TxError> {
    let left = Coins::sorted(&a.spend_limit)?.less(&Coins::positive(&message.amount)?);
    let left = left.ok_or_else(|| Sdk::InsufficientFunds.wrap("requested amount is more than spend limit"))?;
    ctx.gas.consume(GAS.saturating_mul(a.allow_list.len() as u64), "send authorization")?;
    // One address has several texts: upper and lower case.
    let to = ctx.parse(&message.to_address)?;
    if !a.allow_list.is_empty() && !a.allow_list.iter().any(|allowed| ctx.parse(allowed).is_ok_and(|a| a == to)) {
        return Err(Sdk::Unauthorized.wrap(format!("cannot send to {} address", message.to_address)));
    }
    if left.is_empty() {
        return Ok(Left::None);
    }
    let (spend_limit, allow_list) = (left.to_proto(), a.allow_list.clone());
    Ok(Left::Less(Authorization::Send(SendAuthorization { spend_limit, allow_list })))
}

/// Whether a list allows, not denies, and what stands on it.
fn listed(policy: Option<&Policy>) -> (bool, &[String]) {
    match policy {
        Some(Policy::AllowList(list)) => (true, &list.address),
        Some(Policy::DenyList(list)) => (false, &list.address),
        None => (false, &[]),
    }
}

fn accept_stake(ctx: &Context<'_>, a: &StakeAuthorization, message: &Any) -> Result<Left, TxError> {
    let (validator, amount) = match a.authorization_type() {
        AuthorizationType::Delegate => {
            let m: MsgDelegate = decode(message)?;
            (m.validator_address, m.amount)
        }
        AuthorizationType::Undelegate => {
            let m: MsgUndelegate = decode(message)?;
            (m.validator_address, m.amount)
        }
        AuthorizationType::Redelegate => {
            let m: MsgBeginRedelegate = decode(message)?;
            (m.validator_dst_address, m.amount)
        }
        AuthorizationType::CancelUnbondingDelegation => {
            let m: MsgCancelUnbondingDelegation = decode(message)?;
            (m.validator_address, m.amount)
        }
        AuthorizationType::Unspecified => return Err(Authz::UnknownAuthorizationType.bare()),
    };
    let (allows, list) = listed(a.policy.as_ref());
    ctx.gas.consume(GAS.saturating_mul(list.len() as u64), "stake authorization")?;
    let operator = ctx.prefix.parse_operator(&validator)?;
    let stands = list.iter().any(|listed| ctx.prefix.parse_operator(listed).is_ok_and(|l| l == operator));
    // An empty list is none.
    if !list.is_empty() && stands != allows {
        return Err(Sdk::Unauthorized.wrap(format!("cannot delegate/undelegate to {validator} validator")));
    }
    let Some(limit) = &a.max_tokens else { return Ok(Left::Same) };
    let amount = amount.unwrap_or_default();
    if limit.denom != amount.denom {
        let wrong = format!("invalid coin denominations; {}, {}", limit.denom, amount.denom);
        return Err(Sdk::InvalidCoins.wrap(wrong));
    }
    let read = |text: &str| parse_amount(text).map_err(|e| Sdk::InvalidCoins.wrap(e));
    let left = read(&limit.amount)?.checked_sub(read(&amount.amount)?);
    let less = |left: u128| {
        let max_tokens = Some(Coin { denom: limit.denom.clone(), amount: left.to_string() });
        Left::Less(Authorization::Stake(StakeAuthorization { max_tokens, ..a.clone() }))
    };
    match left {
        Some(0) => Ok(Left::None),
        Some(left) => Ok(less(left)),
        None => Err(Sdk::InsufficientFunds.wrap("requested amount is more than the tokens left to stake")),
    }
}
