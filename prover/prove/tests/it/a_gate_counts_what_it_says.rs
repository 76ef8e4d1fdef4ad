//! Digits cover their ranges exactly; the constraints of a gate agree wherever they are evaluated.

use plonky2::field::polynomial::{PolynomialCoeffs, PolynomialValues};
use plonky2::field::types::Sample;
use plonky2::gates::gate::Gate;
use plonky2::hash::hash_types::HashOut;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::CircuitConfig;
use plonky2::plonk::config::PoseidonGoldilocksConfig;
use plonky2::plonk::vars::{EvaluationTargets, EvaluationVars, EvaluationVarsBaseBatch};
use proptest::prelude::*;
use zektra_prove::gates::{DigitGate, RangeGate, SmallGate, digits, weights};
use zektra_statement::field::{E, F, Field};

/// On random polynomials of degree `d` every constraint has degree at most `degree·d`.
fn assert_low_degree<G: Gate<F, 2>>(gate: &G) {
    let rows = 1usize << 4;
    let rate = (gate.degree() + 1).next_power_of_two().trailing_zeros() as usize;
    let column = |_| PolynomialCoeffs::new(E::rand_vec(rows)).lde(rate).fft().values;
    let wires: Vec<Vec<E>> = (0..gate.num_wires()).map(column).collect();
    let hash = HashOut::rand();
    let mut found = vec![vec![]; gate.num_constraints()];
    for point in 0..rows << rate {
        let local: Vec<E> = wires.iter().map(|w| w[point]).collect();
        let vars = EvaluationVars { local_constants: &[], local_wires: &local, public_inputs_hash: &hash };
        let values = gate.eval_unfiltered(vars);
        assert_eq!(values.len(), gate.num_constraints());
        found.iter_mut().zip(values).for_each(|(f, v)| f.push(v));
    }
    let degrees: Vec<usize> = found.into_iter().map(|f| PolynomialValues::new(f).degree()).collect();
    let (most, allowed) = (degrees.iter().max().unwrap(), gate.degree() * (rows - 1));
    assert!(*most <= allowed, "{}: degrees {degrees:?}", gate.id());
}

/// Over the base field (alone and in batches), over the extension and in a circuit.
fn assert_evaluations_agree<G: Gate<F, 2>>(gate: &G) {
    let hash = HashOut::rand();
    let batch = 37;
    let base: Vec<Vec<F>> = (0..batch).map(|_| F::rand_vec(gate.num_wires())).collect();
    let extended = |wires: &[F]| {
        let local: Vec<E> = wires.iter().map(|&w| E::from(w)).collect();
        gate.eval_unfiltered(EvaluationVars { local_constants: &[], local_wires: &local, public_inputs_hash: &hash })
    };
    let by_wire: Vec<F> = (0..gate.num_wires()).flat_map(|w| base.iter().map(move |p| p[w])).collect();
    let together = gate.eval_unfiltered_base_batch(EvaluationVarsBaseBatch::new(batch, &[], &by_wire, &hash));
    for (point, wires) in base.iter().enumerate() {
        let expected = extended(wires);
        let alone = gate.eval_unfiltered_base_batch(EvaluationVarsBaseBatch::new(1, &[], wires, &hash));
        for (k, e) in expected.into_iter().enumerate() {
            assert_eq!(E::from(together[k * batch + point]), e, "{}: constraint {k}", gate.id());
            assert_eq!(E::from(alone[k]), e, "{}: constraint {k}", gate.id());
        }
    }
    let mut b = CircuitBuilder::<F, 2>::new(CircuitConfig::standard_recursion_config());
    let wires = E::rand_vec(gate.num_wires());
    let targets = b.add_virtual_extension_targets(wires.len());
    let hash_target = b.add_virtual_hash();
    let vars = EvaluationTargets { local_constants: &[], local_wires: &targets, public_inputs_hash: &hash_target };
    let evaluated = gate.eval_unfiltered_circuit(&mut b, vars);
    let vars = EvaluationVars { local_constants: &[], local_wires: &wires, public_inputs_hash: &hash };
    let mut witness = PartialWitness::new();
    witness.set_extension_targets(&targets, &wires).unwrap();
    witness.set_extension_targets(&evaluated, &gate.eval_unfiltered(vars)).unwrap();
    witness.set_hash_target(hash_target, hash).unwrap();
    let data = b.build::<PoseidonGoldilocksConfig>();
    data.verify(data.prove(witness).unwrap()).unwrap();
}

