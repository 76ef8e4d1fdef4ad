//! Named models with ranged parameters, compiled to phase tables.
//!
//! A job names a template and its parameters; every party compiles its own table and compares the
//! digest. A new template is a new function here and adds no code to the protocol.

use crate::digest::{Encoder, Fingerprint};
use crate::field::N;
use crate::packing::{Packing, column_positions, product_positions, row_positions};
use crate::phase::{Addend, Opening, Operand, Output, Phase, PhaseTable, State};

/// The templates that exist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Least squares on a number in [−½, ½].
    LinearRegression,
    /// Least squares on ±½ per class, one weight vector a class.
    LinearClassifier,
    /// Logistic regression with a cubic approximation of the sigmoid. Its payload has no worst-case bound.
    CubicClassifier,
}

impl Kind {
    /// All templates.
    pub const ALL: [Self; 3] = [Self::LinearRegression, Self::LinearClassifier, Self::CubicClassifier];

    /// The id in job files, records and messages.
    pub fn id(self) -> &'static str {
        match self {
            Self::LinearRegression => "linear-regression/1",
            Self::LinearClassifier => "linear-classifier/1",
            Self::CubicClassifier => "cubic-classifier/1",
        }
    }

    /// The template of an id.
    pub fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|k| k.id() == id)
    }

    /// Whether any set of members may run it, trusting nobody's rows or noise.
    pub fn governed(self) -> bool {
        !matches!(self, Self::CubicClassifier)
    }
}

/// The cubic link: `σ(z) ≈ ½ + 0.15012 z − 0.001593 z³` on [−8, 8], least squares.
///
/// With `z' = κz` the residual is `2^−9 · z'·(β − z'²)`, so that every rescale stays a power of two.
pub mod cubic {
    /// `−log2` of the leading factor.
    pub const FACTOR_BITS: u32 = 9;
    /// `κ = (0.001593 · 2^9)^(1/3)`.
    pub const KAPPA: f64 = 0.934_319_14;
    /// `β = (0.15012/0.001593) · κ²`.
    pub const BETA: f64 = 82.264_653_18;
    /// Fraction bits of `z'`.
    pub const Z_BITS: u32 = 9;
    /// Fraction bits of `β − z'²`.
    pub const Q_BITS: u32 = 7;
    /// `β` at its scale.
    pub const CONSTANT: i64 = 10_530;
    /// Beyond this `|z'|` the approximation is not used.
    pub const Z_LIMIT: f64 = 8.0 * KAPPA;
}

/// The parameters of a template. Integers only: the digest of a job must not depend on rounding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Params {
    /// Columns of a row, the constant one included: 2 to 1,024.
    pub features: u32,
    /// Weight vectors: 1, or 3 to 10 for one-vs-rest.
    pub classes: u32,
    /// Row groups of a step.
    pub groups: u32,
    /// Whether a step takes every row group there is.
    pub full_batch: bool,
    /// Iterations, 1 to 4,096.
    pub iterations: u32,
    /// Row groups summed before a gradient is opened; divides `groups`.
    pub fan_in: u32,
    /// Fraction bits of the features.
    pub scale_x: u32,
    /// Fraction bits of the weights.
    pub scale_w: u32,
    /// Fraction bits of the residuals.
    pub scale_r: u32,
    /// The gradient is divided by `2^shift_w`: with the scales and the rows this is the learning rate.
    pub shift_w: u32,
    /// Bound of a row's squared norm, in 1/256.
    pub row_norm: u32,
    /// Bound of a single feature, in 1/256.
    pub range: u32,
}

/// A template with its parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Template {
    /// Which model.
    pub kind: Kind,
    /// Its parameters.
    pub params: Params,
}

/// A parameter outside its range.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("template {template}: {field} is {value}, expected {expected}")]
pub struct ParamError {
    /// The template's id.
    pub template: &'static str,
    /// The parameter.
    pub field: &'static str,
    /// What it was.
    pub value: i64,
    /// What is allowed.
    pub expected: String,
}

/// Columns of a tile: 64 where one block of 64 holds a row of `features` and one of 32 does not, else 32.
pub fn columns_for(features: u32) -> u32 {
    if (33..=64).contains(&features) { 64 } else { 32 }
}

impl Params {
    /// Columns of a tile: [`columns_for`] the features.
    pub fn columns(&self) -> u32 {
        columns_for(self.features)
    }

    /// Column blocks of a row.
    pub fn blocks(&self) -> u32 {
        self.features.div_ceil(self.columns())
    }

    /// Rows of a row group.
    pub fn rows_per_group(&self) -> u32 {
        N as u32 / self.columns()
    }

    /// The shift from `x·w` to the residual's scale.
    pub fn shift_r(&self) -> u32 {
        self.scale_x + self.scale_w - self.scale_r
    }

