//! One forgery for each family of constraints, false in nothing else: without the family it is proven and
//! accepted, with it there is no proof. The forger fills in every hint itself.

use crate::forge::{
    Draft, MINUS, add, assert_false, choose_quotient, ext, mask_gate, numbers, opened_gate, packs, refused, solve,
};
use crate::stage::{
    EXTEND, Extension, JOB, MEMBERS, NOISE, PHASES, STEPS, Share, Shares, Step, TILE, Tile, key_commitment, other_key,
};
use plonky2::field::types::PrimeField;
use std::collections::BTreeSet;
use zektra_prove::circuit::{Circuit, Proof, ProofError};
use zektra_prove::extend::ExtendCircuit;
use zektra_prove::gates::SmallGate;
use zektra_prove::kit::{Family, Values};
use zektra_prove::noise::{Kind, NoiseCircuit};
use zektra_prove::phase::PhaseCircuit;
use zektra_prove::step::{Made, StepCircuit};
use zektra_prove::tile::TileCircuit;
use zektra_statement::digest::{Commitment, Tag, commit};
use zektra_statement::field::{F, Field, N, PrimeField64, centred, from_i64};
use zektra_statement::inputs::{self, Statement};

/// A forger and the family that forbids it.
type Row<T> = (Family, fn() -> T);

/// The table has a row for each family of a circuit and no other.
fn assert_complete<T>(circuit: &Circuit, table: &[Row<T>]) {
    let named: BTreeSet<Family> = table.iter().map(|r| r.0).collect();
    assert_eq!(named, circuit.families().collect());
}

/// With the family there is no proof, without it there is one, and `verify` accepts it.
fn assert_needed(
    family: Family,
    full: &Circuit,
    without: &Circuit,
    values: &Values,
    verify: impl FnOnce(&Proof) -> Result<(), ProofError>,
) {
    refused(full, values, family);
    // A proof of a larger circuit takes a second; what is checked is the same.
    if full.rows_log2() < 12 {
        assert_false(full.prove(values), family);
    }
    let proof = without.prove(values).unwrap_or_else(|e| panic!("{family}: more than it forbids the forgery: {e}"));
    verify(&proof).unwrap_or_else(|e| panic!("{family}: {e}"));
    assert!(full.verify(&proof).is_err(), "{family}: the full circuit accepts it");
}

fn two() -> F {
    F::TWO
}

/// A key with one digit that is not ternary.
fn not_ternary(key: &[F]) -> Vec<F> {
    let mut key = key.to_vec();
    key[100] = two();
    key
}

fn nothing() -> Commitment {
    commit(Tag::Witness, &[])
}

// ---- noise

type NoiseForgery = (Values, inputs::Noise, Shares);

fn noise_values(s: Shares) -> NoiseForgery {
    let statement = s.statement(&NOISE);
    (NOISE.values(&statement, &s.key, &s.items()), statement, s)
}

fn noise_witness(values: &Values) -> Vec<F> {
    let gate = SmallGate::noise(true);
    (0..2).flat_map(|k| packs(&gate, values.get(&format!("noise {k}")).unwrap())).collect()
}

fn noise_sealed((values, statement, s): NoiseForgery, witness: Commitment) -> NoiseForgery {
    let values =
        Draft::of(&NOISE.circuit, values, statement.elements()).seal(witness, |r| NOISE.values_at(&s.polys(), r));
    (values, statement, s)
}

const NOISE_FORGERIES: &[Row<NoiseForgery>] = &[
    ("ternary key", || {
        let honest = JOB.extension_shares.clone();
        noise_values(Shares { key: not_ternary(&honest.key), ..honest }.again())
    }),
    ("key commitment", || {
        let honest = JOB.extension_shares.clone();
        let s = Shares { key: other_key(), ..honest.clone() }.again();
        let statement = inputs::Noise { key: key_commitment(&honest.key), ..s.statement(&NOISE) };
        (NOISE.values(&statement, &s.key, &s.items()), statement, s)
    }),
    ("noise range", || {
        let mut s = JOB.extension_shares.clone();
        s.items[1].2[7] = from_i64(3);
        let (mut values, statement, s) = noise_values(s.again());
        values.get_mut("noise 1").unwrap()[7] = from_i64(5);
        let witness = commit(Tag::Witness, &noise_witness(&values));
        noise_sealed((values, statement, s), witness)
    }),
    ("witness commitment", || noise_sealed(noise_values(JOB.extension_shares.clone()), nothing())),
    ("quotient commitment", || {
        let mut s = JOB.extension_shares.clone();
        s.items[0].1[9] += F::ONE;
        let (mut values, statement, s) = noise_values(s);
        let r = ext(values.get("public").unwrap(), statement.elements().len() + 10);
        choose_quotient(&mut values, r.exp_u64(9), r);
        (values, statement, s)
    }),
    ("identity", || {
        let mut s = JOB.extension_shares.clone();
        s.items[0].1[9] += F::ONE;
        noise_values(s)
    }),
];

