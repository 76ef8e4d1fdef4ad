//! A member: a key share with its discipline.
//!
//! A member derives every multiplier itself, answers a place of a job once, logs before it answers,
//! and refuses whatever differs from its own computation. What it cannot check without proofs is
//! that the other members' shares are well formed: see `docs/security.md`.

use crate::log::{LabelLog, LogError, MAX_LABELS};
use crate::profile::{Profile, ProfileError};
use crate::release::{self, ReleaseError, Released, commit_share};
use crate::ring::{Eval, Poly};
use crate::seat::SeatSecret;
use crate::share;
use crate::tile::{tile_label, tile_randomness};
use crate::transcript::{Answer, Claim, Multipliers, PhaseView, Program, Source, Transcript, TranscriptError};
use crate::xof::{Kind, Label, Use};
use std::sync::Arc;
use zektra_statement::digest::{Commitment, Fingerprint, fingerprint};
use zektra_statement::field::{F, Field};
use zektra_statement::payload::mask_bits;
use zektra_statement::record::{Dataset, Job, Plane};
use zeroize::Zeroizing;

/// Why a member does not answer.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    /// The label log forbids it.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The job hides too little, or cannot be run.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// The developer's release key cannot be used.
    #[error(transparent)]
    Release(#[from] ReleaseError),
    /// The transcript does not go on.
    #[error(transparent)]
    Transcript(#[from] TranscriptError),
    /// The job names another key for this seat.
    #[error("seat {index} of the job has the key {found}, this member holds {own}")]
    NotMySeat {
        /// The seat.
        index: u32,
        /// The job's key.
        found: String,
        /// Own key.
        own: Commitment,
    },
    /// An extension share on an own tile would give its rows away.
    #[error("dataset {0} is this member's own: an extension share of it would give its rows away")]
    OwnDataset(Fingerprint),
    /// The job asks for more labels than the key may still answer.
    #[error(
        "the job needs {needed} labels of this key, {left} are left: rotate the key, or train for fewer iterations"
    )]
    Labels {
        /// How many the job needs.
        needed: u64,
        /// How many are left.
        left: u64,
    },
    /// The node's claim differs from what this member computed.
    #[error("iteration {iteration}, phase {phase}: the node's {what} differs from this member's own computation")]
    Claim {
        /// When.
        iteration: u32,
        /// Where.
        phase: u32,
        /// What differs.
        what: &'static str,
    },
    /// This member's own answer came back changed.
    #[error("iteration {iteration}, phase {phase}: this member's own answer came back changed")]
    OwnAnswer {
        /// When.
        iteration: u32,
        /// Where.
        phase: u32,
    },
    /// The job is not finished.
    #[error("the job is not finished: iteration {0} of {1}")]
    Unfinished(u32, u32),
}

/// Extension shares of a dataset: `x = e − a·s` for the tiles that others own.
///
/// # Errors
/// What the label log may refuse.
pub fn extend(
    seat: &SeatSecret,
    log: &mut LabelLog,
    chain_id: &str,
    dataset: &Dataset,
    tiles: std::ops::Range<u64>,
) -> Result<Vec<Poly>, Refusal> {
    if dataset.owner_key == seat.commitment() {
        return Err(Refusal::OwnDataset(dataset.id));
    }
    let prepared = extension_uses(chain_id, dataset, tiles);
    log.claim(&prepared.iter().map(|(_, u)| *u).collect::<Vec<_>>())?;
    let share = |(a, usage): (Poly, Use)| {
        let mut noise = seat.prf().stream(&usage).noise();
        let x = share::encrypt(seat.key(), &a.into_eval(), &Poly::zero(), &noise);
        noise.wipe();
        x
    };
    Ok(prepared.into_iter().map(share).collect())
}

/// The noise in what [`extend`] gives of the same tiles: secret, for its proof.
pub fn extension_noise(seat: &SeatSecret, chain_id: &str, dataset: &Dataset, tiles: std::ops::Range<u64>) -> Vec<Poly> {
    extension_uses(chain_id, dataset, tiles).iter().map(|(_, usage)| seat.prf().stream(usage).noise()).collect()
}

