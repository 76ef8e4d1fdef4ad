//! How the time of encrypted training grows with rows, columns, members and iterations.

use crate::fit::{self, Line};
use crate::he_iteration::measure;
use crate::report::{Bar, Report, Samples, workspace};
use anyhow::Context as _;
use zektra_agents::plot::{Plot, Series, Style};
use zektra_he::profile::Wanted;
use zektra_he::rehearsal::Cast;
use zektra_he::rehearsal::rows;
use zektra_statement::template::{Kind, Template};

const RUNS: usize = 7;

/// A job's size.
#[derive(Clone, Copy)]
struct Size {
    groups: u32,
    features: u32,
    members: u32,
    iterations: u32,
}

/// The middle of all sweeps.
const BASE: Size = Size { groups: 1, features: 32, members: 3, iterations: 4 };

/// Median times of a size, in milliseconds.
struct Times {
    iteration: f64,
    offline: f64,
    job: f64,
}

fn times(size: Size) -> anyhow::Result<Times> {
    let wanted = Wanted {
        kind: Kind::LinearClassifier,
        features: size.features,
        classes: 1,
        groups: size.groups,
        full_batch: true,
        iterations: size.iterations,
        members: size.members,
        attempts: 1,
        learning_rate: 0.25,
        row_norm: 832,
        range: 256,
        fixed_scales: None,
        fan_in: None,
        weight_bits: None,
    };
    // One row group an opening everywhere, so that sizes differ in nothing else.
    let params = wanted.search().with_context(|| format!("{} columns", size.features))?;
    let params = zektra_statement::template::Params { fan_in: 1, ..params };
    let template = Template { kind: wanted.kind, params };
    let table = rows::rows(3, (size.groups * params.rows_per_group()) as usize, &params);
    let cast = Cast::new(3, size.members as usize, &[table], template)?;
    let mut samples: [Samples; 3] = Default::default();
    for _ in 0..RUNS {
        let run = measure(&cast)?;
        for (s, time) in samples.iter_mut().zip([run.iteration.total(), run.offline, run.job]) {
            s.push(time.as_secs_f64() * 1e3);
        }
    }
    let [iteration, offline, job] = samples.map(|s| s.median());
    Ok(Times { iteration, offline, job })
}

pub fn run(report: &mut Report) -> anyhow::Result<()> {
    // (row groups, column blocks, ms an iteration)
    let mut sizes: Vec<(u32, u32, f64)> = Vec::new();

    let mut points = Vec::new();
    for groups in [1, 2, 4, 6, 8, 12] {
        let t = times(Size { groups, ..BASE })?;
        sizes.push((groups, 1, t.iteration));
        points.push((f64::from(groups * 128), t));
    }
    sweep(report, "rows", "rows (32 columns)", "ms an iteration", &points, |t| t.iteration)?;

    let mut points = Vec::new();
    for blocks in [1, 3, 4, 6, 8, 12] {
        let t = times(Size { features: 32 * blocks, ..BASE })?;
        sizes.push((1, blocks, t.iteration));
        points.push((f64::from(32 * blocks), t));
    }
    sweep(report, "columns", "columns (128 rows)", "ms an iteration", &points, |t| t.iteration)?;

    let mut points = Vec::new();
    for members in 2..=7 {
        points.push((f64::from(members), times(Size { members, ..BASE })?));
    }
    let y = "ms an iteration, all parties";
    sweep(report, "members", "members (128 rows, 32 columns)", y, &points, |t| t.iteration)?;

    let mut points = Vec::new();
    for iterations in [4, 8, 16, 24, 32] {
        points.push((f64::from(iterations), times(Size { iterations, ..BASE })?));
    }
    sweep(report, "iterations", "iterations (128 rows, 32 columns)", "ms a job", &points, |t| t.job)?;

    for (groups, blocks) in [(2, 3), (2, 6), (4, 3), (4, 4), (4, 6), (6, 3), (8, 3)] {
        let t = times(Size { groups, features: 32 * blocks, ..BASE })?;
        sizes.push((groups, blocks, t.iteration));
    }
    tiles(report, &sizes)
}

