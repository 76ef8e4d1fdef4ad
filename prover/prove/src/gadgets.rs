//! What statements share, in circuits and outside.

use crate::circuit::{Circuit, Proof, ProofError};
use crate::gates::SmallGate;
use crate::kit::{Ext, Head, Kit, Values};
use crate::opening::Collected;
use zektra_statement::digest::{Commitment, Fingerprint, Tag, commit};
use zektra_statement::field::{E, F, Field, N, centred};
use zektra_statement::inputs::{self, Points, Sealed};

/// `Σ β^k·terms_k = (r^N + 1)·Q(r)`; `short` quotients of other identities stand under the same commitment.
pub(crate) fn identities(kit: &mut Kit, head: &Head, terms: &[Ext], short: Vec<plonky2::iop::target::Target>) {
    let count = terms.len().min(2);
    let parts: Vec<_> = (0..count).map(|k| kit.input(format!("quotient {k}"), N)).collect();
    let mut all: Vec<_> = parts.concat();
    all.extend(short);
    let opened = kit.commit(Tag::Quotient, &all);
    kit.equal("quotient commitment", &opened, &head.quotient);
    if terms.is_empty() {
        return;
    }
    let left = kit.horner(terms, head.beta);
    let q = kit.quotient_value(&parts, head.r);
    let power = kit.power(head.r, N as u64);
    let right = kit.b.mul_add_extension(power, q, q);
    kit.equal_ext("identity", left, right);
}

/// All identities of openings and others, under one quotient commitment.
pub(crate) fn all_identities(kit: &mut Kit, head: &Head, collected: &Collected, columns: usize, y: Ext) {
    let m = N / columns;
    let count = collected.short.len().min(2);
    let parts: Vec<_> = (0..count).map(|k| kit.input(format!("short quotient {k}"), m)).collect();
    if count > 0 {
        let left = kit.horner(&collected.short, head.beta);
        let q = kit.quotient_value(&parts, y);
        let power = kit.power(y, m as u64);
        let right = kit.b.mul_add_extension(power, q, q);
        kit.equal_ext("opened products", left, right);
    }
    identities(kit, head, &collected.full, parts.concat());
}

/// Digits and packed sums of small coefficients.
pub(crate) struct SmallValues {
    pub digits: Vec<F>,
    pub packs: Vec<F>,
}

/// What a row of `gate` holds of each coefficient.
pub(crate) fn small_values(gate: &SmallGate, coefficients: &[F]) -> SmallValues {
    let (mut digits, mut packs) = (vec![], vec![]);
    let radix = F::from_canonical_u64(gate.radix());
    for row in coefficients.chunks(gate.values()) {
        let raw: Vec<F> = row
            .iter()
            .map(|&c| {
                let of = gate.digits_of(centred(c));
                let sum = of.iter().zip(&gate.weights).map(|(d, w)| d * w.weight).sum::<u64>();
                digits.extend(of.into_iter().map(F::from_canonical_u64));
                F::from_canonical_u64(sum)
            })
            .collect();
        let mut first = 0;
        for &count in &gate.packs {
            packs.push(raw[first..first + count].iter().rev().fold(F::ZERO, |sum, &v| sum * radix + v));
            first += count;
        }
    }
    SmallValues { digits, packs }
}

/// Fills in quotients and public inputs: witness first, then `β`, then the quotients, then `r`, then values.
///
/// `quotients` gives lists of polynomials over `F`: the first list the full quotient, the second, if there is
/// one, short ones.
pub(crate) fn seal(
    values: &mut Values,
    id: &Fingerprint,
    elements: &[F],
    witness: Commitment,
    quotients: impl FnOnce(E) -> Vec<Vec<Vec<F>>>,
    at: impl FnOnce(&Points) -> Vec<E>,
) -> Points {
    let beta = inputs::head(&inputs::first_digest(id, elements, &witness));
    let lists = quotients(beta);
    let mut all = vec![];
    for (list, name) in lists.into_iter().zip(["quotient", "short quotient"]) {
        for (k, q) in list.into_iter().enumerate() {
            all.extend_from_slice(&q);
            values.put(format!("{name} {k}"), q);
        }
    }
    let sealed = Sealed { witness, quotient: commit(Tag::Quotient, &all) };
    let points = inputs::points(id, elements, &sealed);
    let public = inputs::public_inputs(elements, &sealed, &points, &at(&points));
    values.put("public", public);
    points
}

/// Verifies a proof of a statement: `β`, `r` and the values are derived again.
pub(crate) fn check(
    circuit: &Circuit,
    elements: &[F],
    proof: &Proof,
    at: impl FnOnce(&Points) -> Vec<E>,
) -> Result<(), ProofError> {
    let other = |what: &str| Err(ProofError::Other { circuit: circuit.id(), what: what.into() });
    let found = proof.public_inputs();
    let n = elements.len();
    if found.len() < n + 12 || found[..n] != *elements {
        return other("the statement");
    }
    let commitment = |at: usize| {
        use zektra_statement::field::PrimeField64;
        Commitment(std::array::from_fn(|k| found[at + k].to_canonical_u64()))
    };
    let sealed = Sealed { witness: commitment(n), quotient: commitment(n + 4) };
    let points = inputs::points(&circuit.id(), elements, &sealed);
    let expected = inputs::public_inputs(elements, &sealed, &points, &at(&points));
    if found[n + 8..n + 12] != expected[n + 8..n + 12] {
        return other("the point r");
    }
    if found != expected {
        return other("a value at r");
    }
    circuit.verify(proof)
}
