//! Whole jobs on a chain by the commands of users, against the same without one.

use crate::driven::folder;
use crate::node::{Node, height, make_home};
use crate::report::{Bar, Report, Samples, workspace};
use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost::Message as _;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;
use tempfile::TempDir;
use zektra_comet::{Comet as _, Remote};
use zektra_drive::job::{self, OWNERS, Shape};
use zektra_drive::{Drive, beside};
use zektra_proto::cosmos::tx::v1beta1::{AuthInfo, TxBody, TxRaw};

/// Rows of a tile of these jobs.
const TILE: u32 = 128;
/// A job: rows of each owner, columns, iterations, iterations of a part of the proof.
#[derive(Clone, Copy, Debug)]
pub struct Job {
    /// Rows of each owner.
    pub rows: usize,
    /// Columns, of 30.
    pub columns: usize,
    /// Iterations.
    pub iterations: u32,
    /// Iterations of a part.
    pub part: u32,
}

impl Job {
    /// What is trained.
    pub fn shape(self) -> Shape {
        Shape { iterations: self.iterations, part: self.part, batch_rows: TILE }
    }

    fn name(self) -> String {
        let Self { rows, columns, iterations, .. } = self;
        format!("2 × {rows} rows × {columns}, {iterations} iterations")
    }
}

/// The smallest job with more than one part.
pub const SMALL: Job = Job { rows: 100, columns: 30, iterations: 2, part: 1 };
const NARROW: Job = Job { columns: 20, ..SMALL };
const LONG: Job = Job { rows: 250, columns: 30, iterations: 4, part: 2 };

/// A chain with parties in a folder.
pub struct World {
    /// Ends with it.
    pub folder: TempDir,
    /// The chain.
    pub node: Node,
    /// Commands.
    pub drive: Drive,
}

/// The first columns of the breast cancer table in two halves, and a schema for them.
fn tables(within: &Path, job: Job) -> anyhow::Result<[PathBuf; 3]> {
    let data = workspace().join("data");
    let table = fs::read_to_string(data.join("breast_cancer.csv"))?;
    let mut schema: toml::Table = fs::read_to_string(data.join("breast_cancer.schema.toml"))?.parse()?;
    schema.get_mut("columns").and_then(|c| c.as_array_mut()).context("columns")?.truncate(job.columns);
    let names: Vec<&str> = table.lines().next().context("an empty table")?.split(',').collect();
    let kept = |line: &str| -> String {
        let cells = line.split(',').zip(&names).enumerate();
        let cells = cells.filter(|(k, (_, name))| *k < job.columns || **name == "benign");
        cells.map(|(_, (cell, _))| cell).collect::<Vec<_>>().join(",")
    };
    let mut lines = table.lines().map(kept);
    let header = lines.next().context("an empty table")?;
    let written = |name: &str, lines: Vec<String>| -> anyhow::Result<PathBuf> {
        ensure!(lines.len() == job.rows, "the table has too few rows for 2 × {}", job.rows);
        let path = within.join(format!("{name}.csv"));
        fs::write(&path, format!("{header}\n{}\n", lines.join("\n")))?;
        Ok(path)
    };
    let [first, second] = OWNERS;
    let first = written(first, lines.by_ref().take(job.rows).collect())?;
    let second = written(second, lines.by_ref().take(job.rows).collect())?;
    let path = within.join("schema.toml");
    fs::write(&path, toml::to_string(&schema)?)?;
    Ok([first, second, path])
}

impl World {
    /// A chain that `start` starts in a home, with short windows and long deadlines.
    ///
    /// # Errors
    /// A command is not built or fails.
    pub fn new(name: &str, start: impl FnOnce(&Path) -> anyhow::Result<Node>) -> anyhow::Result<Self> {
        let folder = folder(name)?;
        let home = folder.path().join("chain");
        make_home(&home, None)?;
        let path = home.join("config/genesis.json");
        let mut genesis: Value = serde_json::from_slice(&fs::read(&path)?)?;
        let rules = &mut genesis["app_state"]["training"]["params"];
        (rules["dispute_blocks"], rules["part_blocks"]) = (json!("4"), json!("100000"));
        fs::write(path, genesis.to_string())?;
        let node = start(&home)?;
        let zektra = beside(&std::env::current_exe()?, "zektra")?;
        let rpc = node.rpc.clone();
        let drive = Drive::new(zektra, folder.path(), &rpc);
        job::begin(&drive)?;
        Ok(Self { folder, node, drive })
    }

    fn solo(name: &str) -> anyhow::Result<Self> {
        Self::new(name, |home| Node::development(home, "1s"))
    }

    /// Encrypts both owners' rows.
    ///
    /// # Errors
    /// What a command says.
    pub fn encrypt(&self, job: Job) -> anyhow::Result<()> {
        let [first, second, schema] = tables(self.folder.path(), job)?;
        for (owner, csv) in OWNERS.into_iter().zip([first, second]) {
            job::encrypt(&self.drive, owner, &csv, &schema)?;
        }
        Ok(())
    }

