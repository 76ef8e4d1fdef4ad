//! The compute node's statements: everything in them is public.

use crate::share::group_randomness;
use zektra_he::ring::Poly;
use zektra_he::transcript::{Answer, PhaseView};
use zektra_prove::chain::{NodeCircuits, Proven};
use zektra_prove::circuit::{Proof, ProofError};
use zektra_prove::extend::Plane;
use zektra_prove::step::{OpeningData, OutputData, StepData};
use zektra_statement::digest::{Fingerprint, Tag, commit};
use zektra_statement::field::{E, F};
use zektra_statement::inputs::{self, ExtendedPlane};
use zektra_statement::record::Dataset;

/// The point `r` of a proven statement: what its public inputs show in front of the values.
pub(crate) fn point<S: inputs::Statement>(proven: &Proven<S>) -> E {
    let at = proven.statement.elements().len() + 10;
    let public = proven.proof.public_inputs();
    zektra_statement::field::to_ext([public[at], public[at + 1]])
}

/// A row group with all that was sent of it.
#[derive(Clone, Copy)]
pub struct Group<'a> {
    /// The chain, or `local`.
    pub chain_id: &'a str,
    /// Its dataset.
    pub dataset: &'a Dataset,
    /// Which row group of it.
    pub group: u64,
    /// The owner's ciphertexts, plane by plane.
    pub b: &'a [Poly],
    /// The other members' shares, in the order of the seats.
    pub x: &'a [Vec<Poly>],
}

/// What the sums of a row group are, without a proof.
pub fn extend_statement(group: Group<'_>, tile: &inputs::Tile, shares: &[&inputs::Noise]) -> inputs::Extend {
    let extended = tile.planes.iter().zip(group.b).enumerate().map(|(k, (&(a, b), first))| {
        let mut c0 = first.clone();
        group.x.iter().for_each(|x| c0.add_assign(&x[k]));
        ExtendedPlane { a, b, x: shares.iter().map(|s| s.pairs[k].1).collect(), c0: c0.commitment() }
    });
    inputs::Extend { planes: extended.collect() }
}

/// A proof that was kept, if it shows this statement.
fn fitting<S: inputs::Statement>(known: Option<Proof>, statement: &S) -> Option<Proof> {
    known.filter(|proof| proof.public_inputs().starts_with(&statement.elements()))
}

/// Proves the sums of a row group; a `known` proof of them is taken as it is.
///
/// # Errors
/// Shares that do not belong to the proofs.
pub fn prove_extend(
    circuits: &NodeCircuits,
    group: Group<'_>,
    tile: &Proven<inputs::Tile>,
    shares: &[Proven<inputs::Noise>],
    known: Option<Proof>,
) -> Result<Proven<inputs::Extend>, ProofError> {
    let statement = extend_statement(group, &tile.statement, &shares.iter().map(|s| &s.statement).collect::<Vec<_>>());
    if let Some(proof) = fitting(known, &statement) {
        return Ok(Proven { statement, proof });
    }
    let Group { chain_id, dataset, group, b, x } = group;
    let a = group_randomness(chain_id, dataset, group);
    let planes: Vec<Plane<'_>> = (0..a.len())
        .map(|k| Plane {
            a: a[k].coefficients(),
            b: b[k].coefficients(),
            x: x.iter().map(|x| x[k].coefficients()).collect(),
        })
        .collect();
    let others: Vec<E> = shares.iter().map(point).collect();
    let proof = circuits.extend.prove(&statement, &planes, point(tile), &others)?;
    Ok(Proven { statement, proof })
}

/// The offline shares of a phase, as the node keeps them: for each opening d2 and every member's P with the
/// point of its proof.
#[derive(Clone, Debug)]
pub struct Offline {
    /// `d2`.
    pub d2: Poly,
    /// `P` of each member.
    pub p: Vec<Poly>,
    /// The points of the members' proofs.
    pub points: Vec<E>,
}

impl Offline {
    /// The points of the members' proofs of a batch.
    pub fn points_of(batch: &[Proven<inputs::Noise>]) -> Vec<E> {
        batch.iter().map(point).collect()
    }
}

