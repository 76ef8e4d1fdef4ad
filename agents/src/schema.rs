//! The public description of a table: which columns are features, between which bounds they lie, and what is learnt.
//!
//! Every owner of a job quantises its rows by the same schema, so the bounds are agreed on and published before any row
//! is read. The proofs of a tile show that its rows respect them; they say nothing about how the bounds were chosen.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::io::Read;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::table::{Records, TableError, shorten};

/// The version of the document and of [`Schema::digest_bytes`].
pub const VERSION: u32 = 1;
/// The most feature columns of a schema; with the bias a row has at most 1,024 entries.
pub const MAX_COLUMNS: usize = 1023;
/// The most values of a class target.
pub const MAX_CLASSES: usize = 10;
/// The longest column name or class value, in bytes.
pub const MAX_TEXT: usize = 128;

/// How a table becomes bounded rows: a TOML document.
///
/// # Invariants
///
/// Those that [`Schema::validate`] checks. They hold for every schema that [`Schema::parse`], [`Schema::load`] and
/// [`Schema::draft`] return; the fields are public, so whatever takes a schema validates it again.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Schema {
    /// [`VERSION`].
    pub version: u32,
    /// `[a-z0-9_-]{1,64}`.
    pub name: String,
    /// Bound `R` on the squared norm of a scaled row, bias included; 0.25 to 4.
    pub row_norm: f64,
    /// Features are mapped from `[low, high]` to `[-gain, gain]`; above 0, at most 8.
    pub gain: f64,
    /// The constant column before the row is scaled; above 0, at most 1, at most `range`.
    pub bias: f64,
    /// Bound of each value's magnitude after the row is scaled; above 0, at most 2.
    pub range: f64,
    /// Fraction bits of the features, 6 to 12: all owners of a job must use the same.
    #[serde(default = "default_bits")]
    pub feature_bits: u32,
    /// Fraction bits of the residuals that the label moments fit, 4 to 12.
    #[serde(default = "default_bits")]
    pub residual_bits: u32,
    /// What is learnt.
    pub target: TargetColumn,
    /// The features, in the order of a row's entries; 1 to [`MAX_COLUMNS`].
    pub columns: Vec<Column>,
}

/// A feature column and its public bounds, in the column's own unit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    /// The column's name in the header.
    pub name: String,
    /// Values below are clipped to it.
    pub low: f64,
    /// Values above are clipped to it.
    pub high: f64,
}

/// The column that is learnt.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum TargetColumn {
    /// One of 2 to [`MAX_CLASSES`] labels, compared as text.
    Classes {
        /// The column's name in the header.
        column: String,
        /// The labels; a class is an index into them.
        values: Vec<String>,
    },
    /// A number in `[low, high]`.
    Number {
        /// The column's name in the header.
        column: String,
        /// The smallest value.
        low: f64,
        /// The largest value.
        high: f64,
    },
}

impl TargetColumn {
    /// The column's name in the header.
    pub fn column(&self) -> &str {
        match self {
            Self::Classes { column, .. } | Self::Number { column, .. } => column,
        }
    }
}

/// Why a schema was refused.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The file could not be read.
    #[error("cannot read the schema {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// The text is not TOML, or a field is missing, unknown or of another type.
    #[error("the schema is not a valid document")]
    Document(#[from] toml::de::Error),
    /// A field's value is not allowed.
    #[error("schema field {field} is {value}, expected {expected}")]
    Invalid {
        /// The field, as a path into the document.
        field: String,
        /// What it holds.
        value: String,
        /// What it may hold.
        expected: String,
    },
}

impl SchemaError {
    fn invalid(field: impl Into<String>, value: impl ToString, expected: impl Into<String>) -> Self {
        Self::Invalid { field: field.into(), value: value.to_string(), expected: expected.into() }
    }
}

impl Schema {
    /// Reads a schema from a TOML file.
    ///
    /// # Errors
    ///
    /// [`SchemaError::Read`], and those of [`Schema::parse`].
    pub fn load(path: impl AsRef<Path>) -> Result<Self, SchemaError> {
        let path = path.as_ref();
        let text =
            std::fs::read_to_string(path).map_err(|source| SchemaError::Read { path: path.to_path_buf(), source })?;
        Self::parse(&text)
    }

