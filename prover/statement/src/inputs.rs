//! The public inputs of every statement that a proof is about, and the points of its checks.
//!
//! Order: elements, witness commitment, quotient commitment, `β`, `r`, values. `β` and `r` are derived
//! outside the circuit, given to it as public inputs and derived again by whoever verifies. A quotient
//! chosen after `r` is known would satisfy any equation, so `r` depends on everything before it.
//! The relations stand in `docs/protocol.md`, section 15.

use crate::digest::{Commitment, Encoder, Fingerprint, Tag, commit};
use crate::field::{E, F, Field, from_ext, to_ext};

/// What a prover binds itself to before the points are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sealed {
    /// Commitment of the prover's own vectors: noise, masks, products.
    pub witness: Commitment,
    /// Commitment of the quotients, which may depend on `β`.
    pub quotient: Commitment,
}

/// The two random points of a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Points {
    /// Combines identities.
    pub beta: E,
    /// Where polynomials are evaluated.
    pub r: E,
}

/// The id of a circuit: a fingerprint of everything that its constants depend on.
pub fn circuit_id(shape: &[u8]) -> Fingerprint {
    let mut e = Encoder::new("zektra/circuit/v1");
    e.bytes(shape);
    e.fingerprint()
}

/// `h = commit(PublicInputs, id ‖ elements ‖ witness)`: its first two elements are `β`.
pub fn first_digest(id: &Fingerprint, elements: &[F], witness: &Commitment) -> Commitment {
    let mut input = fingerprint_elements(id).to_vec();
    input.extend_from_slice(elements);
    input.extend(witness.elements());
    commit(Tag::PublicInputs, &input)
}

/// `β` and `r` of a statement with these elements.
pub fn points(id: &Fingerprint, elements: &[F], sealed: &Sealed) -> Points {
    let h = first_digest(id, elements, &sealed.witness);
    let mut input = h.elements().to_vec();
    input.extend(sealed.quotient.elements());
    let g = commit(Tag::Point, &input);
    Points { beta: head(&h), r: head(&g) }
}

/// The element of `E` that a digest begins with.
pub fn head(digest: &Commitment) -> E {
    let e = digest.elements();
    to_ext([e[0], e[1]])
}

/// All public inputs in their order.
pub fn public_inputs(elements: &[F], sealed: &Sealed, points: &Points, values: &[E]) -> Vec<F> {
    let mut out = elements.to_vec();
    out.extend(sealed.witness.elements());
    out.extend(sealed.quotient.elements());
    out.extend(from_ext(points.beta));
    out.extend(from_ext(points.r));
    out.extend(values.iter().flat_map(|&v| from_ext(v)));
    out
}

/// A statement whose elements have one fixed order.
pub trait Statement {
    /// All commitments and numbers that the statement is about, but those of the prover's own vectors.
    fn elements(&self) -> Vec<F>;
}

/// "`share + multiplier·s` is noise", for each pair: extension shares (a, x), offline shares (d2, P).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Noise {
    /// The lock of the job that the shares are for; none for extension shares, which serve every job.
    pub lock: Fingerprint,
    /// The member's key.
    pub key: Commitment,
    /// (multiplier, share).
    pub pairs: Vec<(Commitment, Commitment)>,
}

/// "`b + a·s` is a tile: planes in range, row norms and moments bounded, noise in [−2, 2]."
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tile {
    /// The owner's key.
    pub key: Commitment,
    /// For each column block and plane (a, b).
    pub planes: Vec<(Commitment, Commitment)>,
}

/// What a member publishes of one output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refreshed {
    /// The public randomness `a''`.
    pub a: Commitment,
    /// The fresh encryption `g`.
    pub g: Commitment,
    /// Commitment of the share `S'`.
    pub after: Commitment,
    /// Commitment of the share `S` before, if the output carries it.
    pub before: Option<Commitment>,
}

/// "`y = (c·s)[src] + M`, `S → S'` rounded, `g + a''·s + place(S')` is noise."
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhaseShare {
    /// The lock of the job that is answered.
    pub lock: Fingerprint,
    /// The member's key.
    pub key: Commitment,
    /// For each opening (c, y).
    pub openings: Vec<(Commitment, Commitment)>,
    /// For each output.
    pub outputs: Vec<Refreshed>,
}

/// A plane of a tile on its way to the job's key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExtendedPlane {
    /// The public randomness.
    pub a: Commitment,
    /// The owner's ciphertext.
    pub b: Commitment,
    /// The other members' extension shares, in the order of the seats.
    pub x: Vec<Commitment>,
    /// `b + Σ x`.
    pub c0: Commitment,
}

