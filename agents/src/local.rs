//! All parties of a job on one machine: each in its own thread with its own folder, exchanging nothing
//! but serialised messages.

use crate::archive::Archive;
use crate::choice::{Choice, input};
use crate::member::{Connection, serve};
use crate::node::{Finished, Link, Node, Progress};
use crate::prover::{Ledger, NotFollowed, turn_away};
use crate::rejected::expect;
use crate::schema::Schema;
use crate::vault::{Home, schema_digest};
use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use zektra_he::profile::Profile;
use zektra_prove::cache::Cache;
use zektra_prove::chain::{NodeCircuits, ShareCircuits};
use zektra_statement::record::{Dataset, Job, JobDataset};
use zektra_statement::template::Template;

/// A job file: TOML. Folders are relative to the file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobFile {
    /// 1.
    pub version: u32,
    /// The chain, or `local`.
    #[serde(default = "local")]
    pub chain_id: String,
    /// Unique on its chain.
    pub id: u64,
    /// Counts recorded missed deadlines.
    #[serde(default)]
    pub attempt: u32,
    /// Counted in the job's hiding, 1 to 8.
    #[serde(default = "one")]
    pub max_attempts: u32,
    /// `linear-classifier/1`, `linear-regression/1` or `cubic-classifier/1`.
    pub template: String,
    /// Iterations.
    pub iterations: u32,
    /// Rows of a step; all rows if it is left out.
    pub batch_rows: Option<u32>,
    /// Largest learning rate; the real one is the nearest below that powers of two allow.
    #[serde(default = "half")]
    pub learning_rate: f64,
    /// Fraction bits of the weights; searched if left out.
    pub weight_bits: Option<u32>,
    /// Row groups summed in one gradient opening; searched if left out.
    pub fan_in: Option<u32>,
    /// 64 hexadecimal digits: the randomness of the batch order.
    pub beacon: String,
    /// For templates that are not governed.
    #[serde(default)]
    pub trusted_inputs: bool,
    /// Whether every step is proven.
    #[serde(default)]
    pub prove: bool,
    /// The compute node's folder.
    pub node: PathBuf,
    /// The developer's folder.
    pub developer: PathBuf,
    /// What is trained on.
    pub datasets: Vec<DatasetRef>,
}

/// A dataset of a job file.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DatasetRef {
    /// The owner's folder.
    pub owner: PathBuf,
    /// Its name in the owner's vault.
    pub name: String,
}

fn local() -> String {
    "local".into()
}

fn one() -> u32 {
    1
}

fn half() -> f64 {
    0.5
}

/// A job with the folders of its members.
#[derive(Debug)]
pub struct Plan {
    /// The record.
    pub job: Job,
    /// What it hides.
    pub profile: Profile,
    /// The members' folders in the order of the seats.
    pub homes: Vec<Home>,
    /// The node's folder of this job.
    pub node: PathBuf,
    /// The datasets' schema.
    pub schema: Schema,
    /// What the job is proven with, if it is.
    pub circuits: Option<Arc<NodeCircuits>>,
}

/// What a job of this template is proven with; `progress` is called with the name of each circuit.
///
/// # Errors
/// A job that is too large to be proven.
pub fn circuits(template: &Template, members: u32, progress: &mut dyn FnMut(&str)) -> Result<Arc<NodeCircuits>> {
    progress("members' circuits");
    let cache = Cache::of_user();
    let shares = Arc::new(ShareCircuits::load(&cache, template, members)?);
    Ok(Arc::new(NodeCircuits::load(&cache, shares, progress)?))
}

impl JobFile {
    /// Reads a job file.
    ///
    /// # Errors
    /// A missing file, bad TOML, an unknown or missing field.
    pub fn load(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let file: Self = toml::from_str(&text).with_context(|| format!("cannot use {}", path.display()))?;
        expect(file.version == 1, || format!("{}: version is {}, expected 1", path.display(), file.version))?;
        Ok(file)
    }

