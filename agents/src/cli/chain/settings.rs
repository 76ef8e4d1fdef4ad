//! Where the keys are, which node, which chain: flags, then the environment, then `config/client.toml`, then defaults.

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use cosmrs::AccountId;
use prost::Message as _;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use std::path::PathBuf;
use zektra_agents::chain::client::Client;
use zektra_agents::chain::keyring::{Backend, Keyring, mistyped};
use zektra_agents::rejected::{Rejected, expect};
use zektra_comet::Remote;
use zektra_proto::cosmos::crypto::ed25519::PubKey;
use zektra_proto::cosmos::staking::v1beta1::{QueryValidatorRequest, QueryValidatorResponse};

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
    /// The folder of keys, and of a node if there is one.
    pub home: PathBuf,
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
        let url = rpc.and_then(|r| r.node.clone()).or(file.node).unwrap_or_else(|| NODE.into());
        Remote::check(&url).map_err(|e| Rejected::Input(format!("node: {e}")))?;
        Ok(Self {
            backend,
            keyring: Keyring::of(place.keyring_dir.as_ref().unwrap_or(&home), backend),
            json: place.output.or(file.output) == Some(Format::Json),
            prefix: place.prefix.clone().or(file.prefix).unwrap_or_else(|| PREFIX.into()),
            gas_prices: std::env::var("ZEKTRA_GAS_PRICES").ok().filter(|p| !p.is_empty()).or(file.gas_prices),
            node: url,
            grpc: None,
            chain_id: file.chain_id,
            home,
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

    /// An address as it is, a key's name as its address. What is an address is never taken for a name.
    ///
    /// # Errors
    /// Neither; a keyring that cannot be read.
    pub fn address(&self, name: &str) -> Result<String> {
        self.address_as(Bech::Account, name)
    }

    /// The same in another form: an account's address is its operator's, too.
    ///
    /// # Errors
    /// As [`Settings::address`].
    pub fn address_as(&self, form: Bech, text: &str) -> Result<String> {
        let Self { prefix, .. } = self;
        let wanted = form.prefix(prefix);
        let id = text.parse::<AccountId>().ok();
        let of = |prefix: &str| id.as_ref().filter(|id| id.prefix() == prefix);
        let bytes = match (of(&wanted), of(prefix), form) {
            (Some(_), ..) => return Ok(text.into()),
            (None, Some(account), Bech::Operator) => account.to_bytes(),
            _ => {
                let named = form != Bech::Consensus;
                let (not, what) = if named { ("neither", " nor the name of a key") } else { ("not", "") };
                let wrong = || {
                    let plain = || format!("{not} an address {wanted}1…{what}; --prefix names another prefix");
                    Rejected::Input(format!("{text:?}: {}", mistyped(text, &wanted).unwrap_or_else(plain)))
                };
                let key = if named { self.keyring.find(text, prefix)? } else { None };
                key.ok_or_else(wrong)?.pubkey.account_id(prefix).map_err(|_| wrong())?.to_bytes()
            }
        };
        form.encode(prefix, &bytes)
    }

    /// An address of consensus as it is, a validator's operator as the address of its key, which the chain knows.
    ///
    /// # Errors
    /// Neither; no validator of the chain; no answer.
    pub fn consensus_address(&self, text: &str) -> Result<String> {
        let plain = self.address_as(Bech::Consensus, text);
        let (Err(_), Ok(validator_addr)) = (&plain, self.address_as(Bech::Operator, text)) else { return plain };
        let request = QueryValidatorRequest { validator_addr };
        let path = "/cosmos.staking.v1beta1.Query/Validator";
        let answer: QueryValidatorResponse = self.client().query(path, &request).with_context(|| text.to_string())?;
        let key = answer.validator.and_then(|v| v.consensus_pubkey).unwrap_or_default();
        let key = PubKey::decode(&key.value[..]).with_context(|| format!("{text}: the key of consensus"))?;
        Bech::Consensus.encode(&self.prefix, &Sha256::digest(&key.key)[..20])
    }
}

/// What an address is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Bech {
    /// An account.
    #[value(name = "acc")]
    Account,
    /// A validator's operator.
    #[value(name = "val")]
    Operator,
    /// A validator's key of consensus.
    #[value(name = "cons")]
    Consensus,
}

impl Bech {
    fn prefix(self, chain: &str) -> String {
        let kind = match self {
            Self::Account => "",
            Self::Operator => "valoper",
            Self::Consensus => "valcons",
        };
        format!("{chain}{kind}")
    }

    /// The address of these bytes on a chain.
    ///
    /// # Errors
    /// A prefix that bech32 does not have.
    pub fn encode(self, chain: &str, bytes: &[u8]) -> Result<String> {
        let wrong = |e| Rejected::Input(format!("prefix {chain:?}: expected lower-case letters and digits: {e}"));
        Ok(AccountId::new(&self.prefix(chain), bytes).map_err(wrong)?.to_string())
    }
}
