//! The proof that all tiles of a dataset are valid, before any job.

use crate::share::{check_tile, group_randomness};
use std::sync::Arc;
use zektra_he::ring::Poly;
use zektra_prove::chain::{Proven, SealCircuits};
use zektra_prove::circuit::{Proof, ProofError};
use zektra_prove::extend::Plane;
use zektra_prove::seal::{Planes, SealChain};
use zektra_statement::inputs::{self, ExtendedPlane};
use zektra_statement::record::Dataset;
use zektra_statement::template::Params;
use zektra_verify::envelope::Envelope;
use zektra_verify::known::KnownSeal;

/// What is kept of a seal on its way: how many row groups are proven, and the last link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Row groups that are proven.
    pub groups: u64,
    /// The last link's proof.
    pub last: Envelope,
}

/// A row group's ciphertexts, plane by plane, and the proof of its tile.
pub type Sealed = (Vec<Poly>, Proof);

/// Proves a dataset's seal. `group` gives a row group; `keep` is told after each, and what it was told last may be given
/// as `from` to go on from there.
///
/// # Errors
/// What `group` says; a tile's proof that is not one of this dataset.
pub fn seal<E: From<ProofError>>(
    circuits: &Arc<SealCircuits>,
    chain_id: &str,
    dataset: &Dataset,
    from: Option<&Kept>,
    group: &mut dyn FnMut(u64) -> Result<Sealed, E>,
    keep: &mut dyn FnMut(&Kept) -> Result<(), E>,
) -> Result<Envelope, E> {
    let (object, key) = (dataset.object(chain_id), dataset.owner_key);
    let mut chain = match from {
        None => SealChain::start(circuits.clone(), object, key)?,
        Some(Kept { groups, last }) => {
            let planes = |k| Ok::<Planes, E>(planes(chain_id, dataset, k, &group(k)?.0));
            let known = (0..*groups).map(planes).collect::<Result<Vec<_>, E>>()?;
            SealChain::resume(circuits.clone(), object, key, &known, last)?
        }
    };
    for k in chain.groups()..u64::from(dataset.groups) {
        let (b, proof) = group(k)?;
        let tile = check_tile(&circuits.tile, chain_id, dataset, k, &b, proof)?;
        let extend = prove_alone(circuits, chain_id, dataset, k, &b, &tile)?;
        chain.add(&tile, &extend, k + 1 == u64::from(dataset.groups))?;
        keep(&Kept { groups: chain.groups(), last: chain.envelope()? })?;
    }
    Ok(chain.wrap()?)
}

fn planes(chain_id: &str, dataset: &Dataset, group: u64, b: &[Poly]) -> Planes {
    let a = group_randomness(chain_id, dataset, group);
    a.iter().zip(b).map(|(a, b)| (a.commitment(), b.commitment())).collect()
}

/// Proves a row group's polynomials at the point of its tile's proof.
///
/// # Errors
/// Polynomials that are not those of the tile's proof.
pub fn prove_alone(
    circuits: &SealCircuits,
    chain_id: &str,
    dataset: &Dataset,
    group: u64,
    b: &[Poly],
    tile: &Proven<inputs::Tile>,
) -> Result<Proven<inputs::Extend>, ProofError> {
    let a = group_randomness(chain_id, dataset, group);
    let planes: Vec<Plane<'_>> =
        a.iter().zip(b).map(|(a, b)| Plane { a: a.coefficients(), b: b.coefficients(), x: vec![] }).collect();
    let alone = |&(a, b): &(_, _)| ExtendedPlane { a, b, x: vec![], c0: b };
    let statement = inputs::Extend { planes: tile.statement.planes.iter().map(alone).collect() };
    let proof = circuits.extend.prove(&statement, &planes, crate::node::point(tile), &[])?;
    Ok(Proven { statement, proof })
}

/// What a verifier has to know of the circuits of datasets with the bounds of a template.
pub fn known_seal_of(circuits: &SealCircuits, p: &Params) -> KnownSeal {
    KnownSeal {
        digest: circuits.digest(),
        rows_log2: circuits.link_rows_log2() as u32,
        bounds: [p.columns(), p.blocks(), p.classes, p.scale_x, p.scale_r, p.row_norm, p.range],
    }
}
