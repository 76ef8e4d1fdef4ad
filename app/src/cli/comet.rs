//! What CometBFT calls a node and its validator.

use super::say;
use crate::node::Home;
use crate::node::home::public;
use anyhow::Result;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Subcommand;
use serde_json::json;
use zektra_modules::address::{Address, Prefix};

#[derive(Subcommand)]
pub enum Comet {
    /// The id by which other nodes connect to this one.
    #[command(name = "show-node-id")]
    NodeId,
    /// The validator's key of consensus, as `zektra tx staking create-validator --pubkey` takes it.
    #[command(name = "show-validator")]
    Validator,
    /// The validator's address of consensus.
    #[command(name = "show-address")]
    Address,
}

pub fn comet(home: &Home, command: &Comet) -> Result<()> {
    home.demand()?;
    let shown = match command {
        Comet::NodeId => home.node_id()?,
        Comet::Validator => {
            let key = STANDARD.encode(home.validator_key()?.verification_key());
            json!({"@type": "/cosmos.crypto.ed25519.PubKey", "key": key}).to_string()
        }
        Comet::Address => {
            let address = tendermint::account::Id::from(public(&home.validator_key()?));
            let genesis = home.genesis()?;
            let prefix = genesis.typed.app_state["chain"]["bech32_prefix"].as_str().unwrap_or_default();
            let prefix = Prefix::new(prefix).map_err(anyhow::Error::msg)?;
            prefix.consensus_text(&Address::new(address.as_bytes().to_vec())?)
        }
    };
    say(&format!("{shown}\n"));
    Ok(())
}
