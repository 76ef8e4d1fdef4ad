//! A job's public side: what the compute node computes and what every member computes again.
//!
//! Nothing here is taken from the caller but the members' messages: every `a`, `a''`, `d2`, batch
//! and phase comes from the job record.

use crate::ring::{Eval, Poly};
use crate::tile::tile_randomness;
use crate::xof::PublicRandomness;
use std::collections::BTreeMap;
use std::sync::Arc;
use zektra_statement::batch::BatchOrder;
use zektra_statement::digest::{Commitment, Encoder, Fingerprint, Tag, commit, fingerprint};
use zektra_statement::field::{F, Field, centred, from_i64, round_shift};
use zektra_statement::packing::Place;
use zektra_statement::payload::{mask_bits, payload};
use zektra_statement::phase::{Opening, Operand, PhaseTable, TilePlane};
use zektra_statement::record::{Job, JobError, Plane};

/// Where a party keeps the polynomials that others sent before the job.
pub trait Source {
    /// A tile's ciphertext under the job's key: `b + Σ_j x_j` over all members but the owner.
    ///
    /// # Errors
    /// Whatever keeps it from being read.
    fn ciphertext(&mut self, dataset: usize, tile: u64, plane: Plane) -> Result<Poly, SourceError>;

    /// `Σ_i P_i` of an opening over all members.
    ///
    /// # Errors
    /// Whatever keeps it from being read.
    fn offline(&mut self, iteration: u32, phase: u32, opening: u32) -> Result<Poly, SourceError>;
}

/// Why a polynomial could not be had.
pub type SourceError = Box<dyn std::error::Error + Send + Sync>;

/// A member's message of a phase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Index of the seat.
    pub member: u32,
    /// Iteration, from 0.
    pub iteration: u32,
    /// Phase of the iteration.
    pub phase: u32,
    /// The job's attempt.
    pub attempt: u32,
    /// `y` of each opening: its positions' masked shares.
    pub y: Vec<Vec<F>>,
    /// `g` of each output.
    pub g: Vec<Poly>,
    /// Commitment of `S'` of each output.
    pub shares: Vec<Commitment>,
}

/// What a node says about a phase when it asks: members compare it with their own computation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Iteration.
    pub iteration: u32,
    /// Phase.
    pub phase: u32,
    /// Digest of the phase table.
    pub table: Fingerprint,
    /// Digest of all `U` before the phase.
    pub opened: Fingerprint,
    /// Digest of `d0[src]` and `c` of all openings.
    pub multipliers: Fingerprint,
}

/// Why a job cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum TranscriptError {
    /// The job record contradicts itself.
    #[error(transparent)]
    Job(#[from] JobError),
    /// A message does not have the form that the phase asks for.
    #[error(
        "answer of member {member} in iteration {iteration}, phase {phase}: {field} is {value}, expected {expected}"
    )]
    Answer {
        /// Whose.
        member: u32,
        /// When.
        iteration: u32,
        /// Where.
        phase: u32,
        /// Which part.
        field: &'static str,
        /// What it was.
        value: String,
        /// What it should be.
        expected: String,
    },
    /// An opened sum is larger than masks and payload together can be: some share is not what it should be.
    #[error(
        "iteration {iteration}, phase {phase}, opening {opening}: the opened value {value} is beyond {limit}; a member's share is malformed"
    )]
    OutOfRange {
        /// When.
        iteration: u32,
        /// Where.
        phase: u32,
        /// Which opening.
        opening: usize,
        /// The value.
        value: i64,
        /// The largest possible.
        limit: u128,
    },
    /// A polynomial could not be read.
    #[error("cannot read {what}: {error}")]
    Source {
        /// Which.
        what: String,
        /// Why.
        error: SourceError,
    },
    /// Called in the wrong order or after the end.
    #[error("the job is at iteration {iteration}, phase {phase}: {what}")]
    Order {
        /// When.
        iteration: u32,
        /// Where.
        phase: u32,
        /// What was wrong.
        what: &'static str,
    },
}

