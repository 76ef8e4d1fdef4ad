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

/// A row of small coefficients of a polynomial: each is `Σ weight·digit − offset`.
///
/// In one row their digits are checked, they are packed into sums for a commitment, evaluated at a point,
/// and, if wanted, their squares added up. Evaluation is Horner's over the rows, from the highest
/// coefficients down: `acc' = acc·r^V + Σ_k v_k·r^k`, `V = low·high` values. Inside the row
/// `Σ_h r^(low·h) Σ_l v r^l`, so the row needs the powers `r^1 … r^(low−1)`, `r^low … r^(low(high−1))`, `r^V`.
///
/// Wires: accumulator in, out; powers; packed sums; norm in, out if `squares`; digits.
#[derive(Clone, Debug)]
pub struct SmallGate {
    /// Powers below `r^low`.
    pub low: usize,
    /// Groups of `low` values.
    pub high: usize,
    /// Digits of a value.
    pub weights: Vec<Weight>,
    /// Subtracted from every value.
    pub offset: u64,
    /// How many values each packed sum holds.
    pub packs: Vec<usize>,
    /// Whether squares are added up.
    pub squares: bool,
    /// Whether the digits are checked. Only a test builds it unchecked.
    pub checked: bool,
}

impl SmallGate {
    /// Noise: 64 coefficients in [−2, 2].
    pub fn noise(checked: bool) -> Self {
        let weights = vec![Weight { weight: 1, base: 5 }];
        Self { low: 8, high: 8, weights, offset: 2, packs: vec![22, 21, 21], squares: false, checked }
    }

    /// Features: eight coefficients in [−range, range], squared.
    pub fn features(range: u64, checked: bool) -> Self {
        let weights = super::weights(2 * range);
        let per = (1..=8).rev().find(|&k| (u128::from(2 * range) + 1).pow(k) < (1 << 63)).unwrap_or(1) as usize;
        let packs = (0..8usize.div_ceil(per)).map(|i| per.min(8 - i * per)).collect();
        Self { low: 8, high: 1, weights, offset: range, packs, squares: true, checked }
    }

    /// Values in the row.
    pub fn values(&self) -> usize {
        self.low * self.high
    }

    /// The largest value plus offset, plus one: what packed sums count in.
    pub fn radix(&self) -> u64 {
        1 + self.weights.iter().map(|w| w.weight * (w.base - 1)).sum::<u64>()
    }

    /// Exponents of the powers that the row takes, in order.
    pub fn exponents(&self) -> Vec<usize> {
        let low = 1..self.low;
        let high = (1..self.high).map(|h| h * self.low);
        low.chain(high).chain([self.values()]).collect()
    }

    /// The wire of packed sum `i`.
    pub fn pack_wire(&self, i: usize) -> usize {
        4 + 2 * self.exponents().len() + i
    }

    /// The first of norm in and norm out.
    pub fn norm_wire(&self) -> usize {
        self.pack_wire(self.packs.len())
    }

    /// The wire of digit `k` of value `i`.
    pub fn digit_wire(&self, i: usize, k: usize) -> usize {
        self.norm_wire() + if self.squares { 2 } else { 0 } + i * self.weights.len() + k
    }

    /// The digits of a value.
    pub fn digits_of(&self, value: i64) -> Vec<u64> {
        super::digits(&self.weights, (value + self.offset as i64).max(0) as u64)
    }

    fn power(&self, exponent: usize) -> usize {
        4 + 2 * self.exponents().iter().position(|&e| e == exponent).unwrap_or(0)
    }

    fn constraints<A: Arith>(&self, a: &mut A, w: &[A::V]) -> Vec<A::V> {
        let v = self.values();
        let pair = |i: usize| [w[i], w[i + 1]];
        let zero = a.constant(F::ZERO);
        let offset = a.constant(-F::from_canonical_u64(self.offset));
        let mut raw = Vec::with_capacity(v);
        let mut values = Vec::with_capacity(v);
        for i in 0..v {
            let mut sum = zero;
            for (k, weight) in self.weights.iter().enumerate() {
                sum = a.scale_add(F::from_canonical_u64(weight.weight), w[self.digit_wire(i, k)], sum);
            }
            raw.push(sum);
            values.push(a.scale_add(F::ONE, sum, offset));
        }
        let mut acc = a.pair_mul_add(pair(0), pair(self.power(v)), [zero; 2]);
        for h in 0..self.high {
            let mut part = [values[h * self.low], zero];
            for l in 1..self.low {
                part = a.pair_scale_add(values[h * self.low + l], pair(self.power(l)), part);
            }
            acc = if h == 0 {
                [a.scale_add(F::ONE, acc[0], part[0]), a.scale_add(F::ONE, acc[1], part[1])]
            } else {
                a.pair_mul_add(part, pair(self.power(h * self.low)), acc)
            };
        }
        let mut out = vec![a.sub(acc[0], w[2]), a.sub(acc[1], w[3])];
        let radix = F::from_canonical_u64(self.radix());
        let mut first = 0;
        for (p, &count) in self.packs.iter().enumerate() {
            let mut sum = zero;
            for &r in raw[first..first + count].iter().rev() {
                sum = a.scale_add(radix, sum, r);
            }
            first += count;
            out.push(a.sub(sum, w[self.pack_wire(p)]));
        }
        if self.squares {
            let mut norm = w[self.norm_wire()];
            for &x in &values {
                norm = a.mul_add(x, x, norm);
            }
            out.push(a.sub(norm, w[self.norm_wire() + 1]));
        }
        for i in 0..v {
            for (k, weight) in self.weights.iter().enumerate() {
                let d = w[self.digit_wire(i, k)];
                out.push(if self.checked { a.in_base(d, weight.base) } else { zero });
            }
        }
        out
    }
}

