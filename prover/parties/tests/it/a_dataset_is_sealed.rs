//! All tiles of a dataset are proven without a job, in one proof, which is of this dataset alone.

use super::job::template;
use super::played::{middle, played};
use std::sync::{Arc, LazyLock};
use std::time::Instant;
use zektra_he::rehearsal::Cast;
use zektra_he::rehearsal::rows::rows;
use zektra_he::ring::Poly;
use zektra_he::tile::Sealer;
use zektra_parties::rehearsal::complete_record;
use zektra_parties::seal::{Kept, known_seal_of, prove_alone, seal};
use zektra_parties::share::{check_tile, group_randomness, prove_tile};
use zektra_prove::cache::Cache;
use zektra_prove::chain::{Chain, SealCircuits};
use zektra_prove::circuit::{Proof, ProofError};
use zektra_prove::seal::SealChain;
use zektra_prove::tile::Bounds;
use zektra_statement::chain::Elements;
use zektra_statement::digest::{Commitment, Fingerprint};
use zektra_statement::record::{Dataset, Plane};
use zektra_verify::envelope::Envelope;
use zektra_verify::known::{Known, KnownSeal, Trusted};
use zektra_verify::seal::verify_seal;
use zektra_verify::verify::Refused;

struct SealedDataset {
    circuits: Arc<SealCircuits>,
    chain_id: String,
    dataset: Dataset,
    groups: Vec<(Vec<Poly>, Proof)>,
    kept: Vec<Kept>,
    seal: Envelope,
}

/// A dataset of two row groups; the owner is stopped after the first one.
fn sealed() -> &'static SealedDataset {
    static SEALED: LazyLock<SealedDataset> = LazyLock::new(|| {
        let clock = Instant::now();
        let params = template(1).params;
        let mut cast = Cast::new(21, 2, &[rows(5, 200, &params)], template(1)).unwrap();
        complete_record(&mut cast, Commitment([0; 4]));
        let circuits = Arc::new(SealCircuits::load(&Cache::of_user(), Bounds::of(&params).unwrap()).unwrap());
        println!("{:8.3} s  circuits of seals", clock.elapsed().as_secs_f64());
        let (chain_id, dataset) = (cast.job.chain_id.clone(), cast.job.datasets[0].dataset.clone());
        let sealer =
            Sealer { seat: &cast.seats[0], chain_id: &chain_id, dataset: dataset.id, attempt: dataset.attempt };
        let groups: Vec<_> = (0..u64::from(dataset.groups))
            .map(|k| {
                let b: Vec<Poly> = Plane::ALL.iter().map(|&p| cast.uploads[&(0, k, p)].clone()).collect();
                let messages = cast.groups[0][k as usize].planes.concat();
                let proof = prove_tile(&circuits.tile, &sealer, k, &b, &messages).unwrap().proof;
                (b, proof)
            })
            .collect();
        assert_eq!(groups.len(), 2);
        println!("{:8.3} s  tiles", clock.elapsed().as_secs_f64());
        let mut kept = vec![];
        let mut group = |k: u64| Ok::<_, ProofError>(groups[k as usize].clone());
        let stopped = seal(&circuits, &chain_id, &dataset, None, &mut group, &mut |k| {
            kept.push(k.clone());
            Err(ProofError::Format("stopped".into()))
        });
        assert!(stopped.is_err());
        println!("{:8.3} s  first row group", clock.elapsed().as_secs_f64());
        let from = kept.last().cloned();
        let proof = seal(&circuits, &chain_id, &dataset, from.as_ref(), &mut group, &mut |k| {
            kept.push(k.clone());
            Ok(())
        })
        .unwrap();
        println!("{:8.3} s  sealed", clock.elapsed().as_secs_f64());
        SealedDataset { circuits, chain_id, dataset, groups, kept, seal: proof }
    });
    &SEALED
}

fn refused(dataset: &Dataset, chain_id: &str, proof: &Envelope) -> String {
    verify_seal(chain_id, dataset, proof, 15, &Trusted::pinned()).unwrap_err().to_string()
}

#[test]
fn a_seal_proves_a_dataset() {
    let s = sealed();
    assert_eq!(s.kept.iter().map(|k| k.groups).collect::<Vec<_>>(), [1, 2]);
    let clock = Instant::now();
    assert_eq!(verify_seal(&s.chain_id, &s.dataset, &s.seal, 15, &Trusted::pinned()), Ok(()));
    println!("verified in {:?}", clock.elapsed());
    assert_eq!(s.circuits.link_rows_log2(), 15);
    let known = known_seal_of(&s.circuits, &template(1).params);
    assert_eq!(Trusted::pinned().seals(), [known], "run `make pin`");
    assert_eq!(Trusted::none().know_line(&known.to_string()), Some(Trusted::none().know_seal(known)));
}

