//! The node that proves link after link.

use crate::circuit::{Proof, ProofError};
pub use crate::circuits::{NodeCircuits, OFFLINE_PAIRS, SealCircuits, SetError, ShareCircuits, wrap_circuit};
use crate::kit::Values;
use std::sync::Arc;
use zektra_statement::chain::{
    CIRCUITS, Elements, Entry, LAST_FOLD, OFFLINE, RESUME, START, States, TILES, circuits_digest, context, fold_place,
    offline_leaf, offline_link,
};
use zektra_statement::digest::{Commitment, Fingerprint};
use zektra_statement::field::{F, Field, to_ext};
use zektra_statement::inputs::{self, Statement, fingerprint_elements};
use zektra_statement::merkle::{Tree, dataset_leaf, tile_leaf};
use zektra_statement::phase::TilePlane;
use zektra_statement::record::Plane;
use zektra_verify::envelope::Envelope;

/// A statement with its proof.
#[derive(Clone, Debug)]
pub struct Proven<S> {
    /// What is proven.
    pub statement: S,
    /// The proof.
    pub proof: Proof,
}

/// Who a chain is of.
#[derive(Clone, Debug)]
pub struct About {
    /// The job's lock.
    pub lock: Fingerprint,
    /// The phase table's digest.
    pub table: Fingerprint,
    /// The compute node.
    pub node: Fingerprint,
    /// The members' keys.
    pub keys: Vec<Commitment>,
}

impl About {
    fn elements(&self) -> Vec<F> {
        let prints = [&self.lock, &self.table, &self.node].into_iter().flat_map(fingerprint_elements);
        prints.chain(self.keys.iter().flat_map(Commitment::elements)).collect()
    }

    /// The context that links carry.
    pub fn context(&self) -> Commitment {
        context(&self.lock, &self.table, &self.node, &self.keys)
    }
}

/// A chain as far as it is proven.
#[derive(Clone)]
pub struct Chain {
    circuits: Arc<NodeCircuits>,
    list: [Commitment; CIRCUITS],
    about: About,
    states: States,
    /// (c0, a) of every plane of every row group.
    groups: Vec<Vec<(Commitment, Commitment)>>,
    dataset: Tree,
    tiles: Tree,
    /// Leaves of all offline shares.
    offline: Vec<Commitment>,
    /// The last link's proof, and its place in the list.
    proof: Proof,
    place: usize,
    /// Links added so far; `resume` is none of them.
    links: u64,
    /// Links that were proven before this chain was taken up again: they are only followed.
    known: u64,
}

impl Chain {
    fn at(circuits: Arc<NodeCircuits>, about: About, place: usize, proof: Proof, known: u64) -> Self {
        let states = States::start(&circuits.shares.table, about.keys.len());
        let list = circuits.list();
        let (dataset, tiles) = (Tree::new(vec![]), Tree::new(vec![]));
        let (groups, offline) = (vec![], vec![]);
        Self { circuits, list, about, states, groups, dataset, tiles, offline, place, proof, links: 1, known }
    }

    /// Takes up a chain of one's own whose last proof, after `links` links, is `last`.
    ///
    /// All links are added again in the same order; the first `links` are followed without proving them again.
    ///
    /// # Errors
    /// An envelope that holds no proof of a link, or one about something else.
    pub fn resume(circuits: Arc<NodeCircuits>, about: About, links: u64, last: &Envelope) -> Result<Self, ProofError> {
        let (place, proof) = circuits.links.read(last)?;
        check(&circuits, &shown(&proof)?, &about)?;
        Ok(Self::at(circuits, about, place, proof, links))
    }

    /// Goes on from the last accepted proof of the job, a wrap that names the node `before`: proves that the work
    /// goes on under `about.node`. `batches` are all batches of offline shares of the job.
    ///
    /// All links are added again in the order of the job, from the first row group on; those that stand behind the
    /// wrap are followed without proving them.
    ///
    /// # Errors
    /// A wrap that does not verify, or of another job, node or list of circuits.
    pub fn take_over(
        circuits: Arc<NodeCircuits>,
        about: About,
        before: Fingerprint,
        batches: u64,
        last: &Envelope,
    ) -> Result<Self, ProofError> {
        let wrap = circuits.wrap.read(last)?;
        circuits.wrap.verify(&wrap)?;
        let before = About { node: before, ..about.clone() };
        let shown = shown(&wrap)?;
        check(&circuits, &shown, &before)?;
        let proof = Self::prove_resume(&circuits, &before, about.node, &wrap)?;
        let known = Self::links_behind(&circuits, shown.iteration, shown.tile_groups, batches);
        Ok(Self::at(circuits, about, RESUME, proof, known))
    }

