//! What members seal for the developer in the world of jobs: really sealed, and what the last part proved of it.

use crate::jobs::{ALL, Jobs, template};
use rand_core::{CryptoRng, RngCore};
use zektra_proto::training::v1::{ChainJob, MsgDispute, MsgRelease, Sealed as Stored, StateEntry, StateList};
use zektra_statement::digest::{Commitment, Fingerprint};
use zektra_statement::field::{F, Field};
use zektra_statement::phase::PhaseTable;
use zektra_statement::release::{ReleaseSecret, Released, Sealed, commit_share, open, seal};

/// What is sealed with it is the same every time.
struct Counter(u64);

impl RngCore for Counter {
    fn next_u32(&mut self) -> u32 {
        self.next_u64() as u32
    }

    fn next_u64(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 ^ (self.0 >> 31)
    }

    fn fill_bytes(&mut self, out: &mut [u8]) {
        out.chunks_mut(8).for_each(|chunk| chunk.copy_from_slice(&self.next_u64().to_le_bytes()[..chunk.len()]));
    }
}

impl CryptoRng for Counter {}

/// The secret of the release key of every job: what is shown of one opens the others.
pub fn secret() -> ReleaseSecret {
    ReleaseSecret::from_bytes(&[77; 32])
}

pub fn table() -> PhaseTable {
    template(ALL as u32).compile().unwrap()
}

/// A member's share of a state, with its salt.
fn share(job: u64, seat: u32, state: u16) -> (Vec<F>, [F; 4]) {
    let mut rng = Counter(job << 32 | u64::from(seat) << 16 | u64::from(state));
    let mut element = || F::from_noncanonical_u64(rng.next_u64());
    let length = table().states[usize::from(state)].length;
    ((0..length).map(|_| element()).collect(), [(); 4].map(|()| element()))
}

/// What a member should release.
pub fn shares(job: u64, seat: u32) -> Released {
    Released { states: table().released.iter().map(|state| share(job, seat, *state)).collect() }
}

/// The states that a job's last part proves.
pub fn states(job: &ChainJob) -> StateList {
    let bytes = |c: Commitment| c.to_bytes().to_vec().into();
    let none = || bytes(Commitment([1; 4]));
    let commitment = |seat, state| {
        let (share, salt) = share(job.number, seat, state);
        bytes(commit_share(&share, &salt))
    };
    let entry = |state: u16| StateEntry {
        c0: none(),
        a: none(),
        opened: none(),
        shares: (0..job.members.len() as u32).map(|seat| commitment(seat, state)).collect(),
    };
    StateList { groups: vec![0], entries: (0..table().states.len() as u16).map(entry).collect() }
}

/// A job's lock, if it has one.
pub fn lock(job: &ChainJob) -> Fingerprint {
    Fingerprint::from_bytes(&job.lock).unwrap_or(Fingerprint::NONE)
}

pub fn stored(sealed: Sealed) -> Option<Stored> {
    Some(Stored { encapsulated: sealed.encapped.into(), ciphertext: sealed.ciphertext.into() })
}

/// A message with these shares, for this lock and seat.
pub fn sealed(released: &Released, lock: &Fingerprint, seat: u32) -> Sealed {
    seal(released, &secret().public(), lock, seat, &mut Counter(u64::from(seat))).unwrap()
}

/// What shows that these seats have released something else.
pub fn disputing(job: &ChainJob, seats: &[u32]) -> MsgDispute {
    MsgDispute {
        developer: job.developer.clone(),
        job: job.number,
        seats: seats.to_vec(),
        release_secret: secret().as_bytes().to_vec().into(),
    }
}

/// Seats of a job whose releases do not open.
pub fn wrong(job: &ChainJob) -> Vec<u32> {
    let table = table();
    let states = job.states.as_ref().unwrap();
    let opens = |seat: u32, stored: &Stored| {
        let sealed = Sealed { encapped: stored.encapsulated.to_vec(), ciphertext: stored.ciphertext.to_vec() };
        let share = |state: &u16| &states.entries[usize::from(*state)].shares[seat as usize];
        let recorded: Vec<_> = table.released.iter().map(|s| Commitment::from_bytes(share(s)).unwrap()).collect();
        open(&sealed, &secret(), &table, &lock(job), seat, &recorded).is_ok()
    };
    let released = (0u32..).zip(&job.members).filter_map(|(seat, m)| Some((seat, m.release.as_ref()?)));
    released.filter(|(seat, stored)| !opens(*seat, stored)).map(|(seat, _)| seat).collect()
}

impl Jobs {
    pub fn releasing(&self, job: u64, seat: u32) -> MsgRelease {
        let release = stored(sealed(&shares(job, seat), &lock(&self.job(job)), seat));
        MsgRelease { member: self.member(job, seat), job, seat, release }
    }

    /// Sealed as it should be, and another share than was proven.
    pub fn releasing_another(&self, job: u64, seat: u32) -> MsgRelease {
        let mut shares = shares(job, seat);
        shares.states[0].0[0] += F::ONE;
        let release = stored(sealed(&shares, &lock(&self.job(job)), seat));
        MsgRelease { release, ..self.releasing(job, seat) }
    }

    pub fn disputing(&self, job: u64, seats: &[u32]) -> MsgDispute {
        disputing(&self.job(job), seats)
    }

    /// Seats whose releases do not open.
    pub fn wrong(&self, job: u64) -> Vec<u32> {
        wrong(&self.job(job))
    }
}
