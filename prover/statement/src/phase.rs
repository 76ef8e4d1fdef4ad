//! Phase tables: the only programs that members run.
//!
//! An iteration is a list of [`Phase`]s. A phase multiplies ciphertexts, opens chosen coefficients
//! under masks, divides by a power of two and encrypts again. The table is compiled from a
//! [template](crate::template) by every party; it is never received.

use crate::digest::{Encoder, Fingerprint};
use crate::field::N;
use crate::packing::{MAX_POSITIONS, Packing, Place};
use crate::record::Plane;
use std::collections::BTreeSet;

/// A factor of a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// The feature plane of the tile at (row group `slot` of the step, column block `block`).
    Features {
        /// Index into the step's row groups.
        slot: u16,
        /// Column block.
        block: u16,
    },
    /// A state ciphertext made by an earlier phase.
    State(u16),
}

/// A tile's label moment, added without multiplication: the plane times `Z^(−class·D)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addend {
    /// Index into the step's row groups.
    pub slot: u16,
    /// Column block.
    pub block: u16,
    /// Whose class' moment.
    pub class: u16,
}

/// A sum of products and addends, and the coefficients that are opened of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Opening {
    /// Products that are summed.
    pub products: Vec<(Operand, Operand)>,
    /// Planes that are added.
    pub addends: Vec<Addend>,
    /// The opened coefficients, at most [`MAX_POSITIONS`].
    pub positions: Vec<u16>,
}

/// A state that is encrypted again from opened values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Output {
    /// Which state is replaced.
    pub state: u16,
    /// The openings whose rounded values are summed.
    pub openings: Vec<u16>,
    /// Whether the sum is added to the state's old value.
    pub carry: bool,
    /// Whether the sum is subtracted instead of added.
    pub negate: bool,
    /// Added publicly to every entry of `U'`.
    pub constant: i64,
}

/// Multiply, open masked, rescale, encrypt again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phase {
    /// For people: "predict", "gradient".
    pub name: &'static str,
    /// What is opened.
    pub openings: Vec<Opening>,
    /// Opened values are divided by `2^shift`.
    pub shift: u32,
    /// What is encrypted again.
    pub outputs: Vec<Output>,
}

/// A vector that lives as a ciphertext between phases.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// Its layout.
    pub packing: Packing,
    /// Its number of entries.
    pub length: u16,
}

/// What every party runs `iterations` times.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PhaseTable {
    /// Columns of a tile, `D`.
    pub columns: u16,
    /// Column blocks of a row group.
    pub blocks: u16,
    /// Row groups of a step.
    pub slots: u16,
    /// How often the phases run.
    pub iterations: u32,
    /// All states, zero at the start.
    pub states: Vec<State>,
    /// The phases of an iteration.
    pub phases: Vec<Phase>,
    /// The states that are released at the end: the weights.
    pub released: Vec<u16>,
}

/// Why a table is malformed. Templates only compile to well-formed tables; this guards new ones.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TableError {
    /// An index points nowhere.
    #[error("phase {phase}: {what} {index} does not exist")]
    Unknown {
        /// Which phase.
        phase: usize,
        /// What kind of thing.
        what: &'static str,
        /// The index.
        index: u16,
    },
    /// The two factors would share a `c1`, whose square is a known attack surface.
    #[error("phase {phase}: both factors of a product are {operand:?}; encrypt the vector twice")]
    Square {
        /// Which phase.
        phase: usize,
        /// The factor.
        operand: Operand,
    },
    /// Two tiles multiplied: rows would meet rows.
    #[error("phase {phase}: a product of two tiles is not allowed")]
    TwoTiles {
        /// Which phase.
        phase: usize,
    },
    /// More than 128 positions, none, or one out of range or repeated.
    #[error("phase {phase}: an opening needs 1 to 128 distinct positions below 4096, not {count}")]
    Positions {
        /// Which phase.
        phase: usize,
        /// How many there are.
        count: usize,
    },
    /// A state would be encrypted twice in an iteration, under one `a''`.
    #[error("phase {phase}: state {state} is written a second time in the iteration")]
    Twice {
        /// Which phase.
        phase: usize,
        /// Which state.
        state: u16,
    },
    /// A number out of range.
    #[error("phase {phase}: {what} is {value}, expected {expected}")]
    Range {
        /// Which phase; the number of phases for what belongs to none.
        phase: usize,
        /// Which number.
        what: &'static str,
        /// Its value.
        value: u32,
        /// What is allowed.
        expected: &'static str,
    },
    /// A state's length differs from the openings that feed it.
    #[error("phase {phase}: state {state} has {length} entries but an opening gives {opened}")]
    Length {
        /// Which phase.
        phase: usize,
        /// Which state.
        state: u16,
        /// Its entries.
        length: u16,
        /// What the opening gives.
        opened: usize,
    },
}

