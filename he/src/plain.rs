//! The same phase tables on plain numbers: on floats, and on the exact integers that an encrypted
//! run equals up to its noise.

use zektra_statement::field::{N, round_shift};
use zektra_statement::packing::Place;
use zektra_statement::phase::{Addend, Operand, PhaseTable};

/// What a phase table computes with.
pub trait Number: Copy + PartialEq {
    /// Zero.
    const ZERO: Self;
    /// An exact integer.
    fn from_integer(v: i64) -> Self;
    /// `self + a·b`.
    fn mul_add(self, a: Self, b: Self) -> Self;
    /// `self + other`.
    fn plus(self, other: Self) -> Self;
    /// `−self`.
    fn negated(self) -> Self;
    /// `self / 2^shift`, rounded where numbers are integers.
    fn rescaled(self, shift: u32) -> Self;
    /// For results.
    fn to_f64(self) -> f64;
}

impl Number for f64 {
    const ZERO: Self = 0.0;
    fn from_integer(v: i64) -> Self {
        v as f64
    }
    fn mul_add(self, a: Self, b: Self) -> Self {
        self + a * b
    }
    fn plus(self, other: Self) -> Self {
        self + other
    }
    fn negated(self) -> Self {
        -self
    }
    fn rescaled(self, shift: u32) -> Self {
        self / (1u64 << shift) as f64
    }
    fn to_f64(self) -> f64 {
        self
    }
}

impl Number for i64 {
    const ZERO: Self = 0;
    fn from_integer(v: i64) -> Self {
        v
    }
    fn mul_add(self, a: Self, b: Self) -> Self {
        self + a * b
    }
    fn plus(self, other: Self) -> Self {
        self + other
    }
    fn negated(self) -> Self {
        -self
    }
    fn rescaled(self, shift: u32) -> Self {
        round_shift(self, shift)
    }
    fn to_f64(self) -> f64 {
        self as f64
    }
}

/// A row group's planes for one column block: features and moment, 4096 coefficients each.
pub type PlainTile<T> = [Vec<T>; 2];

/// A run of a phase table on plain numbers.
#[derive(Clone, Debug)]
pub struct Plain<T> {
    table: PhaseTable,
    places: Vec<Vec<Place>>,
    states: Vec<Vec<T>>,
    largest: Vec<f64>,
}

impl<T: Number> Plain<T> {
    /// The start: every state is zero.
    pub fn new(table: PhaseTable) -> Self {
        let states = table.states.iter().map(|s| vec![T::ZERO; usize::from(s.length)]).collect();
        let places = (0..table.states.len()).map(|s| table.places(s as u16)).collect();
        let largest = vec![0.0; table.phases.len()];
        Self { table, places, states, largest }
    }

    /// One iteration. `tile(slot, block)` gives the planes of the step's tiles.
    pub fn iterate<'t>(&mut self, tile: &dyn Fn(u16, u16) -> &'t PlainTile<T>)
    where
        T: 't,
    {
        let table = self.table.clone();
        for (index, phase) in table.phases.iter().enumerate() {
            let mut rescaled = Vec::with_capacity(phase.openings.len());
            for opening in &phase.openings {
                let mut values = vec![T::ZERO; opening.positions.len()];
                for &(left, right) in &opening.products {
                    self.product(left, right, tile, &opening.positions, &mut values);
                }
                for &Addend { slot, block, class } in &opening.addends {
                    let moment = &tile(slot, block)[1];
                    let shift = usize::from(class) * usize::from(table.columns);
                    for (v, &p) in values.iter_mut().zip(&opening.positions) {
                        *v = v.plus(moment[usize::from(p) + shift]);
                    }
                }
                let largest = values.iter().map(|v| v.to_f64().abs()).fold(self.largest[index], f64::max);
                self.largest[index] = largest;
                rescaled.push(values.into_iter().map(|v| v.rescaled(phase.shift)).collect::<Vec<T>>());
            }
            for output in &phase.outputs {
                let state = &mut self.states[usize::from(output.state)];
                if !output.carry {
                    state.fill(T::ZERO);
                }
                for &o in &output.openings {
                    for (s, &v) in state.iter_mut().zip(&rescaled[usize::from(o)]) {
                        *s = s.plus(if output.negate { v.negated() } else { v });
                    }
                }
                for s in state {
                    *s = s.plus(T::from_integer(output.constant));
                }
            }
        }
    }

    /// Adds the wanted coefficients of a product to `values`, one non-zero entry of a state at a time.
    fn product<'t>(
        &self,
        left: Operand,
        right: Operand,
        tile: &dyn Fn(u16, u16) -> &'t PlainTile<T>,
        positions: &[u16],
        values: &mut [T],
    ) where
        T: 't,
    {
        let dense_state;
        let (dense, state): (&[T], u16) = match (left, right) {
            (Operand::Features { slot, block }, Operand::State(s))
            | (Operand::State(s), Operand::Features { slot, block }) => (&tile(slot, block)[0], s),
            (Operand::State(a), Operand::State(b)) => {
                dense_state = self.dense(a);
                (&dense_state, b)
            }
            // Refused by PhaseTable::validate.
            (Operand::Features { .. }, Operand::Features { .. }) => return,
        };
        let state = usize::from(state);
        for (place, &v) in self.places[state].iter().zip(&self.states[state]) {
            if v == T::ZERO {
                continue;
            }
            let k = usize::from(place.position);
            for (out, &p) in values.iter_mut().zip(positions) {
                let p = usize::from(p);
                // Z^k · Z^i = −Z^(k+i−N) where it wraps.
                let (i, wraps) = if p >= k { (p - k, false) } else { (p + N - k, true) };
                let factor = if wraps != place.negative { v.negated() } else { v };
                *out = out.mul_add(factor, dense[i]);
            }
        }
    }

    fn dense(&self, state: u16) -> Vec<T> {
        let mut out = vec![T::ZERO; N];
        let state = usize::from(state);
        for (place, &v) in self.places[state].iter().zip(&self.states[state]) {
            out[usize::from(place.position)] = if place.negative { v.negated() } else { v };
        }
        out
    }

    /// A state's entries.
    pub fn state(&self, state: u16) -> &[T] {
        &self.states[usize::from(state)]
    }

    /// The released states, in the table's order.
    pub fn released(&self) -> Vec<Vec<T>> {
        self.table.released.iter().map(|&s| self.state(s).to_vec()).collect()
    }

    /// The largest absolute value that each phase opened so far: the measured payload.
    pub fn largest(&self) -> &[f64] {
        &self.largest
    }
}