fn extension_uses(chain_id: &str, dataset: &Dataset, tiles: std::ops::Range<u64>) -> Vec<(Poly, Use)> {
    let object = dataset.object(chain_id);
    let all = tiles.flat_map(|tile| Plane::ALL.map(|plane| (tile, plane)));
    all.map(|(tile, plane)| {
        let a = tile_randomness(chain_id, object, plane, tile, dataset.attempt);
        let usage = Use {
            kind: Kind::Extension,
            label: tile_label(object, plane, tile, dataset.attempt),
            multiplier: a.fingerprint(),
            message: Fingerprint::NONE,
        };
        (a, usage)
    })
    .collect()
}

/// A member's part in one job.
pub struct Member<'a, S> {
    seat: &'a SeatSecret,
    log: &'a mut LabelLog,
    index: u32,
    transcript: Transcript<S>,
    /// `S` of every state: secret.
    shares: Vec<Vec<F>>,
    /// The salt of the last commitment of every state: secret.
    salts: Vec<[F; 4]>,
    pending: Option<Pending>,
}

struct Pending {
    answer: Answer,
    shares: Vec<(u16, Vec<F>, [F; 4])>,
    witness: PhaseWitness,
}

/// What an answer was made of. All but `c` and `a` is secret.
#[derive(Default)]
pub struct PhaseWitness {
    /// (c, M) of each opening.
    pub openings: Vec<(Poly, Zeroizing<Vec<i64>>)>,
    /// Each output.
    pub outputs: Vec<OutputWitness>,
}

/// What the fresh encryption of an output was made of.
pub struct OutputWitness {
    /// `a''`.
    pub a: Poly,
    /// `S` before, with the salt of its commitment.
    pub before: (Vec<F>, [F; 4]),
    /// `S'` with its salt.
    pub after: (Vec<F>, [F; 4]),
    /// `e`.
    pub noise: Poly,
}

impl Drop for OutputWitness {
    fn drop(&mut self) {
        crate::ntt::wipe(&mut self.before.0);
        crate::ntt::wipe(&mut self.after.0);
        self.noise.wipe();
    }
}

impl<'a, S: Source> Member<'a, S> {
    /// Takes a seat in a locked job.
    ///
    /// The lock is pinned in the label log: a second job under the same number and attempt, with other
    /// members or shares, is refused.
    ///
    /// # Errors
    /// A job that names another key, that hides less than the floors, or whose number was used before.
    pub fn join(
        seat: &'a SeatSecret,
        log: &'a mut LabelLog,
        index: u32,
        program: Arc<Program>,
        source: S,
    ) -> Result<Self, Refusal> {
        let job = &program.job;
        let found = job.seats.get(index as usize);
        if found.is_none_or(|s| s.key != seat.commitment()) {
            let found = found.map_or("none".into(), |s| s.key.to_string());
            return Err(Refusal::NotMySeat { index, found, own: seat.commitment() });
        }
        Profile::of(job)?.check()?;
        release::check_key(&job.seats[job.developer as usize].release_key)?;
        let label = Label::job(&job.chain_id, job.id);
        // A retry may not change who takes part: fresh shares of one key under another set of members leak it.
        let first = Job { attempt: 0, ..job.clone() }.digest();
        let pin = |index, attempt, multiplier| Use {
            kind: Kind::Lock,
            label: Label::Job { job: label, iteration: 0, phase: 0, index, attempt },
            multiplier,
            // Another table under the same lock would open other positions under the same masks.
            message: program.table_digest,
        };
        let pins = [pin(0, 0, first), pin(1, job.attempt, program.lock)];
        // Rather not begin than stall half-way; a job that goes on has had its room checked.
        if !log.knows(&pins[1]) {
            let (needed, left) =
                (program.table.labels() + pins.len() as u64, (MAX_LABELS - log.len().min(MAX_LABELS)) as u64);
            if needed > left {
                return Err(Refusal::Labels { needed, left });
            }
        }
        log.claim(&pins)?;
        let states = &program.table.states;
        let shares = states.iter().map(|s| vec![F::ZERO; usize::from(s.length)]).collect();
        let salts = vec![[F::ZERO; 4]; states.len()];
        Ok(Self { seat, log, index, transcript: Transcript::new(program, source), shares, salts, pending: None })
    }

    /// Which seat.
    pub fn index(&self) -> u32 {
        self.index
    }

    /// What this member recomputed.
    pub fn transcript(&self) -> &Transcript<S> {
        &self.transcript
    }

    /// Everything public that the next phase reads and starts from.
    ///
    /// # Errors
    /// A polynomial that cannot be read; a finished job.
    pub fn view(&mut self) -> Result<PhaseView, Refusal> {
        Ok(self.transcript.view()?)
    }

