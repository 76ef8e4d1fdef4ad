//! The node's proofs, made behind the phases by a thread of its own.
//!
//! Links are proven one after the other. Every finished proof is on disk before the next is begun, so that
//! a killed node repeats at most the one it was at.

use crate::archive::{Archive, StreamId, offline_index};
use crate::proofs::{self, Checked, ProofId, ProofStore};
use anyhow::{Context as _, Result, bail, ensure};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::Receiver;
use zektra_he::transcript::{Answer, Multipliers, PhaseView, Program};
use zektra_parties::{node, share};
use zektra_proto::training::v1::Release;
use zektra_prove::chain::{About, Chain, NodeCircuits, OFFLINE_PAIRS, Proven};
use zektra_prove::circuit::{Proof, ProofError};
use zektra_statement::chain::States;
use zektra_statement::digest::{Commitment, Fingerprint};
use zektra_statement::field::E;
use zektra_statement::inputs;
use zektra_verify::envelope::Envelope;
use zektra_verify::known::Trusted;
use zektra_verify::part::{Part, verify_part};

/// Tasks that may wait: beyond that, phases wait for proofs.
pub const QUEUE: usize = 64;

/// A part of a job's proof that was accepted.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// The node that it names.
    pub node: Fingerprint,
    /// The part.
    pub part: Part,
}

/// Where a job is recorded besides its parties' folders: a chain.
pub trait Ledger: Sync {
    /// What proofs call the node there.
    fn node(&self) -> Fingerprint;

    /// Iterations from one part of the proof to the next.
    fn every(&self) -> u64;

    /// Records the roots of all extension shares; returns once the job stands locked so.
    ///
    /// # Errors
    /// It is locked otherwise, or not at all.
    fn lock(&self, roots: &[Fingerprint], lock: &Fingerprint) -> Result<()>;

    /// The last part that was accepted, of whatever node, if it shows more than so many iterations.
    ///
    /// # Errors
    /// It cannot be read.
    fn accepted(&self, beyond: u64) -> Result<Option<Accepted>>;

    /// Records a part of the proof: `states` is what it ends with, `leaves` are those of all offline shares, in the order
    /// of their use.
    ///
    /// # Errors
    /// It is not accepted.
    fn part(&self, part: &Part, states: &States, leaves: &[Commitment]) -> Result<()>;

    /// Records what members seal for the developer.
    ///
    /// # Errors
    /// It is not accepted.
    fn releases(&self, releases: &[Release]) -> Result<()>;
}

/// What is proven next. Tasks come in the order of the chain.
pub enum Task {
    /// A row group of a dataset.
    Group {
        /// Index in the job.
        dataset: u32,
        /// Row group of the dataset.
        group: u64,
    },
    /// A batch of offline shares.
    Offline(u64),
    /// A phase.
    Phase(Box<PhaseTask>),
}

/// A phase to be proven.
pub struct PhaseTask {
    /// Counted from the job's beginning.
    pub round: u64,
    /// What it read.
    pub view: PhaseView,
    /// The answers.
    pub answers: Vec<Answer>,
    /// Their proofs.
    pub proofs: Vec<Vec<u8>>,
}

/// The job does not go on, so neither do its proofs.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("stopped: the job does not go on")]
pub struct Stopped;

/// What the node proves with.
pub struct Prover<'a> {
    /// The job's circuits.
    pub circuits: &'a Arc<NodeCircuits>,
    /// The node's folder.
    pub archive: &'a Archive,
    /// Proofs in it.
    pub store: ProofStore,
    /// The job.
    pub program: Arc<Program>,
    /// The extension roots behind its lock.
    pub roots: Vec<Fingerprint>,
    /// The node's name.
    pub node: Fingerprint,
    /// Who is told of finished parts.
    pub ledger: Option<&'a dyn Ledger>,
}

const CHAIN: &str = "chain.zkp";
/// Holds the name of the node that does not take over what others have proven.
const ANEW: &str = "anew";
/// Holds how many members' copies of the rounds were not what was proven.
const COPIES: &str = "copies";

/// What was fetched here is not what another node has proven: [`turn_away`] says what to do.
#[derive(Debug, thiserror::Error)]
#[error("what was proven so far cannot be gone on from: {0}")]
pub struct NotFollowed(ProofError);

/// How many members' copies of a job's rounds were not what was proven.
///
/// # Errors
/// What the system says.
pub fn copies_tried(store: &ProofStore) -> Result<usize> {
    Ok(store.read_named(COPIES)?.and_then(|bytes| bytes.first().copied()).map_or(0, usize::from))
}

