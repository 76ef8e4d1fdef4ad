//! Every change of an honest bundle, and every proof that is not the chain's last, is refused with its reason.

use super::played::{foreign, middle, played};
use std::time::Instant;
use zektra_parties::bundle::bundle;
use zektra_prove::circuit::ProofError;
use zektra_statement::batch::BatchOrder;
use zektra_statement::digest::Fingerprint;
use zektra_statement::field::{F, Field, P};
use zektra_verify::bundle::Bundle;
use zektra_verify::known::Trusted;
use zektra_verify::verify::{Refused, expected_elements, verify};

fn refused(b: &Bundle) -> String {
    verify(&b.encode(), &Trusted::pinned()).unwrap_err().to_string()
}

fn order(beacon: [u8; 32]) -> Vec<Vec<u32>> {
    let mut order = BatchOrder::new(beacon, 2, 1);
    (0..2).map(|t| order.step(t)).collect()
}

/// Beacons whose batches differ from the job's, or do not.
fn beacon(same: bool) -> [u8; 32] {
    let mine = order(played().bundle.job.beacon);
    (0..=255).map(|k| [k; 32]).find(|&b| (order(b) == mine) == same).unwrap()
}

#[test]
fn the_honest_bundle_is_accepted() {
    let p = played();
    let bytes = p.bundle.encode();
    let start = Instant::now();
    let report = verify(&bytes, &Trusted::pinned()).unwrap();
    println!("{report}\nverified in {:?}", start.elapsed());
    assert!(report.circuits_known);
    assert_eq!((report.job.template.params.iterations, report.bundle_bytes), (2, bytes.len()));
    let table = report.job.template.compile().unwrap();
    let released: Vec<u16> = report.model.iter().map(|m| m.state).collect();
    assert_eq!(released, table.released);
    for m in &report.model {
        let entry = &p.bundle.states.entries[usize::from(m.state)];
        assert_eq!((m.opened, &m.shares), (entry.opened, &entry.shares));
        assert_eq!(m.shares.len(), 3);
    }
    assert!(report.bits().iter().all(|b| b.proven >= 80.0));
    // Also for who knows nothing but the digest.
    let named = Trusted::none().name(p.circuits.digest());
    assert!(!verify(&bytes, &named).unwrap().circuits_known);
    let why = verify(&bytes, &Trusted::none()).unwrap_err();
    assert_eq!(why, Refused::UnknownCircuits { digest: p.circuits.digest() });
}

/// A name, a change, the beginning of the reason.
type Row = (&'static str, fn(&mut Bundle), &'static str);

const CONTEXT: &str = "the proof is of another job record, other extension roots, another node or other members' keys";
const DATASETS: &str = "a dataset's root, owner's key or number of row groups is not the one in the record";
const STATES: &str = "the list of states, and with it the model's commitments, is not the one";

