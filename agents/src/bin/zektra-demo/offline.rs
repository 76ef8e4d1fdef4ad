//! Without a chain: two owners of a real table, a developer and a compute node, driven by the same commands that a user
//! types, then one table of what came of it.

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;
use zektra_agents::plot::{Plot, Series, Style};

/// Rows of the table that each owner holds; the rest is the test table.
const OWNERS: [(&str, usize); 2] = [("alice", 228), ("bob", 227)];
const ITERATIONS: u32 = 12;
/// Iterations of the proven job, which takes one row group each.
const PROVEN_ITERATIONS: u32 = 8;
const SPLIT_SEED: u64 = 2;

/// Runs the demonstration without a chain.
pub fn run(out: PathBuf) -> Result<()> {
    Demo::new(out)?.run()
}

struct Demo {
    zektra: PathBuf,
    out: PathBuf,
    times: Vec<(String, f64)>,
}

impl Demo {
    fn new(out: PathBuf) -> Result<Self> {
        let zektra = std::env::current_exe()?.with_file_name("zektra");
        ensure!(zektra.exists(), "{} is not built: cargo build --workspace --bins", zektra.display());
        if out.exists() {
            // Only ever our own earlier run.
            ensure!(out.join("job.toml").exists(), "{} exists and is not a demo's folder", out.display());
            fs::remove_dir_all(&out)?;
        }
        fs::create_dir_all(&out)?;
        Ok(Self { zektra, out, times: Vec::new() })
    }

