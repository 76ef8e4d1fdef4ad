//! A circuit builder with named inputs, and the gadgets that all statements share.
//!
//! Whatever the prover chooses stands under a name in [`Values`]; nothing is computed by a hint that a
//! forger could not replace.

use crate::circuit::{Blinding, Circuit, Inputs};
use crate::config::{self, C, Purpose};
use crate::gates::{DigitGate, RangeGate, SmallGate};
use plonky2::field::extension::Extendable;
use plonky2::gates::gate::Gate;
use plonky2::hash::hash_types::HashOutTarget;
use plonky2::hash::poseidon::PoseidonHash;
use plonky2::iop::ext_target::ExtensionTarget;
use plonky2::iop::target::Target;
use plonky2::plonk::circuit_builder::CircuitBuilder;
use plonky2::plonk::circuit_data::{CommonCircuitData, VerifierCircuitTarget};
use plonky2::plonk::proof::ProofWithPublicInputsTarget;
use plonky2::util::reducing::ReducingFactorTarget;
use std::collections::{BTreeMap, BTreeSet};
use zektra_statement::digest::{Commitment, Fingerprint, Tag};
use zektra_statement::field::{E, F, Field, N};
use zektra_statement::inputs::{circuit_id, fingerprint_elements};

/// Builder of Plonky2.
pub(crate) type Builder = CircuitBuilder<F, 2>;
/// An element of `E` in a circuit.
pub(crate) type Ext = ExtensionTarget<2>;
/// A commitment in a circuit.
pub(crate) type Hash = [Target; 4];

/// What a prover fills in, by name.
#[derive(Clone, Default)]
pub struct Values(pub(crate) BTreeMap<String, Vec<F>>);

impl Values {
    /// Sets the values under a name.
    pub fn put(&mut self, name: impl Into<String>, values: Vec<F>) {
        self.0.insert(name.into(), values);
    }

    /// What stands under a name.
    pub fn get(&self, name: &str) -> Option<&[F]> {
        self.0.get(name).map(Vec::as_slice)
    }

    /// What stands under a name, to change it.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Vec<F>> {
        self.0.get_mut(name)
    }

    /// All names.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl Drop for Values {
    fn drop(&mut self) {
        for v in self.0.values_mut() {
            v.fill(F::ZERO);
        }
        std::hint::black_box(&self.0);
    }
}

/// A family of constraints, so that a test can leave one out and show that it is needed.
pub type Family = &'static str;

/// The builder.
pub(crate) struct Kit {
    pub b: Builder,
    shape: Vec<u8>,
    slots: BTreeMap<String, Vec<Target>>,
    public: Vec<Target>,
    /// Public inputs in front of the witness commitment.
    elements: Option<usize>,
    inner: Vec<ProofWithPublicInputsTarget<2>>,
    verifiers: Vec<VerifierCircuitTarget>,
    omit: Option<Family>,
    families: BTreeSet<Family>,
    purpose: Purpose,
}

/// A statement whose proof is verified inside a circuit: its points are derived again.
pub(crate) struct Inner {
    pub elements: Vec<Target>,
    pub r: Ext,
    pub values: Vec<Target>,
}

/// The key share of a member.
pub(crate) struct Key {
    pub digits: Vec<Target>,
}

/// The four commitments and points that every statement with identities carries.
pub(crate) struct Head {
    pub witness: Hash,
    pub quotient: Hash,
    pub beta: Ext,
    pub r: Ext,
}

impl Kit {
    /// `shape`: everything that the circuit's constants depend on.
    pub fn new(purpose: Purpose, shape: &str, omit: Option<Family>) -> Self {
        let b = Builder::new(config::circuit_config(purpose));
        Self {
            b,
            shape: shape.as_bytes().to_vec(),
            slots: BTreeMap::new(),
            public: vec![],
            elements: None,
            inner: vec![],
            verifiers: vec![],
            omit,
            families: BTreeSet::new(),
            purpose,
        }
    }

    /// The circuit's id.
    pub fn id(&self) -> Fingerprint {
        circuit_id(&self.shape)
    }

    /// Whether a family is left out; notes that the circuit has it.
    pub fn omits(&mut self, family: Family) -> bool {
        self.families.insert(family);
        self.omit == Some(family)
    }

