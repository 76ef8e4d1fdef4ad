//! What the verifier checks besides the proof: statement, points, values; and bytes that are no proof.

use crate::forge::{assert_other, choose_quotient, ext};
use crate::stage::{JOB, NOISE, PHASES, Shares, key_commitment, other_key};
use proptest::prelude::*;
use std::sync::LazyLock;
use zektra_prove::circuit::{Circuit, Proof, ProofError};
use zektra_statement::digest::{Commitment, Fingerprint, Tag, commit};
use zektra_statement::field::{F, Field, P, from_ext, to_ext};
use zektra_statement::inputs::{self, Sealed, Statement};
use zektra_verify::envelope::{Envelope, SYSTEM};

/// Reads a proof's bytes with public inputs of any origin.
fn read(circuit: &Circuit, bytes: &[u8], public_inputs: Vec<F>) -> Result<Proof, ProofError> {
    let (system, circuit_id) = (SYSTEM.to_string(), circuit.id());
    circuit.read(&Envelope { system, circuit: circuit_id, public_inputs, proof: bytes.to_vec() })
}

/// A proof of the smallest circuit with its statement.
static HONEST: LazyLock<(Shares, inputs::Noise, Proof)> = LazyLock::new(|| {
    let s = JOB.extension_shares.clone();
    let statement = s.statement(&NOISE);
    let proof = NOISE.prove(&statement, &s.key, &s.items()).unwrap();
    (s, statement, proof)
});

/// A share that is no share: the point is chosen first, then the quotient that holds there.
#[test]
fn a_point_that_was_not_hashed() {
    let mut s = JOB.extension_shares.clone();
    s.items[0].1[9] += F::from_canonical_u64(1 << 62);
    let statement = s.statement(&NOISE);
    let mut values = NOISE.values(&statement, &s.key, &s.items());
    let n = statement.elements().len();
    let r = to_ext([F::from_canonical_u64(12345), F::from_canonical_u64(678)]);
    choose_quotient(&mut values, r.exp_u64(9) * to_ext([F::from_canonical_u64(1 << 62), F::ZERO]), r);
    let all = [values.get("quotient 0").unwrap(), values.get("quotient 1").unwrap()].concat();
    let quotient = commit(Tag::Quotient, &all);
    let public = values.get_mut("public").unwrap();
    public[n + 4..n + 8].copy_from_slice(&quotient.elements());
    public[n + 10..n + 12].copy_from_slice(&from_ext(r));
    for (to, v) in public[n + 12..].chunks_mut(2).zip(NOISE.values_at(&s.polys(), r)) {
        to.copy_from_slice(&from_ext(v));
    }
    let proof = NOISE.circuit.prove(&values).unwrap();
    NOISE.circuit.verify(&proof).unwrap();
    assert_other(NOISE.verify(&statement, &s.polys(), &proof), "the point r");
}

/// The same with a chosen `β`.
#[test]
fn a_combination_that_was_not_hashed() {
    let s = JOB.extension_shares.clone();
    let statement = s.statement(&NOISE);
    let mut values = NOISE.values(&statement, &s.key, &s.items());
    let n = statement.elements().len();
    let old = ext(values.get("public").unwrap(), n + 8);
    // The honest quotients of both pairs, combined by β = 1.
    let [x, y] = from_ext(old);
    let second: Vec<F> = values.get("quotient 1").unwrap().iter().map(|&v| v * y.inverse()).collect();
    let first = values.get_mut("quotient 0").unwrap();
    first.iter_mut().zip(&second).for_each(|(f, &q)| *f += q - x * q);
    let first = first.clone();
    values.put("quotient 1", vec![F::ZERO; 4096]);
    let witness: [F; 4] = std::array::from_fn(|k| values.get("public").unwrap()[n + k]);
    let sealed = Sealed {
        witness: Commitment(witness.map(|e| zektra_statement::field::PrimeField64::to_canonical_u64(&e))),
        quotient: commit(Tag::Quotient, &[first, vec![F::ZERO; 4096]].concat()),
    };
    let mut points = inputs::points(&NOISE.circuit.id(), &statement.elements(), &sealed);
    points.beta = to_ext([F::ONE, F::ZERO]);
    let at = NOISE.values_at(&s.polys(), points.r);
    values.put("public", inputs::public_inputs(&statement.elements(), &sealed, &points, &at));
    let proof = NOISE.circuit.prove(&values).unwrap();
    assert_other(NOISE.verify(&statement, &s.polys(), &proof), "the point r");
}

