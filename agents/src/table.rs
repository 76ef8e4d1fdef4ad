//! Reads a CSV table as bounded integer rows, one at a time.
//!
//! A tile's proof shows that every value is in its range and every row's squared norm below a bound, so a row that an
//! owner did not bound itself could not be uploaded. The same [`Scaler`] serves prediction and runs in floats.
//!
//! Scaling uses only `+ - * / sqrt` and rounding, in a fixed order: a table has the same rows on every machine.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::BTreeSet;
use std::io::{self, Read};

use crate::schema::{Schema, SchemaError, TargetColumn};

/// The most bits after the point. Squares of up to 1,024 values of magnitude 2^25 still add up in 64 bits.
pub const MAX_SCALE_BITS: u32 = 24;
/// About the most bytes of one line: an unclosed quote must not read the rest of a file into memory.
pub const MAX_LINE: usize = 1 << 20;

/// Maps raw rows to bounded ones.
///
/// # Invariants
///
/// The schema was valid, `scale_bits` is 1 to [`MAX_SCALE_BITS`].
#[derive(Clone, Debug)]
pub struct Scaler {
    /// `low`, `high` of each column.
    columns: Vec<(f64, f64)>,
    row_norm: f64,
    gain: f64,
    bias: f64,
    range: f64,
    scale_bits: u32,
}

/// What bounding a row did to it.
struct Effect {
    clipped: u64,
    scaled: bool,
}

impl Scaler {
    /// A scaler of `schema` to integers in units of `2^-scale_bits`.
    ///
    /// # Errors
    ///
    /// [`TableError::Schema`] if the schema is not valid, [`TableError::ScaleBits`] outside 1 to [`MAX_SCALE_BITS`].
    pub fn new(schema: &Schema, scale_bits: u32) -> Result<Self, TableError> {
        schema.validate()?;
        if !(1..=MAX_SCALE_BITS).contains(&scale_bits) {
            return Err(TableError::ScaleBits { value: scale_bits });
        }
        let Schema { row_norm, gain, bias, range, columns, .. } = schema;
        let columns = columns.iter().map(|column| (column.low, column.high)).collect();
        Ok(Self { columns, row_norm: *row_norm, gain: *gain, bias: *bias, range: *range, scale_bits })
    }

    /// The bits after the point of a quantised value.
    pub fn scale_bits(&self) -> u32 {
        self.scale_bits
    }

    /// The bound of a quantised row: `Σ x² <= floor(R·2^(2·scale_bits))`.
    pub fn norm_bound(&self) -> i64 {
        (self.row_norm * self.scale() * self.scale()).floor() as i64
    }

    /// The bound of a quantised value: `|x| <= floor(range·2^scale_bits)`.
    pub fn value_bound(&self) -> i32 {
        (self.range * self.scale()).floor() as i32
    }

    /// The bounded row of a raw one, in floats: the bias, then the columns.
    ///
    /// Each value is clipped to its column's bounds and mapped to `[-gain, gain]`. If the squared norm exceeds
    /// `row_norm`, the whole row is multiplied by `sqrt(row_norm / norm²)`; the bias with it, so that a linear model
    /// keeps its sign. Values are then clipped to `±range`.
    ///
    /// `raw` is finite, in the schema's order of columns and the columns' own units. The norm may exceed its bound by
    /// floating-point rounding; [`Scaler::quantise`] removes that.
    ///
    /// # Panics
    ///
    /// If `raw` does not have one value for each column of the schema.
    pub fn scale_row(&self, raw: &[f64]) -> Vec<f64> {
        self.bound(raw).0
    }

    fn bound(&self, raw: &[f64]) -> (Vec<f64>, Effect) {
        assert_eq!(raw.len(), self.columns.len(), "a raw row has one value for each column");
        let mut row = Vec::with_capacity(raw.len() + 1);
        row.push(self.bias);
        row.extend(raw.iter().zip(&self.columns).map(|(value, (low, high))| {
            let place = (value.clamp(*low, *high) - low) / (high - low);
            self.gain * (2.0 * place - 1.0)
        }));
        let scaled = self.shrink(&mut row);
        let mut clipped = 0;
        for (at, value) in row.iter_mut().enumerate() {
            let outside = at > 0 && {
                let (low, high) = self.columns[at - 1];
                raw[at - 1] < low || raw[at - 1] > high
            };
            clipped += u64::from(outside || value.abs() > self.range);
            *value = value.clamp(-self.range, self.range);
        }
        (row, Effect { clipped, scaled })
    }

