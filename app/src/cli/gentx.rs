//! How several machines begin a chain: accounts, a validator's transaction on each, and all of them in one file.

use super::{Input, say};
use crate::app::AppError;
use crate::node::Home;
use crate::node::founding::Founder;
use crate::node::home::public;
use crate::node::trial::try_out;
use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use zektra_genesis::{Genesis, add_account, add_coins, gen_txs, set_gen_txs};
use zektra_modules::address::Prefix;
use zektra_modules::decimal::Dec;
use zektra_proto::cosmos::base::v1beta1::Coin;
use zektra_proto::cosmos::staking::v1beta1::Description;
use zektra_wallet::amounts::{coin, coins};
use zektra_wallet::ask;
use zektra_wallet::keyring::{Backend, Keyring};

/// Where the keys of accounts are.
#[derive(Args)]
pub struct Keys {
    /// How keys are kept: `file` under a passphrase, `test` under the passphrase `test`.
    #[arg(long, env = "ZEKTRA_KEYRING_BACKEND", value_name = "BACKEND", default_value = "file")]
    keyring_backend: Backend,
    /// The folder of keys, if it is not the home.
    #[arg(long, env = "ZEKTRA_KEYRING_DIR", value_name = "FOLDER")]
    keyring_dir: Option<PathBuf>,
}

impl Keys {
    fn ring(&self, home: &Home) -> Keyring {
        Keyring::of(self.keyring_dir.as_deref().unwrap_or(home.path()), self.keyring_backend)
    }
}

#[derive(Args)]
#[command(after_help = "Example:\n  zektrad add-genesis-account zektra1… 2000000000000uzektra")]
pub struct AddAccount {
    /// An address, or the name of a key.
    account: String,
    /// What it has at first, as 1000uzektra,20atom.
    coins: String,
    /// Add the coins to what an account has that is there already.
    #[arg(long)]
    append: bool,
    #[command(flatten)]
    keys: Keys,
}

#[derive(Args)]
#[command(after_help = "Example:\n  zektrad gentx operator 1000000000000uzektra --chain-id zektra-1 --ip 203.0.113.5")]
pub struct Gentx {
    /// The operator's key: its name or address.
    key: String,
    /// What it stakes, as 1000000000000uzektra.
    amount: String,
    /// The chain that is begun [default: that of the genesis file, which it must be].
    #[arg(long)]
    chain_id: Option<String>,
    /// What people call the validator [default: the moniker in app.toml].
    #[arg(long)]
    moniker: Option<String>,
    /// What else people read of it: a signature of identity, as UPort or Keybase.
    #[arg(long, default_value = "")]
    identity: String,
    /// Its site.
    #[arg(long, default_value = "")]
    website: String,
    /// Where weaknesses are reported.
    #[arg(long, default_value = "")]
    security_contact: String,
    /// More about it.
    #[arg(long, default_value = "")]
    details: String,
    /// The part of rewards that it keeps.
    #[arg(long, default_value = "0.1", value_parser = rate)]
    commission_rate: Dec,
    /// The most that it may ever keep.
    #[arg(long, default_value = "0.2", value_parser = rate)]
    commission_max_rate: Dec,
    /// The most by which the part may go up in a day.
    #[arg(long, default_value = "0.01", value_parser = rate)]
    commission_max_change_rate: Dec,
    /// The least that the operator must have staked itself.
    #[arg(long, default_value_t = 1)]
    min_self_delegation: u128,
    /// Where other nodes find this one: a name, or an address of IPv4 or IPv6.
    #[arg(long, default_value = "127.0.0.1", value_name = "HOST", value_parser = host)]
    ip: String,
    /// The port of CometBFT there.
    #[arg(long, default_value_t = 26656, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    p2p_port: u16,
    /// Where the transaction is written, if not into config/gentx.
    #[arg(long, value_name = "FILE")]
    output_document: Option<PathBuf>,
    #[command(flatten)]
    keys: Keys,
}

