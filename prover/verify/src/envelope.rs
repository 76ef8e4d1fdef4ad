//! A proof on its way: `{system, circuit id, public inputs in our own encoding, bytes}`.
//!
//! Bytes: `docs/formats.md`, section 13. Another proof system is another name in `system`, not another message.

use crate::pinned;
use plonky2::plonk::circuit_data::CommonCircuitData;
use plonky2::plonk::config::PoseidonGoldilocksConfig;
use plonky2::plonk::proof::{Proof, ProofWithPublicInputs};
use plonky2::util::serialization::{Buffer, Read, Write};
use zektra_statement::chain::ELEMENTS;
use zektra_statement::codec::{DecodeError, Reader, Writer};
use zektra_statement::digest::Fingerprint;
use zektra_statement::field::F;

/// The proof system of this version: Plonky2 over Goldilocks with Poseidon, with [`crate::settings`].
pub const SYSTEM: &str = "plonky2-goldilocks-poseidon/1";

/// The version of the encoding.
pub const VERSION: u32 = 1;

/// A proof with its public inputs, as Plonky2 has it.
pub type Proven = ProofWithPublicInputs<F, PoseidonGoldilocksConfig, 2>;

/// A proof on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// The proof system, 1 to 64 printable ASCII characters without space.
    pub system: String,
    /// The circuit's id: what the public inputs mean.
    pub circuit: Fingerprint,
    /// The public inputs in the circuit's order.
    pub public_inputs: Vec<F>,
    /// The proof in the system's own encoding, without the public inputs.
    pub proof: Vec<u8>,
}

/// Why an envelope holds no proof of a circuit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// A size that no chain has.
    #[error("no chain of proofs has links of 2^{0} rows")]
    Size(u8),
    /// Another proof system.
    #[error("system is {0:?}, expected {SYSTEM:?}")]
    System(String),
    /// Another circuit.
    #[error("circuit is {found}, expected {expected}")]
    Circuit {
        /// The envelope's.
        found: Fingerprint,
        /// The one asked for.
        expected: Fingerprint,
    },
    /// Another number of public inputs.
    #[error("public_inputs are {found} elements, expected {expected}")]
    PublicInputs {
        /// How many there are.
        found: usize,
        /// How many the circuit has.
        expected: usize,
    },
    /// Bytes that are no proof of the circuit's shape.
    #[error("proof is {found} bytes that {what}, expected a proof of the circuit's shape")]
    Proof {
        /// How many bytes.
        found: usize,
        /// What is wrong with them.
        what: &'static str,
    },
}

impl Envelope {
    /// An envelope of this version's proof system.
    pub fn new(circuit: Fingerprint, proven: &Proven) -> Self {
        let proof = proof_bytes(&proven.proof);
        Self { system: SYSTEM.into(), circuit, public_inputs: proven.public_inputs.clone(), proof }
    }

    /// The envelope's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let Self { system, circuit, public_inputs, proof } = self;
        let mut w = Writer::default();
        w.u32(VERSION).bytes(system.as_bytes()).raw(&circuit.0).count(public_inputs.len());
        for &e in public_inputs {
            w.element(e);
        }
        w.bytes(proof).finish()
    }

    /// Reads what [`Envelope::encode`] wrote; nothing may stand behind it.
    ///
    /// # Errors
    /// The first field that is malformed.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut r = Reader::new(bytes);
        r.scope("envelope");
        let version = r.u32("version")?;
        if version != VERSION {
            return Err(r.error("version", 4, version.to_string(), VERSION.to_string()));
        }
        let system = r.text("system")?;
        if !(1..=64).contains(&system.len()) || !system.bytes().all(|b| b.is_ascii_graphic()) {
            let expected = "1 to 64 printable ASCII characters without space";
            return Err(r.error("system", system.len(), format!("{system:?}"), expected));
        }
        let circuit = r.fingerprint("circuit")?;
        let count = r.count("public_inputs", 8)?;
        let public_inputs = (0..count).map(|i| r.element(&format!("public_inputs[{i}]"))).collect::<Result<_, _>>()?;
        let proof = r.bytes("proof")?.to_vec();
        r.finish()?;
        Ok(Self { system, circuit, public_inputs, proof })
    }

    fn head_fits(&self, circuit: &Fingerprint, expected: usize) -> Result<(), EnvelopeError> {
        if self.system != SYSTEM {
            return Err(EnvelopeError::System(self.system.clone()));
        }
        if self.circuit != *circuit {
            return Err(EnvelopeError::Circuit { found: self.circuit, expected: *circuit });
        }
        let found = self.public_inputs.len();
        if found == expected { Ok(()) } else { Err(EnvelopeError::PublicInputs { found, expected }) }
    }

    /// The proof of a circuit with this id and shape. It is read, not verified.
    ///
    /// # Errors
    /// What does not fit; an element that is not canonical.
    pub fn read(&self, circuit: &Fingerprint, common: &CommonCircuitData<F, 2>) -> Result<Proven, EnvelopeError> {
        self.head_fits(circuit, common.num_public_inputs)?;
        let bytes = &self.proof;
        let bad = |what| EnvelopeError::Proof { found: bytes.len(), what };
        let read = || {
            let mut buffer = Buffer::new(bytes);
            let proof = buffer.read_proof::<F, PoseidonGoldilocksConfig, 2>(common);
            proof.map(|p| (p, buffer.unread_bytes().len()))
        };
        match std::panic::catch_unwind(std::panic::AssertUnwindSafe(read)) {
            // Plonky2 reads elements beyond p without a word.
            Ok(Ok((proof, 0))) if proof_bytes(&proof) == *bytes => {
                Ok(Proven { proof, public_inputs: self.public_inputs.clone() })
            }
            Ok(Ok((_, 0))) => Err(bad("hold an element beyond p")),
            Ok(Ok(_)) => Err(bad("go on behind its end")),
            Ok(Err(_)) | Err(_) => Err(bad("end early or are malformed")),
        }
    }
}

/// Whether an envelope can hold a last proof over links of `2^rows_log2` rows: system, circuit, number of public
/// inputs, length of the proof. Reads nothing of the proof.
///
/// # Errors
/// The first that does not fit.
pub fn envelope_fits(envelope: &Envelope, rows_log2: u8) -> Result<(), EnvelopeError> {
    let rows = u32::from(rows_log2);
    let expected = pinned::proof_bytes(rows).ok_or(EnvelopeError::Size(rows_log2))?;
    envelope.head_fits(&pinned::wrap_id(rows), ELEMENTS)?;
    let found = envelope.proof.len();
    let what = if found < expected { "are too few" } else { "are too many" };
    if found == expected { Ok(()) } else { Err(EnvelopeError::Proof { found, what }) }
}

/// A proof in Plonky2's encoding, without its public inputs.
pub fn proof_bytes(proof: &Proof<F, PoseidonGoldilocksConfig, 2>) -> Vec<u8> {
    let mut out = vec![];
    // Writing to memory does not fail.
    let _ = out.write_proof(proof);
    out
}