    /// The polynomials that this member keeps.
    pub fn source_mut(&mut self) -> &mut S {
        self.transcript.source_mut()
    }

    fn label(&self, iteration: u32, phase: u32, index: usize) -> Label {
        let job = &self.transcript.program().job;
        let attempt = job.attempt;
        Label::Job { job: Label::job(&job.chain_id, job.id), iteration, phase, index: index as u32, attempt }
    }

    /// Offline shares `P = d2·s + e` of every opening of a phase.
    ///
    /// # Errors
    /// What the label log may refuse.
    pub fn offline(&mut self, multipliers: &mut Multipliers, iteration: u32, phase: u32) -> Result<Vec<Poly>, Refusal> {
        let program = self.transcript.program();
        // The randomness of another job must not be answered under this job's labels.
        if multipliers.program().lock != program.lock {
            return Err(Refusal::Claim { iteration, phase, what: "job behind d2" });
        }
        let d2 = multipliers.phase(iteration, phase);
        let uses = self.offline_uses(&d2, iteration, phase);
        self.log.claim(&uses)?;
        let share = |(usage, d2)| {
            let mut noise = self.seat.prf().stream(usage).noise();
            let p = share::offline(self.seat.key(), d2, &noise);
            noise.wipe();
            p
        };
        Ok(uses.iter().zip(&d2).map(share).collect())
    }

    /// (d2, noise) of what [`Member::offline`] gives: the noise is secret, for its proof.
    pub fn offline_noise(&self, multipliers: &mut Multipliers, iteration: u32, phase: u32) -> Vec<(Poly, Poly)> {
        let d2 = multipliers.phase(iteration, phase);
        let uses = self.offline_uses(&d2, iteration, phase);
        d2.into_iter().zip(uses).map(|(d2, u)| (d2.into_poly(), self.seat.prf().stream(&u).noise())).collect()
    }

    fn offline_uses(&self, d2: &[Eval], iteration: u32, phase: u32) -> Vec<Use> {
        let usage = |(opening, d2): (usize, &Eval)| Use {
            kind: Kind::Offline,
            label: self.label(iteration, phase, opening),
            multiplier: d2.clone().into_poly().fingerprint(),
            message: Fingerprint::NONE,
        };
        d2.iter().enumerate().map(usage).collect()
    }

    /// What the answer to the current phase was made of; `None` before it is given. Secret, for its proof.
    pub fn witness(&self) -> Option<&PhaseWitness> {
        self.pending.as_ref().map(|p| &p.witness)
    }

    /// What this member computed of the next phase itself.
    ///
    /// # Errors
    /// A polynomial that cannot be read; a finished job.
    pub fn claim(&mut self) -> Result<Claim, Refusal> {
        Ok(self.transcript.evaluate()?.1)
    }

