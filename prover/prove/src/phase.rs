//! "`y = (c·s)[src] + M`, `S → S'` rounded, `g + a''·s + place(S')` is noise": a member's answer to a phase.

use crate::cache::Cache;
use crate::circuit::{Blinding, Circuit, Proof, ProofError};
use crate::config::Purpose;
use crate::gadgets;
use crate::gates::{RangeGate, SmallGate};
use crate::kit::{Family, Kit, Values};
use crate::opening::{Collected, Positions, place, placed};
use crate::poly;
use plonky2::iop::target::Target;
use zektra_statement::digest::{Tag, commit};
use zektra_statement::field::{E, F, Field, from_i64};
use zektra_statement::inputs::{self, Statement};
use zektra_statement::packing::Packing;
use zektra_statement::payload::mask_bits;
use zektra_statement::phase::PhaseTable;

/// What the circuits of a phase depend on.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub members: usize,
    pub columns: usize,
    pub shift: u32,
    pub mask_bits: u32,
    pub openings: Vec<(Positions, usize)>,
    pub outputs: Vec<OutputShape>,
}

#[derive(Clone, Debug)]
pub(crate) struct OutputShape {
    pub packing: Packing,
    pub openings: Vec<usize>,
    pub carry: bool,
    pub negate: bool,
    pub constant: i64,
}

impl Shape {
    pub fn of(table: &PhaseTable, phase: usize, members: u32) -> Self {
        let columns = usize::from(table.columns);
        let p = &table.phases[phase];
        let openings = p.openings.iter().map(|o| (Positions::of(&o.positions, columns), o.positions.len()));
        let outputs = p.outputs.iter().map(|o| OutputShape {
            packing: table.states[usize::from(o.state)].packing,
            openings: o.openings.iter().map(|&o| usize::from(o)).collect(),
            carry: o.carry,
            negate: o.negate,
            constant: o.constant,
        });
        let bits = mask_bits(members);
        assert!(p.shift < bits, "a shift of {} leaves nothing of masks of {bits} bits", p.shift);
        Self {
            members: members as usize,
            columns,
            shift: p.shift,
            mask_bits: bits,
            openings: openings.collect(),
            outputs: outputs.collect(),
        }
    }

    /// What a member's circuit depends on, as text.
    pub fn text(&self) -> String {
        use std::fmt::Write;
        let Self { columns, shift, mask_bits, openings, outputs, .. } = self;
        let mut out = format!("phase/1 D={columns} shift={shift} B={mask_bits}");
        for (kind, length) in openings {
            let _ = write!(out, " opening={kind:?}:{length}");
        }
        for OutputShape { packing, openings, carry, negate, .. } in outputs {
            let _ = write!(out, " output={packing:?}:{openings:?}:{carry}:{negate}");
        }
        out
    }
}

/// A phase's circuit for a member.
#[derive(Debug)]
pub struct PhaseCircuit {
    /// The circuit.
    pub circuit: Circuit,
    shape: Shape,
}

/// An opening as a member sees it.
#[derive(Clone, Copy)]
pub struct OpeningWitness<'a> {
    /// `c`, 4096 coefficients: public.
    pub c: &'a [F],
    /// `M`: secret.
    pub masks: &'a [i64],
    /// `y`: public.
    pub y: &'a [F],
}

/// An output as a member sees it.
#[derive(Clone, Copy)]
pub struct OutputWitness<'a> {
    /// `a''`: public.
    pub a: &'a [F],
    /// `g`: public.
    pub g: &'a [F],
    /// `S` before with its salt; used if the output carries. Secret.
    pub before: (&'a [F], [F; 4]),
    /// `S'` with its salt: secret.
    pub after: (&'a [F], [F; 4]),
    /// `e`: secret.
    pub noise: &'a [F],
}

/// The public polynomials behind a share's commitments.
pub struct SharePolys<'a> {
    /// `c` of each opening.
    pub c: Vec<&'a [F]>,
    /// `a''` and `g` of each output.
    pub outputs: Vec<(&'a [F], &'a [F])>,
}

impl PhaseCircuit {
    /// Builds the circuit of a phase of a table.
    pub fn build(table: &PhaseTable, phase: usize, members: u32) -> Self {
        Self::without(table, phase, members, None)
    }

    /// Loads the circuit, or builds it.
    pub fn load(cache: &Cache, table: &PhaseTable, phase: usize, members: u32) -> Self {
        let shape = Shape::of(table, phase, members);
        let build = || Self::build(table, phase, members).circuit;
        Self { circuit: cache.circuit(Purpose::Share, &shape.text(), build), shape }
    }

