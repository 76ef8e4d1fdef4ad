//! The database: what is written, and when.

use crate::index::IndexBatch;
use crate::open::Mark;
use crate::snapshot::Snapshot;
use crate::tree::{Reader, Update, update};
use crate::{Root, failed};
use jmt::KeyHash;
use jmt::storage::{Node, NodeKey};
use rayon::prelude::*;
use rocksdb::{ColumnFamily, DB, WriteBatch, WriteOptions};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use zektra_state::StateError;
use zektra_state::{Changes, Held, StateRead as _};

const LAST: &[u8] = b"last";
const OLDEST: &[u8] = b"oldest";
const FORMAT: &[u8] = b"format";
/// The layout of the database and of the index in it, as `lib.rs` and those who write the index describe it.
const FORMAT_VERSION: u64 = 2;
/// Versions whose history one commit removes at most: a window that was made smaller is caught up with step by step.
const PRUNE_AT_ONCE: u64 = 16;

/// Entries that are removed in one batch.
const CLEAR_AT_ONCE: usize = 10_000;

/// A column family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Meta,
    State,
    History,
    Changes,
    Nodes,
    Stale,
    Keys,
    Index,
}

impl Family {
    pub const ALL: [Self; 8] =
        [Self::Meta, Self::State, Self::History, Self::Changes, Self::Nodes, Self::Stale, Self::Keys, Self::Index];

    pub fn name(self) -> &'static str {
        match self {
            Self::Meta => "meta",
            Self::State => "state",
            Self::History => "history",
            Self::Changes => "changes",
            Self::Nodes => "nodes",
            Self::Stale => "stale",
            Self::Keys => "keys",
            Self::Index => "index",
        }
    }
}

/// How a store is kept.
#[derive(Clone, Debug)]
pub struct Options {
    /// Versions that can be read and proven, the last one included; at least 2. `None` keeps all.
    pub keep: Option<u64>,
    /// Bytes of blocks kept in memory.
    pub cache_bytes: usize,
    /// Whether a commit waits until the disk has it.
    pub sync: bool,
    /// Only looks, and changes nothing: also while another process has the folder open.
    pub read_only: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { keep: Some(1000), cache_bytes: 128 << 20, sync: true, read_only: false }
    }
}

/// RocksDB with the state's column families.
pub(crate) struct Db {
    rocks: DB,
    mark: Mark,
    /// The version whose writing began last; none before the first, as `u64::MAX`.
    begun: AtomicU64,
    /// Bytes of the last batch: the next is about as large.
    batch: AtomicUsize,
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Db({})", self.rocks.path().display())
    }
}

/// No version yet.
const NONE: u64 = u64::MAX;

/// The last version of a database and its root.
pub(crate) fn last_of(rocks: &DB) -> Result<Option<(u64, Root)>, StateError> {
    let Some(meta) = rocks.cf_handle(Family::Meta.name()) else { return Ok(None) };
    let Some(bytes) = rocks.get_cf(meta, LAST).map_err(failed)? else { return Ok(None) };
    let (Some(version), Some(root)) = (bytes.first_chunk::<8>(), bytes.get(8..).and_then(|r| r.try_into().ok())) else {
        return Err(StateError::Damaged(format!("the last version has {} bytes", bytes.len())));
    };
    Ok(Some((u64::from_be_bytes(*version), root)))
}

impl Db {
    fn open(path: &Path, options: &Options) -> Result<Self, StateError> {
        let (rocks, mark) = crate::open::open(path, options)?;
        let db = Self { rocks, mark, begun: AtomicU64::new(NONE), batch: AtomicUsize::new(0) };
        match db.number(FORMAT)? {
            None if options.read_only => {}
            None => db.rocks.put_cf(db.family(Family::Meta), FORMAT, FORMAT_VERSION.to_be_bytes()).map_err(failed)?,
            Some(FORMAT_VERSION) => {}
            Some(other) => {
                return Err(StateError::Damaged(format!("its layout is {other}, expected {FORMAT_VERSION}")));
            }
        }
        db.begun.store(db.last()?.map_or(NONE, |(version, _)| version), Ordering::SeqCst);
        Ok(db)
    }

    pub fn family(&self, family: Family) -> &ColumnFamily {
        self.rocks.cf_handle(family.name()).expect("all families are opened with the database")
    }

    pub fn get(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        self.rocks.get_cf(self.family(family), key).map_err(failed)
    }

    pub fn rocks(&self) -> &DB {
        &self.rocks
    }

    fn number(&self, name: &[u8]) -> Result<Option<u64>, StateError> {
        let Some(bytes) = self.get(Family::Meta, name)? else { return Ok(None) };
        let damaged = |_| StateError::Damaged(format!("{} has {} bytes", String::from_utf8_lossy(name), bytes.len()));
        Ok(Some(u64::from_be_bytes(bytes[..].try_into().map_err(damaged)?)))
    }