    /// Scales a row whose squared norm is above the bound down to it; says whether it was.
    fn shrink(&self, row: &mut [f64]) -> bool {
        let norm = row.iter().fold(0.0, |sum, value| sum + value * value);
        let over = norm > self.row_norm;
        if over {
            let factor = (self.row_norm / norm).sqrt();
            row.iter_mut().for_each(|value| *value *= factor);
        }
        over
    }

    /// Rounds a row of [`Scaler::scale_row`] to integers in units of `2^-scale_bits`.
    ///
    /// Values are rounded to nearest, ties away from zero. If rounding took the row over [`Scaler::norm_bound`], values
    /// are moved toward zero by one, those first that rounding moved away from zero, the largest first: moving all of
    /// them truncates the row, which cannot be over. So for a row of `scale_row`, `x_int` is within half a unit of
    /// `x·2^scale_bits`, plus at most one unit of this repair: `|x_int/2^s − x| <= 1.5/2^s`.
    ///
    /// The result always keeps both bounds: a row that is over in floats is scaled first, infinite values are clipped
    /// and NaN is 0.
    pub fn quantise(&self, row: &[f64]) -> Vec<i32> {
        let mut row = row.to_vec();
        self.shrink(&mut row);
        row.iter_mut().for_each(|value| *value *= self.scale());
        let bound = f64::from(self.value_bound());
        let mut rounded: Vec<i32> = row.iter().map(|value| value.round().clamp(-bound, bound) as i32).collect();

        let square = |value: &i32| i64::from(*value) * i64::from(*value);
        let mut excess = rounded.iter().map(square).sum::<i64>() - self.norm_bound();
        if excess <= 0 {
            return rounded;
        }
        let mut order: Vec<usize> = (0..row.len()).collect();
        // The sort is stable: equals are moved in the row's order.
        order.sort_by_key(|at| {
            let magnitude = rounded[*at].unsigned_abs();
            Reverse((f64::from(magnitude) > row[*at].abs(), magnitude))
        });
        // One pass does it, except for floating-point rounding of the norm; the cycle ends because zeros are within.
        for at in order.into_iter().cycle() {
            if excess <= 0 {
                break;
            }
            let magnitude = i64::from(rounded[at].unsigned_abs());
            if magnitude > 0 {
                excess -= 2 * magnitude - 1;
                rounded[at] -= rounded[at].signum();
            }
        }
        rounded
    }

    fn scale(&self) -> f64 {
        f64::from(1u32 << self.scale_bits)
    }
}

/// A row of integers in units of `2^-scale_bits`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// `schema.features()` entries: the bias, then the columns in the schema's order. Both bounds of [`Scaler`] hold.
    pub x: Vec<i32>,
    /// What is learnt from the row.
    pub target: Target,
}

/// A bounded row before it is rounded.
#[derive(Clone, Debug, PartialEq)]
pub struct ScaledRow {
    /// As [`Scaler::scale_row`] gives it.
    pub x: Vec<f64>,
    /// What is learnt from the row.
    pub target: Target,
}

/// A row's target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// The rows were read without targets.
    None,
    /// An index into the schema's values.
    Class(u8),
    /// The number, mapped from `[low, high]` to `[-½, ½]`, in units of `2^-scale_bits`.
    Number(i32),
}

/// What happened to the rows read so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rows returned; a row with an error does not count anywhere.
    pub rows: u64,
    /// Values outside their column's bounds, or outside `±range` after the row was scaled.
    pub clipped_values: u64,
    /// Rows with at least one clipped value.
    pub clipped_rows: u64,
    /// Rows scaled down to `row_norm`.
    pub scaled_rows: u64,
}

