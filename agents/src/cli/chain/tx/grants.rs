//! `zektra tx authz grant | exec` and `zektra tx feegrant grant`.

use super::file;
use super::own::{Made, Own, Signer, any, coins, of_json};
use crate::cli::chain::fields::coin;
use crate::cli::chain::settings::Bech;
use anyhow::Result;
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use zektra_agents::chain::{amounts, duration};
use zektra_agents::rejected::{Rejected, expect};
use zektra_proto::Timestamp;
use zektra_proto::cosmos::authz::v1beta1::MsgExec;

/// What may be done for another account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// Send coins, up to --spend-limit.
    Send,
    /// Whatever --msg-type does.
    Generic,
    /// Delegate.
    Delegate,
    /// Take delegations back.
    Unbond,
    /// Move delegations.
    Redelegate,
}

/// `authz grant`.
#[derive(Args, Debug)]
pub struct Grant {
    /// Who may: an address, or the name of a key.
    grantee: String,
    /// What.
    kind: Kind,
    /// With generic: the message, as /cosmos.gov.v1.MsgVote.
    #[arg(long, value_name = "TYPE")]
    msg_type: Option<String>,
    /// With send: the most in all. With delegate, unbond and redelegate: the same, as one coin.
    #[arg(long, value_name = "COINS")]
    spend_limit: Option<String>,
    /// With send: who may be paid.
    #[arg(long, value_name = "ADDRESSES", value_delimiter = ',')]
    allow_list: Vec<String>,
    /// With delegate, unbond and redelegate: validators to which it applies.
    #[arg(long, value_name = "ADDRESSES", value_delimiter = ',', conflicts_with = "deny_validators")]
    allowed_validators: Vec<String>,
    /// With delegate, unbond and redelegate: validators to which it does not apply.
    #[arg(long, value_name = "ADDRESSES", value_delimiter = ',')]
    deny_validators: Vec<String>,
    /// Until when: as 2030-01-01T00:00:00Z, in seconds since 1970, or from now as 24h.
    #[arg(long, value_name = "TIME", value_parser = time)]
    expiration: Option<Timestamp>,
}

/// A time: as RFC 3339, in seconds since 1970, or from now on.
fn time(text: &str) -> Result<Timestamp, String> {
    let wrong =
        |_| format!("{text:?}, expected a time as 2030-01-01T00:00:00Z, in seconds since 1970, or from now as 24h");
    if let Ok(seconds) = text.parse() {
        return Ok(Timestamp { seconds, nanos: 0 });
    }
    text.parse().or_else(|_| Ok(after(duration::read(text).map_err(wrong)?)))
}

/// The time when this much has passed.
#[allow(clippy::disallowed_methods, reason = "the user says how long from now; the transaction names the time")]
fn after(span: Duration) -> Timestamp {
    let seconds = (SystemTime::now() + span).duration_since(UNIX_EPOCH).map_or(0, |t| t.as_secs());
    Timestamp { seconds: i64::try_from(seconds).unwrap_or(i64::MAX), nanos: 0 }
}

/// A time in the JSON of a message.
fn shown(time: Option<Timestamp>) -> Value {
    time.map(|t| t.to_string()).into()
}

impl Grant {
    fn authorization(&self, from: Signer<'_>) -> Result<Value> {
        let needed = |name: &str| Rejected::Input(format!("--{name}: this authorization needs it"));
        let all = |form: Bech, list: &[String]| {
            list.iter().map(|text| from.settings.address_as(form, text)).collect::<Result<Vec<_>>>()
        };
        let stake = |kind: &str| {
            let (allowed, denied) =
                (all(Bech::Operator, &self.allowed_validators)?, all(Bech::Operator, &self.deny_validators)?);
            let list = if denied.is_empty() { ("allow_list", allowed) } else { ("deny_list", denied) };
            let missing = || Rejected::Input("--allowed-validators or --deny-validators: one is needed".into());
            let (name, list) = Some(list).filter(|(_, list)| !list.is_empty()).ok_or_else(missing)?;
            let limit = self.spend_limit.as_ref().map(|text| amounts::coin(text)).transpose()?;
            Ok(json!({
                "@type": "/cosmos.staking.v1beta1.StakeAuthorization", "max_tokens": limit.as_ref().map(coin),
                name: {"address": list}, "authorization_type": format!("AUTHORIZATION_TYPE_{kind}"),
            }))
        };
        match self.kind {
            Kind::Send => {
                let limit = coins(Some(self.spend_limit.as_ref().ok_or_else(|| needed("spend-limit"))?))?;
                Ok(json!({
                    "@type": "/cosmos.bank.v1beta1.SendAuthorization",
                    "spend_limit": limit.iter().map(coin).collect::<Vec<_>>(),
                    "allow_list": all(Bech::Account, &self.allow_list)?,
                }))
            }
            Kind::Generic => {
                let kind = self.msg_type.as_ref().ok_or_else(|| needed("msg-type"))?;
                Ok(json!({"@type": "/cosmos.authz.v1beta1.GenericAuthorization", "msg": kind}))
            }
            Kind::Delegate => stake("DELEGATE"),
            Kind::Unbond => stake("UNDELEGATE"),
            Kind::Redelegate => stake("REDELEGATE"),
        }
    }
}