    /// The job's record: seats and datasets read from the members' folders, scales chosen, circuits built if it
    /// is to be proven; `progress` is called with the name of each circuit.
    ///
    /// # Errors
    /// A field that is wrong, folders that do not hold what the file says, too little hiding; a job that is too
    /// large to be proven.
    pub fn plan(&self, base: &Path, progress: &mut dyn FnMut(&str)) -> Result<Plan> {
        let choice = Choice {
            template: &self.template,
            iterations: self.iterations,
            batch_rows: self.batch_rows,
            learning_rate: self.learning_rate,
            max_attempts: self.max_attempts,
            weight_bits: self.weight_bits,
            fan_in: self.fan_in,
        };
        choice.kind()?;
        let beacon = hex::decode(&self.beacon).ok().and_then(|b| <[u8; 32]>::try_from(b).ok());
        let beacon =
            beacon.ok_or_else(|| input("beacon", &format_args!("{:?}", self.beacon), "64 hexadecimal digits"))?;
        if self.datasets.is_empty() {
            return Err(input("datasets", &"none", "at least one [[datasets]]").into());
        }

        let mut homes: Vec<Home> = Vec::new();
        let mut seats = Vec::new();
        let mut seat_of = |path: &Path| -> Result<u32> {
            let path = base.join(path);
            let known = homes.iter().position(|h| h.path() == path);
            if let Some(index) = known {
                return Ok(index as u32);
            }
            let home = Home::open(&path)?;
            seats.push(home.public()?);
            homes.push(home);
            Ok(homes.len() as u32 - 1)
        };
        let mut datasets = Vec::new();
        let mut schema: Option<Schema> = None;
        for d in &self.datasets {
            let owner = seat_of(&d.owner)?;
            let (dataset, text, _) = Home::open(&base.join(&d.owner))?.dataset(&d.name)?;
            let own = Schema::parse(&text)?;
            let id = Dataset::object_id(&self.chain_id, &dataset.owner_key, &d.name);
            if id != dataset.id {
                let expected = format!("the chain that {:?} of {} was encrypted for", d.name, d.owner.display());
                return Err(input("chain_id", &format_args!("{:?}", self.chain_id), &expected).into());
            }
            match &schema {
                None => schema = Some(own),
                Some(first) => expect(schema_digest(first) == schema_digest(&own), || {
                    format!(
                        "datasets: {:?} of {} has another schema than {:?} of {}; all owners must use the same file",
                        d.name,
                        d.owner.display(),
                        self.datasets[0].name,
                        self.datasets[0].owner.display()
                    )
                })?,
            }
            datasets.push(JobDataset { dataset, owner });
        }
        let developer = seat_of(&self.developer)?;
        let Some(schema) = schema else {
            bail!("datasets: none");
        };
        let held: Vec<&Dataset> = datasets.iter().map(|d| &d.dataset).collect();
        let template = choice.template(&held, &schema, seats.len() as u32)?;
        let mut circuits = None;
        if self.prove {
            for d in &self.datasets {
                let (dataset, _, tiles) = Home::open(&base.join(&d.owner))?.dataset(&d.name)?;
                let proven = |group| crate::vault::tile_proof(&tiles, dataset.attempt, group).exists();
                if !(0..u64::from(dataset.groups)).all(proven) {
                    let found = format!("{:?} of {}, not proven", d.name, d.owner.display());
                    return Err(
                        input("datasets", &found, "rows with proofs: `zektra encrypt … --prove` makes them").into()
                    );
                }
            }
            circuits = Some(self::circuits(&template, seats.len() as u32, progress)?);
        }
        let job = Job {
            chain_id: self.chain_id.clone(),
            id: self.id,
            attempt: self.attempt,
            max_attempts: self.max_attempts,
            template,
            seats,
            developer,
            datasets,
            beacon,
            trusted_inputs: self.trusted_inputs,
            circuits: circuits.as_ref().map(|c| c.digest()),
        };
        let profile = Profile::of(&job)?;
        profile.check()?;
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        let node = base.join(&self.node);
        let shared = homes.iter().any(|h| real(h.path()) == real(&node));
        expect(!shared, || format!("node: {}, expected a folder that is no member's", self.node.display()))?;
        let node = node.join("jobs").join(format!("{}-{}", job.id, job.attempt));
        Ok(Plan { job, profile, homes, node, schema, circuits })
    }
}

/// Bytes that crossed, and on request the messages themselves.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    /// Sent by each member.
    pub from_members: Vec<Arc<AtomicU64>>,
    /// Sent by the node.
    pub from_node: Arc<AtomicU64>,
    /// Every message in the order in which it was sent, if wanted: from, to, bytes.
    pub wire_log: Option<Arc<Mutex<Vec<Message>>>>,
}

/// A message of the wire log. Party `None` is the node.
#[derive(Clone, Debug)]
pub struct Message {
    /// Who sent it.
    pub from: Option<usize>,
    /// Who got it.
    pub to: Option<usize>,
    /// What it was.
    pub bytes: Vec<u8>,
}

impl Traffic {
    /// Counters for `members`, with or without a wire log.
    pub fn new(members: usize, log: bool) -> Self {
        Self {
            from_members: (0..members).map(|_| Arc::default()).collect(),
            from_node: Arc::default(),
            wire_log: log.then(Arc::default),
        }
    }

    /// All bytes so far.
    pub fn total(&self) -> u64 {
        let members: u64 = self.from_members.iter().map(|m| m.load(Ordering::Relaxed)).sum();
        members + self.from_node.load(Ordering::Relaxed)
    }