#[test]
fn of_extension_shares() {
    assert_complete(&NOISE.circuit, NOISE_FORGERIES);
    for (family, forge) in NOISE_FORGERIES {
        let (values, statement, s) = forge();
        let without = NoiseCircuit::without(Kind::Extension, 2, Some(family));
        let verify = |proof: &Proof| without.verify(&statement, &s.polys(), proof);
        assert_needed(family, &NOISE.circuit, &without.circuit, &values, verify);
    }
}

// ---- tile

type TileForgery = (Values, inputs::Tile, Tile);

fn tile_values(t: Tile) -> TileForgery {
    let statement = t.statement();
    (TILE.values(&statement, &t.key, &t.planes()), statement, t)
}

fn tile_witness(values: &Values, t: &Tile) -> Vec<F> {
    let (features, noise) = (SmallGate::features(JOB.bounds.range, true), SmallGate::noise(true));
    let mut out = packs(&features, values.get("features 0").unwrap());
    out.extend(&t.planes[1].message[..JOB.bounds.classes * JOB.bounds.columns]);
    out.extend((0..2).flat_map(|k| packs(&noise, values.get(&format!("noise 0 {k}")).unwrap())));
    out
}

fn tile_sealed((values, statement, t): TileForgery, witness: Commitment) -> TileForgery {
    let values =
        Draft::of(&TILE.circuit, values, statement.elements()).seal(witness, |r| TILE.values_at(&t.polys(), r));
    (values, statement, t)
}

/// A row with only these entries at its beginning.
fn row_of(entries: &[i64]) -> Tile {
    let mut t = JOB.tile.clone();
    let row = &mut t.planes[0].message[..JOB.bounds.columns];
    row.fill(F::ZERO);
    row.iter_mut().zip(entries).for_each(|(x, &e)| *x = from_i64(e));
    t.again()
}

/// A square root of 2: as an integer far out of range, with a small square.
fn root_of_two() -> F {
    let root = F::TWO.sqrt().unwrap();
    assert!(centred(root).unsigned_abs() > JOB.bounds.moment_range());
    root
}

const TILE_FORGERIES: &[Row<TileForgery>] = &[
    ("ternary key", || {
        let honest = JOB.tile.clone();
        tile_values(Tile { key: not_ternary(&honest.key), ..honest }.again())
    }),
    ("key commitment", || {
        let honest = JOB.tile.clone();
        let t = Tile { key: other_key(), ..honest.clone() }.again();
        let statement = inputs::Tile { key: key_commitment(&honest.key), ..t.statement() };
        (TILE.values(&statement, &t.key, &t.planes()), statement, t)
    }),
    ("noise range", || {
        let mut t = JOB.tile.clone();
        t.planes[1].noise[70] = from_i64(-3);
        let (mut values, statement, t) = tile_values(t.again());
        values.get_mut("noise 0 1").unwrap()[70] = MINUS;
        let witness = commit(Tag::Witness, &tile_witness(&values, &t));
        tile_sealed((values, statement, t), witness)
    }),
    ("feature range", || {
        let range = JOB.bounds.range;
        let (mut values, statement, t) = tile_values(row_of(&[range as i64 + 1]));
        // The first digit counts one by one.
        assert_eq!(SmallGate::features(range, true).weights[0].weight, 1);
        add(&mut values, "features 0", 0, F::ONE);
        let witness = commit(Tag::Witness, &tile_witness(&values, &t));
        tile_sealed((values, statement, t), witness)
    }),
    ("moment range", || {
        let bound = JOB.bounds;
        let mut t = JOB.tile.clone();
        t.planes[1].message[..bound.columns].fill(F::ZERO);
        t.planes[1].message[3] = root_of_two();
        let (mut values, statement, t) = tile_values(t.again());
        let per = |max| mask_free_gate(max).per_number();
        let at = 3 * per(2 * bound.moment_range());
        let digits = values.get_mut("moment 0").unwrap();
        digits[at..at + per(2 * bound.moment_range())].fill(F::ZERO);
        digits[at] = root_of_two() + F::from_canonical_u64(bound.moment_range());
        values.put("moment slack", mask_free_gate(bound.moment_norm).fill([bound.moment_norm - 2]));
        (values, statement, t)
    }),
    ("row norm", || {
        let range = JOB.bounds.range as i64;
        assert!(4 * range * range > JOB.bounds.row_norm as i64);
        tile_values(row_of(&[range; 4]))
    }),
    ("moment norm", || {
        let mut t = JOB.tile.clone();
        t.planes[1].message[..2].fill(F::from_canonical_u64(JOB.bounds.moment_range()));
        tile_values(t.again())
    }),
    ("witness commitment", || tile_sealed(tile_values(JOB.tile.clone()), nothing())),
    ("quotient commitment", || {
        let mut t = JOB.tile.clone();
        t.planes[0].b[9] += F::ONE;
        let (mut values, statement, t) = tile_values(t);
        let r = ext(values.get("public").unwrap(), statement.elements().len() + 10);
        choose_quotient(&mut values, r.exp_u64(9), r);
        (values, statement, t)
    }),
    ("identity", || {
        let mut t = JOB.tile.clone();
        t.planes[0].b[9] += F::ONE;
        tile_values(t)
    }),
];

