use proptest::prelude::*;
use std::collections::BTreeMap;
use zektra_modules::query::page;
use zektra_proto::cosmos::base::query::v1beta1::PageRequest;
use zektra_state::{Empty, StateDelta, StateWrite as _};

type Found = (Vec<(Vec<u8>, Vec<u8>)>, Vec<u8>, u64);

fn ask(state: &StateDelta<Empty>, request: PageRequest) -> Found {
    let each = |key: &[u8], value: Vec<u8>| Ok(Some((key.to_vec(), value)));
    let (found, response) = page(state, b"p/", Some(&request), each).unwrap();
    (found, response.next_key.to_vec(), response.total)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn by_key_and_by_offset(
        entries in prop::collection::btree_map(prop::collection::vec(0u8..4, 1..4), prop::collection::vec(any::<u8>(), 1), 0..30),
        limit in 1u64..8,
        reverse in any::<bool>(),
    ) {
        let mut state = StateDelta::new(Empty);
        for (key, value) in &entries {
            state.put([b"p/", &key[..]].concat(), value.clone()).unwrap();
        }
        // Neighbours that are no part of it.
        state.put(b"p".to_vec(), vec![]).unwrap();
        state.put(b"p0".to_vec(), vec![]).unwrap();
        let mut wanted: Vec<_> = BTreeMap::clone(&entries).into_iter().collect();
        if reverse {
            wanted.reverse();
        }
        let (mut by_key, mut key) = (vec![], vec![]);
        loop {
            let request = PageRequest { key: key.clone().into(), limit, reverse, ..Default::default() };
            let (found, next, total) = ask(&state, request);
            prop_assert!(found.len() as u64 <= limit && total == 0);
            by_key.extend(found);
            if next.is_empty() {
                break;
            }
            key = next;
        }
        prop_assert_eq!(&by_key, &wanted);
        for offset in 0..wanted.len() as u64 + 2 {
            let request = PageRequest { offset, limit, reverse, count_total: true, ..Default::default() };
            let (found, _, total) = ask(&state, request);
            prop_assert_eq!(total, wanted.len() as u64);
            let rest: Vec<_> = wanted.iter().skip(offset as usize).take(limit as usize).cloned().collect();
            prop_assert_eq!(found, rest);
        }
        // No limit means the first hundred, counted.
        let (found, _, total) = ask(&state, PageRequest { reverse, ..Default::default() });
        prop_assert_eq!((found, total), (wanted.clone(), wanted.len() as u64));
    }
}

#[test]
fn a_key_and_an_offset_contradict_each_other() {
    let request = PageRequest { key: vec![1].into(), offset: 1, ..Default::default() };
    let refused = page(&Empty, b"p/", Some(&request), |_, _| Ok(Some(()))).unwrap_err();
    assert_eq!(refused.message, "invalid request, either offset or key is expected, got both");
}