    /// Publishes them, lists them, orders a job: its number and who was drawn to compute it.
    ///
    /// # Errors
    /// What a command says.
    pub fn order(&self, wanted: Job) -> anyhow::Result<(u64, &'static str)> {
        let mut datasets = vec![];
        for owner in OWNERS {
            datasets.push(job::publish(&self.drive, owner)?.end()?["dataset"].to_string());
        }
        job::offer(&self.drive, &datasets)?;
        let number = job::order(&self.drive, &datasets, wanted.shape())?;
        Ok((number, job::drawn(&self.drive, number)?))
    }

    /// Runs a job until it is settled: seconds of the parties' part, and all.
    fn run(&self, number: u64, node: &str, wanted: Job) -> anyhow::Result<(f64, f64)> {
        let begun = Instant::now();
        job::run(&self.drive, number, node, wanted.shape())?.end()?;
        let parties = begun.elapsed().as_secs_f64();
        job::settled(&self.drive, number)?;
        Ok((parties, begun.elapsed().as_secs_f64()))
    }

    /// All transactions in blocks.
    fn transactions(&self) -> anyhow::Result<Vec<Vec<u8>>> {
        let rpc = Remote::new(&self.node.rpc);
        let last = height(&rpc.call("status", json!({}))?);
        let mut all = vec![];
        for height in 1..=last {
            let block = rpc.call("block", json!({"height": height.to_string()}))?;
            for tx in block["block"]["data"]["txs"].as_array().into_iter().flatten() {
                all.push(STANDARD.decode(tx.as_str().unwrap_or_default())?);
            }
        }
        Ok(all)
    }

    /// Their sizes, by the name of their first message.
    fn sizes(&self) -> anyhow::Result<BTreeMap<String, Vec<usize>>> {
        let mut sizes = BTreeMap::<String, Vec<usize>>::new();
        for bytes in self.transactions()? {
            let body = TxBody::decode(&TxRaw::decode(&bytes[..])?.body_bytes[..])?;
            let name = body.messages.first().map_or("", |any| any.type_url.as_str());
            sizes.entry(name.trim_start_matches("/zektra.").into()).or_default().push(bytes.len());
        }
        Ok(sizes)
    }

    /// What they paid for gas, in uzektra.
    fn fees(&self) -> anyhow::Result<u128> {
        let mut sum = 0;
        for bytes in self.transactions()? {
            let auth = AuthInfo::decode(&TxRaw::decode(&bytes[..])?.auth_info_bytes[..])?;
            let paid = auth.fee.into_iter().flat_map(|fee| fee.amount);
            sum += paid.filter_map(|coin| coin.amount.parse::<u128>().ok()).sum::<u128>();
        }
        Ok(sum)
    }
}

/// The same job without a chain: seconds of training.
fn offline(wanted: Job, prove: bool) -> anyhow::Result<f64> {
    let place = folder("offline")?;
    let drive = Drive::new(beside(&std::env::current_exe()?, "zektra")?, place.path(), "tcp://127.0.0.1:1");
    for name in OWNERS.into_iter().chain(["developer"]) {
        drive.ask(&["seat", "new", "--home", name, "--name", name])?;
    }
    let [first, second, schema] = tables(place.path(), wanted)?;
    for (owner, csv) in OWNERS.into_iter().zip([&first, &second]) {
        let (csv, schema) = (csv.to_str().context("a path in UTF-8")?, schema.to_str().context("a path in UTF-8")?);
        let about = ["--schema", schema, "--home", owner, "--name", "cells", "--chain-id", "local"];
        let proofs: &[&str] = if prove { &["--prove"] } else { &[] };
        drive.ask(&[&["encrypt", csv][..], &about, proofs].concat())?;
    }
    let datasets = OWNERS.map(|owner| format!("\n[[datasets]]\nowner = \"{owner}\"\nname = \"cells\"\n")).concat();
    let text = format!(
        "version = 1\nid = 1\ntemplate = \"linear-classifier/1\"\niterations = {}\nbatch_rows = {TILE}\nprove = {prove}\n\
         learning_rate = 0.5\nbeacon = \"{}\"\nnode = \"node\"\ndeveloper = \"developer\"\n{datasets}",
        wanted.iterations,
        "01".repeat(32)
    );
    fs::write(place.path().join("job.toml"), text)?;
    let begun = Instant::now();
    drive.ask(&["train", "--job", "job.toml"])?;
    Ok(begun.elapsed().as_secs_f64())
}

