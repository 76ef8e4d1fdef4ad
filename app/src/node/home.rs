//! A home folder, laid out as CometBFT's: both programs share it.
//!
//! | file | holds |
//! | --- | --- |
//! | `config/genesis.json` | what the chain begins with |
//! | `config/gentx/` | transactions that make the first validators |
//! | `config/key_seed.json` | the words of the operator's key, if the node made it |
//! | `config/app.toml` | how this node runs |
//! | `config/priv_validator_key.json` | the validator's key |
//! | `config/node_key.json` | the key that names the node |
//! | `data/state` | the state, blocks of a solo chain, the index of transactions |
//! | `data/lock` | held while a node runs |

use super::{Config, HomeError};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use ed25519_consensus::SigningKey;
use serde_json::{Value, json};
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use zektra_genesis::Genesis;
use zektra_wallet::files;

/// What may be there before a home is made: what one holds, the keys of a wallet, and what a disk of its own brings.
const BESIDE: [&str; 5] = ["config", "data", "keyring-file", "keyring-test", "lost+found"];

/// A home folder.
#[derive(Clone, Debug)]
pub struct Home(PathBuf);

fn io(path: &Path) -> impl Fn(std::io::Error) -> HomeError {
    let path = path.to_path_buf();
    move |error| HomeError::Io { path: path.clone(), error }
}

/// Writes a file whole or not at all.
fn write(path: &Path, bytes: &[u8], private: bool) -> Result<(), HomeError> {
    let written = if private { files::write_secret(path, bytes) } else { files::write(path, bytes) };
    written.map_err(|e| io(path)(e.downcast().unwrap_or_else(std::io::Error::other)))
}

/// A new Ed25519 key.
///
/// # Panics
/// The system gives no randomness.
pub fn new_key() -> SigningKey {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).expect("the system gives randomness");
    SigningKey::from(seed)
}

/// A key's public half, as CometBFT has it.
pub fn public(key: &SigningKey) -> tendermint::PublicKey {
    tendermint::PublicKey::from_ed25519_consensus(key.verification_key())
}

fn key_json(key: &SigningKey) -> Value {
    let both = [&key.to_bytes()[..], &key.verification_key().to_bytes()].concat();
    json!({"type": "tendermint/PrivKeyEd25519", "value": BASE64.encode(both)})
}

impl Home {
    /// A home at this path.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(path.into())
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A file of `config`.
    pub fn config_file(&self, name: &str) -> PathBuf {
        self.0.join("config").join(name)
    }

    /// The folder of the state.
    pub fn data(&self) -> PathBuf {
        self.0.join("data")
    }

    /// Whether a chain was made here.
    pub fn is_made(&self) -> bool {
        self.config_file("genesis.json").exists()
    }

    /// Demands a node's home, for whoever only looks at it.
    ///
    /// # Errors
    /// There is no configuration and no genesis file.
    pub fn demand(&self) -> Result<(), HomeError> {
        let is_home = ["app.toml", "genesis.json"].iter().any(|name| self.config_file(name).exists());
        if is_home { Ok(()) } else { Err(HomeError::None(self.0.clone())) }
    }