    fn record(&self, from: Option<usize>, to: Option<usize>, bytes: &[u8]) {
        let counter = from.map_or(&self.from_node, |m| &self.from_members[m]);
        counter.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        if let Some(log) = &self.wire_log
            && let Ok(mut log) = log.lock()
        {
            log.push(Message { from, to, bytes: bytes.to_vec() });
        }
    }
}

struct NodeEnd {
    member: usize,
    requests: Sender<Vec<u8>>,
    replies: Receiver<Vec<u8>>,
    traffic: Traffic,
}

struct MemberEnd {
    member: usize,
    requests: Receiver<Vec<u8>>,
    replies: Sender<Vec<u8>>,
    traffic: Traffic,
}

impl Link for NodeEnd {
    fn send(&mut self, bytes: Vec<u8>) -> Result<()> {
        self.traffic.record(None, Some(self.member), &bytes);
        self.requests.send(bytes).ok().with_context(|| format!("member {} has gone", self.member))
    }

    fn receive(&mut self) -> Result<Vec<u8>> {
        self.replies.recv().ok().with_context(|| format!("member {} has gone", self.member))
    }
}

impl Connection for MemberEnd {
    fn receive(&mut self) -> Result<Option<Vec<u8>>> {
        Ok(self.requests.recv().ok())
    }

    fn send(&mut self, bytes: Vec<u8>) -> Result<()> {
        self.traffic.record(Some(self.member), None, &bytes);
        self.replies.send(bytes).ok().context(NodeGone)
    }
}

/// A member could not answer: the node hung up, for a reason of its own.
#[derive(Debug, thiserror::Error)]
#[error("the node has gone")]
struct NodeGone;

/// Runs a planned job with all parties in threads of this process.
///
/// # Errors
/// Whatever stops a party; the member's own error where it has one.
pub fn train(plan: &Plan, traffic: &Traffic, progress: Progress<'_>) -> Result<Finished> {
    train_on(plan, traffic, None, progress)
}

/// The same, recorded on a ledger as it goes on. What another node has proven there is gone on from, by whichever
/// member's copy of the rounds fits it, or begun anew where none does.
///
/// # Errors
/// As [`train`]; what the ledger refuses.
pub fn train_on(
    plan: &Plan,
    traffic: &Traffic,
    ledger: Option<&dyn Ledger>,
    progress: Progress<'_>,
) -> Result<Finished> {
    let members = plan.homes.len();
    for _ in 0..members {
        match (train_once(plan, traffic, ledger, progress), ledger) {
            (Err(e), Some(ledger)) if e.is::<NotFollowed>() => {
                turn_away(&Archive::open(&plan.node, &plan.job)?, members, &ledger.node())?;
            }
            (done, _) => return done,
        }
    }
    train_once(plan, traffic, ledger, progress)
}

fn train_once(plan: &Plan, traffic: &Traffic, ledger: Option<&dyn Ledger>, progress: Progress<'_>) -> Result<Finished> {
    // Whoever planned the job here is whom the members belong to.
    let approved = plan.job.digest();
    let shares = plan.circuits.as_ref().map(|c| &c.shares);
    std::thread::scope(|scope| {
        let mut links: Vec<Box<dyn Link>> = Vec::new();
        let mut members = Vec::new();
        for (member, home) in plan.homes.iter().enumerate() {
            let (requests, receive_requests) = channel();
            let (replies, receive_replies) = channel();
            let (node_traffic, member_traffic, approved) = (traffic.clone(), traffic.clone(), &approved);
            links.push(Box::new(NodeEnd { member, requests, replies: receive_replies, traffic: node_traffic }));
            members.push(scope.spawn(move || {
                let mut end = MemberEnd { member, requests: receive_requests, replies, traffic: member_traffic };
                serve(home, approved, shares, &mut end)
            }));
        }
        let outcome = Node::open(&plan.node, plan.job.clone(), plan.circuits.as_ref(), links)
            .map(|node| match ledger {
                Some(ledger) => node.on(ledger),
                None => node,
            })
            .and_then(|node| node.run(plan.schema.to_toml(), progress));
        // The node has hung up: every member ends. The first one's own error explains the node's.
        let mut own_error = None;
        for (member, home) in members.into_iter().zip(&plan.homes) {
            let ended = member.join().unwrap_or_else(|e| std::panic::resume_unwind(e));
            match ended {
                Err(e) if !e.is::<NodeGone>() && own_error.is_none() => {
                    own_error = Some(e.context(format!("member in {}", home.path().display())));
                }
                _ => {}
            }
        }
        own_error.map_or(outcome, Err)
    })
}
