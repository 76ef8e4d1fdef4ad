//! Plonky2's settings for each kind of circuit.

use plonky2::fri::FriConfig;
use plonky2::fri::reduction_strategies::FriReductionStrategy;
use plonky2::plonk::circuit_data::CircuitConfig;
use plonky2::plonk::config::PoseidonGoldilocksConfig;

/// Plonky2's configuration of field and hash.
pub(crate) type C = PoseidonGoldilocksConfig;

/// What a circuit is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// A member's statement: its witness is hidden.
    Share,
    /// A compute node's statement about public data.
    Public,
    /// A link of the chain of proofs.
    Chain,
    /// The last proof, made small.
    Wrap,
}

/// Columns that no gate reaches, random in all rows: the masking polynomial of the FRI batch.
pub(crate) const MASKS: [usize; 2] = [136, 137];

/// The settings of a purpose.
pub(crate) fn circuit_config(purpose: Purpose) -> CircuitConfig {
    let standard = CircuitConfig::standard_recursion_config();
    let fri = FriConfig { num_query_rounds: 48, ..standard.fri_config.clone() };
    match purpose {
        Purpose::Share => CircuitConfig { num_wires: MASKS[1] + 1, fri_config: fri, ..standard },
        Purpose::Public | Purpose::Chain => CircuitConfig { fri_config: fri, ..standard },
        Purpose::Wrap => CircuitConfig {
            fri_config: FriConfig {
                rate_bits: 5,
                num_query_rounds: 29,
                reduction_strategy: FriReductionStrategy::ConstantArityBits(4, 5),
                ..fri
            },
            ..standard
        },
    }
}
