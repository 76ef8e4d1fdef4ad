use plonky2::gates::noop::NoopGate;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::config::PoseidonGoldilocksConfig;
use zektra_statement::field::{F, Field};
use zektra_verify::settings::{CHAIN, MAX_CONSTANT_COLUMNS, SHARE, Setting, WRAP};

/// The counted size is that of a circuit with the most constants; a real one may have fewer.
fn prove(setting: &Setting, rows_log2: u32) {
    let config = setting.config();
    let queries = config.fri_config.num_query_rounds;
    let mut builder = CircuitBuilder::<F, 2>::new(config);
    let x = builder.add_virtual_public_input();
    let y = builder.square(x);
    builder.register_public_input(y);
    let z = builder.hash_n_to_hash_no_pad::<plonky2::hash::poseidon::PoseidonHash>(vec![x, y]);
    builder.register_public_inputs(&z.elements);
    while builder.num_gates() < 3 << (rows_log2 - 2) {
        builder.add_gate(NoopGate, vec![]);
    }
    let circuit = builder.build::<PoseidonGoldilocksConfig>();
    let common = &circuit.common;
    assert_eq!(common.degree_bits(), rows_log2 as usize);

    let mut witness = PartialWitness::new();
    witness.set_target(x, F::from_canonical_u64(3)).unwrap();
    let proof = circuit.prove(witness).unwrap();
    let spare = MAX_CONSTANT_COLUMNS - common.num_constants;
    let counted = setting.proof_bytes(rows_log2, 6) - spare * (16 + 8 * queries);
    assert_eq!(proof.to_bytes().len(), counted);
    assert_eq!(setting.exact_proof_bytes(rows_log2, common.num_constants), counted - 8 * 7);
    circuit.verify(proof).unwrap();
}

#[test]
fn with_two_challenges() {
    prove(&SHARE, 7);
    prove(&SHARE, 11);
}

#[test]
fn with_three_challenges() {
    prove(&CHAIN, 8);
}

#[test]
fn at_a_lower_rate() {
    prove(&WRAP, 10);
}
