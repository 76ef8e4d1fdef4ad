//! A job of the chain with all its parties on this machine: each signs what is its own.

use crate::chain::account::{Account, any};
use crate::local::{Plan, Traffic, train_on};
use crate::node::{Finished, Progress, Stage};
use crate::prover::{Accepted, Ledger};
use crate::rejected::{Rejected, allow, expect};
use crate::vault::Home;
use anyhow::{Context as _, Result};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use zektra_he::profile::Profile;
use zektra_proto::training::v1 as pb;
use zektra_proto::training::v1::JobStatus as Status;
use zektra_prove::chain::NodeCircuits;
use zektra_records::{commit, job_from_pb, roots_to_pb, states_to_pb};
use zektra_statement::chain::States;
use zektra_statement::digest::{Commitment, Fingerprint};
use zektra_statement::record::Job;
use zektra_verify::part::Part;

/// How long a job may take to get its node.
pub(super) const PATIENCE: Duration = Duration::from_secs(120);
pub(super) const POLL: Duration = Duration::from_millis(200);

/// A member of a job: its folder and its account.
#[derive(Clone)]
pub struct Member<'a> {
    /// The folder.
    pub home: Home,
    /// The account.
    pub account: &'a Account,
}

/// A job on the chain.
///
/// # Errors
/// There is none.
pub fn job(account: &Account, number: u64) -> Result<pb::ChainJob> {
    let request = pb::QueryJobRequest { job: number };
    let found: pb::QueryJobResponse = account.client().query("/zektra.training.v1.Query/Job", &request)?;
    found.job.with_context(|| format!("job {number} is not there"))
}

/// Waits until a job is as it should be.
fn wait(account: &Account, number: u64, what: &str, until: impl Fn(&pb::ChainJob) -> bool) -> Result<pb::ChainJob> {
    let start = Instant::now();
    loop {
        let found = job(account, number)?;
        if until(&found) {
            return Ok(found);
        }
        let over = matches!(found.status(), Status::Expired | Status::Aborted | Status::Failed);
        let status = found.status().as_str_name();
        allow(!over, || format!("job {number} is {status}: {}", found.reason))?;
        anyhow::ensure!(start.elapsed() < PATIENCE, "job {number} waits too long for {what}; it is {status}");
        std::thread::sleep(POLL);
    }
}

/// How a node works.
#[derive(Clone)]
pub struct How {
    /// Iterations from one part of the proof to the next.
    pub every: u64,
    /// The node leaves the job after so many parts, as one that dies would.
    pub stop_after: Option<u64>,
    /// The job's circuits, once they are needed.
    pub circuits: Arc<OnceLock<Arc<NodeCircuits>>>,
}

impl How {
    /// The job's circuits: built, or read where they were built before.
    fn circuits(&self, record: &Job, progress: Progress<'_>) -> Result<Arc<NodeCircuits>> {
        if let Some(circuits) = self.circuits.get() {
            return Ok(circuits.clone());
        }
        // The members' count as one; of each phase there are step and fold, and six of other kinds.
        let (mut done, total) = (0, 2 * record.template.compile()?.phases.len() as u64 + 7);
        let mut begun = |_: &str| {
            progress(Stage::Circuits, done, total);
            done += 1;
        };
        let circuits = crate::local::circuits(&record.template, record.members(), &mut begun)?;
        Ok(self.circuits.get_or_init(|| circuits).clone())
    }
}

/// A node left its job because it was told to.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("stopped after {0} parts of the proof, as asked")]
pub struct StoppedAfter(pub u64);

/// The parties' side of the chain.
struct Parties<'a> {
    number: u64,
    node: &'a Account,
    name: Fingerprint,
    members: &'a [Member<'a>],
    record: &'a Job,
    how: How,
    /// Parts that were brought here.
    brought: AtomicU64,
}

/// Whether all of a job is proven, so that only releases are left.
pub(super) fn is_proven(status: Status) -> bool {
    matches!(status, Status::Proven | Status::Delivered | Status::Settled)
}

/// Runs a job of the chain: all its parties are here. Members join it, the node's parts are recorded every `how.every`
/// iterations, releases follow, and what does not open is disputed. A job that another node began goes on from its last
/// accepted part.
///
/// # Errors
/// Parties that are not the job's; whatever stops one of them, [`StoppedAfter`] among it; what the chain says.
pub fn run(
    number: u64,
    (folder, node): (&Path, &Account),
    members: Vec<Member<'_>>,
    how: How,
    traffic: &mut Option<Traffic>,
    progress: Progress<'_>,
) -> Result<Finished> {
    let found = wait(node, number, "its node", |job| !job.node.is_empty())?;
    // Who brings releases to the chain does not matter.
    expect(found.node == node.address() || is_proven(found.status()), || {
        format!("node: {}, job {number} is assigned to {}", node.address(), found.node)
    })?;
    let record = job_from_pb(found.record.as_ref().context("a job without a record")?)?;
    // In the order of the seats.
    let mut ordered = vec![];
    let mut left = members;
    for (k, seat) in record.seats.iter().enumerate() {
        let at = left.iter().position(|m| m.home.public().is_ok_and(|own| own.key == seat.key));
        let missing = || format!("members: none of them holds the key of seat {k}, {}", seat.key);
        let member = left.remove(at.with_context(missing)?);
        let (own, expected) = (member.account.address(), found.members.get(k).map_or("", |m| &m.address));
        expect(own == expected, || format!("members: the account of seat {k} is {expected}, found {own}"))?;
        ordered.push(member);
    }
    let done = work(&found, &record, (folder, node), &ordered, how, traffic, progress);
    // Whatever stopped it: a release that does not open is disputed while it can be.
    let developer = &ordered[record.developer as usize];
    match super::dispute::raise(developer.account, &developer.home, number) {
        Ok(()) => done,
        Err(e) if e.is::<Rejected>() => Err(e),
        Err(e) => done.and(Err(e)),
    }
}