#[test]
fn a_seal_is_of_one_dataset_on_one_chain() {
    let s = sealed();
    let rows: [(&str, fn(&mut Dataset), &str); 10] = [
        ("root", |d| d.root.0[0] ^= 1, "root, owner's key or number of row groups"),
        ("owner", |d| d.owner_key.0[0] ^= 1, "root, owner's key or number of row groups"),
        ("a row group more", |d| d.groups += 1, "root, owner's key or number of row groups"),
        ("a row group less", |d| d.groups -= 1, "root, owner's key or number of row groups"),
        ("no row group", |d| d.groups = 0, "root, owner's key or number of row groups"),
        ("object", |d| d.id.0[0] ^= 1, "object or owner's key"),
        ("norm", |d| d.row_norm -= 1, "are not known to this verifier"),
        ("range", |d| d.range = 128, "are not known to this verifier"),
        ("scale", |d| d.scale_r += 1, "are not known to this verifier"),
        ("too many row groups", |d| d.groups = (1 << 20) + 1, "more than the 2^20"),
    ];
    for (name, change, reason) in rows {
        let mut other = s.dataset.clone();
        change(&mut other);
        let why = refused(&other, &s.chain_id, &s.seal);
        assert!(why.contains(reason), "{name}: {why}");
    }
    assert!(refused(&s.dataset, "other", &s.seal).contains("object or owner's key"));
    let verify = |rows, trusted: &Trusted| verify_seal(&s.chain_id, &s.dataset, &s.seal, rows, trusted);
    assert_eq!(verify(18, &Trusted::pinned()), Err(Refused::Size { found: 18 }));
    assert!(matches!(verify(16, &Trusted::pinned()), Err(Refused::Envelope(_))));
    assert!(matches!(verify(15, &Trusted::none()), Err(Refused::UnknownSeal { .. })));
    // A digest that is named for jobs, or known of one, is none of seals.
    let digest = s.circuits.digest();
    let job = Known { digest, rows_log2: 15, members: 1, template: template(1) };
    let trusted = Trusted::none().name(digest).know(job);
    assert_eq!(verify(15, &trusted), Err(Refused::UnknownSeal { digest }));
}

#[test]
fn a_seal_with_fitting_public_inputs_does_not_verify() {
    let s = sealed();
    let mut other = s.dataset.clone();
    other.id.0[0] ^= 1;
    let mut e = Elements::from_slice(&s.seal.public_inputs).unwrap();
    e.context = zektra_statement::chain::seal_context(&other.object(&s.chain_id), &other.owner_key);
    let proof = Envelope { public_inputs: e.to_vec(), ..s.seal.clone() };
    assert!(refused(&other, &s.chain_id, &proof).starts_with("the proof does not verify"));
    let mut e = Elements::from_slice(&s.seal.public_inputs).unwrap();
    e.iteration = 1;
    let proof = Envelope { public_inputs: e.to_vec(), ..s.seal.clone() };
    assert!(refused(&s.dataset, &s.chain_id, &proof).contains("offline shares, batches, iterations or states"));
    let mut proof = s.seal.clone();
    let middle = proof.proof.len() / 2;
    proof.proof[middle] ^= 1;
    assert!(refused(&s.dataset, &s.chain_id, &proof).starts_with("the proof"));
}

/// A job's proof is no seal, a seal no job's, and nobody goes on from it.
#[test]
fn seals_and_jobs_are_not_mistaken_for_each_other() {
    let (s, p) = (sealed(), played());
    let job = middle().to_envelope(p.circuits.wrap.id());
    assert!(refused(&s.dataset, &s.chain_id, &job).contains("are not known to this verifier"));
    // Even if somebody vouches for its circuits as those of seals.
    let d = &p.cast.job.datasets[0].dataset;
    let known = KnownSeal { digest: p.circuits.digest(), rows_log2: 15, bounds: KnownSeal::bounds_of(d) };
    let why = verify_seal(&p.cast.job.chain_id, d, &job, 15, &Trusted::none().know_seal(known)).unwrap_err();
    assert!(matches!(why, Refused::Seal { .. }), "{why}");
    let taken = Chain::take_over(p.circuits.clone(), p.job.about.clone(), super::played::NODE, 1, &s.seal);
    assert!(taken.map(drop).unwrap_err().to_string().contains("the list of circuits"));
}

#[test]
fn a_seal_takes_no_other_tiles() {
    let s = sealed();
    let go_on = |dataset: &Dataset, order: [usize; 2]| {
        let mut group = |k: u64| Ok::<_, ProofError>(s.groups[order[k as usize]].clone());
        let from = Some(&s.kept[0]);
        seal(&s.circuits, &s.chain_id, dataset, from, &mut group, &mut |_| Ok(())).unwrap_err().to_string()
    };
    assert!(go_on(&s.dataset, [0, 0]).contains("the statement of the proof is not what was asked for"));
    assert!(go_on(&s.dataset, [1, 0]).contains("the row groups of the proof"));
    let other = Dataset { id: Fingerprint([1; 32]), ..s.dataset.clone() };
    assert!(go_on(&other, [0, 1]).contains("the dataset of the proof"));
}

/// Whoever has the tiles of another and their proofs seals nothing with them under a key of their own.
#[test]
fn tiles_under_another_key_cannot_be_sealed() {
    let (s, p) = (sealed(), played());
    let dataset = &s.dataset;
    let a = group_randomness(&s.chain_id, dataset, 0);
    let planes = a.iter().zip(&s.groups[0].0).map(|(a, b)| (a.commitment(), b.commitment())).collect();
    let object = dataset.object(&s.chain_id);
    let kept = &s.kept[0].last;
    let mut chain = SealChain::resume(s.circuits.clone(), object, dataset.owner_key, &[planes], kept).unwrap();
    let (theirs, index) = (&p.job.groups[1].tile, 1);
    assert_ne!(theirs.statement.key, dataset.owner_key);
    let b: Vec<Poly> = Plane::ALL.iter().map(|&plane| p.cast.uploads[&(index, 0, plane)].clone()).collect();
    let record = &p.cast.job.datasets[index].dataset;
    let extend = prove_alone(&s.circuits, &p.cast.job.chain_id, record, 0, &b, theirs).unwrap();
    let result = chain.add(theirs, &extend, true);
    assert!(matches!(result, Err(ProofError::False { .. })), "{result:?}");
    // Nor are they of the right key under the values of others.
    let tile = check_tile(&s.circuits.tile, &s.chain_id, dataset, 1, &s.groups[1].0, s.groups[1].1.clone()).unwrap();
    assert!(matches!(chain.add(&tile, &extend, true), Err(ProofError::False { .. })));
}