    /// Reads a schema from TOML text.
    ///
    /// # Errors
    ///
    /// [`SchemaError::Document`] if the text is not a schema document, [`SchemaError::Invalid`] naming the first field
    /// that breaks a rule of [`Schema::validate`].
    pub fn parse(text: &str) -> Result<Self, SchemaError> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        // A later version may have other fields: say that it is later, rather than that a field is unknown.
        let Versioned { version } = toml::from_str(text)?;
        if version != VERSION {
            return Err(SchemaError::invalid("version", version, VERSION.to_string()));
        }
        let schema: Self = toml::from_str(text)?;
        schema.validate()?;
        Ok(schema)
    }

    /// The TOML document. [`Schema::parse`] gives back an equal schema.
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("strings, numbers and tables are always TOML")
    }

    /// Checks the bounds given at each field, and that names and class values are distinct, not empty, without
    /// surrounding space or control characters, and at most [`MAX_TEXT`] bytes long; that every `low` is below its
    /// `high`; and that the target is not a feature.
    ///
    /// # Errors
    ///
    /// [`SchemaError::Invalid`] with the first field that breaks a rule.
    pub fn validate(&self) -> Result<(), SchemaError> {
        let Self { version, name, row_norm, gain, bias, range, feature_bits, residual_bits, target, columns } = self;
        if *version != VERSION {
            return Err(SchemaError::invalid("version", version, VERSION.to_string()));
        }
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-';
        if !(1..=64).contains(&name.len()) || !name.bytes().all(allowed) {
            return Err(SchemaError::invalid("name", quoted(name), "1 to 64 characters of a-z, 0-9, _ and -"));
        }
        check_number("row_norm", *row_norm, (0.25..=4.0).contains(row_norm), "a number from 0.25 to 4")?;
        check_number("gain", *gain, *gain > 0.0 && *gain <= 8.0, "a number above 0, at most 8")?;
        check_number("range", *range, *range > 0.0 && *range <= 2.0, "a number above 0, at most 2")?;
        check_number("bias", *bias, *bias > 0.0 && *bias <= 1.0, "a number above 0, at most 1")?;
        // A clipped bias would silently be another constant than the published one.
        check_number("bias", *bias, bias <= range, &format!("at most the range, {range}"))?;
        for (field, bits, low) in [("feature_bits", feature_bits, 6), ("residual_bits", residual_bits, 4)] {
            if !(low..=12).contains(bits) {
                return Err(SchemaError::invalid(field, bits, format!("{low} to 12")));
            }
        }

        if !(1..=MAX_COLUMNS).contains(&columns.len()) {
            let expected = format!("1 to {MAX_COLUMNS} feature columns");
            return Err(SchemaError::invalid("columns", format!("{} columns", columns.len()), expected));
        }
        let mut names = BTreeSet::new();
        for (i, Column { name, low, high }) in columns.iter().enumerate() {
            check_text(&format!("columns[{i}].name"), name)?;
            if !names.insert(name.as_str()) {
                return Err(SchemaError::invalid(format!("columns[{i}].name"), quoted(name), "a name used only once"));
            }
            check_bounds(&format!("columns[{i}] ({name})"), *low, *high)?;
        }

        check_text("target.column", target.column())?;
        if names.contains(target.column()) {
            let expected = "a column that is not among the features";
            return Err(SchemaError::invalid("target.column", quoted(target.column()), expected));
        }
        match target {
            TargetColumn::Number { column: _, low, high } => check_bounds("target", *low, *high),
            TargetColumn::Classes { column: _, values } => {
                if !(2..=MAX_CLASSES).contains(&values.len()) {
                    let expected = format!("2 to {MAX_CLASSES} values");
                    return Err(SchemaError::invalid("target.values", format!("{} values", values.len()), expected));
                }
                let mut seen = BTreeSet::new();
                for (i, value) in values.iter().enumerate() {
                    let field = format!("target.values[{i}]");
                    check_text(&field, value)?;
                    if !seen.insert(value) {
                        return Err(SchemaError::invalid(field, quoted(value), "a value used only once"));
                    }
                }
                Ok(())
            }
        }
    }

    /// Entries of a row: the bias and the columns.
    pub fn features(&self) -> usize {
        self.columns.len() + 1
    }

    /// Weight vectors that are trained: one for a number or two classes, one for each of more classes (one against the
    /// rest).
    pub fn classes(&self) -> usize {
        match &self.target {
            TargetColumn::Classes { values, .. } if values.len() > 2 => values.len(),
            TargetColumn::Classes { .. } | TargetColumn::Number { .. } => 1,
        }
    }

    /// The bound of a row's squared norm in 1/256, rounded up: how records state it.
    pub fn row_norm_units(&self) -> u32 {
        (self.row_norm * 256.0).ceil() as u32
    }

    /// The bound of a value in 1/256, rounded up.
    pub fn range_units(&self) -> u32 {
        (self.range * 256.0).ceil() as u32
    }

    /// The schema in a canonical encoding, for hashing: different schemas have different bytes.
    ///
    /// Integers are little-endian; a list or a text is its length (`u32`) and its items or UTF-8 bytes; a number is the
    /// eight bytes of its IEEE 754 form, with -0 as 0. In order: the text `zektra schema`, `version: u32`, `name`,
    /// `row_norm`, `gain`, `bias`, `range`, `feature_bits: u32`, `residual_bits: u32`; the target's kind (a byte: 0 classes, 1 number), its `column`, and `values`
    /// or `low`, `high`; the columns, each `name`, `low`, `high`.
    pub fn digest_bytes(&self) -> Vec<u8> {
        let Self { version, name, row_norm, gain, bias, range, feature_bits, residual_bits, target, columns } = self;
        let mut out = Vec::new();
        put_text(&mut out, "zektra schema");
        out.extend(version.to_le_bytes());
        put_text(&mut out, name);
        for number in [row_norm, gain, bias, range] {
            put_number(&mut out, *number);
        }
        out.extend(feature_bits.to_le_bytes());
        out.extend(residual_bits.to_le_bytes());
        match target {
            TargetColumn::Classes { column, values } => {
                out.push(0);
                put_text(&mut out, column);
                put_length(&mut out, values.len());
                for value in values {
                    put_text(&mut out, value);
                }
            }
            TargetColumn::Number { column, low, high } => {
                out.push(1);
                put_text(&mut out, column);
                put_number(&mut out, *low);
                put_number(&mut out, *high);
            }
        }
        put_length(&mut out, columns.len());
        for Column { name, low, high } in columns {
            put_text(&mut out, name);
            put_number(&mut out, *low);
            put_number(&mut out, *high);
        }
        out
    }

    /// Proposes a schema for a CSV file in one pass, with memory bounded by the number of its columns.
    ///
    /// Every column but the target and the excluded ones becomes a feature, in the file's order, with bounds at mean ±
    /// `spread` standard deviations. A target of at most [`MAX_CLASSES`] distinct values becomes classes, sorted (by
    /// value if all are numbers), any other a number between its smallest and its largest value. Bounds are rounded
    /// outwards to three significant digits of their distance, so that a column of years is not widened by decades.
    ///
    /// The bounds are computed from this owner's rows and become public with the schema, which the first warning says:
    /// replace them by bounds from domain knowledge.
    ///
    /// # Errors
    ///
    /// [`DraftError`]: a file that cannot be read as a table of numbers, a column or target with only one value, no
    /// rows, or a result that [`Schema::validate`] refuses.
    pub fn draft(reader: impl Read, target: &str, options: &DraftOptions) -> Result<Draft, DraftError> {
        let DraftOptions { name, spread, row_norm, gain, bias, range, exclude, .. } = options;
        check_number("spread", *spread, *spread > 0.0 && *spread <= 100.0, "a number above 0, at most 100")?;
        let mut records = Records::open(reader)?;
        let target_at = records.find(target)?;
        let excluded = exclude.iter().map(|name| records.find(name)).collect::<Result<BTreeSet<_>, _>>()?;
        let mut moments: Vec<(usize, Moments)> = (0..records.header().len())
            .filter(|at| *at != target_at && !excluded.contains(at))
            .map(|at| (at, Moments::default()))
            .collect();
        let mut labels = Labels::default();
        let mut rows = 0u64;
        while records.advance()? {
            for (at, moments) in &mut moments {
                moments.observe(records.number(*at)?);
            }
            labels.observe(&records, target_at)?;
            rows += 1;
        }
        if rows == 0 {
            return Err(DraftError::NoRows);
        }

        let mut warnings = vec![
            "the column names, bounds and target values of this schema become public, and they were computed from \
             this owner's rows: replace them by values from domain knowledge before sharing the schema"
                .to_owned(),
        ];
        if rows < FEW_ROWS {
            warnings.push(format!("bounds from only {rows} rows say much about each of them"));
        }
        let mut columns = Vec::with_capacity(moments.len());
        for (at, moments) in moments {
            let name = records.header()[at].clone();
            if moments.low == moments.high {
                return Err(DraftError::Constant { column: name, value: moments.low });
            }
            let deviation = moments.deviation();
            let far = (moments.high - moments.mean).max(moments.mean - moments.low) / deviation;
            if far > FAR {
                let name = quoted(&name);
                warnings.push(format!("column {name} reaches {far:.0} standard deviations from its mean"));
            }
            let (low, high) = outwards(moments.mean - spread * deviation, moments.mean + spread * deviation);
            columns.push(Column { name, low, high });
        }
        let target = labels.finish(target, &mut warnings)?;
        let (name, row_norm, gain, bias, range) = (name.clone(), *row_norm, *gain, *bias, *range);
        let (feature_bits, residual_bits) = (options.feature_bits, options.residual_bits);
        let schema =
            Self { version: VERSION, name, row_norm, gain, bias, range, feature_bits, residual_bits, target, columns };
        schema.validate()?;
        Ok(Draft { schema, rows, warnings })
    }
}