/// Runs what is left of a job as the chain has it, with its members in the order of its seats.
fn work(
    found: &pb::ChainJob,
    record: &Job,
    (folder, node): (&Path, &Account),
    members: &[Member<'_>],
    how: How,
    traffic: &mut Option<Traffic>,
    progress: Progress<'_>,
) -> Result<Finished> {
    let number = found.number;
    let name = Fingerprint::from_bytes(&found.node_fingerprint).context("the node's fingerprint")?;
    let (first, schema) = {
        let d = &record.datasets.first().context("a job without datasets")?.dataset;
        let number = found.data.first().map_or(0, |line| line.dataset);
        let (_, held, schema) = super::order::dataset(node, number)?;
        (held.id == d.id, schema)
    };
    expect(first, || "datasets: the chain's record names another than its first line".into())?;
    let circuits = how.circuits(record, progress)?;
    let profile = Profile::of(record)?;
    profile.check()?;
    let folder = folder.join("jobs").join(format!("{number}-{}", record.attempt));
    let bundle = folder.join(crate::bundles::NAME);
    if is_proven(found.status()) && !bundle.exists() {
        // Proven elsewhere: there is nothing left to prove here.
        crate::files::private_folder(&folder)?;
        crate::files::write(&bundle, &super::bundle::fetch(node.client(), found)?.encode())?;
    }
    let plan = Plan {
        profile,
        homes: members.iter().map(|m| m.home.clone()).collect(),
        node: folder,
        schema,
        circuits: Some(circuits),
        job: record.clone(),
    };
    let parties = Parties { number, node, name, members, record, how, brought: AtomicU64::new(0) };
    let traffic = traffic.get_or_insert_with(|| Traffic::new(plan.homes.len(), false));
    train_on(&plan, traffic, Some(&parties), progress)
}

impl Ledger for Parties<'_> {
    fn node(&self) -> Fingerprint {
        self.name
    }

    fn every(&self) -> u64 {
        self.how.every
    }

    fn accepted(&self, beyond: u64) -> Result<Option<Accepted>> {
        let found = job(self.node, self.number)?;
        let Some(proven) = found.proven.filter(|p| p.iteration > beyond) else { return Ok(None) };
        super::part::accepted(self.node.client(), self.node.chain_id(), self.number, &proven).map(Some)
    }

    fn lock(&self, roots: &[Fingerprint], lock: &Fingerprint) -> Result<()> {
        let found = job(self.node, self.number)?;
        for (seat, member) in self.members.iter().enumerate() {
            if found.members.get(seat).is_none_or(|m| m.joined > 0) {
                continue;
            }
            let message = pb::MsgJoin {
                member: member.account.address().into(),
                job: self.number,
                seat: seat as u32,
                digest: self.record.digest().0.to_vec().into(),
                extension_roots: roots_to_pb(roots, self.record, seat),
            };
            let joined = member.account.send(vec![any(&message)]);
            joined.with_context(|| format!("member {seat} cannot join job {}", self.number))?;
        }
        let found = wait(self.node, self.number, "its members", |job| !job.lock.is_empty())?;
        expect(found.lock[..] == lock.0, || {
            format!("lock: {lock}, job {} has {}", self.number, hex::encode(&found.lock))
        })?;
        Ok(())
    }

    fn part(&self, part: &Part, states: &States, leaves: &[Commitment]) -> Result<()> {
        let found = job(self.node, self.number)?;
        if found.proven.as_ref().is_some_and(|p| p.iteration >= part.iteration) {
            return Ok(());
        }
        let last = part.iteration == u64::from(self.record.template.params.iterations);
        let message = pb::MsgSubmitPart {
            node: self.node.address().into(),
            job: self.number,
            iteration: part.iteration,
            tile_top: commit(&part.tile_top),
            made: commit(&part.made),
            used: commit(&part.used),
            state: commit(&part.state),
            rows_log2: part.rows_log2.into(),
            proof: part.proof.encode().into(),
            states: last.then(|| states_to_pb(states)),
            leaves: if found.offline.is_empty() { leaves.iter().map(commit).collect() } else { vec![] },
        };
        let sent = self.node.send(vec![any(&message)]);
        sent.with_context(|| format!("the part up to iteration {} is not accepted", part.iteration))?;
        let brought = self.brought.fetch_add(1, Ordering::Relaxed) + 1;
        match self.how.stop_after {
            Some(parts) if brought >= parts => Err(StoppedAfter(brought).into()),
            _ => Ok(()),
        }
    }

    fn releases(&self, releases: &[pb::Release]) -> Result<()> {
        let found = job(self.node, self.number)?;
        for release in releases {
            let seat = release.member as usize;
            if found.members.get(seat).is_none_or(|m| m.released > 0) {
                continue;
            }
            let member = self.members.get(seat).with_context(|| format!("seat {seat}"))?;
            let sealed = pb::Sealed { encapsulated: release.encapped.clone(), ciphertext: release.ciphertext.clone() };
            let message = pb::MsgRelease {
                member: member.account.address().into(),
                job: self.number,
                seat: release.member,
                release: Some(sealed),
            };
            let sent = member.account.send(vec![any(&message)]);
            sent.with_context(|| format!("member {seat} cannot release its share"))?;
        }
        Ok(())
    }
}
