//! A whole job in memory, all parties in one process: for tests and benchmarks.
//!
//! The parties are the real ones; only the network and the disk are left out.

pub mod rows;

use crate::log::LabelLog;
use crate::member::{Member, Refusal, extend};
use crate::plain::{Number, Plain, PlainTile};
use crate::profile::ProfileError;
use crate::release::{self, ReleaseError};
use crate::ring::Poly;
use crate::seat::SeatSecret;
use crate::tile::{RowGroup, Sealer};
use crate::transcript::{Answer, Multipliers, Program, Source, SourceError, Transcript};
use std::collections::BTreeMap;
use std::sync::Arc;
use zektra_statement::batch::BatchOrder;
use zektra_statement::digest::{Commitment, Encoder, Fingerprint};
use zektra_statement::field::{F, centred};
use zektra_statement::record::{Dataset, Job, JobDataset, Plane};
use zektra_statement::template::Template;
use zeroize::Zeroizing;

/// The rows of one owner: scaled features (the constant first) and scaled targets of every class.
pub type Rows = Vec<(Vec<i32>, Vec<i32>)>;

/// Everything that is in memory: tiles under the job's key, offline sums.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    /// `b + Σ x` by (dataset, tile, plane).
    pub tiles: Arc<BTreeMap<(usize, u64, Plane), Poly>>,
    /// `Σ P` by (iteration, phase, opening).
    pub offline: Arc<BTreeMap<(u32, u32, u32), Poly>>,
}

impl Source for Memory {
    fn ciphertext(&mut self, dataset: usize, tile: u64, plane: Plane) -> Result<Poly, SourceError> {
        self.tiles.get(&(dataset, tile, plane)).cloned().ok_or_else(|| "no such tile".into())
    }

    fn offline(&mut self, iteration: u32, phase: u32, opening: u32) -> Result<Poly, SourceError> {
        self.offline.get(&(iteration, phase, opening)).cloned().ok_or_else(|| "no such offline share".into())
    }
}

/// The cast of a job.
#[derive(Debug)]
pub struct Cast {
    /// The members' secrets; the last one is the developer.
    pub seats: Vec<SeatSecret>,
    /// What each owner encrypted, in the clear: `groups[dataset][row group]`.
    pub groups: Vec<Vec<RowGroup>>,
    /// The record.
    pub job: Job,
    /// What the owners uploaded: `b` by (dataset, tile, plane).
    pub uploads: BTreeMap<(usize, u64, Plane), Poly>,
}

