//! A built circuit: proves named values, verifies, hides.

use crate::config::{C, MASKS, Purpose};
use crate::kit::{Builder, Family, Values};
use plonky2::field::polynomial::PolynomialCoeffs;
use plonky2::gates::noop::NoopGate;
use plonky2::iop::target::Target;
use plonky2::iop::witness::{PartialWitness, WitnessWrite};
use plonky2::plonk::circuit_data::{CircuitData, VerifierCircuitTarget};
use plonky2::plonk::proof::{ProofWithPublicInputs, ProofWithPublicInputsTarget};
use std::collections::{BTreeMap, BTreeSet};
use zektra_statement::digest::{Commitment, Fingerprint, Tag, commit};
use zektra_statement::field::{F, Field, P};
use zektra_verify::envelope::{Envelope, EnvelopeError, proof_bytes};
use zektra_verify::pinned;
use zektra_verify::settings::{MAX_CONSTANT_COLUMNS, MAX_GATE_CONSTRAINTS};

/// Whether a circuit hides its witness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Blinding {
    /// All of it is public.
    None,
    /// Random rows, pairs and columns: see `docs/security.md`.
    Hiding,
}

/// Why there is no proof, or why one is refused.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// The witness has another shape than the circuit.
    #[error("{circuit}: input {name:?} has {found} values, expected {expected}")]
    Input {
        /// Which circuit.
        circuit: Fingerprint,
        /// Which input.
        name: String,
        /// How many values it has.
        found: usize,
        /// How many the circuit takes.
        expected: usize,
    },
    /// The statement is false for this witness.
    #[error("{circuit}: the witness does not satisfy the statement: {error}")]
    False {
        /// Which circuit.
        circuit: Fingerprint,
        /// What the prover said.
        error: String,
    },
    /// A proof does not verify.
    #[error("{circuit}: the proof does not verify: {error}")]
    Invalid {
        /// Which circuit.
        circuit: Fingerprint,
        /// What the verifier said.
        error: String,
    },
    /// A proof is about something else.
    #[error("{circuit}: {what} of the proof is not what was asked for")]
    Other {
        /// Which circuit.
        circuit: Fingerprint,
        /// Which part of its public inputs.
        what: String,
    },
    /// What a chain of proofs was followed with is not what it shows.
    #[error("{circuit}: {what} of the proof is not what was followed")]
    Followed {
        /// Which circuit.
        circuit: Fingerprint,
        /// Which part of its public inputs.
        what: &'static str,
    },
    /// Bytes that are no proof.
    #[error("not a proof: {0}")]
    Format(String),
    /// An envelope that holds no proof of the circuit.
    #[error("not a proof of this circuit: {0}")]
    Envelope(#[from] EnvelopeError),
    /// The operating system gave no randomness.
    #[error("the operating system gave no randomness: {0}")]
    Randomness(getrandom::Error),
}

/// A proof with its public inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof(pub(crate) ProofWithPublicInputs<F, C, 2>);

impl Proof {
    /// The public inputs, as the circuit orders them.
    pub fn public_inputs(&self) -> &[F] {
        &self.0.public_inputs
    }

    /// The proof's own bytes, without the public inputs.
    pub fn bytes(&self) -> Vec<u8> {
        proof_bytes(&self.0.proof)
    }

    /// The proof on its way; `circuit` is the id of the circuit that made it.
    pub fn to_envelope(&self, circuit: Fingerprint) -> Envelope {
        Envelope::new(circuit, &self.0)
    }
}

/// What a prover fills in.
pub(crate) struct Inputs {
    pub slots: BTreeMap<String, Vec<Target>>,
    pub inner: Vec<ProofWithPublicInputsTarget<2>>,
    pub verifiers: Vec<VerifierCircuitTarget>,
}

/// A circuit with everything to prove and verify.
pub struct Circuit {
    pub(crate) id: Fingerprint,
    pub(crate) data: CircuitData<F, C, 2>,
    pub(crate) inputs: Inputs,
    pub(crate) purpose: Purpose,
    /// Public inputs in front of the witness commitment, if the circuit has one.
    pub(crate) elements: Option<usize>,
    /// The families of its constraints.
    pub(crate) families: BTreeSet<Family>,
    /// Rows without a gate, all of whose wires are random.
    pub(crate) spare: Vec<usize>,
    /// Rows without a gate, pairwise equal in all routed wires.
    pub(crate) pairs: Vec<(usize, usize)>,
    /// The row of the public inputs, whose unused wires the builder fills.
    pub(crate) public_row: Option<usize>,
}