fn default_bits() -> u32 {
    8
}

/// Below this many rows a draft warns.
const FEW_ROWS: u64 = 50;
/// Beyond this many standard deviations a draft warns of outliers.
const FAR: f64 = 10.0;

/// What [`Schema::draft`] cannot read from the file.
#[derive(Clone, Debug, PartialEq)]
pub struct DraftOptions {
    /// The schema's name.
    pub name: String,
    /// Half the distance of a column's bounds, in standard deviations.
    pub spread: f64,
    /// See [`Schema::row_norm`].
    pub row_norm: f64,
    /// See [`Schema::gain`].
    pub gain: f64,
    /// See [`Schema::bias`].
    pub bias: f64,
    /// See [`Schema::range`].
    pub range: f64,
    /// See [`Schema::feature_bits`].
    pub feature_bits: u32,
    /// See [`Schema::residual_bits`].
    pub residual_bits: u32,
    /// Columns of the file that are not features, such as a row's number.
    pub exclude: Vec<String>,
}

impl Default for DraftOptions {
    fn default() -> Self {
        let name = "table".to_owned();
        Self {
            name,
            spread: 2.5,
            row_norm: 3.25,
            gain: 2.0,
            bias: 0.5,
            range: 1.0,
            feature_bits: default_bits(),
            residual_bits: default_bits(),
            exclude: Vec::new(),
        }
    }
}