    /// Named inputs.
    pub fn input(&mut self, name: impl Into<String>, count: usize) -> Vec<Target> {
        let targets = self.b.add_virtual_targets(count);
        self.name(name, targets.clone());
        targets
    }

    /// Gives existing targets a name.
    pub fn name(&mut self, name: impl Into<String>, targets: Vec<Target>) {
        let name = name.into();
        assert!(!self.slots.contains_key(&name), "two inputs are called {name}");
        self.slots.insert(name, targets);
    }

    /// The next public inputs.
    pub fn public(&mut self, count: usize) -> Vec<Target> {
        let targets = self.b.add_virtual_targets(count);
        self.public.extend(&targets);
        targets
    }

    pub fn public_hash(&mut self) -> Hash {
        hash(&self.public(4))
    }

    pub fn public_hashes(&mut self, count: usize) -> Vec<Hash> {
        (0..count).map(|_| self.public_hash()).collect()
    }

    pub fn public_ext(&mut self) -> Ext {
        let t = self.public(2);
        ExtensionTarget([t[0], t[1]])
    }

    pub fn public_exts(&mut self, count: usize) -> Vec<Ext> {
        (0..count).map(|_| self.public_ext()).collect()
    }

    pub fn head(&mut self) -> Head {
        self.elements = Some(self.public.len());
        Head {
            witness: self.public_hash(),
            quotient: self.public_hash(),
            beta: self.public_ext(),
            r: self.public_ext(),
        }
    }

    /// `commit(tag, elements)`.
    pub fn commit(&mut self, tag: Tag, elements: &[Target]) -> Hash {
        let mut input = vec![
            self.b.constant(F::from_canonical_u64(tag as u64)),
            self.b.constant(F::from_canonical_usize(elements.len())),
        ];
        input.extend_from_slice(elements);
        let HashOutTarget { elements } = self.b.hash_n_to_hash_no_pad::<PoseidonHash>(input);
        elements
    }

    /// `a = b`, unless a test leaves the family out.
    pub fn equal(&mut self, family: Family, a: &[Target], b: &[Target]) {
        assert_eq!(a.len(), b.len(), "{family}");
        if !self.omits(family) {
            a.iter().zip(b).for_each(|(&x, &y)| self.b.connect(x, y));
        }
    }

    pub fn equal_ext(&mut self, family: Family, a: Ext, b: Ext) {
        self.equal(family, &a.0, &b.0);
    }

    /// A row of a gate whose every input is free.
    pub fn row<G: Gate<F, 2>>(&mut self, gate: G) -> usize {
        self.b.add_gate(gate, vec![])
    }

    /// The key share: digits in {−1, 0, 1} that open `commitment`.
    pub fn key(&mut self, commitment: Hash) -> Key {
        let checked = !self.omits("ternary key");
        let (mut digits, mut sums) = (Vec::with_capacity(N), vec![]);
        for first in (0..N).step_by(40) {
            let gate = DigitGate { digits: 40.min(N - first), checked };
            let row = self.row(gate);
            sums.push(Target::wire(row, 0));
            digits.extend((0..gate.digits).map(|k| Target::wire(row, 1 + k)));
        }
        let opened = self.commit(Tag::KeyShare, &sums);
        self.equal("key commitment", &opened, &commitment);
        self.name("key", digits.clone());
        Key { digits }
    }

    /// The powers that rows of `gate` take of `r`.
    pub fn row_powers(&mut self, gate: &SmallGate, r: Ext) -> Vec<Ext> {
        let most = gate.exponents().into_iter().max().unwrap_or(1);
        let mut all = vec![r];
        while all.len() < most {
            let k = all.len() + 1;
            let next = self.b.mul_extension(all[k / 2 - 1], all[k - k / 2 - 1]);
            all.push(next);
        }
        gate.exponents().into_iter().map(|e| all[e - 1]).collect()
    }

