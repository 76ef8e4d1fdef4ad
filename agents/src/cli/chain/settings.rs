//! Where the keys are, which node, which chain: flags, then the environment, then `config/client.toml`, then defaults.

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use cosmrs::AccountId;
use serde::Deserialize;
use std::path::PathBuf;
use zektra_agents::chain::client::Client;
use zektra_agents::chain::keyring::Keyring;
use zektra_agents::rejected::{Rejected, expect};
use zektra_comet::Remote;

/// The prefix of addresses where nothing else is said.
const PREFIX: &str = "zektra";
/// CometBFT's RPC on this machine.
const NODE: &str = "tcp://localhost:26657";

/// Flags that all commands of keys and of the chain take.
#[derive(Args, Clone, Debug)]
pub struct Place {
    /// The folder of keys and of config/client.toml [default: ~/.zektra].
    #[arg(long, env = "ZEKTRA_HOME", value_name = "FOLDER", global = true)]
    home: Option<PathBuf>,
    /// How keys are kept: `file` under a passphrase, `test` under the passphrase `test` [default: file].
    #[arg(long, env = "ZEKTRA_KEYRING_BACKEND", value_name = "BACKEND", global = true)]
    keyring_backend: Option<Backend>,
    /// The folder of keys, if it is not the home.
    #[arg(long, env = "ZEKTRA_KEYRING_DIR", value_name = "FOLDER", global = true)]
    keyring_dir: Option<PathBuf>,
    /// The prefix of the chain's addresses [default: zektra].
    #[arg(long, env = "ZEKTRA_PREFIX", global = true)]
    prefix: Option<String>,
    /// How results are printed [default: text].
    #[arg(long, short, env = "ZEKTRA_OUTPUT", value_name = "FORMAT", global = true)]
    output: Option<Format>,
}

/// Flags of commands that ask a node's RPC.
#[derive(Args, Clone, Debug)]
pub struct Rpc {
    /// The node's RPC [default: tcp://localhost:26657].
    #[arg(long, env = "ZEKTRA_NODE", value_name = "URL")]
    node: Option<String>,
}

/// Flags of commands that ask a node's services.
#[derive(Args, Clone, Debug)]
pub struct Node {
    #[command(flatten)]
    rpc: Rpc,
    /// Ask over gRPC at this address instead, without TLS.
    #[arg(long, env = "ZEKTRA_GRPC_ADDR", value_name = "HOST:PORT")]
    grpc_addr: Option<String>,
}

/// How keys are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// Under a passphrase.
    File,
    /// Under a passphrase that everybody knows.
    Test,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// As YAML.
    Text,
    /// As JSON.
    Json,
}

/// `config/client.toml`.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
struct File {
    chain_id: Option<String>,
    keyring_backend: Option<Backend>,
    output: Option<Format>,
    node: Option<String>,
    gas_prices: Option<String>,
    prefix: Option<String>,
}

/// What holds for a command.
#[derive(Debug)]
pub struct Settings {
    pub backend: Backend,
    pub keyring: Keyring,
    pub json: bool,
    pub prefix: String,
    pub gas_prices: Option<String>,
    node: String,
    grpc: Option<String>,
    chain_id: Option<String>,
}

impl Settings {
    /// Puts flags and file together.
    ///
    /// # Errors
    /// A file that is none, no home, or an address that no node can have.
    pub fn new(place: &Place, node: Option<&Node>) -> Result<Self> {
        let settings = Self::of_rpc(place, node.map(|n| &n.rpc))?;
        Ok(Self { grpc: node.and_then(|n| n.grpc_addr.clone()), ..settings })
    }

    /// The same for commands that ask the RPC alone.
    ///
    /// # Errors
    /// As [`Settings::new`].
    pub fn of_rpc(place: &Place, rpc: Option<&Rpc>) -> Result<Self> {
        let home = match &place.home {
            Some(home) => home.clone(),
            None => {
                let user = std::env::var_os("HOME").filter(|h| !h.is_empty());
                let missing = || Rejected::Input("home: there is no $HOME; name a folder with --home".into());
                PathBuf::from(user.ok_or_else(missing)?).join(".zektra")
            }
        };
        let path = home.join("config/client.toml");
        let file: File = match std::fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text).with_context(|| path.display().to_string())?,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => File::default(),
            Err(e) => return Err(e).with_context(|| format!("cannot read {}", path.display())),
        };
        let backend = place.keyring_backend.or(file.keyring_backend).unwrap_or(Backend::File);
        let folder = match backend {
            Backend::File => "keyring-file",
            Backend::Test => "keyring-test",
        };
        let url = rpc.and_then(|r| r.node.clone()).or(file.node).unwrap_or_else(|| NODE.into());
        Remote::check(&url).map_err(|e| Rejected::Input(format!("node: {e}")))?;
        Ok(Self {
            backend,
            keyring: Keyring::at(&place.keyring_dir.as_ref().unwrap_or(&home).join(folder)),
            json: place.output.or(file.output) == Some(Format::Json),
            prefix: place.prefix.clone().or(file.prefix).unwrap_or_else(|| PREFIX.into()),
            gas_prices: file.gas_prices,
            node: url,
            grpc: None,
            chain_id: file.chain_id,
        })
    }

    /// The node that is asked.
    pub fn client(&self) -> Client {
        Client::new(&self.node, self.grpc.as_deref())
    }

    /// The chain that is signed for: what the user says, never what a node says.
    ///
    /// # Errors
    /// Nobody said.
    pub fn chain_id(&self, flag: Option<&str>) -> Result<String, Rejected> {
        let said = flag.map(Into::into).or_else(|| self.chain_id.clone());
        said.ok_or_else(|| {
            let answer = self.client().chain_id().map(|id| format!("; the node at {} says {id:?}", self.node));
            let hint = answer.unwrap_or_default();
            Rejected::Input(format!("chain id: name the chain with --chain-id or in config/client.toml{hint}"))
        })
    }

    /// Demands that the node is of the chain that is signed for.
    ///
    /// # Errors
    /// It is of another, or does not answer.
    pub fn demand_chain(&self, chain_id: &str) -> Result<()> {
        let found = self.client().chain_id()?;
        Ok(expect(found == chain_id, || format!("chain id {chain_id:?}: the node at {} is of {found:?}", self.node))?)
    }

    /// An address as it is, a key's name as its address.
    ///
    /// # Errors
    /// Neither; a keyring that cannot be read.
    pub fn address(&self, name: &str) -> Result<String> {
        if let Some(entry) = self.keyring.find(name, &self.prefix)? {
            return Ok(entry.address(&self.prefix)?);
        }
        let fits = name.parse::<AccountId>().is_ok_and(|id| id.prefix() == self.prefix);
        let Self { prefix, .. } = self;
        let wrong =
            || format!("{name:?}: neither an address {prefix}1… nor the name of a key; --prefix names another prefix");
        expect(fits, wrong)?;
        Ok(name.into())
    }
}