#[derive(Args)]
pub struct Collect {
    /// The folder with everybody's transactions [default: config/gentx].
    #[arg(long, value_name = "FOLDER")]
    gentx_dir: Option<PathBuf>,
}

fn rate(text: &str) -> Result<Dec, String> {
    let wrong = || format!("{text:?}, expected a part from 0 to 1, as 0.1");
    Dec::parse(text).ok().filter(|d| *d <= Dec::one()).ok_or_else(wrong)
}

/// The genesis file of a chain that has not begun: this home's, with its prefix.
fn unbegun(home: &Home) -> Result<(Genesis, Prefix)> {
    home.demand()?;
    let genesis = home.genesis()?;
    let found = genesis.typed.app_state["chain"]["bech32_prefix"].as_str().unwrap_or_default();
    let prefix = Prefix::new(found).map_err(anyhow::Error::msg)?;
    Ok((genesis, prefix))
}

fn checked(document: Value) -> Result<Genesis> {
    Ok(Genesis::check(document).map_err(|e| Input(e.to_string()))?)
}

/// The address of a key's name, or an address as it is.
fn address(text: &str, ring: &Keyring, prefix: &Prefix) -> Result<String> {
    if prefix.parse(text).is_ok() {
        return Ok(text.into());
    }
    Ok(ring.get(text, prefix.as_str())?.address(prefix.as_str())?)
}

pub fn add_genesis_account(home: &Home, command: &AddAccount) -> Result<()> {
    let (Genesis { mut document, .. }, prefix) = unbegun(home)?;
    let address = address(&command.account, &command.keys.ring(home), &prefix)?;
    let held = coins(&command.coins)?;
    let amounts = held.iter().map(|c| (&c.denom[..], &c.amount[..]));
    let none = held.is_empty() || held.iter().any(|c| c.amount == "0");
    if none {
        return Err(Input(format!("coins {:?}: expected amounts of more than 0", command.coins)).into());
    }
    let state = &mut document["app_state"];
    let added =
        if command.append { add_coins(state, &address, amounts) } else { add_account(state, &address, amounts) };
    added.map_err(|e| Input(e.to_string()))?;
    home.replace_genesis(&checked(document)?)?;
    let more = if command.append { "more " } else { "" };
    say(&format!("{address} has {} {more}at first\n", command.coins));
    Ok(())
}

pub fn gentx(home: &Home, command: &Gentx) -> Result<()> {
    let (genesis, prefix) = unbegun(home)?;
    let chain_id = genesis.typed.chain_id.as_str();
    if let Some(named) = command.chain_id.as_ref().filter(|named| *named != chain_id) {
        return Err(Input(format!("--chain-id {named:?}: the genesis file is of {chain_id:?}")).into());
    }
    if !gen_txs(&genesis.typed.app_state).is_empty() || !genesis.typed.validators.is_empty() {
        let wrong = "the genesis file has validators already: begin with `zektrad init --bare`";
        return Err(Input(wrong.into()).into());
    }
    let entry = command.keys.ring(home).get(&command.key, prefix.as_str())?;
    let stake = coin(&command.amount)?;
    let operator = entry.address(prefix.as_str())?;
    demand_balance(&genesis.document, &operator, &stake)?;
    let moniker = command.moniker.clone().unwrap_or(home.config()?.moniker);
    let mut founder = Founder::new(public(&home.validator_key()?), &moniker, stake);
    let Gentx { identity, website, security_contact, details, .. } = command;
    founder.description = Description {
        moniker,
        identity: identity.clone(),
        website: website.clone(),
        security_contact: security_contact.clone(),
        details: details.clone(),
    };
    founder.commission = [command.commission_rate, command.commission_max_rate, command.commission_max_change_rate];
    founder.min_self_delegation = command.min_self_delegation;
    founder.memo = format!("{}@{}:{}", home.node_id()?, command.ip, command.p2p_port);
    // What can be said before is not said after a passphrase.
    demand_terms(command, &founder)?;
    founder.check(&operator, &prefix).map_err(|e| Input(format!("gentx: {e}")))?;
    let key = entry.open(&ask::passphrase(command.keys.keyring_backend, &entry)?)?;
    let tx = founder.transaction(&key, &prefix, chain_id)?;
    // Refused here and not on the others' machines.
    let mut document = genesis.document.clone();
    set_gen_txs(&mut document["app_state"], vec![tx.clone()]);
    try_out(&checked(document)?).map_err(|e| match e.downcast() {
        Ok(AppError::GenTx { why, .. }) => Input(format!("gentx: {why}")).into(),
        Ok(AppError::Refused(why)) if why.starts_with("validators") => {
            Input(format!("amount {:?}: {why}", command.amount)).into()
        }
        Ok(other) => other.into(),
        Err(other) => other,
    })?;
    let path = match &command.output_document {
        Some(path) => {
            zektra_wallet::files::write(path, format!("{tx}\n").as_bytes())?;
            path.clone()
        }
        None => home.write_gen_tx(&tx)?,
    };
    say(&format!("{}: send it to whoever collects them, and put theirs beside it\n", path.display()));
    Ok(())
}