impl Own for Grant {
    fn make(self, from: Signer<'_>) -> Result<Made> {
        let message = json!({
            "granter": from.account()?, "grantee": from.settings.address(&self.grantee)?,
            "grant": {"authorization": self.authorization(from)?, "expiration": shown(self.expiration)},
        });
        from.sign(vec![of_json("cosmos.authz.v1beta1.MsgGrant", &message)?])
    }
}

/// `authz exec`.
#[derive(Args, Debug)]
pub struct Exec {
    /// A transaction of --generate-only with the messages; `-` for the standard input.
    file: PathBuf,
}

impl Own for Exec {
    fn make(self, from: Signer<'_>) -> Result<Made> {
        let msgs = file::read(&self.file)?.body.unwrap_or_default().messages;
        from.sign(vec![any(&MsgExec { grantee: from.account()?, msgs })])
    }
}

/// `feegrant grant`.
#[derive(Args, Debug)]
pub struct Allow {
    /// Who pays and signs: an address, or the name of a key.
    granter: String,
    /// Who may spend: an address, or the name of a key.
    grantee: String,
    /// The most in all.
    #[arg(long, value_name = "COINS")]
    spend_limit: Option<String>,
    /// Until when: as 2030-01-01T00:00:00Z, in seconds since 1970, or from now as 24h.
    #[arg(long, value_name = "TIME", value_parser = time)]
    expiration: Option<Timestamp>,
    /// With --period-limit: a time as 24h, or in seconds.
    #[arg(long, value_name = "TIME", value_parser = period, requires = "period_limit")]
    period: Option<Duration>,
    /// The most in each period.
    #[arg(long, value_name = "COINS", requires = "period")]
    period_limit: Option<String>,
    /// Messages that it applies to, as /cosmos.gov.v1.MsgVote,/cosmos.gov.v1.MsgDeposit.
    #[arg(long, value_name = "TYPES", value_delimiter = ',')]
    allowed_messages: Vec<String>,
}

fn period(text: &str) -> Result<Duration, String> {
    let found = text.parse().map(Duration::from_secs).or_else(|_| duration::read(text))?;
    if found.as_secs() > 0 { Ok(found) } else { Err(format!("{text:?}, expected at least a second")) }
}

impl Own for Allow {
    fn make(self, from: Signer<'_>) -> Result<Made> {
        let (granter, grantee) = (from.settings.address(&self.granter)?, from.settings.address(&self.grantee)?);
        expect(granter != grantee, || format!("{granter}: expected two accounts"))?;
        let list = |text: Option<&String>| Ok::<_, Rejected>(coins(text)?.iter().map(coin).collect::<Vec<_>>());
        let basic = json!({
            "spend_limit": list(self.spend_limit.as_ref())?, "expiration": shown(self.expiration),
        });
        let kind = |name: &str| format!("/cosmos.feegrant.v1beta1.{name}");
        let mut allowance = match self.period {
            Some(period) => {
                let limit = list(self.period_limit.as_ref())?;
                json!({
                    "@type": kind("PeriodicAllowance"), "basic": basic, "period": format!("{}s", period.as_secs()),
                    "period_spend_limit": limit, "period_can_spend": limit, "period_reset": shown(Some(after(period))),
                })
            }
            None => {
                let mut basic = basic;
                basic["@type"] = kind("BasicAllowance").into();
                basic
            }
        };
        if !self.allowed_messages.is_empty() {
            let messages = self.allowed_messages;
            allowance =
                json!({"@type": kind("AllowedMsgAllowance"), "allowance": allowance, "allowed_messages": messages});
        }
        let message = json!({"granter": granter, "grantee": grantee, "allowance": allowance});
        let message = of_json("cosmos.feegrant.v1beta1.MsgGrantAllowance", &message)?;
        Ok(Made { signer: granter, messages: vec![message] })
    }
}
