//! One encrypted iteration: the online work of all parties, summed on one thread.

use crate::report::{Bar, Instant, Report, Samples, Unit, micros};
use anyhow::Context as _;
use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;
use zektra_he::member::Member;
use zektra_he::profile::Wanted;
use zektra_he::rehearsal::rows;
use zektra_he::rehearsal::{Cast, Memory};
use zektra_he::release::commit_share;
use zektra_he::ring::{Eval, Poly};
use zektra_he::transcript::{Answer, Program, Transcript};
use zektra_he::xof::{Kind, Label, Prf, PublicRandomness, Use};
use zektra_statement::digest::{Commitment, Fingerprint};
use zektra_statement::template::{Kind as Model, Template};
use zeroize::Zeroizing;

const MEMBERS: u32 = 3;
const ITERATIONS: u32 = 32;
const RUNS: usize = 21;

/// Time of each part in one iteration, all parties together.
#[derive(Clone, Copy, Default)]
pub struct Parts {
    /// Evaluation by the node.
    pub node_evaluate: Duration,
    /// The node takes the answers.
    pub node_advance: Duration,
    /// Members evaluate and answer.
    pub answer: Duration,
    /// Members take the answers.
    pub advance: Duration,
}

impl Parts {
    /// All of it.
    pub fn total(&self) -> Duration {
        self.node_evaluate + self.node_advance + self.answer + self.advance
    }
}

/// A measured run of a cast.
pub struct Run {
    /// An average iteration after the first.
    pub iteration: Parts,
    /// Offline shares of all members and their sum, an iteration.
    pub offline: Duration,
    /// All online work of the job.
    pub job: Duration,
}

/// Runs a cast once.
pub fn measure(cast: &Cast) -> anyhow::Result<Run> {
    let mut logs = cast.logs();
    let (memory, roots) = cast.extend(&mut logs)?;
    let program = Arc::new(Program::new(cast.job.clone(), &roots)?);
    let iterations = program.table.iterations;
    let mut members = Vec::new();
    for (index, (seat, log)) in cast.seats.iter().zip(&mut logs).enumerate() {
        members.push(Member::join(seat, log, index as u32, program.clone(), memory.clone())?);
    }
    let start = Instant::now();
    let offline = cast.offline(&program, &mut members)?;
    let offline_time = start.elapsed() / iterations;
    let memory = Memory { offline: Arc::new(offline), ..memory };
    for member in &mut members {
        *member.source_mut() = memory.clone();
    }
    let mut node = Transcript::new(program, memory);
    let (mut sum, mut job) = (Parts::default(), Duration::ZERO);
    while !node.finished() {
        let steady = node.position().0 > 0;
        let parts = round(&mut node, &mut members)?;
        job += parts.total();
        if steady {
            sum.node_evaluate += parts.node_evaluate;
            sum.node_advance += parts.node_advance;
            sum.answer += parts.answer;
            sum.advance += parts.advance;
        }
    }
    let steady = (iterations - 1).max(1);
    let iteration = Parts {
        node_evaluate: sum.node_evaluate / steady,
        node_advance: sum.node_advance / steady,
        answer: sum.answer / steady,
        advance: sum.advance / steady,
    };
    Ok(Run { iteration, offline: offline_time, job })
}