/// A job with everything that is derived from its record: the same for all parties.
#[derive(Debug)]
pub struct Program {
    /// The record.
    pub job: Job,
    /// The compiled table.
    pub table: PhaseTable,
    /// Its digest.
    pub table_digest: Fingerprint,
    /// The object id of the job's randomness.
    pub lock: Fingerprint,
    randomness: PublicRandomness,
    places: Vec<Vec<Place>>,
    /// The largest opened value of each phase.
    limits: Vec<u128>,
}

/// `n·(2^B + half) + 2^V`: masks as large as a proof lets them be, and the payload. Without a worst case the
/// payload counts as half a mask, and as much as a proof of the step can show.
fn largest_opened(n: u32, shift: u32, worst: f64) -> u128 {
    let (mask, half) = (1u128 << mask_bits(n), 1u128 << (shift - 1));
    let payload = if worst < (mask / 2) as f64 { worst.ceil() as u128 } else { mask / 2 };
    let proven = (((1u128 << 63) - mask / 2) >> shift << shift) + half - 1;
    (u128::from(n) * (mask + half) + payload).min(proven)
}

impl Program {
    /// Compiles a job whose extension shares are `extension_roots`.
    ///
    /// # Errors
    /// A record that contradicts itself.
    pub fn new(job: Job, extension_roots: &[Fingerprint]) -> Result<Self, JobError> {
        job.validate()?;
        let table = job.template.compile().map_err(|e| JobError {
            job: job.id,
            field: e.field.into(),
            value: e.value.to_string(),
            expected: e.expected,
        })?;
        let streams = job.extension_streams();
        if extension_roots.len() != streams {
            let (value, expected) =
                (extension_roots.len().to_string(), format!("{streams}, one a dataset and other member"));
            return Err(JobError { job: job.id, field: "extension roots".into(), value, expected });
        }
        let n = job.members();
        let limits = {
            let phases = payload(&job.template, n).phases;
            phases.iter().zip(&table.phases).map(|(p, t)| largest_opened(n, t.shift, p.worst)).collect()
        };
        let lock = job.lock_id(extension_roots);
        let randomness = PublicRandomness::of_job(&job.chain_id, lock);
        let places = (0..table.states.len()).map(|s| table.places(s as u16)).collect();
        Ok(Self { table_digest: table.digest(), job, table, lock, randomness, places, limits })
    }

    /// Where the entries of a state sit.
    pub fn places(&self, state: u16) -> &[Place] {
        &self.places[usize::from(state)]
    }

    /// `a''` of a state that is encrypted in `iteration`.
    pub fn state_randomness(&self, state: u16, iteration: u32) -> Poly {
        self.randomness.poly(u64::from(state), u64::from(iteration), self.job.attempt)
    }

    /// In which iteration the ciphertext of `state` was made that `phase` of `iteration` reads; `None`: still zero.
    fn made_in(&self, state: u16, iteration: u32, phase: u32) -> Option<u32> {
        let earlier = &self.table.phases[..phase as usize];
        if earlier.iter().any(|p| p.outputs.iter().any(|o| o.state == state)) {
            Some(iteration)
        } else {
            iteration.checked_sub(1)
        }
    }

    /// The dataset and tile behind (slot, block) of a step.
    fn tile(&self, step: &[u32], slot: u16, block: u16) -> (usize, u64) {
        // BatchOrder only draws existing groups.
        let (dataset, group) = self.job.locate(step[usize::from(slot)]).unwrap_or((0, 0));
        (dataset, u64::from(group) * u64::from(self.table.blocks) + u64::from(block))
    }

    fn tile_randomness(&self, dataset: usize, tile: u64, plane: Plane) -> Poly {
        let d = &self.job.datasets[dataset].dataset;
        tile_randomness(&self.job.chain_id, d.object(&self.job.chain_id), plane, tile, d.attempt)
    }

