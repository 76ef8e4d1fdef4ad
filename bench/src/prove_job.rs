//! Whole proven jobs: the last proof, and the memory of who makes it.

use crate::proving::{self, MEMBERS, NODE, P, Times, cache, cast, cores, timed};
use crate::report::{Bar, Report, Samples, Stopwatch, load, peak_memory, workspace};
use anyhow::{Context as _, bail, ensure};
use std::io::Write as _;
use std::process::{Command, Stdio};
use std::sync::Arc;
use zektra_agents::plot::{Plot, Series, Style};
use zektra_parties::rehearsal;
use zektra_prove::chain::{NodeCircuits, ShareCircuits};
use zektra_statement::chain::Elements;

/// The last proof of jobs of different lengths.
pub fn verify(report: &mut Report) -> anyhow::Result<()> {
    let lengths: &[u32] = if report.quick { &[1, 4] } else { &[1, 4, 16] };
    let (mut rows, mut sizes, mut points, mut slowest) = (vec![], vec![], vec![], 0.0_f64);
    for &iterations in lengths {
        let cast = cast(MEMBERS, 31, 1, iterations)?;
        let cache = cache();
        let shares = Arc::new(ShareCircuits::load(&cache, &cast.job.template, MEMBERS)?);
        let circuits = Arc::new(NodeCircuits::load(&cache, shares, &mut |_| {})?);
        let (mut times, mut unit) = (Times::default(), P::default());
        let start = load();
        let mut watch = Stopwatch::start();
        let mut done = 0;
        let (job, (last, states)) = timed(&mut times, &mut unit, |progress| {
            let mut told = |what: &str| {
                done += 1;
                print!("\r  {iterations} iterations: {done} proofs, {what}          ");
                let _ = std::io::stdout().flush();
                progress(what);
            };
            let job = rehearsal::prove(&cast, &circuits, NODE, &mut told)?;
            let last = rehearsal::chain(&job, &circuits, &mut told)?;
            Ok::<_, rehearsal::Failure>((job, last))
        })?;
        println!("\r{:60}", "");
        let whole = watch.lap();
        let (wall, cpu) = (whole.wall / unit.wall(), whole.cpu / cores() / unit.cpu());
        let shown = Elements::from_slice(last.public_inputs()).context("the last proof shows no state")?;
        ensure!(shown.state == states.digest() && shown.iteration == u64::from(iterations));
        let envelope = last.to_envelope(circuits.wrap.id());
        let (bytes, mut checks) = (last.bytes(), Samples::default());
        for _ in 0..21 {
            let mut watch = Stopwatch::start();
            let read = circuits.wrap.read(&envelope)?;
            circuits.wrap.verify(&read)?;
            checks.push(1e3 * watch.lap().wall);
        }
        let steps = job.phases.len();
        slowest = slowest.max(checks.median());
        sizes.push(bytes.len());
        points.push((steps as f64, cpu));
        rows.push(vec![
            steps.to_string(),
            done.to_string(),
            format!("{:.0}", whole.wall),
            format!("{wall:.1}"),
            format!("{cpu:.1}"),
            format!("{:.1}", bytes.len() as f64 / 1e3),
            format!("{:.2}", checks.median()),
            format!("{start:.1} – {:.1}", load()),
        ]);
    }
    report.table(
        &["phases", "proofs", "proven in s", "P", "CPU P / cores", "last proof KB", "verified in ms", "load"],
        &rows,
    );
    let plot = Plot {
        title: "A proven job: all proofs against phases".into(),
        x: "phases (128 rows, 31 features, 3 members)".into(),
        y: "P of processor time over 2 cores".into(),
        from_zero: true,
        series: vec![Series { name: "all proofs of a job".into(), points, style: Style::Line }],
    };
    plot.write(&workspace().join("docs/plots/prove-iterations.svg"))?;
    report.note("  plot: docs/plots/prove-iterations.svg");
    ensure!(sizes.windows(2).all(|w| w[0] == w[1]), "last proofs of different sizes: {sizes:?}");
    report.figure("verify.size", sizes[0] as f64 / 1e3, "KB", Some(Bar::AtMost(150.0)))?;
    report.figure("verify", slowest, "ms", Some(Bar::AtMost(10.0)))
}

const PART: &str = "ZEKTRA_BENCH_PART";

/// Peak memory of processes that do what a party does.
pub fn memory(report: &mut Report) -> anyhow::Result<()> {
    if let Ok(part) = std::env::var(PART) {
        return play(&part);
    }
    // Whether circuits are built or loaded changes the peak: both are measured, in an own cache.
    let folder = workspace().join("target").join(format!("prove-memory-{}", std::process::id()));
    let mut rows = vec![];
    let mut most = 0.0_f64;
    for (part, name) in [
        ("circuits", "node: circuits built and written"),
        ("circuits", "node: circuits loaded"),
        ("job", "everyone together: the whole job proven"),
        ("shares", "member: circuits loaded, a tile and answers proven"),
    ] {
        let peak = spawn(part, &folder)?;
        most = most.max(peak);
        rows.push(vec![name.into(), format!("{peak:.2}")]);
    }
    let _ = std::fs::remove_dir_all(&folder);
    report.table(&["process", "GiB at its peak"], &rows);
    report.figure("prove-memory", most, "GiB", Some(Bar::AtMost(4.0)))
}

fn spawn(part: &str, folder: &std::path::Path) -> anyhow::Result<f64> {
    let child = Command::new(std::env::current_exe()?)
        .args(["prove-memory", "--out", "/dev/null"])
        .env(PART, part)
        .env("ZEKTRA_CACHE", folder)
        .stdout(Stdio::piped())
        .output()?;
    ensure!(child.status.success(), "{part} failed: {}", String::from_utf8_lossy(&child.stderr));
    let text = String::from_utf8_lossy(&child.stdout);
    let peak = text.lines().find_map(|l| l.strip_prefix("peak ")).context("no peak")?;
    Ok(peak.trim().parse::<f64>()? / (1u64 << 20) as f64)
}

fn play(part: &str) -> anyhow::Result<()> {
    let cast = cast(MEMBERS, 31, 1, 2)?;
    let cache = cache();
    let shares = Arc::new(ShareCircuits::load(&cache, &cast.job.template, MEMBERS)?);
    let mut quiet = |_: &str| {};
    match part {
        "circuits" => drop(NodeCircuits::load(&cache, shares, &mut quiet)?),
        "job" => {
            let circuits = Arc::new(NodeCircuits::load(&cache, shares, &mut quiet)?);
            let job = rehearsal::prove(&cast, &circuits, NODE, &mut quiet)?;
            rehearsal::chain(&job, &circuits, &mut quiet)?;
        }
        "shares" => proving::member(&cast, &shares)?,
        other => bail!("no part {other}"),
    }
    println!("peak {}", peak_memory()? / 1024.0);
    Ok(())
}
