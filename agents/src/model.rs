//! The decrypted model: what the developer's key opens, in the table's own terms.

use crate::rejected::{Rejected, allow, expect};
use crate::schema::{Column, Schema, TargetColumn};
use crate::table::{Scaler, TableReader};
use crate::vault::{Home, schema_digest};
use crate::wire;
use anyhow::{Context as _, Result, bail};
use prost::Message as _;
use serde::{Deserialize, Serialize};
use std::io::Read;
use std::path::Path;
use zektra_he::plain::Plain;
use zektra_he::release;
use zektra_he::seat::SeatSecret;
use zektra_proto::node::v1::envelope::Body;
use zektra_proto::training::v1::Outcome;
use zektra_statement::batch::BatchOrder;
use zektra_statement::field::N;
use zektra_statement::record::{Job, Seat};
use zektra_statement::template::{Kind, Template, columns_for, cubic};

/// A linear model with everything that is needed to use it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Model {
    /// `zektra-linear-model/1`.
    pub format: String,
    /// The template that was trained.
    pub template: String,
    /// Iterations.
    pub iterations: u32,
    /// Members.
    pub members: u32,
    /// Rows that it was trained on.
    pub rows: u64,
    /// Digest of the job's record, hexadecimal.
    pub job: String,
    /// Digest of everything that was said in the job, hexadecimal.
    pub transcript: String,
    /// How a row is scaled before it meets the weights: bounds, gain, constant, norm.
    pub schema: Schema,
    /// One vector a class (one for two classes or a number): the constant's weight first, then one a column.
    pub weights: Vec<Vec<f64>>,
}

const FORMAT: &str = "zektra-linear-model/1";

/// A model's answer for a row.
#[derive(Clone, Debug, PartialEq)]
pub enum Prediction {
    /// Index of the class, and each class' score (one for two classes: positive means the second).
    Class(usize, Vec<f64>),
    /// A number in the target's own unit.
    Number(f64),
}

/// Decrypts the outcome in the developer's folder.
///
/// # Errors
/// A missing or foreign outcome, a key that it was not made for, shares that do not open the record.
pub fn decrypt(home: &Home, job_id: u64, attempt: u32) -> Result<Model> {
    let path = home.job_folder(job_id, attempt).join("outcome.zk");
    decrypt_file(home, &path)
}

/// Decrypts an outcome file.
///
/// # Errors
/// As for [`decrypt`].
pub fn decrypt_file(home: &Home, path: &Path) -> Result<Model> {
    let context = || format!("cannot use {}", path.display());
    let Body::Outcome(outcome) = wire::decode_file(&crate::files::read(path)?).with_context(context)? else {
        return Err(Rejected::Input(format!("{} is not the outcome of a job", path.display())).into());
    };
    let job =
        zektra_records::job_from_pb(outcome.job.as_ref().context("outcome.job: missing")?).with_context(context)?;
    let seat = home.seat_of(&job.seats[job.developer as usize].key)?;
    let model = open_outcome(home, &seat, &outcome).with_context(context)?;
    let genuine = outcome.authenticator.clone();
    allow(authenticated(&seat, outcome).authenticator == genuine, || {
        format!("{} is not what this seat's member took part in, or was changed since", path.display())
    })?;
    Ok(model)
}

/// An outcome under the authenticator of the developer's own seat.
pub fn authenticated(seat: &SeatSecret, mut outcome: Outcome) -> Outcome {
    outcome.authenticator.clear();
    let bytes = outcome.encode_to_vec();
    outcome.authenticator = seat.authenticate(&bytes).to_vec().into();
    outcome
}

/// Whether a template can train on what a schema describes.
///
/// # Errors
/// Another number of columns or classes, or another kind of target.
pub fn suits(template: &Template, schema: &Schema) -> Result<()> {
    let p = &template.params;
    let numbers = matches!(schema.target, TargetColumn::Number { .. });
    expect(p.features as usize == schema.features(), || {
        format!("features: {} in the template, {} in the schema", p.features, schema.features())
    })?;
    expect(p.classes as usize == schema.classes(), || {
        format!("classes: {} in the template, {} in the schema", p.classes, schema.classes())
    })?;
    expect(numbers == (template.kind == Kind::LinearRegression), || {
        let target = if numbers { "a number" } else { "a class" };
        format!("template: {:?}, but the schema's target is {target}", template.kind.id())
    })?;
    Ok(())
}