    fn order(&self) -> BatchOrder {
        BatchOrder::new(self.job.beacon, self.job.groups(), self.job.template.params.groups)
    }
}

/// Public randomness of the tiles of a step, kept while the next step uses the same tiles.
type TileKey = (usize, u64);

/// `d2` of every opening of a job, in order: what offline shares multiply with.
#[derive(Debug)]
pub struct Multipliers {
    program: Arc<Program>,
    order: BatchOrder,
    tiles: BTreeMap<TileKey, Eval>,
    states: BTreeMap<u16, (u32, Eval)>,
}

impl Multipliers {
    /// Starts at the first iteration.
    pub fn new(program: Arc<Program>) -> Self {
        let order = program.order();
        Self { program, order, tiles: BTreeMap::new(), states: BTreeMap::new() }
    }

    /// The job that the multipliers are of.
    pub fn program(&self) -> &Program {
        &self.program
    }

    /// `d2 = Σ a_left·a_right` for each opening of the phase. Cheapest in order.
    pub fn phase(&mut self, iteration: u32, phase: u32) -> Vec<Eval> {
        let program = self.program.clone();
        let step = self.order.step(iteration);
        let used: Vec<TileKey> = (0..program.table.slots)
            .flat_map(|slot| (0..program.table.blocks).map(move |block| (slot, block)))
            .map(|(slot, block)| program.tile(&step, slot, block))
            .collect();
        self.tiles.retain(|k, _| used.contains(k));
        let openings = &program.table.phases[phase as usize].openings;
        let mut out = Vec::with_capacity(openings.len());
        for opening in openings {
            let mut d2 = Eval::zero();
            for &(left, right) in &opening.products {
                for operand in [left, right] {
                    self.load(&step, operand, iteration, phase);
                }
                if let (Some(a), Some(b)) = (self.get(&step, left), self.get(&step, right)) {
                    d2.mul_add(a, b);
                }
            }
            out.push(d2);
        }
        out
    }

    fn load(&mut self, step: &[u32], operand: Operand, iteration: u32, phase: u32) {
        match operand {
            Operand::Features { slot, block } => {
                let (dataset, tile) = self.program.tile(step, slot, block);
                let program = &self.program;
                self.tiles
                    .entry((dataset, tile))
                    .or_insert_with(|| program.tile_randomness(dataset, tile, Plane::Features).into_eval());
            }
            Operand::State(s) => match self.program.made_in(s, iteration, phase) {
                None => {
                    self.states.remove(&s);
                }
                Some(made) if self.states.get(&s).is_some_and(|(m, _)| *m == made) => {}
                Some(made) => {
                    self.states.insert(s, (made, self.program.state_randomness(s, made).into_eval()));
                }
            },
        }
    }

    fn get(&self, step: &[u32], operand: Operand) -> Option<&Eval> {
        match operand {
            Operand::Features { slot, block } => self.tiles.get(&self.program.tile(step, slot, block)),
            Operand::State(s) => self.states.get(&s).map(|(_, a)| a),
        }
    }
}

/// A ciphertext `(c0, c1)` ready to multiply.
#[derive(Clone, Debug)]
struct Cipher {
    c0: Eval,
    c1: Eval,
}

/// What an addend needs of a moment plane.
#[derive(Clone, Debug)]
struct Linear {
    c0: Poly,
    c1: Poly,
}

/// An opening, evaluated: what members multiply with and what is public already.
#[derive(Clone, Debug)]
pub struct Evaluated {
    /// `d0` at the positions.
    pub d0: Vec<F>,
    /// `c = d1 + P`.
    pub c: Eval,
    /// The fingerprint of `c`.
    pub c_print: Fingerprint,
}

