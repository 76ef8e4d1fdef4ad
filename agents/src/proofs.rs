//! Proofs as parties keep, send and check them.
//!
//! A proof is a file of its own, written when it was made or found true; what is there is not made or
//! checked again.

use crate::archive::{Archive, StreamId, offline_index};
use crate::files;
use crate::wire;
use anyhow::{Context as _, Result, bail, ensure};
use std::path::PathBuf;
use std::sync::Arc;
use zektra_he::member::Member;
use zektra_he::ring::Poly;
use zektra_he::transcript::{Answer, Multipliers, PhaseView, Program, Transcript};
use zektra_parties::share;
use zektra_proto::training::v1 as pb;
use zektra_prove::chain::{OFFLINE_PAIRS, Proven, ShareCircuits};
use zektra_prove::circuit::{Circuit, Proof};
use zektra_prove::tile::TileCircuit;
use zektra_statement::digest::Fingerprint;
use zektra_statement::inputs;
use zektra_statement::merkle::{Tree, dataset_leaf};
use zektra_statement::phase::PhaseTable;
use zektra_statement::record::{Dataset, Job, Plane};
use zektra_verify::envelope::Envelope;

/// What a member proves before the phases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ProofId {
    /// A row group, by its owner.
    Tile {
        /// Index in the job.
        dataset: u32,
        /// The owner's seat.
        member: u32,
        /// Row group of the dataset.
        group: u64,
    },
    /// Extension shares of a row group.
    Extension {
        /// Index in the job.
        dataset: u32,
        /// The member's seat.
        member: u32,
        /// Row group of the dataset.
        group: u64,
    },
    /// A batch of offline shares.
    Offline {
        /// The member's seat.
        member: u32,
        /// Which batch.
        batch: u64,
    },
}

impl ProofId {
    /// Who makes it.
    pub fn member(self) -> u32 {
        match self {
            Self::Tile { member, .. } | Self::Extension { member, .. } | Self::Offline { member, .. } => member,
        }
    }

    /// The stream that it is about, and the first polynomial of it; `None` for what is not of this job.
    fn about(self, job: &Job) -> Option<(StreamId, u64)> {
        let planes = |dataset: u32, group: u64| {
            let blocks = u64::from(job.datasets.get(dataset as usize)?.dataset.blocks);
            group.checked_mul(blocks * Plane::ALL.len() as u64)
        };
        Some(match self {
            Self::Tile { dataset, member, group } => (StreamId::Tiles { dataset, member }, planes(dataset, group)?),
            Self::Extension { dataset, member, group } => {
                (StreamId::Extension { dataset, member }, planes(dataset, group)?)
            }
            Self::Offline { member, batch } => (StreamId::Offline { member }, batch.checked_mul(OFFLINE_PAIRS as u64)?),
        })
    }

    fn file_name(self) -> String {
        match self {
            Self::Tile { dataset, group, .. } => format!("tile-{dataset}-{group}.zkp"),
            Self::Extension { dataset, member, group } => format!("extension-{dataset}-{member}-{group}.zkp"),
            Self::Offline { member, batch } => format!("offline-{member}-{batch}.zkp"),
        }
    }

    /// To a message.
    pub fn to_pb(self) -> pb::ProofId {
        let (proof, dataset, index) = match self {
            Self::Tile { dataset, group, .. } => (pb::Proof::Tile, dataset, group),
            Self::Extension { dataset, group, .. } => (pb::Proof::Extension, dataset, group),
            Self::Offline { batch, .. } => (pb::Proof::Offline, 0, batch),
        };
        pb::ProofId { proof: proof.into(), dataset, member: self.member(), index }
    }

    /// From a message.
    ///
    /// # Errors
    /// An unknown kind.
    pub fn from_pb(id: &pb::ProofId) -> Result<Self> {
        let pb::ProofId { dataset, member, index, .. } = *id;
        Ok(match id.proof() {
            pb::Proof::Tile => Self::Tile { dataset, member, group: index },
            pb::Proof::Extension => Self::Extension { dataset, member, group: index },
            pb::Proof::Offline => Self::Offline { member, batch: index },
            pb::Proof::Unspecified => bail!("proof: {}, expected tile, extension or offline", id.proof),
        })
    }
}