/// Opens an outcome with the developer's seat: every release against its recorded commitment, with the secret of the
/// record's release key; the developer's own is sealed to its seat's.
///
/// # Errors
/// As for [`decrypt`].
pub fn open_outcome(home: &Home, seat: &SeatSecret, outcome: &Outcome) -> Result<Model> {
    let job = zektra_records::job_from_pb(outcome.job.as_ref().context("outcome.job: missing")?)?;
    let developer = &job.seats[job.developer as usize];
    let own = Seat { release_key: developer.release_key, ..seat.public() };
    allow(*developer == own, || {
        format!(
            "the model was made for the key {} of {:?}, this seat's key is {}",
            developer.key,
            developer.name,
            seat.commitment()
        )
    })?;
    let secret = home.release_secret(seat, &developer.release_key)?;
    let table = job.template.compile()?;
    let lock = zektra_records::fingerprint("outcome.lock", &outcome.lock)?;
    let transcript = zektra_records::fingerprint("outcome.transcript", &outcome.transcript)?;
    let states = wire::states_from_pb(&outcome.states)?;
    let fits = states.len() == table.released.len()
        && states.iter().zip(&table.released).all(|((s, u, shares), &released)| {
            *s == released
                && u.len() == usize::from(table.states[usize::from(released)].length)
                && shares.len() == job.seats.len()
        });
    expect(fits, || "the states are not those that the template releases".into())?;
    let mut releases = Vec::new();
    for (expected, r) in (0u32..).zip(&outcome.releases) {
        let (member, sealed) = wire::release_from_pb(r);
        expect(member == expected, || format!("outcome.releases: member {member}, expected {expected}"))?;
        expect((member as usize) < job.seats.len(), || "outcome.releases: more than the members".into())?;
        let recorded: Vec<_> = states.iter().map(|(_, _, shares)| shares[member as usize]).collect();
        let secret = if member == job.developer { seat.release_secret() } else { &secret };
        releases.push(release::open(&sealed, secret, &table, &lock, member, &recorded)?);
    }
    let opened: Vec<_> = states.into_iter().map(|(_, u, _)| u).collect();
    let vectors = release::combine(&opened, &releases, job.seats.len())?;
    let schema = Schema::parse(&outcome.schema)?;
    let same = schema_digest(&schema) == job.datasets[0].dataset.schema;
    expect(same, || "the schema is not the record's".into())?;
    suits(&job.template, &schema)?;
    let vectors: Vec<Vec<f64>> = vectors.iter().map(|v| v.iter().map(|&w| w as f64).collect()).collect();
    Ok(Model {
        format: FORMAT.into(),
        template: job.template.kind.id().into(),
        iterations: job.template.params.iterations,
        members: job.members(),
        rows: job.datasets.iter().map(|d| d.dataset.rows).sum(),
        job: job.digest().to_string(),
        transcript: transcript.to_string(),
        weights: weights(&job.template, &vectors),
        schema,
    })
}

/// Released vectors (one a class and column block, in units of `2^−scale_w`) as one vector a class.
pub fn weights(template: &Template, released: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let p = &template.params;
    let unit = match template.kind {
        Kind::LinearClassifier | Kind::LinearRegression => 1.0,
        Kind::CubicClassifier => 1.0 / cubic::KAPPA,
    } / (1u64 << p.scale_w) as f64;
    let blocks = p.blocks() as usize;
    released
        .chunks(blocks)
        .map(|class| class.iter().flatten().take(p.features as usize).map(|&w| w * unit).collect())
        .collect()
}