/// A phase with all that was sent of it.
#[derive(Clone, Copy)]
pub struct Answered<'a> {
    /// What it read.
    pub view: &'a PhaseView,
    /// The offline shares of each opening.
    pub offline: &'a [Offline],
    /// The answers.
    pub answers: &'a [Answer],
    /// Their proofs.
    pub shares: &'a [Proven<inputs::PhaseShare>],
}

/// What a step's circuit is fed with. `points` are those of the answers' proofs.
fn step_data<'a>(answered: &Answered<'a>, points: Vec<E>) -> StepData<'a> {
    let Answered { view, offline, answers, .. } = *answered;
    StepData {
        tiles: view.tiles.iter().map(|(c0, a)| (c0.coefficients(), a.coefficients())).collect(),
        states: view.states.iter().map(|(c0, a)| (c0.coefficients(), a.coefficients())).collect(),
        openings: view
            .c
            .iter()
            .zip(offline)
            .enumerate()
            .map(|(k, (c, o))| OpeningData {
                d2: o.d2.coefficients(),
                c: c.coefficients(),
                p: o.p.iter().map(Poly::coefficients).collect(),
                y: answers.iter().map(|a| &a.y[k][..]).collect(),
                offline_points: o.points.clone(),
            })
            .collect(),
        outputs: view
            .fresh
            .iter()
            .enumerate()
            .map(|(k, a)| OutputData {
                g: answers.iter().map(|a| a.g[k].coefficients()).collect(),
                before: &view.opened[k],
                a: a.coefficients(),
            })
            .collect(),
        points,
    }
}

/// What a step shows, without a proof: `shares` are what the answers' proofs show.
///
/// # Errors
/// Answers that do not belong to the view.
pub fn step_statement(
    circuits: &NodeCircuits,
    node: Fingerprint,
    phase: usize,
    answered: &Answered<'_>,
    shares: &[&inputs::PhaseShare],
) -> Result<inputs::Step, ProofError> {
    let data = step_data(answered, vec![]);
    let view = answered.view;
    let first = shares.first().ok_or_else(|| ProofError::Format("a step without answers".into()))?;
    let made = circuits.steps[phase].run(&data);
    let poly = |p: &[F]| commit(Tag::Polynomial, p);
    let both = |(c0, a): &(&[F], &[F])| (poly(c0), poly(a));
    let outputs = &circuits.shares.table.phases[phase].outputs;
    Ok(inputs::Step {
        node,
        tiles: data.tiles.iter().map(both).collect(),
        states: data.states.iter().map(both).collect(),
        openings: data
            .openings
            .iter()
            .enumerate()
            .map(|(k, o)| inputs::StepOpening {
                d2: poly(o.d2),
                c: poly(o.c),
                p: o.p.iter().map(|p| poly(p)).collect(),
                y: shares.iter().map(|s| s.openings[k].1).collect(),
            })
            .collect(),
        outputs: outputs
            .iter()
            .enumerate()
            .map(|(k, o)| inputs::StepOutput {
                g: shares.iter().map(|s| s.outputs[k].g).collect(),
                before: o.carry.then(|| commit(Tag::Opened, &view.opened[k])),
                after: commit(Tag::Opened, &made[k].opened),
                cipher: (poly(&made[k].c0), first.outputs[k].a),
            })
            .collect(),
    })
}

/// Proves a phase on all members' proven answers; a `known` proof of it is taken as it is.
///
/// # Errors
/// Answers that do not belong to the view.
pub fn prove_step(
    circuits: &NodeCircuits,
    node: Fingerprint,
    phase: usize,
    answered: Answered<'_>,
    known: Option<Proof>,
) -> Result<Proven<inputs::Step>, ProofError> {
    let shares: Vec<_> = answered.shares.iter().map(|s| &s.statement).collect();
    let statement = step_statement(circuits, node, phase, &answered, &shares)?;
    let proof = match fitting(known, &statement) {
        Some(proof) => proof,
        None => {
            let data = step_data(&answered, answered.shares.iter().map(point).collect());
            circuits.steps[phase].prove(&statement, &data)?
        }
    };
    Ok(Proven { statement, proof })
}