    /// The proof of `resume` alone, without a look at what the wrap shows: for tests that forge.
    ///
    /// # Errors
    /// A context that is not the wrap's; a proof that is no wrap.
    pub fn prove_resume(
        circuits: &NodeCircuits,
        before: &About,
        node: Fingerprint,
        wrap: &Proof,
    ) -> Result<Proof, ProofError> {
        let mut values = Values::default();
        values.put("context", before.elements());
        values.put("node", fingerprint_elements(&node).to_vec());
        circuits.links.at(RESUME)?.prove_over(&values, &[wrap], &[])
    }

    /// Whether the links that were followed end with what the proof shows.
    fn check_followed(&self) -> Result<(), ProofError> {
        let circuit = self.circuits.links.at(self.place)?.id();
        if self.links != self.known {
            return same(circuit, "the number of links", self.links > self.known);
        }
        let same = |what, same| if same { Ok(()) } else { Err(ProofError::Followed { circuit, what }) };
        let shown = self.elements()?;
        let tops = (self.tiles.top(), self.dataset.top());
        same("the row groups", (shown.tile_top, shown.dataset_top) == tops)?;
        let made = self.offline.iter().fold(Commitment([0; 4]), |c, leaf| offline_link(&c, leaf));
        same("the offline shares", shown.made == made)?;
        same("the states", shown.state == self.states.digest())
    }

    /// Whether what comes next stands behind the proof that this chain was taken up or taken over from.
    pub fn follows(&self) -> bool {
        self.links < self.known
    }

    fn follow(&mut self) -> Result<(), ProofError> {
        let circuit = self.circuits.links.at(self.place)?.id();
        same(circuit, "the number of links", self.follows())?;
        self.links += 1;
        Ok(())
    }

    /// Links that stand behind a wrap after so many iterations, the first one counted.
    pub fn links_behind(circuits: &NodeCircuits, iterations: u64, groups: u64, batches: u64) -> u64 {
        let folds = iterations.saturating_mul(circuits.shares.phases.len() as u64);
        folds.saturating_add(batches).saturating_add(groups).saturating_add(1)
    }

    /// Links proven so far, the first one counted.
    pub fn links(&self) -> u64 {
        self.links.max(self.known)
    }

    /// Proves the first link.
    ///
    /// # Errors
    /// What proving may fail with.
    pub fn start(circuits: Arc<NodeCircuits>, about: About) -> Result<Self, ProofError> {
        let list = circuits.list();
        Self::start_listing(circuits, about, list)
    }

    /// [`Chain::start`] with a list of circuits of one's own: for tests that forge. The chain shows its digest.
    ///
    /// # Errors
    /// What proving may fail with.
    pub fn start_listing(
        circuits: Arc<NodeCircuits>,
        about: About,
        list: [Commitment; CIRCUITS],
    ) -> Result<Self, ProofError> {
        let mut values = Values::default();
        values.put("context", about.context().elements().to_vec());
        values.put("circuits", circuits_digest(&list).elements().to_vec());
        let proof = circuits.links.at(START)?.prove_over(&values, &[], &[])?;
        Ok(Self { list, ..Self::at(circuits, about, START, proof, 0) })
    }

    /// What the last link shows.
    ///
    /// # Errors
    /// A proof of another shape: not one of a link.
    pub fn elements(&self) -> Result<Elements, ProofError> {
        shown(&self.proof)
    }

    /// The leaves of all offline shares, in the order of their use: the last proof shows the chain over them.
    pub fn offline_leaves(&self) -> &[Commitment] {
        &self.offline
    }

    /// The states after the last link.
    pub fn states(&self) -> &States {
        &self.states
    }

    /// The last link's proof.
    pub fn proof(&self) -> &Proof {
        &self.proof
    }

    /// The last link's proof as it is kept.
    ///
    /// # Errors
    /// A chain without circuits.
    pub fn envelope(&self) -> Result<Envelope, ProofError> {
        Ok(self.proof.to_envelope(self.circuits.links.at(self.place)?.id()))
    }

    fn common(&self) -> Values {
        let mut values = Values::default();
        values.put("circuits", self.list.iter().flat_map(Commitment::elements).collect());
        values.put("context", self.about.elements());
        values
    }