    /// `lr = rows · 2^(scale_x + scale_r − scale_w − shift_w)`, for the mean over the step's slots.
    ///
    /// The cubic link trains `κw` instead of `w`: there it is κ times the rate of the textbook's descent.
    pub fn learning_rate(&self) -> f64 {
        let exponent =
            i64::from(self.scale_x) + i64::from(self.scale_r) - i64::from(self.scale_w) - i64::from(self.shift_w);
        let rows = f64::from(self.groups * self.rows_per_group());
        if exponent >= 0 { rows * (1u64 << exponent) as f64 } else { rows / (1u64 << -exponent) as f64 }
    }

    /// The smallest `shift_w` whose learning rate is at most `limit`.
    pub fn shift_for_learning_rate(&self, limit: f64) -> u32 {
        let fits = |&shift_w: &u32| Self { shift_w, ..*self }.learning_rate() <= limit;
        (0..40).find(fits).unwrap_or(40)
    }
}

impl Template {
    /// Checks every parameter's range.
    ///
    /// # Errors
    /// The first parameter out of range, with what was expected.
    pub fn validate(&self) -> Result<(), ParamError> {
        let p = &self.params;
        let template = self.kind.id();
        let check = |field: &'static str, value: u32, low: u32, high: u32| {
            if (low..=high).contains(&value) {
                return Ok(());
            }
            Err(ParamError { template, field, value: i64::from(value), expected: format!("{low} to {high}") })
        };
        check("features", p.features, 2, 1024)?;
        check("classes", p.classes, 1, if self.kind == Kind::LinearRegression { 1 } else { 10 })?;
        if p.classes == 2 {
            let expected = "1 for two classes, or 3 to 10".into();
            return Err(ParamError { template, field: "classes", value: 2, expected });
        }
        check("groups", p.groups, 1, 1024)?;
        check("iterations", p.iterations, 1, 4096)?;
        check("fan_in", p.fan_in, 1, p.groups)?;
        if !p.groups.is_multiple_of(p.fan_in) {
            let expected = format!("a divisor of groups = {}", p.groups);
            return Err(ParamError { template, field: "fan_in", value: i64::from(p.fan_in), expected });
        }
        check("scale_x", p.scale_x, 6, 12)?;
        check("scale_w", p.scale_w, 8, 20)?;
        check("scale_r", p.scale_r, 4, 12)?;
        check("shift_w", p.shift_w, 1, 40)?;
        check("row_norm", p.row_norm, 64, 1024)?;
        check("range", p.range, 16, 512)?;
        // Indices of openings, outputs and states are 16 bits wide.
        check("classes × groups", p.classes * (p.groups * 4 + p.blocks()), 1, 60_000)?;
        check(
            "gradient openings (classes × blocks × groups / fan_in)",
            p.classes * p.blocks() * (p.groups / p.fan_in),
            1,
            60_000,
        )
    }

    /// The digest that a job names: the id and every parameter.
    pub fn digest(&self) -> Fingerprint {
        let Params {
            features,
            classes,
            groups,
            full_batch,
            iterations,
            fan_in,
            scale_x,
            scale_w,
            scale_r,
            shift_w,
            row_norm,
            range,
        } = self.params;
        let mut e = Encoder::new("zektra/template/v1");
        e.bytes(self.kind.id().as_bytes());
        for v in [features, classes, groups, u32::from(full_batch), iterations, fan_in] {
            e.u64(u64::from(v));
        }
        for v in [scale_x, scale_w, scale_r, shift_w, row_norm, range] {
            e.u64(u64::from(v));
        }
        e.fingerprint()
    }

    /// The phase table.
    ///
    /// # Errors
    /// A parameter out of range.
    pub fn compile(&self) -> Result<PhaseTable, ParamError> {
        self.validate()?;
        let mut c = Compiler::new(&self.params);
        let residuals = match self.kind {
            Kind::LinearRegression | Kind::LinearClassifier => c.linear_residuals(),
            Kind::CubicClassifier => c.cubic_residuals(),
        };
        c.gradient(&residuals);
        let table = c.finish();
        debug_assert_eq!(table.validate(), Ok(()));
        Ok(table)
    }
}

/// The states of every (class, row group).
type PerGroup = Vec<Vec<u16>>;

struct Compiler<'a> {
    p: &'a Params,
    columns: u16,
    states: Vec<State>,
    phases: Vec<Phase>,
    /// `weights[class][block]`.
    weights: Vec<Vec<u16>>,
}

impl<'a> Compiler<'a> {
    fn new(p: &'a Params) -> Self {
        let mut c = Self { p, columns: p.columns() as u16, states: vec![], phases: vec![], weights: vec![] };
        let columns = c.columns;
        c.weights =
            (0..p.classes).map(|_| (0..p.blocks()).map(|_| c.state(Packing::Weights, columns)).collect()).collect();
        c
    }

