//! A job's record as a chain keeps it, in memory: one assigned node, parts that are verified and new, pay by iterations.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use zektra_agents::local::Plan;
use zektra_agents::prover::{Accepted, Ledger};
use zektra_proto::training::v1::Release;
use zektra_statement::chain::States;
use zektra_statement::digest::{Commitment, Fingerprint};
use zektra_statement::record::Job;
use zektra_verify::known::Trusted;
use zektra_verify::part::{First, Part, check_states, check_used, offline_after, verify_part};

/// The chain's side of one job.
pub struct Chain {
    job: Job,
    pub state: Mutex<State>,
}

#[derive(Clone, Default)]
pub struct State {
    pub roots: Vec<Fingerprint>,
    pub lock: Option<Fingerprint>,
    /// Who is assigned.
    pub node: Option<Fingerprint>,
    pub proven: Option<Accepted>,
    /// What the assigned node's first part showed.
    first: Option<First>,
    /// Who was paid for how many iterations, in order.
    pub paid: Vec<(Fingerprint, u64)>,
    pub released: usize,
}

impl Chain {
    pub fn new(plan: &Plan) -> Self {
        Self { job: plan.job.clone(), state: Mutex::default() }
    }

    /// The same as it stands now.
    pub fn copy(&self) -> Self {
        Self { job: self.job.clone(), state: Mutex::new(self.state.lock().unwrap().clone()) }
    }

    /// Draws a node: the first, or another in the place of one that missed its deadline.
    pub fn draw(&self, node: Fingerprint) {
        let mut state = self.state.lock().unwrap();
        (state.node, state.first) = (Some(node), None);
    }

    /// The chain as a node meets it that dies after `parts` parts; with none it finds no chain when it brings the first.
    pub fn to(&self, node: Fingerprint, parts: u64) -> Party<'_> {
        Party { chain: self, node, parts, brought: AtomicU64::new(0) }
    }
}

/// A node that talks to the chain.
pub struct Party<'a> {
    chain: &'a Chain,
    node: Fingerprint,
    parts: u64,
    brought: AtomicU64,
}

impl Ledger for Party<'_> {
    fn node(&self) -> Fingerprint {
        self.node
    }

    fn every(&self) -> u64 {
        1
    }

    fn lock(&self, roots: &[Fingerprint], lock: &Fingerprint) -> anyhow::Result<()> {
        let mut state = self.chain.state.lock().unwrap();
        state.roots = roots.to_vec();
        anyhow::ensure!(*state.lock.get_or_insert(*lock) == *lock, "locked otherwise");
        Ok(())
    }

    fn accepted(&self, beyond: u64) -> anyhow::Result<Option<Accepted>> {
        let proven = self.chain.state.lock().unwrap().proven.clone();
        Ok(proven.filter(|p| p.part.iteration > beyond))
    }

    fn part(&self, part: &Part, states: &States, leaves: &[Commitment]) -> anyhow::Result<()> {
        anyhow::ensure!(self.parts > 0, "nobody answers");
        let mut state = self.chain.state.lock().unwrap();
        let job = &self.chain.job;
        anyhow::ensure!(state.node == Some(self.node), "the job is another node's");
        let done = state.proven.as_ref().map_or(0, |p| p.part.iteration);
        anyhow::ensure!(part.iteration > done, "nothing new");
        let trusted = Trusted::none().name(job.circuits.unwrap());
        let report = verify_part(job, &state.roots, &self.node, part, state.first.as_ref(), &trusted)?;
        let table = job.template.compile()?;
        check_states(job, &table, part, states)?;
        check_used(&offline_after(&table, leaves)?, part.iteration, &part.made, &part.used)?;
        state.first = Some(report.first);
        state.paid.push((self.node, part.iteration - done));
        state.proven = Some(Accepted { node: self.node, part: part.clone() });
        let brought = self.brought.fetch_add(1, Ordering::Relaxed) + 1;
        anyhow::ensure!(brought < self.parts, "the node has died");
        Ok(())
    }

    fn releases(&self, releases: &[Release]) -> anyhow::Result<()> {
        self.chain.state.lock().unwrap().released = releases.len();
        Ok(())
    }
}