/// What a phase reads and starts from: all public.
#[derive(Clone, Debug)]
pub struct PhaseView {
    /// The row groups of the iteration.
    pub groups: Vec<u32>,
    /// (c0, a) of the tile planes in the order of [`zektra_statement::phase::Phase::reads`].
    pub tiles: Vec<(Poly, Poly)>,
    /// (c0, a'') of the states that are read.
    pub states: Vec<(Poly, Poly)>,
    /// `c` of each opening.
    pub c: Vec<Poly>,
    /// `a''` of each output.
    pub fresh: Vec<Poly>,
    /// `U` of each output's state before.
    pub opened: Vec<Vec<F>>,
    /// Every member's share commitment of each output's state before.
    pub shares: Vec<Vec<Commitment>>,
}

/// The public state of a job.
#[derive(Debug)]
pub struct Transcript<S> {
    program: Arc<Program>,
    source: S,
    order: BatchOrder,
    iteration: u32,
    phase: u32,
    step: Vec<u32>,
    tiles: BTreeMap<TileKey, Cipher>,
    moments: BTreeMap<TileKey, Linear>,
    opened: Vec<Vec<F>>,
    ciphers: Vec<Option<Cipher>>,
    /// Commitments of every member's shares: `shares[state][member]`, empty until first made.
    shares: Vec<Vec<Commitment>>,
    evaluated: Option<(Vec<Evaluated>, Claim)>,
    /// `a''` of the phase's outputs, if the party had to derive them before the phase ends.
    fresh: Vec<Eval>,
    digest: Fingerprint,
}

impl<S: Source> Transcript<S> {
    /// The start of a job: every state is zero.
    pub fn new(program: Arc<Program>, source: S) -> Self {
        let states = program.table.states.iter();
        let opened = states.map(|s| vec![F::ZERO; usize::from(s.length)]).collect();
        let count = program.table.states.len();
        let mut order = program.order();
        let mut e = Encoder::new("zektra/transcript/v1");
        e.bytes(&program.lock.0).bytes(&program.table_digest.0);
        Self {
            source,
            step: order.step(0),
            order,
            iteration: 0,
            phase: 0,
            tiles: BTreeMap::new(),
            moments: BTreeMap::new(),
            opened,
            ciphers: vec![None; count],
            shares: vec![vec![]; count],
            evaluated: None,
            fresh: vec![],
            digest: e.fingerprint(),
            program,
        }
    }

    /// The job.
    pub fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// (iteration, phase) that is next.
    pub fn position(&self) -> (u32, u32) {
        (self.iteration, self.phase)
    }

    /// Whether all iterations are done.
    pub fn finished(&self) -> bool {
        self.iteration >= self.program.table.iterations
    }

    /// The digest of all that was said, in order.
    pub fn digest(&self) -> Fingerprint {
        self.digest
    }

    /// The opened vector `U` of a state.
    pub fn opened(&self, state: u16) -> &[F] {
        &self.opened[usize::from(state)]
    }

    /// The members' commitments of their shares of a state.
    pub fn shares(&self, state: u16) -> &[Commitment] {
        &self.shares[usize::from(state)]
    }

    /// The polynomials that this party keeps.
    pub fn source_mut(&mut self) -> &mut S {
        &mut self.source
    }

    /// Evaluates the next phase: products, addends, offline shares.
    ///
    /// # Errors
    /// A polynomial that cannot be read; a finished job.
    pub fn evaluate(&mut self) -> Result<(&[Evaluated], Claim), TranscriptError> {
        if self.finished() {
            return Err(self.order_error("it is finished"));
        }
        if self.evaluated.is_none() {
            let program = self.program.clone();
            self.load_step()?;
            let phase = &program.table.phases[self.phase as usize];
            let mut out = Vec::with_capacity(phase.openings.len());
            let mut prints = Encoder::new("zektra/multipliers/v1");
            for (index, opening) in phase.openings.iter().enumerate() {
                let e = self.evaluate_opening(index as u32, opening)?;
                prints.bytes(&fingerprint(&e.d0).0).bytes(&e.c_print.0);
                out.push(e);
            }
            let mut opened = Encoder::new("zektra/opened/v1");
            for u in &self.opened {
                opened.bytes(&fingerprint(u).0);
            }
            let claim = Claim {
                iteration: self.iteration,
                phase: self.phase,
                table: program.table_digest,
                opened: opened.fingerprint(),
                multipliers: prints.fingerprint(),
            };
            self.evaluated = Some((out, claim));
        }
        match &self.evaluated {
            Some((e, claim)) => Ok((e, *claim)),
            None => Err(self.order_error("nothing was evaluated")),
        }
    }