    /// A polynomial of small coefficients: its value at the powers' base and its packed sums.
    pub fn small(&mut self, name: &str, gate: &SmallGate, powers: &[Ext], norms: Option<usize>) -> Small {
        let rows = N / gate.values();
        let first = self.b.num_gates();
        for _ in 0..rows {
            self.row(gate.clone());
        }
        let row_of = |k: usize| first + k;
        let mut digits = vec![];
        let mut packs = vec![];
        for k in 0..rows {
            let wire = |i| Target::wire(row_of(k), i);
            for (p, power) in powers.iter().enumerate() {
                self.b.connect(wire(4 + 2 * p), power.0[0]);
                self.b.connect(wire(5 + 2 * p), power.0[1]);
            }
            packs.extend((0..gate.packs.len()).map(|p| wire(gate.pack_wire(p))));
            for v in 0..gate.values() {
                digits.extend((0..gate.weights.len()).map(|d| wire(gate.digit_wire(v, d))));
            }
        }
        // From the highest coefficients down.
        let zero = self.b.zero();
        let mut acc = [zero; 2];
        for k in (0..rows).rev() {
            let wire = |i| Target::wire(row_of(k), i);
            self.b.connect(wire(0), acc[0]);
            self.b.connect(wire(1), acc[1]);
            acc = [wire(2), wire(3)];
        }
        let mut sums = vec![];
        if let Some(per) = norms {
            for group in 0..rows / per {
                let mut norm = zero;
                // In the direction of the accumulators: a row's generator waits for both.
                for k in (group * per..(group + 1) * per).rev() {
                    self.b.connect(Target::wire(row_of(k), gate.norm_wire()), norm);
                    norm = Target::wire(row_of(k), gate.norm_wire() + 1);
                }
                sums.push(norm);
            }
        }
        self.name(name, digits);
        Small { value: ExtensionTarget(acc), packs, norms: sums }
    }

    /// Numbers in ranges; gives (v, D) of each. Whole rows are filled in: [`RangeGate::fill`].
    pub fn ranged(&mut self, name: &str, gate: &RangeGate, count: usize) -> Vec<(Target, Target)> {
        let mut out = vec![];
        let mut digits = vec![];
        while out.len() < count {
            let row = self.row(gate.clone());
            for i in 0..gate.numbers {
                digits.extend((0..gate.per_number()).map(|k| Target::wire(row, gate.digit_wire(i, k))));
                out.push((Target::wire(row, 2 * i), Target::wire(row, 2 * i + 1)));
            }
        }
        self.name(name, digits);
        out.truncate(count);
        out
    }

    pub fn range_gate(&mut self, shift: u32, max: u64, family: Family) -> RangeGate {
        let checked = !self.omits(family);
        let config = &self.b.config;
        RangeGate::new(shift, max, config.num_wires.min(135), config.num_routed_wires, checked)
    }

    /// `Σ c_k·x^k`.
    pub fn evaluate(&mut self, coefficients: &[Target], x: Ext) -> Ext {
        ReducingFactorTarget::new(x).reduce_base(coefficients, &mut self.b)
    }

    /// `A_a(y)` of the strided parts, `y = r^D`.
    pub fn rows(&mut self, coefficients: &[Target], columns: usize, y: Ext) -> Vec<Ext> {
        let part = |first: usize| coefficients[first..].iter().step_by(columns).copied().collect::<Vec<_>>();
        (0..columns).map(|a| self.evaluate(&part(a), y)).collect()
    }

    /// `A_i(r)` of the blocks.
    pub fn blocks(&mut self, coefficients: &[Target], columns: usize, r: Ext) -> Vec<Ext> {
        coefficients.chunks(columns).map(|block| self.evaluate(block, r)).collect()
    }

    /// `Σ x_k·y^k` of elements of `E`.
    pub fn horner(&mut self, x: &[Ext], y: Ext) -> Ext {
        let (&last, rest) = match x.split_last() {
            Some(parts) => parts,
            None => return self.b.zero_extension(),
        };
        rest.iter().rev().fold(last, |acc, &v| self.b.mul_add_extension(acc, y, v))
    }

    /// `Σ x_k·y_k`.
    pub fn inner(&mut self, pairs: impl IntoIterator<Item = (Ext, Ext)>) -> Ext {
        let zero = self.b.zero_extension();
        pairs.into_iter().fold(zero, |acc, (x, y)| self.b.mul_add_extension(x, y, acc))
    }

    /// `r^k`.
    pub fn power(&mut self, r: Ext, k: u64) -> Ext {
        self.b.exp_u64_extension(r, k)
    }

    /// `x_0 + φ·x_1` of two elements of `E`.
    pub fn with_phi(&mut self, x: Ext, y: Ext) -> Ext {
        let phi = self.b.constant_extension(<F as Extendable<2>>::Extension::from_basefield_array_of(F::ZERO, F::ONE));
        self.b.mul_add_extension(y, phi, x)
    }

