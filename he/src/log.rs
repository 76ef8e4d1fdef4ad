//! The label log: what a key share has answered, so that it never answers a label twice differently.
//!
//! An append-only file of fixed records, each chained to the one before by a checksum. A claim is
//! on disk (`fdatasync`) before its answer leaves. The file is locked while it is open.

use crate::xof::Use;
use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use zektra_statement::digest::{Commitment, Fingerprint};

const MAGIC: &[u8; 8] = b"ZKLABEL1";
const HEADER: usize = 8 + 32;
const RECORD: usize = 32 + 32 + 8;

/// How many polynomials of noise a key may give: 2^20, or 2^32 samples. A bound on Arora–Ge style attacks.
pub const MAX_LABELS: usize = 1 << 20;

/// Why a label was refused.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The label was used for something else.
    #[error("the label {label} of this key was used before with another content: {usage}")]
    Used {
        /// The label's fingerprint.
        label: Fingerprint,
        /// What was asked.
        usage: String,
    },
    /// The key has given as many samples as it may.
    #[error("this key has answered {MAX_LABELS} labels, its limit: rotate the key")]
    Exhausted,
    /// The log of a key that has been used is missing.
    #[error("the label log {path} is missing: this key must not answer any more; rotate it and encrypt again")]
    Lost {
        /// Where it should be.
        path: PathBuf,
    },
    /// The file is not this key's log, or was changed.
    #[error("the label log {path} {problem}")]
    Damaged {
        /// Where it is.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// Another process has it open.
    #[error("the label log {path} is in use by another process")]
    Locked {
        /// Where it is.
        path: PathBuf,
    },
    /// The disk refused. The answer was not given.
    #[error("the label log {path} cannot be written: {error}")]
    Io {
        /// Where it is.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
}

/// The durable record of a key's answers.
///
/// # Invariants
/// A label is in memory only if it is on disk, unless the log was made without a file.
pub struct LabelLog {
    path: PathBuf,
    file: Option<File>,
    answered: BTreeMap<Fingerprint, Fingerprint>,
    chain: [u8; 8],
    length: u64,
}

impl LabelLog {
    /// A log without a file: for measurements and for keys that live as long as the process.
    pub fn in_memory(key: &Commitment) -> Self {
        Self { path: PathBuf::from("memory"), file: None, answered: BTreeMap::new(), chain: genesis(key), length: 0 }
    }

    /// Makes the log of a new key.
    ///
    /// # Errors
    /// If the file exists or cannot be written.
    pub fn create(path: &Path, key: &Commitment) -> Result<Self, LogError> {
        let io = |error| LogError::Io { path: path.into(), error };
        let mut file = OpenOptions::new().read(true).write(true).create_new(true).open(path).map_err(io)?;
        lock(&file, path)?;
        file.write_all(MAGIC).map_err(io)?;
        file.write_all(&key.to_bytes()).map_err(io)?;
        file.sync_all().map_err(io)?;
        if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
            File::open(folder).and_then(|d| d.sync_all()).map_err(io)?;
        }
        let (answered, chain) = (BTreeMap::new(), genesis(key));
        Ok(Self { path: path.into(), file: Some(file), answered, chain, length: HEADER as u64 })
    }

    /// Opens the log of an existing key. A record that a crash cut short is dropped: its answer never left.
    ///
    /// # Errors
    /// If it is missing, another key's, changed, or in use.
    pub fn open(path: &Path, key: &Commitment) -> Result<Self, LogError> {
        let io = |error| LogError::Io { path: path.into(), error };
        let damaged = |problem: String| LogError::Damaged { path: path.into(), problem };
        let mut file = match OpenOptions::new().read(true).write(true).open(path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Err(LogError::Lost { path: path.into() }),
            Err(e) => return Err(io(e)),
        };
        lock(&file, path)?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(io)?;
        if bytes.len() < HEADER || &bytes[..8] != MAGIC {
            return Err(damaged("is not a label log".into()));
        }
        if bytes[8..HEADER] != key.to_bytes() {
            return Err(damaged("belongs to another key".into()));
        }
        let mut answered = BTreeMap::new();
        let mut chain = genesis(key);
        let records = bytes[HEADER..].chunks_exact(RECORD);
        let whole = bytes.len() - records.remainder().len();
        for (i, record) in records.enumerate() {
            let next = link(&chain, &record[..64]);
            if next != record[64..] {
                // A batch that a crash cut short ends in zeros: space was taken but not written, so it was
                // never synced. Anything else was changed, and the label may have been answered.
                let checksum = HEADER + i * RECORD + 64;
                if bytes[checksum..].iter().all(|b| *b == 0) {
                    return Self { path: path.into(), file: Some(file), answered, chain, length: 0 }
                        .truncated((HEADER + i * RECORD) as u64);
                }
                return Err(damaged(format!("was changed at record {i}")));
            }
            chain = next;
            if let (Some(l), Some(c)) =
                (Fingerprint::from_bytes(&record[..32]), Fingerprint::from_bytes(&record[32..64]))
            {
                answered.insert(l, c);
            }
        }
        Self { path: path.into(), file: Some(file), answered, chain, length: 0 }.truncated(whole as u64)
    }

    fn truncated(mut self, length: u64) -> Result<Self, LogError> {
        if let Some(file) = &mut self.file {
            let done = file.set_len(length).and_then(|()| file.seek(SeekFrom::End(0)));
            done.map_err(|error| LogError::Io { path: self.path.clone(), error })?;
        }
        self.length = length;
        Ok(self)
    }

    /// How many labels were answered.
    pub fn len(&self) -> usize {
        self.answered.len()
    }

    /// Whether none was.
    pub fn is_empty(&self) -> bool {
        self.answered.is_empty()
    }

    /// Whether this very use was claimed before.
    pub fn knows(&self, usage: &Use) -> bool {
        self.answered.get(&usage.label_print()) == Some(&usage.content_print())
    }

    /// Claims all of `uses`, or none: equal repetitions are fine, anything else is refused.
    ///
    /// # Errors
    /// The first use that contradicts an earlier one; a full disk. Nothing may be answered then.
    pub fn claim(&mut self, uses: &[Use]) -> Result<(), LogError> {
        let mut fresh: Vec<(Fingerprint, Fingerprint)> = Vec::new();
        let mut pending: BTreeMap<Fingerprint, Fingerprint> = BTreeMap::new();
        for usage in uses {
            let (label, content) = (usage.label_print(), usage.content_print());
            match self.answered.get(&label).or_else(|| pending.get(&label)) {
                Some(known) if *known == content => {}
                Some(_) => {
                    let usage = format!("{:?} at {:?}", usage.kind, usage.label);
                    return Err(LogError::Used { label, usage });
                }
                None => {
                    pending.insert(label, content);
                    fresh.push((label, content));
                }
            }
        }
        if fresh.is_empty() {
            return Ok(());
        }
        if self.answered.len() + fresh.len() > MAX_LABELS {
            return Err(LogError::Exhausted);
        }
        let mut chain = self.chain;
        if let Some(file) = &mut self.file {
            let mut bytes = Vec::with_capacity(fresh.len() * RECORD);
            for (label, content) in &fresh {
                let start = bytes.len();
                bytes.extend_from_slice(&label.0);
                bytes.extend_from_slice(&content.0);
                chain = link(&chain, &bytes[start..]);
                bytes.extend_from_slice(&chain);
            }
            let written = file.write_all(&bytes).and_then(|()| file.sync_data());
            if let Err(error) = written {
                // Leave no half record: the next claim must append to whole ones.
                let _ = file.set_len(self.length).and_then(|()| file.seek(SeekFrom::End(0)));
                return Err(LogError::Io { path: self.path.clone(), error });
            }
            self.length += bytes.len() as u64;
        }
        self.chain = chain;
        self.answered.extend(fresh);
        Ok(())
    }
}

impl Drop for LabelLog {
    /// A process that is being started may hold the same open file for a moment, and with it the lock: it is given up here,
    /// not when the last holder closes the file.
    fn drop(&mut self) {
        let _ = self.file.as_ref().map(File::unlock);
    }
}

fn lock(file: &File, path: &Path) -> Result<(), LogError> {
    file.try_lock().map_err(|e| match e {
        TryLockError::WouldBlock => LogError::Locked { path: path.into() },
        TryLockError::Error(error) => LogError::Io { path: path.into(), error },
    })
}

fn genesis(key: &Commitment) -> [u8; 8] {
    link(&[0; 8], &key.to_bytes())
}

fn link(chain: &[u8; 8], record: &[u8]) -> [u8; 8] {
    let mut hasher = blake3::Hasher::new_derive_key("zektra 2026 label log chain v1");
    hasher.update(chain).update(record);
    let mut out = [0; 8];
    out.copy_from_slice(&hasher.finalize().as_bytes()[..8]);
    out
}
