//! Plonky2's settings for each kind of circuit.

use plonky2::plonk::circuit_data::CircuitConfig;
use plonky2::plonk::config::PoseidonGoldilocksConfig;
use zektra_verify::settings::{CHAIN, PUBLIC, SHARE, Setting, WRAP};

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

impl Purpose {
    /// Its row of the settings table.
    pub fn setting(self) -> &'static Setting {
        match self {
            Self::Share => &SHARE,
            Self::Public => &PUBLIC,
            Self::Chain => &CHAIN,
            Self::Wrap => &WRAP,
        }
    }
}

/// The settings of a purpose.
pub(crate) fn circuit_config(purpose: Purpose) -> CircuitConfig {
    purpose.setting().config()
}
