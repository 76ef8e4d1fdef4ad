use super::model::{apply, changes, key, range, same};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use zektra_state::{
    Changes, Layer as _, Memo, Order, Shared, StateDelta, StateRead as _, StateWrite as _, after_prefix, scan_prefix,
};
use zektra_store::Store;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn three_layers_over_a_store(list in prop::collection::vec(changes(), 4), range in range(), probe in key()) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), super::model::options(None)).unwrap();
        let mut model = BTreeMap::new();
        apply(&mut model, &list[0]);
        super::model::commit(&store, 1, &list[0]);
        let latest = store.latest().unwrap();
        same(&latest, &model, &range, &probe);
        let mut memo = Memo::new(latest.clone());
        memo.get(&probe).unwrap();
        let mut all = Changes::new();
        let mut lower = StateDelta::new(latest);
        let before = model.clone();
        for layer in &list[1..] {
            let mut upper = StateDelta::new(&lower);
            for (key, value) in layer {
                match value {
                    Some(value) => upper.put(key.clone(), value.clone()).unwrap(),
                    None => upper.delete(key.clone()).unwrap(),
                }
            }
            let mut above = model.clone();
            apply(&mut above, layer);
            same(&upper, &above, &range, &probe);
            same(&Shared::new(&lower, Arc::new(layer.clone())), &above, &range, &probe);
            same(&lower, &model, &range, &probe);
            let written = upper.into_changes();
            prop_assert_eq!(&written, layer);
            all.extend(written.clone());
            lower.apply(written.clone());
            model = above;
            // What a memo has read and what it was told stay one.
            for (key, value) in written.clone() {
                match value {
                    Some(value) => memo.put(key, value).unwrap(),
                    None => memo.delete(key).unwrap(),
                }
            }
            same(&memo, &model, &range, &probe);
            memo.apply(written);
            same(&memo, &model, &range, &probe);
        }
        let (changes, held) = memo.into_changes();
        for key in changes.keys().chain([&probe]) {
            // What a memo knows of the base is what the base holds.
            prop_assert!(held.get(key).is_none_or(|known| known.as_ref() == before.get(key)));
        }
        prop_assert!(held.get(&probe).is_some());
        prop_assert_eq!(changes, all);
        same(&lower, &model, &range, &probe);
        same(&store.latest().unwrap(), &before, &range, &probe);
    }

    #[test]
    fn a_prefix_ends_where_it_should(prefix in key(), other in key()) {
        let inside = other >= prefix && after_prefix(&prefix).is_none_or(|end| other < end);
        prop_assert_eq!(inside, other.starts_with(&prefix));
    }
}

#[test]
fn a_prefix_is_scanned_in_both_directions() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), super::model::options(None)).unwrap();
    let mut state = StateDelta::new(store.latest().unwrap());
    for key in ["a", "b", "b1", "b2", "c"] {
        state.put(key.into(), vec![]).unwrap();
    }
    let keys = |order| scan_prefix(&state, b"b", order).map(|e| e.unwrap().0).collect::<Vec<_>>();
    assert_eq!(keys(Order::Ascending), [&b"b"[..], b"b1", b"b2"]);
    assert_eq!(keys(Order::Descending), [&b"b2"[..], b"b1", b"b"]);
    assert_eq!(state.changes().len(), 5);
    assert_eq!(StateDelta::with(&state, Changes::from([(b"a".to_vec(), None)])).get(b"a").unwrap(), None);
}