    /// Answers the next phase, if the node's claim is what this member computed itself.
    ///
    /// Asking again gives the same bytes.
    ///
    /// # Errors
    /// A claim that differs; whatever the label log refuses.
    pub fn answer(&mut self, claim: &Claim) -> Result<Answer, Refusal> {
        let program = self.transcript.program().clone();
        let (evaluated, own) = self.transcript.evaluate()?;
        let differs = [
            ("position", (claim.iteration, claim.phase) != (own.iteration, own.phase)),
            ("phase table", claim.table != own.table),
            ("opened values U", claim.opened != own.opened),
            ("multipliers c", claim.multipliers != own.multipliers),
        ];
        let (iteration, phase_index) = (own.iteration, own.phase);
        if let Some((what, _)) = differs.into_iter().find(|(_, d)| *d) {
            return Err(Refusal::Claim { iteration, phase: phase_index, what });
        }
        if let Some(pending) = &self.pending {
            return Ok(pending.answer.clone());
        }
        let job = &program.job;
        let place = Label::job(&job.chain_id, job.id);
        let label = |index: usize| Label::Job {
            job: place,
            iteration,
            phase: phase_index,
            index: index as u32,
            attempt: job.attempt,
        };
        let bits = mask_bits(job.members());
        let phase = &program.table.phases[phase_index as usize];
        let mut uses = Vec::new();
        let mut masks = Vec::new();
        for (o, e) in evaluated.iter().enumerate() {
            let usage = Use { kind: Kind::Mask, label: label(o), multiplier: e.c_print, message: Fingerprint::NONE };
            masks.push(self.seat.prf().stream(&usage).masks(phase.openings[o].positions.len(), bits));
            uses.push(usage);
        }
        let mut outputs = Vec::new();
        for (index, output) in phase.outputs.iter().enumerate() {
            let parts: Vec<&[i64]> = output.openings.iter().map(|&o| &masks[usize::from(o)][..]).collect();
            let before = &self.shares[usize::from(output.state)];
            let share = share::next_share(before, output.carry, output.negate, phase.shift, &parts);
            let message = fingerprint(&share);
            let a = program.state_randomness(output.state, iteration);
            let refresh = Use { kind: Kind::Refresh, label: label(index), multiplier: a.fingerprint(), message };
            let salt = Use { kind: Kind::Salt, label: label(index), multiplier: Fingerprint::NONE, message };
            uses.extend([refresh, salt]);
            outputs.push((output.state, share, a, refresh, salt));
        }
        // Nothing is computed with the key before the log is on disk.
        self.log.claim(&uses)?;
        let key = self.seat.key();
        let y = evaluated
            .iter()
            .zip(&phase.openings)
            .zip(&masks)
            .map(|((e, o), m)| share::masked(key, &e.c, &o.positions, m))
            .collect();
        let mut answer = Answer {
            member: self.index,
            iteration,
            phase: phase_index,
            attempt: job.attempt,
            y,
            g: vec![],
            shares: vec![],
        };
        let mut shares = Vec::with_capacity(outputs.len());
        let mut fresh = Vec::with_capacity(outputs.len());
        let mut witness = PhaseWitness {
            openings: evaluated.iter().zip(masks).map(|(e, m)| (e.c.clone().into_poly(), m)).collect(),
            outputs: vec![],
        };
        for (state, share, a_poly, refresh, salt) in outputs {
            let a = a_poly.eval();
            let mut negated: Vec<F> = share.iter().map(|&s| -s).collect();
            let mut message = Poly::placed(program.places(state), &negated);
            crate::ntt::wipe(&mut negated);
            let noise = self.seat.prf().stream(&refresh).noise();
            answer.g.push(share::encrypt(key, &a, &message, &noise));
            fresh.push(a);
            message.wipe();
            let salt = self.seat.prf().stream(&salt).salt();
            answer.shares.push(commit_share(&share, &salt));
            let old = usize::from(state);
            witness.outputs.push(OutputWitness {
                a: a_poly,
                before: (self.shares[old].clone(), self.salts[old]),
                after: (share.clone(), salt),
                noise,
            });
            shares.push((state, share, salt));
        }
        self.transcript.keep_fresh(fresh);
        self.pending = Some(Pending { answer: answer.clone(), shares, witness });
        Ok(answer)
    }

    /// Takes the answers of all members and moves on.
    ///
    /// # Errors
    /// Malformed answers, or an own answer that came back changed.
    pub fn advance(&mut self, answers: &[Answer]) -> Result<(), Refusal> {
        let (iteration, phase) = self.transcript.position();
        let Some(pending) = &self.pending else {
            return Err(Refusal::OwnAnswer { iteration, phase });
        };
        if answers.get(self.index as usize) != Some(&pending.answer) {
            return Err(Refusal::OwnAnswer { iteration, phase });
        }
        self.transcript.advance(answers)?;
        if let Some(pending) = self.pending.take() {
            for (state, share, salt) in pending.shares {
                self.shares[usize::from(state)] = share;
                self.salts[usize::from(state)] = salt;
            }
        }
        Ok(())
    }

    /// The shares of the released states, once the job is finished.
    ///
    /// # Errors
    /// Before the end.
    pub fn release(&self) -> Result<Released, Refusal> {
        let table = &self.transcript.program().table;
        if !self.transcript.finished() {
            return Err(Refusal::Unfinished(self.transcript.position().0, table.iterations));
        }
        let states = table.released.iter().map(|&s| usize::from(s));
        Ok(Released { states: states.map(|s| (self.shares[s].clone(), self.salts[s])).collect() })
    }
}

impl<S> Drop for Member<'_, S> {
    fn drop(&mut self) {
        let pending = self.pending.iter_mut().flat_map(|p| p.shares.iter_mut().map(|(_, s, _)| s));
        for share in self.shares.iter_mut().chain(pending) {
            crate::ntt::wipe(share);
        }
    }
}