#[test]
fn another_record_node_or_model_is_refused() {
    let rows: [Row; 24] = [
        ("root of a dataset", |b| b.job.datasets[1].dataset.root.0[0] ^= 1, DATASETS),
        ("order of the datasets", |b| b.job.datasets.swap(0, 1), DATASETS),
        (
            "owner's key",
            |b| {
                b.job.seats[0].key.0[0] ^= 1;
                b.job.datasets[0].dataset.owner_key.0[0] ^= 1;
            },
            DATASETS,
        ),
        ("owner's key at the seat alone", |b| b.job.seats[0].key.0[0] ^= 1, "the job's record contradicts itself"),
        ("developer's key", |b| b.job.seats[2].key.0[0] ^= 1, CONTEXT),
        ("release key", |b| b.job.seats[2].release_key[0] ^= 1, CONTEXT),
        ("learning rate", |b| b.job.template.params.shift_w += 1, "the circuits are those of other jobs: shift_w is"),
        (
            "template",
            |b| b.job.template.kind = zektra_statement::template::Kind::LinearRegression,
            "the circuits are those of other jobs: template is linear-regression/1",
        ),
        (
            "norm",
            |b| {
                b.job.template.params.row_norm = 831;
                b.job.datasets.iter_mut().for_each(|d| d.dataset.row_norm = 831);
            },
            "the circuits are those of other jobs: row_norm is 831",
        ),
        (
            "one iteration more",
            |b| b.job.template.params.iterations = 3,
            "the proof is of 2 iterations, the record's template has 3",
        ),
        (
            "one iteration less",
            |b| b.job.template.params.iterations = 1,
            "the proof is of 2 iterations, the record's template has 1",
        ),
        ("beacon with other batches", |b| b.job.beacon = beacon(false), "the batches are not those of the beacon"),
        ("beacon with the same batches", |b| b.job.beacon = beacon(true), CONTEXT),
        ("attempt", |b| (b.job.max_attempts, b.job.attempt) = (2, 1), CONTEXT),
        ("job", |b| b.job.id += 1, CONTEXT),
        ("chain", |b| b.job.chain_id = "other".into(), CONTEXT),
        ("extension root", |b| b.extension_roots[3].0[31] ^= 1, CONTEXT),
        ("order of extension roots", |b| b.extension_roots.swap(0, 1), CONTEXT),
        ("an extension root less", |b| b.extension_roots.truncate(3), "extension roots: 3, expected 4"),
        ("node", |b| b.node = Fingerprint([10; 32]), CONTEXT),
        ("U of the model", |b| b.states.entries[0].opened.0[0] ^= 1, STATES),
        ("a share of the model", |b| b.states.entries[0].shares[1].0[0] ^= 1, STATES),
        ("row groups of the last step", |b| b.states.groups[0] ^= 1, STATES),
        ("circuits", |b| b.job.circuits.as_mut().unwrap().0[0] ^= 1, "the job's circuits"),
    ];
    for (name, change, reason) in rows {
        let mut b = played().bundle.clone();
        change(&mut b);
        let why = refused(&b);
        println!("{name}: {why}");
        assert!(why.starts_with(reason), "{name}: {why}");
    }
}

/// Public inputs that fit a forged record: then the proof itself does not hold.
#[test]
fn public_inputs_that_fit_a_forgery_do_not_verify() {
    let rows: [(&str, fn(&mut Bundle)); 6] = [
        ("root of a dataset", |b| b.job.datasets[1].dataset.root.0[0] ^= 1),
        ("iterations", |b| b.job.template.params.iterations = 3),
        ("beacon", |b| b.job.beacon = beacon(false)),
        ("node", |b| b.node = Fingerprint([10; 32])),
        ("U of the model", |b| b.states.entries[0].opened.0[0] ^= 1),
        ("a share of the model", |b| b.states.entries[0].shares[1].0[0] ^= 1),
    ];
    for (name, change) in rows {
        let mut b = played().bundle.clone();
        change(&mut b);
        let table = b.job.template.compile().unwrap();
        b.proof.public_inputs = expected_elements(&b, &table, b.job.circuits.unwrap()).to_vec();
        let why = refused(&b);
        assert!(why.starts_with("the proof does not verify"), "{name}: {why}");
    }
}