    /// Demands a path where a home can be made: nothing, or a folder with nothing of others.
    ///
    /// # Errors
    /// It is no folder, or holds other files and no configuration.
    pub fn demand_free(&self) -> Result<(), HomeError> {
        let entries = match fs::read_dir(&self.0) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            entries => entries.map_err(io(&self.0))?,
        };
        let foreign = |name: &std::ffi::OsString| !BESIDE.iter().any(|known| name == known);
        let found = entries.filter_map(Result::ok).map(|entry| entry.file_name()).find(foreign);
        match found {
            Some(name) if self.demand().is_err() => Err(HomeError::Foreign(self.0.clone(), name)),
            _ => Ok(()),
        }
    }

    /// Makes the folders, the keys and the configuration; what is there stays.
    ///
    /// # Errors
    /// What the system says.
    pub fn prepare(&self, config: &Config) -> Result<(), HomeError> {
        for folder in [self.0.join("config"), self.data()] {
            fs::create_dir_all(&folder).map_err(io(&folder))?;
        }
        let validator = self.config_file("priv_validator_key.json");
        if !validator.exists() {
            let key = new_key();
            let address = tendermint::account::Id::from(public(&key));
            let content = json!({"address": address, "pub_key": public(&key), "priv_key": key_json(&key)});
            write(&validator, format!("{content:#}\n").as_bytes(), true)?;
        }
        // CometBFT wants to find where it stood.
        let stood = self.data().join("priv_validator_state.json");
        if !stood.exists() {
            write(&stood, b"{\n  \"height\": \"0\",\n  \"round\": 0,\n  \"step\": 0\n}\n", true)?;
        }
        let node = self.config_file("node_key.json");
        if !node.exists() {
            write(&node, format!("{:#}\n", json!({"priv_key": key_json(&new_key())})).as_bytes(), true)?;
        }
        let app = self.config_file("app.toml");
        if !app.exists() {
            let text =
                toml::to_string(config).map_err(|e| HomeError::Content { path: app.clone(), why: e.to_string() })?;
            write(
                &app,
                format!("# How this node runs. Fields that are left out have these values.\n\n{text}").as_bytes(),
                false,
            )?;
        }
        Ok(())
    }

    /// Writes the genesis file.
    ///
    /// # Errors
    /// One is there already; what the system says.
    pub fn write_genesis(&self, genesis: &Genesis) -> Result<(), HomeError> {
        let path = self.config_file("genesis.json");
        if path.exists() {
            return Err(HomeError::Exists(path));
        }
        write(&path, format!("{:#}\n", genesis.document).as_bytes(), false)
    }

    /// Writes the words that the operator's key comes from.
    ///
    /// # Errors
    /// They are there already; what the system says.
    pub fn write_seed(&self, words: &str) -> Result<(), HomeError> {
        let path = self.config_file("key_seed.json");
        if path.exists() {
            return Err(HomeError::Exists(path));
        }
        write(&path, format!("{:#}\n", json!({"secret": words})).as_bytes(), true)
    }

    /// The folder of transactions that make the first validators.
    pub fn gen_txs(&self) -> PathBuf {
        self.config_file("gentx")
    }

    /// Writes the transaction that makes this home's validator; gives the file.
    ///
    /// # Errors
    /// What the system says.
    pub fn write_gen_tx(&self, tx: &Value) -> Result<PathBuf, HomeError> {
        let folder = self.gen_txs();
        fs::create_dir_all(&folder).map_err(io(&folder))?;
        let path = folder.join(format!("gentx-{}.json", self.node_id()?));
        write(&path, format!("{tx}\n").as_bytes(), false)?;
        Ok(path)
    }

    /// Writes another genesis file in the place of the one that is there.
    ///
    /// # Errors
    /// What the system says.
    pub fn replace_genesis(&self, genesis: &Genesis) -> Result<(), HomeError> {
        write(&self.config_file("genesis.json"), format!("{:#}\n", genesis.document).as_bytes(), false)
    }

    fn read(&self, name: &str) -> Result<(PathBuf, String), HomeError> {
        let path = self.config_file(name);
        match fs::read_to_string(&path) {
            Ok(text) => Ok((path, text)),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Err(HomeError::Missing(path)),
            Err(error) => Err(HomeError::Io { path, error }),
        }
    }

    /// The genesis file.
    ///
    /// # Errors
    /// It is missing or refused.
    pub fn genesis(&self) -> Result<Genesis, HomeError> {
        let (path, text) = self.read("genesis.json")?;
        Genesis::read(&text).map_err(|e| HomeError::Content { path, why: e.to_string() })
    }

    /// The configuration; the default where there is no file.
    ///
    /// # Errors
    /// A file that is refused.
    pub fn config(&self) -> Result<Config, HomeError> {
        match self.read("app.toml") {
            Err(HomeError::Missing(_)) => Ok(Config::default()),
            Err(e) => Err(e),
            Ok((path, text)) => Config::read(&text).map_err(|why| HomeError::Content { path, why }),
        }
    }

    fn key(&self, name: &str) -> Result<SigningKey, HomeError> {
        let (path, text) = self.read(name)?;
        let wrong = || HomeError::Content {
            path: path.clone(),
            why: "expected priv_key with type tendermint/PrivKeyEd25519 and 64 bytes in base64".into(),
        };
        let json: Value = serde_json::from_str(&text).map_err(|_| wrong())?;
        let value = json.pointer("/priv_key/value").and_then(Value::as_str).ok_or_else(wrong)?;
        let bytes: [u8; 64] = BASE64.decode(value).ok().and_then(|b| b.try_into().ok()).ok_or_else(wrong)?;
        let key = SigningKey::try_from(&bytes[..32]).map_err(|_| wrong())?;
        if key.verification_key().to_bytes() != bytes[32..] {
            return Err(wrong());
        }
        Ok(key)
    }

    /// The validator's key.
    ///
    /// # Errors
    /// It is missing or no key.
    pub fn validator_key(&self) -> Result<SigningKey, HomeError> {
        self.key("priv_validator_key.json")
    }

    /// The name of the node: its key's address.
    ///
    /// # Errors
    /// The key is missing or none.
    pub fn node_id(&self) -> Result<String, HomeError> {
        let key = self.key("node_key.json")?;
        Ok(hex::encode(tendermint::account::Id::from(public(&key)).as_bytes()))
    }

    /// Holds the home for this process.
    ///
    /// # Errors
    /// Another process runs in it.
    pub fn lock(&self) -> Result<File, HomeError> {
        let path = self.data().join("lock");
        fs::create_dir_all(self.data()).map_err(io(&self.data()))?;
        let file = fs::OpenOptions::new().write(true).create(true).truncate(false).open(&path).map_err(io(&path))?;
        file.try_lock().map_err(|_| HomeError::Taken(self.0.clone()))?;
        Ok(file)
    }
}