/// The gate of numbers that are not rounded.
fn mask_free_gate(max: u64) -> zektra_prove::gates::RangeGate {
    zektra_prove::gates::RangeGate::new(0, max, 135, 80, true)
}

#[test]
fn of_a_tile() {
    assert_complete(&TILE.circuit, TILE_FORGERIES);
    for (family, forge) in TILE_FORGERIES {
        let (values, statement, t) = forge();
        let without = TileCircuit::without(JOB.bounds, Some(family));
        let verify = |proof: &Proof| without.verify(&statement, &t.polys(), proof);
        assert_needed(family, &TILE.circuit, &without.circuit, &values, verify);
    }
}

// ---- phase

type PhaseForgery = (Values, inputs::PhaseShare, Share);

/// The second phase opens columns and carries its state.
const GRADIENT: usize = 1;

fn share() -> Share {
    JOB.shares[1][GRADIENT][1].clone()
}

fn phase_values(statement: inputs::PhaseShare, s: Share) -> PhaseForgery {
    (PHASES[GRADIENT].values(&statement, &s.key, &s.openings(), &s.outputs()), statement, s)
}

fn phase_witness(values: &Values) -> Vec<F> {
    let gate = mask_gate(JOB.table.phases[GRADIENT].shift, MEMBERS as u32);
    let mut out = numbers(&gate, values.get("masks 0").unwrap(), JOB.bounds.columns);
    out.extend(values.get("product 0").unwrap());
    out.extend(packs(&SmallGate::noise(true), values.get("noise 0").unwrap()));
    out
}

fn phase_sealed((values, statement, s): PhaseForgery, witness: Commitment) -> PhaseForgery {
    let draft = Draft::of(&PHASES[GRADIENT].circuit, values, statement.elements());
    (draft.seal(witness, |r| PHASES[GRADIENT].values_at(&s.polys(), r)), statement, s)
}

