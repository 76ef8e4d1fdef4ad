//! The last proof's circuit, as this build knows it: verifier data in files that `make pin` writes.
//!
//! A chain's links have one shape for each number of rows, and a wrap verifies links of one shape. So there is
//! one wrap circuit for each number of rows, whatever the job.

use plonky2::plonk::circuit_data::{CommonCircuitData, VerifierCircuitData, VerifierOnlyCircuitData};
use plonky2::plonk::config::PoseidonGoldilocksConfig;
use plonky2::util::serialization::DefaultGateSerializer;
use std::ops::RangeInclusive;
use std::sync::LazyLock;
use zektra_statement::digest::Fingerprint;
use zektra_statement::field::F;
use zektra_statement::inputs::circuit_id;

use crate::settings::{CHAIN, WRAP};

/// The verifier data of a circuit.
pub type Verifier = VerifierCircuitData<F, PoseidonGoldilocksConfig, 2>;

/// Files for chains of 2^15, 2^16, 2^17 rows.
const FILES: [&[u8]; 3] =
    [include_bytes!("pinned/wrap-15.bin"), include_bytes!("pinned/wrap-16.bin"), include_bytes!("pinned/wrap-17.bin")];

/// Binary logarithms of the rows that the links of a chain may have.
pub fn sizes() -> RangeInclusive<u32> {
    CHAIN.rows_log2()
}

/// The shape of a wrap circuit over links of `2^rows_log2` rows: what its id is the fingerprint of.
pub fn wrap_shape(rows_log2: usize) -> String {
    format!("wrap/1 rows=2^{rows_log2}")
}

/// The id of a wrap circuit.
pub fn wrap_id(rows_log2: u32) -> Fingerprint {
    circuit_id(wrap_shape(rows_log2 as usize).as_bytes())
}

/// The bytes of the pinned file for links of `2^rows_log2` rows; `None` for a size that no chain has.
pub fn file(rows_log2: u32) -> Option<&'static [u8]> {
    let index = rows_log2.checked_sub(*sizes().start())?;
    FILES.get(index as usize).copied()
}

/// The wrap circuit over links of `2^rows_log2` rows; `None` for a size that no chain has.
pub fn wrap(rows_log2: u32) -> Option<Verifier> {
    read(file(rows_log2)?)
}

/// The bytes of a last proof over links of `2^rows_log2` rows, without its public inputs; `None` for a size that no
/// chain has.
pub fn proof_bytes(rows_log2: u32) -> Option<usize> {
    static BYTES: LazyLock<Vec<Option<usize>>> = LazyLock::new(|| {
        let bytes = |v: Verifier| WRAP.exact_proof_bytes(v.common.degree_bits() as u32, v.common.num_constants);
        sizes().map(|rows| wrap(rows).map(bytes)).collect()
    });
    *BYTES.get(rows_log2.checked_sub(*sizes().start())? as usize)?
}

/// Verifier data as a pinned file: the common data behind their length as 4 bytes, then what only verifiers need.
pub fn write(
    common: &CommonCircuitData<F, 2>,
    verifier_only: &VerifierOnlyCircuitData<PoseidonGoldilocksConfig, 2>,
) -> Vec<u8> {
    // Writing to memory does not fail, and all gates of a wrap are Plonky2's own.
    let common = common.to_bytes(&DefaultGateSerializer).unwrap_or_default();
    let mut out = (common.len() as u32).to_le_bytes().to_vec();
    out.extend(common);
    out.extend(verifier_only.to_bytes().unwrap_or_default());
    out
}

/// Reads a file of our own; these are never somebody else's bytes.
fn read(bytes: &[u8]) -> Option<Verifier> {
    let (length, rest) = bytes.split_first_chunk::<4>()?;
    let (common, verifier_only) = rest.split_at_checked(u32::from_le_bytes(*length) as usize)?;
    Some(Verifier {
        common: CommonCircuitData::from_bytes(common.to_vec(), &DefaultGateSerializer).ok()?,
        verifier_only: VerifierOnlyCircuitData::from_bytes(verifier_only.to_vec()).ok()?,
    })
}
