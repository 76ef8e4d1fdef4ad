//! The Wisconsin breast cancer table: fixed splits, public bounds, scaled rows.

use crate::report::workspace;
use anyhow::{Context as _, ensure};
use std::path::PathBuf;
use zektra_he::profile::Wanted;
use zektra_he::rehearsal::rows::Random;
use zektra_he::rehearsal::{Cast, Rows};
use zektra_statement::template::{Kind, Params, Template};

/// Rows of a training set; the other 114 of 569 test it.
pub const TRAIN: usize = 455;
/// Splits that every figure is the mean of.
pub const SPLITS: u64 = 8;
/// What a column's bounds are mapped to.
pub const GAIN: f64 = 2.0;
/// The constant column.
pub const BIAS: f64 = 0.25;
/// Bound of a row's squared norm, in 1/256.
pub const ROW_NORM: u32 = 832;
/// Bound of an entry, in 1/256.
pub const RANGE: u32 = 256;
/// Entries of a row, the constant included.
pub const FEATURES: u32 = 31;
/// Row groups of the training set, two an owner.
pub const GROUPS: u32 = 4;

/// The table with its rows scaled by public bounds.
pub struct Table {
    /// Scaled rows, the constant first.
    pub rows: Vec<Vec<f64>>,
    /// Benign.
    pub labels: Vec<bool>,
    /// Where the bounds come from.
    pub bounds: &'static str,
}

/// Indices of rows.
pub struct Split {
    /// 455 of them.
    pub train: Vec<usize>,
    /// 114 of them.
    pub test: Vec<usize>,
}

/// Where the table is.
pub fn path() -> PathBuf {
    workspace().join("data/breast_cancer.csv")
}

impl Table {
    /// Reads and scales the table.
    ///
    /// # Errors
    /// A missing or malformed file.
    pub fn load() -> anyhow::Result<Self> {
        let mut reader = csv::Reader::from_path(path())?;
        let names: Vec<String> = reader.headers()?.iter().map(str::to_string).collect();
        let mut raw: Vec<Vec<f64>> = Vec::new();
        for record in reader.records() {
            let numbers = record?.iter().map(str::parse).collect::<Result<Vec<f64>, _>>()?;
            ensure!(numbers.len() == FEATURES as usize, "row {} has {} columns", raw.len(), numbers.len());
            raw.push(numbers);
        }
        ensure!(raw.len() > TRAIN, "{} rows", raw.len());
        let features = FEATURES as usize - 1;
        let (limits, bounds) = match schema(&names[..features])? {
            Some(limits) => (limits, "data/breast_cancer.schema.toml"),
            None => ((0..features).map(|j| spread(&raw, j)).collect(), "mean ± 2.5 σ of the table, 3 digits"),
        };
        let labels = raw.iter().map(|r| r[features] > 0.5).collect();
        let rows = raw.iter().map(|r| scaled(&r[..features], &limits)).collect();
        Ok(Self { rows, labels, bounds })
    }

    /// Split `seed`: a permutation of the rows by SplitMix64.
    pub fn split(&self, seed: u64) -> Split {
        let mut train = Random(seed).permutation(self.rows.len());
        let test = train.split_off(TRAIN);
        Split { train, test }
    }

    /// A row in integers, rounded towards zero so that its norm stays in bounds.
    fn integers(&self, index: usize, p: &Params) -> (Vec<i32>, Vec<i32>) {
        let scale = f64::from(1 << p.scale_x);
        let half = 1 << (p.scale_r - 1);
        let target = if self.labels[index] { half } else { -half };
        (self.rows[index].iter().map(|v| (v * scale).trunc() as i32).collect(), vec![target])
    }

    /// The training rows of a split, half for each of two tables.
    pub fn tables(&self, split: &Split, p: &Params) -> [Rows; 2] {
        let (first, second) = split.train.split_at(TRAIN.div_ceil(2));
        [first, second].map(|half| half.iter().map(|&i| self.integers(i, p)).collect())
    }

