//! On a chain: one validator, two owners who publish their rows, two compute nodes, a developer who orders a model. All of
//! it by the commands that a user types; then who was paid what, what the blocks prove, and the audit.

use super::offline::split;
use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;
use zektra_drive::job::{self, OWNERS, Shape};
use zektra_drive::{Drive, PEOPLE};

/// What is trained; a part of the proof is half of it.
const SHAPE: Shape = Shape { iterations: 8, part: 4, batch_rows: 128 };

struct Demo {
    drive: Drive,
    node: Child,
    times: Vec<(String, f64)>,
}

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.node.kill();
        let _ = self.node.wait();
    }
}

/// Runs the demonstration in a folder.
pub fn run(out: PathBuf) -> Result<()> {
    let zektra = std::env::current_exe()?.with_file_name("zektra");
    let zektrad = zektra.with_file_name("zektrad");
    for program in [&zektra, &zektrad] {
        ensure!(program.exists(), "{} is not built: cargo build --workspace --bins", program.display());
    }
    if out.exists() {
        // Only ever our own earlier run.
        ensure!(
            out.join("chain").exists() || out.join("job.toml").exists(),
            "{} exists and is not a demo's folder",
            out.display()
        );
        fs::remove_dir_all(&out)?;
    }
    fs::create_dir_all(&out)?;
    let out = out.canonicalize()?;
    let (node, rpc) = start(&zektrad, &out)?;
    Demo { drive: Drive::new(zektra, &out, &rpc).shown(), node, times: vec![] }.run()
}

