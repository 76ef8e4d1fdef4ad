use super::model::{Model, apply, changes, commit, key, options, range, same};
use proptest::prelude::*;
use std::collections::BTreeMap;
use zektra_state::{Changes, Held, Order, StateError, StateRead as _};
use zektra_store::{Snapshot, Store};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn every_version_in_the_window(
        list in prop::collection::vec((changes(), any::<bool>()), 1..12),
        keep in prop::option::of(2u64..6),
        first in 0u64..5,
        range in range(),
        probe in key(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(folder.path(), options(keep)).unwrap();
        let mut models: Vec<(u64, [u8; 32], Model)> = vec![];
        let mut held: Vec<(u64, Snapshot)> = vec![];
        let mut model = BTreeMap::new();
        for (version, (changes, reopen)) in (first..).zip(&list) {
            apply(&mut model, changes);
            let root = commit(&store, version, changes);
            models.push((version, root, model.clone()));
            if *reopen {
                // The database's lock goes with the last snapshot.
                held.clear();
                drop(store);
                store = Store::open(folder.path(), options(keep)).unwrap();
            }
            prop_assert_eq!(store.last().unwrap(), Some((version, root)));
            held.push((version, store.latest().unwrap()));
            let oldest = store.oldest().unwrap();
            prop_assert_eq!(oldest, keep.map_or(first, |keep| first.max((version + 1).saturating_sub(keep))));
            for (version, root, model) in &models {
                if *version < oldest {
                    // A snapshot that was held too long says so instead of giving another version's values.
                    if let Some((_, late)) = held.iter().find(|(v, _)| v == version) {
                        let gone = matches!(late.get(&probe), Err(StateError::Version { .. }));
                        prop_assert!(gone);
                        prop_assert!(late.scan(&[], None, Order::Ascending).any(|e| e.is_err()));
                    }
                    let refused = store.snapshot(*version).unwrap_err();
                    prop_assert!(matches!(refused, StateError::Version { .. }), "{}", refused);
                    continue;
                }
                let snapshot = store.snapshot(*version).unwrap();
                same(&snapshot, model, &range, &probe);
                if let Some((_, held)) = held.iter().find(|(v, _)| v == version) {
                    same(held, model, &range, &probe);
                }
                prop_assert_eq!(snapshot.root().unwrap(), *root);
            }
        }
        prop_assert!(store.snapshot(first + list.len() as u64).is_err());
    }

    /// What a scan gives is settled when it begins, whatever is committed and pruned between two of its entries.
    #[test]
    fn while_versions_are_committed(
        list in prop::collection::vec(changes(), 2..12),
        at in any::<prop::sample::Index>(),
        keep in prop::option::of(2u64..6),
        (from, to) in range(),
    ) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), options(keep)).unwrap();
        let (before, after) = list.split_at(1 + at.index(list.len() - 1));
        let mut models = vec![];
        let mut model = BTreeMap::new();
        for (version, changes) in (0..).zip(before) {
            apply(&mut model, changes);
            commit(&store, version, changes);
            models.push(model.clone());
        }
        let snapshots: Vec<_> =
            (store.oldest().unwrap()..before.len() as u64).map(|v| store.snapshot(v).unwrap()).collect();
        let mut scans = vec![];
        for snapshot in &snapshots {
            let inside = |key: &[u8]| key >= &from[..] && to.as_ref().is_none_or(|to| key < &to[..]);
            let of_version = models[usize::try_from(snapshot.version()).unwrap()].clone();
            let wanted: Vec<_> = of_version.into_iter().filter(|(k, _)| inside(k)).collect();
            let backwards = wanted.iter().rev().cloned().collect();
            scans.push((snapshot.scan(&from, to.as_deref(), Order::Ascending), vec![], wanted));
            scans.push((snapshot.scan(&from, to.as_deref(), Order::Descending), vec![], backwards));
        }
        for (version, changes) in (before.len() as u64..).zip(after) {
            scans.iter_mut().for_each(|(scan, found, _)| found.extend(scan.next().transpose().unwrap()));
            commit(&store, version, changes);
        }
        for (scan, mut found, wanted) in scans {
            found.extend(scan.collect::<Result<Vec<_>, _>>().unwrap());
            prop_assert_eq!(found, wanted);
        }
    }

    #[test]
    fn the_root_is_that_of_the_entries_alone(list in prop::collection::vec(changes(), 1..6)) {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let store = Store::open(one.path(), options(None)).unwrap();
        let mut model = BTreeMap::new();
        let mut root = [0; 32];
        for (version, changes) in (0..).zip(&list) {
            apply(&mut model, changes);
            root = commit(&store, version, changes);
        }
        let all = model.into_iter().map(|(key, value)| (key, Some(value))).collect();
        prop_assert_eq!(commit(&Store::open(other.path(), options(None)).unwrap(), 0, &all), root);
    }
}