    /// The value of a combined quotient: one polynomial, or the two coordinates of one over `E`.
    pub fn quotient_value(&mut self, parts: &[Vec<Target>], r: Ext) -> Ext {
        let values: Vec<Ext> = parts.iter().map(|p| self.evaluate(p, r)).collect();
        match values[..] {
            [x] => x,
            [x, y] => self.with_phi(x, y),
            _ => unreachable!("a quotient has one part or two"),
        }
    }

    /// A constant commitment.
    pub fn constant_hash(&mut self, c: &Commitment) -> Hash {
        c.elements().map(|e| self.b.constant(e))
    }

    /// Verifies a proof of `circuit`, a constant, whose public inputs are given back.
    pub fn verify(&mut self, circuit: &Circuit) -> Vec<Target> {
        let proof = self.b.add_virtual_proof_with_pis(&circuit.data.common);
        let verifier = self.b.constant_verifier_data::<C>(&circuit.data.verifier_only);
        self.b.verify_proof::<C>(&proof, &verifier, &circuit.data.common);
        let public = proof.public_inputs.clone();
        self.inner.push(proof);
        public
    }

    /// Verifies a proof of a statement and derives its points again.
    pub fn verify_statement(&mut self, circuit: &Circuit) -> Inner {
        let public = self.verify(circuit);
        // Only circuits with a head are statements.
        let n = circuit.elements.unwrap_or(public.len());
        let elements = public[..n].to_vec();
        let mut input: Vec<Target> =
            fingerprint_elements(&circuit.id).into_iter().map(|e| self.b.constant(e)).collect();
        input.extend(&public[..n + 4]);
        let h = self.commit(Tag::PublicInputs, &input);
        let g = self.commit(Tag::Point, &[&h[..], &public[n + 4..n + 8]].concat());
        self.equal("points", &h[..2], &public[n + 8..n + 10]);
        self.equal("points", &g[..2], &public[n + 10..n + 12]);
        let r = ExtensionTarget([public[n + 10], public[n + 11]]);
        Inner { elements, r, values: public[n + 12..].to_vec() }
    }

    /// Verifies a proof whose verifier data is a witness; gives its public inputs and the verifier data's digest.
    pub fn verify_any(&mut self, common: &CommonCircuitData<F, 2>) -> (Vec<Target>, Hash) {
        let proof = self.b.add_virtual_proof_with_pis(common);
        let verifier = self.b.add_virtual_verifier_data(common.config.fri_config.cap_height);
        self.b.verify_proof::<C>(&proof, &verifier, common);
        let public = proof.public_inputs.clone();
        let mut all = verifier.circuit_digest.elements.to_vec();
        all.extend(verifier.constants_sigmas_cap.0.iter().flat_map(|h| h.elements));
        let digest = self.commit(Tag::VerifierData, &all);
        self.inner.push(proof);
        self.verifiers.push(verifier);
        (public, digest)
    }

    /// Shows computed targets as the public inputs.
    pub fn expose(&mut self, targets: &[Target]) {
        self.b.register_public_inputs(targets);
    }

    /// Finishes the circuit.
    pub fn finish(mut self, blinding: Blinding) -> Circuit {
        if !self.public.is_empty() {
            let public = self.public.clone();
            self.b.register_public_inputs(&public);
            self.name("public", public);
        }
        let id = self.id();
        let inputs = Inputs { slots: self.slots, inner: self.inner, verifiers: self.verifiers };
        let mut built = Circuit::build(self.b, inputs, id, self.purpose, self.elements, blinding);
        built.families = self.families;
        built
    }
}

/// A polynomial of small coefficients in a circuit.
pub(crate) struct Small {
    pub value: Ext,
    pub packs: Vec<Target>,
    pub norms: Vec<Target>,
}

/// Four targets as a commitment.
pub(crate) fn hash(t: &[Target]) -> Hash {
    [t[0], t[1], t[2], t[3]]
}

/// A short way to the element with given coordinates.
trait FromArray {
    fn from_basefield_array_of(x: F, y: F) -> Self;
}

impl FromArray for E {
    fn from_basefield_array_of(x: F, y: F) -> Self {
        zektra_statement::field::to_ext([x, y])
    }
}
