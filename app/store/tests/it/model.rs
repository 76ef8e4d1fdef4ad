use proptest::prelude::*;
use std::collections::BTreeMap;
use zektra_state::{Changes, Entry, Held, Order, StateRead};
use zektra_store::{Options, Store};

pub type Model = BTreeMap<Vec<u8>, Vec<u8>>;

/// Few keys, with zero bytes and common prefixes.
pub fn key() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop_oneof![Just(0u8), Just(1), Just(255), any::<u8>()], 0..4)
}

/// Values; `None` deletes.
pub fn changes() -> impl Strategy<Value = Changes> {
    let value = prop_oneof![2 => prop::collection::vec(any::<u8>(), 1..5).prop_map(Some), 1 => Just(None)];
    prop::collection::btree_map(key(), value, 0..12)
}

pub fn range() -> impl Strategy<Value = (Vec<u8>, Option<Vec<u8>>)> {
    (key(), prop::option::of(key()))
}

pub fn apply(model: &mut Model, changes: &Changes) {
    for (key, value) in changes {
        match value {
            Some(value) => model.insert(key.clone(), value.clone()),
            None => model.remove(key),
        };
    }
}

pub fn options(keep: Option<u64>) -> Options {
    Options { keep, sync: false, ..Options::default() }
}

/// Commits a version.
pub fn commit(store: &Store, version: u64, changes: &Changes) -> [u8; 32] {
    let staged = store.stage(version, changes.clone(), &Held::default(), None).unwrap();
    let root = staged.root();
    store.commit(&[staged], store.index_batch()).unwrap();
    root
}

/// Compares a state with its model: all of it, a range, and single keys.
pub fn same(state: &dyn StateRead, model: &Model, (from, to): &(Vec<u8>, Option<Vec<u8>>), probe: &[u8]) {
    let all: Vec<Entry> = state.scan(&[], None, Order::Ascending).collect::<Result<_, _>>().unwrap();
    assert_eq!(all, model.clone().into_iter().collect::<Vec<_>>());
    let inside = |key: &[u8]| key >= &from[..] && to.as_ref().is_none_or(|to| key < &to[..]);
    let mut wanted: Vec<Entry> = model.clone().into_iter().filter(|(k, _)| inside(k)).collect();
    let scan = |order| state.scan(from, to.as_deref(), order).collect::<Result<Vec<_>, _>>().unwrap();
    assert_eq!(scan(Order::Ascending), wanted);
    wanted.reverse();
    assert_eq!(scan(Order::Descending), wanted);
    assert_eq!(state.get(probe).unwrap().as_ref(), model.get(probe));
    for (key, value) in model {
        assert_eq!(state.get(key).unwrap().as_ref(), Some(value));
    }
}