/// The proofs that are due before a job locks: tiles and extension shares.
pub fn data_proofs(job: &Job) -> Vec<ProofId> {
    let mut out = Vec::new();
    for (dataset, d) in (0u32..).zip(&job.datasets) {
        for group in 0..u64::from(d.dataset.groups) {
            out.push(ProofId::Tile { dataset, member: d.owner, group });
            let others = (0..job.members()).filter(|&m| m != d.owner);
            out.extend(others.map(|member| ProofId::Extension { dataset, member, group }));
        }
    }
    out
}

/// The proofs of offline shares.
pub fn offline_proofs(job: &Job, table: &PhaseTable) -> Vec<ProofId> {
    let batches = offline_index(table, table.iterations, 0, 0).div_ceil(OFFLINE_PAIRS as u64);
    (0..job.members()).flat_map(|member| (0..batches).map(move |batch| ProofId::Offline { member, batch })).collect()
}

/// A proof as it is sent and kept: an envelope.
pub fn encode(circuit: &Circuit, proof: &Proof) -> Vec<u8> {
    proof.to_envelope(circuit.id()).encode()
}

/// Reads a proof of a circuit. It is not verified yet.
///
/// # Errors
/// Bytes that are none.
pub fn decode(circuit: &Circuit, bytes: &[u8]) -> Result<Proof> {
    Ok(circuit.read(&Envelope::decode(bytes)?)?)
}

/// The proofs in a party's folder of a job.
#[derive(Clone, Debug)]
pub struct ProofStore {
    folder: PathBuf,
}

impl ProofStore {
    /// In the archive's folder.
    ///
    /// # Errors
    /// What the system says.
    pub fn open(archive: &Archive) -> Result<Self> {
        let folder = archive.folder().join("proofs");
        files::private_folder(&folder)?;
        Ok(Self { folder })
    }

    /// Whether a proof is there.
    pub fn has(&self, id: ProofId) -> bool {
        self.folder.join(id.file_name()).exists()
    }

    /// A proof of a member.
    ///
    /// # Errors
    /// If it is not there.
    pub fn read(&self, id: ProofId) -> Result<Vec<u8>> {
        files::read(&self.folder.join(id.file_name()))
    }

    /// Keeps a proof that was made here or found true.
    ///
    /// # Errors
    /// What the system says.
    pub fn write(&self, id: ProofId, bytes: &[u8]) -> Result<()> {
        files::write(&self.folder.join(id.file_name()), bytes)
    }

    /// A proof of the node's own, by name.
    ///
    /// # Errors
    /// What the system says.
    pub fn read_named(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let path = self.folder.join(name);
        path.exists().then(|| files::read(&path)).transpose()
    }

    /// Keeps a proof of the node's own.
    ///
    /// # Errors
    /// What the system says.
    pub fn write_named(&self, name: &str, bytes: &[u8]) -> Result<()> {
        files::write(&self.folder.join(name), bytes)
    }
}

/// Stored polynomials of a stream.
///
/// # Errors
/// If they are not there.
pub fn stored(archive: &Archive, id: StreamId, first: u64, count: u64) -> Result<Vec<Poly>> {
    Ok(wire::polys_from_bytes(&archive.bytes(id, first, count)?)?)
}

/// The planes of a row group in a stream.
///
/// # Errors
/// If they are not there.
pub fn stored_group(archive: &Archive, job: &Job, id: StreamId, dataset: u32, group: u64) -> Result<Vec<Poly>> {
    let planes = u64::from(job.datasets[dataset as usize].dataset.blocks) * Plane::ALL.len() as u64;
    stored(archive, id, group * planes, planes)
}

