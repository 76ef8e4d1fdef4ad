//! "The products, `c`, `u`, rounding and the new `c0` are right": a phase as the compute node runs it.

use crate::cache::Cache;
use crate::circuit::{Blinding, Circuit, Proof, ProofError};
use crate::config::Purpose;
use crate::gadgets;
use crate::gates::RangeGate;
use crate::kit::{Ext, Family, Kit, Values, hash};
use crate::opening::{Collected, Positions, place, placed};
use crate::phase::Shape;
use crate::poly;
use plonky2::iop::target::Target;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use zektra_statement::digest::{Tag, commit};
use zektra_statement::field::{E, F, Field, N, centred, from_ext, from_i64, round_shift};
use zektra_statement::inputs::{self, Statement};
use zektra_statement::phase::{Operand, PhaseTable, TilePlane};
use zektra_statement::record::Plane;

/// The circuit of a phase for the compute node.
#[derive(Debug)]
pub struct StepCircuit {
    /// The circuit.
    pub circuit: Circuit,
    shape: Shape,
    wiring: Wiring,
}

/// Where a product's operand or an addend stands among what the phase reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Tile(usize),
    State(usize),
}

#[derive(Clone, Debug)]
struct Wiring {
    tiles: usize,
    states: usize,
    /// For each opening its products.
    products: Vec<Vec<(Place, Place)>>,
    /// For each opening (tile plane, class).
    addends: Vec<Vec<(usize, usize)>>,
}

impl Wiring {
    fn of(table: &PhaseTable, phase: usize) -> Self {
        let p = &table.phases[phase];
        let (tiles, states) = p.reads();
        let tile = |wanted: TilePlane| tiles.iter().position(|t| *t == wanted).unwrap_or(0);
        let place = |operand: Operand| match operand {
            Operand::Features { slot, block } => Place::Tile(tile(TilePlane { slot, block, plane: Plane::Features })),
            Operand::State(s) => Place::State(states.iter().position(|&t| t == s).unwrap_or(0)),
        };
        Self {
            products: p
                .openings
                .iter()
                .map(|o| o.products.iter().map(|&(a, b)| (place(a), place(b))).collect())
                .collect(),
            addends: p
                .openings
                .iter()
                .map(|o| {
                    let plane = |slot, block| tile(TilePlane { slot, block, plane: Plane::Moment });
                    o.addends.iter().map(|a| (plane(a.slot, a.block), usize::from(a.class))).collect()
                })
                .collect(),
            tiles: tiles.len(),
            states: states.len(),
        }
    }
}

/// An opening with its public polynomials.
#[derive(Clone)]
pub struct OpeningData<'a> {
    /// `Σ a_A·a_B`.
    pub d2: &'a [F],
    /// What members multiplied with.
    pub c: &'a [F],
    /// Offline shares.
    pub p: Vec<&'a [F]>,
    /// Masked shares.
    pub y: Vec<&'a [F]>,
    /// The points of the members' offline proofs.
    pub offline_points: Vec<E>,
}

/// An output with its public polynomials.
#[derive(Clone)]
pub struct OutputData<'a> {
    /// Fresh encryptions.
    pub g: Vec<&'a [F]>,
    /// `U` before; used if the output carries.
    pub before: &'a [F],
    /// The new public randomness.
    pub a: &'a [F],
}

/// A phase with everything that is public about it.
#[derive(Clone)]
pub struct StepData<'a> {
    /// (c0, a) of each tile plane that is read.
    pub tiles: Vec<(&'a [F], &'a [F])>,
    /// (c0, a'') of each state that is read.
    pub states: Vec<(&'a [F], &'a [F])>,
    /// The openings.
    pub openings: Vec<OpeningData<'a>>,
    /// The outputs.
    pub outputs: Vec<OutputData<'a>>,
    /// The points of the members' phase proofs.
    pub points: Vec<E>,
}

/// What a phase makes of an output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// `U'`.
    pub opened: Vec<F>,
    /// The new `c0`.
    pub c0: Vec<F>,
}

impl StepCircuit {
    /// Builds the circuit of a phase of a table.
    pub fn build(table: &PhaseTable, phase: usize, members: u32) -> Self {
        Self::without(table, phase, members, None)
    }

    /// Loads the circuit, or builds it.
    pub fn load(cache: &Cache, table: &PhaseTable, phase: usize, members: u32) -> Self {
        let (shape, wiring) = (Shape::of(table, phase, members), Wiring::of(table, phase));
        let build = || Self::build(table, phase, members).circuit;
        Self { circuit: cache.circuit(Purpose::Public, &Self::text(&shape, &wiring), build), shape, wiring }
    }