/// After [`NotFollowed`], with nobody at work in the folder: the next run fetches the rounds from another of `members`;
/// when all were asked, it proves all anew.
///
/// # Errors
/// What the system says.
pub fn turn_away(archive: &Archive, members: usize, node: &Fingerprint) -> Result<()> {
    let store = ProofStore::open(archive)?;
    let tried = copies_tried(&store)? + 1;
    store.write_named(CHAIN, &[])?;
    match u8::try_from(tried) {
        Ok(byte) if tried < members => {
            // First: who is killed in between asks the same member again, and comes here again.
            archive.forget_rounds()?;
            store.write_named(COPIES, &[byte])
        }
        _ => store.write_named(ANEW, &node.0),
    }
}

impl Prover<'_> {
    /// How many proofs of its own a job takes: links, and what stands behind them.
    pub fn links(program: &Program) -> u64 {
        let table = &program.table;
        let phases = u64::from(table.iterations) * table.phases.len() as u64;
        1 + u64::from(program.job.groups()) + Self::batches(program) + phases + 1
    }

    /// Batches of offline shares of a job.
    fn batches(program: &Program) -> u64 {
        let table = &program.table;
        offline_index(table, table.iterations, 0, 0).div_ceil(OFFLINE_PAIRS as u64)
    }

    /// Proves all tasks, then the last proof. `done` counts links; `stop` ends it before the next one.
    ///
    /// # Errors
    /// Proofs that do not belong together, [`NotFollowed`] if it is others' that do not; what the system says.
    pub fn run(&self, tasks: &Receiver<Task>, done: &AtomicU64, stop: &AtomicBool) -> Result<(Proof, States)> {
        self.prove(tasks, done, stop).map_err(|error| match error.downcast_ref() {
            Some(ProofError::Followed { .. }) => match error.downcast() {
                Ok(followed) => NotFollowed(followed).into(),
                Err(error) => error,
            },
            _ => error,
        })
    }

    fn prove(&self, tasks: &Receiver<Task>, done: &AtomicU64, stop: &AtomicBool) -> Result<(Proof, States)> {
        let mut chain = self.begin()?;
        done.store(chain.links(), Ordering::Relaxed);
        let mut multipliers = Multipliers::new(self.program.clone());
        let mut points: Vec<Vec<E>> = vec![];
        for task in tasks {
            ensure!(!stop.load(Ordering::Relaxed), Stopped);
            let (before, followed) = (chain.links(), chain.follows());
            let mut ended = None;
            match task {
                Task::Group { dataset, group } => self.group(&mut chain, dataset, group)?,
                Task::Offline(batch) => points.push(self.offline(&mut chain, batch)?),
                Task::Phase(task) => {
                    self.phase(&mut chain, &mut multipliers, &points, &task)?;
                    let phases = self.program.table.phases.len() as u64;
                    ended = Some(task.round + 1).filter(|rounds| rounds.is_multiple_of(phases)).map(|r| r / phases);
                }
            }
            if chain.links() > before {
                self.keep(&chain)?;
            }
            done.store(chain.links(), Ordering::Relaxed);
            // A chain that only follows what was proven before has nothing to show, but where it ends: a node may have
            // been killed between a link and the part that it was for.
            let (grown, met) = (chain.links() > before, followed && !chain.follows());
            if let (Some(ledger), Some(iteration)) = (self.ledger, ended)
                && (grown || met)
                && iteration.is_multiple_of(ledger.every().max(1))
                && iteration < u64::from(self.program.table.iterations)
                && ledger.accepted(iteration.saturating_sub(1))?.is_none()
            {
                self.bring(ledger, &chain, &chain.wrap()?)?;
            }
        }
        ensure!(!stop.load(Ordering::Relaxed), Stopped);
        let last = chain.wrap()?;
        if let Some(ledger) = self.ledger {
            self.bring(ledger, &chain, &last)?;
        }
        done.fetch_add(1, Ordering::Relaxed);
        Ok((last, chain.states().clone()))
    }

    /// Has what the chain of proofs shows now recorded, as a part that others verify.
    fn bring(&self, ledger: &dyn Ledger, chain: &Chain, proof: &Proof) -> Result<()> {
        let e = chain.elements()?;
        let part = Part {
            iteration: e.iteration,
            tile_top: e.tile_top,
            made: e.made,
            used: e.used,
            state: e.state,
            rows_log2: u8::try_from(self.circuits.link_rows_log2())?,
            proof: proof.to_envelope(self.circuits.wrap.id()),
        };
        ledger.part(&part, chain.states(), chain.offline_leaves())
    }

    /// Keeps the last link, to go on from.
    fn keep(&self, chain: &Chain) -> Result<()> {
        let mut bytes = chain.links().to_le_bytes().to_vec();
        bytes.extend(chain.envelope()?.encode());
        self.store.write_named(CHAIN, &bytes)
    }

    /// The chain that the work goes on with: this node's own, another's from its last accepted part if that is ahead and
    /// was not found to end nowhere, or a new one.
    fn begin(&self) -> Result<Chain> {
        let job = &self.program.job;
        let about = About {
            lock: self.program.lock,
            table: self.program.table_digest,
            node: self.node,
            keys: job.seats.iter().map(|s| s.key).collect(),
        };
        let anew = self.store.read_named(ANEW)?.is_some_and(|node| node == self.node.0);
        let own = self.own(&about)?;
        let batches = Self::batches(&self.program);
        let data = Chain::links_behind(self.circuits, 0, u64::from(job.groups()), batches);
        let folds = own.as_ref().map_or(0, |chain| chain.links().saturating_sub(data));
        let iterations = folds / self.program.table.phases.len() as u64;
        let ahead = self.ledger.filter(|_| !anew).map(|ledger| ledger.accepted(iterations)).transpose()?.flatten();
        match (ahead, own) {
            (Some(accepted), _) => self.take_over(about, batches, &accepted),
            (None, Some(own)) => Ok(own),
            (None, None) => Ok(Chain::start(self.circuits.clone(), about)?),
        }
    }

    /// This node's own chain as it was left.
    fn own(&self, about: &About) -> Result<Option<Chain>> {
        let Some(bytes) = self.store.read_named(CHAIN)?.filter(|bytes| !bytes.is_empty()) else { return Ok(None) };
        let (links, bytes) = bytes.split_first_chunk::<8>().context("the chain's last proof is damaged")?;
        let (links, last) = (u64::from_le_bytes(*links), Envelope::decode(bytes)?);
        match Chain::resume(self.circuits.clone(), about.clone(), links, &last) {
            // Left by another attempt, node or list of circuits.
            Err(ProofError::Other { .. }) => Ok(None),
            chain => Ok(Some(chain?)),
        }
    }

    /// Goes on from a part that was accepted: all before it is only followed.
    fn take_over(&self, about: About, batches: u64, accepted: &Accepted) -> Result<Chain> {
        let Accepted { node, part } = accepted;
        let told = || format!("the accepted part up to iteration {}", part.iteration);
        let job = &self.program.job;
        let trusted = Trusted::none().name(job.circuits.context("the job names no circuits")?);
        verify_part(job, &self.roots, node, part, None, &trusted).with_context(told)?;
        let chain = Chain::take_over(self.circuits.clone(), about, *node, batches, &part.proof).with_context(told)?;
        self.keep(&chain)?;
        Ok(chain)
    }

    fn checked(&self, id: ProofId) -> Result<Checked> {
        let shares = &self.circuits.shares;
        let bytes = self.store.read(id)?;
        proofs::check(shares, self.archive, &self.program.job, Some(&self.program), id, &bytes)
    }

    fn noise(&self, id: ProofId) -> Result<Proven<inputs::Noise>> {
        match self.checked(id)? {
            Checked::Noise(proven) => Ok(proven),
            Checked::Tile(_) => bail!("{id:?} is a tile's proof"),
        }
    }

    /// A proof of the node's own: what is on disk is used again if `make` takes it, else what it makes is kept.
    fn kept<S>(
        &self,
        name: &str,
        circuit: &zektra_prove::circuit::Circuit,
        make: impl FnOnce(Option<Proof>) -> Result<Proven<S>>,
    ) -> Result<Proven<S>> {
        let known = self.store.read_named(name)?;
        let proven = make(known.as_ref().map(|bytes| proofs::decode(circuit, bytes)).transpose()?)?;
        let bytes = proofs::encode(circuit, &proven.proof);
        if known.is_none_or(|known| known != bytes) {
            self.store.write_named(name, &bytes)?;
        }
        Ok(proven)
    }

    fn group(&self, chain: &mut Chain, dataset: u32, group: u64) -> Result<()> {
        let job = &self.program.job;
        let d = &job.datasets[dataset as usize];
        let Checked::Tile(tile) = self.checked(ProofId::Tile { dataset, member: d.owner, group })? else {
            bail!("row group {group} of dataset {dataset} has no tile's proof");
        };
        let others = (0..job.members()).filter(|&m| m != d.owner);
        let (mut shares, mut x) = (vec![], vec![]);
        for member in others {
            shares.push(self.noise(ProofId::Extension { dataset, member, group })?);
            let stream = StreamId::Extension { dataset, member };
            x.push(proofs::stored_group(self.archive, job, stream, dataset, group)?);
        }
        let stream = StreamId::Tiles { dataset, member: d.owner };
        let b = proofs::stored_group(self.archive, job, stream, dataset, group)?;
        let name = format!("extend-{dataset}-{group}.zkp");
        let last = group + 1 == u64::from(d.dataset.groups);
        let group = node::Group { chain_id: &job.chain_id, dataset: &d.dataset, group, b: &b, x: &x };
        if chain.follows() {
            let shares: Vec<_> = shares.iter().map(|s| &s.statement).collect();
            let extend = node::extend_statement(group, &tile.statement, &shares);
            return Ok(chain.follow_group(&tile.statement, &extend, last)?);
        }
        let extend = self.kept(&name, &self.circuits.extend.circuit, |known| {
            Ok(node::prove_extend(self.circuits, group, &tile, &shares, known)?)
        })?;
        Ok(chain.add_group(d.owner as usize, &tile, &shares, &extend, last)?)
    }

    /// Adds a batch and gives the points of its proofs.
    fn offline(&self, chain: &mut Chain, batch: u64) -> Result<Vec<E>> {
        let members = 0..self.program.job.members();
        let shares: Vec<_> =
            members.map(|member| self.noise(ProofId::Offline { member, batch })).collect::<Result<_>>()?;
        let range = proofs::batch_range(&self.program.table, batch);
        chain.add_offline(&shares, (range.end - range.start) as usize)?;
        Ok(node::Offline::points_of(&shares))
    }

    fn phase(
        &self,
        chain: &mut Chain,
        multipliers: &mut Multipliers,
        points: &[Vec<E>],
        task: &PhaseTask,
    ) -> Result<()> {
        let program = &self.program;
        let (table, job) = (&program.table, &program.job);
        let Some(first) = task.answers.first() else { bail!("a round without answers") };
        let (iteration, phase) = (first.iteration, first.phase as usize);
        let start = offline_index(table, iteration, phase as u32, 0);
        let mut offline = vec![];
        for (at, d2) in (start..).zip(multipliers.phase(iteration, phase as u32)) {
            let p = (0..job.members())
                .map(|member| Ok(proofs::stored(self.archive, StreamId::Offline { member }, at, 1)?.remove(0)))
                .collect::<Result<_>>()?;
            let points = points.get((at / OFFLINE_PAIRS as u64) as usize).context("offline shares without proofs")?;
            offline.push(node::Offline { d2: d2.into_poly(), p, points: points.clone() });
        }
        let (view, answers, of) = (&task.view, &task.answers, &self.circuits.shares);
        if chain.follows() {
            let shares: Vec<_> = answers
                .iter()
                .zip(&job.seats)
                .map(|(answer, seat)| share::answer_statement(of, seat.key, program.lock, view, answer))
                .collect();
            let shares: Vec<_> = shares.iter().collect();
            let answered = node::Answered { view, offline: &offline, answers, shares: &[] };
            let step = node::step_statement(self.circuits, self.node, phase, &answered, &shares)?;
            return Ok(chain.follow_fold(phase, &view.groups, &shares, &step)?);
        }
        let mut shares = vec![];
        for ((answer, bytes), seat) in answers.iter().zip(&task.proofs).zip(&job.seats) {
            let proof = proofs::decode(&of.phases[phase].circuit, bytes)?;
            shares.push(share::check_answer(of, seat.key, program.lock, view, answer, proof)?);
        }
        let name = format!("step-{}.zkp", task.round);
        let step = self.kept(&name, &self.circuits.steps[phase].circuit, |known| {
            let answered = node::Answered { view, offline: &offline, answers, shares: &shares };
            Ok(node::prove_step(self.circuits, self.node, phase, answered, known)?)
        })?;
        Ok(chain.fold(phase, &view.groups, &shares, &step)?)
    }
}

/// Reads the proofs of a recorded round.
///
/// # Errors
/// If one is not there.
pub fn round_proofs(store: &ProofStore, round: u64, members: u32) -> Result<Vec<Vec<u8>>> {
    let read = |member| {
        let bytes = store.read_named(&format!("answer-{round}-{member}.zkp"))?;
        bytes.with_context(|| format!("the proof of member {member}'s answer in round {round} is not there"))
    };
    (0..members).map(read).collect()
}

/// Keeps the proofs of a round.
///
/// # Errors
/// What the system says.
pub fn keep_round_proofs(store: &ProofStore, round: u64, proofs: &[impl AsRef<[u8]>]) -> Result<()> {
    for (member, bytes) in proofs.iter().enumerate() {
        store.write_named(&format!("answer-{round}-{member}.zkp"), bytes.as_ref())?;
    }
    Ok(())
}
