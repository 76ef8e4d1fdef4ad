//! A whole proven job in memory: the real parties and proofs without network and disk.

use crate::node::{self, Offline};
use crate::share;
use std::sync::Arc;
use zektra_he::log::LabelLog;
use zektra_he::member::{Member, PhaseWitness, Refusal, extend};
use zektra_he::profile::ProfileError;
use zektra_he::rehearsal::{Cast, Memory};
use zektra_he::ring::Poly;
use zektra_he::seat::SeatSecret;
use zektra_he::tile::Sealer;
use zektra_he::transcript::{Answer, Multipliers, PhaseView, Program, Transcript};
use zektra_prove::chain::{About, Chain, NodeCircuits, OFFLINE_PAIRS, Proven};
use zektra_prove::circuit::{Proof, ProofError};
use zektra_statement::chain::States;
use zektra_statement::digest::{Commitment, Fingerprint};
use zektra_statement::inputs;
use zektra_statement::merkle::{Tree, dataset_leaf};
use zektra_statement::record::Plane;

/// Why a rehearsal ended early.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A member refused.
    #[error(transparent)]
    Refusal(#[from] Refusal),
    /// A proof could not be made, or was refused.
    #[error(transparent)]
    Proof(#[from] ProofError),
}

/// One phase as it was proven.
pub struct ProvenPhase {
    /// The row groups.
    pub groups: Vec<u32>,
    /// Which phase.
    pub phase: usize,
    /// What it read and started from.
    pub view: PhaseView,
    /// The offline shares that it used.
    pub offline: Vec<Offline>,
    /// The answers.
    pub answers: Vec<Answer>,
    /// Their proofs.
    pub shares: Vec<Proven<inputs::PhaseShare>>,
    /// The node's proof.
    pub step: Proven<inputs::Step>,
}

/// A member's answer with what it was made of, as its prover sees it.
pub struct Answering<'a> {
    /// The iteration.
    pub iteration: u32,
    /// The job's lock.
    pub lock: Fingerprint,
    /// The member's secret.
    pub seat: &'a SeatSecret,
    /// What the phase reads.
    pub view: &'a PhaseView,
    /// The answer.
    pub answer: &'a Answer,
    /// What it was made of.
    pub witness: &'a PhaseWitness,
}

/// A row group as it was proven.
pub struct ProvenGroup {
    /// Index of its owner.
    pub owner: usize,
    /// Whether it is the last of its dataset.
    pub last: bool,
    /// The owner's proof.
    pub tile: Proven<inputs::Tile>,
    /// The other members' proofs.
    pub shares: Vec<Proven<inputs::Noise>>,
    /// The node's proof.
    pub extend: Proven<inputs::Extend>,
}

/// A job with all of its proofs but those of the chain.
pub struct ProvenJob {
    /// The program.
    pub program: Arc<Program>,
    /// The extension roots behind the lock.
    pub roots: Vec<Fingerprint>,
    /// Who the chain is of.
    pub about: About,
    /// Row groups.
    pub groups: Vec<ProvenGroup>,
    /// Batches of offline shares: every member's proof, and how many pairs count.
    pub offline: Vec<(Vec<Proven<inputs::Noise>>, usize)>,
    /// Phases.
    pub phases: Vec<ProvenPhase>,
}

/// Completes the record of a job that will be proven: the datasets' roots and the chain's circuits.
pub fn complete_record(cast: &mut Cast, circuits: Commitment) {
    let uploads = &cast.uploads;
    let chain_id = cast.job.chain_id.clone();
    for (index, d) in cast.job.datasets.iter_mut().enumerate() {
        let dataset = &mut d.dataset;
        let b = |tile: u64| Plane::ALL.into_iter().filter_map(move |p| uploads.get(&(index, tile, p)));
        let leaf = |group: u64| {
            let blocks = u64::from(dataset.blocks);
            let a = share::group_randomness(&chain_id, dataset, group);
            let b = (group * blocks..(group + 1) * blocks).flat_map(b);
            let planes: Vec<_> = a.iter().zip(b).map(|(a, b)| (a.commitment(), b.commitment())).collect();
            dataset_leaf(group, &dataset.owner_key, &planes)
        };
        dataset.root = Tree::new((0..u64::from(dataset.groups)).map(leaf).collect()).root();
    }
    cast.job.circuits = Some(circuits);
}