/// A proposed schema.
#[derive(Clone, Debug, PartialEq)]
pub struct Draft {
    /// The proposal; valid.
    pub schema: Schema,
    /// Rows that it was computed from.
    pub rows: u64,
    /// What its owner should know before publishing it; the first says that the bounds become public.
    pub warnings: Vec<String>,
}

impl Draft {
    /// The schema's document, under its warnings as comments.
    pub fn to_toml(&self) -> String {
        let mut out = String::new();
        for warning in &self.warnings {
            writeln!(out, "# WARNING: {warning}").expect("writing to a string does not fail");
        }
        out.push_str(
            "# A row is mapped from [low, high] to [-gain, gain], the constant column `bias` is put before it, and all of it\n\
             # is scaled down to a squared norm of at most row_norm. Raise bias where features are few or classes unbalanced.\n",
        );
        out + &self.schema.to_toml()
    }
}

/// Why no schema could be proposed.
#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    /// The file is not a table of numbers.
    #[error(transparent)]
    Table(#[from] TableError),
    /// The result, or an option, is not allowed.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The file has a header and no rows.
    #[error("the table has no rows, expected at least two")]
    NoRows,
    /// A feature column has one value only, so no bounds and nothing to learn from.
    #[error("column {column:?} is {value} in every row, expected a column that varies: exclude it")]
    Constant {
        /// The column.
        column: String,
        /// Its only value.
        value: f64,
    },
    /// The target has one value only.
    #[error("target {column:?} is {value:?} in every row, expected at least two values")]
    ConstantTarget {
        /// The target.
        column: String,
        /// Its only value.
        value: String,
    },
    /// The target has too many values for classes, and one of them is not a number.
    #[error("target has more than {MAX_CLASSES} distinct values, expected classes or numbers only: {0}")]
    Target(#[source] TableError),
}

/// Welford's running moments (Technometrics 4(3), 1962), with the extremes.
struct Moments {
    count: f64,
    mean: f64,
    squares: f64,
    low: f64,
    high: f64,
}

impl Default for Moments {
    fn default() -> Self {
        Self { count: 0.0, mean: 0.0, squares: 0.0, low: f64::INFINITY, high: f64::NEG_INFINITY }
    }
}

impl Moments {
    fn observe(&mut self, value: f64) {
        self.count += 1.0;
        let delta = value - self.mean;
        self.mean += delta / self.count;
        self.squares += delta * (value - self.mean);
        self.low = self.low.min(value);
        self.high = self.high.max(value);
    }

    /// Of the population, as scikit-learn's `StandardScaler` has it.
    fn deviation(&self) -> f64 {
        (self.squares / self.count).sqrt()
    }
}

/// The target's values: kept while they are few, then only their extremes.
#[derive(Default)]
struct Labels {
    few: BTreeSet<String>,
    many: bool,
    numbers: Moments,
    not_a_number: Option<TableError>,
}

impl Labels {
    fn observe<R: Read>(&mut self, records: &Records<R>, at: usize) -> Result<(), DraftError> {
        let label = records.cell(at)?;
        if !self.many && !self.few.contains(label.as_ref()) {
            self.few.insert(label.into_owned());
            self.many = self.few.len() > MAX_CLASSES;
        }
        match records.number(at) {
            Ok(value) => self.numbers.observe(value),
            Err(error) => self.not_a_number = self.not_a_number.take().or(Some(error)),
        }
        match self.not_a_number.take() {
            Some(error) if self.many => Err(DraftError::Target(error)),
            kept => {
                self.not_a_number = kept;
                Ok(())
            }
        }
    }

    fn finish(self, column: &str, warnings: &mut Vec<String>) -> Result<TargetColumn, DraftError> {
        let column = column.to_owned();
        if self.many {
            warnings.push(format!("the bounds of target {} are close to its extremes in this file", quoted(&column)));
            let (low, high) = outwards(self.numbers.low, self.numbers.high);
            return Ok(TargetColumn::Number { column, low, high });
        }
        let mut values: Vec<String> = self.few.into_iter().collect();
        if let [value] = values.as_slice() {
            return Err(DraftError::ConstantTarget { column, value: value.clone() });
        }
        if self.not_a_number.is_none() {
            let number = |value: &String| value.parse().unwrap_or(f64::NAN);
            values.sort_by(|a, b| number(a).total_cmp(&number(b)));
            if values.windows(2).any(|pair| number(&pair[0]) == number(&pair[1])) {
                warnings.push(format!("target {} writes the same number in two ways", quoted(&column)));
            }
        }
        Ok(TargetColumn::Classes { column, values })
    }
}

/// `low` rounded down and `high` rounded up to three significant digits of their distance.
fn outwards(low: f64, high: f64) -> (f64, f64) {
    let digits = 2i32.saturating_sub((high - low).log10().floor() as i32);
    // Through text, because a product by a power of ten need not be the nearest number to the decimal.
    let decimal = |units: f64| format!("{units}e{}", -digits).parse::<f64>().unwrap_or(f64::NAN) + 0.0;
    let unit = 10f64.powi(digits);
    let mut units = ((low * unit).floor(), (high * unit).ceil());
    while decimal(units.0) > low && units.0 - 1.0 < units.0 {
        units.0 -= 1.0;
    }
    while decimal(units.1) < high && units.1 + 1.0 > units.1 {
        units.1 += 1.0;
    }
    let rounded = (decimal(units.0), decimal(units.1));
    if rounded.0 <= low && high <= rounded.1 { rounded } else { (low, high) }
}

fn quoted(text: &str) -> String {
    format!("{:?}", shorten(text))
}

fn check_number(field: &str, value: f64, holds: bool, expected: &str) -> Result<(), SchemaError> {
    if value.is_finite() && holds { Ok(()) } else { Err(SchemaError::invalid(field, value, expected)) }
}

fn check_bounds(field: &str, low: f64, high: f64) -> Result<(), SchemaError> {
    check_number(&format!("{field}.low"), low, true, "a finite number")?;
    check_number(&format!("{field}.high"), high, low < high, &format!("a finite number above low, {low}"))?;
    check_number(&format!("{field}.high - low"), high - low, true, "a finite distance")
}

fn check_text(field: &str, text: &str) -> Result<(), SchemaError> {
    let plain = text.trim() == text && !text.contains(char::is_control);
    if plain && (1..=MAX_TEXT).contains(&text.len()) {
        return Ok(());
    }
    let expected = format!("1 to {MAX_TEXT} bytes without surrounding space or control characters");
    Err(SchemaError::invalid(field, quoted(text), expected))
}

fn put_length(out: &mut Vec<u8>, length: usize) {
    out.extend(u32::try_from(length).expect("a list or text in memory has fewer than 2^32 items").to_le_bytes());
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put_length(out, text.len());
    out.extend(text.as_bytes());
}

fn put_number(out: &mut Vec<u8>, number: f64) {
    // -0 equals 0, so it must not have another digest; adding 0 turns it into 0 and changes nothing else.
    out.extend((number + 0.0).to_bits().to_le_bytes());
}