/// Versions of so many changes that parts of the tree are made at the same time, with and without removals.
#[test]
fn large_versions() {
    let (one, keep) = (tempfile::tempdir().unwrap(), Some(2));
    let store = Store::open(one.path(), options(keep)).unwrap();
    let mut model = BTreeMap::new();
    let key = |k: u32| k.wrapping_mul(2_654_435_761).to_be_bytes().to_vec();
    for (version, put, removed) in [(0, 0..700, 0..0), (1, 400..1400, 0..300), (2, 0..500, 0..0), (3, 600..601, 1..900)]
    {
        let put = put.map(|k| (key(k), Some(version_of(version, k))));
        let changes: Changes = put.chain(removed.map(|k| (key(k), None))).collect();
        apply(&mut model, &changes);
        let root = commit(&store, version, &changes);
        let other = tempfile::tempdir().unwrap();
        let fresh = Store::open(other.path(), options(keep)).unwrap();
        let all = model.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect();
        assert_eq!(commit(&fresh, version, &all), root, "version {version}");
        same(&store.latest().unwrap(), &model, &(key(3), None), &key(4));
        if version == 3 {
            // The version before goes with those that follow, but for the way to the one key that they change.
            for version in 4..8 {
                commit(&store, version, &Changes::from([(key(0), Some(version_of(version, 0)))]));
            }
            let nodes =
                |store: &Store| store.sizes().unwrap().into_iter().find(|(name, _)| *name == "nodes").unwrap().1;
            assert!(nodes(&store) <= nodes(&fresh) + 4, "{} nodes, {} of one version", nodes(&store), nodes(&fresh));
        }
    }
}

fn version_of(version: u64, k: u32) -> Vec<u8> {
    [&version.to_be_bytes()[..], &k.to_be_bytes()].concat()
}

#[test]
fn two_versions_in_one_batch() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), options(None)).unwrap();
    let genesis = Changes::from([(b"a".to_vec(), Some(vec![1])), (b"b".to_vec(), Some(vec![2]))]);
    let block = Changes::from([(b"a".to_vec(), Some(vec![3])), (b"b".to_vec(), None), (b"c".to_vec(), None)]);
    let zero = store.stage(6, genesis.clone(), &Held::default(), None).unwrap();
    let one = store.stage(7, block.clone(), &Held::default(), Some(&zero)).unwrap();
    let roots = (zero.root(), one.root());
    assert_eq!(store.last().unwrap(), None);
    store.commit(&[zero, one], store.index_batch()).unwrap();
    let (zero, one) = (store.snapshot(6).unwrap(), store.snapshot(7).unwrap());
    assert_eq!((zero.root().unwrap(), one.root().unwrap()), roots);
    assert_eq!(zero.get(b"a").unwrap(), Some(vec![1]));
    assert_eq!(zero.get(b"b").unwrap(), Some(vec![2]));
    assert_eq!(one.get(b"a").unwrap(), Some(vec![3]));
    assert_eq!(one.get(b"b").unwrap(), None);
}

