//! Proofs of one job of 128 rows × 31 features for 3 members: each kind, and what an iteration takes of them.
//!
//! Proofs run on all cores, so they are measured by the clock on the wall, as is `P` here, in between.

use crate::report::{Bar, Report, Samples, Stopwatch, Taken, load, workspace};
use crate::rows;
use anyhow::Context as _;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use zektra_agents::plot::Bars;
use zektra_he::member::Member;
use zektra_he::rehearsal::{Cast, Memory};
use zektra_he::tile::Sealer;
use zektra_he::transcript::{Answer, PhaseView, Program, Transcript};
use zektra_parties::rehearsal::{self, ProvenJob};
use zektra_parties::share;
use zektra_prove::cache::{Cache, Source};
use zektra_prove::chain::{NodeCircuits, OFFLINE_PAIRS, ShareCircuits};
use zektra_statement::digest::{Fingerprint, poseidon_chain};
use zektra_statement::template::{Kind, Params, Template};

pub const MEMBERS: u32 = 3;
/// The compute node of all jobs here.
pub const NODE: Fingerprint = Fingerprint([9; 32]);

/// What is trained: a linear classifier with the default scales.
pub fn template(features: u32, groups: u32, iterations: u32) -> Template {
    let mut params = Params {
        features,
        classes: 1,
        groups,
        full_batch: true,
        iterations,
        fan_in: 1,
        scale_x: 8,
        scale_w: 14,
        scale_r: 8,
        shift_w: 1,
        row_norm: 832,
        range: 256,
    };
    params.shift_w = params.shift_for_learning_rate(0.5);
    Template { kind: Kind::LinearClassifier, params }
}

/// A job in memory.
pub fn cast(members: u32, features: u32, groups: u32, iterations: u32) -> anyhow::Result<Cast> {
    let template = template(features, groups, iterations);
    let count = groups * template.params.rows_per_group();
    Ok(Cast::new(7, members as usize, &[rows::random(3, count as usize, &template.params)], template)?)
}

/// Where benches keep circuits: the user's cache, else beside the figures.
pub fn cache() -> Cache {
    let user = Cache::of_user();
    if user.folder().is_some() { user } else { Cache::at(workspace().join("target/circuits")) }
}

/// All circuits of a job, cached.
pub fn circuits(report: &mut Report) -> anyhow::Result<()> {
    let folder = workspace().join("target").join(format!("circuits-{}", std::process::id()));
    let out = compare(report, &folder);
    let _ = std::fs::remove_dir_all(&folder);
    out
}

fn compare(report: &mut Report, folder: &std::path::Path) -> anyhow::Result<()> {
    let cast = cast(MEMBERS, 31, 1, 2)?;
    let all = |cache: &Cache| -> anyhow::Result<NodeCircuits> {
        let shares = Arc::new(ShareCircuits::load(cache, &cast.job.template, MEMBERS)?);
        Ok(NodeCircuits::load(cache, shares, &mut |_| {})?)
    };
    let mut watch = Stopwatch::start();
    let cache = Cache::at(folder);
    let list = all(&cache)?.list();
    let building = watch.lap();
    let built = cache.events();
    let mut loads: Vec<Samples> = built.iter().map(|_| Samples::default()).collect();
    let mut whole = Samples::default();
    for _ in 0..3 {
        let cache = Cache::at(folder);
        watch.lap();
        let loaded = all(&cache)?;
        whole.push(watch.lap().wall);
        anyhow::ensure!(loaded.list() == list, "loaded links are those that were built");
        for (event, samples) in cache.events().iter().zip(&mut loads) {
            anyhow::ensure!(event.source == Source::Loaded, "{event:?}");
            samples.push(event.time.as_secs_f64());
        }
    }
    let (mut rows, mut least, mut bytes) = (vec![], f64::INFINITY, 0);
    for (event, load) in built.iter().zip(&loads) {
        let build = event.time.as_secs_f64();
        let (writing, size) = match &event.written {
            Some(Ok((time, size))) => (time.as_secs_f64(), *size),
            other => anyhow::bail!("{}: {other:?}", event.name),
        };
        bytes += size;
        least = least.min(build / load.median());
        rows.push(vec![
            format!("{} {}", event.name[65..].trim_end_matches(".zkc"), &event.name[..8]),
            format!("{build:.2}"),
            format!("{:.2}", load.median()),
            format!("{:.1}", build / load.median()),
            format!("{writing:.2}"),
            format!("{:.1}", size as f64 / 1e6),
        ]);
    }
    report
        .note(format!("  load average {:.1}; seconds by the clock, loads after a write: files are in memory", load()));
    report.table(&["circuit", "build s", "load s", "times faster", "write s", "MB"], &rows);
    report.note(format!(
        "  all: built and written in {:.1} s, loaded in {:.1} s, {:.0} MB",
        building.wall,
        whole.median(),
        bytes as f64 / 1e6
    ));
    report.figure("circuits.least", least, "times faster than building", Some(Bar::AtLeast(2.0)))?;
    report.figure("circuits.all", building.wall / whole.median(), "times faster", None)
}

