//! All circuits of a job, and the node that proves link after link.

use crate::cache::Cache;
use crate::circuit::{Circuit, Proof, ProofError};
use crate::extend::ExtendCircuit;
use crate::kit::Values;
use crate::link::{self, TooSmall};
use crate::noise::{Kind, NoiseCircuit};
use crate::phase::PhaseCircuit;
use crate::step::StepCircuit;
use crate::tile::{Bounds, TileCircuit};
use std::sync::Arc;
use zektra_statement::chain::{
    CIRCUITS, Elements, Entry, LAST_FOLD, OFFLINE, START, States, TILES, circuits_digest, context, fold_place,
};
use zektra_statement::digest::{Commitment, Fingerprint};
use zektra_statement::field::{F, Field};
use zektra_statement::inputs::{self, fingerprint_elements};
use zektra_statement::merkle::{Tree, dataset_leaf, tile_leaf};
use zektra_statement::phase::{PhaseTable, TilePlane};
use zektra_statement::record::Plane;
use zektra_statement::template::{ParamError, Template};
use zektra_verify::envelope::Envelope;

/// Offline shares in one proof.
pub const OFFLINE_PAIRS: usize = 24;

/// Why there are no circuits for a job.
#[derive(Debug, thiserror::Error)]
pub enum SetError {
    /// A parameter out of its range.
    #[error(transparent)]
    Template(#[from] ParamError),
    /// Sums of squares could wrap around.
    #[error("the bounds of a moment are too large to be proven: lower scale_x, scale_r or row_norm")]
    Bounds,
    /// A circuit would be larger than its setting allows.
    #[error(
        "the circuit of {what} would have 2^{rows_log2} rows, at most 2^{most} are proven: take fewer row groups a step, classes or column blocks"
    )]
    Large {
        /// Which circuit.
        what: String,
        /// Its size.
        rows_log2: usize,
        /// The largest.
        most: u32,
    },
}

/// What members prove, and verify of each other.
#[derive(Debug)]
pub struct ShareCircuits {
    /// The phase table.
    pub table: PhaseTable,
    /// Members.
    pub members: u32,
    /// A row group's tiles.
    pub tile: TileCircuit,
    /// Extension shares of one row group.
    pub extension: NoiseCircuit,
    /// Offline shares, [`OFFLINE_PAIRS`] at once.
    pub offline: NoiseCircuit,
    /// Answers to each phase.
    pub phases: Vec<PhaseCircuit>,
}

impl ShareCircuits {
    /// Builds the circuits of a template for so many members.
    ///
    /// # Errors
    /// A template that cannot be proven.
    pub fn build(template: &Template, members: u32) -> Result<Self, SetError> {
        Self::load(&Cache::none(), template, members)
    }

    /// Loads the circuits from a cache, and builds what it lacks.
    ///
    /// # Errors
    /// A template that cannot be proven.
    pub fn load(cache: &Cache, template: &Template, members: u32) -> Result<Self, SetError> {
        let table = template.compile()?;
        let bounds = Bounds::of(&template.params).ok_or(SetError::Bounds)?;
        let planes = 2 * usize::from(table.blocks);
        let out = Self {
            members,
            tile: TileCircuit::load(cache, bounds),
            extension: NoiseCircuit::load(cache, Kind::Extension, planes),
            offline: NoiseCircuit::load(cache, Kind::Offline, OFFLINE_PAIRS),
            phases: (0..table.phases.len()).map(|p| PhaseCircuit::load(cache, &table, p, members)).collect(),
            table,
        };
        check_size("a tile", &out.tile.circuit)?;
        for (p, phase) in out.phases.iter().zip(&out.table.phases) {
            check_size(&format!("a member's answer to {}", phase.name), &p.circuit)?;
        }
        Ok(out)
    }
}

fn check_size(what: &str, circuit: &Circuit) -> Result<(), SetError> {
    let most = *circuit.purpose.setting().rows_log2().end();
    let rows_log2 = circuit.rows_log2();
    if rows_log2 > most as usize {
        return Err(SetError::Large { what: what.into(), rows_log2, most });
    }
    Ok(())
}

/// What the compute node proves.
#[derive(Debug)]
pub struct NodeCircuits {
    /// The members' circuits.
    pub shares: Arc<ShareCircuits>,
    /// A row group on its way to the job's key.
    pub extend: ExtendCircuit,
    /// A phase.
    pub steps: Vec<StepCircuit>,
    /// The links, in the order of the list; empty places are `None`.
    links: Vec<Option<Circuit>>,
    /// The last proof.
    pub wrap: Circuit,
}