impl std::fmt::Debug for Circuit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Circuit({}, 2^{} rows)", self.id, self.rows_log2())
    }
}

impl Circuit {
    pub(crate) fn build(
        mut b: Builder,
        inputs: Inputs,
        id: Fingerprint,
        purpose: Purpose,
        elements: Option<usize>,
        blinding: Blinding,
    ) -> Self {
        b.set_domain_separator(zektra_statement::inputs::fingerprint_elements(&id).to_vec());
        let mut pairs = vec![];
        if blinding == Blinding::Hiding {
            let queries = b.config.fri_config.num_query_rounds;
            let routed = b.config.num_routed_wires;
            // One random row for each value of a wire polynomial that is opened: two coordinates at ζ, one
            // a query.
            for _ in 0..2 + queries {
                b.add_gate(NoopGate, vec![]);
            }
            // Z is opened at ζ and gζ.
            for _ in 0..4 + queries {
                let pair = (b.add_gate(NoopGate, vec![]), b.add_gate(NoopGate, vec![]));
                (0..routed).for_each(|w| b.connect(Target::wire(pair.0, w), Target::wire(pair.1, w)));
                pairs.push(pair);
            }
        }
        let data = b.build::<C>();
        // What the figures of the settings assume of every circuit.
        let (gate, constants) = (data.common.num_gate_constraints, data.common.num_constants);
        assert!(gate <= MAX_GATE_CONSTRAINTS, "a gate of {gate} constraints");
        assert!(constants <= MAX_CONSTANT_COLUMNS, "{constants} columns of constants");
        let (mut spare, mut public_row) = (vec![], None);
        if blinding == Blinding::Hiding {
            let widest = data.common.gates.iter().map(|g| g.0.num_wires()).max().unwrap_or(0);
            assert!(widest <= MASKS[0], "a gate reaches column {widest}, the masking columns begin at {}", MASKS[0]);
            assert_eq!(data.common.config.num_wires, MASKS[1] + 1);
            let paired: BTreeSet<usize> = pairs.iter().flat_map(|&(x, y)| [x, y]).collect();
            spare = rows_of(&data, "NoopGate").into_iter().filter(|r| !paired.contains(r)).collect();
            public_row = rows_of(&data, "PublicInputGate").first().copied();
            assert!(public_row.is_some(), "a circuit has one row of public inputs");
            assert_counting(&data, spare.len(), pairs.len());
        }
        Self { id, data, inputs, purpose, elements, families: BTreeSet::new(), spare, pairs, public_row }
    }

    /// The circuit's id, part of `r`.
    pub fn id(&self) -> Fingerprint {
        self.id
    }

    /// The families of constraints that a test may leave out.
    pub fn families(&self) -> impl Iterator<Item = Family> {
        self.families.iter().copied()
    }

    /// The binary logarithm of the number of rows.
    pub fn rows_log2(&self) -> usize {
        self.data.common.degree_bits()
    }

    /// The digest of its verifier data, as chains list it.
    pub fn verifier_digest(&self) -> Commitment {
        let v = &self.data.verifier_only;
        let mut all = v.circuit_digest.elements.to_vec();
        all.extend(v.constants_sigmas_cap.0.iter().flat_map(|h| h.elements));
        commit(Tag::VerifierData, &all)
    }

    /// Rows that carry no gate: all of them are random in a hiding circuit.
    pub fn spare_rows(&self) -> usize {
        self.spare.len()
    }

    /// Poseidon permutations of the Merkle trees of a proof: those of wires, partial products and quotients, not the
    /// small ones of folded words. They bound the time of a proof from below.
    pub fn tree_permutations(&self) -> usize {
        const RATE: usize = 8;
        let common = &self.data.common;
        let challenges = common.config.num_challenges;
        let columns = [
            common.config.num_wires,
            challenges * (1 + common.num_partial_products),
            challenges * common.quotient_degree_factor,
        ];
        let leaves = common.degree() << common.config.fri_config.rate_bits;
        columns.iter().map(|c| leaves * (c.div_ceil(RATE) + 1)).sum()
    }