/// A job over a solo chain against the same offline: join to the last release, against training.
///
/// # Errors
/// What a command says.
pub fn overhead(report: &mut Report) -> anyhow::Result<()> {
    let (job, runs) = if report.quick { (SMALL, 1) } else { (LONG, 3) };
    let (mut on, mut off) = (Samples::default(), Samples::default());
    // Circuits are built once: not part of either.
    offline(SMALL, true)?;
    for round in 1..=runs {
        off.push(offline(job, true)?);
        let world = World::solo("chain-overhead")?;
        world.encrypt(job)?;
        let (number, node) = world.order(job)?;
        on.push(world.run(number, node, job)?.0);
        report.note(format!("  run {round} of {runs}: {:.1} s on the chain, {:.1} s without", on.max(), off.max()));
    }
    let row = |name: &str, s: &Samples| {
        let times = [s.min(), s.median(), s.max()].map(|t| format!("{t:.1}"));
        [vec![name.to_string()], times.to_vec()].concat()
    };
    report.note(format!("  {}", job.name()));
    report.table(&["seconds", "least", "median", "most"], &[row("on a chain", &on), row("without", &off)]);
    report.figure("chain-overhead", on.median() / off.median(), "×", Some(Bar::AtMost(1.15)))
}

/// Bytes in blocks by message, for jobs of other rows and columns.
///
/// # Errors
/// What a command says; parts of other sizes.
pub fn bytes(report: &mut Report) -> anyhow::Result<()> {
    let jobs: &[Job] = if report.quick { &[SMALL, NARROW] } else { &[SMALL, NARROW, Job { rows: 250, ..SMALL }] };
    let mut all = vec![];
    for job in jobs {
        report.note(format!("  {}", job.name()));
        let world = World::solo("chain-bytes")?;
        world.encrypt(*job)?;
        let (number, node) = world.order(*job)?;
        world.run(number, node, *job)?;
        all.push(world.sizes()?);
    }
    let shown = |sizes: Option<&Vec<usize>>| {
        sizes.map_or("–".into(), |s| s.iter().map(usize::to_string).collect::<Vec<_>>().join(" "))
    };
    let names: Vec<&String> = all.first().context("no job")?.keys().filter(|name| !name.starts_with('/')).collect();
    let rows: Vec<Vec<String>> = names
        .iter()
        .map(|name| [vec![(*name).clone()], all.iter().map(|sizes| shown(sizes.get(*name))).collect()].concat())
        .collect();
    let heads: Vec<String> = jobs.iter().map(|job| job.name()).collect();
    let heads: Vec<&str> = ["bytes of transactions"].into_iter().chain(heads.iter().map(String::as_str)).collect();
    report.table(&heads, &rows);
    let of_job = |name: &str| name.starts_with("training.");
    let sum = |sizes: &BTreeMap<String, Vec<usize>>| -> usize {
        sizes.iter().filter(|(name, _)| of_job(name)).flat_map(|(_, s)| s).sum()
    };
    let parts =
        |sizes: &BTreeMap<String, Vec<usize>>| sizes.get("training.v1.MsgSubmitPart").cloned().unwrap_or_default();
    // Signatures and amounts differ by some bytes; the proof does not.
    let close = |a: usize, b: usize| a.abs_diff(b) <= 64;
    let first = parts(&all[0]);
    for sizes in &all {
        let same = parts(sizes).len() == first.len() && parts(sizes).iter().zip(&first).all(|(a, b)| close(*a, *b));
        ensure!(same, "parts of {:?} and {:?} bytes", first, parts(sizes));
    }
    report.figure("chain-bytes.part", *first.first().context("no part")? as f64 / 1e3, "KB", None)?;
    report.figure("chain-bytes.job", sum(&all[0]) as f64 / 1e3, "KB", None)
}

/// What a job costs and how long it takes.
///
/// # Errors
/// What a command says.
pub fn cost(report: &mut Report) -> anyhow::Result<()> {
    let jobs: &[Job] = if report.quick { &[SMALL] } else { &[SMALL, NARROW, LONG] };
    offline(SMALL, true)?;
    let mut rows = vec![];
    for job in jobs {
        let unproven = offline(*job, false)?;
        let proven = offline(*job, true)?;
        let world = World::solo("job-cost")?;
        let begun = Instant::now();
        world.encrypt(*job)?;
        let encrypted = begun.elapsed().as_secs_f64();
        let (number, node) = world.order(*job)?;
        let ordered = begun.elapsed().as_secs_f64();
        let (_, settled) = world.run(number, node, *job)?;
        let number = number.to_string();
        let escrow = world.drive.ask(&["query", "market", "escrow", &number])?["escrow"].take();
        let amount = |name: &str| escrow[name].as_str().unwrap_or_default().to_string();
        let seconds = [unproven, proven, encrypted, ordered - encrypted, settled].map(|s| format!("{s:.1}"));
        let fees = world.fees()?.to_string();
        rows.push(
            [vec![job.name()], seconds.to_vec(), vec![amount("data_used"), amount("compute_used"), fees]].concat(),
        );
        report.note(format!("  {} done", job.name()));
    }
    report.table(
        &[
            "job",
            "s: unproven",
            "proven",
            "on a chain: encrypt, prove tiles",
            "publish, order",
            "join to settlement",
            "data fee",
            "computation",
            "all gas fees",
        ],
        &rows,
    );
    report.note("  fees in uzektra, at the rate, prices and gas price of the development chain's demonstration");
    Ok(())
}
