//! All circuits of a job, and those of a dataset's own chain.

use crate::cache::Cache;
use crate::circuit::{Circuit, Proof, ProofError};
use crate::config::Purpose;
use crate::extend::ExtendCircuit;
use crate::link::{self, TooSmall};
use crate::noise::{Kind, NoiseCircuit};
use crate::phase::PhaseCircuit;
use crate::step::StepCircuit;
use crate::tile::{Bounds, TileCircuit};
use std::sync::Arc;
use zektra_statement::chain::{
    CIRCUITS, MAX_PHASES, OFFLINE, RESUME, SEAL, START, States, TILES, circuits_digest, fold_place,
};
use zektra_statement::digest::Commitment;
use zektra_statement::phase::PhaseTable;
use zektra_statement::template::{ParamError, Template};
use zektra_verify::envelope::Envelope;

pub use zektra_statement::chain::OFFLINE_PAIRS;

/// Why there are no circuits for a job.
#[derive(Debug, thiserror::Error)]
pub enum SetError {
    /// A parameter out of its range.
    #[error(transparent)]
    Template(#[from] ParamError),
    /// Sums of squares could wrap around.
    #[error("the bounds of a moment are too large to be proven: lower scale_x, scale_r or row_norm")]
    Bounds,
    /// More phases than a chain has places for.
    #[error("the template has {found} phases, a chain of proofs has places for {MAX_PHASES}")]
    Phases {
        /// How many it has.
        found: usize,
    },
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

/// A chain's links, which all have one shape, in the order of the list; empty places are `None`.
#[derive(Debug)]
pub(crate) struct Links(Vec<Option<Circuit>>);

impl Links {
    fn none() -> Self {
        Self((0..CIRCUITS).map(|_| None).collect())
    }

    pub fn list(&self) -> [Commitment; CIRCUITS] {
        let digest = |place: usize| self.0[place].as_ref().map_or(Commitment([0; 4]), Circuit::verifier_digest);
        std::array::from_fn(digest)
    }

    pub fn at(&self, place: usize) -> Result<&Circuit, ProofError> {
        let found = self.0.get(place).and_then(Option::as_ref);
        found.ok_or_else(|| ProofError::Format(format!("the chain has no circuit {place}")))
    }

    /// The place of the circuit that an envelope names, and the proof in it.
    pub fn read(&self, envelope: &Envelope) -> Result<(usize, Proof), ProofError> {
        let named = |c: &Option<Circuit>| c.as_ref().is_some_and(|c| c.id() == envelope.circuit);
        let place = self.0.iter().position(named);
        let place = place.ok_or_else(|| ProofError::Format("not a link of this chain".into()))?;
        Ok((place, self.at(place)?.read(envelope)?))
    }

    fn any(&self) -> Option<&Circuit> {
        self.0.iter().flatten().next()
    }
}

/// The smallest size of links for which there are circuits.
fn smallest<T>(mut build: impl FnMut(usize) -> Result<T, TooSmall>) -> Result<T, SetError> {
    let allowed = Purpose::Chain.setting().rows_log2();
    let large = SetError::Large {
        what: "a link of the chain".into(),
        rows_log2: *allowed.end() as usize + 1,
        most: *allowed.end(),
    };
    allowed.into_iter().find_map(|rows_log2| build(rows_log2 as usize).ok()).ok_or(large)
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
    pub(crate) links: Links,
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
        if table.phases.len() > MAX_PHASES {
            return Err(SetError::Phases { found: table.phases.len() });
        }
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
        let (links, wrap) = smallest(|rows_log2| {
            let job = link::Chain::new(members as usize, rows_log2, cache);
            Self::links(&job, &shares, &extend, &steps, progress)
        })?;
        Ok(Self { shares, extend, steps, links, wrap })
    }

    fn links(
        job: &link::Chain<'_>,
        shares: &ShareCircuits,
        extend: &ExtendCircuit,
        steps: &[StepCircuit],
        progress: &mut dyn FnMut(&str),
    ) -> Result<(Links, Circuit), TooSmall> {
        let table = &shares.table;
        let phases = shares.phases.len();
        let mut links = Links::none();
        let mut put = |place: usize, circuit: Circuit| links.0[place] = Some(circuit);
        // The largest first: a shape that is too small is found soon.
        for (p, (share, step)) in shares.phases.iter().zip(steps).enumerate() {
            progress(&format!("fold of {}", table.phases[p].name));
            put(fold_place(p, phases), link::fold(job, table, p, share, step)?);
        }
        progress("tiles");
        put(TILES, link::tiles(job, &shares.tile, &shares.extension, extend)?);
        progress("offline");
        put(OFFLINE, link::offline(job, &shares.offline)?);
        progress("start");
        put(START, link::start(job, States::start(table, job.members).digest())?);
        progress("wrap");
        let wrap = link::wrap(job.cache, job.rows_log2, || job.shape().clone());
        progress("resume");
        put(RESUME, link::resume(job, &wrap)?);
        Ok((links, wrap))
    }

    /// The digests of the links' verifier data.
    pub fn list(&self) -> [Commitment; CIRCUITS] {
        self.links.list()
    }

    /// What a chain carries as `circuits`.
    pub fn digest(&self) -> Commitment {
        circuits_digest(&self.list())
    }

    /// Binary logarithm of the rows of every link.
    pub fn link_rows_log2(&self) -> usize {
        self.any_link().map_or(0, Circuit::rows_log2)
    }

    /// One of the links, which all have one shape.
    pub fn any_link(&self) -> Option<&Circuit> {
        self.links.any()
    }
}

/// What shows that all tiles of a dataset are valid, before any job.
#[derive(Debug)]
pub struct SealCircuits {
    /// A row group's tiles.
    pub tile: TileCircuit,
    /// A row group's polynomials at the point of its proof.
    pub extend: ExtendCircuit,
    pub(crate) links: Links,
    /// The last proof.
    pub wrap: Circuit,
}

impl SealCircuits {
    /// Loads the circuits of datasets with these bounds from a cache, and builds what it lacks.
    ///
    /// # Errors
    /// Bounds whose tiles cannot be proven.
    pub fn load(cache: &Cache, bounds: Bounds) -> Result<Self, SetError> {
        let tile = TileCircuit::load(cache, bounds);
        check_size("a tile", &tile.circuit)?;
        let extend = ExtendCircuit::load(cache, 1, bounds.blocks);
        check_size("a row group's polynomials", &extend.circuit)?;
        let (links, wrap) = smallest(|rows_log2| {
            let chain = link::Chain::new(1, rows_log2, cache);
            let mut links = Links::none();
            links.0[SEAL] = Some(link::seal(&chain, &tile, &extend)?);
            // There are no states.
            links.0[START] = Some(link::start(&chain, Commitment([0; 4]))?);
            Ok((links, link::wrap(cache, rows_log2, || chain.shape().clone())))
        })?;
        Ok(Self { tile, extend, links, wrap })
    }

    /// What the chain carries as `circuits`.
    pub fn digest(&self) -> Commitment {
        circuits_digest(&self.links.list())
    }

    /// Binary logarithm of the rows of every link.
    pub fn link_rows_log2(&self) -> usize {
        self.links.any().map_or(0, Circuit::rows_log2)
    }
}

/// The last circuit over links of `2^rows_log2` rows: the same for all jobs.
pub fn wrap_circuit(rows_log2: usize) -> Circuit {
    link::wrap(&Cache::none(), rows_log2, || link::link_shape(rows_log2))
}