/// What `phase` gives of each opening of a batch, in their order.
fn of_batch<T>(table: &PhaseTable, batch: u64, mut phase: impl FnMut(u32, u32) -> Vec<T>) -> Vec<T> {
    let range = batch_range(table, batch);
    let mut out = vec![];
    for iteration in 0..table.iterations {
        for (at, p) in (0u32..).zip(&table.phases) {
            let first = offline_index(table, iteration, at, 0);
            if first + p.openings.len() as u64 > range.start && first < range.end {
                let inside = (first..).zip(phase(iteration, at)).filter(|(k, _)| range.contains(k));
                out.extend(inside.map(|(_, v)| v));
            }
        }
    }
    out
}

/// d2 of each opening of a batch of offline shares, in their order.
pub fn batch_multipliers(program: &Arc<Program>, batch: u64) -> Vec<Poly> {
    let mut multipliers = Multipliers::new(program.clone());
    let d2 = of_batch(&program.table, batch, |iteration, phase| multipliers.phase(iteration, phase));
    d2.into_iter().map(|d2| d2.into_poly()).collect()
}

/// The noise of a member's own offline shares of a batch: secret.
pub fn batch_noise<S: zektra_he::transcript::Source>(
    member: &Member<'_, S>,
    program: &Arc<Program>,
    batch: u64,
) -> Vec<Poly> {
    let mut multipliers = Multipliers::new(program.clone());
    let both =
        of_batch(&program.table, batch, |iteration, phase| member.offline_noise(&mut multipliers, iteration, phase));
    both.into_iter().map(|(_, noise)| noise).collect()
}

/// Which offline shares a batch holds.
pub fn batch_range(table: &PhaseTable, batch: u64) -> std::ops::Range<u64> {
    let total = offline_index(table, table.iterations, 0, 0);
    let pairs = OFFLINE_PAIRS as u64;
    batch * pairs..((batch + 1) * pairs).min(total)
}

/// What a stored or received proof turned out to prove.
pub enum Checked {
    /// A row group.
    Tile(Proven<inputs::Tile>),
    /// Extension or offline shares.
    Noise(Proven<inputs::Noise>),
}

/// Whether a proof is one of those that this stage of the job asks for.
fn is_due(job: &Job, program: Option<&Arc<Program>>, id: ProofId) -> bool {
    match id {
        ProofId::Offline { .. } => program.is_some_and(|p| offline_proofs(job, &p.table).contains(&id)),
        _ => data_proofs(job).contains(&id),
    }
}

/// Checks a proof against what this party stored and derived itself.
///
/// # Errors
/// A proof of something else, or none; polynomials that are not there.
pub fn check(
    circuits: &ShareCircuits,
    archive: &Archive,
    job: &Job,
    program: Option<&Arc<Program>>,
    id: ProofId,
    bytes: &[u8],
) -> Result<Checked> {
    ensure!(is_due(job, program, id), "{id:?} is no proof of this stage of the job");
    let key = job.seats[id.member() as usize].key;
    let told = || format!("{id:?} by {:?}", job.seats[id.member() as usize].name);
    match id {
        ProofId::Tile { dataset, member, group } => {
            let record = &job.datasets[dataset as usize].dataset;
            let b = stored_group(archive, job, StreamId::Tiles { dataset, member }, dataset, group)?;
            let proof = decode(&circuits.tile.circuit, bytes).with_context(told)?;
            let checked = share::check_tile(&circuits.tile, &job.chain_id, record, group, &b, proof);
            Ok(Checked::Tile(checked.with_context(told)?))
        }
        ProofId::Extension { dataset, member, group } => {
            let record = &job.datasets[dataset as usize].dataset;
            let x = stored_group(archive, job, StreamId::Extension { dataset, member }, dataset, group)?;
            let proof = decode(&circuits.extension.circuit, bytes).with_context(told)?;
            let checked = share::check_extension(circuits, key, &job.chain_id, record, group, &x, proof);
            Ok(Checked::Noise(checked.with_context(told)?))
        }
        ProofId::Offline { member, batch } => {
            let Some(program) = program else { bail!("offline shares before the lock") };
            let range = batch_range(&program.table, batch);
            let p = stored(archive, StreamId::Offline { member }, range.start, range.end - range.start)?;
            let d2 = batch_multipliers(program, batch);
            let proof = decode(&circuits.offline.circuit, bytes).with_context(told)?;
            let checked = share::check_offline(circuits, key, program.lock, &d2, &p, proof);
            Ok(Checked::Noise(checked.with_context(told)?))
        }
    }
}

