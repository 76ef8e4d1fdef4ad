//! Entries that are no part of the root: written with a version, read beside it.

use crate::db::{Db, Family, Store};
use rocksdb::WriteBatch;
use std::sync::Arc;
use zektra_state::{Changes, Entries, Order, StateError};

/// Entries of the index that [`Store::commit`] writes with a version, in the form in which they are written: there are
/// many, and this is made while the version is computed. Those that come in the order of their keys are written faster.
pub struct IndexBatch {
    db: Arc<Db>,
    batch: WriteBatch,
}

impl std::fmt::Debug for IndexBatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "IndexBatch({} entries)", self.batch.len())
    }
}

impl IndexBatch {
    /// Sets an entry.
    pub fn put(&mut self, key: &[u8], value: &[u8]) {
        self.batch.put_cf(self.db.family(Family::Index), key, value);
    }

    /// Sets and removes entries.
    pub fn apply(&mut self, changes: &Changes) {
        for (key, value) in changes {
            match value {
                Some(value) => self.put(key, value),
                None => self.batch.delete_cf(self.db.family(Family::Index), key),
            }
        }
    }

    pub(crate) fn into_batch(self) -> WriteBatch {
        self.batch
    }
}

impl Store {
    /// No entries yet.
    pub fn index_batch(&self) -> IndexBatch {
        let db = self.db().clone();
        let batch = WriteBatch::with_capacity_bytes(db.usual_batch());
        IndexBatch { db, batch }
    }

    /// An entry of the index.
    ///
    /// # Errors
    /// The database fails.
    pub fn index(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        self.db().get(Family::Index, key)
    }

    /// Entries of the index with `from ≤ key < to`.
    pub fn scan_index<'a>(&'a self, from: &[u8], to: Option<&[u8]>, order: Order) -> Entries<'a> {
        crate::snapshot::scan(self.db(), Family::Index, from, to, order)
    }
}
