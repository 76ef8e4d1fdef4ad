//! Whole jobs as users run them: the real command, real files, all parties; time and peak memory.

use crate::report::{Bar, Report, workspace};
use anyhow::{Context as _, ensure};
use serde_json::Value;
use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Instant;
use zektra_he::rehearsal::rows::Random;

const COLUMNS: usize = 196;
const ROWS: usize = 12_000;
const ITERATIONS: u32 = 32;

/// 12,000 × 197, mini-batches of 1,024 rows, 32 iterations, 3 members.
///
/// # Errors
/// What a command says; a full disk.
pub fn run(report: &mut Report) -> anyhow::Result<()> {
    let folder = Folder::new("he-large")?;
    let encrypting = prepare(&folder)?;
    let start = Instant::now();
    let (done, _) = folder.zektra(&["train", "--job", "job.toml"])?;
    let training = start.elapsed().as_secs_f64();
    let stages = done["seconds_by_stage"].as_array().cloned().unwrap_or_default();
    let mut rows = vec![vec!["encryption, both owners".to_string(), format!("{encrypting:.2}")]];
    for stage in &stages {
        let name = stage["stage"].as_str().unwrap_or_default().to_string();
        rows.push(vec![name, format!("{:.2}", stage["seconds"].as_f64().unwrap_or_default())]);
    }
    report.table(&["part", "seconds"], &rows);
    let sent = done["bytes_sent"].as_array().into_iter().flatten();
    let sent: Vec<Vec<String>> = sent
        .map(|p| {
            let name = p["party"].as_str().unwrap_or_default().to_string();
            vec![name, format!("{:.1}", p["bytes"].as_f64().unwrap_or_default() / 1e6)]
        })
        .collect();
    report.table(&["party", "MB sent"], &sent);
    let hiding = &done["job"]["hiding_bits"];
    report.note(format!(
        "  hiding: {} bits an opened coefficient in the worst case, {} for the job; honest {} and {}",
        hiding["opening_worst"], hiding["job_worst"], hiding["opening_honest"], hiding["job_honest"]
    ));
    accuracy(&folder, report)?;
    report.figure("he-large", encrypting + training, "s", Some(Bar::AtMost(60.0)))
}

/// Peak memory of the process that holds all parties of `he-large`, and of an owner encrypting 1 GiB of rows.
///
/// # Errors
/// What a command says; a full disk.
pub fn memory(report: &mut Report) -> anyhow::Result<()> {
    let folder = Folder::new("he-memory")?;
    prepare(&folder)?;
    let (_, peak) = folder.zektra(&["train", "--job", "job.toml"])?;
    report.note("  all parties of he-large share one process: its peak bounds each party's");
    report.figure("he-memory-train", gib(peak), "GiB", Some(Bar::AtMost(1.0)))?;

    let path = folder.0.join("large.csv");
    let bytes = write_table(&path, 31, usize::MAX, 1 << 30, 3)?;
    fs::write(folder.0.join("narrow.toml"), schema(31, 3.25, 8, 8))?;
    folder.zektra(&["seat", "new", "--home", "large", "--name", "large"])?;
    let start = Instant::now();
    let (done, peak) =
        folder.zektra(&["encrypt", "large.csv", "--schema", "narrow.toml", "--home", "large", "--name", "t"])?;
    let seconds = start.elapsed().as_secs_f64();
    let rate = bytes as f64 / 1e6 / seconds;
    report.note(format!(
        "  {} rows of {:.2} GiB in {seconds:.0} s, {rate:.1} MB of CSV a second",
        done["rows"],
        gib(bytes)
    ));
    report.figure("he-memory-encrypt", gib(peak), "GiB", Some(Bar::AtMost(1.0)))
}

fn gib(bytes: u64) -> f64 {
    bytes as f64 / (1u64 << 30) as f64
}