/// Runs a job with every member's and the node's proofs; `progress` is called with what was just done.
///
/// # Errors
/// What a member may refuse, or a proof.
pub fn prove(
    cast: &Cast,
    circuits: &Arc<NodeCircuits>,
    node: Fingerprint,
    progress: &mut dyn FnMut(&str),
) -> Result<ProvenJob, Failure> {
    prove_watched(cast, circuits, node, progress, &mut |_| ())
}

/// [`prove`], showing every answer with its witness: for tests that forge.
///
/// # Errors
/// What a member may refuse, or a proof.
pub fn prove_watched(
    cast: &Cast,
    circuits: &Arc<NodeCircuits>,
    node: Fingerprint,
    progress: &mut dyn FnMut(&str),
    watch: &mut dyn FnMut(&Answering<'_>),
) -> Result<ProvenJob, Failure> {
    let shares = &circuits.shares;
    let chain_id = &cast.job.chain_id;
    let mut logs: Vec<LabelLog> = cast.logs();
    let (memory, roots) = cast.extend(&mut logs)?;

    let mut groups = vec![];
    for (index, d) in cast.job.datasets.iter().enumerate() {
        let owner = d.owner as usize;
        let (dataset, blocks) = (&d.dataset, u64::from(d.dataset.blocks));
        let sealer = Sealer { seat: &cast.seats[owner], chain_id, dataset: dataset.id, attempt: dataset.attempt };
        for group in 0..u64::from(dataset.groups) {
            let tiles = group * blocks..(group + 1) * blocks;
            let places = tiles.clone().flat_map(|t| Plane::ALL.map(|p| (index, t, p)));
            let b: Vec<Poly> = places.map(|place| cast.uploads[&place].clone()).collect();
            let messages: Vec<Poly> = cast.groups[index][group as usize].planes.concat();
            let tile = share::prove_tile(&shares.tile, &sealer, group, &b, &messages)?;
            progress("tile");
            let (mut x, mut extensions) = (vec![], vec![]);
            for (member, seat) in cast.seats.iter().enumerate().filter(|(m, _)| *m != owner) {
                let mine = extend(seat, &mut logs[member], chain_id, dataset, tiles.clone())?;
                extensions.push(share::prove_extension(shares, seat, chain_id, dataset, group, &mine)?);
                progress("extension share");
                x.push(mine);
            }
            let extend = {
                let group = node::Group { chain_id, dataset, group, b: &b, x: &x };
                node::prove_extend(circuits, group, &tile, &extensions, None)?
            };
            progress("sums of a row group");
            let last = group + 1 == u64::from(dataset.groups);
            groups.push(ProvenGroup { owner, last, tile, shares: extensions, extend });
        }
    }

    let program = Arc::new(Program::new(cast.job.clone(), &roots).map_err(ProfileError::from).map_err(Refusal::from)?);
    let mut members = Vec::new();
    for (index, (seat, log)) in seats_and_logs(cast, &mut logs) {
        members.push(Member::join(seat, log, index, program.clone(), memory.clone())?);
    }
    let memory = Memory { offline: Arc::new(cast.offline(&program, &mut members)?), ..memory };
    for member in &mut members {
        *member.source_mut() = memory.clone();
    }
    // All offline shares, in the order in which phases use them.
    let mut all: Vec<(Poly, Vec<Poly>, Vec<Poly>)> = vec![];
    let mut multipliers: Vec<_> = members.iter().map(|_| Multipliers::new(program.clone())).collect();
    for iteration in 0..program.table.iterations {
        for phase in 0..program.table.phases.len() as u32 {
            let first = all.len();
            for (member, m) in members.iter_mut().zip(&mut multipliers) {
                let p = member.offline(m, iteration, phase)?;
                let noise = member.offline_noise(m, iteration, phase);
                for (k, (p, (d2, e))) in p.into_iter().zip(noise).enumerate() {
                    if all.len() == first + k {
                        all.push((d2, vec![], vec![]));
                    }
                    all[first + k].1.push(p);
                    all[first + k].2.push(e);
                }
            }
        }
    }
    let mut offline = vec![];
    let mut kept: Vec<Offline> = vec![];
    for batch in all.chunks(OFFLINE_PAIRS) {
        let d2: Vec<Poly> = batch.iter().map(|(d2, _, _)| d2.clone()).collect();
        let mut proofs = vec![];
        for (i, seat) in cast.seats.iter().enumerate() {
            let p: Vec<Poly> = batch.iter().map(|(_, p, _)| p[i].clone()).collect();
            let e: Vec<Poly> = batch.iter().map(|(_, _, e)| e[i].clone()).collect();
            proofs.push(share::prove_offline(shares, seat, program.lock, &d2, &p, &e)?);
            progress("offline shares");
        }
        let points = Offline::points_of(&proofs);
        kept.extend(batch.iter().map(|(d2, p, _)| Offline { d2: d2.clone(), p: p.clone(), points: points.clone() }));
        offline.push((proofs, batch.len()));
    }

    let mut transcript = Transcript::new(program.clone(), memory);
    let mut phases = vec![];
    let mut used = 0;
    while !transcript.finished() {
        let (iteration, phase) = transcript.position();
        let phase = phase as usize;
        let (_, claim) = transcript.evaluate().map_err(Refusal::from)?;
        let view = transcript.view().map_err(Refusal::from)?;
        let answers = members.iter_mut().map(|m| m.answer(&claim)).collect::<Result<Vec<_>, _>>()?;
        let mut proofs = vec![];
        for ((member, answer), seat) in members.iter().zip(&answers).zip(&cast.seats) {
            let Some(witness) = member.witness() else { continue };
            watch(&Answering { iteration, lock: program.lock, seat, view: &view, answer, witness });
            proofs.push(share::prove_answer(shares, seat, program.lock, &view, answer, witness)?);
            progress("answer");
        }
        let count = view.c.len();
        let offline = kept[used..used + count].to_vec();
        let answered = node::Answered { view: &view, offline: &offline, answers: &answers, shares: &proofs };
        let step = node::prove_step(circuits, node, phase, answered, None)?;
        progress("step");
        used += count;
        for member in &mut members {
            member.advance(&answers)?;
        }
        transcript.advance(&answers).map_err(Refusal::from)?;
        phases.push(ProvenPhase { groups: view.groups.clone(), phase, view, offline, answers, shares: proofs, step });
    }
    let about = About {
        lock: program.lock,
        table: program.table_digest,
        node,
        keys: cast.seats.iter().map(|s| s.commitment()).collect(),
    };
    Ok(ProvenJob { program, roots, about, groups, offline, phases })
}

fn seats_and_logs<'a>(
    cast: &'a Cast,
    logs: &'a mut [LabelLog],
) -> impl Iterator<Item = (u32, (&'a SeatSecret, &'a mut LabelLog))> {
    (0u32..).zip(cast.seats.iter().zip(logs))
}

/// Proves the chain of a proven job and wraps it: the last proof, and the states that it commits to.
///
/// # Errors
/// Proofs that do not belong together.
pub fn chain(
    job: &ProvenJob,
    circuits: &Arc<NodeCircuits>,
    progress: &mut dyn FnMut(&str),
) -> Result<(Proof, States), Failure> {
    let mut chain = Chain::start(circuits.clone(), job.about.clone())?;
    progress("start");
    for g in &job.groups {
        chain.add_group(g.owner, &g.tile, &g.shares, &g.extend, g.last)?;
        progress("tiles");
    }
    for (proofs, used) in &job.offline {
        chain.add_offline(proofs, *used)?;
        progress("offline");
    }
    for p in &job.phases {
        chain.fold(p.phase, &p.groups, &p.shares, &p.step)?;
        progress("fold");
    }
    let last = chain.wrap()?;
    progress("wrap");
    Ok((last, chain.states().clone()))
}