    fn text(shape: &Shape, wiring: &Wiring) -> String {
        let n = shape.members;
        format!("step/1 n={n} {} wiring={wiring:?} outputs={:?}", shape.text(), shape.outputs)
    }

    /// Builds the circuit without one family of constraints: for tests of the others.
    pub fn without(table: &PhaseTable, phase: usize, members: u32, omit: Option<Family>) -> Self {
        let (kit, shape, wiring) = Self::lay_out(table, phase, members, omit);
        Self { circuit: kit.finish(Blinding::None), shape, wiring }
    }

    /// The rows that the circuit of a phase takes before they are padded to a power of two, without building it.
    pub fn rows(table: &PhaseTable, phase: usize, members: u32) -> usize {
        Self::lay_out(table, phase, members, None).0.b.num_gates()
    }

    fn lay_out(table: &PhaseTable, phase: usize, members: u32, omit: Option<Family>) -> (Kit, Shape, Wiring) {
        let shape = Shape::of(table, phase, members);
        let wiring = Wiring::of(table, phase);
        let (n, columns) = (shape.members, shape.columns);
        let mut kit = Kit::new(Purpose::Public, &Self::text(&shape, &wiring), omit);

        kit.public(8);
        let mut pairs = |count: usize| (0..count).map(|_| (kit.public_hash(), kit.public_hash())).collect::<Vec<_>>();
        let (tile_hashes, state_hashes) = (pairs(wiring.tiles), pairs(wiring.states));
        let opening_hashes: Vec<_> = shape
            .openings
            .iter()
            .map(|_| (kit.public_hash(), kit.public_hash(), kit.public_hashes(n), kit.public_hashes(n)))
            .collect();
        let output_hashes: Vec<_> = shape
            .outputs
            .iter()
            .map(|o| {
                let g = kit.public_hashes(n);
                let before = o.carry.then(|| kit.public_hash());
                (g, before, kit.public_hash(), kit.public_hash(), kit.public_hash())
            })
            .collect();
        let head = kit.head();
        let member_values: Vec<_> = (0..n)
            .map(|_| {
                let r = kit.public_ext();
                let c: Vec<_> = shape.openings.iter().map(|(kind, _)| kit.public_exts(kind.values(columns))).collect();
                let outputs: Vec<_> = shape.outputs.iter().map(|_| (kit.public_ext(), kit.public_ext())).collect();
                (r, c, outputs)
            })
            .collect();
        let offline_values: Vec<Vec<_>> = shape
            .openings
            .iter()
            .map(|_| (0..n).map(|_| (kit.public_ext(), kit.public_ext(), kit.public_ext())).collect())
            .collect();

        let open = |kit: &mut Kit, name: String, hash: [Target; 4]| {
            let p = kit.input(name, N);
            let opened = kit.commit(Tag::Polynomial, &p);
            kit.equal("polynomial commitment", &opened, &hash);
            p
        };
        let mut ciphers = BTreeMap::new();
        for (name, hashes) in [("tile", tile_hashes), ("state", state_hashes)] {
            for (k, (c0, a)) in hashes.into_iter().enumerate() {
                let place = if name == "tile" { Place::Tile(k) } else { Place::State(k) };
                let c0 = open(&mut kit, format!("{name} {k} c0"), c0);
                let a = open(&mut kit, format!("{name} {k} a"), a);
                let value = kit.evaluate(&a, head.r);
                ciphers.insert(place, (c0, value));
            }
        }
        let y = kit.power(head.r, columns as u64);
        let mut parts: BTreeMap<(Place, usize), Vec<Ext>> = BTreeMap::new();
        let mut wholes: BTreeMap<Place, Ext> = BTreeMap::new();
        let mut collected = Collected::default();
        let mut witness = vec![];
        let mut rounded: Vec<Vec<Target>> = vec![];
        let gate = kit.range_gate(shape.shift, 2 * shape.half_range(), "opened range");
        for (o, ((kind, length), (d2_hash, c_hash, p_hashes, y_hashes))) in
            shape.openings.iter().zip(opening_hashes).enumerate()
        {
            let d2 = open(&mut kit, format!("d2 {o}"), d2_hash);
            let c = open(&mut kit, format!("c {o}"), c_hash);
            for (_, c_values, _) in &member_values {
                let _ = c_values;
            }
            for (r, c_values, _) in &member_values {
                let power = kit.power(*r, columns as u64);
                let found = kind.evaluate(&mut kit, &c, columns, *r, power);
                for (f, v) in found.into_iter().zip(&c_values[o]) {
                    kit.equal_ext("values at points", f, *v);
                }
            }
            // Products, by the values of their operands.
            let mut product_parts = vec![];
            let (mut d2_sum, mut c_sum) = (kit.b.zero_extension(), kit.b.zero_extension());
            for &(left, right) in &wiring.products[o] {
                for place in [left, right] {
                    let key = (place, kind.values(columns));
                    if let Entry::Vacant(part) = parts.entry(key) {
                        let values = kind.evaluate(&mut kit, &ciphers[&place].0, columns, head.r, y);
                        if let Entry::Vacant(whole) = wholes.entry(place) {
                            whole.insert(kind.whole(&mut kit, &values, columns, head.r));
                        }
                        part.insert(values);
                    }
                }
                let (a_left, a_right) = (ciphers[&left].1, ciphers[&right].1);
                d2_sum = kit.b.mul_add_extension(a_left, a_right, d2_sum);
                c_sum = kit.b.mul_add_extension(wholes[&left], a_right, c_sum);
                c_sum = kit.b.mul_add_extension(a_left, wholes[&right], c_sum);
                let of = |place| parts[&(place, kind.values(columns))].clone();
                product_parts.push((of(left), of(right)));
            }
            let d2_value = kit.evaluate(&d2, head.r);
            collected.full.push(kit.b.sub_extension(d2_sum, d2_value));
            for &(tile, class) in &wiring.addends[o] {
                let a = ciphers[&Place::Tile(tile)].1;
                c_sum = match class {
                    0 => kit.b.add_extension(c_sum, a),
                    _ => {
                        let power = kit.power(head.r, (N - class * columns) as u64);
                        let shifted = kit.b.mul_extension(power, a);
                        kit.b.sub_extension(c_sum, shifted)
                    }
                };
            }
            for (i, p_hash) in p_hashes.into_iter().enumerate() {
                let p = open(&mut kit, format!("p {o} {i}"), p_hash);
                let value = kit.evaluate(&p, head.r);
                c_sum = kit.b.add_extension(c_sum, value);
                let (r, d2_value, p_value) = offline_values[o][i];
                let at = kit.evaluate(&d2, r);
                let negated = kit.b.mul_const_extension(F::NEG_ONE, at);
                kit.equal_ext("values at points", negated, d2_value);
                let at = kit.evaluate(&p, r);
                kit.equal_ext("values at points", at, p_value);
            }
            let c_value = kit.evaluate(&c, head.r);
            collected.full.push(kit.b.sub_extension(c_sum, c_value));

            let d0 = kit.input(format!("d0 {o}"), *length);
            witness.extend(&d0);
            collected.opening(&mut kit, &format!("product {o}"), kind, &product_parts, &d0, (columns, head.r, y));
            let mut u = d0;
            for &(tile, class) in &wiring.addends[o] {
                let c0 = &ciphers[&Place::Tile(tile)].0;
                for (j, u) in u.iter_mut().enumerate() {
                    *u = kit.b.add(*u, c0[class * columns + j]);
                }
            }
            for (i, y_hash) in y_hashes.into_iter().enumerate() {
                let share = kit.input(format!("y {o} {i}"), *length);
                let opened = kit.commit(Tag::MaskedShare, &share);
                kit.equal("masked share commitment", &opened, &y_hash);
                u.iter_mut().zip(share).for_each(|(u, y)| *u = kit.b.add(*u, y));
            }
            let numbers = kit.ranged(&format!("opened {o}"), &gate, *length);
            let offset = F::from_canonical_u64(shape.opened_offset());
            let shifted: Vec<_> = u.into_iter().map(|u| kit.b.add_const(u, offset)).collect();
            let v: Vec<_> = numbers.iter().map(|(v, _)| *v).collect();
            kit.equal("opened values", &v, &shifted);
            rounded.push(numbers.into_iter().map(|(_, d)| d).collect());
        }
        for (k, (o, (g_hashes, before, after, c0_hash, a_hash))) in shape.outputs.iter().zip(output_hashes).enumerate()
        {
            let length = rounded[o.openings[0]].len();
            let zero = kit.b.zero();
            let mut next = vec![zero; length];
            if let Some(before) = before {
                next = kit.input(format!("before {k}"), length);
                let opened = kit.commit(Tag::Opened, &next);
                kit.equal("opened before", &opened, &before);
            }
            let back = -F::from_canonical_u64(shape.half_range());
            for &opening in &o.openings {
                for (u, &q) in next.iter_mut().zip(&rounded[opening]) {
                    let d = kit.b.add_const(q, back);
                    *u = if o.negate { kit.b.sub(*u, d) } else { kit.b.add(*u, d) };
                }
            }
            let next: Vec<_> = next.into_iter().map(|u| kit.b.add_const(u, from_i64(o.constant))).collect();
            let opened = kit.commit(Tag::Opened, &next);
            kit.equal("opened after", &opened, &after);
            let c0 = open(&mut kit, format!("c0 {k}"), c0_hash);
            let a = open(&mut kit, format!("a {k}"), a_hash);
            let mut sum = placed(&mut kit, o.packing, columns, &next, head.r, y);
            for (i, g_hash) in g_hashes.into_iter().enumerate() {
                let g = open(&mut kit, format!("g {k} {i}"), g_hash);
                let value = kit.evaluate(&g, head.r);
                sum = kit.b.add_extension(sum, value);
                let (r, _, outputs) = &member_values[i];
                let (a_value, g_value) = outputs[k];
                for (p, value) in [(&a, a_value), (&g, g_value)] {
                    let found = kit.evaluate(p, *r);
                    kit.equal_ext("values at points", found, value);
                }
            }
            let value = kit.evaluate(&c0, head.r);
            kit.equal_ext("new ciphertext", value, sum);
        }
        witness.append(&mut collected.witness);
        let opened = kit.commit(Tag::Witness, &witness);
        kit.equal("witness commitment", &opened, &head.witness);
        gadgets::all_identities(&mut kit, &head, &collected, columns, y);
        let _ = hash;
        (kit, shape, wiring)
    }

