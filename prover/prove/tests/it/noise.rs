use super::pseudo;
use std::time::Instant;
use zektra_prove::noise::{Item, Kind, NoiseCircuit};
use zektra_prove::poly::Sum;
use zektra_statement::digest::{Commitment, Tag, commit};
use zektra_statement::field::{F, Field, N, from_i64};

fn key_commitment(s: &[F]) -> Commitment {
    let packed: Vec<F> = s
        .chunks(40)
        .map(|c| c.iter().rev().fold(F::ZERO, |sum, &d| sum * F::from_canonical_u64(3) + d + F::ONE))
        .collect();
    commit(Tag::KeyShare, &packed)
}

#[test]
fn a_batch_of_shares_is_proven() {
    let s: Vec<F> = (0..N).map(|k| from_i64((pseudo(1, k) % 3) as i64 - 1)).collect();
    let key = key_commitment(&s);
    for pairs in [2, 24] {
        let t = Instant::now();
        let circuit = NoiseCircuit::build(Kind::Extension, pairs);
        println!("built {:?} in {:?}, spare {}", circuit.circuit, t.elapsed(), circuit.circuit.spare_rows());
        let polys: Vec<(Vec<F>, Vec<F>, Vec<F>)> = (0..2u64)
            .map(|i| {
                let a: Vec<F> = (0..N).map(|k| F::from_noncanonical_u64(pseudo(10 + i, k))).collect();
                let e: Vec<F> = (0..N).map(|k| from_i64((pseudo(20 + i, k) % 5) as i64 - 2)).collect();
                let mut sum = Sum::default();
                sum.add_product(&a, &s);
                let x = sum.remainder().iter().zip(&e).map(|(&p, &e)| e - p).collect();
                (a, x, e)
            })
            .collect();
        let commitments: Vec<_> =
            polys.iter().map(|(a, x, _)| (commit(Tag::Polynomial, a), commit(Tag::Polynomial, x))).collect();
        let statement = circuit.statement(zektra_statement::digest::Fingerprint::NONE, key, &commitments);
        let items: Vec<_> = polys.iter().map(|(a, x, e)| Item { multiplier: a, share: x, noise: e }).collect();
        let t = Instant::now();
        let proof = circuit.prove(&statement, &s, &items).unwrap();
        println!("proved in {:?}, {} bytes", t.elapsed(), proof.bytes().len());
        let public: Vec<_> = polys.iter().map(|(a, x, _)| (&a[..], &x[..])).collect();
        let t = Instant::now();
        circuit.verify(&statement, &public, &proof).unwrap();
        println!("verified in {:?}", t.elapsed());
    }
}
