//! The public inputs of every statement that a proof will be about, and the point `r` of its check.
//!
//! `r = H(circuit id ‖ every other public input)` is derived outside the circuit, given to it as a
//! public input and derived again by whoever verifies. Every commitment is an input, that of the prover's
//! own polynomials too: a quotient chosen after `r` is known would satisfy any equation. The relations stand in `docs/protocol.md`.

use crate::digest::{Commitment, Fingerprint, Tag, commit};
use crate::field::F;
use plonky2::field::types::Field;

/// A statement with public inputs in one fixed order.
pub trait PublicInputs {
    /// All public inputs but `r`.
    fn elements(&self) -> Vec<F>;

    /// The point `r` of the quadratic extension: the first two elements of the digest.
    fn point(&self, circuit: &Fingerprint) -> [F; 2] {
        let mut input = fingerprint_elements(circuit).to_vec();
        input.extend(self.elements());
        let [a, b, _, _] = commit(Tag::PublicInputs, &input).elements();
        [a, b]
    }
}

/// "`b + a·s` is a tile: planes in range, row norms and moments bounded, noise in [−2, 2]."
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tile {
    /// The owner's key.
    pub key: Commitment,
    /// For each plane the public `a` and the ciphertext `b`.
    pub planes: Vec<(Commitment, Commitment)>,
    /// `⌊R · 2^(2·scale_x)⌋`.
    pub row_norm: u64,
    /// Largest absolute value of a feature, in units of `2^−scale_x`.
    pub range: u64,
    /// Weight vectors whose moments are there.
    pub classes: u64,
    /// Bound of a class' moment, squared: `(rows·√R/2)² · 2^(2·(scale_x + scale_r))`.
    pub moment_norm: u64,
    /// Commitment of the prover's own polynomials, quotients among them.
    pub witness: Commitment,
}

/// "`x + a·s` is noise."
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extension {
    /// The member's key.
    pub key: Commitment,
    /// The tile's public polynomial.
    pub a: Commitment,
    /// The extension share.
    pub x: Commitment,
    /// Commitment of the prover's own polynomials, quotients among them.
    pub witness: Commitment,
}

/// "`P_k − d2_k·s` is noise", for a batch of openings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Offline {
    /// The member's key.
    pub key: Commitment,
    /// For each opening `d2` and `P`.
    pub shares: Vec<(Commitment, Commitment)>,
    /// Commitment of the prover's own polynomials, quotients among them.
    pub witness: Commitment,
}

/// "`y = (c·s)[src] + M`, `S → S'` rounded, `g + a''·s + place(S')` is noise."
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhaseShare {
    /// The member's key.
    pub key: Commitment,
    /// `c = d1 + P` of each opening.
    pub c: Vec<Commitment>,
    /// The masked share of each opening.
    pub y: Vec<Commitment>,
    /// For each output the member's share of the state before and after.
    pub shares: Vec<(Commitment, Commitment)>,
    /// For each output `a''` and `g`.
    pub refreshed: Vec<(Commitment, Commitment)>,
    /// Commitment of the prover's own polynomials, quotients among them.
    pub witness: Commitment,
}

/// "The products, `c`, `u`, rounding and the new `c0` are right."
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Who computes, and is paid.
    pub node: Fingerprint,
    /// Ciphertexts that go in: `(c0, c1)` of tiles and states.
    pub operands: Vec<(Commitment, Commitment)>,
    /// Offline shares, opening by opening, member by member.
    pub offline: Vec<Commitment>,
    /// `c` of each opening.
    pub c: Vec<Commitment>,
    /// Masked shares, opening by opening, member by member.
    pub y: Vec<Commitment>,
    /// Fresh encryptions, output by output, member by member.
    pub g: Vec<Commitment>,
    /// For each output the opened state before and after.
    pub opened: Vec<(Commitment, Commitment)>,
    /// For each output the new ciphertext `(c0, a'')`.
    pub outputs: Vec<(Commitment, Commitment)>,
    /// Commitment of the prover's own polynomials, quotients among them.
    pub witness: Commitment,
}