const PHASE_FORGERIES: &[Row<PhaseForgery>] = &[
    ("ternary key", || {
        let honest = share();
        let s = Share { key: not_ternary(&honest.key), ..honest }.again();
        phase_values(s.statement(), s)
    }),
    ("key commitment", || {
        let honest = share();
        let s = Share { key: other_key(), ..honest.clone() }.again();
        phase_values(inputs::PhaseShare { key: key_commitment(&honest.key), ..s.statement() }, s)
    }),
    ("masked share commitment", || {
        let s = share();
        let mut statement = s.statement();
        let mut y = s.openings[0].y.clone();
        y[0] += F::from_canonical_u64(1 << 40);
        statement.openings[0].1 = commit(Tag::MaskedShare, &y);
        phase_values(statement, s)
    }),
    ("mask range", || {
        // D is one too large, and the remainder makes up for it.
        let mut s = share();
        s.outputs[0].after.0[2] += MINUS;
        let s = s.again();
        let (mut values, statement, s) = phase_values(s.statement(), s);
        let shift = JOB.table.phases[GRADIENT].shift;
        let gate = mask_gate(shift, MEMBERS as u32);
        let first = 2 * gate.per_number();
        assert_eq!((gate.low[0].weight, gate.high[0].weight), (1, 1));
        add(&mut values, "masks 0", first, -F::from_canonical_u64(1 << shift));
        add(&mut values, "masks 0", first + gate.low.len(), F::ONE);
        (values, statement, s)
    }),
    ("opened products", || {
        let mut s = share();
        s.openings[0].y[4] += F::ONE;
        let (mut values, statement, s) = phase_values(s.statement(), s);
        add(&mut values, "product 0", 4, F::ONE);
        let witness = commit(Tag::Witness, &phase_witness(&values));
        phase_sealed((values, statement, s), witness)
    }),
    ("opened coefficients", || {
        let mut s = share();
        s.openings[0].y[4] += F::ONE;
        phase_values(s.statement(), s)
    }),
    ("state share before", || {
        let honest = share();
        let mut s = honest.clone();
        s.outputs[0].before.0[3] += two();
        s.outputs[0].after.0[3] += two();
        let s = s.again();
        let mut statement = s.statement();
        statement.outputs[0].before = honest.statement().outputs[0].before;
        phase_values(statement, s)
    }),
    ("rounding", || {
        let mut s = share();
        s.outputs[0].after.0[3] += F::ONE;
        let s = s.again();
        phase_values(s.statement(), s)
    }),
    ("state share after", || {
        let s = share();
        let mut other = s.clone();
        other.outputs[0].after.0[3] += F::ONE;
        phase_values(other.statement(), s)
    }),
    ("noise range", || {
        let mut s = share();
        s.outputs[0].noise[4000] = from_i64(3);
        let s = s.again();
        let (mut values, statement, s) = phase_values(s.statement(), s);
        values.get_mut("noise 0").unwrap()[4000] = from_i64(5);
        let witness = commit(Tag::Witness, &phase_witness(&values));
        phase_sealed((values, statement, s), witness)
    }),
    ("witness commitment", || {
        // Products chosen after r: any y is proven.
        let mut s = share();
        let by = F::from_canonical_u64(1 << 40);
        s.openings[0].y[0] += by;
        let (mut values, statement, s) = phase_values(s.statement(), s);
        let r = ext(values.get("public").unwrap(), statement.elements().len() + 10);
        choose_products(&mut values, by, JOB.bounds.columns, r);
        (values, statement, s)
    }),
    ("quotient commitment", || {
        let mut s = share();
        s.outputs[0].g[9] += F::ONE;
        let (mut values, statement, s) = phase_values(s.statement(), s);
        let r = ext(values.get("public").unwrap(), statement.elements().len() + 10);
        choose_quotient(&mut values, r.exp_u64(9), r);
        (values, statement, s)
    }),
    ("identity", || {
        let mut s = share();
        s.outputs[0].g[9] += F::ONE;
        phase_values(s.statement(), s)
    }),
];

/// `T_0` larger by `by`, and the two coefficients above the opened ones so that `T(r)` stays.
fn choose_products(values: &mut Values, by: F, columns: usize, r: zektra_statement::field::E) {
    let (x, z) = solve(r.exp_u64(columns as u64), r.exp_u64(columns as u64 + 1), (-by).into());
    for (k, by) in [(0, by), (columns, x), (columns + 1, z)] {
        add(values, "product 0", k, by);
    }
}

#[test]
fn of_an_answer() {
    let circuit = &PHASES[GRADIENT].circuit;
    assert_complete(circuit, PHASE_FORGERIES);
    for (family, forge) in PHASE_FORGERIES {
        let (values, statement, s) = forge();
        let without = PhaseCircuit::without(&JOB.table, GRADIENT, MEMBERS as u32, Some(family));
        let verify = |proof: &Proof| without.verify(&statement, &s.polys(), proof);
        assert_needed(family, circuit, &without.circuit, &values, verify);
    }
}

/// Rows have an identity of their own kind.
#[test]
fn of_an_answer_with_opened_rows() {
    let mut s = JOB.shares[1][0][1].clone();
    s.openings[0].y[4] += F::ONE;
    let statement = s.statement();
    let values = PHASES[0].values(&statement, &s.key, &s.openings(), &s.outputs());
    let family = "opened products";
    let without = PhaseCircuit::without(&JOB.table, 0, MEMBERS as u32, Some(family));
    let verify = |proof: &Proof| without.verify(&statement, &s.polys(), proof);
    assert_needed(family, &PHASES[0].circuit, &without.circuit, &values, verify);
}

// ---- step

type StepForgery = Values;