/// Terms of a validator that contradict each other, by the flags that say them.
fn demand_terms(command: &Gentx, founder: &Founder) -> Result<(), Input> {
    let Gentx { commission_rate: rate, commission_max_rate: most, commission_max_change_rate: change, .. } = command;
    let wrong = |text: String| Err(Input(text));
    if founder.description.moniker.is_empty() {
        return wrong("--moniker \"\": expected a name".into());
    }
    if rate > most {
        return wrong(format!("--commission-rate {rate}: commission cannot be more than the max rate, {most}"));
    }
    if change > most {
        let what = "commission change rate cannot be more than the max rate";
        return wrong(format!("--commission-max-change-rate {change}: {what}, {most}"));
    }
    Ok(())
}

fn demand_balance(document: &Value, address: &str, stake: &Coin) -> Result<()> {
    let balances = document["app_state"]["bank"]["balances"].as_array();
    let held = balances.into_iter().flatten().find(|b| b["address"] == address);
    let coins = held.and_then(|b| b["coins"].as_array()).into_iter().flatten();
    let amount =
        coins.filter(|c| c["denom"] == stake.denom[..]).find_map(|c| c["amount"].as_str()?.parse::<u128>().ok());
    let (amount, wanted) = (amount.unwrap_or(0), stake.amount.parse::<u128>().unwrap_or(u128::MAX));
    if amount < wanted {
        let Coin { denom, .. } = stake;
        let todo = "add what is missing with `zektrad add-genesis-account`";
        return Err(Input(format!(
            "{address} has {amount}{denom} in the genesis file, it stakes {wanted}{denom}: {todo}"
        ))
        .into());
    }
    Ok(())
}

/// A host as it stands before a port.
fn host(text: &str) -> Result<String, String> {
    if text.parse::<Ipv6Addr>().is_ok() {
        return Ok(format!("[{text}]"));
    }
    let label = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
    let name = text.len() <= 253 && !text.starts_with('-') && text.split('.').all(label);
    // What ends in a number is an address, or nothing.
    let numeric = text.rsplit('.').next().is_some_and(|last| last.bytes().all(|b| b.is_ascii_digit()));
    let bracketed = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
    let fits = bracketed.is_some_and(|inner| inner.parse::<Ipv6Addr>().is_ok())
        || (name && (!numeric || text.parse::<Ipv4Addr>().is_ok()));
    if fits { Ok(text.into()) } else { Err(format!("{text:?}, expected a host's name or address, as 203.0.113.5")) }
}

/// The node's id in a memo, if CometBFT can be told to connect there: the text goes into its configuration.
fn peer(text: &str) -> Option<&str> {
    let (id, place) = text.split_once('@')?;
    let (name, port) = place.rsplit_once(':')?;
    // A plain address of IPv6 would run into the port.
    let fits = id.len() == 40
        && id.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        && host(name).is_ok_and(|same| same == name)
        && port.parse::<u16>().is_ok_and(|port| port > 0);
    fits.then_some(id)
}