    /// Runs a command as a user would, shows it, and gives its JSON.
    fn step(&mut self, what: &str, arguments: &[&str]) -> Result<Value> {
        println!("$ zektra {}", arguments.join(" "));
        let start = Instant::now();
        let output = Command::new(&self.zektra)
            .args(arguments)
            .arg("--json")
            .current_dir(&self.out)
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("cannot run {}", self.zektra.display()))?;
        ensure!(output.status.success(), "zektra {} failed", arguments.join(" "));
        self.times.push((what.into(), start.elapsed().as_secs_f64()));
        serde_json::from_slice(&output.stdout).context("the command printed no JSON")
    }

    fn run(mut self) -> Result<()> {
        let data = Path::new("data/breast_cancer.csv");
        let splits = split(data, &self.out)?;
        fs::copy("data/breast_cancer.schema.toml", self.out.join("schema.toml"))?;
        println!("Two owners hold 228 and 227 rows of data/breast_cancer.csv; 114 rows are kept for the test.\n");

        for name in ["alice", "bob", "developer"] {
            self.step("key shares", &["seat", "new", "--home", name, "--name", name])?;
        }
        for (name, _) in OWNERS {
            let csv = format!("{name}.csv");
            let done = self
                .step("encryption", &["encrypt", &csv, "--schema", "schema.toml", "--home", name, "--name", "cells"])?;
            println!(
                "  {} rows, {} values clipped to the public bounds, {} bytes of ciphertext",
                done["rows"], done["clipped_values"], done["ciphertext_bytes"]
            );
        }
        fs::write(self.out.join("job.toml"), job_file(1, ITERATIONS, ""))?;
        println!("  job.toml: {ITERATIONS} iterations of linear-classifier/1 on the rows of alice and bob");
        let job = self.step("training on ciphertext", &["train", "--job", "job.toml"])?;
        self.step("decryption", &["decrypt-model", "--home", "developer", "--job-id", "1", "--out", "model.json"])?;
        let score = self
            .step("prediction", &["predict", "test.csv", "--model", "model.json", "--out", "answers.csv", "--score"]);
        let encrypted = score?["accuracy"].as_f64().context("no accuracy")?;
        let clear = self.step(
            "the same in the clear",
            &["reference", "--job", "job.toml", "--tables", "alice.csv", "bob.csv", "--test", "test.csv"],
        )?;
        let curve = |name: &str| -> Vec<f64> {
            clear[name].as_array().into_iter().flatten().filter_map(Value::as_f64).collect()
        };
        let (floats, integers) = (curve("score_by_floats"), curve("score_by_integers"));
        let sklearn = sklearn(data, &splits);

        self.report(&job, encrypted, &floats, &integers, sklearn)?;
        let path = self.out.join("accuracy.svg");
        plot(encrypted, &floats, &integers, sklearn).write(&path)?;
        println!("\nplot: {}   model: {}", path.display(), self.out.join("model.json").display());
        self.proven()
    }

    /// The same owners, developer and node, with every step proven.
    fn proven(&mut self) -> Result<()> {
        let start = Instant::now();
        self.times.clear();
        println!("\nNow with every step proven: {PROVEN_ITERATIONS} iterations of 128 rows.\n");
        for (name, _) in OWNERS {
            let csv = format!("{name}.csv");
            let arguments = ["encrypt", &csv, "--schema", "schema.toml", "--home", name, "--name", "cells", "--prove"];
            let done = self.step(&format!("proofs of rows, {name}"), &arguments)?;
            println!("  {} row groups proven: bounded features, rows, labels and noise", done["proofs"]);
        }
        fs::write(self.out.join("proven.toml"), job_file(2, PROVEN_ITERATIONS, "batch_rows = 128\nprove = true\n"))?;
        let job = self.step("training, proven", &["train", "--job", "proven.toml"])?;
        self.step("decryption", &["decrypt-model", "--home", "developer", "--job-id", "2", "--out", "proven.json"])?;
        let score = self.step("prediction", &["predict", "test.csv", "--model", "proven.json", "--score"])?;
        let accuracy = score["accuracy"].as_f64().context("no accuracy")?;

        println!("\naccuracy of the proven model on the 114 test rows  {:6.2} %", 100.0 * accuracy);
        println!("\nseconds");
        for (name, seconds) in &self.times {
            println!("  {name:<36} {seconds:8.3}");
            if name == "training, proven" {
                for stage in job["seconds_by_stage"].as_array().into_iter().flatten() {
                    let name = stage["stage"].as_str().unwrap_or("");
                    println!("    of it {name:<28} {:8.3}", stage["seconds"].as_f64().unwrap_or(0.0));
                }
            }
        }
        println!("  {:<36} {:8.3}", "all of it", start.elapsed().as_secs_f64());
        sent_and_hidden(&job);

        let bundle = self.out.join("developer/jobs/2-0/bundle.zkb");
        println!("\n$ zektra-verify {}", bundle.display());
        ensure!(self.verify(&bundle)?, "the bundle of the proven job was refused");
        // One bit of the proof, with a checksum that fits: not damaged, but forged.
        let mut bytes = fs::read(&bundle)?;
        let (middle, body) = (bytes.len() / 2, bytes.len() - 32);
        bytes[middle] ^= 1;
        let checksum = blake3::hash(&bytes[..body]);
        bytes[body..].copy_from_slice(checksum.as_bytes());
        let tampered = self.out.join("tampered.zkb");
        fs::write(&tampered, bytes)?;
        println!("\nthe same bundle with one bit of its proof changed\n$ zektra-verify {}", tampered.display());
        ensure!(!self.verify(&tampered)?, "a tampered bundle was accepted");
        Ok(())
    }

    /// Runs the verifier for people to read.
    fn verify(&self, bundle: &Path) -> Result<bool> {
        let verifier = self.zektra.with_file_name("zektra-verify");
        let status = Command::new(&verifier).arg(bundle).stderr(Stdio::inherit()).status();
        Ok(status.with_context(|| format!("cannot run {}", verifier.display()))?.success())
    }

    fn report(
        &self,
        job: &Value,
        encrypted: f64,
        floats: &[f64],
        integers: &[f64],
        sklearn: Option<f64>,
    ) -> Result<()> {
        let percent = |v: f64| format!("{:6.2} %", 100.0 * v);
        let last = |v: &[f64]| v.last().copied().map_or("–".into(), percent);
        println!("\naccuracy on the 114 test rows after {ITERATIONS} iterations");
        println!("  decrypted by the developer            {}", percent(encrypted));
        println!("  same schedule, exact integers         {}", last(integers));
        println!("  same schedule, floats                 {}", last(floats));
        match sklearn {
            Some(v) => println!("  scikit-learn's logistic regression    {}", percent(v)),
            None => println!("  scikit-learn's logistic regression    left out: no Python with scikit-learn"),
        }
        println!("\nseconds");
        let mut by_name: Vec<(String, f64)> = Vec::new();
        for (name, seconds) in &self.times {
            match by_name.iter_mut().find(|(n, _)| n == name) {
                Some((_, sum)) => *sum += seconds,
                None => by_name.push((name.clone(), *seconds)),
            }
        }
        for (name, seconds) in by_name {
            println!("  {name:<36} {seconds:8.3}");
            if name == "training on ciphertext" {
                for stage in job["seconds_by_stage"].as_array().into_iter().flatten() {
                    let name = stage["stage"].as_str().unwrap_or("");
                    println!("    of it {name:<28} {:8.3}", stage["seconds"].as_f64().unwrap_or(0.0));
                }
            }
        }
        sent_and_hidden(job);
        Ok(())
    }
}

