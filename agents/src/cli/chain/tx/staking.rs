//! `zektra tx staking create-validator | edit-validator`.

use super::own::{Made, Own, Signer, checked_decimal, checked_number, of_json};
use crate::cli::chain::fields::{self, consensus_key};
use anyhow::{Context as _, Result};
use clap::Args;
use serde::Deserialize;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use zektra_agents::chain::amounts;
use zektra_agents::files;
use zektra_agents::rejected::Rejected;

/// What leaves a text of a validator as it is.
const UNCHANGED: &str = "[do-not-modify]";

/// What people read of a validator.
#[derive(Args, Debug)]
struct Description {
    /// A signature of identity, as UPort or Keybase.
    #[arg(long, value_name = "TEXT")]
    identity: Option<String>,
    /// Its site.
    #[arg(long, value_name = "URL")]
    website: Option<String>,
    /// Where weaknesses are reported.
    #[arg(long, value_name = "TEXT")]
    security_contact: Option<String>,
    /// More about it.
    #[arg(long, value_name = "TEXT")]
    details: Option<String>,
}

/// `create-validator`: the flags go before what the file says.
#[derive(Args, Debug)]
pub struct Create {
    /// JSON with pubkey, amount, moniker and, if they are not the usual ones, commission-rate, commission-max-rate,
    /// commission-max-change-rate, min-self-delegation, identity, website, security, details.
    file: Option<PathBuf>,
    /// The node's key of consensus as JSON: {"@type":"/cosmos.crypto.ed25519.PubKey","key":"…"}.
    #[arg(long, value_name = "JSON", conflicts_with = "node_home")]
    pubkey: Option<String>,
    /// The folder of the node, to take the key of consensus from [default: the home].
    #[arg(long, value_name = "FOLDER")]
    node_home: Option<PathBuf>,
    /// What the operator delegates, as 1000000uzektra.
    #[arg(long, value_name = "COIN")]
    amount: Option<String>,
    /// What people call it.
    #[arg(long, value_name = "TEXT")]
    moniker: Option<String>,
    /// The part of rewards that it keeps [default: 0.1].
    #[arg(long, value_name = "PART")]
    commission_rate: Option<String>,
    /// The most that it may ever keep [default: 0.2].
    #[arg(long, value_name = "PART")]
    commission_max_rate: Option<String>,
    /// The most by which the part may go up in a day [default: 0.01].
    #[arg(long, value_name = "PART")]
    commission_max_change_rate: Option<String>,
    /// The least that the operator must have delegated itself [default: 1].
    #[arg(long, value_name = "AMOUNT")]
    min_self_delegation: Option<String>,
    #[command(flatten)]
    description: Description,
}

/// The file of `create-validator`, as the SDK's command takes it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct File {
    pubkey: Option<Value>,
    amount: Option<String>,
    moniker: Option<String>,
    identity: Option<String>,
    website: Option<String>,
    #[serde(alias = "security-contact")]
    security: Option<String>,
    details: Option<String>,
    commission_rate: Option<String>,
    commission_max_rate: Option<String>,
    commission_max_change_rate: Option<String>,
    min_self_delegation: Option<String>,
}

impl Own for Create {
    fn make(self, from: Signer<'_>) -> Result<Made> {
        let file = match &self.file {
            Some(path) => serde_json::from_slice(&files::read(path)?).with_context(|| path.display().to_string())?,
            None => File::default(),
        };
        let needed = |name: &str, flag: Option<String>, said: Option<String>| {
            let missing = || Rejected::Input(format!("{name}: name it with --{name} or in a file"));
            flag.or(said).filter(|text| !text.is_empty()).ok_or_else(missing)
        };
        let rate = |name: &str, flag: Option<String>, said: Option<String>, usual: &str| {
            checked_decimal(name, &flag.or(said).unwrap_or_else(|| usual.into()))
        };
        let pubkey = match (&self.pubkey, &file.pubkey, &self.node_home) {
            (Some(text), ..) => consensus_key(text)?,
            (None, Some(key), None) => consensus_key(&key.to_string())?,
            (.., home) => key_of_node(home.as_deref().unwrap_or(&from.settings.home))?,
        };
        let Description { identity, website, security_contact, details } = self.description;
        let text = |flag: Option<String>, said: Option<String>| flag.or(said).unwrap_or_default();
        let least = self.min_self_delegation.or(file.min_self_delegation).unwrap_or_else(|| "1".into());
        let message = json!({
            "description": {
                "moniker": needed("moniker", self.moniker, file.moniker)?,
                "identity": text(identity, file.identity),
                "website": text(website, file.website),
                "security_contact": text(security_contact, file.security),
                "details": text(details, file.details),
            },
            "commission": {
                "rate": rate("commission-rate", self.commission_rate, file.commission_rate, "0.1")?,
                "max_rate": rate("commission-max-rate", self.commission_max_rate, file.commission_max_rate, "0.2")?,
                "max_change_rate": rate(
                    "commission-max-change-rate",
                    self.commission_max_change_rate,
                    file.commission_max_change_rate,
                    "0.01",
                )?,
            },
            "min_self_delegation": checked_number("min-self-delegation", &least)?,
            "validator_address": from.operator()?,
            "pubkey": pubkey,
            "value": fields::coin(&amounts::coin(&needed("amount", self.amount, file.amount)?)?),
        });
        from.sign(vec![of_json("cosmos.staking.v1beta1.MsgCreateValidator", &message)?])
    }
}

/// The key of consensus of the node with this home.
fn key_of_node(home: &Path) -> Result<Value> {
    let path = home.join("config/priv_validator_key.json");
    let missing = || format!("pubkey: no key of a node in {}; name it with --pubkey or --node-home", home.display());
    let key = files::read(&path).with_context(missing)?;
    let key: Value = serde_json::from_slice(&key).with_context(|| path.display().to_string())?;
    let key = json!({"@type": "/cosmos.crypto.ed25519.PubKey", "key": key["pub_key"]["value"]});
    consensus_key(&key.to_string()).with_context(|| path.display().to_string())
}

/// `edit-validator`.
#[derive(Args, Debug)]
pub struct Edit {
    /// What people call it.
    #[arg(long, visible_alias = "moniker", value_name = "TEXT")]
    new_moniker: Option<String>,
    #[command(flatten)]
    description: Description,
    /// The part of rewards that it keeps, as 0.05.
    #[arg(long, value_name = "PART")]
    commission_rate: Option<String>,
    /// The least that the operator must have delegated itself: it can only be raised.
    #[arg(long, value_name = "AMOUNT")]
    min_self_delegation: Option<String>,
}

impl Own for Edit {
    fn make(self, from: Signer<'_>) -> Result<Made> {
        let Description { identity, website, security_contact, details } = self.description;
        let text = |flag: Option<String>| flag.unwrap_or_else(|| UNCHANGED.into());
        let rate = self.commission_rate.map(|text| checked_decimal("commission-rate", &text)).transpose()?;
        let least = self.min_self_delegation.map(|text| checked_number("min-self-delegation", &text)).transpose()?;
        let message = json!({
            "description": {
                "moniker": text(self.new_moniker),
                "identity": text(identity),
                "website": text(website),
                "security_contact": text(security_contact),
                "details": text(details),
            },
            "validator_address": from.operator()?,
            "commission_rate": rate.unwrap_or_default(),
            "min_self_delegation": least.unwrap_or_default(),
        });
        from.sign(vec![of_json("cosmos.staking.v1beta1.MsgEditValidator", &message)?])
    }
}
