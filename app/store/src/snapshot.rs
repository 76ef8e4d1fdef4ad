//! One version of the state.

use crate::db::{Db, Family, escaped, escaped_prefix};
use crate::tree::Reader;
use crate::{Root, failed};
use jmt::Sha256Jmt;
use rocksdb::{DBRawIterator, Direction, IteratorMode, ReadOptions};
use std::sync::Arc;
use zektra_state::StateError;
use zektra_state::{Entries, Order, Replaced, Replacement, StateRead, merged};

/// The state of one version. It does not change while later versions are committed, until its own leaves the window.
///
/// A read takes the last value first and looks into the history afterwards: a commit in between puts there what was
/// held before, so both orders of the two give the version's own value.
#[derive(Clone, Debug)]
pub struct Snapshot {
    db: Arc<Db>,
    version: u64,
}

impl Snapshot {
    pub(crate) fn db(&self) -> &Arc<Db> {
        &self.db
    }

    pub(crate) fn unchecked(db: Arc<Db>, version: u64) -> Self {
        Self { db, version }
    }

    /// The version; `u64::MAX` for the state before the first.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The root of the tree.
    ///
    /// # Errors
    /// The version is not kept any more.
    pub fn root(&self) -> Result<Root, StateError> {
        let reader = Reader::at(&self.db, self.version);
        let root = Sha256Jmt::new(&reader).get_root_hash(self.version).map_err(|e| self.gone(&e))?;
        Ok(root.0)
    }

    /// The value of a key, with an ICS-23 proof that it is there with this value, or is not there.
    ///
    /// # Errors
    /// The version is not kept any more; an empty state.
    pub fn get_with_proof(&self, key: &[u8]) -> Result<(Option<Vec<u8>>, ics23::CommitmentProof), StateError> {
        let reader = Reader::at(&self.db, self.version);
        Sha256Jmt::new(&reader).get_with_ics23_proof(key.to_vec(), self.version).map_err(|e| self.gone(&e))
    }

    pub(crate) fn gone(&self, e: &anyhow::Error) -> StateError {
        match (self.db.oldest(), self.db.last()) {
            (Ok(oldest), Ok(Some((last, _)))) if self.version < oldest => {
                StateError::Version { version: self.version, oldest, last }
            }
            _ => StateError::Tree(format!("{e:#}")),
        }
    }

    /// Refuses a version whose history is gone: to be asked after the history was read.
    fn demand_kept(&self) -> Result<(), StateError> {
        let oldest = self.db.oldest()?;
        if self.version < oldest {
            let last = self.db.last()?.map_or(0, |(version, _)| version);
            return Err(StateError::Version { version: self.version, oldest, last });
        }
        Ok(())
    }

    /// What the history says of `key`: the value before the first change after this version.
    fn past(&self, key: &[u8]) -> Result<Option<Option<Vec<u8>>>, StateError> {
        let Some(next) = self.version.checked_add(1) else { return Ok(None) };
        let prefix = escaped(key);
        let from = [&prefix[..], &next.to_be_bytes()].concat();
        let mode = IteratorMode::From(&from, Direction::Forward);
        match self.db.rocks().iterator_cf(self.db.family(Family::History), mode).next() {
            Some(entry) => {
                let (found, held) = entry.map_err(failed)?;
                Ok((found.len() == prefix.len() + 8 && found.starts_with(&prefix)).then(|| held_of(&held)))
            }
            None => Ok(None),
        }
    }

    /// For each key in a range that changed after this version, what it held, in the order of keys.
    fn past_range(&self, from: &[u8], to: Option<&[u8]>, order: Order) -> Past<'_> {
        let mut options = ReadOptions::default();
        options.set_iterate_lower_bound(escaped_prefix(from));
        if let Some(to) = to {
            options.set_iterate_upper_bound(escaped_prefix(to));
        }
        let mut entries = self.db.rocks().raw_iterator_cf_opt(self.db.family(Family::History), options);
        match order {
            Order::Ascending => entries.seek_to_first(),
            Order::Descending => entries.seek_to_last(),
        }
        Past { entries, version: self.version, order }
    }
}