/// Why a table was refused. A line is that of the file on which the row begins, from 1.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The schema is not valid.
    #[error(transparent)]
    Schema(#[from] SchemaError),
    /// The number of bits is not supported.
    #[error("scale of {value} bits, expected 1 to {MAX_SCALE_BITS}")]
    ScaleBits {
        /// The bits asked for.
        value: u32,
    },
    /// The file could not be read.
    #[error("cannot read the table")]
    Read(#[source] csv::Error),
    /// A line does not end; a quote may be unclosed.
    #[error("line {line}: longer than {MAX_LINE} bytes, expected a shorter line: is a quote unclosed?")]
    LongLine {
        /// Where it begins.
        line: u64,
    },
    /// The file has not even a header.
    #[error("the table is empty, expected a header line")]
    Empty,
    /// A column of the schema is not in the file.
    #[error("column {column:?} is missing, the header has {header}")]
    MissingColumn {
        /// The column.
        column: String,
        /// The file's header, shortened if it is long.
        header: String,
    },
    /// Two columns have the same name.
    #[error("header: column {column:?} appears twice, expected distinct names")]
    DuplicateColumn {
        /// The name.
        column: String,
    },
    /// A row has more or fewer cells than the header.
    #[error("line {line}: {found} cells, expected {expected} as in the header")]
    Ragged {
        /// The row's line.
        line: u64,
        /// Its cells.
        found: usize,
        /// The header's.
        expected: usize,
    },
    /// A cell has no value.
    #[error("line {line}, column {column:?}: the cell is empty, expected a value")]
    EmptyCell {
        /// The row's line.
        line: u64,
        /// The cell's column.
        column: String,
    },
    /// A cell is not a number.
    #[error("line {line}, column {column:?}: {value:?} is not a number, expected one such as 1.5 or 2e-3")]
    NotANumber {
        /// The row's line.
        line: u64,
        /// The cell's column.
        column: String,
        /// The cell, shortened if it is long.
        value: String,
    },
    /// A cell is NaN, infinite, or too large for a 64-bit float.
    #[error("line {line}, column {column:?}: {value:?} is not finite, expected a finite number")]
    NotFinite {
        /// The row's line.
        line: u64,
        /// The cell's column.
        column: String,
        /// The cell, shortened if it is long.
        value: String,
    },
    /// A label is not among the schema's values.
    #[error("line {line}, column {column:?}: unknown label {value:?}, expected one of {expected:?}")]
    UnknownLabel {
        /// The row's line.
        line: u64,
        /// The target's column.
        column: String,
        /// The cell, shortened if it is long.
        value: String,
        /// The schema's values.
        expected: Vec<String>,
    },
    /// A target number is outside the schema's bounds.
    #[error("line {line}, column {column:?}: target {value}, expected a number from {low} to {high}")]
    TargetOutOfBounds {
        /// The row's line.
        line: u64,
        /// The target's column.
        column: String,
        /// The number.
        value: f64,
        /// The schema's lower bound.
        low: f64,
        /// The schema's upper bound.
        high: f64,
    },
}

/// A table as an iterator of bounded rows; one line is in memory at a time.
///
/// The file is CSV with a header. Its columns are found by name: they may have any order, and others may be among them.
/// A byte order mark, CRLF, blank lines and space around cells are tolerated.
///
/// After an error in a row the iterator goes on with the next row, so that a caller may report several; after an error
/// of the file itself ([`TableError::Read`], [`TableError::LongLine`]) it ends.
pub struct TableReader<R> {
    records: Records<R>,
    scaler: Scaler,
    /// The place in the file of each column of the schema.
    places: Vec<usize>,
    target: Option<(usize, TargetColumn)>,
    tally: Tally,
}

impl<R: Read> TableReader<R> {
    /// Reads the header of a table with targets.
    ///
    /// # Errors
    ///
    /// Those of [`Scaler::new`]; [`TableError::Empty`], [`TableError::DuplicateColumn`], [`TableError::MissingColumn`]
    /// for the header; those of reading.
    pub fn new(reader: R, schema: &Schema, scale_bits: u32) -> Result<Self, TableError> {
        let mut table = Self::features_only(reader, schema, scale_bits)?;
        let at = table.records.find(schema.target.column())?;
        table.target = Some((at, schema.target.clone()));
        Ok(table)
    }

    /// Reads the header of a table for prediction: the target may be absent, and is ignored if it is there.
    ///
    /// # Errors
    ///
    /// As [`TableReader::new`].
    pub fn features_only(reader: R, schema: &Schema, scale_bits: u32) -> Result<Self, TableError> {
        let scaler = Scaler::new(schema, scale_bits)?;
        let records = Records::open(reader)?;
        let places = schema.columns.iter().map(|column| records.find(&column.name)).collect::<Result<_, _>>()?;
        Ok(Self { records, scaler, places, target: None, tally: Tally::default() })
    }

    /// What happened to the rows read so far.
    pub fn tally(&self) -> Tally {
        self.tally
    }

    /// How this table's rows are scaled.
    pub fn scaler(&self) -> &Scaler {
        &self.scaler
    }

    /// The next row before it is rounded; [`Iterator::next`] is this and [`Scaler::quantise`].
    ///
    /// # Errors
    ///
    /// An error of the row or of the file, see [`TableReader`].
    pub fn next_scaled(&mut self) -> Option<Result<ScaledRow, TableError>> {
        match self.records.advance() {
            Ok(true) => Some(self.read_row()),
            Ok(false) => None,
            Err(error) => Some(Err(error)),
        }
    }

    fn read_row(&mut self) -> Result<ScaledRow, TableError> {
        let raw = self.places.iter().map(|at| self.records.number(*at)).collect::<Result<Vec<_>, _>>()?;
        let target = self.read_target()?;
        let (x, Effect { clipped, scaled }) = self.scaler.bound(&raw);
        self.tally.rows += 1;
        self.tally.clipped_values += clipped;
        self.tally.clipped_rows += u64::from(clipped > 0);
        self.tally.scaled_rows += u64::from(scaled);
        Ok(ScaledRow { x, target })
    }

    fn read_target(&self) -> Result<Target, TableError> {
        let (line, records) = (self.records.line, &self.records);
        match &self.target {
            None => Ok(Target::None),
            Some((at, TargetColumn::Classes { column, values })) => {
                let label = records.cell(*at)?;
                let class = (0u8..).zip(values).find(|(_, value)| **value == label).map(|(class, _)| class);
                class.map(Target::Class).ok_or_else(|| TableError::UnknownLabel {
                    line,
                    column: column.clone(),
                    value: shorten(&label),
                    expected: values.clone(),
                })
            }
            Some((at, TargetColumn::Number { column, low, high })) => {
                let (low, high, value) = (*low, *high, records.number(*at)?);
                if value < low || value > high {
                    return Err(TableError::TargetOutOfBounds { line, column: column.clone(), value, low, high });
                }
                let half = self.scaler.scale() / 2.0;
                let units = ((value - low) / (high - low) - 0.5) * self.scaler.scale();
                Ok(Target::Number(units.round().clamp(-half, half) as i32))
            }
        }
    }
}

impl<R: Read> Iterator for TableReader<R> {
    type Item = Result<Row, TableError>;

    fn next(&mut self) -> Option<Self::Item> {
        let row = self.next_scaled()?;
        Some(row.map(|ScaledRow { x, target }| Row { x: self.scaler.quantise(&x), target }))
    }
}

/// The lines of a CSV file below its header, with cells trimmed and lines counted.
pub(crate) struct Records<R> {
    reader: csv::Reader<Capped<R>>,
    header: Vec<String>,
    record: csv::ByteRecord,
    /// Where the current record begins.
    line: u64,
    ended: bool,
}

impl<R: Read> Records<R> {
    pub(crate) fn open(reader: R) -> Result<Self, TableError> {
        let reader = Capped { inner: reader, left: MAX_LINE, last: b'\n', exceeded: false };
        let reader = csv::ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            // The carriage return of CRLF is trimmed with the cell; as a terminator it would upset the line count.
            .terminator(csv::Terminator::Any(b'\n'))
            .from_reader(reader);
        let mut records = Self { reader, header: Vec::new(), record: csv::ByteRecord::new(), line: 0, ended: false };
        if !records.read()? {
            return Err(TableError::Empty);
        }
        let mut seen = BTreeSet::new();
        for (at, name) in records.record.iter().enumerate() {
            let name = String::from_utf8_lossy(name);
            // Normally the csv crate has removed the mark, but not from a reader that gives its first bytes singly.
            let name = if at == 0 { name.trim_start_matches('\u{feff}') } else { &name };
            let name = name.trim().to_owned();
            if !seen.insert(name.clone()) {
                return Err(TableError::DuplicateColumn { column: shorten(&name) });
            }
            records.header.push(name);
        }
        Ok(records)
    }

    pub(crate) fn header(&self) -> &[String] {
        &self.header
    }

    /// The place of a column.
    pub(crate) fn find(&self, column: &str) -> Result<usize, TableError> {
        self.header.iter().position(|name| name == column).ok_or_else(|| {
            const SHOWN: usize = 40;
            let names: Vec<_> = self.header.iter().take(SHOWN).map(|name| format!("{:?}", shorten(name))).collect();
            let more = self.header.len().saturating_sub(SHOWN);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            TableError::MissingColumn { column: column.to_owned(), header: names.join(", ") + &more }
        })
    }

    /// Goes to the next row; false at the end of the file.
    pub(crate) fn advance(&mut self) -> Result<bool, TableError> {
        if !self.read()? {
            return Ok(false);
        }
        let (line, found, expected) = (self.line, self.record.len(), self.header.len());
        if found == expected { Ok(true) } else { Err(TableError::Ragged { line, found, expected }) }
    }

    fn read(&mut self) -> Result<bool, TableError> {
        loop {
            let before = self.reader.position().line();
            self.reader.get_mut().left = MAX_LINE;
            let more = !self.ended
                && self.reader.read_byte_record(&mut self.record).map_err(|error| {
                    self.ended = true;
                    if self.reader.get_ref().exceeded {
                        TableError::LongLine { line: before }
                    } else {
                        TableError::Read(error)
                    }
                })?;
            if !more {
                self.ended = true;
                return Ok(false);
            }
            // The reader's own position of a record is before the blank lines that it skipped.
            let inside = self.record.as_slice().iter().filter(|byte| **byte == b'\n').count() as u64;
            self.line = self.reader.position().line().saturating_sub(1 + inside).max(before);
            let blank = self.record.len() == 1 && self.record[0].trim_ascii().is_empty();
            if !blank {
                return Ok(true);
            }
        }
    }

    /// The trimmed text of a cell of the current row. `at` is a place that [`Records::find`] gave.
    pub(crate) fn cell(&self, at: usize) -> Result<Cow<'_, str>, TableError> {
        let text = match String::from_utf8_lossy(&self.record[at]) {
            Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
            Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
        };
        if text.is_empty() {
            return Err(TableError::EmptyCell { line: self.line, column: self.header[at].clone() });
        }
        Ok(text)
    }

    /// The finite number in a cell of the current row.
    pub(crate) fn number(&self, at: usize) -> Result<f64, TableError> {
        let text = self.cell(at)?;
        let (line, column, value) = (self.line, || self.header[at].clone(), || shorten(&text));
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            Ok(_) => Err(TableError::NotFinite { line, column: column(), value: value() }),
            Err(_) => Err(TableError::NotANumber { line, column: column(), value: value() }),
        }
    }
}

/// Ends every file with a line feed, so that lines can be counted, and fails on an endless line.
struct Capped<R> {
    inner: R,
    /// Bytes that may still be read for the current line.
    left: usize,
    last: u8,
    exceeded: bool,
}

impl<R: Read> Read for Capped<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        if self.left == 0 {
            self.exceeded = true;
            return Err(io::Error::new(io::ErrorKind::InvalidData, "endless line"));
        }
        let room = buffer.len().min(self.left);
        let mut count = self.inner.read(&mut buffer[..room])?;
        if count == 0 && self.last != b'\n' {
            buffer[0] = b'\n';
            count = 1;
        }
        if count > 0 {
            self.last = buffer[count - 1];
        }
        self.left -= count;
        Ok(count)
    }
}

/// At most 48 characters of a text from a file, for an error.
pub(crate) fn shorten(text: &str) -> String {
    const SHOWN: usize = 48;
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