impl Model {
    /// Reads a model file.
    ///
    /// # Errors
    /// A missing file, another format, weights that do not fit the schema.
    pub fn load(path: &Path) -> Result<Self> {
        let context = || format!("cannot use the model {}", path.display());
        let model: Self = serde_json::from_slice(&crate::files::read(path)?).with_context(context)?;
        expect(model.format == FORMAT, || {
            format!("{}: format is {:?}, expected {FORMAT:?}", path.display(), model.format)
        })?;
        model.schema.validate().with_context(context)?;
        let fits = model.weights.len() == model.schema.classes()
            && model.weights.iter().all(|w| w.len() == model.schema.features() && w.iter().all(|v| v.is_finite()));
        expect(fits, || format!("{}: the weights do not fit the schema", path.display()))?;
        Ok(model)
    }

    /// As JSON.
    ///
    /// # Errors
    /// None in practice: every field is representable.
    pub fn to_json(&self) -> Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }

    /// The answer for a scaled row.
    pub fn predict(&self, x: &[f64]) -> Prediction {
        let scores: Vec<f64> = self.weights.iter().map(|w| w.iter().zip(x).map(|(w, x)| w * x).sum()).collect();
        match &self.schema.target {
            TargetColumn::Number { low, high, .. } => Prediction::Number((scores[0] + 0.5) * (high - low) + low),
            TargetColumn::Classes { .. } if scores.len() == 1 => {
                Prediction::Class(usize::from(scores[0] > 0.0), scores)
            }
            TargetColumn::Classes { .. } => {
                let best = (0..scores.len()).fold(0, |b, i| if scores[i] > scores[b] { i } else { b });
                Prediction::Class(best, scores)
            }
        }
    }

    /// What a class is called.
    pub fn class_name(&self, index: usize) -> &str {
        match &self.schema.target {
            TargetColumn::Classes { values, .. } => values.get(index).map_or("", String::as_str),
            TargetColumn::Number { .. } => "",
        }
    }

    /// Answers for every row of a table without a target.
    ///
    /// # Errors
    /// Bad input, with line and column.
    pub fn predict_table(&self, reader: impl Read, mut each: impl FnMut(Prediction) -> Result<()>) -> Result<u64> {
        let mut table = TableReader::features_only(reader, &self.schema, self.schema.feature_bits)?;
        while let Some(row) = table.next_scaled() {
            each(self.predict(&row?.x))?;
        }
        Ok(table.tally().rows)
    }

    /// Share of right answers on a labelled table; for numbers the root of the mean squared error.
    ///
    /// # Errors
    /// Bad input, or a table without rows.
    pub fn score(&self, reader: impl Read) -> Result<f64> {
        let mut table = TableReader::new(reader, &self.schema, self.schema.feature_bits)?;
        let (mut sum, mut rows) = (0.0, 0u64);
        while let Some(row) = table.next_scaled() {
            let row = row?;
            rows += 1;
            sum += match (self.predict(&row.x), row.target) {
                (Prediction::Class(a, _), crate::table::Target::Class(b)) => f64::from(u8::from(a == usize::from(b))),
                (Prediction::Number(a), crate::table::Target::Number(b)) => {
                    let TargetColumn::Number { low, high, .. } = self.schema.target else { continue };
                    let unit = (1u64 << self.schema.feature_bits) as f64;
                    let truth = (f64::from(b) / unit + 0.5) * (high - low) + low;
                    (a - truth) * (a - truth)
                }
                _ => bail!("the table's target is not the model's"),
            };
        }
        expect(rows > 0, || "the table has no rows, expected at least one".into())?;
        let mean = sum / rows as f64;
        Ok(if matches!(self.schema.target, TargetColumn::Number { .. }) { mean.sqrt() } else { mean })
    }
}

/// The same schedule in the clear: for people who hold all rows, to compare with.
#[derive(Debug)]
pub struct Reference {
    /// After each iteration, weights by floats.
    pub floats: Vec<Vec<Vec<f64>>>,
    /// After each iteration, weights by exact integers.
    pub integers: Vec<Vec<Vec<f64>>>,
    /// Largest value that each phase opened, by exact integers: the measured payload.
    pub largest: Vec<f64>,
}

