//! The proof that all tiles of a dataset are valid: a chain of its own, without a job.

use crate::chain::{Proven, SealCircuits, same, shown};
use crate::circuit::{Proof, ProofError};
use crate::kit::Values;
use std::sync::Arc;
use zektra_statement::chain::{SEAL, START, seal_context};
use zektra_statement::digest::{Commitment, Fingerprint};
use zektra_statement::field::{F, Field};
use zektra_statement::inputs::{self, fingerprint_elements};
use zektra_statement::merkle::{Tree, dataset_leaf, tile_leaf};
use zektra_verify::envelope::Envelope;

/// (a, b) of each block and plane of a row group.
pub type Planes = Vec<(Commitment, Commitment)>;

/// A dataset's own chain as far as it is proven.
#[derive(Clone)]
pub struct SealChain {
    circuits: Arc<SealCircuits>,
    object: Fingerprint,
    key: Commitment,
    dataset: Tree,
    tiles: Tree,
    place: usize,
    proof: Proof,
}

impl SealChain {
    /// Proves the first link of the dataset with this object and owner's key.
    ///
    /// # Errors
    /// What proving may fail with.
    pub fn start(circuits: Arc<SealCircuits>, object: Fingerprint, key: Commitment) -> Result<Self, ProofError> {
        let mut values = Values::default();
        values.put("context", seal_context(&object, &key).elements().to_vec());
        values.put("circuits", circuits.digest().elements().to_vec());
        let proof = circuits.links.at(START)?.prove_over(&values, &[], &[])?;
        let tree = Tree::new(vec![]);
        Ok(Self { circuits, object, key, dataset: tree.clone(), tiles: tree, place: START, proof })
    }

    /// Takes up a chain whose last proof, after these row groups, is `last`.
    ///
    /// # Errors
    /// An envelope that holds no proof of a link, or one about something else.
    pub fn resume(
        circuits: Arc<SealCircuits>,
        object: Fingerprint,
        key: Commitment,
        groups: &[Planes],
        last: &Envelope,
    ) -> Result<Self, ProofError> {
        let (place, proof) = circuits.links.read(last)?;
        let found = shown(&proof)?;
        same(last.circuit, "the list of circuits", found.circuits == circuits.digest())?;
        same(last.circuit, "the dataset", found.context == seal_context(&object, &key))?;
        let leaves = (0..).zip(groups).map(|(k, planes)| dataset_leaf(k, &key, planes)).collect();
        let (dataset, tiles) = (Tree::new(leaves), Tree::new(groups.iter().map(|p| flat_leaf(p)).collect()));
        same(last.circuit, "the row groups", found.tile_top == tiles.top())?;
        let dataset = if found.dataset_groups == 0 { Tree::new(vec![]) } else { dataset };
        Ok(Self { circuits, object, key, dataset, tiles, place, proof })
    }

    /// Adds a row group: the tile's proof, and its polynomials at the proof's point; `last` ends the dataset.
    ///
    /// # Errors
    /// Proofs that do not belong together.
    pub fn add(
        &mut self,
        tile: &Proven<inputs::Tile>,
        extend: &Proven<inputs::Extend>,
        last: bool,
    ) -> Result<(), ProofError> {
        let flag = |b: bool| vec![F::from_bool(b)];
        let mut values = self.listed();
        let mut context =
            [self.object, Fingerprint::NONE, Fingerprint::NONE].map(|f| fingerprint_elements(&f)).concat();
        context.extend(self.key.elements());
        values.put("context", context);
        values.put("before 1", flag(self.place == SEAL));
        values.put("owner 0", flag(true));
        let path = |tree: &Tree| tree.siblings(tree.leaves()).iter().flat_map(Commitment::elements).collect();
        values.put("dataset path", path(&self.dataset));
        values.put("tile path", path(&self.tiles));
        values.put("last of dataset", flag(last));
        let links = &self.circuits.links;
        let inner = [&self.proof, &tile.proof, &extend.proof];
        self.proof = links.at(SEAL)?.prove_over(&values, &inner, &[links.at(self.place)?])?;
        self.place = SEAL;
        let planes = &tile.statement.planes;
        self.dataset.push(dataset_leaf(self.dataset.leaves() as u64, &tile.statement.key, planes));
        if last {
            self.dataset = Tree::new(vec![]);
        }
        self.tiles.push(flat_leaf(planes));
        Ok(())
    }

    /// Row groups that are proven.
    pub fn groups(&self) -> u64 {
        self.tiles.leaves() as u64
    }

    /// The last link's proof as it is kept.
    ///
    /// # Errors
    /// A chain without circuits.
    pub fn envelope(&self) -> Result<Envelope, ProofError> {
        Ok(self.proof.to_envelope(self.circuits.links.at(self.place)?.id()))
    }

    /// Makes the last proof.
    ///
    /// # Errors
    /// A chain without a row group.
    pub fn wrap(&self) -> Result<Envelope, ProofError> {
        let before = self.circuits.links.at(self.place)?;
        let proof = self.circuits.wrap.prove_over(&self.listed(), &[&self.proof], &[before])?;
        Ok(proof.to_envelope(self.circuits.wrap.id()))
    }

    fn listed(&self) -> Values {
        let mut values = Values::default();
        values.put("circuits", self.circuits.links.list().iter().flat_map(Commitment::elements).collect());
        values
    }
}

/// The leaf of the tile tree: nobody else's share is added, `c0` is `b`.
fn flat_leaf(planes: &[(Commitment, Commitment)]) -> Commitment {
    tile_leaf(&planes.iter().map(|&(a, b)| (b, a)).collect::<Vec<_>>())
}
