//! `zektra keys`.

use super::Shown;
use super::settings::{Bech, Place, Settings};
use anyhow::Result;
use clap::{Args, Subcommand};
use cosmrs::AccountId;
use cosmrs::crypto::PublicKey;
use serde_json::{Value, json};
use std::path::PathBuf;
use zektra_agents::chain::key::{self, COIN_TYPE, Key};
use zektra_agents::chain::keyring::Entry;
use zektra_agents::files;
use zektra_agents::rejected::{Rejected, expect};
use zektra_wallet::ask;

/// Keys of accounts on the chain.
#[derive(Args, Debug)]
pub struct Keys {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a key, or bring one back from its words.
    #[command(after_help = "Examples:\n  zektra keys add alice\n  zektra keys add alice --recover --index 1")]
    Add(Add),
    /// Show all keys.
    List,
    /// Show a key.
    #[command(after_help = "Examples:\n  zektra keys show alice --address\n  zektra keys show alice --bech val -a")]
    Show {
        /// Its name or address.
        key: String,
        /// Only the address.
        #[arg(long, short, conflicts_with = "pubkey")]
        address: bool,
        /// Only the public key.
        #[arg(long, short)]
        pubkey: bool,
        /// Whose address is shown: the account's, its operator's, or that of the key as one of consensus.
        #[arg(long, default_value = "acc", value_name = "KIND")]
        bech: Bech,
    },
    /// Forget keys for good.
    Delete {
        /// Their names or addresses.
        #[arg(required = true)]
        keys: Vec<String>,
        /// Do not ask.
        #[arg(long, short)]
        yes: bool,
    },
    /// Give a key another name.
    Rename {
        /// Its name.
        key: String,
        /// The new name.
        new: String,
    },
    /// Print a key as PKCS #8 in PEM, encrypted with its passphrase.
    Export {
        /// Its name or address.
        key: String,
        /// Print the secret itself, as hexadecimal digits.
        #[arg(long, requires = "unsafe_")]
        unarmored_hex: bool,
        /// Needed for --unarmored-hex: whoever sees the digits has the account.
        #[arg(long = "unsafe")]
        unsafe_: bool,
    },
    /// Keep a key that was exported in PEM.
    Import {
        /// What it is called here.
        name: String,
        /// The file.
        file: PathBuf,
    },
    /// Keep a key that is given as hexadecimal digits, on the standard input if they are left out.
    ImportHex {
        /// What it is called here.
        name: String,
        /// The secret: 64 hexadecimal digits. Other users of this machine can see arguments.
        hex: Option<String>,
    },
    /// Print 24 new words.
    Mnemonic,
    /// An address as hexadecimal digits, or hexadecimal digits as an address.
    Parse {
        /// Either.
        address: String,
    },
}

#[derive(Args, Debug)]
struct Add {
    /// What it is called here.
    name: String,
    /// Ask for the words instead of making them.
    #[arg(long, conflicts_with = "pubkey")]
    recover: bool,
    /// Keep only a public key: JSON as `keys show --pubkey` prints it.
    #[arg(long, value_name = "JSON")]
    pubkey: Option<String>,
    /// The account's number in the path of BIP-44.
    #[arg(long, default_value_t = 0)]
    account: u32,
    /// The address's number in the path of BIP-44.
    #[arg(long, default_value_t = 0)]
    index: u32,
    /// The coin's number in the path of BIP-44.
    #[arg(long, default_value_t = COIN_TYPE)]
    coin_type: u32,
    /// The whole path, instead of the three numbers.
    #[arg(long, conflicts_with_all = ["account", "index", "coin_type"], value_name = "PATH")]
    hd_path: Option<String>,
    /// Do not print the words.
    #[arg(long)]
    no_backup: bool,
    /// Show the key without keeping it.
    #[arg(long)]
    dry_run: bool,
}