/// Trains a job's template in the clear on the owners' tables, in the job's order.
///
/// # Errors
/// Bad input, or tables that do not have the job's row groups.
pub fn reference(job: &Job, schema: &Schema, tables: &[impl AsRef<Path>]) -> Result<Reference> {
    let p = &job.template.params;
    let columns = columns_for(p.features) as usize;
    let (blocks, classes, rows) = (p.blocks() as usize, p.classes as usize, N / columns);
    let (sx, sr) = ((1u64 << p.scale_x) as f64, (1u64 << p.scale_r) as f64);
    let scaler = Scaler::new(schema, p.scale_x)?;
    // [row group][block] in both forms: unrounded floats, and the integers that are encrypted.
    let mut floats: Vec<Vec<[Vec<f64>; 2]>> = Vec::new();
    let mut integers: Vec<Vec<[Vec<i64>; 2]>> = Vec::new();
    for path in tables {
        let path = path.as_ref();
        let file = std::fs::File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        let mut reader = TableReader::new(file, schema, p.scale_x)?;
        let mut i = rows;
        while let Some(row) = reader.next_scaled() {
            let row = row.with_context(|| format!("in {}", path.display()))?;
            if i == rows {
                floats.push(vec![[vec![0.0; N], vec![0.0; N]]; blocks]);
                integers.push(vec![[vec![0; N], vec![0; N]]; blocks]);
                i = 0;
            }
            let quantised = scaler.quantise(&row.x);
            let targets: Vec<f64> = match row.target {
                crate::table::Target::Class(k) if classes == 1 => vec![if k == 1 { 0.5 } else { -0.5 }],
                crate::table::Target::Class(k) => {
                    (0..classes).map(|c| if usize::from(k) == c { 0.5 } else { -0.5 }).collect()
                }
                crate::table::Target::Number(v) => vec![f64::from(v) / sx],
                crate::table::Target::None => bail!("a row without a target"),
            };
            if let (Some(f), Some(q)) = (floats.last_mut(), integers.last_mut()) {
                for (j, (&x, &v)) in row.x.iter().zip(&quantised).enumerate() {
                    let (block, at) = (j / columns, j % columns);
                    f[block][0][i * columns + at] = x * sx;
                    q[block][0][i * columns + at] = i64::from(v);
                    for (c, &t) in targets.iter().enumerate() {
                        f[block][1][c * columns + at] -= x * sx * t * sr;
                        let t = (t * sr + 0.5).floor() as i64;
                        q[block][1][c * columns + at] -= i64::from(v) * t;
                    }
                }
            }
            i += 1;
        }
    }
    let groups = job.groups() as usize;
    expect(floats.len() == groups, || format!("the tables have {} row groups, the job {groups}", floats.len()))?;
    let table = job.template.compile()?;
    let mut order = BatchOrder::new(job.beacon, job.groups(), p.groups);
    let (mut float, mut integer) = (Plain::<f64>::new(table.clone()), Plain::<i64>::new(table));
    let (mut by_floats, mut by_integers) = (Vec::new(), Vec::new());
    for t in 0..p.iterations {
        let step = order.step(t);
        let at = |slot: u16| step[usize::from(slot)] as usize;
        float.iterate(&|slot, block| &floats[at(slot)][usize::from(block)]);
        integer.iterate(&|slot, block| &integers[at(slot)][usize::from(block)]);
        by_floats.push(weights(&job.template, &float.released()));
        let exact: Vec<Vec<f64>> = integer.released().iter().map(|v| v.iter().map(|&w| w as f64).collect()).collect();
        by_integers.push(weights(&job.template, &exact));
    }
    Ok(Reference { floats: by_floats, integers: by_integers, largest: integer.largest().to_vec() })
}

/// A column as people read it.
pub fn describe_column(c: &Column) -> String {
    format!("{} in [{}, {}]", c.name, c.low, c.high)
}