impl Gate<F, 2> for SmallGate {
    fn id(&self) -> String {
        format!("{self:?}")
    }
    fn serialize(&self, dst: &mut Vec<u8>, _: &CommonCircuitData<F, 2>) -> IoResult<()> {
        dst.write_usize(self.low)?;
        dst.write_usize(self.high)?;
        write_weights(dst, &self.weights)?;
        dst.write_usize(self.offset as usize)?;
        dst.write_usize_vec(&self.packs)?;
        dst.write_bool(self.squares)?;
        dst.write_bool(self.checked)
    }
    fn deserialize(src: &mut Buffer, _: &CommonCircuitData<F, 2>) -> IoResult<Self> {
        Ok(Self {
            low: src.read_usize()?,
            high: src.read_usize()?,
            weights: read_weights(src)?,
            offset: src.read_usize()? as u64,
            packs: src.read_usize_vec()?,
            squares: src.read_bool()?,
            checked: src.read_bool()?,
        })
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
        vec![WitnessGeneratorRef::new(SmallGenerator { row, gate: self.clone() }.adapter())]
    }
    fn num_wires(&self) -> usize {
        self.digit_wire(self.values(), 0)
    }
    fn num_constants(&self) -> usize {
        0
    }
    fn degree(&self) -> usize {
        // A digit times two powers, or the range of the largest base.
        self.weights.iter().map(|w| w.base as usize).max().unwrap_or(0).max(3)
    }
    fn num_constraints(&self) -> usize {
        2 + self.packs.len() + usize::from(self.squares) + self.values() * self.weights.len()
    }
}

impl PackedEvaluableBase<F, 2> for SmallGate {
    fn eval_unfiltered_base_packed<P: PackedField<Scalar = F>>(
        &self,
        vars: EvaluationVarsBasePacked<P>,
        mut out: StridedConstraintConsumer<P>,
    ) {
        let wires: Vec<P> = (0..Gate::<F, 2>::num_wires(self)).map(|i| vars.local_wires[i]).collect();
        out.many(self.constraints(&mut Packed(PhantomData), &wires));
    }
}

/// Sets accumulator, packed sums and norm from the digits.
#[derive(Debug)]
pub(crate) struct SmallGenerator {
    row: usize,
    gate: SmallGate,
}

impl Default for SmallGenerator {
    fn default() -> Self {
        Self { row: 0, gate: SmallGate::noise(true) }
    }
}

impl SimpleGenerator<F, 2> for SmallGenerator {
    fn id(&self) -> String {
        "SmallGenerator".into()
    }
    fn dependencies(&self) -> Vec<Target> {
        let g = &self.gate;
        let inputs = [0, 1].into_iter().chain(4..g.pack_wire(0));
        let norm = g.squares.then(|| g.norm_wire());
        let digits = g.digit_wire(0, 0)..Gate::<F, 2>::num_wires(g);
        inputs.chain(norm).chain(digits).map(|i| Target::wire(self.row, i)).collect()
    }
    fn run_once(&self, witness: &PartitionWitness<F>, out: &mut GeneratedValues<F>) -> Result<()> {
        let g = &self.gate;
        let wire = |i: usize| Target::wire(self.row, i);
        // The outputs are what makes their constraints zero: each constraint is "computed − wire".
        let outputs: Vec<usize> = [2, 3]
            .into_iter()
            .chain((0..g.packs.len()).map(|p| g.pack_wire(p)))
            .chain(g.squares.then(|| g.norm_wire() + 1))
            .collect();
        let value = |i: usize| if outputs.contains(&i) { F::ZERO } else { witness.get_target(wire(i)) };
        let wires: Vec<F> = (0..Gate::<F, 2>::num_wires(g)).map(value).collect();
        let unchecked = SmallGate { checked: false, ..g.clone() };
        let computed = unchecked.constraints(&mut Packed::<F>(PhantomData), &wires);
        for (i, v) in outputs.into_iter().zip(computed) {
            out.set_target(wire(i), v)?;
        }
        Ok(())
    }
    fn serialize(&self, dst: &mut Vec<u8>, common: &CommonCircuitData<F, 2>) -> IoResult<()> {
        dst.write_usize(self.row)?;
        self.gate.serialize(dst, common)
    }
    fn deserialize(src: &mut Buffer, common: &CommonCircuitData<F, 2>) -> IoResult<Self> {
        Ok(Self { row: src.read_usize()?, gate: SmallGate::deserialize(src, common)? })
    }
}