/// Begins a chain with short windows, and gives where its RPC listens.
fn start(zektrad: &Path, out: &Path) -> Result<(Child, String)> {
    let home = out.join("chain");
    println!("$ zektrad init demo && zektrad start --solo        # a chain of one validator");
    let made = Command::new(zektrad).args(["init", "demo", "--home"]).arg(&home).stdout(Stdio::null()).status()?;
    ensure!(made.success(), "zektrad init failed");
    let path = home.join("config/genesis.json");
    let mut genesis: Value = serde_json::from_slice(&fs::read(&path)?)?;
    // The developer's window to dispute, so that the demonstration sees the end.
    genesis["app_state"]["training"]["params"]["dispute_blocks"] = json!("4");
    fs::write(&path, genesis.to_string())?;
    let log = fs::File::create(out.join("node.log"))?;
    let ports = ["--rpc", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--api", "127.0.0.1:0"];
    let mut node = Command::new(zektrad)
        .args(["start", "--solo", "--block-time", "1s", "--home"])
        .arg(&home)
        .args(ports)
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()?;
    let stdout = node.stdout.take().context("the node's output")?;
    let mut lines = BufReader::new(stdout).lines();
    let found =
        lines.by_ref().map_while(Result::ok).find_map(|line| Some(line.strip_prefix("rpc")?.trim().to_string()));
    let rpc = found.context("the node did not start: see node.log")?.replace("http://", "tcp://");
    // Its output is read on, so that it never waits for a reader.
    std::thread::spawn(move || lines.for_each(drop));
    Ok((node, rpc))
}

impl Demo {
    /// Does something, and takes the time.
    fn timed<T>(&mut self, what: &str, work: impl FnOnce(&Drive) -> Result<T>) -> Result<T> {
        let begun = Instant::now();
        let done = work(&self.drive)?;
        let seconds = begun.elapsed().as_secs_f64();
        match self.times.iter_mut().find(|(name, _)| name == what) {
            Some((_, sum)) => *sum += seconds,
            None => self.times.push((what.into(), seconds)),
        }
        Ok(done)
    }

    fn run(mut self) -> Result<()> {
        let begun = Instant::now();
        split(Path::new("data/breast_cancer.csv"), self.drive.folder())?;
        fs::copy("data/breast_cancer.schema.toml", self.drive.folder().join("schema.toml"))?;
        println!("\nTwo owners hold 228 and 227 rows of data/breast_cancer.csv; 114 rows are kept for the test.\n");
        self.timed("keys and key shares", job::begin)?;
        let mut datasets = vec![];
        for name in OWNERS {
            let csv = format!("{name}.csv");
            let (csv, schema) = (Path::new(&csv), Path::new("schema.toml"));
            self.timed("encryption with proofs", |drive| job::encrypt(drive, name, csv, schema))?;
            let published = self.timed("publishing", |drive| job::publish(drive, name)?.end())?;
            datasets.push(published["dataset"].to_string());
        }
        self.timed("grants, set, listing, nodes", |drive| job::offer(drive, &datasets))?;
        let number = self.timed("ordering", |drive| job::order(drive, &datasets, SHAPE))?;
        let name = self.timed("drawing a node", |drive| job::drawn(drive, number))?;
        println!("  the beacon drew {name} to compute it");
        self.timed("training, proven, into blocks", |drive| job::run(drive, number, name, SHAPE)?.end())?;
        self.timed("settlement", |drive| job::settled(drive, number))?;
        let number = number.to_string();
        let decrypt = ["decrypt-model", "--home", "developer", "--job-id", &number, "--out", "model.json"];
        self.timed("decryption", |drive| drive.ask(&decrypt))?;
        let predict = ["predict", "test.csv", "--model", "model.json", "--score"];
        let score = self.timed("prediction", |drive| drive.ask(&predict))?;
        println!("\naccuracy on the 114 test rows  {:.2} %", 100.0 * score["accuracy"].as_f64().unwrap_or(0.0));
        self.report(&number)?;
        println!("\n$ zektra audit {number}");
        let audit = self.drive.command(&["audit", &number]).status()?;
        ensure!(audit.success(), "the audit failed");
        let fetch = ["bundle", "fetch", &number, "--out", "chain.zkb"];
        let fetched = self.timed("the bundle from the chain", |drive| drive.ask(&fetch))?;
        println!("  {} bytes, verified: zektra-verify {}/chain.zkb", fetched["bytes"], self.drive.folder().display());
        println!("\nseconds");
        for (name, seconds) in &self.times {
            println!("  {name:<36} {seconds:8.1}");
        }
        println!("  {:<36} {:8.1}", "all of it", begun.elapsed().as_secs_f64());
        Ok(())
    }

    /// Who was paid what, and what the blocks prove.
    fn report(&self, job: &str) -> Result<()> {
        let drive = self.drive.quiet();
        let names: Vec<(String, &str)> = PEOPLE
            .iter()
            .map(|name| {
                Ok((drive.ask(&["keys", "show", name])?["address"].as_str().unwrap_or_default().to_string(), *name))
            })
            .collect::<Result<_>>()?;
        let payouts = drive.ask(&["query", "market", "payouts", job])?;
        let mut sums: Vec<(String, u128)> = vec![];
        for p in payouts["payouts"].as_array().into_iter().flatten() {
            let role = p["role"].as_str().unwrap_or_default().trim_start_matches("ROLE_").to_lowercase();
            let receiver = p["receiver"].as_str().unwrap_or_default();
            let who = names.iter().find(|(address, _)| address == receiver).map_or("", |(_, name)| name);
            let amount: u128 = p["amount"].as_str().unwrap_or_default().parse().unwrap_or(0);
            let row = format!("{role:<12} {who}");
            match sums.iter_mut().find(|(name, _)| *name == row) {
                Some((_, sum)) => *sum += amount,
                None => sums.push((row, amount)),
            }
        }
        println!("\nwho was paid, in uzektra");
        for (row, amount) in &sums {
            println!("  {row:<24} {amount:>12}");
        }
        println!("  {:<24} {:>12}", "all that was put aside", sums.iter().map(|(_, a)| a).sum::<u128>());
        let found = drive.ask(&["job", "show", job])?;
        let number = |v: &serde_json::Value| v.as_str().and_then(|s| s.parse::<u64>().ok()).or(v.as_u64()).unwrap_or(0);
        println!("\nwhy");
        for line in found["data"].as_array().into_iter().flatten() {
            let [dataset, units, price, fee] = ["dataset", "units", "price", "fee"].map(|name| number(&line[name]));
            println!("  data of dataset {dataset}: {units} MiB × passes, {price} each: {fee}");
        }
        let [units, price, most] = ["units", "price", "most_price"].map(|name| number(&found[name]));
        let all = units * u64::from(SHAPE.iterations);
        println!("  computation: {units} units × {} iterations at {price}: {}", SHAPE.iterations, all * price);
        println!("  put aside for it at the most that was offered, {most}: {}; the rest is the refund", all * most);
        println!("  how each is split: docs/jobs.md, \"Prices and pay\"");
        println!("\nproofs in blocks");
        let parts = drive.ask(&["query", "training", "parts", job])?;
        for part in parts["parts"].as_array().into_iter().flatten() {
            let height = part["height"].as_str().unwrap_or_default();
            let summary = drive.ask(&["query", "proofs", "summary", height])?;
            // As the audit names it.
            let hash = STANDARD.decode(part["hash"].as_str().unwrap_or_default())?;
            println!(
                "  block {height}: up to iteration {}, {} proof, {} units, hash {}",
                part["iteration"].as_str().unwrap_or_default(),
                summary["summary"]["proofs"].as_str().unwrap_or_default(),
                summary["summary"]["units"].as_str().unwrap_or_default(),
                hex::encode(hash),
            );
        }
        Ok(())
    }
}