    fn prove(&mut self, place: usize, values: &Values, inner: &[&Proof]) -> Result<(), ProofError> {
        if self.follows() {
            return self.follow();
        }
        self.check_followed()?;
        self.links += 1;
        let all: Vec<&Proof> = [&self.proof].into_iter().chain(inner.iter().copied()).collect();
        let before = self.circuits.links.at(self.place)?;
        let proof = self.circuits.links.at(place)?.prove_over(values, &all, &[before])?;
        self.proof = proof;
        self.place = place;
        Ok(())
    }

    /// Adds a row group: the tile's proof, the others' extension proofs in the order of the seats, the sums.
    ///
    /// # Errors
    /// Proofs that do not belong together.
    pub fn add_group(
        &mut self,
        owner: usize,
        tile: &Proven<inputs::Tile>,
        shares: &[Proven<inputs::Noise>],
        extend: &Proven<inputs::Extend>,
        last: bool,
    ) -> Result<(), ProofError> {
        let mut values = self.common();
        let flag = |b: bool| vec![F::from_bool(b)];
        values.put("before 1", flag(self.place == TILES));
        for i in 0..self.about.keys.len() {
            values.put(format!("owner {i}"), flag(i == owner));
        }
        let path = |tree: &Tree| tree.siblings(tree.leaves()).iter().flat_map(Commitment::elements).collect();
        values.put("dataset path", path(&self.dataset));
        values.put("tile path", path(&self.tiles));
        values.put("last of dataset", flag(last));
        let inner: Vec<&Proof> =
            [&tile.proof].into_iter().chain(shares.iter().map(|s| &s.proof)).chain([&extend.proof]).collect();
        self.prove(TILES, &values, &inner)?;
        self.take_group(&tile.statement, &extend.statement, last);
        Ok(())
    }

    /// The same for a row group behind what this chain was taken up or taken over from: nothing is proven.
    ///
    /// # Errors
    /// A chain that has nothing to follow there.
    pub fn follow_group(&mut self, tile: &inputs::Tile, extend: &inputs::Extend, last: bool) -> Result<(), ProofError> {
        self.follow()?;
        self.take_group(tile, extend, last);
        Ok(())
    }

    fn take_group(&mut self, tile: &inputs::Tile, extend: &inputs::Extend, last: bool) {
        let planes: Vec<_> = extend.planes.iter().map(|p| (p.c0, p.a)).collect();
        let leaf = dataset_leaf(self.dataset.leaves() as u64, &tile.key, &tile.planes);
        self.dataset.push(leaf);
        if last {
            self.dataset = Tree::new(vec![]);
        }
        self.tiles.push(tile_leaf(&planes));
        self.groups.push(planes);
    }

    /// Adds a batch of offline shares, of every member; the first `used` pairs count.
    ///
    /// # Errors
    /// Proofs that do not belong together.
    pub fn add_offline(&mut self, shares: &[Proven<inputs::Noise>], used: usize) -> Result<(), ProofError> {
        let mut values = self.common();
        values.put("before 1", vec![F::from_bool(self.place == OFFLINE)]);
        for k in 0..OFFLINE_PAIRS {
            values.put(format!("pair {k}"), vec![F::from_bool(k < used)]);
        }
        let inner: Vec<&Proof> = shares.iter().map(|s| &s.proof).collect();
        self.prove(OFFLINE, &values, &inner)?;
        self.offline.extend(offline_leaves(shares, used));
        Ok(())
    }

