use super::model::{Model, apply, commit, options, same};
use proptest::prelude::*;
use proptest::sample::Index;
use std::collections::BTreeMap;
use zektra_state::{Changes, StateError, StateRead as _};
use zektra_store::{Chunk, ChunkError, Restore, Store};

fn filled(folder: &std::path::Path) -> (Store, [u8; 32], Model) {
    let store = Store::open(folder, options(Some(3))).unwrap();
    let (mut model, mut root) = (BTreeMap::new(), [0; 32]);
    for version in 1..=5u8 {
        let entry = |k: u16| {
            (vec![b'k', version % 2, (k % 251) as u8, (k / 7) as u8], Some(vec![version; 1 + k as usize % 40]))
        };
        let mut changes: Changes = (0..150).map(entry).collect();
        changes.insert(vec![b'k', 0, 5, 0], None);
        apply(&mut model, &changes);
        root = commit(&store, u64::from(version), &changes);
    }
    (store, root, model)
}

fn chunks(store: &Store, bytes: usize) -> Vec<Vec<u8>> {
    let mut out = vec![];
    let each = |chunk: Chunk| {
        out.push(chunk.encode()?);
        Ok::<_, StateError>(())
    };
    store.snapshot(5).unwrap().chunks(bytes, each).unwrap();
    out
}

fn begin(folder: &std::path::Path, root: [u8; 32]) -> (Store, Restore) {
    let store = Store::open(folder, options(Some(3))).unwrap();
    let restore = Restore::begin(&store, 5, root).unwrap();
    (store, restore)
}

#[test]
fn from_chunks_of_any_size() {
    let folder = tempfile::tempdir().unwrap();
    let (store, root, model) = filled(folder.path());
    for bytes in [1, 100, 1 << 20] {
        let chunks = chunks(&store, bytes);
        assert!(chunks.len() == model.len() || bytes > 1);
        let other = tempfile::tempdir().unwrap();
        let (restored, mut restore) = begin(other.path(), root);
        for chunk in &chunks {
            restore.add(Chunk::decode(chunk).unwrap()).unwrap();
        }
        restore.finish().unwrap();
        assert_eq!(restored.last().unwrap(), Some((5, root)));
        assert_eq!(restored.oldest().unwrap(), 5);
        same(&restored.latest().unwrap(), &model, &(vec![b'k', 1], None), b"k");
        // Both go on in the same way, and prove the same.
        let next = Changes::from([(b"new".to_vec(), Some(vec![1])), (vec![b'k', 1, 3, 0], None)]);
        let twin = tempfile::tempdir().unwrap();
        let (undisturbed, _, _) = filled(twin.path());
        assert_eq!(commit(&restored, 6, &next), commit(&undisturbed, 6, &next));
        let key = model.keys().next().unwrap();
        let proofs = [&restored, &undisturbed].map(|s| s.latest().unwrap().get_with_proof(key).unwrap());
        assert_eq!(proofs[0], proofs[1]);
        // The version of the restore stays readable inside the window.
        assert_eq!(restored.snapshot(5).unwrap().get(b"new").unwrap(), None);
    }
}

#[test]
fn a_chunk_that_does_not_fit_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (store, root, model) = filled(folder.path());
    let chunks = chunks(&store, 600);
    assert!(chunks.len() > 4, "{} chunks", chunks.len());
    for (i, chunk) in chunks.iter().enumerate() {
        let foreign = &chunks[(i + 1) % chunks.len()];
        let mut flipped = chunk.clone();
        flipped[chunk.len() / 3] ^= 1;
        let mut proof = chunk.clone();
        *proof.last_mut().unwrap() ^= 1;
        for bad in [foreign, &flipped, &proof, &chunk[..chunk.len() - 1].to_vec(), &vec![]] {
            let other = tempfile::tempdir().unwrap();
            let (_store, mut restore) = begin(other.path(), root);
            for good in &chunks[..i] {
                restore.add(Chunk::decode(good).unwrap()).unwrap();
            }
            let read = Chunk::decode(bad);
            let malformed = read.is_err();
            let refused = read.and_then(|c| restore.add(c)).unwrap_err();
            assert!(matches!(refused, ChunkError::Format(_) | ChunkError::False(_)), "{refused}");
            // What could not be read did no harm; after what did not fit nothing is taken any more.
            let then = Chunk::decode(chunk).and_then(|c| restore.add(c));
            assert_eq!(then.is_ok(), malformed, "{then:?}");
        }
    }
    let other = tempfile::tempdir().unwrap();
    let (restored, mut restore) = begin(other.path(), root);
    chunks.iter().for_each(|chunk| restore.add(Chunk::decode(chunk).unwrap()).unwrap());
    restore.finish().unwrap();
    same(&restored.latest().unwrap(), &model, &(vec![], None), b"k");
}

#[test]
fn a_missing_end_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let (store, root, _) = filled(folder.path());
    let chunks = chunks(&store, 600);
    let other = tempfile::tempdir().unwrap();
    let (restored, mut restore) = begin(other.path(), root);
    for chunk in &chunks[..chunks.len() - 1] {
        restore.add(Chunk::decode(chunk).unwrap()).unwrap();
    }
    assert!(matches!(restore.finish().unwrap_err(), ChunkError::False(_)));
    // What is there is no version. Begun again, or after a restart, nothing of it is left.
    assert!(restored.last().unwrap().is_none());
    assert_ne!(restored.sizes().unwrap().iter().map(|(_, count)| count).sum::<u64>(), 1);
    let mut again = Restore::begin(&restored, 5, root).unwrap();
    chunks.iter().for_each(|chunk| again.add(Chunk::decode(chunk).unwrap()).unwrap());
    drop((again, restored));
    let reopened = Store::open(other.path(), options(None)).unwrap();
    assert_eq!(reopened.latest().unwrap().get(&[b'k', 1, 3, 0]).unwrap(), None);
    assert_eq!(reopened.sizes().unwrap().iter().map(|(_, count)| count).sum::<u64>(), 1);
    // Nothing is restored over versions.
    assert!(Restore::begin(&store, 5, root).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Bytes of a peer are the chunk that belongs there, or refused: nothing else is taken, and nothing panics.
    #[test]
    fn whatever_a_peer_sends(at in any::<Index>(), bit in 0..8u8, cut in any::<Index>(), junk in prop::collection::vec(any::<u8>(), 0..80)) {
        let _ = Chunk::decode(&junk);
        let folder = tempfile::tempdir().unwrap();
        let (store, root, _) = filled(folder.path());
        let right = &chunks(&store, 2000)[0];
        let mut turned = right.clone();
        turned[at.index(right.len())] ^= 1 << bit;
        let mut more = right.clone();
        more.extend(&junk);
        for bytes in [turned, more, right[..cut.index(right.len())].to_vec()] {
            if bytes == *right {
                continue;
            }
            if let Ok(chunk) = Chunk::decode(&bytes) {
                let other = tempfile::tempdir().unwrap();
                let (_, mut restore) = begin(other.path(), root);
                prop_assert!(restore.add(chunk).is_err());
            }
        }
    }
}