/// A folder under the build folder that is removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> anyhow::Result<Self> {
        let path = workspace().join("target").join(format!("{name}-{}", std::process::id()));
        fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        Ok(Self(path))
    }

    /// Runs the real command; gives its JSON and its peak memory in bytes.
    fn zektra(&self, arguments: &[&str]) -> anyhow::Result<(Value, u64)> {
        let binary = std::env::current_exe()?.with_file_name("zektra");
        ensure!(binary.exists(), "{} is not built: cargo build --workspace --bins", binary.display());
        let mut child = Command::new(binary)
            .args(arguments)
            .args(["--json", "--quiet"])
            .current_dir(&self.0)
            .stdout(Stdio::piped())
            .spawn()?;
        let status = PathBuf::from(format!("/proc/{}/status", child.id()));
        // The high-water mark only grows; the last reading before the end is within a tick of it.
        let mut peak = 0;
        while child.try_wait()?.is_none() {
            peak = high_water(&status).unwrap_or(0).max(peak);
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        let output = child.wait_with_output()?;
        ensure!(output.status.success(), "zektra {} failed", arguments.join(" "));
        Ok((serde_json::from_slice(&output.stdout)?, peak))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn high_water(status: &Path) -> Option<u64> {
    let text = fs::read_to_string(status).ok()?;
    let line = text.lines().find(|l| l.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
}

/// Tables, seats, the job file; then encrypts. Gives the seconds that encryption took.
fn prepare(folder: &Folder) -> anyhow::Result<f64> {
    let path = |name: &str| folder.0.join(name);
    write_table(&path("alice.csv"), COLUMNS, ROWS / 2, u64::MAX, 1)?;
    write_table(&path("bob.csv"), COLUMNS, ROWS / 2, u64::MAX, 2)?;
    write_table(&path("test.csv"), COLUMNS, 2_000, u64::MAX, 9)?;
    fs::write(path("schema.toml"), schema(COLUMNS, 0.75, 9, 5))?;
    for name in ["alice", "bob", "developer"] {
        folder.zektra(&["seat", "new", "--home", name, "--name", name])?;
    }
    let datasets: String =
        ["alice", "bob"].iter().map(|o| format!("[[datasets]]\nowner = \"{o}\"\nname = \"t\"\n")).collect();
    let job = format!(
        "version = 1\nid = 1\ntemplate = \"linear-classifier/1\"\niterations = {ITERATIONS}\nbatch_rows = 1024\nlearning_rate = 0.25\nbeacon = \"{:064x}\"\nnode = \"node\"\ndeveloper = \"developer\"\n{datasets}",
        7
    );
    fs::write(path("job.toml"), job)?;
    let start = Instant::now();
    for owner in ["alice", "bob"] {
        folder.zektra(&[
            "encrypt",
            &format!("{owner}.csv"),
            "--schema",
            "schema.toml",
            "--home",
            owner,
            "--name",
            "t",
        ])?;
    }
    Ok(start.elapsed().as_secs_f64())
}

fn accuracy(folder: &Folder, report: &Report) -> anyhow::Result<()> {
    folder.zektra(&["decrypt-model", "--home", "developer", "--job-id", "1", "--out", "model.json"])?;
    let (score, _) = folder.zektra(&["predict", "test.csv", "--model", "model.json", "--score"])?;
    let tables = ["reference", "--job", "job.toml", "--tables", "alice.csv", "bob.csv", "--test", "test.csv"];
    let (clear, _) = folder.zektra(&tables)?;
    let last = |name: &str| clear[name].as_array().and_then(|a| a.last()?.as_f64()).unwrap_or(f64::NAN);
    report.note(format!(
        "  accuracy on 2,000 other rows: encrypted {:.2} %, floats {:.2} %",
        100.0 * score["accuracy"].as_f64().unwrap_or(f64::NAN),
        100.0 * last("score_by_floats")
    ));
    Ok(())
}

fn schema(columns: usize, row_norm: f64, feature_bits: u32, residual_bits: u32) -> String {
    let columns: String =
        (0..columns).map(|j| format!("[[columns]]\nname = \"x{j}\"\nlow = -1.0\nhigh = 1.0\n")).collect();
    format!(
        "version = 1\nname = \"synthetic\"\nrow_norm = {row_norm}\ngain = 1.0\nbias = 0.1\nrange = 0.5\nfeature_bits = {feature_bits}\nresidual_bits = {residual_bits}\n[target]\nkind = \"classes\"\ncolumn = \"y\"\nvalues = [\"0\", \"1\"]\n{columns}"
    )
}

/// Rows that a few hidden factors explain, as images and records are, labelled by a rule on the factors; until
/// `rows` or `bytes` are reached. Gives the bytes.
fn write_table(path: &Path, columns: usize, rows: usize, bytes: u64, seed: u64) -> anyhow::Result<u64> {
    const FACTORS: usize = 8;
    let mut fixed = Random(42);
    let loadings: Vec<f64> = (0..columns * FACTORS).map(|_| fixed.unit()).collect();
    let rule: Vec<f64> = (0..FACTORS).map(|_| fixed.unit()).collect();
    let mut random = Random(seed);
    let file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    let mut out = BufWriter::with_capacity(1 << 20, file);
    let mut written = 0u64;
    let header: String = (0..columns).map(|j| format!("x{j},")).collect();
    writeln!(out, "{header}y")?;
    let mut line = String::new();
    for _ in 0..rows {
        use std::fmt::Write as _;
        line.clear();
        let factors: Vec<f64> = (0..FACTORS).map(|_| random.unit()).collect();
        for loading in loadings.chunks_exact(FACTORS) {
            let value: f64 = loading.iter().zip(&factors).map(|(l, f)| l * f).sum();
            write!(line, "{:.4},", (0.5 * value + 0.1 * random.unit()).clamp(-1.0, 1.0))?;
        }
        let score: f64 = rule.iter().zip(&factors).map(|(r, f)| r * f).sum();
        writeln!(line, "{}", u8::from(score > 0.0))?;
        out.write_all(line.as_bytes())?;
        written += line.len() as u64;
        if written >= bytes {
            break;
        }
    }
    out.flush()?;
    Ok(written)
}