    /// Makes the step's tiles available, keeping those of the last step that are used again.
    fn load_step(&mut self) -> Result<(), TranscriptError> {
        let program = self.program.clone();
        let used: Vec<TileKey> = (0..program.table.slots)
            .flat_map(|slot| (0..program.table.blocks).map(move |block| (slot, block)))
            .map(|(slot, block)| program.tile(&self.step, slot, block))
            .collect();
        self.tiles.retain(|k, _| used.contains(k));
        self.moments.retain(|k, _| used.contains(k));
        for key @ (dataset, tile) in used {
            for plane in Plane::ALL {
                let known = match plane {
                    Plane::Features => self.tiles.contains_key(&key),
                    Plane::Moment => self.moments.contains_key(&key),
                };
                if known {
                    continue;
                }
                let c0 = self.source.ciphertext(dataset, tile, plane).map_err(|error| TranscriptError::Source {
                    what: format!("tile {tile} of dataset {dataset}, {plane:?}"),
                    error,
                })?;
                let c1 = program.tile_randomness(dataset, tile, plane);
                match plane {
                    Plane::Features => {
                        self.tiles.insert(key, Cipher { c0: c0.into_eval(), c1: c1.into_eval() });
                    }
                    Plane::Moment => {
                        self.moments.insert(key, Linear { c0, c1 });
                    }
                }
            }
        }
        Ok(())
    }

    fn operand(&self, operand: Operand) -> Option<&Cipher> {
        match operand {
            Operand::Features { slot, block } => self.tiles.get(&self.program.tile(&self.step, slot, block)),
            Operand::State(s) => self.ciphers[usize::from(s)].as_ref(),
        }
    }

    fn evaluate_opening(&mut self, index: u32, opening: &Opening) -> Result<Evaluated, TranscriptError> {
        let offline = self.source.offline(self.iteration, self.phase, index);
        let mut c = offline.map_err(|error| TranscriptError::Source {
            what: format!("offline shares of iteration {}, phase {}, opening {index}", self.iteration, self.phase),
            error,
        })?;
        let (mut d0, mut d1) = (Eval::zero(), Eval::zero());
        for &(left, right) in &opening.products {
            // A state that is still zero contributes nothing.
            if let (Some(a), Some(b)) = (self.operand(left), self.operand(right)) {
                d0.mul_add(&a.c0, &b.c0);
                d1.mul_add(&a.c0, &b.c1);
                d1.mul_add(&a.c1, &b.c0);
            }
        }
        let mut d0 = d0.take_at(&opening.positions);
        c.add_assign(&d1.into_poly());
        for addend in &opening.addends {
            let key = self.program.tile(&self.step, addend.slot, addend.block);
            let shift = usize::from(addend.class) * usize::from(self.program.table.columns);
            if let Some(moment) = self.moments.get(&key) {
                c.add_assign(&moment.c1.shifted_down(shift));
                let values = moment.c0.shifted_down(shift).at(&opening.positions);
                d0.iter_mut().zip(values).for_each(|(d, v)| *d += v);
            }
        }
        let c_print = c.fingerprint();
        Ok(Evaluated { d0, c: c.into_eval(), c_print })
    }

