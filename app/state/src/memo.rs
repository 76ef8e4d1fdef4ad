//! Reads of a base, each made once.

use crate::{Entries, Order, StateError, StateRead};
use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A base that does not change, and what was read of it: transactions of one block read the same keys again and again.
/// Threads share it, so what was read ahead is known to those that come later.
#[derive(Debug)]
pub struct Memo<S> {
    base: S,
    known: Mutex<BTreeMap<Vec<u8>, Option<Vec<u8>>>>,
}

impl<S: StateRead> Memo<S> {
    /// Nothing was read yet.
    pub fn new(base: S) -> Self {
        Self { base, known: Mutex::default() }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<Vec<u8>, Option<Vec<u8>>>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: StateRead> StateRead for Memo<S> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        if let Some(known) = self.known().get(key) {
            return Ok(known.clone());
        }
        // Not under the lock: another thread may read meanwhile, and finds the same.
        let value = self.base.get(key)?;
        self.known().insert(key.to_vec(), value.clone());
        Ok(value)
    }

    fn scan<'a>(&'a self, from: &[u8], to: Option<&[u8]>, order: Order) -> Entries<'a> {
        self.base.scan(from, to, order)
    }
}