/// Times of everything that was proven, by its name.
#[derive(Default)]
pub struct Times(BTreeMap<String, (Samples, Samples)>);

impl Times {
    /// Adds one.
    pub fn push(&mut self, name: &str, taken: Taken) {
        let (wall, cpu) = self.0.entry(name.into()).or_default();
        wall.push(taken.wall);
        cpu.push(taken.cpu);
    }

    /// Median seconds by the clock.
    pub fn wall(&self, name: &str) -> f64 {
        self.0.get(name).map_or(f64::NAN, |(wall, _)| wall.median())
    }

    fn rows(&self, p: f64) -> Vec<Vec<String>> {
        let row = |(name, (wall, cpu)): (&String, &(Samples, Samples))| {
            let mut cells = vec![name.clone()];
            cells.extend(wall.cells(2));
            cells.push(format!("{:.2}", cpu.median()));
            cells.push(format!("{:.2}", wall.median() / p));
            cells
        };
        self.0.iter().map(row).collect()
    }
}

/// A job that is proven once for all benches here.
struct Stage {
    cast: Cast,
    circuits: Arc<NodeCircuits>,
    job: ProvenJob,
    times: Mutex<Times>,
    unit: Mutex<Samples>,
    chained: OnceLock<()>,
}

impl Stage {
    /// The stage, set when it is first asked for.
    fn get(report: &Report) -> anyhow::Result<&'static Self> {
        static STAGE: OnceLock<Stage> = OnceLock::new();
        if let Some(stage) = STAGE.get() {
            return Ok(stage);
        }
        report.note(format!("  load average {:.1} at the start of proving", load()));
        let cast = cast(MEMBERS, 31, 1, 2)?;
        let cache = cache();
        let shares = Arc::new(ShareCircuits::load(&cache, &cast.job.template, MEMBERS)?);
        let circuits = Arc::new(NodeCircuits::load(&cache, shares, &mut |_| {})?);
        let (mut times, mut unit) = (Times::default(), Samples::default());
        let job = timed(&mut times, &mut unit, |progress| rehearsal::prove(&cast, &circuits, NODE, progress))?;
        let (times, unit) = (Mutex::new(times), Mutex::new(unit));
        let stage = Stage { cast, circuits, job, times, unit, chained: OnceLock::new() };
        Ok(STAGE.get_or_init(|| stage))
    }

    /// With the chain proven, too.
    fn chained(report: &Report) -> anyhow::Result<&'static Self> {
        let stage = Self::get(report)?;
        if stage.chained.get().is_none() {
            let mut times = stage.times.lock().unwrap_or_else(PoisonError::into_inner);
            let mut unit = stage.unit.lock().unwrap_or_else(PoisonError::into_inner);
            timed(&mut times, &mut unit, |progress| rehearsal::chain(&stage.job, &stage.circuits, progress))?;
            stage.chained.get_or_init(|| ());
        }
        Ok(stage)
    }

    fn wall(&self, name: &str) -> f64 {
        self.times.lock().unwrap_or_else(PoisonError::into_inner).wall(name)
    }

    /// `P`, by the clock.
    fn p(&self) -> f64 {
        self.unit.lock().unwrap_or_else(PoisonError::into_inner).median()
    }

    fn table(&self, report: &Report) {
        let p = self.p();
        let times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        report.table(&["proof", "min s", "median s", "max s", "CPU s", "P"], &times.rows(p));
        report.note(format!("  P = {p:.3} s by the clock, load average {:.1}", load()));
    }
}

/// Calls `work` with a progress function that measures what was just done, with `P` in between.
pub fn timed<T, E>(
    times: &mut Times,
    unit: &mut Samples,
    work: impl FnOnce(&mut dyn FnMut(&str)) -> Result<T, E>,
) -> Result<T, E> {
    let mut watch = Stopwatch::start();
    sample(unit);
    watch.lap();
    work(&mut |what: &str| {
        times.push(what, watch.lap());
        sample(unit);
        watch.lap();
    })
}

