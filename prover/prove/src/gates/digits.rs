use super::arith::{Arith, Circuit, Extension, Packed};
use anyhow::Result;
use plonky2::field::packed::PackedField;
use plonky2::gates::gate::Gate;
use plonky2::gates::packed_util::PackedEvaluableBase;
use plonky2::gates::util::StridedConstraintConsumer;
use plonky2::iop::ext_target::ExtensionTarget;
use plonky2::iop::generator::{GeneratedValues, SimpleGenerator, WitnessGeneratorRef};
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartitionWitness, Witness, WitnessWrite};
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::CommonCircuitData;
use plonky2::plonk::vars::{
    EvaluationTargets, EvaluationVars, EvaluationVarsBase, EvaluationVarsBaseBatch, EvaluationVarsBasePacked,
};
use plonky2::util::serialization::{Buffer, IoResult, Read, Write};
use std::marker::PhantomData;
use zektra_statement::field::{E, F, Field};

/// Ternary digits in {−1, 0, 1} with their packed sum `Σ (d_k + 1)·3^k`: wire 0 the sum, then the digits, all routed.
#[derive(Clone, Copy, Debug)]
pub struct DigitGate {
    /// Digits in the row, at most 40.
    pub digits: usize,
    /// Whether the digits are ternary at all. Only a test builds it unchecked.
    pub checked: bool,
}

impl DigitGate {
    fn constraints<A: Arith>(&self, a: &mut A, w: &[A::V]) -> Vec<A::V> {
        let mut sum = a.constant(F::ZERO);
        let (one, three) = (a.constant(F::ONE), F::from_canonical_u64(3));
        for &d in w[1..=self.digits].iter().rev() {
            let shifted = a.scale_add(F::ONE, d, one);
            sum = a.scale_add(three, sum, shifted);
        }
        let mut out = vec![a.sub(sum, w[0])];
        for &d in &w[1..=self.digits] {
            out.push(if self.checked {
                let two = a.mul_shifted(d, d, F::ONE);
                a.mul_shifted(two, d, F::NEG_ONE)
            } else {
                a.constant(F::ZERO)
            });
        }
        out
    }
}

impl Gate<F, 2> for DigitGate {
    fn id(&self) -> String {
        format!("{self:?}")
    }
    fn serialize(&self, dst: &mut Vec<u8>, _: &CommonCircuitData<F, 2>) -> IoResult<()> {
        dst.write_usize(self.digits)?;
        dst.write_bool(self.checked)
    }
    fn deserialize(src: &mut Buffer, _: &CommonCircuitData<F, 2>) -> IoResult<Self> {
        Ok(Self { digits: src.read_usize()?, checked: src.read_bool()? })
    }
    fn eval_unfiltered(&self, vars: EvaluationVars<F, 2>) -> Vec<E> {
        self.constraints(&mut Extension, vars.local_wires)
    }
    fn eval_unfiltered_base_one(&self, _: EvaluationVarsBase<F>, _: StridedConstraintConsumer<F>) {
        unreachable!("evaluated in batches")
    }
    fn eval_unfiltered_base_batch(&self, vars: EvaluationVarsBaseBatch<F>) -> Vec<F> {
        self.eval_unfiltered_base_batch_packed(vars)
    }
    fn eval_unfiltered_circuit(
        &self,
        builder: &mut CircuitBuilder<F, 2>,
        vars: EvaluationTargets<2>,
    ) -> Vec<ExtensionTarget<2>> {
        self.constraints(&mut Circuit(builder), vars.local_wires)
    }
    fn generators(&self, row: usize, _: &[F]) -> Vec<WitnessGeneratorRef<F, 2>> {
        vec![WitnessGeneratorRef::new(DigitGenerator { row, digits: self.digits }.adapter())]
    }
    fn num_wires(&self) -> usize {
        1 + self.digits
    }
    fn num_constants(&self) -> usize {
        0
    }
    fn degree(&self) -> usize {
        3
    }
    fn num_constraints(&self) -> usize {
        1 + self.digits
    }
}

impl PackedEvaluableBase<F, 2> for DigitGate {
    fn eval_unfiltered_base_packed<P: PackedField<Scalar = F>>(
        &self,
        vars: EvaluationVarsBasePacked<P>,
        mut out: StridedConstraintConsumer<P>,
    ) {
        let wires: Vec<P> = (0..self.num_wires()).map(|i| vars.local_wires[i]).collect();
        out.many(self.constraints(&mut Packed(PhantomData), &wires));
    }
}

/// Sets the sum from the digits.
#[derive(Debug, Default)]
pub(crate) struct DigitGenerator {
    row: usize,
    digits: usize,
}

impl SimpleGenerator<F, 2> for DigitGenerator {
    fn id(&self) -> String {
        "DigitGenerator".into()
    }
    fn dependencies(&self) -> Vec<Target> {
        (1..=self.digits).map(|i| Target::wire(self.row, i)).collect()
    }
    fn run_once(&self, witness: &PartitionWitness<F>, out: &mut GeneratedValues<F>) -> Result<()> {
        let digit = |i| witness.get_target(Target::wire(self.row, i));
        let three = F::from_canonical_u64(3);
        let sum = (1..=self.digits).rev().fold(F::ZERO, |sum, i| sum * three + digit(i) + F::ONE);
        out.set_target(Target::wire(self.row, 0), sum)
    }
    fn serialize(&self, dst: &mut Vec<u8>, _: &CommonCircuitData<F, 2>) -> IoResult<()> {
        dst.write_usize(self.row)?;
        dst.write_usize(self.digits)
    }
    fn deserialize(src: &mut Buffer, _: &CommonCircuitData<F, 2>) -> IoResult<Self> {
        Ok(Self { row: src.read_usize()?, digits: src.read_usize()? })
    }
}