    /// The last version and its root.
    pub fn last(&self) -> Result<Option<(u64, Root)>, StateError> {
        last_of(&self.rocks)
    }

    pub fn oldest(&self) -> Result<u64, StateError> {
        Ok(self.number(OLDEST)?.unwrap_or(0))
    }

    /// Bytes to set aside for a batch. It grows by copying, and those of large blocks have tens of megabytes.
    pub fn usual_batch(&self) -> usize {
        let last = self.batch.load(Ordering::Relaxed);
        last.saturating_add(last / 8)
    }

    /// Whether `state` holds nothing newer than `version`: to be asked after it was read.
    pub fn is_last(&self, version: u64) -> bool {
        self.begun.load(Ordering::SeqCst) == version
    }
}

pub(crate) fn node_key(key: &NodeKey) -> Result<Vec<u8>, StateError> {
    let mut out = key.version().to_be_bytes().to_vec();
    let path = borsh::to_vec(key.nibble_path()).map_err(|e| StateError::Tree(e.to_string()))?;
    out.extend(path);
    Ok(out)
}

pub(crate) fn node_bytes(bytes: &[u8]) -> Result<Node, StateError> {
    borsh::from_slice(bytes).map_err(|e| StateError::Damaged(format!("a node of the tree: {e}")))
}

/// A key so that a number can follow it: zero bytes become (0, 255), the end is (0, 1). Keeps the order of keys.
pub(crate) fn escaped(key: &[u8]) -> Vec<u8> {
    let mut out = escaped_prefix(key);
    out.extend([0, 1]);
    out
}

/// The common beginning of the escaped keys that begin with `prefix`.
pub(crate) fn escaped_prefix(prefix: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(prefix.len() + 10);
    for &b in prefix {
        out.push(b);
        if b == 0 {
            out.push(u8::MAX);
        }
    }
    out
}

/// A key with what it held and what it holds.
type Change = (Vec<u8>, Option<Vec<u8>>, Option<Vec<u8>>);

/// A version that is computed and not written.
#[derive(Debug)]
pub struct Staged {
    version: u64,
    tree: Update,
    /// In the order of keys.
    changes: Vec<Change>,
}

impl Staged {
    /// Its version.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// Its root.
    pub fn root(&self) -> Root {
        self.tree.root
    }
}

/// The state of all versions that are kept.
#[derive(Clone, Debug)]
pub struct Store {
    db: Arc<Db>,
    options: Options,
}

impl Store {
    /// Opens a folder, which is made if it is not there and may be written.
    ///
    /// # Errors
    /// The folder is in use or cannot be written; a database of another layout, or that lost what was committed.
    pub fn open(path: &Path, options: Options) -> Result<Self, StateError> {
        let options = Options { keep: options.keep.map(|k| k.max(2)), ..options };
        let store = Self { db: Arc::new(Db::open(path, &options)?), options };
        if store.last()?.is_none() && !store.options.read_only {
            // A restore that was cut off would else be read as a state.
            store.clear()?;
        }
        Ok(store)
    }

    /// Removes everything but the layout's number: only for a store that holds no version.
    pub(crate) fn clear(&self) -> Result<(), StateError> {
        for family in Family::ALL.into_iter().filter(|f| *f != Family::Meta) {
            let of_family = self.db.family(family);
            let mut batch = WriteBatch::default();
            for entry in self.db.rocks().iterator_cf(of_family, rocksdb::IteratorMode::Start) {
                batch.delete_cf(of_family, entry.map_err(failed)?.0);
                if batch.len() >= CLEAR_AT_ONCE {
                    self.db.rocks().write(std::mem::take(&mut batch)).map_err(failed)?;
                }
            }
            self.db.rocks().write(batch).map_err(failed)?;
        }
        Ok(())
    }

    pub(crate) fn db(&self) -> &Arc<Db> {
        &self.db
    }

    /// The last version with its root; `None` before the first.
    ///
    /// # Errors
    /// The database fails.
    pub fn last(&self) -> Result<Option<(u64, Root)>, StateError> {
        self.db.last()
    }

    /// The oldest version that can be read.
    ///
    /// # Errors
    /// The database fails.
    pub fn oldest(&self) -> Result<u64, StateError> {
        self.db.oldest()
    }

    /// The state of the last version; empty before the first.
    ///
    /// # Errors
    /// The database fails.
    pub fn latest(&self) -> Result<Snapshot, StateError> {
        let version = self.last()?.map_or(NONE, |(version, _)| version);
        Ok(Snapshot::unchecked(self.db.clone(), version))
    }

