use super::arith::{Arith, Circuit, Extension, Packed};
use super::{Weight, read_weights, write_weights};
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

/// Numbers `v = 2^shift·D + ρ` with `ρ` and `D` in ranges: for rounding, and with `shift = 0` for plain ranges.
///
/// Wires: for each number `v`, `D`; then for each number the digits of `ρ`, then those of `D`.
#[derive(Clone, Debug)]
pub struct RangeGate {
    /// Numbers in the row.
    pub numbers: usize,
    /// The power of two that divides.
    pub shift: u32,
    /// Digits of the remainder; none for `shift = 0`.
    pub low: Vec<Weight>,
    /// Digits of the quotient.
    pub high: Vec<Weight>,
    /// Whether the digits are checked. Only a test builds it unchecked.
    pub checked: bool,
}

impl RangeGate {
    /// For quotients in `[0, max]`, as many to a row as `wires` wires hold.
    ///
    /// # Panics
    /// If not even one number fits.
    pub fn new(shift: u32, max: u64, wires: usize, routed: usize, checked: bool) -> Self {
        let low = if shift == 0 { vec![] } else { super::weights((1 << shift) - 1) };
        let high = super::weights(max);
        let numbers = (wires / (2 + low.len() + high.len())).min(routed / 2);
        assert!(numbers > 0, "a number of {} digits does not fit a row", low.len() + high.len());
        Self { numbers, shift, low, high, checked }
    }

    /// Digits of one number.
    pub fn per_number(&self) -> usize {
        self.low.len() + self.high.len()
    }

    /// The wire of digit `k` of number `i`.
    pub fn digit_wire(&self, i: usize, k: usize) -> usize {
        2 * self.numbers + i * self.per_number() + k
    }

    /// The digits of `v`, remainder first.
    pub fn digits_of(&self, v: u64) -> Vec<u64> {
        let mut out = super::digits(&self.low, v & ((1 << self.shift) - 1));
        out.extend(super::digits(&self.high, v >> self.shift));
        out
    }

    /// The digits of all numbers, filled up to whole rows with zeros.
    pub fn fill(&self, numbers: impl IntoIterator<Item = u64>) -> Vec<F> {
        let digits = numbers.into_iter().flat_map(|v| self.digits_of(v));
        let mut out: Vec<F> = digits.map(F::from_canonical_u64).collect();
        out.resize(out.len().next_multiple_of(self.numbers * self.per_number()), F::ZERO);
        out
    }

    fn constraints<A: Arith>(&self, a: &mut A, w: &[A::V]) -> Vec<A::V> {
        let mut out = vec![];
        for i in 0..self.numbers {
            let digits = &w[self.digit_wire(i, 0)..self.digit_wire(i, self.per_number())];
            let (low, high) = digits.split_at(self.low.len());
            let mut sum = |list: &[A::V], weights: &[Weight], start: A::V| {
                list.iter().zip(weights).fold(start, |s, (&d, w)| a.scale_add(F::from_canonical_u64(w.weight), d, s))
            };
            let (v, quotient) = (w[2 * i], w[2 * i + 1]);
            // Σ high − D and 2^shift·D + Σ low − v, without a zero to start from.
            let high = {
                let first = high[0];
                let weight = F::from_canonical_u64(self.high[0].weight - 1);
                let start = sum(&high[1..], &self.high[1..], first);
                let start = a.scale_add(weight, first, start);
                a.sub(start, quotient)
            };
            let mut sum = |list: &[A::V], weights: &[Weight], start: A::V| {
                list.iter().zip(weights).fold(start, |s, (&d, w)| a.scale_add(F::from_canonical_u64(w.weight), d, s))
            };
            let rest = sum(low, &self.low, quotient);
            let scale = F::from_canonical_u64((1 << self.shift) - 1);
            let rest = a.scale_add(scale, quotient, rest);
            out.push(high);
            out.push(a.sub(rest, v));
            for (&d, weight) in digits.iter().zip(self.low.iter().chain(&self.high)) {
                out.push(if self.checked { a.in_base(d, weight.base) } else { a.constant(F::ZERO) });
            }
        }
        out
    }
}

