//! Proofs of one job of 128 rows × 31 features for 3 members: each kind, and what an iteration takes of them.
//!
//! Proofs run on all cores, so they are measured by the clock on the wall, as is `P` here, in between. On a busy machine
//! that clock measures the neighbours, too: beside it stands what the processors spent, over the number of cores, in a
//! `P` of processor time. An idle machine is not faster than that; serial parts make it slower.

use crate::report::{Bar, Report, Samples, Stopwatch, Taken, load, workspace};
use anyhow::Context as _;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use zektra_agents::plot::Bars;
use zektra_he::member::Member;
use zektra_he::rehearsal::rows;
use zektra_he::rehearsal::{Cast, Memory};
use zektra_he::tile::Sealer;
use zektra_he::transcript::{Answer, PhaseView, Program, Transcript};
use zektra_parties::rehearsal::{self, ProvenJob};
use zektra_parties::share;
use zektra_prove::cache::{Cache, Source};
use zektra_prove::chain::{NodeCircuits, OFFLINE_PAIRS, ShareCircuits};
use zektra_prove::circuit::Circuit;
use zektra_statement::digest::{Fingerprint, poseidon_chain};

pub const MEMBERS: u32 = 3;
/// The compute node of all jobs here.
pub const NODE: Fingerprint = Fingerprint([9; 32]);

/// A job in memory.
pub fn cast(members: u32, features: u32, groups: u32, iterations: u32) -> anyhow::Result<Cast> {
    let mut template = rows::classifier(features, groups, iterations);
    if members > 4 {
        // At 1/2 the noise of five members may make the map expand.
        template.params.shift_w = template.params.shift_for_learning_rate(0.25);
    }
    let count = groups * template.params.rows_per_group();
    Ok(Cast::new(7, members as usize, &[rows::rows(3, count as usize, &template.params)], template)?)
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

    /// Median seconds of all processors.
    pub fn cpu(&self, name: &str) -> f64 {
        self.0.get(name).map_or(f64::NAN, |(_, cpu)| cpu.median())
    }

    fn table(&self, report: &Report, p: &P) {
        let row = |(name, (wall, cpu)): (&String, &(Samples, Samples))| {
            let mut cells = vec![name.clone()];
            cells.extend(wall.cells(2));
            cells.push(format!("{:.2}", wall.median() / p.wall()));
            cells.push(format!("{:.2}", cpu.median()));
            cells.push(format!("{:.2}", cpu.median() / cores() / p.cpu()));
            cells
        };
        let head = ["proof", "min s", "median s", "max s", "P", "CPU s", "CPU P / cores"];
        report.table(&head, &self.0.iter().map(row).collect::<Vec<_>>());
        report.note(format!(
            "  P = {:.3} s by the clock, {:.3} s of a processor; {} cores, load average {:.1}",
            p.wall(),
            p.cpu(),
            cores(),
            load()
        ));
    }
}

/// `P` of one thread, by the clock and by its processor.
#[derive(Default)]
pub struct P(Samples, Samples);

impl P {
    /// Measures an eighth of it.
    pub fn sample(&mut self) {
        let mut watch = Stopwatch::start();
        black_box(poseidon_chain(black_box(1 << 17)));
        let taken = watch.lap();
        self.0.push(8.0 * taken.wall);
        self.1.push(8.0 * taken.cpu);
    }

    /// Median seconds by the clock.
    pub fn wall(&self) -> f64 {
        self.0.median()
    }

    /// Median seconds of the processor.
    pub fn cpu(&self) -> f64 {
        self.1.median()
    }
}

/// How many processors there are.
pub fn cores() -> f64 {
    std::thread::available_parallelism().map_or(1.0, |n| n.get() as f64)
}

/// A job that is proven once for all benches here.
struct Stage {
    cast: Cast,
    circuits: Arc<NodeCircuits>,
    job: ProvenJob,
    times: Mutex<Times>,
    unit: Mutex<P>,
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
        let (mut times, mut unit) = (Times::default(), P::default());
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

    /// Prints all times and gives P of each proof: by the clock, and of the processors over the cores.
    fn costs(&self, report: &Report) -> impl Fn(&str) -> [f64; 2] + use<> {
        let times = self.times.lock().unwrap_or_else(PoisonError::into_inner);
        let p = self.unit.lock().unwrap_or_else(PoisonError::into_inner);
        times.table(report, &p);
        let cost = |name: &String| [times.wall(name) / p.wall(), times.cpu(name) / cores() / p.cpu()];
        let all: BTreeMap<String, [f64; 2]> = times.0.keys().map(|name| (name.clone(), cost(name))).collect();
        move |name| all.get(name).copied().unwrap_or([f64::NAN; 2])
    }
}

/// A figure by the clock, with the bar, and one of the processors.
fn figures(report: &mut Report, name: &str, [wall, cpu]: [f64; 2], bar: f64) -> anyhow::Result<()> {
    report.figure(&format!("{name}.cpu"), cpu, "P / cores", None)?;
    report.figure(name, wall, "P", Some(Bar::AtMost(bar)))
}

/// Sums with factors.
fn sum(parts: &[(f64, [f64; 2])]) -> [f64; 2] {
    std::array::from_fn(|k| parts.iter().map(|(factor, cost)| factor * cost[k]).sum())
}