    /// The state of a version.
    ///
    /// # Errors
    /// A version that is not kept, or not there yet.
    pub fn snapshot(&self, version: u64) -> Result<Snapshot, StateError> {
        let (oldest, last) = (self.oldest()?, self.last()?.map_or(0, |(version, _)| version));
        if self.last()?.is_none() || version < oldest || version > last {
            return Err(StateError::Version { version, oldest, last });
        }
        Ok(Snapshot::unchecked(self.db.clone(), version))
    }

    /// Computes the version that follows the last one, or `before` if that is not written yet. The first version may
    /// have any number. What is known of the version before is not read again.
    ///
    /// # Errors
    /// A number that does not follow; an empty value, which no ICS-23 proof can show; the database fails.
    pub fn stage(
        &self,
        version: u64,
        changes: Changes,
        known: &Held,
        before: Option<&Staged>,
    ) -> Result<Staged, StateError> {
        let last = match before {
            Some(staged) => Some(staged.version),
            None => self.last()?.map(|(version, _)| version),
        };
        if let Some(last) = last
            && last.checked_add(1) != Some(version)
        {
            return Err(StateError::Order { found: version, last });
        }
        if let Some((key, _)) = changes.iter().find(|(_, value)| value.as_ref().is_some_and(Vec::is_empty)) {
            let key = String::from_utf8_lossy(key);
            return Err(StateError::Tree(format!("{key}: an empty value, of which there is no ICS-23 proof")));
        }
        let latest = self.latest()?;
        let held = |key: &Vec<u8>| {
            if let Some(held) = known.get(key) {
                return Ok(held.clone());
            }
            let staged = before.and_then(|s| {
                let at = s.changes.binary_search_by(|(k, _, _)| k.cmp(key)).ok()?;
                Some(s.changes[at].2.clone())
            });
            staged.map_or_else(|| latest.get(key), Ok)
        };
        // On all cores: in a large state most of these reads go to the disk.
        let all = changes.into_par_iter().map(|(key, value)| {
            let old = held(&key)?;
            Ok((old != value).then_some((key, old, value)))
        });
        let changed: Vec<Option<Change>> = all.collect::<Result<_, StateError>>()?;
        let changed: Vec<Change> = changed.into_iter().flatten().collect();
        let mut reader = Reader::new(&self.db);
        reader.staged.extend(before.into_iter().flat_map(|s| &s.tree.nodes).map(|(key, node)| (&key[..], &node[..])));
        if last.is_none() {
            reader.empty = version.checked_sub(1);
        }
        let set = changed.iter().map(|(key, _, value)| (KeyHash::with::<sha2::Sha256>(key), value.clone()));
        let tree = |e: anyhow::Error| StateError::Tree(format!("{e:#}"));
        Ok(Staged { version, tree: update(&reader, version, set).map_err(tree)?, changes: changed })
    }

    /// Writes versions that were staged one on the other, and entries of the index, in one atomic batch.
    ///
    /// # Errors
    /// Versions that do not follow; the database fails: then nothing is written.
    pub fn commit(&self, staged: &[Staged], index: IndexBatch) -> Result<(), StateError> {
        let db = &self.db;
        let before = self.last()?.map(|(version, _)| version);
        let mut last = before;
        for s in staged {
            if let Some(last) = last
                && last.checked_add(1) != Some(s.version)
            {
                return Err(StateError::Order { found: s.version, last });
            }
            last = Some(s.version);
        }
        let mut batch = index.into_batch();
        for (i, s) in staged.iter().enumerate() {
            self.write(&mut batch, s, before.is_none() && i == 0);
        }
        if let Some(s) = staged.last() {
            batch.put_cf(db.family(Family::Meta), LAST, [&s.version.to_be_bytes()[..], &s.tree.root].concat());
            if before.is_none() {
                batch.put_cf(db.family(Family::Meta), OLDEST, staged[0].version.to_be_bytes());
            } else {
                self.prune(&mut batch, s)?;
            }
            // Readers of older versions look into the history from here on: see `Snapshot`.
            db.begun.store(s.version, Ordering::SeqCst);
        }
        let mut how = WriteOptions::default();
        how.set_sync(self.options.sync);
        db.batch.store(batch.size_in_bytes(), Ordering::Relaxed);
        db.rocks().write_opt(batch, &how).map_err(failed)?;
        if let Some(s) = staged.last() {
            db.mark.set(s.version);
        }
        Ok(())
    }