fn step() -> Step {
    JOB.steps[1][GRADIENT].clone()
}

fn made(s: &Step) -> Vec<Made> {
    STEPS[GRADIENT].run(&s.data())
}

fn step_values(statement: &inputs::Step, s: &Step) -> Values {
    STEPS[GRADIENT].values(statement, &s.data())
}

fn step_witness(values: &Values) -> Vec<F> {
    [values.get("d0 0").unwrap(), values.get("product 0").unwrap()].concat()
}

fn step_sealed(values: Values, statement: &inputs::Step, witness: Commitment) -> Values {
    let elements = statement.elements();
    let at: Vec<_> = values.get("public").unwrap()[elements.len() + 12..].chunks(2).map(|c| ext(c, 0)).collect();
    Draft::of(&STEPS[GRADIENT].circuit, values, elements).seal(witness, |_| at)
}

/// What is made if the opened value `k` is rounded to `by` more.
fn made_with(s: &Step, k: usize, by: F) -> Vec<Made> {
    let mut all = made(s);
    // The output is negated; entry 0 stands at position 0 without a sign, the others at N − k with one.
    all[0].opened[k] -= by;
    let position = (N - k) % N;
    if k == 0 {
        all[0].c0[position] -= by
    } else {
        all[0].c0[position] += by
    }
    all
}

/// Values of what was made, with the digits of opened value `k` changed by (remainder, quotient).
fn rounded_to(s: &Step, made: &[Made], k: usize, (low, high): (F, F)) -> (Values, inputs::Step) {
    let statement = s.statement(made);
    let mut values = step_values(&statement, s);
    values.put("c0 0", made[0].c0.clone());
    let gate = opened_gate(JOB.table.phases[GRADIENT].shift, MEMBERS as u32);
    assert_eq!((gate.low[0].weight, gate.high[0].weight), (1, 1));
    add(&mut values, "opened 0", k * gate.per_number(), low);
    add(&mut values, "opened 0", k * gate.per_number() + gate.low.len(), high);
    (values, statement)
}

/// An opened value whose quotient can be one more without a carry.
fn with_room(s: &Step) -> usize {
    let values = step_values(&s.statement(&made(s)), s);
    let gate = opened_gate(JOB.table.phases[GRADIENT].shift, MEMBERS as u32);
    let digits = values.get("opened 0").unwrap();
    let first = |k: usize| digits[k * gate.per_number() + gate.low.len()].to_canonical_u64();
    (1..32).find(|&k| first(k) < gate.high[0].base - 1).unwrap()
}