/// A plane of a tile that a phase reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TilePlane {
    /// Index into the step's row groups.
    pub slot: u16,
    /// Column block.
    pub block: u16,
    /// Which plane.
    pub plane: Plane,
}

impl Phase {
    /// The tile planes and the states that the phase reads, each once, in order.
    pub fn reads(&self) -> (Vec<TilePlane>, Vec<u16>) {
        let (mut tiles, mut states) = (BTreeSet::new(), BTreeSet::new());
        for opening in &self.openings {
            for operand in opening.products.iter().flat_map(|&(a, b)| [a, b]) {
                match operand {
                    Operand::Features { slot, block } => {
                        tiles.insert(TilePlane { slot, block, plane: Plane::Features });
                    }
                    Operand::State(s) => {
                        states.insert(s);
                    }
                }
            }
            for a in &opening.addends {
                tiles.insert(TilePlane { slot: a.slot, block: a.block, plane: Plane::Moment });
            }
        }
        (tiles.into_iter().collect(), states.into_iter().collect())
    }
}

impl PhaseTable {
    /// Where the entries of a state sit.
    pub fn places(&self, state: u16) -> Vec<Place> {
        let s = self.states[usize::from(state)];
        (0..usize::from(s.length)).map(|i| s.packing.place(i, usize::from(self.columns))).collect()
    }

    /// Rows of a tile, `N/D`.
    pub fn rows(&self) -> usize {
        N / usize::from(self.columns)
    }

    /// Whether two tables differ at most in how often their phases run.
    pub fn same_phases(&self, other: &Self) -> bool {
        Self { iterations: 0, ..self.clone() } == Self { iterations: 0, ..other.clone() }
    }

    /// Labels that a member answers in a whole run: offline shares, masks, refreshes, salts.
    pub fn labels(&self) -> u64 {
        let one = |p: &Phase| 2 * (p.openings.len() + p.outputs.len()) as u64;
        u64::from(self.iterations) * self.phases.iter().map(one).sum::<u64>()
    }

