//! What a model trained on encrypted rows is worth: against exact integers, floats and scikit-learn.

use crate::breast_cancer::{self as table, GROUPS, SPLITS, Split, Table};
use crate::report::{Bar, Report, workspace};
use anyhow::Context as _;
use serde::Deserialize;
use serde_json::json;
use std::io::Write as _;
use std::process::{Command, Stdio};
use zektra_agents::plot::{Plot, Series, Style};
use zektra_statement::template::Params;

const MEMBERS: u32 = 3;
const ITERATIONS: u32 = 12;
const LONGEST: u32 = 16;

pub fn run(report: &mut Report) -> anyhow::Result<()> {
    let data = Table::load()?;
    let splits: Vec<Split> = (0..SPLITS).map(|seed| data.split(seed)).collect();
    report.note(format!(
        "{SPLITS} splits of {} / {} rows, two owners and a developer; bounds: {}",
        splits[0].train.len(),
        splits[0].test.len(),
        data.bounds
    ));
    let baseline = sklearn(&splits);
    let mut curves: [Vec<(f64, f64)>; 3] = Default::default();
    let mut rows = Vec::new();
    for iterations in 1..=LONGEST {
        let params = table::wanted(MEMBERS, iterations).search()?;
        let scores = Scores::of(&data, &splits, params)?;
        let means = scores.means();
        for (curve, mean) in curves.iter_mut().zip(means) {
            curve.push((f64::from(iterations), mean));
        }
        let scales = format!("{}/{}/{}", params.scale_x, params.scale_w, params.scale_r);
        rows.push([vec![iterations.to_string(), scales], means.map(|m| format!("{m:.2}")).to_vec()].concat());
        if iterations == ITERATIONS {
            headline(report, &scores, params, &baseline)?;
        }
    }
    report.note("test accuracy in %, mean of the splits; scales x/w/r searched for each number of iterations");
    report.table(&["iterations", "scales", "encrypted", "integers", "floats"], &rows);
    let [encrypted, integers, floats] = curves;
    let series = |name: &str, points, style| Series { name: name.into(), points, style };
    let mut plot = Plot {
        title: "Breast cancer: test accuracy, mean of 8 splits".into(),
        x: "iterations".into(),
        y: "accuracy in %".into(),
        from_zero: false,
        series: vec![
            series("encrypted", encrypted, Style::Line),
            series("exact integers", integers, Style::Points),
            series("floats", floats, Style::Line),
        ],
    };
    if let Ok(accuracies) = &baseline {
        let mean = percent(accuracies);
        plot.series.push(series("scikit-learn", vec![(1.0, mean), (f64::from(LONGEST), mean)], Style::Guide));
    }
    let path = workspace().join("docs/plots/accuracy.svg");
    plot.write(&path)?;
    report.note("plot: docs/plots/accuracy.svg");
    Ok(())
}

fn headline(
    report: &mut Report,
    scores: &Scores,
    params: Params,
    baseline: &anyhow::Result<Vec<f64>>,
) -> anyhow::Result<()> {
    let [encrypted, integers, floats] = scores.means();
    let lr = params.learning_rate();
    report.note(format!(
        "{ITERATIONS} iterations, learning rate {lr}, scales x/w/r 2^{}/2^{}/2^{}, {} row groups an opening",
        params.scale_x, params.scale_w, params.scale_r, params.fan_in
    ));
    let cells = |name: &str, values: &[f64]| {
        let splits = values.iter().map(|v| format!("{:.1}", v * 100.0));
        [name.to_string(), format!("{:.2}", percent(values))].into_iter().chain(splits).collect::<Vec<_>>()
    };
    let mut rows = vec![
        cells("encrypted", &scores.encrypted),
        cells("exact integers", &scores.integers),
        cells("floats", &scores.floats),
    ];
    if let Ok(accuracies) = baseline {
        rows.push(cells("scikit-learn", accuracies));
    }
    report.table(&["accuracy in %", "mean", "0", "1", "2", "3", "4", "5", "6", "7"], &rows);
    report.figure("accuracy.encrypted", encrypted, "%", None)?;
    report.figure("accuracy.integers", integers, "%", None)?;
    report.figure("accuracy.floats", floats, "%", None)?;
    report.figure("accuracy.encrypted-floats", encrypted - floats, "pp", Some(Bar::AtLeast(-0.5)))?;
    match baseline {
        Ok(accuracies) => {
            let mean = percent(accuracies);
            report.figure("accuracy.sklearn", mean, "%", None)?;
            report.figure("accuracy.encrypted-sklearn", encrypted - mean, "pp", Some(Bar::AtLeast(-1.5)))?;
        }
        Err(error) => {
            report.note(format!("  scikit-learn skipped: {error:#}; set ZEKTRA_PYTHON to a Python that has it"))
        }
    }
    report.figure("accuracy.weights-off", scores.distance, "largest |encrypted − integers| weight", None)
}

