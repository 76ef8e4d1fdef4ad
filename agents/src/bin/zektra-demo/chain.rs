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
use std::time::{Duration, Instant};

const CHAIN: &str = "zektra-dev-1";
/// The development chain's test accounts, in their order.
const PEOPLE: [&str; 5] = ["alice", "bob", "developer", "carol", "dave"];
const WORDS: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon \
    abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon art";
const ITERATIONS: u32 = 8;
/// Iterations of a part of the proof.
const PART: u32 = 4;

struct Demo {
    zektra: PathBuf,
    out: PathBuf,
    node: Child,
    rpc: String,
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
    Demo { zektra, out, node, rpc, times: vec![] }.run()
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
    fn command(&self) -> Command {
        let mut command = Command::new(&self.zektra);
        command
            .current_dir(&self.out)
            .env("ZEKTRA_HOME", self.out.join("chain"))
            .env("ZEKTRA_KEYRING_BACKEND", "test")
            .env("ZEKTRA_CHAIN_ID", CHAIN)
            .env("ZEKTRA_NODE", &self.rpc)
            .env("ZEKTRA_GAS_PRICES", "0.025uzektra")
            .stderr(Stdio::inherit());
        command
    }

    /// Runs a command as a user would, and gives its JSON.
    fn ask(&self, arguments: &[&str]) -> Result<Value> {
        let done = self.command().args(arguments).arg("--json").output()?;
        ensure!(done.status.success(), "zektra {} failed", arguments.join(" "));
        serde_json::from_slice(&done.stdout).context("the command printed no JSON")
    }

    /// The same, shown and timed.
    fn step(&mut self, what: &str, arguments: &[&str]) -> Result<Value> {
        println!("$ zektra {}", arguments.join(" "));
        let begun = Instant::now();
        let answer = self.ask(arguments)?;
        let seconds = begun.elapsed().as_secs_f64();
        match self.times.iter_mut().find(|(name, _)| name == what) {
            Some((_, sum)) => *sum += seconds,
            None => self.times.push((what.into(), seconds)),
        }
        Ok(answer)
    }

    fn run(mut self) -> Result<()> {
        let begun = Instant::now();
        split(Path::new("data/breast_cancer.csv"), &self.out)?;
        fs::copy("data/breast_cancer.schema.toml", self.out.join("schema.toml"))?;
        for (index, name) in PEOPLE.iter().enumerate() {
            self.import(name, index)?;
        }
        println!("\nTwo owners hold 228 and 227 rows of data/breast_cancer.csv; 114 rows are kept for the test.\n");
        for name in ["alice", "bob", "developer"] {
            self.step("key shares", &["seat", "new", "--home", name, "--name", name])?;
        }
        let mut datasets = vec![];
        for name in ["alice", "bob"] {
            let csv = format!("{name}.csv");
            let encrypt = [
                "encrypt",
                &csv,
                "--schema",
                "schema.toml",
                "--home",
                name,
                "--name",
                "cells",
                "--chain-id",
                CHAIN,
                "--prove",
            ];
            self.step("encryption with proofs", &encrypt)?;
            let publish = ["dataset", "publish", "cells", "--seat", name, "--from", name, "--bond", "10000000uzektra"];
            let number = self.step("publishing", &publish)?["dataset"].to_string();
            let grant = [
                "dataset",
                "grant",
                &number,
                "--templates",
                "linear-classifier/1",
                "--min-rows",
                "100",
                "--max-passes",
                "100",
                "--privacy-budget",
                "1000000",
                "--from",
                name,
            ];
            self.step("transactions", &grant)?;
            datasets.push(number);
        }
        let begin = ["set", "create", "cells", "--like", &datasets[0], "--from", "alice"];
        let set = self.step("transactions", &begin)?["set"].as_str().context("no set")?.to_string();
        self.step("transactions", &["set", "admit", &set, &datasets[1], "--from", "alice"])?;
        for (name, number) in ["alice", "bob"].into_iter().zip(&datasets) {
            self.step("transactions", &["set", "join", &set, number, "--from", name])?;
        }
        let tier = "standard:research:100:weights:0=250000";
        self.step("transactions", &["listing", "create", "--set", &set, "--tier", tier, "--from", "alice"])?;
        let validators = self.ask(&["query", "staking", "validators"])?;
        let validator = validators["validators"][0]["operator_address"].as_str().context("no validator")?.to_string();
        for (name, price) in [("carol", "40000"), ("dave", "60000")] {
            let register = [
                "node",
                "register",
                "--moniker",
                name,
                "--endpoint",
                "127.0.0.1:9000",
                "--bond",
                "2000000000uzektra",
                "--price",
                price,
                "--max-jobs",
                "2",
                "--validator",
                &validator,
                "--from",
                name,
            ];
            self.step("transactions", &register)?;
        }
        let iterations = ITERATIONS.to_string();
        let order = [
            "job",
            "order",
            "--listing",
            "1",
            "--tier",
            "standard",
            "--datasets",
            &datasets.join(","),
            "--iterations",
            &iterations,
            "--batch-rows",
            "128",
            "--max-data-fee",
            "100000000uzektra",
            "--max-unit-price",
            "60000",
            "--seat",
            "developer",
            "--from",
            "developer",
        ];
        let job = self.step("ordering", &order)?["job"].to_string();
        let name = self.assigned(&job)?;
        println!("  the beacon drew {name} to compute it");
        let (node, part) = (format!("node:{name}"), PART.to_string());
        let run = [
            "job",
            "run",
            &job,
            "--node-party",
            &node,
            "--member",
            "alice:alice",
            "--member",
            "bob:bob",
            "--member",
            "developer:developer",
            "--part-iterations",
            &part,
        ];
        self.step("training, proven, into blocks", &run)?;
        self.settled(&job)?;
        let decrypt = ["decrypt-model", "--home", "developer", "--job-id", &job, "--out", "model.json"];
        self.step("decryption", &decrypt)?;
        let score = self.step("prediction", &["predict", "test.csv", "--model", "model.json", "--score"])?;
        println!("\naccuracy on the 114 test rows  {:.2} %", 100.0 * score["accuracy"].as_f64().unwrap_or(0.0));
        self.report(&job)?;
        println!("\n$ zektra audit {job}");
        let audit = self.command().args(["audit", &job]).status()?;
        ensure!(audit.success(), "the audit failed");
        let fetched = self.step("the bundle from the chain", &["bundle", "fetch", &job, "--out", "chain.zkb"])?;
        println!("  {} bytes, verified: zektra-verify {}/chain.zkb", fetched["bytes"], self.out.display());
        println!("\nseconds");
        for (name, seconds) in &self.times {
            println!("  {name:<36} {seconds:8.1}");
        }
        println!("  {:<36} {:8.1}", "all of it", begun.elapsed().as_secs_f64());
        Ok(())
    }