    /// Everything public that the next phase reads and starts from, for the node's proof and for the checks of
    /// the members' proofs.
    ///
    /// # Errors
    /// A polynomial that cannot be read; a finished job.
    pub fn view(&mut self) -> Result<PhaseView, TranscriptError> {
        let c = self.evaluate()?.0.iter().map(|e| e.c.clone().into_poly()).collect();
        let program = self.program.clone();
        let phase = &program.table.phases[self.phase as usize];
        let (tiles, states) = phase.reads();
        let read = |t: &TilePlane| {
            let key = program.tile(&self.step, t.slot, t.block);
            match t.plane {
                Plane::Features => self.tiles.get(&key).map(|c| (c.c0.clone().into_poly(), c.c1.clone().into_poly())),
                Plane::Moment => self.moments.get(&key).map(|l| (l.c0.clone(), l.c1.clone())),
            }
            .unwrap_or((Poly::zero(), Poly::zero()))
        };
        let cipher = |s: &u16| match &self.ciphers[usize::from(*s)] {
            Some(c) => (c.c0.clone().into_poly(), c.c1.clone().into_poly()),
            None => (Poly::zero(), Poly::zero()),
        };
        let n = program.job.seats.len();
        let zero = |s: u16| {
            let length = usize::from(program.table.states[usize::from(s)].length);
            vec![commit(Tag::StateShare, &vec![F::ZERO; length + 4]); n]
        };
        let outputs = || phase.outputs.iter().map(|o| o.state);
        let shares = |s: u16| match &self.shares[usize::from(s)][..] {
            [] => zero(s),
            made => made.to_vec(),
        };
        Ok(PhaseView {
            groups: self.step.clone(),
            tiles: tiles.iter().map(read).collect(),
            states: states.iter().map(cipher).collect(),
            c,
            fresh: outputs().map(|s| program.state_randomness(s, self.iteration)).collect(),
            opened: outputs().map(|s| self.opened[usize::from(s)].clone()).collect(),
            shares: outputs().map(shares).collect(),
        })
    }

    /// Keeps `a''` of all outputs of the current phase, as [`Program::state_randomness`] gave them.
    pub(crate) fn keep_fresh(&mut self, fresh: Vec<Eval>) {
        self.fresh = fresh;
    }

    /// Takes the answers of all members, in the order of the seats, and moves to the next phase.
    ///
    /// # Errors
    /// A missing or malformed answer, or an opened value out of range. The transcript is then unchanged.
    pub fn advance(&mut self, answers: &[Answer]) -> Result<(), TranscriptError> {
        self.evaluate()?;
        let program = self.program.clone();
        let phase = &program.table.phases[self.phase as usize];
        self.check_forms(answers)?;
        let limit = program.limits[self.phase as usize];
        let Some((evaluated, _)) = &self.evaluated else {
            return Err(self.order_error("nothing was evaluated"));
        };
        let mut rounded = Vec::with_capacity(phase.openings.len());
        for (o, e) in evaluated.iter().enumerate() {
            let mut u = e.d0.clone();
            for answer in answers {
                u.iter_mut().zip(&answer.y[o]).for_each(|(u, &y)| *u += y);
            }
            let u: Vec<i64> = u.into_iter().map(centred).collect();
            if let Some(&value) = u.iter().find(|v| u128::from(v.unsigned_abs()) > limit) {
                let (iteration, phase) = (self.iteration, self.phase);
                return Err(TranscriptError::OutOfRange { iteration, phase, opening: o, value, limit });
            }
            rounded.push(u.into_iter().map(|v| round_shift(v, phase.shift)).collect::<Vec<i64>>());
        }

        let mut said = Encoder::new("zektra/transcript-phase/v1");
        said.bytes(&self.digest.0);
        for answer in answers {
            answer.y.iter().for_each(|y| {
                said.bytes(&fingerprint(y).0);
            });
            answer.g.iter().for_each(|g| {
                said.bytes(&g.fingerprint().0);
            });
            answer.shares.iter().for_each(|s| {
                said.bytes(&s.to_bytes());
            });
        }
        self.digest = said.fingerprint();

        let mut fresh = std::mem::take(&mut self.fresh).into_iter();
        for (index, output) in phase.outputs.iter().enumerate() {
            let state = usize::from(output.state);
            let old = &self.opened[state];
            let mut u = if output.carry { old.clone() } else { vec![F::ZERO; old.len()] };
            for &o in &output.openings {
                for (u, &v) in u.iter_mut().zip(&rounded[usize::from(o)]) {
                    let v = from_i64(v);
                    *u = if output.negate { *u - v } else { *u + v };
                }
            }
            let constant = from_i64(output.constant);
            u.iter_mut().for_each(|u| *u += constant);
            let mut c0 = Poly::placed(program.places(output.state), &u);
            for answer in answers {
                c0.add_assign(&answer.g[index]);
            }
            let c1 = match fresh.next() {
                Some(a) => a,
                None => program.state_randomness(output.state, self.iteration).into_eval(),
            };
            self.opened[state] = u;
            self.ciphers[state] = Some(Cipher { c0: c0.into_eval(), c1 });
            self.shares[state] = answers.iter().map(|a| a.shares[index]).collect();
        }
        self.evaluated = None;
        self.phase += 1;
        if self.phase as usize == program.table.phases.len() {
            self.phase = 0;
            self.iteration += 1;
            if !self.finished() {
                self.step = self.order.step(self.iteration);
            }
        }
        Ok(())
    }