/// What keys held at a version, out of the history: one entry at a time is in memory.
struct Past<'a> {
    entries: DBRawIterator<'a>,
    version: u64,
    order: Order,
}

impl Past<'_> {
    /// The next key that changed after the version, with what its first change found.
    fn step(&mut self) -> Result<Option<Replacement>, StateError> {
        let damaged = || StateError::Damaged("a key of the history".into());
        while let Some(at) = self.entries.key() {
            let (key, version) = unescaped(at).ok_or_else(damaged)?;
            let prefix = escaped(&key);
            let of = |version: u64| [&prefix[..], &version.to_be_bytes()].concat();
            let later = version > self.version;
            if !later || self.order == Order::Descending {
                // The first change after the version counts, wherever among the key's this one stands.
                self.entries.seek(of(self.version.saturating_add(1)));
                self.entries.status().map_err(failed)?;
            }
            let found = match self.entries.item() {
                Some((at, held)) if at.len() == prefix.len() + 8 && at.starts_with(&prefix) => Some(held_of(held)),
                _ => None,
            };
            match self.order {
                // Already at the next key if there was none.
                Order::Ascending if found.is_none() => {}
                Order::Ascending => self.entries.seek(of(u64::MAX)),
                Order::Descending => self.entries.seek_for_prev(&prefix),
            }
            if let Some(held) = found {
                return Ok(Some((key, held)));
            }
        }
        self.entries.status().map_err(failed)?;
        Ok(None)
    }
}

impl Iterator for Past<'_> {
    type Item = Result<Replacement, StateError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.step().transpose()
    }
}

fn held_of(held: &[u8]) -> Option<Vec<u8>> {
    match held.split_first() {
        Some((1, value)) => Some(value.to_vec()),
        _ => None,
    }
}

fn unescaped(at: &[u8]) -> Option<(Vec<u8>, u64)> {
    let (key, version) = at.split_last_chunk::<8>()?;
    let key = key.strip_suffix(&[0, 1])?;
    let mut out = Vec::with_capacity(key.len());
    let mut bytes = key.iter();
    while let Some(&b) = bytes.next() {
        out.push(b);
        if b == 0 && bytes.next() != Some(&u8::MAX) {
            return None;
        }
    }
    Some((out, u64::from_be_bytes(*version)))
}

/// Entries of a family with `from ≤ key < to`.
pub(crate) fn scan<'a>(db: &'a Db, family: Family, from: &[u8], to: Option<&[u8]>, order: Order) -> Entries<'a> {
    if to.is_some_and(|to| to <= from) {
        return Box::new(std::iter::empty());
    }
    let mut options = ReadOptions::default();
    options.set_iterate_lower_bound(from);
    if let Some(to) = to {
        options.set_iterate_upper_bound(to);
    }
    let mode = match order {
        Order::Ascending => IteratorMode::Start,
        Order::Descending => IteratorMode::End,
    };
    let entries = db.rocks().iterator_cf_opt(db.family(family), options, mode);
    Box::new(entries.map(|entry| {
        let (key, value) = entry.map_err(failed)?;
        Ok((key.into_vec(), value.into_vec()))
    }))
}

impl StateRead for Snapshot {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        let last = self.db.get(Family::State, key)?;
        if self.db.is_last(self.version) {
            return Ok(last);
        }
        if self.version == u64::MAX {
            return Ok(None);
        }
        let value = self.past(key)?.unwrap_or(last);
        self.demand_kept()?;
        Ok(value)
    }

    fn scan<'a>(&'a self, from: &[u8], to: Option<&[u8]>, order: Order) -> Entries<'a> {
        // The iterator holds what the database held when it was made.
        let last = scan(&self.db, Family::State, from, to, order);
        if self.db.is_last(self.version) {
            return last;
        }
        if self.version == u64::MAX || to.is_some_and(|to| to <= from) {
            return Box::new(std::iter::empty());
        }
        // Both hold what was there when they were made: what is pruned from here on stays theirs.
        let past: Replaced<'a> = Box::new(self.past_range(from, to, order));
        match self.demand_kept() {
            Ok(()) => merged(last, past, order),
            Err(e) => Box::new(std::iter::once(Err(e))),
        }
    }
}