impl Cast {
    /// Encrypts `tables[k]` by member `k mod (n−1)` (or by the only one) and writes the job's record.
    ///
    /// `template` is taken as it is but for `groups`, if `full_batch` is set: then all there are.
    ///
    /// # Errors
    /// What a member may refuse.
    pub fn new(seed: u64, members: usize, tables: &[Rows], template: Template) -> Result<Self, Refusal> {
        let chain_id = "rehearsal";
        let secret = |i: usize| {
            let mut e = Encoder::new("zektra/rehearsal-seat/v1");
            e.u64(seed).len(i);
            SeatSecret::from_seed(&format!("member-{i}"), 0, Zeroizing::new(e.fingerprint().0))
        };
        let seats: Vec<SeatSecret> = (0..members).map(secret).collect();
        let mut template = template;
        let p = &mut template.params;
        let (columns, blocks) = (p.columns() as usize, p.blocks() as usize);
        let mut groups = Vec::new();
        let mut uploads = BTreeMap::new();
        let mut datasets = Vec::new();
        for (index, rows) in tables.iter().enumerate() {
            let owner = index % (members - 1).max(1);
            let seat = &seats[owner];
            let id = Dataset::object_id(chain_id, &seat.commitment(), &format!("table-{index}"));
            let per_group = p.rows_per_group() as usize;
            let packed: Vec<RowGroup> =
                rows.chunks(per_group).map(|r| RowGroup::pack(r, columns, blocks, p.classes as usize)).collect();
            let sealer = Sealer { seat, chain_id, dataset: id, attempt: 0 };
            let mut log = LabelLog::in_memory(&seat.commitment());
            for (g, group) in packed.iter().enumerate() {
                for (block, planes) in group.planes.iter().enumerate() {
                    let tile = (g * blocks + block) as u64;
                    let both: Vec<_> = Plane::ALL.into_iter().zip(planes).map(|(p, m)| (tile, p, m)).collect();
                    for (plane, b) in Plane::ALL.into_iter().zip(sealer.seal(&mut log, &both)?) {
                        uploads.insert((index, tile, plane), b);
                    }
                }
            }
            let dataset = Dataset {
                id,
                owner_key: seat.commitment(),
                attempt: 0,
                schema: Fingerprint::NONE,
                rows: rows.len() as u64,
                groups: packed.len() as u32,
                columns: columns as u32,
                blocks: blocks as u32,
                classes: p.classes,
                scale_x: p.scale_x,
                scale_r: p.scale_r,
                row_norm: p.row_norm,
                range: p.range,
                root: Commitment([0; 4]),
                content_root: Fingerprint::NONE,
            };
            datasets.push(JobDataset { dataset, owner: owner as u32 });
            groups.push(packed);
        }
        let mut e = Encoder::new("zektra/rehearsal-beacon/v1");
        e.u64(seed);
        let job = Job {
            chain_id: chain_id.into(),
            id: seed,
            attempt: 0,
            max_attempts: 1,
            template,
            seats: seats.iter().map(SeatSecret::public).collect(),
            developer: members as u32 - 1,
            datasets,
            beacon: e.fingerprint().0,
            trusted_inputs: !template.kind.governed(),
            circuits: None,
        };
        Ok(Self { seats, groups, job, uploads })
    }

    /// Fresh label logs without files.
    pub fn logs(&self) -> Vec<LabelLog> {
        self.seats.iter().map(|s| LabelLog::in_memory(&s.commitment())).collect()
    }

    /// Extension shares of every member for every dataset that it does not own, added to the uploads,
    /// and the roots that the lock is bound to.
    ///
    /// # Errors
    /// What a member may refuse.
    pub fn extend(&self, logs: &mut [LabelLog]) -> Result<(Memory, Vec<Fingerprint>), Refusal> {
        let mut tiles = self.uploads.clone();
        let mut roots = Vec::new();
        for (index, d) in self.job.datasets.iter().enumerate() {
            for (member, seat) in self.seats.iter().enumerate().filter(|(m, _)| *m as u32 != d.owner) {
                let mut root = blake3::Hasher::new();
                let shares = extend(seat, &mut logs[member], &self.job.chain_id, &d.dataset, 0..d.dataset.tiles())?;
                let places = (0..d.dataset.tiles()).flat_map(|t| Plane::ALL.map(|p| (index, t, p)));
                for (place, x) in places.zip(shares) {
                    root.update(&x.to_bytes());
                    if let Some(tile) = tiles.get_mut(&place) {
                        tile.add_assign(&x);
                    }
                }
                roots.push(Fingerprint(*root.finalize().as_bytes()));
            }
        }
        Ok((Memory { tiles: Arc::new(tiles), offline: Arc::default() }, roots))
    }

