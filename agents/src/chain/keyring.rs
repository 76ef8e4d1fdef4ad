//! Keys in a folder, one file a key: name and public key in the clear, the secret as encrypted PKCS #8.

use super::key::Key;
use crate::files;
use crate::rejected::{Rejected, expect};
use anyhow::{Context as _, Result};
use cosmrs::crypto::PublicKey;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Fewest bytes of a passphrase, as in the SDK's keyring.
pub const MIN_PASSPHRASE: usize = 8;

/// The passphrase of the backend for tests: known to everybody, like the SDK's.
pub const TEST_PASSPHRASE: &str = "test";

/// A key that is kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// What its owner calls it.
    pub name: String,
    /// Its public half.
    pub pubkey: PublicKey,
    /// Its secret half, encrypted; nothing if only the public half is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
}

impl Entry {
    /// `local`, or `offline` if the secret is elsewhere.
    pub fn kind(&self) -> &'static str {
        if self.secret.is_some() { "local" } else { "offline" }
    }

    /// Its address.
    ///
    /// # Errors
    /// A prefix that bech32 does not have.
    pub fn address(&self, prefix: &str) -> Result<String, Rejected> {
        address(&self.pubkey, prefix)
    }

    /// The encrypted secret, in PEM.
    ///
    /// # Errors
    /// A key of which only the public half is here.
    pub fn pem(&self) -> Result<&str, Rejected> {
        let missing = || Rejected::Refused(format!("key {:?}: only its public half is in this keyring", self.name));
        self.secret.as_deref().ok_or_else(missing)
    }

    /// The secret key.
    ///
    /// # Errors
    /// Another passphrase, a damaged file, a key that is not here.
    pub fn open(&self, passphrase: &str) -> Result<Key> {
        let key = Key::from_pem(self.pem()?, passphrase).with_context(|| format!("key {:?}", self.name))?;
        // CBC carries no authenticator: the public key says whether this is what was closed.
        let same = key.public() == self.pubkey;
        expect(same, || {
            format!("key {:?}: its file is damaged: secret and public key do not belong together", self.name)
        })?;
        Ok(key)
    }
}

/// The address of a public key.
///
/// # Errors
/// A prefix that bech32 does not have.
pub fn address(key: &PublicKey, prefix: &str) -> Result<String, Rejected> {
    let id = key.account_id(prefix);
    let wrong = |e| Rejected::Input(format!("prefix {prefix:?}: expected lower-case letters and digits: {e}"));
    Ok(id.map_err(wrong)?.to_string())
}

/// A folder of keys.
#[derive(Clone, Debug)]
pub struct Keyring(PathBuf);

impl Keyring {
    /// The keyring in a folder; nothing is made yet.
    pub fn at(folder: &Path) -> Self {
        Self(folder.into())
    }

    fn file(&self, name: &str) -> Result<PathBuf, Rejected> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"_-.".contains(&b);
        let fits = (1..=64).contains(&name.len()) && name.bytes().all(plain) && !name.starts_with(['.', '-']);
        expect(fits, || {
            format!("key name {name:?}: expected 1 to 64 letters, digits, `_`, `-` or `.`, not `.` or `-` first")
        })?;
        Ok(self.0.join(format!("{name}.json")))
    }

    /// Keeps a key.
    ///
    /// # Errors
    /// A name that is taken or has another form; a folder that cannot be written.
    pub fn add(&self, name: &str, key: &Key, passphrase: &str) -> Result<Entry> {
        let secret = Some(key.to_pem(passphrase)?.to_string());
        self.put(Entry { name: name.into(), pubkey: key.public(), secret })
    }

    /// Keeps a public key whose secret is elsewhere.
    ///
    /// # Errors
    /// As [`Keyring::add`].
    pub fn add_public(&self, name: &str, pubkey: PublicKey) -> Result<Entry> {
        self.put(Entry { name: name.into(), pubkey, secret: None })
    }

    /// Says so if a name cannot be given to a new key.
    ///
    /// # Errors
    /// A name that is taken or has another form.
    pub fn check_new(&self, name: &str) -> Result<(), Rejected> {
        let path = self.file(name)?;
        expect(!path.exists(), || format!("key name {name:?}: taken by a key in {}", self.0.display()))
    }

    fn put(&self, entry: Entry) -> Result<Entry> {
        self.check_new(&entry.name)?;
        files::private_folder(&self.0)?;
        files::write_secret(&self.file(&entry.name)?, &serde_json::to_vec_pretty(&entry)?)?;
        Ok(entry)
    }

    /// A key by its name or its address.
    ///
    /// # Errors
    /// No such key; a file that is none of ours.
    pub fn get(&self, name: &str, prefix: &str) -> Result<Entry> {
        let missing = || Rejected::Input(format!("key {name:?}: there is none in {}", self.0.display()));
        Ok(self.find(name, prefix)?.ok_or_else(missing)?)
    }

    /// The same, if it is there.
    ///
    /// # Errors
    /// A file that is none of ours.
    pub fn find(&self, name: &str, prefix: &str) -> Result<Option<Entry>> {
        if let Ok(path) = self.file(name)
            && path.exists()
        {
            return Ok(Some(read(&path)?));
        }
        let here = |e: &Entry| e.address(prefix).is_ok_and(|a| a == name);
        Ok(self.list()?.into_iter().find(here))
    }

    /// All keys, by name.
    ///
    /// # Errors
    /// A file that is none of ours.
    pub fn list(&self) -> Result<Vec<Entry>> {
        let folder = match fs::read_dir(&self.0) {
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(vec![]),
            folder => folder.with_context(|| format!("cannot read {}", self.0.display()))?,
        };
        let paths = folder.map(|e| Ok(e?.path())).collect::<std::io::Result<Vec<_>>>()?;
        let mut out = vec![];
        for path in paths.iter().filter(|p| p.extension().is_some_and(|e| e == "json")) {
            out.push(read(path)?);
        }
        out.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(out)
    }

    /// Forgets a key for good.
    ///
    /// # Errors
    /// No such key.
    pub fn remove(&self, entry: &Entry) -> Result<()> {
        let path = self.file(&entry.name)?;
        fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))
    }

    /// Gives a key another name.
    ///
    /// # Errors
    /// A name that is taken or has another form.
    pub fn rename(&self, entry: &Entry, name: &str) -> Result<Entry> {
        let renamed = self.put(Entry { name: name.into(), ..entry.clone() })?;
        self.remove(entry)?;
        Ok(renamed)
    }
}

fn read(path: &Path) -> Result<Entry> {
    let entry: Entry = serde_json::from_slice(&files::read(path)?)
        .with_context(|| format!("{}: not a key of this keyring", path.display()))?;
    let stem = path.file_stem().and_then(|s| s.to_str());
    expect(stem == Some(&entry.name), || format!("{}: says that it is the key {:?}", path.display(), entry.name))?;
    Ok(entry)
}
