use super::model::{changes, commit, key, options};
use ics23::HostFunctionsManager as H;
use ics23::{verify_membership, verify_non_membership};
use proptest::prelude::*;
use zektra_state::Changes;
use zektra_store::{Store, proof_spec};

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn of_what_is_there_and_of_what_is_not(list in prop::collection::vec(changes(), 1..5), probes in prop::collection::vec(key(), 8)) {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(folder.path(), options(None)).unwrap();
        // A tree without entries has no leaf to prove with; ICS-23 knows no empty keys and values.
        commit(&store, 0, &Changes::from([(b"first".to_vec(), Some(vec![1]))]));
        for (version, changes) in (1..).zip(&list) {
            commit(&store, version, changes);
        }
        for version in 0..=list.len() as u64 {
            let snapshot = store.snapshot(version).unwrap();
            let root = snapshot.root().unwrap().to_vec();
            for key in probes.iter().chain(list.iter().flat_map(|c| c.keys())).filter(|k| !k.is_empty()) {
                let (value, proof) = snapshot.get_with_proof(key).unwrap();
                match value {
                    Some(value) if value.is_empty() => {}
                    Some(value) => {
                        prop_assert!(verify_membership::<H>(&proof, &proof_spec(), &root, key, &value));
                        let other = [&value[..], &[0]].concat();
                        prop_assert!(!verify_membership::<H>(&proof, &proof_spec(), &root, key, &other));
                        prop_assert!(!verify_non_membership::<H>(&proof, &proof_spec(), &root, key));
                    }
                    None => {
                        let neighbours_are_empty = match &proof.proof {
                            Some(ics23::commitment_proof::Proof::Nonexist(p)) => {
                                [&p.left, &p.right].into_iter().flatten().any(|e| e.value.is_empty() || e.key.is_empty())
                            }
                            _ => false,
                        };
                        prop_assert!(neighbours_are_empty || verify_non_membership::<H>(&proof, &proof_spec(), &root, key));
                        prop_assert!(!verify_membership::<H>(&proof, &proof_spec(), &root, key, b"x"));
                    }
                }
            }
        }
    }
}