/// `P` by the clock: an eighth of it.
pub fn sample(unit: &mut Samples) {
    let mut watch = Stopwatch::start();
    black_box(poseidon_chain(black_box(1 << 17)));
    unit.push(8.0 * watch.lap().wall);
}

fn single(report: &mut Report, name: &str, what: &str, count: f64, bar: f64) -> anyhow::Result<()> {
    let stage = Stage::get(report)?;
    stage.table(report);
    report.figure(name, stage.wall(what) / count / stage.p(), "P", Some(Bar::AtMost(bar)))
}

/// A member's proof of its answer.
pub fn share(report: &mut Report) -> anyhow::Result<()> {
    single(report, "share", "answer", 1.0, 0.7)
}

/// One of the offline shares that one proof is of.
pub fn offline_share(report: &mut Report) -> anyhow::Result<()> {
    single(report, "offline-share", "offline shares", OFFLINE_PAIRS as f64, 0.25)
}

/// An owner's proof of a row group.
pub fn tile(report: &mut Report) -> anyhow::Result<()> {
    single(report, "tile-proof", "tile", 1.0, 0.8)
}

/// The node's proof of a phase.
pub fn step(report: &mut Report) -> anyhow::Result<()> {
    let stage = Stage::get(report)?;
    for (k, step) in stage.circuits.steps.iter().enumerate() {
        let rows = zektra_prove::step::StepCircuit::rows(&stage.job.program.table, k, MEMBERS);
        report.note(format!("  phase {k}: {rows} rows in {:?}", step.circuit));
    }
    single(report, "step", "step", 1.0, 2.2)
}

/// Everything of a phase.
pub fn fold(report: &mut Report) -> anyhow::Result<()> {
    let stage = Stage::chained(report)?;
    stage.table(report);
    let all = f64::from(MEMBERS) * stage.wall("answer") + stage.wall("step") + stage.wall("fold");
    report.figure("fold.link", stage.wall("fold") / stage.p(), "P", None)?;
    report.figure("fold", all / stage.p(), "P", Some(Bar::AtMost(4.8)))
}

/// Everything of an iteration.
pub fn iteration(report: &mut Report) -> anyhow::Result<()> {
    let stage = Stage::chained(report)?;
    stage.table(report);
    let p = stage.p();
    let table = &stage.job.program.table;
    let (phases, members) = (table.phases.len() as f64, f64::from(MEMBERS));
    let openings: usize = table.phases.iter().map(|phase| phase.openings.len()).sum();
    let batches = openings as f64 / OFFLINE_PAIRS as f64;
    let parts = [
        ("members' answers", phases * members * stage.wall("answer")),
        ("steps", phases * stage.wall("step")),
        ("links of phases", phases * stage.wall("fold")),
        ("offline shares", batches * members * stage.wall("offline shares")),
        ("links of offline shares", batches * stage.wall("offline")),
    ];
    let rows: Vec<(String, f64)> = parts.iter().map(|(name, s)| ((*name).into(), s / p)).collect();
    let cells = rows.iter().map(|(name, v)| vec![name.clone(), format!("{v:.2}")]).collect::<Vec<_>>();
    report.note(format!("  {openings} openings an iteration, {OFFLINE_PAIRS} offline shares a proof"));
    report.table(&["part of an iteration", "P"], &cells);
    let all: f64 = rows.iter().map(|r| r.1).sum();
    let bars = Bars {
        title: "Proofs of an iteration: where the time goes".into(),
        x: "P, one after another on 2 cores (128 rows, 31 features, 3 members)".into(),
        rows,
    };
    bars.write(&workspace().join("docs/plots/prove-iteration.svg"))?;
    report.note("  plot: docs/plots/prove-iteration.svg");
    report.figure("iteration", all, "P", Some(Bar::AtMost(20.0)))
}