    /// Takes a test account's key into the keyring.
    fn import(&self, name: &str, index: usize) -> Result<()> {
        use std::io::Write as _;
        let mut child = self
            .command()
            .args(["keys", "add", name, "--recover", "--index", &index.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        writeln!(child.stdin.take().context("the command's input")?, "{WORDS}")?;
        ensure!(child.wait()?.success(), "cannot add the key of {name}");
        Ok(())
    }

    /// Waits for a job's node; whose it is.
    fn assigned(&self, job: &str) -> Result<&'static str> {
        let shown = self.waits(job, |shown| shown["node"].as_str().is_some_and(|n| !n.is_empty()))?;
        for name in PEOPLE {
            let address = self.ask(&["keys", "show", name])?;
            if address["address"] == shown["node"] {
                return Ok(name);
            }
        }
        anyhow::bail!("the job is assigned to {}, who is nobody here", shown["node"])
    }

    fn settled(&self, job: &str) -> Result<()> {
        self.waits(job, |shown| shown["status"] == "JOB_STATUS_SETTLED").map(drop)
    }

    fn waits(&self, job: &str, until: impl Fn(&Value) -> bool) -> Result<Value> {
        let begun = Instant::now();
        loop {
            let shown = self.ask(&["job", "show", job])?;
            if until(&shown) {
                return Ok(shown);
            }
            ensure!(begun.elapsed() < Duration::from_secs(60), "job {job} stays {}", shown["status"]);
            std::thread::sleep(Duration::from_millis(300));
        }
    }

    /// Who was paid what, and what the blocks prove.
    fn report(&self, job: &str) -> Result<()> {
        let names: Vec<(String, &str)> = PEOPLE
            .iter()
            .map(|name| {
                Ok((self.ask(&["keys", "show", name])?["address"].as_str().unwrap_or_default().to_string(), *name))
            })
            .collect::<Result<_>>()?;
        let payouts = self.ask(&["query", "market", "payouts", job])?;
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
        println!("\nproofs in blocks");
        let parts = self.ask(&["query", "training", "parts", job])?;
        for part in parts["parts"].as_array().into_iter().flatten() {
            let height = part["height"].as_str().unwrap_or_default();
            let summary = self.ask(&["query", "proofs", "summary", height])?;
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