    /// Proves the values.
    ///
    /// # Errors
    /// A missing input, or values that do not satisfy the circuit.
    pub fn prove(&self, values: &Values) -> Result<Proof, ProofError> {
        self.prove_over(values, &[], &[])
    }

    /// Proves the values over inner proofs, with the verifier data of those whose circuit is not a constant.
    pub(crate) fn prove_over(
        &self,
        values: &Values,
        inner: &[&Proof],
        verifiers: &[&Circuit],
    ) -> Result<Proof, ProofError> {
        let witness = self.assign_over(values, inner, verifiers)?;
        let failed = |error: String| ProofError::False { circuit: self.id, error };
        // Plonky2 notices a gate's constraint that does not hold only if a quotient has fewer chunks than the
        // domain has room for, and then it panics. Here it has not: what was made is verified.
        let prove = || self.data.prove(witness);
        match std::panic::catch_unwind(std::panic::AssertUnwindSafe(prove)) {
            Ok(Ok(proof)) => {
                let proof = Proof(proof);
                self.verify(&proof).map_err(|e| failed(e.to_string()))?;
                Ok(proof)
            }
            Ok(Err(e)) if self.purpose != Purpose::Share => Err(failed(e.to_string())),
            _ => Err(failed("a constraint does not hold".into())),
        }
    }

    /// The values in their places, everything else random.
    pub(crate) fn assign(&self, values: &Values) -> Result<PartialWitness<F>, ProofError> {
        self.assign_over(values, &[], &[])
    }

    fn assign_over(
        &self,
        values: &Values,
        inner: &[&Proof],
        verifiers: &[&Circuit],
    ) -> Result<PartialWitness<F>, ProofError> {
        let mut witness = PartialWitness::new();
        let failed = |error: String| ProofError::False { circuit: self.id, error };
        for (name, targets) in &self.inputs.slots {
            let given = values.0.get(name).map_or(&[][..], Vec::as_slice);
            if given.len() != targets.len() {
                return Err(ProofError::Input {
                    circuit: self.id,
                    name: name.clone(),
                    found: given.len(),
                    expected: targets.len(),
                });
            }
            for (&t, &v) in targets.iter().zip(given) {
                // Plonky2's own words name both values; those of a share are secret.
                witness.set_target(t, v).map_err(|_| failed(format!("{name}: two values for one wire")))?;
            }
        }
        if (inner.len(), verifiers.len()) != (self.inputs.inner.len(), self.inputs.verifiers.len()) {
            return Err(failed(format!("{} inner proofs, expected {}", inner.len(), self.inputs.inner.len())));
        }
        for (target, proof) in self.inputs.inner.iter().zip(inner) {
            let set = witness.set_proof_with_pis_target(target, &proof.0);
            set.map_err(|e| failed(format!("inner proof: {e}")))?;
        }
        for (target, circuit) in self.inputs.verifiers.iter().zip(verifiers) {
            let set = witness.set_verifier_data_target(target, &circuit.data.verifier_only);
            set.map_err(|e| failed(format!("verifier data: {e}")))?;
        }
        self.blind(&mut witness)?;
        Ok(witness)
    }

    /// Verifies a proof, whatever its public inputs are.
    ///
    /// # Errors
    /// A proof that does not verify.
    pub fn verify(&self, proof: &Proof) -> Result<(), ProofError> {
        let invalid = |error: String| ProofError::Invalid { circuit: self.id, error };
        // Shapes are checked by Plonky2, but not all of them before they are used.
        let verify = || self.data.verify(proof.0.clone());
        match std::panic::catch_unwind(std::panic::AssertUnwindSafe(verify)) {
            Ok(result) => result.map_err(|e| invalid(e.to_string())),
            Err(_) => Err(invalid("it is malformed".into())),
        }
    }

    /// Reads a proof of this circuit. It is not verified yet.
    ///
    /// # Errors
    /// Another system or circuit, bytes of another length, elements that are not canonical.
    pub fn read(&self, envelope: &Envelope) -> Result<Proof, ProofError> {
        Ok(Proof(envelope.read(&self.id, &self.data.common)?))
    }

