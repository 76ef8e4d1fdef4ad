//! Release keys in a developer's folder: one of its own for every job on the chain, in `release-keys/HEX.zkrel`.

use crate::rejected::{Rejected, expect};
use crate::vault::Home;
use anyhow::{Context as _, Result};
use std::path::PathBuf;
use zektra_he::release::{self, ReleaseSecret};
use zektra_he::seat::SeatSecret;
use zeroize::Zeroizing;

const MAGIC: &[u8; 8] = b"ZKRELS1\n";

impl Home {
    fn release_key_file(&self, key: &[u8; 32]) -> PathBuf {
        self.path().join("release-keys").join(format!("{}.zkrel", hex::encode(key)))
    }

    /// Makes a release key for one job; its public half. The secret is on the disk when this returns.
    ///
    /// # Errors
    /// The operating system has no randomness; what the system says of the file.
    pub fn new_release_key(&self) -> Result<[u8; 32]> {
        let secret = release::fresh().map_err(|e| anyhow::anyhow!("the operating system gave no randomness: {e}"))?;
        let key = secret.public();
        let path = self.release_key_file(&key);
        if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
            crate::files::private_folder(folder)?;
            let synced = std::fs::File::open(self.path()).and_then(|home| home.sync_all());
            synced.with_context(|| format!("cannot write {}", self.path().display()))?;
        }
        let mut bytes = Zeroizing::new(MAGIC.to_vec());
        bytes.extend_from_slice(secret.as_bytes());
        crate::files::write_secret(&path, &bytes)?;
        Ok(key)
    }

    /// Removes the secret of a release key that no job has.
    ///
    /// # Errors
    /// What the system says.
    pub fn forget_release_key(&self, key: &[u8; 32]) -> Result<()> {
        let path = self.release_key_file(key);
        std::fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))
    }

    /// The secret of a job's release key: one that was made for it, or that of the developer's seat.
    ///
    /// # Errors
    /// It is neither; a file that is unreadable, foreign or damaged.
    pub fn release_secret(&self, seat: &SeatSecret, key: &[u8; 32]) -> Result<ReleaseSecret> {
        let own = seat.release_secret();
        if own.public() == *key {
            return Ok(own.clone());
        }
        let path = self.release_key_file(key);
        if !path.exists() {
            let (name, expected) = (hex::encode(key), path.display());
            return Err(Rejected::Input(format!(
                "the secret of the release key {name} is missing: expected it in {expected}, where it was put when the job was ordered"
            ))
            .into());
        }
        let bytes = Zeroizing::new(crate::files::read(&path)?);
        let secret: Option<&[u8; 32]> = bytes.strip_prefix(MAGIC).and_then(|rest| rest.try_into().ok());
        let secret = secret.map(ReleaseSecret::from_bytes);
        // The file's name is its checksum.
        let fits = secret.filter(|secret| secret.public() == *key);
        expect(fits.is_some(), || format!("{} is not the secret that its name says", path.display()))?;
        fits.context("a secret")
    }
}