/// Bytes that each party sent, and what the job's masks hide.
fn sent_and_hidden(job: &Value) {
    println!("\nbytes sent");
    for party in job["bytes_sent"].as_array().into_iter().flatten() {
        let name = party["party"].as_str().unwrap_or("");
        println!("  {name:<36} {:>12}", party["bytes"].as_u64().unwrap_or(0));
    }
    let hiding = &job["job"]["hiding_bits"];
    println!("\nhiding, in bits                         worst case   honest data");
    let bits = |name: &str| hiding[name].to_string();
    println!("  of an opened coefficient            {:>14} {:>13}", bits("opening_worst"), bits("opening_honest"));
    println!("  of the whole job                    {:>14} {:>13}", bits("job_worst"), bits("job_honest"));
    println!("  security of a key share (core-SVP)  {:>14}", job["job"]["key_share_core_svp_bits"].to_string());
}

/// Splits the table into the owners' and the test table by a fixed shuffle; gives the row numbers of both parts.
pub fn split(data: &Path, out: &Path) -> Result<(Vec<usize>, Vec<usize>)> {
    let text = fs::read_to_string(data).with_context(|| format!("cannot read {}", data.display()))?;
    let mut lines = text.lines();
    let header = lines.next().context("an empty table")?;
    let lines: Vec<&str> = lines.collect();
    let mut order: Vec<usize> = (0..lines.len()).collect();
    // Sorted by a hash of the row's number: the same split everywhere.
    order.sort_by_key(|&i| *blake3::hash(format!("{SPLIT_SEED}/{i}").as_bytes()).as_bytes());
    let mut rest = &order[..];
    let write = |name: &str, rows: &[usize]| {
        let body: String = rows.iter().map(|&i| format!("{}\n", lines[i])).collect();
        fs::write(out.join(name), format!("{header}\n{body}"))
    };
    let mut train = Vec::new();
    for (name, count) in OWNERS {
        let (own, others) = rest.split_at(count);
        write(&format!("{name}.csv"), own)?;
        train.extend_from_slice(own);
        rest = others;
    }
    write("test.csv", rest)?;
    Ok((train, rest.to_vec()))
}

fn job_file(id: u32, iterations: u32, more: &str) -> String {
    let datasets: String =
        OWNERS.iter().map(|(name, _)| format!("\n[[datasets]]\nowner = \"{name}\"\nname = \"cells\"\n")).collect();
    let beacon = blake3::hash(b"zektra demo beacon").to_hex();
    format!(
        "version = 1\nid = {id}\ntemplate = \"linear-classifier/1\"\niterations = {iterations}\n{more}learning_rate = 0.5\nbeacon = \"{beacon}\"\nnode = \"node\"\ndeveloper = \"developer\"\n{datasets}"
    )
}

/// Accuracy of scikit-learn's logistic regression on the same split, if Python has it.
fn sklearn(data: &Path, (train, test): &(Vec<usize>, Vec<usize>)) -> Option<f64> {
    let python = std::env::var("ZEKTRA_PYTHON").unwrap_or_else(|_| "python3".into());
    println!("$ {} scripts/sklearn_baseline.py {}", Path::new(&python).file_name()?.to_str()?, data.display());
    let mut child = Command::new(&python)
        .arg("scripts/sklearn_baseline.py")
        .arg(data)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let splits = json!({ "splits": [{ "train": train, "test": test }] });
    serde_json::to_writer(child.stdin.take()?, &splits).ok()?;
    let output = child.wait_with_output().ok()?;
    let result: Value = serde_json::from_slice(&output.stdout).ok()?;
    result["accuracies"][0].as_f64()
}

fn plot(encrypted: f64, floats: &[f64], integers: &[f64], sklearn: Option<f64>) -> Plot {
    let points = |v: &[f64]| (1..).zip(v).map(|(t, &a)| (f64::from(t), 100.0 * a)).collect::<Vec<_>>();
    let last = f64::from(ITERATIONS);
    let series = |name: &str, points, style| Series { name: name.into(), points, style };
    let mut all = vec![
        series("floats", points(floats), Style::Line),
        series("exact integers", points(integers), Style::Points),
        series("encrypted, decrypted by the developer", vec![(last, 100.0 * encrypted)], Style::Points),
    ];
    if let Some(v) = sklearn {
        all.push(series("scikit-learn's logistic regression", vec![(1.0, 100.0 * v), (last, 100.0 * v)], Style::Guide));
    }
    Plot {
        title: "Accuracy on the test rows of breast_cancer.csv".into(),
        x: "iterations".into(),
        y: "accuracy in %".into(),
        from_zero: false,
        series: all,
    }
}
