//! How much is minted.

use crate::decimal::{Dec, OutOfRange};
use zektra_proto::cosmos::mint::v1beta1::Params;

/// The parameters of minting, as numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// The most by which inflation moves in a year.
    pub change: Dec,
    /// The most that inflation can be.
    pub max: Dec,
    /// The least that inflation can be.
    pub min: Dec,
    /// The part of the supply that is to be bonded.
    pub goal: Dec,
    /// Blocks of a year.
    pub blocks: u64,
}

impl Rates {
    /// Reads parameters.
    ///
    /// # Errors
    /// The field that is wrong, and what is wrong with it.
    pub fn read(params: &Params) -> Result<Self, (&'static str, String)> {
        let Params { mint_denom: _, inflation_rate_change, inflation_max, inflation_min, goal_bonded, blocks_per_year } =
            params;
        let part = |field: &'static str, what: &str, digits: &str| {
            let part = Dec::read(digits).map_err(|e| (field, e))?;
            if part > Dec::one() { Err((field, format!("{what} too large: {part}"))) } else { Ok(part) }
        };
        let rates = Self {
            change: part("inflation_rate_change", "inflation rate change", inflation_rate_change)?,
            max: part("inflation_max", "max inflation", inflation_max)?,
            min: part("inflation_min", "min inflation", inflation_min)?,
            goal: part("goal_bonded", "goal bonded", goal_bonded)?,
            blocks: *blocks_per_year,
        };
        let Self { max, min, goal, blocks, .. } = rates;
        if goal.is_zero() {
            return Err(("goal_bonded", format!("goal bonded must be positive: {goal}")));
        }
        if blocks == 0 {
            return Err(("blocks_per_year", format!("blocks per year must be positive: {blocks}")));
        }
        if max < min {
            let why = format!("max inflation ({max}) must be greater than or equal to min inflation ({min})");
            return Err(("inflation_max", why));
        }
        Ok(rates)
    }

    /// The next block's inflation: `inflation + (1 − bonded / goal) · change / blocks`, within its bounds.
    ///
    /// # Errors
    /// A number is too large.
    pub fn next(&self, inflation: Dec, bonded: Dec) -> Result<Dec, OutOfRange> {
        let reached = bonded.over(self.goal)?;
        let down = reached > Dec::one();
        // The sign stands aside: products and quotients are rounded by their size.
        let distance = if down { reached.minus(Dec::one())? } else { Dec::one().minus(reached)? };
        let step = distance.times(self.change)?.over(Dec::whole(self.blocks.into()))?;
        let next = match down {
            // Below zero is below the least.
            true => inflation.minus(step).unwrap_or_default(),
            false => inflation.plus(step)?,
        };
        Ok(next.min(self.max).max(self.min))
    }

    /// What a year mints of a supply.
    ///
    /// # Errors
    /// A number is too large.
    pub fn of_year(inflation: Dec, supply: u128) -> Result<Dec, OutOfRange> {
        inflation.times_whole(supply)
    }

    /// What a block mints, rounded down.
    ///
    /// # Errors
    /// A number is too large.
    pub fn of_block(&self, year: Dec) -> Result<u128, OutOfRange> {
        year.over_whole(self.blocks.into())?.floor()
    }
}