    /// Checks the rules that hiding rests on.
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn validate(&self) -> Result<(), TableError> {
        let whole = self.phases.len();
        if ![32, 64].contains(&self.columns) {
            let value = u32::from(self.columns);
            return Err(TableError::Range { phase: whole, what: "columns", value, expected: "32 or 64" });
        }
        for s in &self.states {
            let longest = match s.packing {
                Packing::Weights => self.columns,
                Packing::Residuals => self.rows() as u16,
                Packing::Elementwise => MAX_POSITIONS as u16,
            };
            if s.length == 0 || s.length > longest {
                let (what, value, expected) = ("length of a state", u32::from(s.length), "what its packing holds");
                return Err(TableError::Range { phase: whole, what, value, expected });
            }
        }
        let mut written = vec![false; self.states.len()];
        for (phase, p) in self.phases.iter().enumerate() {
            let unknown = |what, index| TableError::Unknown { phase, what, index };
            if !(1..=62).contains(&p.shift) {
                return Err(TableError::Range { phase, what: "shift", value: p.shift, expected: "1 to 62" });
            }
            for o in &p.openings {
                for &(a, b) in &o.products {
                    if a == b {
                        return Err(TableError::Square { phase, operand: a });
                    }
                    let mut tiles = 0;
                    for operand in [a, b] {
                        match operand {
                            Operand::Features { slot, block } => {
                                tiles += 1;
                                if slot >= self.slots {
                                    return Err(unknown("row group", slot));
                                }
                                if block >= self.blocks {
                                    return Err(unknown("column block", block));
                                }
                            }
                            Operand::State(s) if usize::from(s) >= self.states.len() => {
                                return Err(unknown("state", s));
                            }
                            Operand::State(_) => {}
                        }
                    }
                    if tiles == 2 {
                        return Err(TableError::TwoTiles { phase });
                    }
                }
                for a in &o.addends {
                    if a.slot >= self.slots || a.block >= self.blocks {
                        return Err(unknown("addend of row group", a.slot));
                    }
                    if (usize::from(a.class) + 1) * usize::from(self.columns) > N {
                        return Err(unknown("class of an addend", a.class));
                    }
                }
                let mut sorted = o.positions.clone();
                sorted.sort_unstable();
                sorted.dedup();
                let in_range = sorted.last().is_some_and(|&p| usize::from(p) < N);
                if sorted.len() != o.positions.len() || sorted.len() > MAX_POSITIONS || !in_range {
                    return Err(TableError::Positions { phase, count: o.positions.len() });
                }
            }
            for out in &p.outputs {
                let Some(state) = self.states.get(usize::from(out.state)) else {
                    return Err(unknown("state", out.state));
                };
                if std::mem::replace(&mut written[usize::from(out.state)], true) {
                    return Err(TableError::Twice { phase, state: out.state });
                }
                if out.openings.is_empty() {
                    let (what, expected) = ("openings of an output", "at least 1");
                    return Err(TableError::Range { phase, what, value: 0, expected });
                }
                for &o in &out.openings {
                    let opening = p.openings.get(usize::from(o)).ok_or(unknown("opening", o))?;
                    if opening.positions.len() != usize::from(state.length) {
                        return Err(TableError::Length {
                            phase,
                            state: out.state,
                            length: state.length,
                            opened: opening.positions.len(),
                        });
                    }
                }
            }
        }
        match self.released.iter().find(|&&s| usize::from(s) >= self.states.len()) {
            Some(&s) => Err(TableError::Unknown { phase: self.phases.len(), what: "state", index: s }),
            None => Ok(()),
        }
    }

    /// The digest that a job names: over every field of the table.
    pub fn digest(&self) -> Fingerprint {
        let Self { columns, blocks, slots, iterations, states, phases, released } = self;
        let mut e = Encoder::new("zektra/phase-table/v1");
        e.u64(u64::from(*columns)).u64(u64::from(*blocks)).u64(u64::from(*slots)).u64(u64::from(*iterations));
        e.len(states.len());
        for State { packing, length } in states {
            e.u64(*packing as u64).u64(u64::from(*length));
        }
        e.len(phases.len());
        for Phase { name, openings, shift, outputs } in phases {
            e.bytes(name.as_bytes()).u64(u64::from(*shift)).len(openings.len());
            for Opening { products, addends, positions } in openings {
                e.len(products.len());
                for (a, b) in products {
                    for operand in [a, b] {
                        match operand {
                            Operand::Features { slot, block } => e.u64(0).u64(u64::from(*slot)).u64(u64::from(*block)),
                            Operand::State(s) => e.u64(1).u64(u64::from(*s)),
                        };
                    }
                }
                e.len(addends.len());
                for Addend { slot, block, class } in addends {
                    e.u64(u64::from(*slot)).u64(u64::from(*block)).u64(u64::from(*class));
                }
                e.len(positions.len());
                for p in positions {
                    e.u64(u64::from(*p));
                }
            }
            e.len(outputs.len());
            for Output { state, openings, carry, negate, constant } in outputs {
                e.u64(u64::from(*state)).u64(u64::from(*carry)).u64(u64::from(*negate)).i64(*constant);
                e.len(openings.len());
                for o in openings {
                    e.u64(u64::from(*o));
                }
            }
        }
        e.len(released.len());
        for s in released {
            e.u64(u64::from(*s));
        }
        e.fingerprint()
    }
}