impl Gate<F, 2> for RangeGate {
    fn id(&self) -> String {
        format!("{self:?}")
    }
    fn serialize(&self, dst: &mut Vec<u8>, _: &CommonCircuitData<F, 2>) -> IoResult<()> {
        dst.write_usize(self.numbers)?;
        dst.write_u32(self.shift)?;
        dst.write_bool(self.checked)?;
        write_weights(dst, &self.low)?;
        write_weights(dst, &self.high)
    }
    fn deserialize(src: &mut Buffer, _: &CommonCircuitData<F, 2>) -> IoResult<Self> {
        let (numbers, shift, checked) = (src.read_usize()?, src.read_u32()?, src.read_bool()?);
        Ok(Self { numbers, shift, checked, low: read_weights(src)?, high: read_weights(src)? })
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
        vec![WitnessGeneratorRef::new(RangeGenerator { row, gate: self.clone() }.adapter())]
    }
    fn num_wires(&self) -> usize {
        self.numbers * (2 + self.per_number())
    }
    fn num_constants(&self) -> usize {
        0
    }
    fn degree(&self) -> usize {
        4
    }
    fn num_constraints(&self) -> usize {
        self.numbers * (2 + self.per_number())
    }
}

impl PackedEvaluableBase<F, 2> for RangeGate {
    fn eval_unfiltered_base_packed<P: PackedField<Scalar = F>>(
        &self,
        vars: EvaluationVarsBasePacked<P>,
        mut out: StridedConstraintConsumer<P>,
    ) {
        let wires: Vec<P> = (0..self.num_wires()).map(|i| vars.local_wires[i]).collect();
        out.many(self.constraints(&mut Packed(PhantomData), &wires));
    }
}

/// Sets `v` and `D` from the digits.
#[derive(Debug)]
pub(crate) struct RangeGenerator {
    row: usize,
    gate: RangeGate,
}

impl Default for RangeGenerator {
    fn default() -> Self {
        Self { row: 0, gate: RangeGate { numbers: 0, shift: 0, low: vec![], high: vec![], checked: true } }
    }
}

impl SimpleGenerator<F, 2> for RangeGenerator {
    fn id(&self) -> String {
        "RangeGenerator".into()
    }
    fn dependencies(&self) -> Vec<Target> {
        (2 * self.gate.numbers..Gate::<F, 2>::num_wires(&self.gate)).map(|i| Target::wire(self.row, i)).collect()
    }
    fn run_once(&self, witness: &PartitionWitness<F>, out: &mut GeneratedValues<F>) -> Result<()> {
        let g = &self.gate;
        for i in 0..g.numbers {
            let digit = |k| witness.get_target(Target::wire(self.row, g.digit_wire(i, k)));
            let sum = |weights: &[Weight], first: usize| {
                let terms = weights.iter().enumerate();
                terms.map(|(k, w)| digit(first + k) * F::from_canonical_u64(w.weight)).fold(F::ZERO, |s, t| s + t)
            };
            let quotient = sum(&g.high, g.low.len());
            let v = quotient * F::from_canonical_u64(1 << g.shift) + sum(&g.low, 0);
            out.set_target(Target::wire(self.row, 2 * i), v)?;
            out.set_target(Target::wire(self.row, 2 * i + 1), quotient)?;
        }
        Ok(())
    }
    fn serialize(&self, dst: &mut Vec<u8>, common: &CommonCircuitData<F, 2>) -> IoResult<()> {
        dst.write_usize(self.row)?;
        self.gate.serialize(dst, common)
    }
    fn deserialize(src: &mut Buffer, common: &CommonCircuitData<F, 2>) -> IoResult<Self> {
        Ok(Self { row: src.read_usize()?, gate: RangeGate::deserialize(src, common)? })
    }
}