    /// What the phase makes of its data, output by output.
    pub fn run(&self, data: &StepData<'_>) -> Vec<Made> {
        let rounded: Vec<Vec<F>> = (0..data.openings.len()).map(|o| self.opened(data, o).1).collect();
        let shape = &self.shape;
        let made = shape.outputs.iter().zip(&data.outputs).map(|(o, d)| {
            let length = rounded[o.openings[0]].len();
            let mut opened = if o.carry { d.before.to_vec() } else { vec![F::ZERO; length] };
            for &k in &o.openings {
                for (u, &v) in opened.iter_mut().zip(&rounded[k]) {
                    if o.negate { *u -= v } else { *u += v }
                }
            }
            opened.iter_mut().for_each(|u| *u += from_i64(o.constant));
            let mut c0 = place(o.packing, shape.columns, &opened);
            d.g.iter().for_each(|g| poly::add(&mut c0, g));
            Made { opened, c0 }
        });
        made.collect()
    }

    fn cipher<'a>(data: &StepData<'a>, place: Place) -> (&'a [F], &'a [F]) {
        match place {
            Place::Tile(k) => data.tiles[k],
            Place::State(k) => data.states[k],
        }
    }

    /// (d0 with hints, rounded u, u) of an opening.
    fn opened(&self, data: &StepData<'_>, o: usize) -> (crate::opening::Hints, Vec<F>, Vec<F>) {
        let columns = self.shape.columns;
        let pairs: Vec<_> =
            self.wiring.products[o].iter().map(|&(a, b)| (Self::cipher(data, a).0, Self::cipher(data, b).0)).collect();
        let hints = self.shape.openings[o].0.hints(&pairs, columns);
        let mut u = hints.opened.clone();
        for &(tile, class) in &self.wiring.addends[o] {
            u.iter_mut().zip(&data.tiles[tile].0[class * columns..]).for_each(|(u, &c)| *u += c);
        }
        for y in &data.openings[o].y {
            poly::add(&mut u, y);
        }
        let rounded = u.iter().map(|&u| from_i64(round_shift(centred(u), self.shape.shift))).collect();
        (hints, rounded, u)
    }

    /// The values of a statement at the members' points.
    fn values_at(&self, data: &StepData<'_>) -> Vec<E> {
        let columns = self.shape.columns;
        let mut out = vec![];
        for (i, &r) in data.points.iter().enumerate() {
            out.push(r);
            for ((kind, _), o) in self.shape.openings.iter().zip(&data.openings) {
                out.extend(kind.at(o.c, columns, r));
            }
            for o in &data.outputs {
                out.extend([poly::evaluate(o.a, r), poly::evaluate(o.g[i], r)]);
            }
        }
        for o in &data.openings {
            for (p, &r) in o.p.iter().zip(&o.offline_points) {
                out.extend([r, -poly::evaluate(o.d2, r), poly::evaluate(p, r)]);
            }
        }
        out
    }

    /// What an honest node fills in.
    pub fn values(&self, statement: &inputs::Step, data: &StepData<'_>) -> Values {
        let shape = &self.shape;
        let mut values = Values::default();
        for (name, list) in [("tile", &data.tiles), ("state", &data.states)] {
            for (k, (c0, a)) in list.iter().enumerate() {
                values.put(format!("{name} {k} c0"), c0.to_vec());
                values.put(format!("{name} {k} a"), a.to_vec());
            }
        }
        let gate = RangeGate::new(shape.shift, 2 * shape.half_range(), 135, 80, true);
        let (mut d0, mut own, mut full, mut short) = (vec![], vec![], vec![], vec![]);
        for (o, opening) in data.openings.iter().enumerate() {
            values.put(format!("d2 {o}"), opening.d2.to_vec());
            values.put(format!("c {o}"), opening.c.to_vec());
            opening.p.iter().enumerate().for_each(|(i, p)| values.put(format!("p {o} {i}"), p.to_vec()));
            opening.y.iter().enumerate().for_each(|(i, y)| values.put(format!("y {o} {i}"), y.to_vec()));
            let (mut d2, mut c) = (poly::Sum::default(), poly::Sum::default());
            for &(left, right) in &self.wiring.products[o] {
                let ((c0_l, a_l), (c0_r, a_r)) = (Self::cipher(data, left), Self::cipher(data, right));
                d2.add_product(a_l, a_r);
                c.add_product(c0_l, a_r);
                c.add_product(a_l, c0_r);
            }
            for &(tile, class) in &self.wiring.addends[o] {
                c.add_shifted_down(data.tiles[tile].1, class * shape.columns);
            }
            full.push(d2.into_quotient());
            full.push(c.into_quotient());
            let (hints, _, u) = self.opened(data, o);
            values.put(format!("d0 {o}"), hints.opened.clone());
            d0.extend(hints.opened);
            if !hints.own.is_empty() {
                values.put(format!("product {o}"), hints.own.clone());
            }
            own.extend(hints.own);
            full.extend(hints.full);
            short.extend(hints.short);
            let numbers = u.iter().map(|&u| (i128::from(centred(u)) + i128::from(shape.opened_offset())).max(0) as u64);
            values.put(format!("opened {o}"), gate.fill(numbers));
        }
        let made = self.run(data);
        for (k, (o, d)) in shape.outputs.iter().zip(&data.outputs).enumerate() {
            if o.carry {
                values.put(format!("before {k}"), d.before.to_vec());
            }
            values.put(format!("c0 {k}"), made[k].c0.clone());
            values.put(format!("a {k}"), d.a.to_vec());
            d.g.iter().enumerate().for_each(|(i, g)| values.put(format!("g {k} {i}"), g.to_vec()));
        }
        let witness = commit(Tag::Witness, &[d0, own].concat());
        gadgets::seal(
            &mut values,
            &self.circuit.id(),
            &statement.elements(),
            witness,
            |beta| vec![poly::combine(&full, beta), poly::combine_some(&short, beta)],
            |_| self.values_at(data),
        );
        values
    }

    /// Proves a phase.
    ///
    /// # Errors
    /// Data that is not what the statement says.
    pub fn prove(&self, statement: &inputs::Step, data: &StepData<'_>) -> Result<Proof, ProofError> {
        self.circuit.prove(&self.values(statement, data))
    }

    /// Verifies a proof against the statement and the public data behind its commitments.
    ///
    /// # Errors
    /// A proof of something else, or none.
    pub fn verify(&self, statement: &inputs::Step, data: &StepData<'_>, proof: &Proof) -> Result<(), ProofError> {
        gadgets::check(&self.circuit, &statement.elements(), proof, |_| self.values_at(data))
    }
}

impl Shape {
    /// `K`: opened values are rounded to `[−K, K]`.
    pub fn half_range(&self) -> u64 {
        ((1u64 << 63) - (1 << (self.mask_bits - 1))) >> self.shift
    }

    /// `half + 2^shift·K`.
    pub fn opened_offset(&self) -> u64 {
        (self.half_range() << self.shift) + (1 << (self.shift - 1))
    }
}

#[allow(unused)]
fn unused(e: E) -> [F; 2] {
    let _ = Positions::Rows;
    from_ext(e)
}