#[test]
fn damaged_proofs_are_refused() {
    let honest = &played().bundle;
    let length = honest.proof.proof.len();
    let with = |change: &dyn Fn(&mut Bundle)| {
        let mut b = honest.clone();
        change(&mut b);
        refused(&b)
    };
    for cut in [0, 1, 7, 8, 4096, length / 2, length - 8, length - 1] {
        let why = with(&|b| b.proof.proof.truncate(cut));
        assert!(why.contains("end early or are malformed"), "{cut}: {why}");
    }
    let why = with(&|b| b.proof.proof.push(0));
    assert!(why.contains("go on behind its end"), "{why}");
    // Everywhere in the proof, low and high bits.
    for k in 0..64 {
        let why = with(&|b| b.proof.proof[k * (length - 1) / 63] ^= 1 << (k % 8));
        let known = why.starts_with("the proof does not verify") || why.starts_with("the proof is not one of the last");
        assert!(known, "{k}: {why}");
    }
    for seed in 0..4u64 {
        let why = with(&|b| {
            let mut hasher = blake3::Hasher::new();
            hasher.update(&seed.to_le_bytes()).finalize_xof().fill(&mut b.proof.proof);
            // Elements below p, so that the verifier itself is tried.
            b.proof.proof.iter_mut().skip(3).step_by(4).for_each(|v| *v &= 0x7f);
        });
        assert!(why.starts_with("the proof"), "{why}");
    }
    // The same element beyond p: the openings come behind three caps of 16 hashes.
    let why = with(&|b| {
        let at = 3 * 16 * 32;
        let word: &mut [u8; 8] = (&mut b.proof.proof[at..at + 8]).try_into().unwrap();
        *word = P.to_le_bytes();
    });
    assert!(why.contains("hold an element beyond p"), "{why}");
    let why = with(&|b| b.proof.public_inputs[44] = F::ONE);
    assert_eq!(why, "the proof shows spare elements that are not zero");
    let why = with(&|b| b.proof.public_inputs.push(F::ZERO));
    assert!(why.contains("public_inputs are 46 elements, expected 45"), "{why}");
    let why = with(&|b| b.proof.circuit.0[0] ^= 1);
    assert!(why.contains("circuit is"), "{why}");
    let why = with(&|b| b.proof.system = "other/1".into());
    assert!(why.contains("system is \"other/1\""), "{why}");
    let why = with(&|b| b.rows_log2 = 16);
    assert!(why.contains("rows_log2 is 16, the circuits are for 15"), "{why}");
    // A proof of another circuit of the job, and a link that was not wrapped.
    for (id, proof) in [
        (played().circuits.extend.circuit.id(), &played().job.groups[0].extend.proof),
        (played().circuits.wrap.id(), played().links[0].proof()),
    ] {
        let why = with(&|b| b.proof = proof.to_envelope(id));
        assert!(why.starts_with("the proof is not one of the last circuit"), "{why}");
    }
}

/// The last circuit verifies links of the list alone, at the last place alone.
#[test]
fn a_chain_in_its_middle_cannot_be_wrapped() {
    let p = played();
    // start, tiles, tiles, offline, fold 0, | fold 1, fold 0, | fold 1.
    for at in [0, 2, 3, 4, 6] {
        let start = Instant::now();
        let result = p.links[at].wrap();
        println!("link {at}: {:?}", start.elapsed());
        assert!(matches!(result, Err(ProofError::False { .. })), "link {at}");
    }
}

#[test]
fn a_chain_without_its_last_iteration_is_refused() {
    let p = played();
    let chain = &p.links[5];
    let mut b = bundle(&p.circuits, &p.cast.job, &p.job.roots, p.bundle.node, middle(), chain.states());
    assert_eq!(refused(&b), "the proof is of 1 iterations, the record's template has 2");
    // A record that fits has another lock.
    b.job.template.params.iterations = 1;
    assert_eq!(
        refused(&b),
        "the offline shares that were used are not those that were made: one is left over, missing or used twice"
    );
}

/// A list of one's own makes any link the last one. It is not the record's.
#[test]
fn a_chain_of_foreign_circuits_is_refused() {
    let p = played();
    let (chain, last) = foreign();
    p.circuits.wrap.verify(last).unwrap();
    let mut b = bundle(&p.circuits, &p.cast.job, &p.job.roots, p.bundle.node, last, chain.states());
    assert!(refused(&b).starts_with("the proof is of other circuits than the record names"));
    let digest = chain.elements().unwrap().circuits;
    b.job.circuits = Some(digest);
    assert_eq!(verify(&b.encode(), &Trusted::pinned()), Err(Refused::UnknownCircuits { digest }));
}
