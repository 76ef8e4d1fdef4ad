//! Reads, writes, and layers over what does not change.

use crate::StateError;
use std::collections::BTreeMap;
use std::iter::Peekable;
use std::ops::Bound;
use std::sync::Arc;

/// A key with its value.
pub type Entry = (Vec<u8>, Vec<u8>);

/// Entries in the order of their keys, ascending or descending.
pub type Entries<'a> = Box<dyn Iterator<Item = Result<Entry, StateError>> + 'a>;

/// What was written since a base: a value, or `None` for a key that was deleted.
pub type Changes = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// The direction of a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// From the smallest key.
    Ascending,
    /// From the largest key.
    Descending,
}

/// Reads of the state.
pub trait StateRead {
    /// The value of a key.
    ///
    /// # Errors
    /// The database fails, or a meter has run out.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError>;

    /// The entries with `from ≤ key < to`; without `to` all from `from` on.
    fn scan<'a>(&'a self, from: &[u8], to: Option<&[u8]>, order: Order) -> Entries<'a>;
}

/// Writes of the state.
pub trait StateWrite: StateRead {
    /// Sets the value of a key.
    ///
    /// # Errors
    /// A meter has run out.
    fn put(&mut self, key: Vec<u8>, value: Vec<u8>) -> Result<(), StateError>;

    /// Removes a key, whether it is there or not.
    ///
    /// # Errors
    /// A meter has run out.
    fn delete(&mut self, key: Vec<u8>) -> Result<(), StateError>;
}

/// A state that takes the changes of layers above.
pub trait Layer: StateWrite {
    /// Takes the changes of a layer above.
    fn apply(&mut self, changes: Changes);
}

impl<S: StateRead + ?Sized> StateRead for &S {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        (**self).get(key)
    }

    fn scan<'a>(&'a self, from: &[u8], to: Option<&[u8]>, order: Order) -> Entries<'a> {
        (**self).scan(from, to, order)
    }
}

/// A state that holds nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Empty;

impl StateRead for Empty {
    fn get(&self, _: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        Ok(None)
    }

    fn scan<'a>(&'a self, _: &[u8], _: Option<&[u8]>, _: Order) -> Entries<'a> {
        Box::new(std::iter::empty())
    }
}

/// The first key after all that begin with `prefix`; `None` if there is none.
pub fn after_prefix(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|&b| b != u8::MAX)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}

/// All entries whose keys begin with `prefix`.
pub fn scan_prefix<'a>(state: &'a dyn StateRead, prefix: &[u8], order: Order) -> Entries<'a> {
    state.scan(prefix, after_prefix(prefix).as_deref(), order)
}

/// Changes that others hold, too, over a base: read without a copy of them.
#[derive(Debug)]
pub struct Shared<S> {
    base: S,
    changes: Arc<Changes>,
}

impl<S: StateRead> Shared<S> {
    /// The base with these changes.
    pub fn new(base: S, changes: Arc<Changes>) -> Self {
        Self { base, changes }
    }
}

impl<S: StateRead> StateRead for Shared<S> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        get_over(&self.base, &self.changes, key)
    }

    fn scan<'a>(&'a self, from: &[u8], to: Option<&[u8]>, order: Order) -> Entries<'a> {
        scan_over(&self.base, &self.changes, from, to, order)
    }
}

/// Changes over a base that stays as it is.
#[derive(Debug)]
pub struct StateDelta<S> {
    base: S,
    changes: Changes,
}

impl<S: StateRead> StateDelta<S> {
    /// No change yet.
    pub fn new(base: S) -> Self {
        Self { base, changes: Changes::new() }
    }

    /// The base with changes that are known already.
    pub fn with(base: S, changes: Changes) -> Self {
        Self { base, changes }
    }

    /// What was written.
    pub fn changes(&self) -> &Changes {
        &self.changes
    }

    /// What was written, without the base.
    pub fn into_changes(self) -> Changes {
        self.changes
    }
}

impl<S: StateRead> Layer for StateDelta<S> {
    fn apply(&mut self, changes: Changes) {
        self.changes.extend(changes);
    }
}

impl<S: StateRead> StateRead for StateDelta<S> {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
        get_over(&self.base, &self.changes, key)
    }

    fn scan<'a>(&'a self, from: &[u8], to: Option<&[u8]>, order: Order) -> Entries<'a> {
        scan_over(&self.base, &self.changes, from, to, order)
    }
}

fn get_over(base: &impl StateRead, changes: &Changes, key: &[u8]) -> Result<Option<Vec<u8>>, StateError> {
    match changes.get(key) {
        Some(changed) => Ok(changed.clone()),
        None => base.get(key),
    }
}

fn scan_over<'a>(
    base: &'a impl StateRead,
    changes: &'a Changes,
    from: &[u8],
    to: Option<&[u8]>,
    order: Order,
) -> Entries<'a> {
    if to.is_some_and(|to| to <= from) {
        return Box::new(std::iter::empty());
    }
    let upper = to.map_or(Bound::Unbounded, Bound::Excluded);
    let changed = changes.range::<[u8], _>((Bound::Included(from), upper));
    let changed = changed.map(|(key, value)| Ok((key.clone(), value.clone())));
    let changed: Replaced<'a> = match order {
        Order::Ascending => Box::new(changed),
        Order::Descending => Box::new(changed.rev()),
    };
    merged(base.scan(from, to, order), changed, order)
}

impl<S: StateRead> StateWrite for StateDelta<S> {
    fn put(&mut self, key: Vec<u8>, value: Vec<u8>) -> Result<(), StateError> {
        self.changes.insert(key, Some(value));
        Ok(())
    }

    fn delete(&mut self, key: Vec<u8>) -> Result<(), StateError> {
        self.changes.insert(key, None);
        Ok(())
    }
}

/// What replaces an entry, or removes it.
pub type Replacement = (Vec<u8>, Option<Vec<u8>>);

/// Replacements in the order of their keys, ascending or descending.
pub type Replaced<'a> = Box<dyn Iterator<Item = Result<Replacement, StateError>> + 'a>;

/// Two ordered sequences as one; of equal keys the second counts.
pub fn merged<'a>(base: Entries<'a>, replaced: Replaced<'a>, order: Order) -> Entries<'a> {
    Box::new(Merged { base: base.peekable(), replaced: replaced.peekable(), order })
}

struct Merged<'a> {
    base: Peekable<Entries<'a>>,
    replaced: Peekable<Replaced<'a>>,
    order: Order,
}

impl Iterator for Merged<'_> {
    type Item = Result<Entry, StateError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let base = match self.base.peek() {
                Some(Err(_)) => return self.base.next(),
                Some(Ok((key, _))) => Some(key),
                None => None,
            };
            let (take_base, take_replaced) = match (base, self.replaced.peek()) {
                (_, Some(Err(_))) => (false, true),
                (None, None) => return None,
                (Some(_), None) => (true, false),
                (None, Some(_)) => (false, true),
                (Some(b), Some(Ok((r, _)))) => {
                    let order = if self.order == Order::Ascending { b.cmp(r) } else { b.cmp(r).reverse() };
                    (order.is_le(), order.is_ge())
                }
            };
            let base = if take_base { self.base.next() } else { None };
            if !take_replaced {
                return base;
            }
            match self.replaced.next() {
                Some(Ok((key, Some(value)))) => return Some(Ok((key, value))),
                Some(Err(e)) => return Some(Err(e)),
                Some(Ok((_, None))) | None => {}
            }
        }
    }
}