pub fn collect_gentxs(home: &Home, command: &Collect) -> Result<()> {
    let (Genesis { mut document, typed }, _) = unbegun(home)?;
    if !typed.validators.is_empty() {
        let wrong = "validators: the genesis file names them itself, expected an empty list";
        return Err(Input(wrong.into()).into());
    }
    let folder = command.gentx_dir.clone().unwrap_or_else(|| home.gen_txs());
    let missing = |e| Input(format!("{}: {e}", folder.display()));
    let mut files = std::fs::read_dir(&folder)
        .map_err(missing)?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<Vec<_>>>()
        .map_err(missing)?;
    files.retain(|path| path.extension().is_some_and(|e| e == "json"));
    files.sort();
    if files.is_empty() {
        return Err(Input(format!(
            "{}: no transaction there, expected gentx-….json of each validator",
            folder.display()
        ))
        .into());
    }
    let (own, own_key) = (home.node_id()?, home.validator_key()?.verification_key().to_bytes());
    let mut txs = BTreeMap::new();
    let (mut peers, mut ids) = (vec![], BTreeMap::new());
    for path in &files {
        let shown = path.display();
        let text = std::fs::read_to_string(path).map_err(|e| Input(format!("{shown}: {e}")))?;
        let tx: Value = serde_json::from_str(&text).map_err(|e| Input(format!("{shown}: {e}")))?;
        let memo = tx["body"]["memo"].as_str().unwrap_or_default().to_string();
        let message = &tx["body"]["messages"][0];
        let operator = message["validator_address"].as_str().unwrap_or_default().to_string();
        let is_own = message["pubkey"]["key"] == STANDARD.encode(own_key);
        // In the same order on all machines, whatever the files are called.
        if txs.insert(operator.clone(), (tx, path)).is_some() {
            return Err(Input(format!("{shown}: {operator} makes a validator in another file, too")).into());
        }
        let Some(id) = peer(&memo) else {
            let expected = "<node id of 40 lower-case hexadecimal digits>@<host>:<port>";
            return Err(Input(format!("{shown}: body.memo: {memo:?}, expected {expected}")).into());
        };
        if id == own && !is_own {
            return Err(Input(format!("{shown}: body.memo: {memo:?} is this home's node, of another validator")).into());
        }
        if let Some(other) = ids.insert(id.to_string(), path) {
            let other = other.display();
            return Err(Input(format!("{shown}: body.memo: node {id} stands in {other}, too, expected its own")).into());
        }
        peers.push(memo);
    }
    let (txs, paths): (Vec<_>, Vec<_>) = txs.into_values().unzip();
    set_gen_txs(&mut document["app_state"], txs);
    let genesis = checked(document)?;
    try_out(&genesis).map_err(|e| match e.downcast() {
        Ok(AppError::GenTx { index, of, why }) => {
            let path = paths.get(index).map(|path| path.display().to_string()).unwrap_or_default();
            Input(format!("{path} ({of}): {why}")).into()
        }
        Ok(other) => anyhow::Error::from(other),
        Err(other) => other,
    })?;
    home.replace_genesis(&genesis)?;
    write_peers(home, &peers)?;
    let facts = json!({
        "chain_id": genesis.typed.chain_id,
        "validators": files.len(),
        "genesis": home.config_file("genesis.json"),
        "persistent_peers": peers.join(","),
    });
    say(&format!("{facts:#}\n"));
    Ok(())
}

/// Names the others in CometBFT's configuration, where it is there: a node leaves itself out when it connects.
fn write_peers(home: &Home, peers: &[String]) -> Result<()> {
    let path = home.config_file("config.toml");
    let Ok(text) = std::fs::read_to_string(&path) else { return Ok(()) };
    let named = |line: &str| match line.starts_with("persistent_peers =") {
        true => format!("persistent_peers = \"{}\"\n", peers.join(",")),
        false => line.into(),
    };
    zektra_wallet::files::write(&path, text.split_inclusive('\n').map(named).collect::<String>().as_bytes())
}
