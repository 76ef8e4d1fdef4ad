//! A job by commands: two owners' rows, a developer, two compute nodes, all of them test accounts.

use super::{CHAIN, Drive, PEOPLE, Running, WORDS};
use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Who has rows.
pub const OWNERS: [&str; 2] = ["alice", "bob"];
/// Who computes.
pub const NODES: [&str; 2] = ["carol", "dave"];

/// Longest wait for what the chain does by itself.
const PATIENCE: Duration = Duration::from_secs(300);

/// What is trained.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// Iterations.
    pub iterations: u32,
    /// Iterations of a part of the proof.
    pub part: u32,
    /// Rows of a step.
    pub batch_rows: u32,
}

/// Takes the test accounts' keys into the keyring, and makes a seat of each member.
///
/// # Errors
/// What a command says.
pub fn begin(drive: &Drive) -> Result<()> {
    for (index, name) in PEOPLE.iter().enumerate() {
        let mut command = drive.command(&["keys", "add", name, "--recover", "--index", &index.to_string()]);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
        writeln!(child.stdin.take().context("the command's input")?, "{WORDS}")?;
        let done = child.wait_with_output()?;
        ensure!(done.status.success(), "the key of {name}: {}", String::from_utf8_lossy(&done.stderr));
    }
    for name in OWNERS.into_iter().chain(["developer"]) {
        drive.ask(&["seat", "new", "--home", name, "--name", name])?;
    }
    Ok(())
}

/// Encrypts an owner's rows as `cells`, with proofs.
///
/// # Errors
/// What the command says.
pub fn encrypt(drive: &Drive, owner: &str, csv: &Path, schema: &Path) -> Result<Value> {
    let (csv, schema) = (csv.to_str().context("a path in UTF-8")?, schema.to_str().context("a path in UTF-8")?);
    let about = ["--schema", schema, "--home", owner, "--name", "cells", "--chain-id", CHAIN, "--prove"];
    drive.ask(&[&["encrypt", csv][..], &about].concat())
}

/// Begins to publish an owner's rows: what it prints in the end has the dataset's number.
///
/// # Errors
/// The command cannot be run.
pub fn publish(drive: &Drive, owner: &str) -> Result<Running> {
    drive.begin(&["dataset", "publish", "cells", "--seat", owner, "--from", owner, "--bond", "10000000uzektra"])
}

/// Makes the datasets usable: grants, a set, a listing, two nodes with bonds.
///
/// # Errors
/// What a command says.
pub fn offer(drive: &Drive, datasets: &[String]) -> Result<()> {
    for (name, number) in OWNERS.into_iter().zip(datasets) {
        let terms = ["--min-rows", "1", "--max-passes", "100", "--privacy-budget", "1000000"];
        let grant = ["dataset", "grant", number, "--templates", "linear-classifier/1", "--from", name];
        drive.ask(&[&grant[..], &terms].concat())?;
    }
    let first = datasets.first().context("no datasets")?;
    let made = drive.ask(&["set", "create", "cells", "--like", first, "--from", "alice"])?;
    let set = made["set"].as_str().context("no set")?;
    for (name, number) in OWNERS.into_iter().zip(datasets) {
        if name != "alice" {
            drive.ask(&["set", "admit", set, number, "--from", "alice"])?;
        }
        drive.ask(&["set", "join", set, number, "--from", name])?;
    }
    let tier = "standard:research:100:weights:0=250000";
    drive.ask(&["listing", "create", "--set", set, "--tier", tier, "--from", "alice"])?;
    let validators = drive.ask(&["query", "staking", "validators"])?;
    let validator = validators["validators"][0]["operator_address"].as_str().context("no validator")?;
    for (name, price) in NODES.into_iter().zip(["40000", "60000"]) {
        let what = ["node", "register", "--moniker", name, "--endpoint", "127.0.0.1:9000", "--price", price];
        let bound = ["--bond", "2000000000uzektra", "--max-jobs", "2", "--validator", validator, "--from", name];
        drive.ask(&[what, bound].concat())?;
    }
    Ok(())
}

/// Orders a job on all datasets: its number.
///
/// # Errors
/// What the command says.
pub fn order(drive: &Drive, datasets: &[String], shape: Shape) -> Result<u64> {
    let (datasets, iterations) = (datasets.join(","), shape.iterations.to_string());
    let rows = shape.batch_rows.to_string();
    let what = ["--listing", "1", "--tier", "standard", "--datasets", &datasets, "--iterations", &iterations];
    let most = ["--batch-rows", &rows, "--max-data-fee", "100000000uzektra", "--max-unit-price", "60000"];
    let who = ["--within", "1000000", "--seat", "developer", "--from", "developer"];
    let ordered = drive.ask(&[&["job", "order"][..], &what, &most, &who].concat())?;
    ordered["job"].as_u64().with_context(|| format!("no job: {ordered}"))
}

/// Begins to run a job with all its parties, `node` to compute it.
///
/// # Errors
/// The command cannot be run.
pub fn run(drive: &Drive, job: u64, node: &str, shape: Shape) -> Result<Running> {
    let (job, part, node) = (job.to_string(), shape.part.to_string(), format!("{node}:{node}"));
    let members = ["--member", "alice:alice", "--member", "bob:bob", "--member", "developer:developer"];
    let run = ["job", "run", &job, "--part-iterations", &part, "--node-party", &node];
    drive.begin(&[&run[..], &members].concat())
}

/// Waits until a job is as it should be: what `zektra job show` says of it.
///
/// # Errors
/// It never is.
pub fn awaited(drive: &Drive, job: u64, until: impl Fn(&Value) -> bool) -> Result<Value> {
    let (begun, quiet) = (Instant::now(), drive.quiet());
    loop {
        let found = quiet.ask(&["job", "show", &job.to_string()])?;
        if until(&found) {
            return Ok(found);
        }
        ensure!(begun.elapsed() < PATIENCE, "job {job} stays {}", found["status"]);
        std::thread::sleep(Duration::from_millis(200));
    }
}

/// Which of the two nodes the beacon has drawn.
///
/// # Errors
/// None of them.
pub fn drawn(drive: &Drive, job: u64) -> Result<&'static str> {
    let found = awaited(drive, job, |found| found["node"].as_str().is_some_and(|node| !node.is_empty()))?;
    let quiet = drive.quiet();
    for node in NODES {
        if quiet.ask(&["keys", "show", node])?["address"] == found["node"] {
            return Ok(node);
        }
    }
    bail!("job {job} is assigned to {}", found["node"])
}

/// Waits until a job is settled, and a header stands behind its state: an audit reads no later one.
///
/// # Errors
/// It never is.
pub fn settled(drive: &Drive, job: u64) -> Result<()> {
    let found = awaited(drive, job, |found| found["status"] == "JOB_STATUS_SETTLED")?;
    let ended: u64 = found["ended"].as_str().and_then(|h| h.parse().ok()).context("a job without its end")?;
    let begun = Instant::now();
    loop {
        let status = drive.quiet().ask(&["status"])?;
        let height = status["sync_info"]["latest_block_height"].as_str().and_then(|h| h.parse::<u64>().ok());
        if height.context("a status without a height")? > ended {
            return Ok(());
        }
        ensure!(begun.elapsed() < PATIENCE, "the chain stands still at {ended}");
        std::thread::sleep(Duration::from_millis(200));
    }
}
