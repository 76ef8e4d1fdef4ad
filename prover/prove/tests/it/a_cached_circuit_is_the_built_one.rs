#![allow(clippy::unwrap_used)]

use super::pseudo;
use std::path::{Path, PathBuf};
use zektra_prove::cache::{Cache, Source};
use zektra_prove::circuit::Proof;
use zektra_prove::extend::ExtendCircuit;
use zektra_prove::noise::{Item, Kind, NoiseCircuit};
use zektra_prove::poly::Sum;
use zektra_prove::tile::{Bounds, TileCircuit};
use zektra_statement::digest::{Fingerprint, Tag, commit};
use zektra_statement::field::{F, Field, N, from_i64};

fn noise(cache: &Cache) -> NoiseCircuit {
    NoiseCircuit::load(cache, Kind::Extension, 2)
}

fn last(cache: &Cache) -> Source {
    cache.events().pop().unwrap().source
}

fn file(folder: &Path) -> PathBuf {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(files.len(), 1, "one circuit, one file: {files:?}");
    files.remove(0)
}

/// Proves one share with one circuit and verifies it with another.
fn crossed(prover: &NoiseCircuit, verifier: &NoiseCircuit) -> Proof {
    let s: Vec<F> = (0..N).map(|k| from_i64((pseudo(1, k) % 3) as i64 - 1)).collect();
    let packed = s.chunks(40).map(|c| c.iter().rev().fold(F::ZERO, |t, &d| t * F::from_canonical_u64(3) + d + F::ONE));
    let key = commit(Tag::KeyShare, &packed.collect::<Vec<_>>());
    let a: Vec<F> = (0..N).map(|k| F::from_noncanonical_u64(pseudo(10, k))).collect();
    let e: Vec<F> = (0..N).map(|k| from_i64((pseudo(20, k) % 5) as i64 - 2)).collect();
    let mut sum = Sum::default();
    sum.add_product(&a, &s);
    let x: Vec<F> = sum.remainder().iter().zip(&e).map(|(&p, &e)| e - p).collect();
    let pairs = [(commit(Tag::Polynomial, &a), commit(Tag::Polynomial, &x))];
    let statement = prover.statement(Fingerprint::NONE, key, &pairs);
    let proof = prover.prove(&statement, &s, &[Item { multiplier: &a, share: &x, noise: &e }]).unwrap();
    verifier.verify(&statement, &[(&a, &x)], &proof).unwrap();
    proof
}

#[test]
fn a_loaded_circuit_proves_and_verifies_like_the_built_one() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::at(folder.path().join("made/when/needed"));
    let built = noise(&cache);
    assert_eq!(last(&cache), Source::Built);
    let loaded = noise(&cache);
    assert_eq!(last(&cache), Source::Loaded);
    assert_eq!(loaded.circuit.id(), built.circuit.id());
    assert_eq!(loaded.circuit.verifier_digest(), built.circuit.verifier_digest());
    assert_eq!(loaded.circuit.rows_log2(), built.circuit.rows_log2());
    assert_eq!(loaded.circuit.spare_rows(), built.circuit.spare_rows());
    let (x, y) = (crossed(&loaded, &built), crossed(&built, &loaded));
    assert_eq!(x.bytes().len(), y.bytes().len());
    // Hiding is fresh in each proof.
    assert_ne!(x, y);
}

#[test]
fn building_twice_gives_the_same_circuit() {
    let folder = tempfile::tempdir().unwrap();
    let bounds = Bounds { columns: 32, blocks: 1, classes: 1, range: 256, row_norm: 1 << 17, moment_norm: 1 << 30 };
    let build = |name: &str| {
        let cache = Cache::at(folder.path().join(name));
        let digests = [
            noise(&cache).circuit.verifier_digest(),
            TileCircuit::load(&cache, bounds).circuit.verifier_digest(),
            ExtendCircuit::load(&cache, 2, 1).circuit.verifier_digest(),
        ];
        assert!(cache.events().iter().all(|e| e.source == Source::Built && matches!(e.written, Some(Ok(_)))));
        digests
    };
    assert_eq!(build("a"), build("b"));
    // Not only what the verifier sees: all of the files.
    for entry in std::fs::read_dir(folder.path().join("a")).unwrap() {
        let name = entry.unwrap().file_name();
        let read = |f: &str| std::fs::read(folder.path().join(f).join(&name)).unwrap();
        assert!(read("a") == read("b"), "{name:?} differs");
    }
}

#[test]
fn a_file_that_is_damaged_cut_off_or_old_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let cache = Cache::at(folder.path());
    let digest = noise(&cache).circuit.verifier_digest();
    let path = file(folder.path());
    let good = std::fs::read(&path).unwrap();
    let flipped = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        bytes
    };
    let files = [
        ("empty", vec![]),
        ("half a header", good[..50].to_vec()),
        ("cut off", good[..good.len() - 1].to_vec()),
        ("longer", [&good[..], &[0]].concat()),
        ("no circuit", b"not a circuit at all".repeat(100)),
        ("another format", flipped(8)),
        ("another version", flipped(12)),
        ("another circuit", flipped(50)),
        ("another checksum", flipped(80)),
        ("a flipped bit in front", flipped(108)),
        ("a flipped bit behind", flipped(good.len() / 2)),
    ];
    for (what, bytes) in files {
        std::fs::write(&path, bytes).unwrap();
        assert_eq!(noise(&cache).circuit.verifier_digest(), digest, "{what}");
        assert!(matches!(last(&cache), Source::Rebuilt(_)), "{what}: {:?}", last(&cache));
        assert!(std::fs::read(file(folder.path())).unwrap() == good, "{what}: not replaced");
    }
    noise(&cache);
    assert_eq!(last(&cache), Source::Loaded);
}

#[test]
fn a_cache_that_cannot_be_written_does_no_harm() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, "in the way").unwrap();
    for cache in [Cache::none(), Cache::at(path)] {
        let circuit = noise(&cache);
        assert!(circuit.circuit.rows_log2() > 0);
        let event = cache.events().pop().unwrap();
        assert_eq!(event.written.is_none(), cache.folder().is_none());
        assert!(!matches!(event.written, Some(Ok(_))));
    }
}