    fn write(&self, batch: &mut WriteBatch, s: &Staged, first: bool) {
        let db = &self.db;
        let mut changed = vec![];
        for (key, old, value) in &s.changes {
            match value {
                Some(value) => batch.put_cf(db.family(Family::State), key, value),
                None => batch.delete_cf(db.family(Family::State), key),
            }
            if old.is_none() {
                batch.put_cf(db.family(Family::Keys), KeyHash::with::<sha2::Sha256>(key).0, key);
            }
            if !first {
                let at = [&escaped(key)[..], &s.version.to_be_bytes()].concat();
                let held = old.as_ref().map_or(vec![0], |old| [&[1][..], old].concat());
                batch.put_cf(db.family(Family::History), at, held);
                changed.extend((key.len() as u32).to_be_bytes());
                changed.extend(key);
            }
        }
        if !changed.is_empty() {
            batch.put_cf(db.family(Family::Changes), s.version.to_be_bytes(), changed);
        }
        for (key, node) in &s.tree.nodes {
            batch.put_cf(db.family(Family::Nodes), key, node);
        }
        for stale in &s.tree.stale {
            batch.put_cf(db.family(Family::Stale), [&s.version.to_be_bytes()[..], stale].concat(), []);
        }
    }

    /// Removes what only versions before the window need.
    fn prune(&self, batch: &mut WriteBatch, last: &Staged) -> Result<(), StateError> {
        let Some(keep) = self.options.keep else { return Ok(()) };
        let (db, version) = (&self.db, last.version);
        let oldest = self.oldest()?;
        let wanted = version.saturating_add(1).saturating_sub(keep).min(oldest.saturating_add(PRUNE_AT_ONCE));
        for gone in oldest + 1..=wanted {
            let number = gone.to_be_bytes();
            if let Some(changed) = db.get(Family::Changes, &number)? {
                for key in keys_of(&changed)? {
                    batch.delete_cf(db.family(Family::History), [&escaped(key)[..], &number].concat());
                    if self.is_gone(key, gone, last)? {
                        batch.delete_cf(db.family(Family::Keys), KeyHash::with::<sha2::Sha256>(key).0);
                    }
                }
                batch.delete_cf(db.family(Family::Changes), number);
            }
            let mode = rocksdb::IteratorMode::From(&number, rocksdb::Direction::Forward);
            for entry in db.rocks().iterator_cf(db.family(Family::Stale), mode) {
                let (key, _) = entry.map_err(failed)?;
                if !key.starts_with(&number) {
                    break;
                }
                batch.delete_cf(db.family(Family::Nodes), &key[8..]);
                batch.delete_cf(db.family(Family::Stale), &key);
            }
        }
        if wanted > oldest {
            batch.put_cf(db.family(Family::Meta), OLDEST, wanted.to_be_bytes());
        }
        Ok(())
    }

    /// Whether no version after `version` holds the key, nor the one that is written now.
    fn is_gone(&self, key: &[u8], version: u64, written: &Staged) -> Result<bool, StateError> {
        let touched = written.changes.binary_search_by(|(k, _, _)| k[..].cmp(key)).is_ok();
        if touched || self.db.get(Family::State, key)?.is_some() {
            return Ok(false);
        }
        let prefix = escaped(key);
        let from = [&prefix[..], &version.saturating_add(1).to_be_bytes()].concat();
        let mode = rocksdb::IteratorMode::From(&from, rocksdb::Direction::Forward);
        let next =
            self.db.rocks().iterator_cf(self.db.family(Family::History), mode).next().transpose().map_err(failed)?;
        Ok(next.is_none_or(|(found, _)| !(found.len() == prefix.len() + 8 && found.starts_with(&prefix))))
    }

    /// Ends a restore: the version is the only one.
    pub(crate) fn restored(&self, version: u64, root: Root) -> Result<(), StateError> {
        let meta = self.db.family(Family::Meta);
        let mut batch = WriteBatch::default();
        batch.put_cf(meta, LAST, [&version.to_be_bytes()[..], &root].concat());
        batch.put_cf(meta, OLDEST, version.to_be_bytes());
        self.db.begun.store(version, Ordering::SeqCst);
        let mut how = WriteOptions::default();
        how.set_sync(true);
        self.db.rocks().write_opt(batch, &how).map_err(failed)?;
        self.db.mark.set(version);
        Ok(())
    }

    /// How many entries each column family holds: a scan of all, for checks.
    ///
    /// # Errors
    /// The database fails.
    pub fn sizes(&self) -> Result<Vec<(&'static str, u64)>, StateError> {
        let mut out = vec![];
        for family in Family::ALL {
            let mut count = 0;
            for entry in self.db.rocks().iterator_cf(self.db.family(family), rocksdb::IteratorMode::Start) {
                entry.map_err(failed)?;
                count += 1;
            }
            out.push((family.name(), count));
        }
        Ok(out)
    }
}

/// The keys of a record of `changes`.
fn keys_of(mut bytes: &[u8]) -> Result<Vec<&[u8]>, StateError> {
    let mut out = vec![];
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let length = u32::from_be_bytes(*length) as usize;
        let damaged = || StateError::Damaged("the keys that a version changed".into());
        out.push(rest.get(..length).ok_or_else(damaged)?);
        bytes = &rest[length..];
    }
    Ok(out)
}