    /// Adds a phase: all members' answers and the node's step on these row groups.
    ///
    /// # Errors
    /// Proofs that do not belong together.
    pub fn fold(
        &mut self,
        phase: usize,
        groups: &[u32],
        shares: &[Proven<inputs::PhaseShare>],
        step: &Proven<inputs::Step>,
    ) -> Result<(), ProofError> {
        let table = &self.circuits.shares.table;
        let p = &table.phases[phase];
        let mut values = self.common();
        values.put("state", self.states.elements());
        if phase == 0 {
            values.put("before 1", vec![F::from_bool(self.place == LAST_FOLD)]);
            values.put("before 2", vec![F::from_bool(self.place == RESUME)]);
            values.put("groups", groups.iter().map(|&g| F::from_canonical_u32(g)).collect());
        }
        let (tiles, _) = p.reads();
        for slot in 0..table.slots {
            if !tiles.iter().any(|t| t.slot == slot) {
                continue;
            }
            let group = groups.get(usize::from(slot)).map_or(0, |&g| g as usize);
            let Some(planes) = self.groups.get(group) else {
                return Err(ProofError::Format(format!("there is no row group {group}")));
            };
            for block in 0..table.blocks {
                for plane in Plane::ALL {
                    if !tiles.contains(&TilePlane { slot, block, plane }) {
                        let (c0, a) = planes[2 * usize::from(block) + plane.index() as usize];
                        values.put(format!("unread {slot} {block} {plane:?}"), [c0.elements(), a.elements()].concat());
                    }
                }
            }
            let path = self.tiles.siblings(group).iter().flat_map(Commitment::elements).collect();
            values.put(format!("path {slot}"), path);
        }
        let inner: Vec<&Proof> = shares.iter().map(|s| &s.proof).chain([&step.proof]).collect();
        self.prove(fold_place(phase, table.phases.len()), &values, &inner)?;
        let shares: Vec<_> = shares.iter().map(|s| &s.statement).collect();
        self.take_phase(phase, groups, &shares, &step.statement);
        Ok(())
    }

    /// The same for a phase behind what this chain was taken up or taken over from: nothing is proven.
    ///
    /// # Errors
    /// A chain that has nothing to follow there.
    pub fn follow_fold(
        &mut self,
        phase: usize,
        groups: &[u32],
        shares: &[&inputs::PhaseShare],
        step: &inputs::Step,
    ) -> Result<(), ProofError> {
        self.follow()?;
        self.take_phase(phase, groups, shares, step);
        Ok(())
    }

    fn take_phase(&mut self, phase: usize, groups: &[u32], shares: &[&inputs::PhaseShare], step: &inputs::Step) {
        if phase == 0 {
            self.states.groups = groups.to_vec();
        }
        for (k, o) in self.circuits.shares.table.phases[phase].outputs.iter().enumerate() {
            let made = &step.outputs[k];
            self.states.entries[usize::from(o.state)] = Entry {
                cipher: made.cipher,
                opened: made.after,
                shares: shares.iter().map(|s| s.outputs[k].after).collect(),
            };
        }
    }

    /// Makes the last proof.
    ///
    /// # Errors
    /// A chain that does not stand at the end of an iteration.
    pub fn wrap(&self) -> Result<Proof, ProofError> {
        self.check_followed()?;
        let mut values = Values::default();
        values.put("circuits", self.list.iter().flat_map(Commitment::elements).collect());
        let before = self.circuits.links.at(self.place)?;
        self.circuits.wrap.prove_over(&values, &[&self.proof], &[before])
    }
}

pub(crate) fn same(circuit: Fingerprint, what: &str, same: bool) -> Result<(), ProofError> {
    if same { Ok(()) } else { Err(ProofError::Other { circuit, what: what.into() }) }
}

/// Whether a link or wrap is of these circuits and about this.
fn check(circuits: &NodeCircuits, shown: &Elements, about: &About) -> Result<(), ProofError> {
    let id = circuits.wrap.id();
    same(id, "the list of circuits", shown.circuits == circuits.digest())?;
    same(id, "the job, its members or the node", shown.context == about.context())
}

/// What a link or wrap shows.
pub(crate) fn shown(proof: &Proof) -> Result<Elements, ProofError> {
    let shown = Elements::from_slice(proof.public_inputs());
    shown.ok_or_else(|| ProofError::Format("not a link".into()))
}

/// The leaves of the pairs of a batch that count.
fn offline_leaves(shares: &[Proven<inputs::Noise>], used: usize) -> Vec<Commitment> {
    let leaf = |k: usize| {
        let pairs = || shares.iter().filter_map(move |s| s.statement.pairs.get(k));
        let p: Vec<Commitment> = pairs().map(|pair| pair.1).collect();
        let values = shares.iter().filter_map(|s| {
            let at = s.statement.elements().len() + 10;
            let ext =
                |at: usize| Some(to_ext([*s.proof.public_inputs().get(at)?, *s.proof.public_inputs().get(at + 1)?]));
            let values = at + 2 + 4 * k;
            Some([ext(at)?, ext(values)?, ext(values + 2)?])
        });
        Some(offline_leaf(&pairs().next()?.0, &p, &values.collect::<Vec<_>>()))
    };
    (0..used).filter_map(leaf).collect()
}