    /// Builds the circuit without one family of constraints: for tests of the others.
    pub fn without(table: &PhaseTable, phase: usize, members: u32, omit: Option<Family>) -> Self {
        let shape = Shape::of(table, phase, members);
        let columns = shape.columns;
        let mut kit = Kit::new(Purpose::Share, &shape.text(), omit);
        kit.public(8);
        let key = kit.public_hash();
        let openings: Vec<_> = shape.openings.iter().map(|_| (kit.public_hash(), kit.public_hash())).collect();
        let outputs: Vec<_> = shape
            .outputs
            .iter()
            .map(|o| {
                let (_, _, after) = (kit.public_hash(), kit.public_hash(), kit.public_hash());
                (after, o.carry.then(|| kit.public_hash()))
            })
            .collect();
        let head = kit.head();
        let c: Vec<_> = shape.openings.iter().map(|(kind, _)| kit.public_exts(kind.values(columns))).collect();
        let fresh: Vec<_> = shape.outputs.iter().map(|_| (kit.public_ext(), kit.public_ext())).collect();

        let key = kit.key(key);
        let y = kit.power(head.r, columns as u64);
        let mut parts: Vec<(Positions, Vec<_>)> = vec![];
        for (kind, _) in &shape.openings {
            if !parts.iter().any(|(k, _)| k == kind) {
                let values = kind.evaluate(&mut kit, &key.digits, columns, head.r, y);
                parts.push((kind.clone(), values));
            }
        }
        let s_of = |kind: &Positions| {
            let found = parts.iter().find(|(k, _)| k == kind);
            found.map(|(_, v)| v.clone()).unwrap_or_default()
        };
        let (kind, values) = parts[0].clone();
        let s = kind.whole(&mut kit, &values, columns, head.r);

        let mut collected = Collected::default();
        let mut rounded: Vec<Vec<Target>> = vec![];
        let mut masks = vec![];
        let gate = kit.range_gate(shape.shift, shape.largest_quotient(), "mask range");
        let offset = F::from_canonical_u64(shape.mask_offset());
        for (o, ((kind, length), (_, y_hash))) in shape.openings.iter().zip(&openings).enumerate() {
            let share = kit.input(format!("y {o}"), *length);
            let opened = kit.commit(Tag::MaskedShare, &share);
            kit.equal("masked share commitment", &opened, y_hash);
            let numbers = kit.ranged(&format!("masks {o}"), &gate, *length);
            // y − M, where the number is M + 2^B + half.
            let d: Vec<Target> = share
                .iter()
                .zip(&numbers)
                .map(|(&y, &(v, _))| {
                    let difference = kit.b.sub(y, v);
                    kit.b.add_const(difference, offset)
                })
                .collect();
            masks.extend(numbers.iter().map(|(v, _)| *v));
            rounded.push(numbers.into_iter().map(|(_, q)| q).collect());
            let pairs = [(c[o].clone(), s_of(kind))];
            collected.opening(&mut kit, &format!("product {o}"), kind, &pairs, &d, (columns, head.r, y));
        }
        let gate = SmallGate::noise(!kit.omits("noise range"));
        let powers = kit.row_powers(&gate, head.r);
        let mut packs = vec![];
        for (k, (o, (after, before))) in shape.outputs.iter().zip(outputs).enumerate() {
            let length = rounded[o.openings[0]].len();
            let zero = kit.b.zero();
            let mut next = vec![zero; length];
            if let Some(before) = before {
                next = kit.input(format!("before {k}"), length);
                let salt = kit.input(format!("salt before {k}"), 4);
                let opened = kit.commit(Tag::StateShare, &[&next[..], &salt].concat());
                kit.equal("state share before", &opened, &before);
            }
            // D = D' − 2^(B − shift).
            let shift = from_i64(-(shape.quotient_offset() as i64));
            for &opening in &o.openings {
                for (s, &q) in next.iter_mut().zip(&rounded[opening]) {
                    let d = kit.b.add_const(q, shift);
                    *s = if o.negate { kit.b.sub(*s, d) } else { kit.b.add(*s, d) };
                }
            }
            let claimed = kit.input(format!("after {k}"), length);
            kit.equal("rounding", &claimed, &next);
            let salt = kit.input(format!("salt after {k}"), 4);
            let opened = kit.commit(Tag::StateShare, &[&claimed[..], &salt].concat());
            kit.equal("state share after", &opened, &after);
            let e = kit.small(&format!("noise {k}"), &gate, &powers, None);
            packs.extend(e.packs);
            let (a, g) = fresh[k];
            let message = placed(&mut kit, o.packing, columns, &claimed, head.r, y);
            let sum = kit.b.mul_add_extension(a, s, g);
            let sum = kit.b.add_extension(sum, message);
            collected.full.push(kit.b.sub_extension(sum, e.value));
        }
        let witness = [masks, std::mem::take(&mut collected.witness), packs].concat();
        let opened = kit.commit(Tag::Witness, &witness);
        kit.equal("witness commitment", &opened, &head.witness);
        gadgets::all_identities(&mut kit, &head, &collected, columns, y);
        Self { circuit: kit.finish(Blinding::Hiding), shape }
    }