    /// All offline shares, summed over the members.
    ///
    /// # Errors
    /// What a member may refuse.
    pub fn offline<S: Source>(
        &self,
        program: &Arc<Program>,
        members: &mut [Member<'_, S>],
    ) -> Result<BTreeMap<(u32, u32, u32), Poly>, Refusal> {
        let mut sums: BTreeMap<(u32, u32, u32), Poly> = BTreeMap::new();
        for member in members {
            let mut multipliers = Multipliers::new(program.clone());
            for iteration in 0..program.table.iterations {
                for phase in 0..program.table.phases.len() as u32 {
                    let shares = member.offline(&mut multipliers, iteration, phase)?;
                    for (opening, share) in shares.into_iter().enumerate() {
                        let sum = sums.entry((iteration, phase, opening as u32)).or_insert_with(Poly::zero);
                        sum.add_assign(&share);
                    }
                }
            }
        }
        Ok(sums)
    }

    /// Runs the whole job and gives the released vectors as integers.
    ///
    /// # Errors
    /// What a member or the developer may refuse.
    pub fn train(&self) -> Result<Vec<Vec<i64>>, Failure> {
        let mut logs = self.logs();
        let (memory, roots) = self.extend(&mut logs)?;
        let program =
            Arc::new(Program::new(self.job.clone(), &roots).map_err(ProfileError::from).map_err(Refusal::from)?);
        let mut members = Vec::new();
        for (index, (seat, log)) in self.seats.iter().zip(&mut logs).enumerate() {
            members.push(Member::join(seat, log, index as u32, program.clone(), memory.clone())?);
        }
        let memory = Memory { offline: Arc::new(self.offline(&program, &mut members)?), ..memory };
        for member in &mut members {
            *member.source_mut() = memory.clone();
        }
        let mut node = Transcript::new(program, memory);
        while !node.finished() {
            round(&mut node, &mut members)?;
        }
        self.open(&node, &members)
    }

    /// Releases by all members, opened by the developer.
    ///
    /// # Errors
    /// What the developer may refuse.
    pub fn open<S: Source>(&self, node: &Transcript<S>, members: &[Member<'_, S>]) -> Result<Vec<Vec<i64>>, Failure> {
        let program = node.program();
        let developer = self.job.developer as usize;
        let key = self.job.seats[developer].release_key;
        let mut releases = Vec::new();
        for (index, member) in (0u32..).zip(members) {
            let sealed = release::seal(&member.release()?, &key, &program.lock, index)?;
            let recorded: Vec<Commitment> =
                program.table.released.iter().map(|&s| node.shares(s)[index as usize]).collect();
            let seat = &self.seats[developer];
            let secret = seat.release_secret();
            releases.push(release::open(&sealed, secret, &program.table, &program.lock, index, &recorded)?);
        }
        let opened: Vec<Vec<F>> = program.table.released.iter().map(|&s| node.opened(s).to_vec()).collect();
        Ok(release::combine(&opened, &releases, members.len())?)
    }

    /// The same job on plain numbers: the released vectors and the largest value that each phase opened.
    pub fn plain<T: Number>(&self, iterations: u32) -> Result<(Vec<Vec<T>>, Vec<f64>), Refusal> {
        let table = self.job.template.compile().map_err(|e| {
            let (field, value, expected) = (e.field.into(), e.value.to_string(), e.expected);
            let error = zektra_statement::record::JobError { job: self.job.id, field, value, expected };
            Refusal::Profile(error.into())
        })?;
        let convert = |p: &Poly| p.coefficients().iter().map(|&c| T::from_integer(centred(c))).collect::<Vec<T>>();
        let groups = self.groups.iter().flatten();
        let tiles: Vec<Vec<PlainTile<T>>> =
            groups.map(|g| g.planes.iter().map(|[x, m]| [convert(x), convert(m)]).collect()).collect();
        let mut order = BatchOrder::new(self.job.beacon, self.job.groups(), self.job.template.params.groups);
        let mut run = Plain::new(table);
        for t in 0..iterations {
            let step = order.step(t);
            run.iterate(&|slot, block| &tiles[step[usize::from(slot)] as usize][usize::from(block)]);
        }
        Ok((run.released(), run.largest().to_vec()))
    }
}

/// One phase: the node asks, every member answers, all move on.
///
/// # Errors
/// What a member may refuse.
pub fn round<S: Source>(node: &mut Transcript<S>, members: &mut [Member<'_, S>]) -> Result<Vec<Answer>, Refusal> {
    let (_, claim) = node.evaluate()?;
    let answers = members.iter_mut().map(|m| m.answer(&claim)).collect::<Result<Vec<_>, _>>()?;
    for member in members.iter_mut() {
        member.advance(&answers)?;
    }
    node.advance(&answers)?;
    Ok(answers)
}

/// Why a rehearsal ended early.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A member refused.
    #[error(transparent)]
    Refusal(#[from] Refusal),
    /// The developer refused.
    #[error(transparent)]
    Release(#[from] ReleaseError),
}