/// Time against row groups × column blocks.
fn tiles(report: &mut Report, sizes: &[(u32, u32, f64)]) -> anyhow::Result<()> {
    let line = |keep: &dyn Fn(u32, u32) -> bool| {
        let kept = sizes.iter().filter(|(g, b, _)| keep(*g, *b));
        Line::through(&kept.map(|&(g, b, t)| (f64::from(g * b), t)).collect::<Vec<_>>())
    };
    let lines = [
        ("row groups grow, 1 column block", line(&|_, b| b == 1)),
        ("row groups grow, 3 column blocks", line(&|_, b| b == 3)),
        ("column blocks grow, 1 row group", line(&|g, _| g == 1)),
        ("column blocks grow, 4 row groups", line(&|g, _| g == 4)),
        ("all sizes, one line for all shapes", line(&|_, _| true)),
    ];
    let row = |(name, l): &(&str, Line)| {
        vec![(*name).into(), format!("{:.2}", l.intercept), format!("{:.2}", l.slope), format!("{:.4}", l.r2)]
    };
    report.note("ms an iteration against row groups × column blocks");
    report.table(&["", "intercept", "slope", "R²"], &lines.iter().map(row).collect::<Vec<_>>());
    let points: Vec<([f64; 4], f64)> =
        sizes.iter().map(|&(g, b, t)| ([1.0, f64::from(g), f64::from(b), f64::from(g * b)], t)).collect();
    let ([constant, groups, blocks, both], r2) = fit::plane(&points);
    report.note(format!(
        "{} sizes: {constant:.2} + {groups:.2}·groups + {blocks:.2}·blocks + {both:.2}·groups·blocks ms, R² = {r2:.4}",
        sizes.len()
    ));
    report.figure("he-growth.tile", both, "ms / (row group × column block)", None)?;
    report.figure("he-growth.all.R2", lines[4].1.r2, "", None)?;
    report.figure("he-growth.surface.R2", r2, "", Some(Bar::AtLeast(0.98)))?;
    let least = lines[..4].iter().map(|(_, l)| l.r2).fold(1.0, f64::min);
    report.figure("he-growth.tiles-blocks.R2", least, "", Some(Bar::AtLeast(0.98)))
}

/// Prints, fits and draws a sweep.
fn sweep(
    report: &mut Report,
    name: &str,
    x: &str,
    y: &str,
    points: &[(f64, Times)],
    value: fn(&Times) -> f64,
) -> anyhow::Result<()> {
    let online: Vec<(f64, f64)> = points.iter().map(|(x, t)| (*x, value(t))).collect();
    let offline: Vec<(f64, f64)> = points.iter().map(|(x, t)| (*x, t.offline)).collect();
    let line = Line::through(&online);
    let cells = |(a, b): (&(f64, f64), &(f64, f64))| {
        vec![format!("{}", a.0), format!("{:.2}", a.1), format!("{:.2}", line.at(a.0)), format!("{:.2}", b.1)]
    };
    let rows: Vec<_> = online.iter().zip(&offline).map(cells).collect();
    report.table(&[x, y, "fit", "offline, ms an iteration"], &rows);
    report.figure(&format!("he-growth.{name}.slope"), line.slope, &format!("ms / {name}"), None)?;
    report.figure(&format!("he-growth.{name}.R2"), line.r2, "", None)?;
    let ends = [online.first(), online.last()].into_iter().flatten();
    let fit = ends.map(|&(x, _)| (x, line.at(x))).collect();
    let series = |name: &str, points, style| Series { name: name.into(), points, style };
    let mut series_list = vec![
        series("online work, all parties on one thread", online.clone(), Style::Points),
        series(&format!("least squares, R² = {:.4}", line.r2), fit, Style::Guide),
    ];
    if name != "iterations" {
        series_list.push(series("offline shares", offline, Style::Line));
    }
    let plot = Plot {
        title: format!("Encrypted training: time against {name}"),
        x: x.into(),
        y: y.into(),
        from_zero: true,
        series: series_list,
    };
    let file = format!("docs/plots/he-growth-{name}.svg");
    plot.write(&workspace().join(&file))?;
    report.note(format!("  plot: {file}"));
    Ok(())
}