/// One member's part of a phase: everyone does it at the same time.
pub fn critical_path(report: &mut Report) -> anyhow::Result<()> {
    const ROUNDS: usize = 3;
    let stage = Stage::get(report)?;
    let (seats, shares) = (&stage.cast.seats, &stage.circuits.shares);
    let (mut times, mut unit) = (Times::default(), Samples::default());
    let mut watch = Stopwatch::start();
    phases(&stage.cast, |lock, view, member, answer| {
        for _ in 0..ROUNDS {
            sample(&mut unit);
            let witness = member.witness().context("no witness")?;
            watch.lap();
            let proven = share::prove_answer(shares, &seats[0], lock, view, answer, witness)?;
            let proof = watch.lap();
            let key = seats[0].commitment();
            watch.lap();
            // A check of another's proof costs what one of the own does.
            share::check_answer(shares, key, lock, view, answer, proven.proof)?;
            let check = watch.lap();
            times.push("proof of an answer", proof);
            times.push("check of an answer", check);
            let path = Taken { wall: proof.wall + 2.0 * check.wall, cpu: proof.cpu + 2.0 * check.cpu };
            times.push("one proof, two checks", path);
        }
        Ok(())
    })?;
    let p = unit.median();
    report.table(&["part", "min s", "median s", "max s", "CPU s", "P"], &times.rows(p));
    report.note(format!("  P = {p:.3} s by the clock, load average {:.1}", load()));
    report.figure("critical-path.check", times.wall("check of an answer") / p, "P", None)?;
    report.figure("critical-path", times.wall("one proof, two checks") / p, "P", Some(Bar::AtMost(0.9)))
}

/// Plays a job without proofs and calls `visit` for the first member's answer to each phase, with the job's lock.
fn phases(
    cast: &Cast,
    mut visit: impl FnMut(Fingerprint, &PhaseView, &Member<'_, Memory>, &Answer) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut logs = cast.logs();
    let (memory, roots) = cast.extend(&mut logs)?;
    let program = Arc::new(Program::new(cast.job.clone(), &roots)?);
    let mut members = Vec::new();
    for ((index, seat), log) in (0..).zip(&cast.seats).zip(&mut logs) {
        members.push(Member::join(seat, log, index, program.clone(), memory.clone())?);
    }
    let memory = Memory { offline: Arc::new(cast.offline(&program, &mut members)?), ..memory };
    for member in &mut members {
        *member.source_mut() = memory.clone();
    }
    let mut node = Transcript::new(program.clone(), memory);
    while !node.finished() {
        let (_, claim) = node.evaluate()?;
        let view = node.view()?;
        let answers = members.iter_mut().map(|m| m.answer(&claim)).collect::<Result<Vec<_>, _>>()?;
        visit(program.lock, &view, &members[0], &answers[0])?;
        for member in &mut members {
            member.advance(&answers)?;
        }
        node.advance(&answers)?;
    }
    Ok(())
}

/// What a member proves and checks in a job, but for its offline shares, whose circuit is no larger.
pub fn member(cast: &Cast, shares: &ShareCircuits) -> anyhow::Result<()> {
    let owned = cast.job.datasets.first().context("no dataset")?;
    let (dataset, seat) = (&owned.dataset, &cast.seats[owned.owner as usize]);
    let sealer = Sealer { seat, chain_id: &cast.job.chain_id, dataset: dataset.id, attempt: dataset.attempt };
    let b: Vec<_> = cast.uploads.iter().filter(|((d, _, _), _)| *d == 0).map(|(_, b)| b.clone()).collect();
    share::prove_tile(&shares.tile, &sealer, 0, &b, &cast.groups[0][0].planes.concat())?;
    phases(cast, |lock, view, member, answer| {
        let witness = member.witness().context("no witness")?;
        let seat = &cast.seats[0];
        let proven = share::prove_answer(shares, seat, lock, view, answer, witness)?;
        share::check_answer(shares, seat.commitment(), lock, view, answer, proven.proof)?;
        Ok(())
    })
}

/// Seconds that each phase's step and link take, by the clock.
pub fn steps(cast: &Cast, circuits: &Arc<NodeCircuits>, unit: &mut Samples) -> anyhow::Result<Vec<[f64; 2]>> {
    let mut found: [Vec<f64>; 2] = Default::default();
    let mut watch = Stopwatch::start();
    let mut progress = |what: &str| {
        let taken = watch.lap().wall;
        match what {
            "step" => found[0].push(taken),
            "fold" => found[1].push(taken),
            _ => {}
        }
        sample(unit);
        watch.lap();
    };
    let job = rehearsal::prove(cast, circuits, NODE, &mut progress)?;
    rehearsal::chain(&job, circuits, &mut progress)?;
    let [steps, links] = found;
    Ok(steps.into_iter().zip(links).map(|(s, l)| [s, l]).collect())
}