#[test]
fn a_proof_of_another_job_or_member() {
    let s = &JOB.shares[1][0][0];
    let statement = s.statement();
    let circuit = &PHASES[0];
    let proof = circuit.prove(&statement, &s.key, &s.openings(), &s.outputs()).unwrap();
    circuit.verify(&statement, &s.polys(), &proof).unwrap();
    let job = inputs::PhaseShare { lock: Fingerprint([9; 32]), ..statement.clone() };
    let member = inputs::PhaseShare { key: key_commitment(&other_key()), ..statement.clone() };
    for other in [job, member] {
        assert_other(circuit.verify(&other, &s.polys(), &proof), "the statement");
        // With the other statement written into it.
        let mut public = proof.public_inputs().to_vec();
        public[..other.elements().len()].copy_from_slice(&other.elements());
        let moved = read(&circuit.circuit, &proof.bytes(), public).unwrap();
        assert_other(circuit.verify(&other, &s.polys(), &moved), "the point r");
        assert!(matches!(circuit.circuit.verify(&moved), Err(ProofError::Invalid { .. })));
    }
    // Other polynomials than those behind the commitments.
    let other = &JOB.shares[0][0][0];
    assert_other(circuit.verify(&statement, &other.polys(), &proof), "a value at r");
    // The proof of another circuit.
    assert!(PHASES[1].verify(&statement, &s.polys(), &proof).is_err());
    let foreign = read(&PHASES[1].circuit, &proof.bytes(), proof.public_inputs().to_vec());
    assert!(foreign.is_err() || PHASES[1].circuit.verify(&foreign.unwrap()).is_err());
}

#[test]
fn public_inputs_of_another_length() {
    let (s, statement, proof) = &*HONEST;
    let public = proof.public_inputs().to_vec();
    for length in [0, 1, public.len() - 1, public.len() + 1, 2 * public.len()] {
        let mut other = public.clone();
        other.resize(length, F::ZERO);
        assert!(matches!(read(&NOISE.circuit, &proof.bytes(), other), Err(ProofError::Envelope(_))));
    }
    let short = inputs::Noise { pairs: statement.pairs[..1].to_vec(), ..statement.clone() };
    assert!(NOISE.verify(&short, &s.polys()[..1], proof).is_err());
    let long = inputs::Noise { pairs: [&statement.pairs[..], &statement.pairs[..]].concat(), ..statement.clone() };
    assert_other(NOISE.verify(&long, &s.polys(), proof), "the statement");
    assert_other(NOISE.verify(statement, &s.polys()[..1], proof), "a value at r");
}

/// Any public input that is changed, changes the statement.
#[test]
fn a_changed_public_input() {
    let (s, statement, proof) = &*HONEST;
    for at in 0..proof.public_inputs().len() {
        let mut public = proof.public_inputs().to_vec();
        public[at] += F::ONE;
        let moved = read(&NOISE.circuit, &proof.bytes(), public).unwrap();
        assert!(NOISE.verify(statement, &s.polys(), &moved).is_err(), "input {at}");
        assert!(at % 16 > 0 || NOISE.circuit.verify(&moved).is_err(), "input {at}");
    }
}

/// There is one encoding of a proof.
#[test]
fn bytes_are_read_as_they_were_written() {
    let (_, _, proof) = &*HONEST;
    let bytes = proof.bytes();
    let read = |bytes: &[u8]| read(&NOISE.circuit, bytes, proof.public_inputs().to_vec());
    assert_eq!(&read(&bytes).unwrap(), proof);
    // Eight bytes that are no element below p: in the caps, in the openings, at the end.
    for at in [0, 8, 1528, 4096, bytes.len() - 8] {
        let mut other = bytes.clone();
        other[at..at + 8].copy_from_slice(&(P + 1).to_le_bytes());
        assert!(read(&other).is_err(), "at {at}");
    }
}

/// Read and verified.
fn accepted(bytes: &[u8], public: &[F]) -> bool {
    let proof = read(&NOISE.circuit, bytes, public.to_vec());
    proof.is_ok_and(|p| NOISE.circuit.verify(&p).is_ok())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn truncated_bytes_are_refused(keep in 0.0..1.0f64, more in prop::collection::vec(any::<u8>(), 1..64)) {
        let proof = &HONEST.2;
        let bytes = proof.bytes();
        let keep = (bytes.len() as f64 * keep) as usize;
        prop_assert!(!accepted(&bytes[..keep], proof.public_inputs()));
        prop_assert!(!accepted(&[&bytes[..], &more].concat(), proof.public_inputs()));
    }

    #[test]
    fn flipped_bytes_are_refused(at in 0.0..1.0f64, by in 1u8..) {
        let proof = &HONEST.2;
        let mut bytes = proof.bytes();
        let at = (bytes.len() as f64 * at) as usize;
        bytes[at] ^= by;
        prop_assert!(!accepted(&bytes, proof.public_inputs()), "byte {at}");
    }

    #[test]
    fn random_bytes_are_refused(seed in any::<[u8; 32]>(), length in 0usize..300_000) {
        let mut bytes = vec![0; length];
        blake3::Hasher::new_keyed(&seed).finalize_xof().fill(&mut bytes);
        prop_assert!(!accepted(&bytes, HONEST.2.public_inputs()));
        // As long as a proof.
        bytes.resize(HONEST.2.bytes().len(), 7);
        prop_assert!(!accepted(&bytes, HONEST.2.public_inputs()));
    }
}
