//! Keys in a folder, one file a key: name and public key in the clear, the secret as encrypted PKCS #8.

use super::key::Key;
use crate::files;
use crate::rejected::{Rejected, expect};
use anyhow::{Context as _, Result};
use clap::ValueEnum;
use cosmrs::AccountId;
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

/// What addresses of a chain have behind its prefix.
const KINDS: [&str; 3] = ["", "valoper", "valcons"];

/// The address that a text is, of whatever chain and in whatever case.
pub fn as_address(text: &str) -> Option<AccountId> {
    text.to_ascii_lowercase().parse().ok()
}

/// What is wrong with a text that was meant as an address with the prefix `wanted`, if it looks like one.
pub fn mistyped(text: &str, wanted: &str) -> Option<String> {
    /// Letters of an address of 20 bytes behind its prefix, but for one that is missing.
    const LETTERS: usize = 37;
    if let Some(id) = as_address(text) {
        let other = id.prefix() != wanted;
        return other.then(|| format!("an address with the prefix {:?}, expected {wanted:?}", id.prefix()));
    }
    let (prefix, rest) = text.split_once('1')?;
    let looks = !prefix.is_empty() && rest.len() >= LETTERS && text.bytes().all(|b| b.is_ascii_alphanumeric());
    looks.then(|| "no address: its checksum does not fit, a letter is wrong or missing".into())
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

/// A folder of keys.
#[derive(Clone, Debug)]
pub struct Keyring(PathBuf);

impl Keyring {
    /// The keyring of a home; nothing is made yet.
    pub fn of(home: &Path, backend: Backend) -> Self {
        Self::at(&home.join(match backend {
            Backend::File => "keyring-file",
            Backend::Test => "keyring-test",
        }))
    }

    /// The keyring in a folder.
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
    /// A name that is taken, has another form, or is an address of whatever chain.
    pub fn check_new(&self, name: &str) -> Result<(), Rejected> {
        let path = self.file(name)?;
        // Coins that are meant for the address must not go to the key.
        expect(as_address(name).is_none(), || format!("key name {name:?}: expected a name, not an address"))?;
        expect(!path.exists(), || format!("key name {name:?}: taken by a key in {}", self.0.display()))
    }

    fn put(&self, entry: Entry) -> Result<Entry> {
        self.check_new(&entry.name)?;
        files::private_folder(&self.0)?;
        files::write_secret(&self.file(&entry.name)?, &serde_json::to_vec_pretty(&entry)?)?;
        Ok(entry)
    }

    /// A key by its name or its address, that of an operator too. An address of the chain is never a name.
    ///
    /// # Errors
    /// No such key; a file that is none of ours.
    pub fn get(&self, name: &str, prefix: &str) -> Result<Entry> {
        let missing = || match mistyped(name, prefix) {
            Some(wrong) if !KINDS.iter().any(|kind| mistyped(name, &format!("{prefix}{kind}")).is_none()) => {
                Rejected::Input(format!("{name:?}: {wrong}"))
            }
            _ => Rejected::Input(format!("key {name:?}: there is none in {}", self.0.display())),
        };
        Ok(self.find(name, prefix)?.ok_or_else(missing)?)
    }

    /// The same, if it is there.
    ///
    /// # Errors
    /// A file that is none of ours.
    pub fn find(&self, name: &str, prefix: &str) -> Result<Option<Entry>> {
        let id = as_address(name).filter(|id| KINDS.iter().any(|kind| id.prefix() == format!("{prefix}{kind}")));
        let Some(id) = id else {
            let path = self.file(name).ok().filter(|path| path.exists());
            return path.map(|path| read(&path)).transpose();
        };
        let here = |e: &Entry| e.pubkey.account_id(prefix).is_ok_and(|own| own.to_bytes() == id.to_bytes());
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

#[cfg(test)]
mod tests {
    use super::{Entry, Keyring, as_address, mistyped};
    use crate::key::Key;

    fn named_like(address: &str, key: &Key) -> String {
        serde_json::to_string(&Entry { name: address.into(), pubkey: key.public(), secret: None }).unwrap()
    }

    #[test]
    fn a_new_key_is_not_named_like_an_address() {
        let folder = tempfile::tempdir().unwrap();
        let ring = Keyring::at(folder.path());
        let (own, other) = (Key::from_bytes(&[7; 32]).unwrap(), Key::from_bytes(&[8; 32]).unwrap());
        let kept = ring.add_public("own", own.public()).unwrap();
        for prefix in ["zektra", "zektravaloper", "cosmos"] {
            let address = other.public().account_id(prefix).unwrap().to_string();
            for name in [address.clone(), address.to_uppercase()] {
                let refused = |done: anyhow::Result<Entry>| {
                    assert!(done.unwrap_err().to_string().ends_with("expected a name, not an address"), "{name}");
                };
                refused(ring.add(&name, &own, "correct horse"));
                refused(ring.add_public(&name, own.public()));
                refused(ring.rename(&kept, &name));
            }
        }
        assert_eq!(ring.list().unwrap().len(), 1);
    }

    #[test]
    fn an_address_is_never_the_name_of_another_key() {
        let folder = tempfile::tempdir().unwrap();
        let ring = Keyring::at(folder.path());
        let (own, other) = (Key::from_bytes(&[7; 32]).unwrap(), Key::from_bytes(&[8; 32]).unwrap());
        let address = |key: &Key, kind: &str| key.public().account_id(&format!("zektra{kind}")).unwrap().to_string();
        // As a program that did not look has named it.
        for kind in ["", "valoper"] {
            let name = address(&other, kind);
            std::fs::write(folder.path().join(format!("{name}.json")), named_like(&name, &own)).unwrap();
            assert!(ring.find(&name, "zektra").unwrap().is_none());
            assert!(ring.find(&name.to_uppercase(), "zektra").unwrap().is_none());
            // Under the key's own address it is still there.
            assert_eq!(ring.get(&address(&own, kind), "zektra").unwrap().pubkey, own.public());
        }
        assert!(as_address("alice").is_none());
    }

    #[test]
    fn an_address_with_a_wrong_letter_is_no_name() {
        let own = "zektra1r5v5srda7xfth3hn2s26txvrcrntldju5cl8p3";
        let said = |text: &str| mistyped(text, "zektra").unwrap_or_default();
        assert_eq!((said(own), said("alice"), said("zektra1x")), Default::default());
        for wrong in [own.replace("p3", "p4"), own.replace("p3", "p")] {
            assert!(said(&wrong).contains("checksum does not fit"), "{wrong}");
        }
        let cosmos = "cosmos1r5v5srda7xfth3hn2s26txvrcrntldjumt8mhl";
        assert_eq!(said(cosmos), "an address with the prefix \"cosmos\", expected \"zektra\"");
        let folder = tempfile::tempdir().unwrap();
        let missing = |text: &str| Keyring::at(folder.path()).get(text, "zektra").unwrap_err().to_string();
        assert!(missing(cosmos).contains("expected \"zektra\"") && missing(own).contains("there is none"));
    }
}