/// "`c0 = b + Σ x`, and the polynomials have these values at the points of the shares."
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extend {
    /// For each column block and plane.
    pub planes: Vec<ExtendedPlane>,
}

/// An opening as the compute node sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepOpening {
    /// The product of public randomness.
    pub d2: Commitment,
    /// What members multiply with.
    pub c: Commitment,
    /// Offline shares of all members.
    pub p: Vec<Commitment>,
    /// Masked shares of all members.
    pub y: Vec<Commitment>,
}

/// An output as the compute node sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepOutput {
    /// Fresh encryptions of all members.
    pub g: Vec<Commitment>,
    /// The opened state before, if the output carries it.
    pub before: Option<Commitment>,
    /// The opened state after.
    pub after: Commitment,
    /// The new ciphertext (c0, a'').
    pub cipher: (Commitment, Commitment),
}

/// "The products, `c`, `u`, rounding and the new `c0` are right."
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// Who computes, and is paid.
    pub node: Fingerprint,
    /// (c0, a) of each tile plane that the phase reads, in the order of [`crate::phase::Phase::reads`].
    pub tiles: Vec<(Commitment, Commitment)>,
    /// (c0, a'') of each state that it reads.
    pub states: Vec<(Commitment, Commitment)>,
    /// The openings.
    pub openings: Vec<StepOpening>,
    /// The outputs.
    pub outputs: Vec<StepOutput>,
}

/// 32 bytes as eight elements of 32 bits, so that any fingerprint is canonical.
pub fn fingerprint_elements(f: &Fingerprint) -> [F; 8] {
    let mut out = [F::ZERO; 8];
    for (e, chunk) in out.iter_mut().zip(f.0.chunks_exact(4)) {
        *e = F::from_canonical_u32(u32::from_le_bytes([chunk[0], chunk[1], chunk[2], chunk[3]]));
    }
    out
}

/// Collects elements. The numbers of openings, members and so on are constants of the circuit, whose id
/// is hashed in front; no lengths are needed.
#[derive(Default)]
struct Elements(Vec<F>);

impl Elements {
    fn one(mut self, c: &Commitment) -> Self {
        self.0.extend(c.elements());
        self
    }

    fn print(mut self, f: &Fingerprint) -> Self {
        self.0.extend(fingerprint_elements(f));
        self
    }

    fn all<'a>(self, list: impl IntoIterator<Item = &'a Commitment>) -> Self {
        list.into_iter().fold(self, Self::one)
    }

    fn pairs(self, list: &[(Commitment, Commitment)]) -> Self {
        list.iter().fold(self, |e, (a, b)| e.one(a).one(b))
    }
}

impl Statement for Noise {
    fn elements(&self) -> Vec<F> {
        let Self { lock, key, pairs } = self;
        Elements::default().print(lock).one(key).pairs(pairs).0
    }
}

impl Statement for Tile {
    fn elements(&self) -> Vec<F> {
        let Self { key, planes } = self;
        Elements::default().one(key).pairs(planes).0
    }
}

impl Statement for PhaseShare {
    fn elements(&self) -> Vec<F> {
        let Self { lock, key, openings, outputs } = self;
        let e = Elements::default().print(lock).one(key).pairs(openings);
        let output = |e: Elements, o: &Refreshed| {
            let Refreshed { a, g, after, before } = o;
            e.one(a).one(g).one(after).all(before)
        };
        outputs.iter().fold(e, output).0
    }
}

impl Statement for Extend {
    fn elements(&self) -> Vec<F> {
        let plane = |e: Elements, p: &ExtendedPlane| {
            let ExtendedPlane { a, b, x, c0 } = p;
            e.one(a).one(b).all(x).one(c0)
        };
        self.planes.iter().fold(Elements::default(), plane).0
    }
}

impl Statement for Step {
    fn elements(&self) -> Vec<F> {
        let Self { node, tiles, states, openings, outputs } = self;
        let e = Elements::default().print(node).pairs(tiles).pairs(states);
        let opening = |e: Elements, o: &StepOpening| {
            let StepOpening { d2, c, p, y } = o;
            e.one(d2).one(c).all(p).all(y)
        };
        let output = |e: Elements, o: &StepOutput| {
            let StepOutput { g, before, after, cipher } = o;
            e.all(g).all(before).one(after).one(&cipher.0).one(&cipher.1)
        };
        outputs.iter().fold(openings.iter().fold(e, opening), output).0
    }
}