    fn state(&mut self, packing: Packing, length: u16) -> u16 {
        self.states.push(State { packing, length });
        (self.states.len() - 1) as u16
    }

    fn per_group(&mut self, packing: Packing) -> PerGroup {
        let rows = self.p.rows_per_group() as u16;
        let (classes, groups) = (self.p.classes, self.p.groups);
        (0..classes).map(|_| (0..groups).map(|_| self.state(packing, rows)).collect()).collect()
    }

    /// One opening and the outputs it feeds, for every (class, row group).
    fn for_groups(
        &mut self,
        name: &'static str,
        shift: u32,
        opening: impl Fn(usize, usize) -> Opening,
        outputs: &[(&PerGroup, bool, i64)],
    ) {
        let mut phase = Phase { name, openings: vec![], shift, outputs: vec![] };
        for class in 0..self.p.classes as usize {
            for slot in 0..self.p.groups as usize {
                let index = phase.openings.len() as u16;
                phase.openings.push(opening(class, slot));
                for &(states, negate, constant) in outputs {
                    let state = states[class][slot];
                    phase.outputs.push(Output { state, openings: vec![index], carry: false, negate, constant });
                }
            }
        }
        self.phases.push(phase);
    }

    /// `z = x·w` of every row of the step, at `shift`, into each of `outputs`.
    fn predict(&mut self, shift: u32, outputs: &[&PerGroup]) {
        let weights = self.weights.clone();
        let columns = usize::from(self.columns);
        let opening = |class: usize, slot: usize| Opening {
            products: (0u16..)
                .zip(&weights[class])
                .map(|(block, &w)| (Operand::Features { slot: slot as u16, block }, Operand::State(w)))
                .collect(),
            addends: vec![],
            positions: row_positions(columns),
        };
        let outputs: Vec<_> = outputs.iter().map(|&o| (o, false, 0)).collect();
        self.for_groups("predict", shift, opening, &outputs);
    }

    fn linear_residuals(&mut self) -> PerGroup {
        let r = self.per_group(Packing::Residuals);
        self.predict(self.p.shift_r(), &[&r]);
        r
    }

    fn cubic_residuals(&mut self) -> PerGroup {
        let (z, z_again) = (self.per_group(Packing::Elementwise), self.per_group(Packing::Elementwise));
        let q = self.per_group(Packing::Elementwise);
        let r = self.per_group(Packing::Residuals);
        let rows = self.p.rows_per_group() as usize;
        self.predict(self.p.scale_x + self.p.scale_w - cubic::Z_BITS, &[&z, &z_again]);
        let product = |a: &PerGroup, b: &PerGroup, class: usize, slot: usize| Opening {
            products: vec![(Operand::State(a[class][slot]), Operand::State(b[class][slot]))],
            addends: vec![],
            positions: product_positions(rows),
        };
        let square = |class, slot| product(&z, &z_again, class, slot);
        self.for_groups("square", 2 * cubic::Z_BITS - cubic::Q_BITS, square, &[(&q, true, cubic::CONSTANT)]);
        let shift = cubic::Z_BITS + cubic::Q_BITS + cubic::FACTOR_BITS - self.p.scale_r;
        self.for_groups("cube", shift, |class, slot| product(&z, &q, class, slot), &[(&r, false, 0)]);
        r
    }

    /// `w ← w − (Σ x·r + moment) / 2^shift_w`, opened in chunks of `fan_in` row groups.
    fn gradient(&mut self, residuals: &PerGroup) {
        let positions = column_positions(usize::from(self.columns));
        let mut phase = Phase { name: "gradient", openings: vec![], shift: self.p.shift_w, outputs: vec![] };
        let slots: Vec<u16> = (0..self.p.groups as u16).collect();
        for (class, weights) in self.weights.iter().enumerate() {
            for (block, &state) in (0u16..).zip(weights) {
                let first = phase.openings.len() as u16;
                for chunk in slots.chunks(self.p.fan_in as usize) {
                    let factor = |slot: u16| Operand::State(residuals[class][usize::from(slot)]);
                    phase.openings.push(Opening {
                        products: chunk.iter().map(|&slot| (Operand::Features { slot, block }, factor(slot))).collect(),
                        addends: chunk.iter().map(|&slot| Addend { slot, block, class: class as u16 }).collect(),
                        positions: positions.clone(),
                    });
                }
                let openings = (first..phase.openings.len() as u16).collect();
                phase.outputs.push(Output { state, openings, carry: true, negate: true, constant: 0 });
            }
        }
        self.phases.push(phase);
    }

    fn finish(self) -> PhaseTable {
        PhaseTable {
            columns: self.columns,
            blocks: self.p.blocks() as u16,
            slots: self.p.groups as u16,
            iterations: self.p.iterations,
            states: self.states,
            phases: self.phases,
            released: self.weights.into_iter().flatten().collect(),
        }
    }
}