    /// The values of a statement at `r`.
    pub fn values_at(&self, polys: &SharePolys<'_>, r: E) -> Vec<E> {
        let columns = self.shape.columns;
        let kinds = self.shape.openings.iter().zip(&polys.c);
        let mut out: Vec<E> = kinds.flat_map(|((kind, _), c)| kind.at(c, columns, r)).collect();
        for (a, g) in &polys.outputs {
            out.extend([poly::evaluate(a, r), poly::evaluate(g, r)]);
        }
        out
    }

    /// What an honest prover fills in. `key`: 4096 digits in {−1, 0, 1}.
    pub fn values(
        &self,
        statement: &inputs::PhaseShare,
        key: &[F],
        openings: &[OpeningWitness<'_>],
        outputs: &[OutputWitness<'_>],
    ) -> Values {
        let shape = &self.shape;
        let columns = shape.columns;
        let mut values = Values::default();
        values.put("key", key.to_vec());
        let range = shape.range_gate();
        let (mut masks, mut own, mut packs) = (vec![], vec![], vec![]);
        let (mut full, mut short) = (vec![], vec![]);
        for (o, (w, (kind, _))) in openings.iter().zip(&shape.openings).enumerate() {
            values.put(format!("y {o}"), w.y.to_vec());
            let numbers = w.masks.iter().map(|&m| (i128::from(m) + i128::from(shape.mask_offset())) as u64);
            masks.extend(numbers.clone().map(F::from_canonical_u64));
            values.put(format!("masks {o}"), range.fill(numbers));
            let hints = kind.hints(&[(w.c, key)], columns);
            if !hints.own.is_empty() {
                values.put(format!("product {o}"), hints.own.clone());
            }
            own.extend(hints.own);
            full.extend(hints.full);
            short.extend(hints.short);
        }
        let gate = SmallGate::noise(true);
        for (k, (w, o)) in outputs.iter().zip(&shape.outputs).enumerate() {
            if o.carry {
                values.put(format!("before {k}"), w.before.0.to_vec());
                values.put(format!("salt before {k}"), w.before.1.to_vec());
            }
            values.put(format!("after {k}"), w.after.0.to_vec());
            values.put(format!("salt after {k}"), w.after.1.to_vec());
            let e = gadgets::small_values(&gate, w.noise);
            packs.extend(e.packs);
            values.put(format!("noise {k}"), e.digits);
            let mut sum = poly::Sum::default();
            sum.add_product(w.a, key);
            sum.add(w.g);
            sum.add(&place(o.packing, columns, w.after.0));
            full.push(sum.into_quotient());
        }
        let witness = commit(Tag::Witness, &[masks, own, packs].concat());
        let polys = SharePolys {
            c: openings.iter().map(|w| w.c).collect(),
            outputs: outputs.iter().map(|w| (w.a, w.g)).collect(),
        };
        gadgets::seal(
            &mut values,
            &self.circuit.id(),
            &statement.elements(),
            witness,
            |beta| vec![poly::combine(&full, beta), poly::combine_some(&short, beta)],
            |points| self.values_at(&polys, points.r),
        );
        values
    }

    /// Proves an answer.
    ///
    /// # Errors
    /// An answer that is not what it should be.
    pub fn prove(
        &self,
        statement: &inputs::PhaseShare,
        key: &[F],
        openings: &[OpeningWitness<'_>],
        outputs: &[OutputWitness<'_>],
    ) -> Result<Proof, ProofError> {
        self.circuit.prove(&self.values(statement, key, openings, outputs))
    }

    /// Verifies a proof against the statement and the public polynomials behind its commitments.
    ///
    /// # Errors
    /// A proof of something else, or none.
    pub fn verify(
        &self,
        statement: &inputs::PhaseShare,
        polys: &SharePolys<'_>,
        proof: &Proof,
    ) -> Result<(), ProofError> {
        gadgets::check(&self.circuit, &statement.elements(), proof, |points| self.values_at(polys, points.r))
    }
}

impl Shape {
    /// `2^B + half`: what is added to a mask before it is taken apart.
    pub fn mask_offset(&self) -> u64 {
        (1 << self.mask_bits) + (1 << (self.shift - 1))
    }

    /// `2^(B − shift)`.
    pub fn quotient_offset(&self) -> u64 {
        1 << (self.mask_bits - self.shift)
    }

    /// `2^(B + 1 − shift)`.
    pub fn largest_quotient(&self) -> u64 {
        1 << (self.mask_bits + 1 - self.shift)
    }

    fn range_gate(&self) -> RangeGate {
        RangeGate::new(self.shift, self.largest_quotient(), 135, 80, true)
    }
}