impl NodeCircuits {
    /// Builds the circuits of a job; `progress` is called with what comes next.
    ///
    /// # Errors
    /// A job that cannot be proven.
    pub fn build(shares: Arc<ShareCircuits>, progress: &mut dyn FnMut(&str)) -> Result<Self, SetError> {
        Self::load(&Cache::none(), shares, progress)
    }

    /// Loads the circuits from a cache, and builds what it lacks; `progress` is called with what comes next.
    ///
    /// # Errors
    /// A job that cannot be proven.
    pub fn load(cache: &Cache, shares: Arc<ShareCircuits>, progress: &mut dyn FnMut(&str)) -> Result<Self, SetError> {
        let table = &shares.table;
        let members = shares.members;
        progress("extend");
        let extend = ExtendCircuit::load(cache, members, usize::from(table.blocks));
        check_size("a row group's sums", &extend.circuit)?;
        let mut steps = vec![];
        for (p, phase) in table.phases.iter().enumerate() {
            progress(&format!("step of {}", phase.name));
            let step = StepCircuit::load(cache, table, p, members);
            check_size(&format!("the step of {}", phase.name), &step.circuit)?;
            steps.push(step);
        }
        let allowed = crate::config::Purpose::Chain.setting().rows_log2();
        for rows_log2 in allowed.clone() {
            let job = link::Job::new(table, members as usize, rows_log2 as usize, cache);
            match Self::links(&job, &shares, &extend, &steps, progress) {
                Ok(links) => {
                    progress("wrap");
                    let wrap = link::wrap(cache, job.rows_log2, || job.shape().clone());
                    return Ok(Self { shares, extend, steps, links, wrap });
                }
                Err(TooSmall) => continue,
            }
        }
        Err(SetError::Large {
            what: "a link of the chain".into(),
            rows_log2: *allowed.end() as usize + 1,
            most: *allowed.end(),
        })
    }

    fn links(
        job: &link::Job<'_>,
        shares: &ShareCircuits,
        extend: &ExtendCircuit,
        steps: &[StepCircuit],
        progress: &mut dyn FnMut(&str),
    ) -> Result<Vec<Option<Circuit>>, TooSmall> {
        let phases = shares.phases.len();
        let mut links: Vec<Option<Circuit>> = (0..CIRCUITS).map(|_| None).collect();
        // The largest first: a shape that is too small is found soon.
        for (p, (share, step)) in shares.phases.iter().zip(steps).enumerate() {
            progress(&format!("fold of {}", job.table.phases[p].name));
            links[fold_place(p, phases)] = Some(link::fold(job, p, share, step)?);
        }
        progress("tiles");
        links[TILES] = Some(link::tiles(job, &shares.tile.circuit, &shares.extension, &extend.circuit)?);
        progress("offline");
        links[OFFLINE] = Some(link::offline(job, &shares.offline)?);
        progress("start");
        links[START] = Some(link::start(job)?);
        Ok(links)
    }

    /// The digests of the links' verifier data.
    pub fn list(&self) -> [Commitment; CIRCUITS] {
        let digest = |place: usize| self.links[place].as_ref().map_or(Commitment([0; 4]), Circuit::verifier_digest);
        std::array::from_fn(digest)
    }

    /// What a chain carries as `circuits`.
    pub fn digest(&self) -> Commitment {
        circuits_digest(&self.list())
    }

    /// Reads a link's proof: links have one shape.
    ///
    /// # Errors
    /// An envelope that holds no proof of a link.
    pub fn read_link(&self, envelope: &Envelope) -> Result<Proof, ProofError> {
        let any = self.links.iter().flatten().find(|c| c.id() == envelope.circuit);
        any.ok_or_else(|| ProofError::Format("not a link of this chain".into()))?.read(envelope)
    }

    /// The id of the circuit at a place of the list.
    fn id_of(&self, place: usize) -> Result<Fingerprint, ProofError> {
        Ok(self.link(place)?.id())
    }

    /// Binary logarithm of the rows of every link.
    pub fn link_rows_log2(&self) -> usize {
        self.any_link().map_or(0, Circuit::rows_log2)
    }

