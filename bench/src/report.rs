//! Tables for people, JSON lines for comparisons, and the unit of time.

use anyhow::Context as _;
use serde_json::json;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;
use zektra_statement::digest::poseidon_chain;

/// The workspace's folder.
pub fn workspace() -> PathBuf {
    let bench = Path::new(env!("CARGO_MANIFEST_DIR"));
    bench.parent().unwrap_or(bench).to_path_buf()
}

/// What a figure should be.
#[derive(Clone, Copy, Debug)]
pub enum Bar {
    /// At least this.
    AtLeast(f64),
    /// At most this.
    AtMost(f64),
}

impl Bar {
    fn holds(self, value: f64) -> bool {
        match self {
            Self::AtLeast(bar) => value >= bar,
            Self::AtMost(bar) => value <= bar,
        }
    }
}

impl std::fmt::Display for Bar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::AtLeast(bar) => write!(f, "≥ {bar}"),
            Self::AtMost(bar) => write!(f, "≤ {bar}"),
        }
    }
}

/// Where figures go.
pub struct Report {
    file: File,
    machine: String,
    missed: Vec<String>,
    /// Whether the longest parts are left out.
    pub quick: bool,
}

impl Report {
    /// Appends to `path`, making its folder.
    ///
    /// # Errors
    /// A path that cannot be written.
    pub fn new(path: &Path, quick: bool) -> anyhow::Result<Self> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        let file = OpenOptions::new().create(true).append(true).open(path);
        let file = file.with_context(|| format!("cannot write {}", path.display()))?;
        let machine = machine();
        println!("machine: {machine}");
        Ok(Self { file, machine, missed: vec![], quick })
    }

    /// Starts a bench.
    pub fn title(&self, name: &str, about: &str) {
        println!("\n== {name}: {about}");
    }

    /// A line of text.
    pub fn note(&self, text: impl std::fmt::Display) {
        println!("{text}");
    }

    /// A table: the first column left, the others right.
    pub fn table(&self, head: &[&str], rows: &[Vec<String>]) {
        let width = |c: usize| {
            let cells = rows.iter().filter_map(|r| r.get(c)).map(|v| v.chars().count());
            cells.chain([head[c].chars().count()]).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..head.len()).map(width).collect();
        let print = |cells: Vec<&str>| {
            let pad = |(c, cell): (usize, &&str)| {
                let fill = " ".repeat(widths[c] - cell.chars().count());
                if c == 0 { format!("{cell}{fill}") } else { format!("{fill}{cell}") }
            };
            println!("  {}", cells.iter().enumerate().map(pad).collect::<Vec<_>>().join("  ").trim_end());
        };
        print(head.to_vec());
        print(widths.iter().map(|w| &LINE[..3 * w.min(&(LINE.len() / 3))]).collect());
        for row in rows {
            print(row.iter().map(String::as_str).collect());
        }
    }

    /// A figure, with its bar if there is one.
    ///
    /// # Errors
    /// A full disk.
    pub fn figure(&mut self, name: &str, value: f64, unit: &str, bar: Option<Bar>) -> anyhow::Result<()> {
        let holds = bar.map(|b| b.holds(value));
        let verdict = match (bar, holds) {
            (Some(b), Some(true)) => format!("  (bar {b}: holds)"),
            (Some(b), _) => format!("  (bar {b}: MISSED)"),
            (None, _) => String::new(),
        };
        println!("  {name} = {value:.3} {unit}{verdict}");
        if holds == Some(false) {
            self.missed.push(format!("{name} = {value:.3} {unit}{verdict}"));
        }
        let bar = bar.map(|b| b.to_string());
        let line = json!({
            "name": name, "value": value, "unit": unit, "bar": bar, "holds": holds, "machine": self.machine,
        });
        writeln!(self.file, "{line}").context("cannot write the figures")
    }

    /// Says which bars were missed; how many.
    pub fn finish(self) -> usize {
        match self.missed.len() {
            0 => println!("\nall bars hold"),
            n => println!("\n{n} missed:\n  {}", self.missed.join("\n  ")),
        }
        self.missed.len()
    }
}

const LINE: &str = "────────────────────────────────────────────────────────────────────────";

/// CPU model and cores.
fn machine() -> String {
    let info = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let field = |line: &str| line.split_once(':').map(|(_, v)| v.trim().to_string());
    let model = info.lines().find(|l| l.starts_with("model name")).and_then(field);
    let cores = info.lines().filter(|l| l.starts_with("processor")).count();
    format!("{}, {cores} cores", model.unwrap_or_else(|| "unknown".into()))
}