/// Accuracies of every split, in parts of one.
struct Scores {
    encrypted: Vec<f64>,
    integers: Vec<f64>,
    floats: Vec<f64>,
    /// The largest difference of a weight between the encrypted and the integer run.
    distance: f64,
}

impl Scores {
    fn of(data: &Table, splits: &[Split], params: Params) -> anyhow::Result<Self> {
        let mut scores = Self { encrypted: vec![], integers: vec![], floats: vec![], distance: 0.0 };
        for (seed, split) in (0..).zip(splits) {
            let cast = data.cast(seed, split, MEMBERS, params)?;
            let released = cast.train()?;
            let encrypted = table::weights(&released[0], &params);
            let (exact, _) = cast.plain::<i64>(params.iterations)?;
            let integers = table::weights(&exact[0], &params);
            let differences = encrypted.iter().zip(&integers).map(|(a, b)| (a - b).abs());
            scores.distance = differences.fold(scores.distance, f64::max);
            scores.encrypted.push(data.accuracy(&split.test, &encrypted));
            scores.integers.push(data.accuracy(&split.test, &integers));
            scores.floats.push(data.accuracy(&split.test, &floats(data, split, &params)));
        }
        Ok(scores)
    }

    /// Per cent: encrypted, integers, floats.
    fn means(&self) -> [f64; 3] {
        [percent(&self.encrypted), percent(&self.integers), percent(&self.floats)]
    }
}

fn percent(values: &[f64]) -> f64 {
    100.0 * values.iter().sum::<f64>() / values.len() as f64
}

/// Gradient descent on the unrounded rows, with the job's learning rate: the mean is over all slots.
fn floats(data: &Table, split: &Split, p: &Params) -> Vec<f64> {
    let slots = f64::from(GROUPS * p.rows_per_group());
    let mut w = vec![0.0; p.features as usize];
    for _ in 0..p.iterations {
        let mut gradient = vec![0.0; w.len()];
        for &i in &split.train {
            let x = &data.rows[i];
            let target = if data.labels[i] { 0.5 } else { -0.5 };
            let residual = x.iter().zip(&w).map(|(x, w)| x * w).sum::<f64>() - target;
            gradient.iter_mut().zip(x).for_each(|(g, x)| *g += x * residual);
        }
        w.iter_mut().zip(gradient).for_each(|(w, g)| *w -= p.learning_rate() / slots * g);
    }
    w
}

#[derive(Deserialize)]
struct Baseline {
    accuracies: Vec<f64>,
}

/// scikit-learn on the same splits, if there is a Python that has it.
fn sklearn(splits: &[Split]) -> anyhow::Result<Vec<f64>> {
    let python = std::env::var("ZEKTRA_PYTHON").unwrap_or_else(|_| "python3".into());
    let mut command = Command::new(&python);
    command.arg(workspace().join("scripts/sklearn_baseline.py")).arg(table::path());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("cannot start {python}"))?;
    let splits: Vec<_> = splits.iter().map(|s| json!({ "train": s.train, "test": s.test })).collect();
    let input = json!({ "splits": splits }).to_string();
    if let Some(mut stdin) = child.stdin.take() {
        // A script that stops early says why on its own.
        let _ = stdin.write_all(input.as_bytes());
    }
    let output = child.wait_with_output()?;
    let last = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().lines().last().unwrap_or("no output").to_string();
    anyhow::ensure!(output.status.success(), "{python}: {}", last(&output.stderr));
    let baseline: Baseline = serde_json::from_slice(&output.stdout).context("the baseline's output")?;
    anyhow::ensure!(baseline.accuracies.len() == splits.len(), "{} accuracies", baseline.accuracies.len());
    Ok(baseline.accuracies)
}