    /// One of the links, which all have one shape.
    pub fn any_link(&self) -> Option<&Circuit> {
        self.links.iter().flatten().next()
    }

    fn link(&self, place: usize) -> Result<&Circuit, ProofError> {
        self.links[place].as_ref().ok_or_else(|| ProofError::Format(format!("the chain has no circuit {place}")))
    }
}

/// The last circuit over links of `2^rows_log2` rows: the same for all jobs.
pub fn wrap_circuit(rows_log2: usize) -> Circuit {
    link::wrap(&Cache::none(), rows_log2, || link::link_shape(rows_log2))
}

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
    place: usize,
    proof: Proof,
    /// Links added so far.
    links: u64,
    /// Links that were proven before this chain was taken up again: they are only followed.
    known: u64,
}

impl Chain {
    /// Takes up a chain whose last proof, after `links` links, is `proof`.
    ///
    /// All links are added again in the same order; the first `links` are followed without proving them again.
    pub fn resume(circuits: Arc<NodeCircuits>, about: About, links: u64, proof: Proof) -> Self {
        let states = States::start(&circuits.shares.table, about.keys.len());
        let list = circuits.list();
        let (dataset, tiles, groups) = (Tree::new(vec![]), Tree::new(vec![]), vec![]);
        Self { circuits, list, about, states, groups, dataset, tiles, place: START, proof, links: 1, known: links }
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
        let proof = circuits.link(START)?.prove_over(&values, &[], &[])?;
        let states = States::start(&circuits.shares.table, about.keys.len());
        let empty = || Tree::new(vec![]);
        let (dataset, tiles) = (empty(), empty());
        let (groups, links, known) = (vec![], 1, 0);
        Ok(Self { circuits, list, about, states, groups, dataset, tiles, place: START, proof, links, known })
    }

    /// What the last link shows.
    ///
    /// # Errors
    /// A proof of another shape: not one of a link.
    pub fn elements(&self) -> Result<Elements, ProofError> {
        let shown = Elements::from_slice(self.proof.public_inputs());
        shown.ok_or_else(|| ProofError::Format("not a link".into()))
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
        Ok(self.proof.to_envelope(self.circuits.id_of(self.place)?))
    }

    fn common(&self) -> Values {
        let mut values = Values::default();
        values.put("circuits", self.list.iter().flat_map(Commitment::elements).collect());
        values.put("context", self.about.elements());
        values
    }

    fn prove(&mut self, place: usize, values: &Values, inner: &[&Proof]) -> Result<(), ProofError> {
        self.links += 1;
        if self.links <= self.known {
            self.place = place;
            return Ok(());
        }
        let all: Vec<&Proof> = [&self.proof].into_iter().chain(inner.iter().copied()).collect();
        let before = self.circuits.link(self.place)?;
        let proof = self.circuits.link(place)?.prove_over(values, &all, &[before])?;
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
        let planes: Vec<_> = extend.statement.planes.iter().map(|p| (p.c0, p.a)).collect();
        let leaf = dataset_leaf(self.dataset.leaves() as u64, &tile.statement.key, &tile.statement.planes);
        self.dataset.push(leaf);
        if last {
            self.dataset = Tree::new(vec![]);
        }
        self.tiles.push(tile_leaf(&planes));
        self.groups.push(planes);
        Ok(())
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
        self.prove(OFFLINE, &values, &inner)
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
        let mut next = self.states.clone();
        if phase == 0 {
            next.groups = groups.to_vec();
        }
        for (k, o) in p.outputs.iter().enumerate() {
            let made = &step.statement.outputs[k];
            next.entries[usize::from(o.state)] = Entry {
                cipher: made.cipher,
                opened: made.after,
                shares: shares.iter().map(|s| s.statement.outputs[k].after).collect(),
            };
        }
        let inner: Vec<&Proof> = shares.iter().map(|s| &s.proof).chain([&step.proof]).collect();
        self.prove(fold_place(phase, table.phases.len()), &values, &inner)?;
        self.states = next;
        Ok(())
    }

    /// Makes the last proof.
    ///
    /// # Errors
    /// A chain that does not stand at the end of an iteration.
    pub fn wrap(&self) -> Result<Proof, ProofError> {
        let mut values = Values::default();
        values.put("circuits", self.list.iter().flat_map(Commitment::elements).collect());
        let before = self.circuits.link(self.place)?;
        self.circuits.wrap.prove_over(&values, &[&self.proof], &[before])
    }
}