/// Checks another's proof and keeps it. Where it does not fit, either it or the polynomials that it is about are false:
/// those are dropped, and both can be sent again when the job goes on. Nothing was computed with them yet.
///
/// # Errors
/// As [`check`]; what the system says.
pub fn take(
    circuits: &ShareCircuits,
    archive: &Archive,
    store: &ProofStore,
    job: &Job,
    program: Option<&Arc<Program>>,
    id: ProofId,
    bytes: &[u8],
) -> Result<()> {
    match check(circuits, archive, job, program, id, bytes) {
        Ok(_) => store.write(id, bytes),
        Err(e) => {
            if is_due(job, program, id)
                && let Some((stream, first)) = id.about(job)
            {
                archive.discard(stream, first)?;
            }
            Err(e)
        }
    }
}

/// Whether a file holds a proof of these tiles of a dataset's row group.
pub fn is_tile_proof(
    circuit: &TileCircuit,
    chain_id: &str,
    dataset: &Dataset,
    group: u64,
    b: &[Poly],
    path: &std::path::Path,
) -> bool {
    let read = files::read(path).and_then(|bytes| decode(&circuit.circuit, &bytes));
    read.is_ok_and(|proof| share::check_tile(circuit, chain_id, dataset, group, b, proof).is_ok())
}

/// Checks a member's answer to the phase that is next, with its proof.
///
/// # Errors
/// An answer or a proof that is missing, of another form or place, or false; says whose.
pub fn check_answer<S: zektra_he::transcript::Source>(
    circuits: &ShareCircuits,
    program: &Program,
    transcript: &Transcript<S>,
    view: &PhaseView,
    index: u32,
    answer: Option<&Answer>,
    bytes: Option<&[u8]>,
) -> Result<()> {
    let seat = &program.job.seats[index as usize];
    let (iteration, phase) = transcript.position();
    let told = || format!("answer of {:?} in iteration {iteration}, phase {phase}", seat.name);
    let answer = answer.context("it is missing").with_context(told)?;
    let own = (answer.member, answer.iteration, answer.phase) == (index, iteration, phase);
    ensure!(own, "{}: it is another's", told());
    transcript.check_answer(answer).with_context(told)?;
    let bytes = bytes.context("its proof is missing").with_context(told)?;
    let proof = decode(&circuits.phases[phase as usize].circuit, bytes).with_context(told)?;
    share::check_answer(circuits, seat.key, program.lock, view, answer, proof).with_context(told)?;
    Ok(())
}

/// Checks that each dataset's Poseidon root is that of the tiles that are stored: else nothing could be proven
/// against the record in the end.
///
/// # Errors
/// The first dataset with another root.
pub fn check_roots(archive: &Archive, job: &Job) -> Result<()> {
    for (dataset, d) in (0u32..).zip(&job.datasets) {
        let stream = StreamId::Tiles { dataset, member: d.owner };
        let mut leaves = Vec::new();
        for group in 0..u64::from(d.dataset.groups) {
            let b = stored_group(archive, job, stream, dataset, group)?;
            let a = share::group_randomness(&job.chain_id, &d.dataset, group);
            let pairs: Vec<_> = a.iter().zip(&b).map(|(a, b)| (a.commitment(), b.commitment())).collect();
            leaves.push(dataset_leaf(group, &d.dataset.owner_key, &pairs));
        }
        let root = Tree::new(leaves).root();
        ensure!(
            root == d.dataset.root,
            "the tiles of dataset {dataset} have the Poseidon root {root}, the job's record says {}",
            d.dataset.root
        );
    }
    Ok(())
}

/// The node's name in proofs: nothing is paid without a chain, so it is the job folder's own.
pub fn local_node(job: &Job) -> Fingerprint {
    let mut e = zektra_statement::digest::Encoder::new("zektra/local-node/v1");
    e.bytes(job.chain_id.as_bytes()).u64(job.id);
    e.fingerprint()
}