/// The processor time of this thread: on a busy machine a clock on the wall measures the neighbours.
#[derive(Clone, Copy, Debug)]
pub struct Instant(Duration);

impl Instant {
    /// Now.
    pub fn now() -> Self {
        let t = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
        Self(Duration::new(t.tv_sec as u64, t.tv_nsec as u32))
    }

    /// Processor time since then.
    pub fn elapsed(self) -> Duration {
        Self::now() - self
    }
}

impl std::ops::Sub for Instant {
    type Output = Duration;
    fn sub(self, earlier: Self) -> Duration {
        self.0.saturating_sub(earlier.0)
    }
}

/// What something took on all cores: by the clock on the wall, and of the processors.
#[derive(Clone, Copy, Debug)]
pub struct Taken {
    /// Seconds by the clock.
    pub wall: f64,
    /// Seconds of all processors together.
    pub cpu: f64,
}

/// Measures [`Taken`], for what runs on several threads.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(std::time::Instant, Duration);

impl Stopwatch {
    /// Starts.
    pub fn start() -> Self {
        let t = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
        Self(std::time::Instant::now(), Duration::new(t.tv_sec as u64, t.tv_nsec as u32))
    }

    /// Since the start or the last lap.
    pub fn lap(&mut self) -> Taken {
        let before = std::mem::replace(self, Self::start());
        let wall = (self.0 - before.0).as_secs_f64();
        Taken { wall, cpu: self.1.saturating_sub(before.1).as_secs_f64() }
    }
}

/// Processes that want a processor, on average over the last minute.
pub fn load() -> f64 {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().and_then(|v| v.parse().ok()).unwrap_or(f64::NAN)
}

/// The most memory that this process has held, bytes.
///
/// # Errors
/// A system that does not say.
pub fn peak_memory() -> anyhow::Result<f64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|l| l.strip_prefix("VmHWM:")).context("no high-water mark")?;
    let kib: f64 = line.trim().trim_end_matches("kB").trim().parse()?;
    Ok(kib * 1024.0)
}

/// Repeated measurements of one thing.
#[derive(Clone, Debug, Default)]
pub struct Samples(Vec<f64>);

impl Samples {
    /// Adds one.
    pub fn push(&mut self, value: f64) {
        self.0.push(value);
    }

    /// Adds a time, in microseconds.
    pub fn push_micros(&mut self, time: Duration) {
        self.push(time.as_secs_f64() * 1e6);
    }

    fn sorted(&self) -> Vec<f64> {
        let mut v = self.0.clone();
        v.sort_by(f64::total_cmp);
        v
    }

    /// The middle one.
    pub fn median(&self) -> f64 {
        let v = self.sorted();
        v.get(v.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// The least.
    pub fn min(&self) -> f64 {
        self.sorted().first().copied().unwrap_or(f64::NAN)
    }

    /// The largest.
    pub fn max(&self) -> f64 {
        self.sorted().last().copied().unwrap_or(f64::NAN)
    }

    /// What a share of them does not exceed: 0.99 for the 99th percentile.
    pub fn quantile(&self, share: f64) -> f64 {
        let v = self.sorted();
        let rank = (share * v.len() as f64).ceil() as usize;
        v.get(rank.saturating_sub(1)).copied().unwrap_or(f64::NAN)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Their mean.
    pub fn mean(&self) -> f64 {
        self.0.iter().sum::<f64>() / self.0.len() as f64
    }

    /// `min / median / max`, as cells of a table.
    pub fn cells(&self, digits: usize) -> Vec<String> {
        [self.min(), self.median(), self.max()].iter().map(|v| format!("{v:.digits$}")).collect()
    }
}

/// The unit `P`: the time of 2^20 native Poseidon permutations on one thread.
#[derive(Debug, Default)]
pub struct Unit(Samples);

impl Unit {
    /// Measures a quarter of it; interleave with what is measured in `P`.
    pub fn sample(&mut self) {
        let start = Instant::now();
        std::hint::black_box(poseidon_chain(std::hint::black_box(1 << 18)));
        self.0.push(4.0 * start.elapsed().as_secs_f64());
    }

    /// Seconds.
    pub fn seconds(&self) -> f64 {
        self.0.median()
    }

    /// All samples.
    pub fn samples(&self) -> &Samples {
        &self.0
    }
}

/// Microseconds a call: the median of 15 batches after one to warm up.
pub fn micros(batch: usize, mut f: impl FnMut()) -> f64 {
    let mut samples = Samples::default();
    for round in 0..16 {
        let start = Instant::now();
        for _ in 0..batch {
            f();
        }
        if round > 0 {
            samples.push(start.elapsed().as_secs_f64() * 1e6 / batch as f64);
        }
    }
    samples.median()
}