    /// What a verifier of this circuit's proofs needs, as it is pinned: `zektra_verify::pinned`.
    pub fn verifier_file(&self) -> Vec<u8> {
        pinned::write(&self.data.common, &self.data.verifier_only)
    }

    /// Fills what carries no gate with fresh randomness of the operating system.
    fn blind(&self, witness: &mut PartialWitness<F>) -> Result<(), ProofError> {
        let Some(public_row) = self.public_row else { return Ok(()) };
        let (wires, routed) = (self.data.common.config.num_wires, self.data.common.config.num_routed_wires);
        let free: BTreeSet<usize> = self.spare.iter().copied().collect();
        let paired: BTreeMap<usize, usize> = self.pairs.iter().flat_map(|&(x, y)| [(x, 0), (y, routed)]).collect();
        let mut targets = vec![];
        for row in 0..self.data.common.degree() {
            let columns = match paired.get(&row) {
                // The second row of a pair takes the routed wires of the first.
                Some(&first) => first..wires,
                None if free.contains(&row) => 0..wires,
                None if row == public_row => continue,
                None => MASKS[0]..wires,
            };
            targets.extend(columns.map(|column| Target::wire(row, column)));
        }
        let values = random_elements(targets.len())?;
        for (&t, &v) in targets.iter().zip(values.iter()) {
            let set = witness.set_target(t, v);
            set.map_err(|e| ProofError::False { circuit: self.id, error: format!("blinding: {e}") })?;
        }
        Ok(())
    }
}

/// The conditions of the counting argument in `docs/security.md`.
fn assert_counting(data: &CircuitData<F, C, 2>, spare: usize, pairs: usize) {
    let config = &data.common.config;
    let queries = config.fri_config.num_query_rounds;
    // A wire polynomial is opened at ζ (two coordinates) and at one point a query.
    assert!(spare >= 2 + queries, "{spare} random rows for {} opened values of a wire", 2 + queries);
    // Z is opened at ζ and gζ too.
    assert!(pairs >= 4 + queries, "{pairs} random pairs for {} opened values of Z", 4 + queries);
    // The quotient's chunks together: free values in the wires of the spare rows against opened values.
    let opened = config.num_challenges * data.common.quotient_degree_factor * (2 + queries);
    let free = spare * config.num_wires;
    assert!(free > opened, "{free} free values for {opened} opened values of the quotient");
}

/// The gate of every row as its number in Plonky2's list, read from the selector polynomials.
pub(crate) fn gates_of(data: &CircuitData<F, C, 2>) -> Vec<usize> {
    // A row's gate stands in the selector of its group; in the others the row is marked as unused.
    let selectors =
        &data.prover_only.constants_sigmas_commitment.polynomials[..data.common.selectors_info.num_selectors()];
    let values: Vec<_> = selectors.iter().map(|p| PolynomialCoeffs::new(p.coeffs.clone()).fft().values).collect();
    let gate = |row: usize| {
        let stands = |g: &usize| values.iter().any(|v| v[row] == F::from_canonical_usize(*g));
        (0..data.common.gates.len()).find(stands).expect("every row has a gate")
    };
    (0..data.common.degree()).map(gate).collect()
}

/// Rows that carry a gate.
fn rows_of(data: &CircuitData<F, C, 2>, gate: &str) -> Vec<usize> {
    let wanted = data.common.gates.iter().position(|g| g.0.id().starts_with(gate));
    let gates = gates_of(data).into_iter().enumerate();
    gates.filter(|(_, g)| Some(*g) == wanted).map(|(row, _)| row).collect()
}

/// Uniform elements from the operating system.
fn random_elements(count: usize) -> Result<Vec<F>, ProofError> {
    let mut out = Vec::with_capacity(count);
    let mut bytes = zeroize::Zeroizing::new(vec![0u8; count * 8]);
    while out.len() < count {
        let wanted = (count - out.len()) * 8;
        getrandom::fill(&mut bytes[..wanted]).map_err(ProofError::Randomness)?;
        for chunk in bytes[..wanted].chunks_exact(8) {
            let mut word = [0; 8];
            word.copy_from_slice(chunk);
            let v = u64::from_le_bytes(word);
            if v < P {
                out.push(F::from_canonical_u64(v));
            }
        }
    }
    Ok(out)
}