    /// Checks the form of one member's answer to the phase that is next.
    ///
    /// # Errors
    /// The first part of another form.
    pub fn check_answer(&self, answer: &Answer) -> Result<(), TranscriptError> {
        let i = answer.member as usize;
        self.check_forms_of(i..i + 1, |k| (k == i).then_some(answer))
    }

    fn check_forms(&self, answers: &[Answer]) -> Result<(), TranscriptError> {
        let n = self.program.job.seats.len();
        self.check_forms_of(0..n.max(answers.len()), |i| answers.get(i))
    }

    fn check_forms_of<'a>(
        &self,
        members: std::ops::Range<usize>,
        answer: impl Fn(usize) -> Option<&'a Answer>,
    ) -> Result<(), TranscriptError> {
        let phase = &self.program.table.phases[self.phase as usize];
        let n = self.program.job.seats.len();
        for i in members {
            let fail = |field: &'static str, value: String, expected: String| {
                let (iteration, phase) = (self.iteration, self.phase);
                Err(TranscriptError::Answer { member: i as u32, iteration, phase, field, value, expected })
            };
            let Some(a) = answer(i) else {
                return fail("message", "missing".into(), "one answer a member".into());
            };
            let pairs = [
                ("member", a.member, i as u32),
                ("iteration", a.iteration, self.iteration),
                ("phase", a.phase, self.phase),
                ("attempt", a.attempt, self.program.job.attempt),
                ("number of y", a.y.len() as u32, phase.openings.len() as u32),
                ("number of g", a.g.len() as u32, phase.outputs.len() as u32),
                ("number of shares", a.shares.len() as u32, phase.outputs.len() as u32),
            ];
            for (field, value, expected) in pairs {
                if value != expected {
                    return fail(field, value.to_string(), expected.to_string());
                }
            }
            if i >= n {
                return fail("member", i.to_string(), format!("below {n}"));
            }
            for (y, o) in a.y.iter().zip(&phase.openings) {
                if y.len() != o.positions.len() {
                    return fail("length of y", y.len().to_string(), o.positions.len().to_string());
                }
            }
        }
        Ok(())
    }

    fn order_error(&self, what: &'static str) -> TranscriptError {
        TranscriptError::Order { iteration: self.iteration, phase: self.phase, what }
    }
}
