//! The choice of a template: from what a developer says and what the datasets fix to all of its parameters.

use crate::model::suits;
use crate::rejected::Rejected;
use crate::schema::Schema;
use anyhow::{Context as _, Result};
use std::fmt::Display;
use zektra_he::profile::Wanted;
use zektra_statement::field::N;
use zektra_statement::record::Dataset;
use zektra_statement::template::{Kind, Template, columns_for};

/// Row groups of a step that a template may have.
const MAX_GROUPS: u32 = 1024;

/// What a developer says of the template.
#[derive(Clone, Debug)]
pub struct Choice<'a> {
    /// Its id.
    pub template: &'a str,
    /// Iterations.
    pub iterations: u32,
    /// Rows of a step; all rows if it is left out.
    pub batch_rows: Option<u32>,
    /// Largest learning rate; the real one is the nearest below that powers of two allow.
    pub learning_rate: f64,
    /// Counted in the job's hiding.
    pub max_attempts: u32,
    /// Fraction bits of the weights; searched if left out.
    pub weight_bits: Option<u32>,
    /// Row groups summed in one gradient opening; searched if left out.
    pub fan_in: Option<u32>,
}

/// A field that is not as it must be.
pub fn input(field: &str, value: &dyn Display, expected: &str) -> Rejected {
    Rejected::Input(format!("{field}: {value}, expected {expected}"))
}

impl Choice<'_> {
    /// Checks what does not depend on datasets, and gives the kind.
    ///
    /// # Errors
    /// The first field that is wrong.
    pub fn kind(&self) -> Result<Kind, Rejected> {
        let kind = Kind::from_id(self.template).ok_or_else(|| {
            let known = format!("one of {}", Kind::ALL.map(Kind::id).join(", "));
            input("template", &format_args!("{:?}", self.template), &known)
        })?;
        if !(self.learning_rate.is_finite() && self.learning_rate > 0.0) {
            return Err(input("learning_rate", &self.learning_rate, "a positive number"));
        }
        if !(1..=4096).contains(&self.iterations) {
            return Err(input("iterations", &self.iterations, "1 to 4096"));
        }
        match self.weight_bits.filter(|bits| !(8..=20).contains(bits)) {
            Some(bits) => Err(input("weight_bits", &bits, "8 to 20")),
            None => Ok(kind),
        }
    }

    /// Row groups of a step on datasets with so many in all.
    fn groups(&self, schema: &Schema, total: u32) -> Result<u32, Rejected> {
        let rows_per_group = N as u32 / columns_for(schema.features() as u32);
        let groups = match self.batch_rows {
            None => total,
            Some(rows) if rows == 0 || !rows.is_multiple_of(rows_per_group) => {
                let expected = format!("a multiple of {rows_per_group}, the rows of a tile");
                return Err(input("batch_rows", &rows, &expected));
            }
            Some(rows) => (rows / rows_per_group).min(total),
        };
        if groups == 0 || groups > MAX_GROUPS {
            let expected = format!("1 to {MAX_GROUPS}: give batch_rows");
            return Err(input("row groups of a step", &groups, &expected));
        }
        match self.fan_in.filter(|f| *f == 0 || !groups.is_multiple_of(*f)) {
            Some(fan_in) => {
                let expected = format!("a divisor of the {groups} row groups of a step");
                Err(input("fan_in", &fan_in, &expected))
            }
            None => Ok(groups),
        }
    }

    /// The template for these datasets of one schema and a number of members.
    ///
    /// # Errors
    /// A field that is wrong, too little hiding, a schema that does not suit the template.
    pub fn template(&self, datasets: &[&Dataset], schema: &Schema, members: u32) -> Result<Template> {
        let kind = self.kind()?;
        let first = datasets.first().context("datasets: none")?;
        // More are refused with the job; here they must only not overflow.
        let total = datasets.iter().fold(0u32, |sum, d| sum.saturating_add(d.groups));
        let groups = self.groups(schema, total)?;
        let wanted = Wanted {
            kind,
            features: schema.features() as u32,
            classes: first.classes,
            groups,
            full_batch: groups == total,
            iterations: self.iterations,
            members,
            attempts: self.max_attempts,
            learning_rate: self.learning_rate,
            row_norm: first.row_norm,
            range: first.range,
            fixed_scales: Some((first.scale_x, first.scale_r)),
            weight_bits: self.weight_bits,
            fan_in: self.fan_in,
        };
        let template = Template { kind, params: wanted.search()? };
        suits(&template, schema)?;
        Ok(template)
    }
}
