//! What a forger does after an honest prover: changes values and seals them again.

use zektra_prove::circuit::{Circuit, ProofError};
use zektra_prove::gates::{RangeGate, SmallGate, Weight};
use zektra_prove::kit::Values;
use zektra_prove::poly;
use zektra_statement::digest::{Commitment, Fingerprint, Tag, commit};
use zektra_statement::field::{E, F, Field, from_ext, to_ext};
use zektra_statement::inputs::{self, Sealed};
use zektra_statement::payload::mask_bits;

/// The sum of weighted digits.
pub fn weighted(weights: &[Weight], digits: &[F]) -> F {
    weights.iter().zip(digits).map(|(w, &d)| d * F::from_canonical_u64(w.weight)).fold(F::ZERO, |s, x| s + x)
}

/// The packed sums of a polynomial's digits.
pub fn packs(gate: &SmallGate, digits: &[F]) -> Vec<F> {
    let per = gate.weights.len();
    let radix = F::from_canonical_u64(gate.radix());
    let mut out = vec![];
    for row in digits.chunks(per * gate.values()) {
        let mut left: Vec<F> = row.chunks(per).map(|d| weighted(&gate.weights, d)).collect();
        for &count in &gate.packs {
            let rest = left.split_off(count);
            out.push(left.iter().rev().fold(F::ZERO, |s, &v| s * radix + v));
            left = rest;
        }
    }
    out
}

/// The numbers of which `digits` are, without the zeros at the end.
pub fn numbers(gate: &RangeGate, digits: &[F], count: usize) -> Vec<F> {
    let number = |d: &[F]| {
        let (low, high) = d.split_at(gate.low.len());
        weighted(&gate.high, high) * F::from_canonical_u64(1 << gate.shift) + weighted(&gate.low, low)
    };
    digits.chunks(gate.per_number()).map(number).take(count).collect()
}

/// The gate of a phase's masks.
pub fn mask_gate(shift: u32, members: u32) -> RangeGate {
    RangeGate::new(shift, 1 << (mask_bits(members) + 1 - shift), 135, 80, true)
}

/// The gate of a step's opened values.
pub fn opened_gate(shift: u32, members: u32) -> RangeGate {
    let half = ((1u64 << 63) - (1 << (mask_bits(members) - 1))) >> shift;
    RangeGate::new(shift, 2 * half, 135, 80, true)
}

/// Changes one value.
pub fn add(values: &mut Values, name: &str, at: usize, by: F) {
    values.get_mut(name).unwrap()[at] += by;
}

/// `−1`.
pub const MINUS: F = F::NEG_ONE;

/// Values taken apart: what is committed to before `β` and `r`, and what follows.
pub struct Draft {
    pub values: Values,
    id: Fingerprint,
    elements: Vec<F>,
    full: Vec<Vec<F>>,
    short: Vec<Vec<F>>,
}

impl Draft {
    /// Takes sealed values apart; at most two identities of a kind.
    pub fn of(circuit: &Circuit, values: Values, elements: Vec<F>) -> Self {
        let public = values.get("public").unwrap();
        assert_eq!(public[..elements.len()], elements);
        let beta = ext(public, elements.len() + 8);
        let apart = |name: &str| {
            let part = |k: usize| values.get(&format!("{name} {k}")).map(<[F]>::to_vec);
            match (part(0), part(1)) {
                (None, _) => vec![],
                (Some(only), None) => vec![only],
                (Some(mut first), Some(mut second)) => {
                    let [x, y] = from_ext(beta);
                    let inverse = y.inverse();
                    second.iter_mut().for_each(|v| *v *= inverse);
                    first.iter_mut().zip(&second).for_each(|(f, &s)| *f -= x * s);
                    vec![first, second]
                }
            }
        };
        let (full, short) = (apart("quotient"), apart("short quotient"));
        Self { id: circuit.id(), elements, full, short, values }
    }

    /// Seals the values again, with this commitment of the witness.
    pub fn seal(mut self, witness: Commitment, at: impl FnOnce(E) -> Vec<E>) -> Values {
        let beta = inputs::head(&inputs::first_digest(&self.id, &self.elements, &witness));
        let mut all = vec![];
        for (list, name) in [(&self.full, "quotient"), (&self.short, "short quotient")] {
            for (k, q) in poly::combine_some(list, beta).into_iter().enumerate() {
                all.extend_from_slice(&q);
                self.values.put(format!("{name} {k}"), q);
            }
        }
        let sealed = Sealed { witness, quotient: commit(Tag::Quotient, &all) };
        let points = inputs::points(&self.id, &self.elements, &sealed);
        self.values.put("public", inputs::public_inputs(&self.elements, &sealed, &points, &at(points.r)));
        self.values
    }
}

/// An element of `E` among public inputs.
pub fn ext(public: &[F], at: usize) -> E {
    to_ext([public[at], public[at + 1]])
}

/// `x`, `z` with `x·p + z·q = t`.
pub fn solve(p: E, q: E, t: E) -> (F, F) {
    let ([p0, p1], [q0, q1], [t0, t1]) = (from_ext(p), from_ext(q), from_ext(t));
    let inverse = (p0 * q1 - p1 * q0).inverse();
    ((t0 * q1 - t1 * q0) * inverse, (p0 * t1 - p1 * t0) * inverse)
}

/// Chooses the quotient after `r`, so that an identity whose left side is too large by `excess` holds.
pub fn choose_quotient(values: &mut Values, excess: E, r: E) {
    let t = excess / (r.exp_u64(4096) + E::ONE);
    if values.get("quotient 1").is_some() {
        let [t0, t1] = from_ext(t);
        add(values, "quotient 0", 0, t0);
        add(values, "quotient 1", 0, t1);
    } else {
        let (x, z) = solve(E::ONE, r, t);
        add(values, "quotient 0", 0, x);
        add(values, "quotient 0", 1, z);
    }
}

/// Asserts that values break a constraint, not a form.
pub fn refused(circuit: &Circuit, values: &Values, what: &str) {
    assert_false(circuit.check(values), what);
}

/// Asserts that there is no proof because the statement is false.
pub fn assert_false<T>(found: Result<T, ProofError>, what: &str) {
    match found {
        Err(ProofError::False { .. }) => {}
        Err(e) => panic!("{what}: {e}"),
        Ok(_) => panic!("{what}: nothing forbids it"),
    }
}

/// Asserts that a proof is about something else.
pub fn assert_other(found: Result<(), ProofError>, expected: &str) {
    match found {
        Err(ProofError::Other { what, .. }) => assert_eq!(what, expected),
        other => panic!("expected another {expected}: {other:?}"),
    }
}