/// Calls `work` with a progress function that measures what was just done, with `P` in between.
pub fn timed<T, E>(
    times: &mut Times,
    unit: &mut P,
    work: impl FnOnce(&mut dyn FnMut(&str)) -> Result<T, E>,
) -> Result<T, E> {
    let mut watch = Stopwatch::start();
    unit.sample();
    watch.lap();
    work(&mut |what: &str| {
        times.push(what, watch.lap());
        unit.sample();
        watch.lap();
    })
}

fn single(report: &mut Report, name: &str, what: &str, count: f64, bar: f64) -> anyhow::Result<()> {
    let cost = Stage::get(report)?.costs(report);
    figures(report, name, sum(&[(1.0 / count, cost(what))]), bar)
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
        report.note(trees(&step.circuit));
    }
    single(report, "step", "step", 1.0, 2.2)
}

/// What a proof takes at least: hashing its trees, on all cores.
fn trees(circuit: &Circuit) -> String {
    let count = circuit.tree_permutations() as f64;
    let p = count / f64::from(1 << 20) / cores();
    format!("    its trees take {:.2} million permutations: {p:.2} P on {} cores", count / 1e6, cores())
}

/// Everything of a phase.
pub fn fold(report: &mut Report) -> anyhow::Result<()> {
    let stage = Stage::chained(report)?;
    stage.circuits.any_link().into_iter().for_each(|link| report.note(trees(link)));
    let cost = stage.costs(report);
    let all = sum(&[(f64::from(MEMBERS), cost("answer")), (1.0, cost("step")), (1.0, cost("fold"))]);
    report.figure("fold.phase", all[0], "P", None)?;
    figures(report, "fold", cost("fold"), 4.8)
}

/// Everything of an iteration.
pub fn iteration(report: &mut Report) -> anyhow::Result<()> {
    let stage = Stage::chained(report)?;
    let cost = stage.costs(report);
    let table = &stage.job.program.table;
    let (phases, members) = (table.phases.len() as f64, f64::from(MEMBERS));
    let openings: usize = table.phases.iter().map(|phase| phase.openings.len()).sum();
    let batches = openings as f64 / OFFLINE_PAIRS as f64;
    let parts = [
        ("members' answers", phases * members, cost("answer")),
        ("steps", phases, cost("step")),
        ("links of phases", phases, cost("fold")),
        ("offline shares", batches * members, cost("offline shares")),
        ("links of offline shares", batches, cost("offline")),
    ];
    report.note(format!("  {openings} openings an iteration, {OFFLINE_PAIRS} offline shares a proof"));
    let cells = |(name, factor, [wall, cpu]): &(&str, f64, [f64; 2])| {
        vec![(*name).into(), format!("{:.2}", factor * wall), format!("{:.2}", factor * cpu)]
    };
    let head = ["part of an iteration", "P", "CPU P / cores"];
    report.table(&head, &parts.iter().map(cells).collect::<Vec<_>>());
    let bars = Bars {
        title: "Proofs of an iteration: where the time goes".into(),
        x: "P of processor time over 2 cores (128 rows, 31 features, 3 members)".into(),
        rows: parts.iter().map(|(name, factor, cost)| ((*name).into(), factor * cost[1])).collect(),
    };
    bars.write(&workspace().join("docs/plots/prove-iteration.svg"))?;
    report.note("  plot: docs/plots/prove-iteration.svg");
    figures(report, "iteration", sum(&parts.map(|(_, factor, cost)| (factor, cost))), 20.0)
}

/// One member's part of a phase: everyone does it at the same time.
pub fn critical_path(report: &mut Report) -> anyhow::Result<()> {
    const ROUNDS: usize = 3;
    let stage = Stage::get(report)?;
    let (seats, shares) = (&stage.cast.seats, &stage.circuits.shares);
    let (mut times, mut unit) = (Times::default(), P::default());
    let mut watch = Stopwatch::start();
    phases(&stage.cast, |lock, view, member, answer| {
        for _ in 0..ROUNDS {
            unit.sample();
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
    times.table(report, &unit);
    let cost = |name: &str| [times.wall(name) / unit.wall(), times.cpu(name) / cores() / unit.cpu()];
    report.figure("critical-path.check", cost("check of an answer")[0], "P", None)?;
    figures(report, "critical-path", cost("one proof, two checks"), 0.9)
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

/// What each phase's step and link take.
pub fn steps(cast: &Cast, circuits: &Arc<NodeCircuits>, unit: &mut P) -> anyhow::Result<Vec<[Taken; 2]>> {
    let mut found: [Vec<Taken>; 2] = Default::default();
    let mut watch = Stopwatch::start();
    let mut progress = |what: &str| {
        let taken = watch.lap();
        match what {
            "step" => found[0].push(taken),
            "fold" => found[1].push(taken),
            _ => {}
        }
        unit.sample();
        watch.lap();
    };
    let job = rehearsal::prove(cast, circuits, NODE, &mut progress)?;
    rehearsal::chain(&job, circuits, &mut progress)?;
    let [steps, links] = found;
    Ok(steps.into_iter().zip(links).map(|(s, l)| [s, l]).collect())
}