#[test]
fn keys_that_change_often_are_scanned_once() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), options(None)).unwrap();
    let keys = [&b"a"[..], b"a\0", b"a\0\x01", b"a\x01", b"b", b"\xff"];
    for version in 0..100u64 {
        // Each is there in two versions of three, and never the same.
        let of = |k: usize| (!(version + k as u64).is_multiple_of(3)).then(|| vec![k as u8, version as u8]);
        let changes = keys.iter().enumerate().map(|(k, key)| (key.to_vec(), of(k))).collect();
        commit(&store, version, &changes);
    }
    for version in 0..100u64 {
        let snapshot = store.snapshot(version).unwrap();
        let there = |k: &usize| !(version + *k as u64).is_multiple_of(3);
        let wanted: Vec<_> =
            (0..keys.len()).filter(there).map(|k| (keys[k].to_vec(), vec![k as u8, version as u8])).collect();
        let found = |order| snapshot.scan(b"a", None, order).collect::<Result<Vec<_>, _>>().unwrap();
        assert_eq!(found(Order::Ascending), wanted);
        assert_eq!(found(Order::Descending), wanted.into_iter().rev().collect::<Vec<_>>());
    }
}

#[test]
fn a_version_out_of_order_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), options(None)).unwrap();
    commit(&store, 3, &Changes::new());
    for version in [0, 3, 5] {
        let error = store.stage(version, Changes::new(), &Held::default(), None).unwrap_err();
        assert_eq!(error.to_string(), format!("version {version} does not follow 3"));
    }
    let staged = store.stage(4, Changes::new(), &Held::default(), None).unwrap();
    commit(&store, 4, &Changes::new());
    let error = store.commit(&[staged], store.index_batch()).unwrap_err();
    assert_eq!(error.to_string(), "version 4 does not follow 4");
}

#[test]
fn the_index_is_no_part_of_the_root() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), options(Some(2))).unwrap();
    let root = commit(&store, 1, &Changes::from([(b"k".to_vec(), Some(vec![1]))]));
    let index = Changes::from([(b"x1".to_vec(), Some(vec![7])), (b"x2".to_vec(), Some(vec![8]))]);
    let staged = store.stage(2, Changes::new(), &Held::default(), None).unwrap();
    assert_eq!(staged.root(), root);
    let mut batch = store.index_batch();
    batch.apply(&index);
    store.commit(&[staged], batch).unwrap();
    assert_eq!(store.index(b"x1").unwrap(), Some(vec![7]));
    let found = store.scan_index(b"x", None, Order::Descending).map(|e| e.unwrap().1[0]).collect::<Vec<_>>();
    assert_eq!(found, [8, 7]);
    assert_eq!(store.latest().unwrap().get(b"x1").unwrap(), None);
}

#[test]
fn nothing_of_versions_before_the_window_stays() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(folder.path(), options(Some(2))).unwrap();
    for version in 0..200u64 {
        let key = version.to_be_bytes().to_vec();
        let old = version.checked_sub(1).map(|v| (v.to_be_bytes().to_vec(), None));
        let changes =
            [(key, Some(vec![1])), (b"k".to_vec(), Some(key_value(version)))].into_iter().chain(old).collect();
        commit(&store, version, &changes);
    }
    let sizes = store.sizes().unwrap();
    let most = |family: &str, most: u64| {
        let found = sizes.iter().find(|(name, _)| *name == family).unwrap().1;
        assert!(found <= most, "{family} holds {found} entries");
    };
    most("state", 2);
    most("history", 6);
    most("changes", 2);
    most("keys", 4);
    most("nodes", 12);
    most("stale", 8);
}

fn key_value(version: u64) -> Vec<u8> {
    version.to_be_bytes().to_vec()
}
