//! Homes and genesis files.

use super::{Input, say};
use crate::app::APP_VERSION;
use crate::node::founding::{found, peer};
use crate::node::home::public;
use crate::node::run::{look, now};
use crate::node::{Config, Home, HomeError, dev};
use crate::solo::rpc::COMETBFT_VERSION;
use anyhow::{Result, anyhow};
use clap::{Args, ValueEnum};
use serde_json::json;
use std::path::PathBuf;
use zektra_genesis::{DEVNET, Genesis, Spec};

/// How a result is printed.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    Text,
    Json,
}

/// What the chain is.
#[derive(Args)]
pub struct Chain {
    /// The chain's id [default: that of the description].
    #[arg(long)]
    pub chain_id: Option<String>,
    /// A description of the chain in TOML [default: the development chain].
    #[arg(long, value_name = "FILE")]
    pub spec: Option<PathBuf>,
    /// The prefix of addresses [default: that of the description].
    #[arg(long)]
    pub bech32_prefix: Option<String>,
}

#[derive(Args)]
pub struct Init {
    /// What people call this node.
    #[arg(default_value = "node")]
    moniker: String,
    /// Without a validator: several machines begin the chain, each with `zektrad gentx`.
    #[arg(long)]
    bare: bool,
    #[command(flatten)]
    chain: Chain,
}

#[derive(Args)]
pub struct Testnet {
    /// How many validators.
    #[arg(long, default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=100))]
    validators: u32,
    /// The folder in which their homes are made: node0, node1, ….
    #[arg(long, short, value_name = "FOLDER")]
    output_dir: PathBuf,
    #[command(flatten)]
    chain: Chain,
}

impl Chain {
    pub fn spec(&self) -> Result<Spec> {
        let text = match &self.spec {
            Some(path) => {
                std::fs::read_to_string(path).map_err(|e| Input(format!("--spec {}: {e}", path.display())))?
            }
            None => DEVNET.to_string(),
        };
        let mut spec = Spec::read(&text)?;
        if let Some(prefix) = &self.bech32_prefix {
            spec = zektra_genesis::with_prefix(spec, prefix)?;
        }
        if let Some(chain_id) = &self.chain_id {
            spec.chain_id = chain_id.clone();
        }
        Ok(spec)
    }
}

/// Checks what would be made, before anything is written.
pub fn planned(home: &Home, chain: &Chain) -> Result<Spec> {
    if home.is_made() {
        return Err(HomeError::Exists(home.config_file("genesis.json")).into());
    }
    home.demand_free()?;
    let spec = chain.spec()?;
    spec.genesis(now(), APP_VERSION)?;
    Ok(spec)
}

/// Makes a home, with one validator or none.
pub fn make(home: &Home, chain: &Chain, moniker: &str, bare: bool) -> Result<Genesis> {
    let spec = planned(home, chain)?;
    home.prepare(&Config { moniker: moniker.into(), ..Config::default() })?;
    let genesis = match bare {
        true => spec.genesis(now(), APP_VERSION)?,
        false => found(&spec, now(), &[(home, moniker.into())])?,
    };
    home.write_genesis(&genesis)?;
    Ok(genesis)
}

pub fn init(home: &Home, command: &Init) -> Result<()> {
    let genesis = make(home, &command.chain, &command.moniker, command.bare)?;
    let facts = json!({
        "home": home.path(),
        "chain_id": genesis.typed.chain_id,
        "node_id": home.node_id()?,
        "validator": tendermint::account::Id::from(public(&home.validator_key()?)),
    });
    say(&format!("{facts:#}\n"));
    warn(&genesis);
    if !command.bare {
        let path = home.config_file("genesis.json");
        eprintln!("note: this is a chain of its own; to join another, put its genesis file at {}", path.display());
    }
    Ok(())
}

/// A chain that goes by the name of the development chain is no surprise.
fn warn(genesis: &Genesis) {
    if dev::holds(genesis) && Spec::read(DEVNET).is_ok_and(|s| s.chain_id != genesis.typed.chain_id.as_str()) {
        eprintln!("warning: {}", dev::WARNING);
    }
}

pub fn testnet(command: &Testnet) -> Result<()> {
    let spec = command.chain.spec()?;
    spec.genesis(now(), APP_VERSION)?;
    let mut homes = vec![];
    for k in 0..command.validators {
        let name = format!("node{k}");
        let home = Home::new(command.output_dir.join(&name));
        if home.is_made() {
            let held = home.path().display();
            return Err(Input(format!("{held} holds a chain already: remove it, or name another folder")).into());
        }
        homes.push((home, name));
    }
    for (home, name) in &homes {
        home.prepare(&Config { moniker: name.clone(), ..Config::default() })?;
    }
    let named: Vec<_> = homes.iter().map(|(home, name)| (home, name.clone())).collect();
    let genesis = found(&spec, now(), &named)?;
    let with_test_accounts = dev::holds(&genesis);
    let mut peers = vec![];
    for (k, (home, _)) in (0..).zip(&homes) {
        home.write_genesis(&genesis)?;
        let operator = match with_test_accounts {
            true => format!("test account {}", dev::ACCOUNTS + k),
            false => "words in config/key_seed.json".into(),
        };
        say(&format!("{}  {}  operator: {operator}\n", home.path().display(), home.node_id()?));
        peers.push(peer(&home.node_id()?, k));
    }
    say(&format!("persistent_peers = {:?}\n", peers.join(",")));
    if with_test_accounts {
        let first = dev::ACCOUNTS;
        let words = dev::MNEMONIC;
        say(&format!(
            "operators: `zektra keys add operator --recover --index {first}` and so on, with the words: {words}\n"
        ));
    }
    warn(&genesis);
    Ok(())
}

pub fn export(home: &Home) -> Result<()> {
    home.demand()?;
    let _lock = home.lock()?;
    let app = look(home, &home.config()?)?.filter(|app| app.committed().height > 0);
    let none = || {
        let genesis = home.config_file("genesis.json");
        anyhow!("no block yet: the chain still begins with {}", genesis.display())
    };
    say(&format!("{:#}\n", app.ok_or_else(none)?.export()?));
    Ok(())
}

pub fn config(home: &Home) -> Result<()> {
    home.demand()?;
    say(&toml::to_string(&home.config()?)?);
    Ok(())
}

pub fn version(output: Output) -> Result<()> {
    let version = env!("CARGO_PKG_VERSION");
    match output {
        Output::Text => {
            println!("zektrad {version}, state machine {APP_VERSION}, ABCI 2.0 of CometBFT {COMETBFT_VERSION}")
        }
        Output::Json => {
            let facts = json!({"name": "zektrad", "version": version, "app_version": APP_VERSION, "cometbft": COMETBFT_VERSION});
            println!("{facts:#}");
        }
    }
    Ok(())
}
