//! A working state whose values are found at once.

use crate::{Changes, Entries, Layer, Order, StateDelta, StateError, StateRead, StateWrite};
use std::sync::{Mutex, MutexGuard, PoisonError};

#[allow(clippy::disallowed_types, reason = "looked up by key and never walked: its order cannot matter")]
type Known = std::collections::HashMap<Vec<u8>, Key>;

/// What is known of a key.
#[derive(Debug)]
struct Key {
    now: Option<Vec<u8>>,
    before: Before,
}

/// What the base holds.
#[derive(Debug)]
enum Before {
    /// The same.
    Same,
    /// Something else.
    Other(Option<Vec<u8>>),
    /// It was not read.
    Unread,
}

/// What keys held before they were written, as far as they were read first.
#[derive(Debug, Default)]
pub struct Held(Known);

impl Held {
    /// What a key held, if that is known.
    pub fn get(&self, key: &[u8]) -> Option<&Option<Vec<u8>>> {
        let Key { now, before } = self.0.get(key)?;
        match before {
            Before::Same => Some(now),
            Before::Other(before) => Some(before),
            Before::Unread => None,
        }
    }
}

/// Changes over a base that stays as it is, with what was read of it: the transactions of one block read the same keys
/// again and again. Threads that only read share it, so what was read ahead is known to those that come later.
#[derive(Debug)]
pub struct Memo<S> {
    delta: StateDelta<S>,
    /// What keys hold now.
    known: Mutex<Known>,
}

impl<S: StateRead> Memo<S> {
    /// No change yet, and nothing was read.
    pub fn new(base: S) -> Self {
        Self { delta: StateDelta::new(base), known: Mutex::default() }
    }

    /// What was written, and what is known of the base.
    pub fn into_changes(self) -> (Changes, Held) {
        (self.delta.into_changes(), Held(self.known.into_inner().unwrap_or_else(PoisonError::into_inner)))
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&mut self, key: &[u8], value: Option<&[u8]>) {
        let known = self.known.get_mut().unwrap_or_else(PoisonError::into_inner);
        let now = value.map(<[u8]>::to_vec);
        match known.get_mut(key) {
            Some(held) => {
                let was = std::mem::replace(&mut held.now, now);
                if matches!(held.before, Before::Same) {
                    held.before = Before::Other(was);
                }
            }
            None => drop(known.insert(key.to_vec(), Key { now, before: Before::Unread })),
        }
    }
}

impl<S: StateRead> StateRead for Memo<S> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        if let Some(known) = self.known().get(key) {
            return Ok(known.now.clone());
        }
        // Not under the lock: another thread may read meanwhile, and finds the same.
        let value = self.delta.get(key)?;
        self.known().insert(key.to_vec(), Key { now: value.clone(), before: Before::Same });
        Ok(value)
    }

    fn scan<'a>(&'a self, from: &[u8], to: Option<&[u8]>, order: Order) -> Entries<'a> {
        self.delta.scan(from, to, order)
    }
}

impl<S: StateRead> StateWrite for Memo<S> {
    fn put(&mut self, key: Vec<u8>, value: Vec<u8>) -> Result<(), StateError> {
        self.write(&key, Some(&value));
        self.delta.put(key, value)
    }

    fn delete(&mut self, key: Vec<u8>) -> Result<(), StateError> {
        self.write(&key, None);
        self.delta.delete(key)
    }
}

impl<S: StateRead> Layer for Memo<S> {
    fn apply(&mut self, changes: Changes) {
        for (key, value) in &changes {
            self.write(key, value.as_deref());
        }
        self.delta.apply(changes);
    }
}