pub fn run(shown: Shown, keys: Keys) -> Result<()> {
    let settings = Settings::new(&keys.place, None)?;
    let shown = shown.with(&settings);
    let ring = &settings.keyring;
    let get = |name: &str| ring.get(name, &settings.prefix);
    match keys.command {
        Command::Add(add) => return self::add(shown, &settings, add),
        Command::List => {
            let entries = ring.list()?.iter().map(|e| facts(&settings, e)).collect::<Result<Vec<_>>>()?;
            shown.value(&Value::Array(entries));
        }
        Command::Show { key, address, pubkey, bech } => {
            let entry = get(&key)?;
            let id = entry.pubkey.account_id(&settings.prefix).map_err(|e| Rejected::Input(e.to_string()))?;
            let text = bech.encode(&settings.prefix, &id.to_bytes())?;
            if address {
                shown.text(&text);
            } else if pubkey {
                shown.text(&entry.pubkey.to_json());
            } else {
                let mut facts = facts(&settings, &entry)?;
                facts["address"] = text.into();
                shown.value(&facts);
            }
        }
        Command::Delete { keys, yes } => {
            let entries = keys.iter().map(|k| get(k)).collect::<Result<Vec<_>>>()?;
            for entry in entries {
                let question = format!("Key {:?} will be gone for good. Go on?", entry.name);
                if !yes && !ask::confirm(&question)? {
                    return Err(ask::declined().into());
                }
                ring.remove(&entry)?;
                eprintln!("key {:?} is gone", entry.name);
            }
        }
        Command::Rename { key, new } => shown.value(&facts(&settings, &ring.rename(&get(&key)?, &new)?)?),
        Command::Export { key, unarmored_hex, unsafe_: _ } => {
            let entry = get(&key)?;
            if unarmored_hex {
                let key = entry.open(&ask::passphrase(settings.backend, &entry)?)?;
                shown.text(&hex::encode(key.to_bytes().as_slice()));
            } else {
                shown.text(entry.pem()?.trim_end());
            }
        }
        Command::Import { name, file } => {
            ring.check_new(&name)?;
            let pem = String::from_utf8(files::read(&file)?)
                .map_err(|_| Rejected::Input(format!("{}: not a text file", file.display())))?;
            let old = ask::secret("Passphrase that the key was exported with:")?;
            let key = Key::from_pem(&pem, &old)?;
            let new = ask::new_passphrase(settings.backend, &name)?;
            shown.value(&facts(&settings, &ring.add(&name, &key, &new)?)?);
        }
        Command::ImportHex { name, hex } => {
            ring.check_new(&name)?;
            let text = match hex {
                Some(text) => zeroize::Zeroizing::new(text),
                None => ask::secret("Secret key, 64 hexadecimal digits:")?,
            };
            let wrong = |_| Rejected::Input("private key: expected 64 hexadecimal digits".into());
            let bytes = zeroize::Zeroizing::new(hex::decode(text.trim()).map_err(wrong)?);
            let key = Key::from_bytes(&bytes)?;
            let passphrase = ask::new_passphrase(settings.backend, &name)?;
            shown.value(&facts(&settings, &ring.add(&name, &key, &passphrase)?)?);
        }
        Command::Mnemonic => shown.text(&key::words()?),
        Command::Parse { address } => shown.value(&parse(&settings, &address)?),
    }
    Ok(())
}

fn add(shown: Shown, settings: &Settings, add: Add) -> Result<()> {
    let Add { name, recover, pubkey, account, index, coin_type, hd_path, no_backup, dry_run } = add;
    if !dry_run {
        settings.keyring.check_new(&name)?;
    }
    if let Some(json) = pubkey {
        let wrong = |_| {
            let form = r#"{"@type":"/cosmos.crypto.secp256k1.PubKey","key":"…"}"#;
            Rejected::Input(format!("public key {json:?}: expected {form}"))
        };
        let key = PublicKey::from_json(&json).map_err(wrong)?;
        let secp256k1 = key.type_url() == PublicKey::SECP256K1_TYPE_URL;
        expect(secp256k1, || {
            format!("public key of type {}: expected {}", key.type_url(), PublicKey::SECP256K1_TYPE_URL)
        })?;
        shown.value(&facts(settings, &settings.keyring.add_public(&name, key)?)?);
        return Ok(());
    }
    let words = if recover { ask::secret("The words:")? } else { key::words()? };
    let path = hd_path.unwrap_or_else(|| key::path(coin_type, account, index));
    let key = Key::from_words(&words, &path)?;
    let mut value = if dry_run {
        let address = zektra_agents::chain::keyring::address(&key.public(), &settings.prefix)?;
        json!({"name": name, "type": "local", "address": address, "pubkey": key.public().to_json()})
    } else {
        let passphrase = ask::new_passphrase(settings.backend, &name)?;
        facts(settings, &settings.keyring.add(&name, &key, &passphrase)?)?
    };
    let backup = !recover && !no_backup;
    if backup && shown.json {
        value["mnemonic"] = words.as_str().into();
    }
    shown.value(&value);
    if backup && !shown.json {
        eprintln!(
            "\nWrite these words down and keep them in a safe place: they are the only way to the account if its key or \
             passphrase is lost.\n\n{}",
            *words
        );
    }
    Ok(())
}

/// What is shown of a key.
fn facts(settings: &Settings, entry: &Entry) -> Result<Value> {
    Ok(json!({
        "name": entry.name,
        "type": entry.kind(),
        "address": entry.address(&settings.prefix)?,
        "pubkey": entry.pubkey.to_json(),
    }))
}

fn parse(settings: &Settings, text: &str) -> Result<Value, Rejected> {
    if let Ok(id) = text.parse::<AccountId>() {
        let mut parsed = json!({"human": id.prefix(), "bytes": hex::encode_upper(id.to_bytes())});
        if id.prefix() != settings.prefix
            && let Ok(own) = AccountId::new(&settings.prefix, &id.to_bytes())
        {
            parsed["formats"] = json!([own.to_string()]);
            parsed["note"] = format!(
                "the prefix is {:?}, this chain's is {:?}; --prefix names another",
                id.prefix(),
                settings.prefix
            )
            .into();
        }
        return Ok(parsed);
    }
    let wrong =
        || Rejected::Input(format!("address {text:?}: expected bech32, such as zektra1…, or hexadecimal digits"));
    let bytes = hex::decode(text).map_err(|_| wrong())?;
    let id = AccountId::new(&settings.prefix, &bytes).map_err(|_| wrong())?;
    Ok(json!({"formats": [id.to_string()]}))
}