const STEP_FORGERIES: &[Row<StepForgery>] = &[
    ("polynomial commitment", || {
        // Computed with another moment than the one that is named.
        let honest = step();
        let mut s = honest.clone();
        s.tiles[1].0[0] += F::from_canonical_u64(1 << 20);
        let mut statement = s.statement(&made(&s));
        statement.tiles[1].0 = honest.statement(&made(&honest)).tiles[1].0;
        step_values(&statement, &s)
    }),
    ("values at points", || {
        let s = step();
        let mut values = step_values(&s.statement(&made(&s)), &s);
        let last = values.get("public").unwrap().len() - 1;
        add(&mut values, "public", last, F::ONE);
        values
    }),
    ("opened products", || {
        let s = step();
        let k = with_room(&s);
        let shift = JOB.table.phases[GRADIENT].shift;
        let by = F::from_canonical_u64(1 << shift);
        let (mut values, statement) = rounded_to(&s, &made_with(&s, k, F::ONE), k, (F::ZERO, F::ONE));
        add(&mut values, "d0 0", k, by);
        add(&mut values, "product 0", k, by);
        let witness = commit(Tag::Witness, &step_witness(&values));
        step_sealed(values, &statement, witness)
    }),
    ("opened coefficients", || {
        let s = step();
        let k = with_room(&s);
        let shift = JOB.table.phases[GRADIENT].shift;
        let by = F::from_canonical_u64(1 << shift);
        let (mut values, statement) = rounded_to(&s, &made_with(&s, k, F::ONE), k, (F::ZERO, F::ONE));
        add(&mut values, "d0 0", k, by);
        let witness = commit(Tag::Witness, &step_witness(&values));
        step_sealed(values, &statement, witness)
    }),
    ("masked share commitment", || {
        let s = step();
        let mut other = s.clone();
        other.openings[0].y[1][0] += F::ONE;
        step_values(&other.statement(&made(&s)), &s)
    }),
    ("opened range", || {
        let s = step();
        let shift = JOB.table.phases[GRADIENT].shift;
        let low = -F::from_canonical_u64(1 << shift);
        rounded_to(&s, &made_with(&s, with_room(&s), F::ONE), with_room(&s), (low, F::ONE)).0
    }),
    ("opened values", || {
        let s = step();
        rounded_to(&s, &made_with(&s, with_room(&s), F::ONE), with_room(&s), (F::ZERO, F::ONE)).0
    }),
    ("opened before", || {
        let honest = step();
        let mut s = honest.clone();
        s.outputs[0].before[2] += F::ONE;
        let mut statement = s.statement(&made(&s));
        statement.outputs[0].before = honest.statement(&made(&honest)).outputs[0].before;
        step_values(&statement, &s)
    }),
    ("opened after", || {
        let s = step();
        let mut other = made(&s);
        other[0].opened[1] += F::ONE;
        step_values(&s.statement(&other), &s)
    }),
    ("new ciphertext", || {
        let s = step();
        let mut other = made(&s);
        other[0].c0[77] += F::ONE;
        let mut values = step_values(&s.statement(&other), &s);
        values.put("c0 0", other[0].c0.clone());
        values
    }),
    ("witness commitment", || {
        let s = step();
        let shift = JOB.table.phases[GRADIENT].shift;
        let by = F::from_canonical_u64(1 << shift);
        let (mut values, statement) = rounded_to(&s, &made_with(&s, 0, F::ONE), 0, (F::ZERO, F::ONE));
        add(&mut values, "d0 0", 0, by);
        let r = ext(values.get("public").unwrap(), statement.elements().len() + 10);
        choose_products(&mut values, by, JOB.bounds.columns, r);
        values
    }),
    ("quotient commitment", || {
        let mut s = step();
        s.openings[0].c[9] += F::ONE;
        let statement = s.statement(&made(&s));
        let mut values = step_values(&statement, &s);
        let (beta, r) = (
            ext(values.get("public").unwrap(), statement.elements().len() + 8),
            ext(values.get("public").unwrap(), statement.elements().len() + 10),
        );
        choose_quotient(&mut values, -beta * r.exp_u64(9), r);
        values
    }),
    ("identity", || {
        let mut s = step();
        s.openings[0].c[9] += F::ONE;
        step_values(&s.statement(&made(&s)), &s)
    }),
];

/// All constraints are evaluated, but no proof is made: each would take longer than all members' together.
#[test]
fn of_a_step() {
    let circuit = &STEPS[GRADIENT].circuit;
    assert_complete(circuit, STEP_FORGERIES);
    for (family, forge) in STEP_FORGERIES {
        let values = forge();
        refused(circuit, &values, family);
        let without = StepCircuit::without(&JOB.table, GRADIENT, MEMBERS as u32, Some(family));
        let found = without.circuit.check(&values);
        found.unwrap_or_else(|e| panic!("{family}: more than it forbids the forgery: {e}"));
    }
}

// ---- extend

const EXTEND_FORGERIES: &[Row<Values>] = &[
    ("polynomial commitment", || {
        let honest = &JOB.extension;
        let mut e: Extension = honest.clone();
        e.planes[0].b[5] += F::ONE;
        e.planes[0].c0[5] += F::ONE;
        let mut statement = e.statement();
        statement.planes[0].b = honest.statement().planes[0].b;
        EXTEND.values(&statement, &e.planes(), e.owner, &e.others)
    }),
    ("sum of shares", || {
        let mut e: Extension = JOB.extension.clone();
        e.planes[1].c0[5] += F::ONE;
        EXTEND.values(&e.statement(), &e.planes(), e.owner, &e.others)
    }),
    ("values at points", || {
        let e = &JOB.extension;
        let mut values = EXTEND.values(&e.statement(), &e.planes(), e.owner, &e.others);
        let last = values.get("public").unwrap().len() - 1;
        add(&mut values, "public", last, F::ONE);
        values
    }),
];

#[test]
fn of_a_row_group_on_its_way_to_the_jobs_key() {
    assert_complete(&EXTEND.circuit, EXTEND_FORGERIES);
    for (family, forge) in EXTEND_FORGERIES {
        let values = forge();
        refused(&EXTEND.circuit, &values, family);
        let without = ExtendCircuit::without(MEMBERS as u32, 1, Some(family));
        let found = without.circuit.check(&values);
        found.unwrap_or_else(|e| panic!("{family}: more than it forbids the forgery: {e}"));
    }
}