fn assert_gate<G: Gate<F, 2>>(gate: &G) {
    assert_low_degree(gate);
    assert_evaluations_agree(gate);
}

#[test]
fn digit_gates() {
    assert_gate(&DigitGate { digits: 40, checked: true });
    assert_gate(&DigitGate { digits: 16, checked: true });
}

#[test]
fn range_gates() {
    for (shift, max) in [(0, 1), (0, 212_992), (0, (1 << 40) + 12345), (1, 3), (20, 1 << 41), (17, (1 << 46) - 4)] {
        assert_gate(&RangeGate::new(shift, max, 135, 80, true));
    }
}

#[test]
fn small_gates() {
    assert_gate(&SmallGate::noise(true));
    for range in [4, 16, 100, 256, 512, 4096, 8192] {
        let gate = SmallGate::features(range, true);
        assert!(gate.packs.iter().sum::<usize>() == gate.values());
        let digits = gate.weights.len() * gate.values();
        assert!(Gate::<F, 2>::num_wires(&gate) <= 135, "{range}: {digits} digits");
        assert_eq!(gate.radix(), 2 * range + 1);
        // A packed sum is below p whatever its digits are, so two lists of values have two sums.
        let most = gate.packs.iter().max().copied().unwrap_or(0) as u32;
        assert!(u128::from(gate.radix()).pow(most) <= u128::from(zektra_statement::field::P));
        assert_gate(&gate);
    }
}

#[test]
fn digits_of_small_ranges_have_no_gap() {
    for max in 0..=700u64 {
        let w = weights(max);
        let mut reached = std::collections::BTreeSet::from([0]);
        for d in &w {
            assert!((2..=4).contains(&d.base));
            reached = reached.into_iter().flat_map(|s| (0..d.base).map(move |k| s + k * d.weight)).collect();
        }
        assert_eq!(reached, (0..=max).collect());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// The largest sum is `max`, and every weight is at most one more than what those before it reach: no gap.
    #[test]
    fn weights_reach_their_maximum_exactly(max in 1u64..1 << 63, value in any::<u64>()) {
        let w = weights(max);
        let mut reached = 0u128;
        for d in &w {
            prop_assert!((2..=4).contains(&d.base));
            prop_assert!(d.weight >= 1 && u128::from(d.weight) <= reached + 1);
            reached += u128::from(d.weight) * u128::from(d.base - 1);
        }
        prop_assert_eq!(reached, u128::from(max));
        for value in [value % max, max, 0, 1, max - 1] {
            let d = digits(&w, value);
            prop_assert!(d.iter().zip(&w).all(|(&d, w)| d < w.base));
            prop_assert_eq!(d.iter().zip(&w).map(|(d, w)| d * w.weight).sum::<u64>(), value);
        }
    }

    #[test]
    fn a_number_is_its_digits(shift in 0u32..40, max in 1u64..1 << 20, value in any::<u64>(), rest in any::<u64>()) {
        let gate = RangeGate::new(shift, max, 135, 80, true);
        let v = ((value % (max + 1)) << shift) + rest % (1 << shift);
        let d: Vec<F> = gate.digits_of(v).into_iter().map(F::from_canonical_u64).collect();
        prop_assert_eq!(crate::forge::numbers(&gate, &d, 1), vec![F::from_canonical_u64(v)]);
        let all = gate.low.iter().chain(&gate.high);
        prop_assert!(gate.digits_of(v).into_iter().zip(all).all(|(d, w)| d < w.base));
    }
}
