//! What the rows of a circuit hold, without a proof: which constraint values break, and what is random.

use crate::circuit::{Circuit, Proof, ProofError, gates_of};
use crate::kit::Values;
use plonky2::field::polynomial::PolynomialCoeffs;
use plonky2::hash::poseidon::PoseidonHash;
use plonky2::iop::generator::generate_partial_witness;
use plonky2::iop::target::Target;
use plonky2::iop::witness::Witness;
use plonky2::plonk::config::Hasher;
use plonky2::plonk::vars::EvaluationVarsBaseBatch;
use zektra_statement::field::{F, Field, from_ext};

/// All wires of a filled circuit, each with the gate of its row.
pub struct Trace {
    /// Name of the gate and wires, by row.
    pub rows: Vec<(String, Vec<F>)>,
}

impl Circuit {
    /// The gate of every row, as its number in Plonky2's list, and the row's constants.
    fn gates(&self) -> Vec<(usize, Vec<F>)> {
        let common = &self.data.common;
        let selectors = common.selectors_info.num_selectors();
        let columns = &self.data.prover_only.constants_sigmas_commitment.polynomials[selectors..common.num_constants];
        let columns: Vec<_> = columns.iter().map(|p| PolynomialCoeffs::new(p.coeffs.clone()).fft().values).collect();
        let gates = gates_of(&self.data).into_iter().enumerate();
        gates.map(|(row, gate)| (gate, columns.iter().map(|c| c[row]).collect())).collect()
    }

    /// All wires as [`Circuit::prove`] would fill them.
    ///
    /// # Errors
    /// A missing input, or values that contradict each other.
    pub fn trace(&self, values: &Values) -> Result<Trace, ProofError> {
        let witness = self.assign(values)?;
        let failed = |error: anyhow::Error| ProofError::False { circuit: self.id(), error: error.to_string() };
        let filled = generate_partial_witness(witness, &self.data.prover_only, &self.data.common).map_err(failed)?;
        let width = self.data.common.config.num_wires;
        let wires = |row| (0..width).map(|c| filled.try_get_target(Target::wire(row, c)).unwrap_or_default()).collect();
        let gates = self.gates().into_iter().enumerate();
        let rows = gates.map(|(row, (gate, _))| (self.data.common.gates[gate].0.id(), wires(row))).collect();
        Ok(Trace { rows })
    }

    /// Whether [`Circuit::prove`] would find a proof: every constraint is evaluated, nothing is proven.
    ///
    /// # Errors
    /// The first constraint that does not hold.
    pub fn check(&self, values: &Values) -> Result<(), ProofError> {
        let trace = self.trace(values)?;
        let common = &self.data.common;
        let rows = self.gates();
        let public = PoseidonHash::hash_no_pad(values.get("public").unwrap_or_default());
        for (number, gate) in common.gates.iter().enumerate() {
            let own: Vec<usize> = (0..rows.len()).filter(|&r| rows[r].0 == number).collect();
            if own.is_empty() {
                continue;
            }
            let constants: Vec<F> = (0..rows[0].1.len())
                .flat_map(|k| own.iter().map(move |&r| (k, r)))
                .map(|(k, r)| rows[r].1[k])
                .collect();
            let wires: Vec<F> = (0..gate.0.num_wires())
                .flat_map(|k| own.iter().map(move |&r| (k, r)))
                .map(|(k, r)| trace.rows[r].1[k])
                .collect();
            let vars = EvaluationVarsBaseBatch::new(own.len(), &constants, &wires, &public);
            let found = gate.0.eval_unfiltered_base_batch(vars);
            if let Some(at) = found.iter().position(|v| *v != F::ZERO) {
                let (constraint, row) = (at / own.len(), own[at % own.len()]);
                let error = format!("row {row}, {}: constraint {constraint} does not hold", gate.0.id());
                return Err(ProofError::False { circuit: self.id(), error });
            }
        }
        Ok(())
    }
}

impl Proof {
    /// Everything that a proof shows of its witness: openings, leaves of queries, folded values; nothing that
    /// is the same in all proofs of a circuit.
    pub fn opened_values(&self) -> Vec<F> {
        let proof = &self.0.proof;
        let o = &proof.openings;
        let points = [&o.wires, &o.plonk_zs, &o.plonk_zs_next, &o.partial_products, &o.quotient_polys];
        let mut out: Vec<F> = points.into_iter().flatten().flat_map(|&v| from_ext(v)).collect();
        for round in &proof.opening_proof.query_round_proofs {
            // The first tree holds constants and permutation.
            out.extend(round.initial_trees_proof.evals_proofs[1..].iter().flat_map(|(leaf, _)| leaf));
            out.extend(round.steps.iter().flat_map(|s| &s.evals).flat_map(|&v| from_ext(v)));
        }
        out.extend(proof.opening_proof.final_poly.coeffs.iter().flat_map(|&v| from_ext(v)));
        out
    }
}