/// "All iterations up to here were run as the template says, on the committed tiles."
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fold {
    /// The job record's digest.
    pub job: Fingerprint,
    /// The phase table's digest.
    pub table: Fingerprint,
    /// Root over the tiles, extension shares and offline shares of the opening fold.
    pub opening_root: Commitment,
    /// The members' keys.
    pub keys: Vec<Commitment>,
    /// The beacon of the batch order.
    pub beacon: Fingerprint,
    /// Who computes.
    pub node: Fingerprint,
    /// Iterations done.
    pub iteration: u64,
    /// Phase reached.
    pub phase: u64,
    /// Commitment of every opened state.
    pub opened: Commitment,
    /// Commitments of every member's shares.
    pub shares: Vec<Commitment>,
}

/// 32 bytes as eight elements of 32 bits, so that any fingerprint is canonical.
pub fn fingerprint_elements(f: &Fingerprint) -> [F; 8] {
    let mut out = [F::ZERO; 8];
    for (e, chunk) in out.iter_mut().zip(f.0.chunks_exact(4)) {
        *e = F::from_canonical_u32(u32::from_le_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]));
    }
    out
}

/// Collects elements; every list goes behind its length.
#[derive(Default)]
struct Elements(Vec<F>);

impl Elements {
    fn one(mut self, c: &Commitment) -> Self {
        self.0.extend(c.elements());
        self
    }

    fn number(mut self, v: u64) -> Self {
        self.0.push(F::from_canonical_u64(v));
        self
    }

    fn print(mut self, f: &Fingerprint) -> Self {
        self.0.extend(fingerprint_elements(f));
        self
    }

    fn list(mut self, list: &[Commitment]) -> Self {
        self.0.push(F::from_canonical_usize(list.len()));
        list.iter().fold(self, Self::one)
    }

    fn pairs(mut self, list: &[(Commitment, Commitment)]) -> Self {
        self.0.push(F::from_canonical_usize(list.len()));
        list.iter().fold(self, |e, (a, b)| e.one(a).one(b))
    }
}

impl PublicInputs for Tile {
    fn elements(&self) -> Vec<F> {
        let Self { key, planes, row_norm, range, classes, moment_norm, witness } = self;
        let e = Elements::default().one(key).pairs(planes).number(*row_norm).number(*range);
        e.number(*classes).number(*moment_norm).one(witness).0
    }
}

impl PublicInputs for Extension {
    fn elements(&self) -> Vec<F> {
        let Self { key, a, x, witness } = self;
        Elements::default().one(key).one(a).one(x).one(witness).0
    }
}

impl PublicInputs for Offline {
    fn elements(&self) -> Vec<F> {
        let Self { key, shares, witness } = self;
        Elements::default().one(key).pairs(shares).one(witness).0
    }
}

impl PublicInputs for PhaseShare {
    fn elements(&self) -> Vec<F> {
        let Self { key, c, y, shares, refreshed, witness } = self;
        Elements::default().one(key).list(c).list(y).pairs(shares).pairs(refreshed).one(witness).0
    }
}

impl PublicInputs for Step {
    fn elements(&self) -> Vec<F> {
        let Self { node, operands, offline, c, y, g, opened, outputs, witness } = self;
        let e = Elements::default().print(node).pairs(operands).list(offline).list(c).list(y).list(g);
        e.pairs(opened).pairs(outputs).one(witness).0
    }
}

impl PublicInputs for Fold {
    fn elements(&self) -> Vec<F> {
        let Self { job, table, opening_root, keys, beacon, node, iteration, phase, opened, shares } = self;
        let e = Elements::default().print(job).print(table).one(opening_root).list(keys).print(beacon).print(node);
        e.number(*iteration).number(*phase).one(opened).list(shares).0
    }
}