/// `rehearsal::round` with a clock.
fn round(node: &mut Transcript<Memory>, members: &mut [Member<'_, Memory>]) -> anyhow::Result<Parts> {
    let mut last = Instant::now();
    let mut lap = || {
        let now = Instant::now();
        now - std::mem::replace(&mut last, now)
    };
    let (_, claim) = node.evaluate()?;
    let node_evaluate = lap();
    let answers = members.iter_mut().map(|m| m.answer(&claim)).collect::<Result<Vec<Answer>, _>>()?;
    let answer = lap();
    for member in members.iter_mut() {
        member.advance(&answers)?;
    }
    let advance = lap();
    node.advance(&answers)?;
    Ok(Parts { node_evaluate, answer, advance, node_advance: lap() })
}

/// What is measured: 128 rows of 31 features, 3 members.
fn wanted() -> Wanted {
    Wanted {
        kind: Model::LinearClassifier,
        features: 31,
        classes: 1,
        groups: 1,
        full_batch: true,
        iterations: ITERATIONS,
        members: MEMBERS,
        attempts: 1,
        learning_rate: 0.5,
        row_norm: 832,
        range: 256,
        fixed_scales: None,
        fan_in: None,
        weight_bits: None,
    }
}

pub fn run(report: &mut Report) -> anyhow::Result<()> {
    let params = wanted().search().context("no scales")?;
    let template = Template { kind: Model::LinearClassifier, params };
    let cast = Cast::new(1, MEMBERS as usize, &[rows::rows(1, 128, &params)], template)?;
    measure(&cast)?;
    let mut unit = Unit::default();
    let mut columns: [Samples; 6] = Default::default();
    unit.sample();
    for _ in 0..RUNS {
        let Run { iteration: i, offline, .. } = measure(&cast)?;
        let times = [i.node_evaluate, i.node_advance, i.answer, i.advance, i.total(), offline];
        for (samples, time) in columns.iter_mut().zip(times) {
            samples.push_micros(time);
        }
        unit.sample();
    }
    report.note(format!(
        "128 rows × 31 features, {MEMBERS} members, one thread, {RUNS} runs of {ITERATIONS} iterations; µs an iteration"
    ));
    let names = [
        "node: evaluate",
        "node: advance",
        "3 members: evaluate and answer",
        "3 members: advance",
        "all online work",
        "offline shares, all members",
    ];
    let row = |(name, s): (&&str, &Samples)| [vec![(*name).to_string()], s.cells(0)].concat();
    let rows: Vec<_> = names.iter().zip(&columns).map(row).collect();
    report.table(&["part", "min", "median", "max"], &rows);
    let p = unit.seconds();
    report.note(format!(
        "P = {p:.3} s (min {:.3}, max {:.3}, {RUNS} samples between the runs)",
        unit.samples().min(),
        unit.samples().max()
    ));
    operations(report, &cast);
    let thousandths = |s: &Samples| s.median() * 1e-6 / p * 1e3;
    report.figure("he-iteration", thousandths(&columns[4]), "P/1000", Some(Bar::AtMost(3.0)))?;
    report.figure("he-iteration.offline", thousandths(&columns[5]), "P/1000", None)?;
    report.figure("he-iteration.node", thousandths(&columns[0]) + thousandths(&columns[1]), "P/1000", None)?;
    let member = (thousandths(&columns[2]) + thousandths(&columns[3])) / f64::from(MEMBERS);
    report.figure("he-iteration.member", member, "P/1000", None)?;
    report.figure("he-iteration.P", p, "s", None)?;
    Ok(())
}

/// The operations that an iteration is made of, one by one.
fn operations(report: &Report, cast: &Cast) {
    let randomness = PublicRandomness::of_job("bench", Fingerprint::NONE);
    let (a, b) = (randomness.poly(0, 0, 0), randomness.poly(0, 1, 0));
    let (ea, eb) = (a.eval(), b.eval());
    let mut index = 0;
    let prf = Prf::new(Zeroizing::new([7; 32]), Commitment([0; 4]));
    let label = Label::Job { job: Fingerprint::NONE, iteration: 0, phase: 0, index: 0, attempt: 0 };
    let usage = Use { kind: Kind::Mask, label, multiplier: Fingerprint::NONE, message: Fingerprint::NONE };
    let mut sum = a.clone();
    let mut product = Eval::zero();
    let copy = micros(200, || drop(black_box(black_box(&a).clone())));
    let positions: Vec<u16> = (0..128).map(|i| 32 * i).collect();
    let share = a.at(&positions);
    let rows = [
        ("copy of a polynomial", copy),
        ("forward transform", micros(200, || drop(black_box(black_box(&a).eval()))) - copy),
        ("inverse transform", micros(200, || drop(black_box(black_box(&ea).clone().into_poly()))) - copy),
        ("product, added (transformed)", micros(200, || black_box(&mut product).mul_add(&ea, &eb))),
        ("sum (canonical)", micros(200, || black_box(&mut sum).add_assign(&b))),
        (
            "fingerprint of a polynomial",
            micros(200, || {
                black_box(black_box(&a).fingerprint());
            }),
        ),
        (
            "public randomness, a polynomial",
            micros(100, || {
                index += 1;
                drop(black_box(randomness.poly(1, index, 0)));
            }),
        ),
        ("noise, a polynomial", micros(100, || drop(black_box(prf.stream(&usage).noise())))),
        ("masks, 128", micros(100, || drop(black_box(prf.stream(&usage).masks(128, 61))))),
        (
            "commitment of 128 shares",
            micros(20, || {
                black_box(commit_share(&share, &[share[0]; 4]));
            }),
        ),
        ("digest of the phase table", {
            let table = cast.job.template.compile();
            micros(50, || {
                let _ = black_box(table.as_ref().map(|t| t.digest()));
            })
        }),
        (
            "commitment of a polynomial (not online)",
            micros(2, || {
                black_box(black_box::<&Poly>(&a).commitment());
            }),
        ),
    ];
    let rows: Vec<Vec<String>> = rows.iter().map(|(name, t)| vec![(*name).into(), format!("{t:.1}")]).collect();
    report.table(&["operation", "µs"], &rows);
}