    /// A job on a split.
    ///
    /// # Errors
    /// What a member may refuse.
    pub fn cast(&self, seed: u64, split: &Split, members: u32, params: Params) -> anyhow::Result<Cast> {
        let template = Template { kind: Kind::LinearClassifier, params };
        Ok(Cast::new(seed, members as usize, &self.tables(split, &params), template)?)
    }

    /// The share of rows whose class the weights' sign gives.
    pub fn accuracy(&self, indices: &[usize], weights: &[f64]) -> f64 {
        let right = |&&i: &&usize| {
            let z: f64 = self.rows[i].iter().zip(weights).map(|(x, w)| x * w).sum();
            (z > 0.0) == self.labels[i]
        };
        indices.iter().filter(right).count() as f64 / indices.len() as f64
    }
}

/// What such a job wants: a full batch in four row groups, learning rate ½.
pub fn wanted(members: u32, iterations: u32) -> Wanted {
    Wanted {
        kind: Kind::LinearClassifier,
        features: FEATURES,
        classes: 1,
        groups: GROUPS,
        full_batch: true,
        iterations,
        members,
        attempts: 1,
        learning_rate: 0.5,
        row_norm: ROW_NORM,
        range: RANGE,
        fixed_scales: None,
        fan_in: None,
        weight_bits: None,
    }
}

/// Weights as integers to numbers.
pub fn weights(integers: &[i64], p: &Params) -> Vec<f64> {
    integers.iter().map(|&w| w as f64 / f64::from(1 << p.scale_w)).collect()
}

/// Each column's `[low, high]` to `[−GAIN, GAIN]`, clipped; the constant in front; the norm and the range bounded.
fn scaled(raw: &[f64], limits: &[(f64, f64)]) -> Vec<f64> {
    let entry =
        |(&v, &(low, high)): (&f64, &(f64, f64))| ((v - low) / (high - low) * 2.0 - 1.0).clamp(-1.0, 1.0) * GAIN;
    let mut row: Vec<f64> = std::iter::once(BIAS).chain(raw.iter().zip(limits).map(entry)).collect();
    let (norm, range) = (f64::from(ROW_NORM) / 256.0, f64::from(RANGE) / 256.0);
    let square = row.iter().map(|v| v * v).sum::<f64>();
    let shrink = (norm / square).sqrt().min(1.0);
    row.iter_mut().for_each(|v| *v = (*v * shrink).clamp(-range, range));
    row
}

/// Mean ± 2.5 standard deviations of a column, rounded to three digits.
fn spread(raw: &[Vec<f64>], column: usize) -> (f64, f64) {
    let n = raw.len() as f64;
    let mean = raw.iter().map(|r| r[column]).sum::<f64>() / n;
    let variance = raw.iter().map(|r| (r[column] - mean).powi(2)).sum::<f64>() / n;
    let rounded = |v: f64| {
        let unit = 10f64.powf(v.abs().log10().floor() - 2.0);
        (v / unit).round() * unit
    };
    (rounded(mean - 2.5 * variance.sqrt()), rounded(mean + 2.5 * variance.sqrt()))
}

/// The published bounds, `[[columns]] name, low, high`, if the file is there.
fn schema(names: &[String]) -> anyhow::Result<Option<Vec<(f64, f64)>>> {
    let path = workspace().join("data/breast_cancer.schema.toml");
    let Ok(text) = std::fs::read_to_string(&path) else {
        return Ok(None);
    };
    let schema: toml::Table = text.parse().with_context(|| path.display().to_string())?;
    let columns = ["columns", "column"].iter().find_map(|k| schema.get(*k)?.as_array());
    let columns = columns.with_context(|| format!("{} has no [[columns]]", path.display()))?;
    let bound = |name: &String| {
        let column = columns.iter().find(|c| c.get("name").and_then(toml::Value::as_str) == Some(name))?;
        let number = |key: &str| column.get(key)?.as_float().or(column.get(key)?.as_integer().map(|v| v as f64));
        Some((number("low")?, number("high")?))
    };
    let bound = |name: &String| bound(name).with_context(|| format!("{}: no bounds of {name}", path.display()));
    names.iter().map(bound).collect::<anyhow::Result<Vec<_>>>().map(Some)
}
