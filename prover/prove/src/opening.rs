//! Opened coefficients of products: which kind, and their identities. See `docs/protocol.md`, "The technique".

use crate::kit::{Ext, Kit};
use crate::poly;
use plonky2::iop::target::Target;
use zektra_statement::field::{E, F, N};
use zektra_statement::packing::{Packing, column_positions, row_positions};

/// How the positions of an opening lie.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Positions {
    /// All multiples of `D`.
    Rows,
    /// All below `D`.
    Columns,
    /// Any others.
    Scattered(Vec<u16>),
}

impl Positions {
    pub fn of(positions: &[u16], columns: usize) -> Self {
        if positions == row_positions(columns) {
            Self::Rows
        } else if positions == column_positions(columns) {
            Self::Columns
        } else {
            Self::Scattered(positions.to_vec())
        }
    }

    /// How many values of a polynomial stand for it in an opening of this kind.
    pub fn values(&self, columns: usize) -> usize {
        match self {
            Self::Rows => columns,
            Self::Columns => N / columns,
            Self::Scattered(_) => 1,
        }
    }

    /// Those values.
    pub fn at(&self, a: &[F], columns: usize, r: E) -> Vec<E> {
        match self {
            Self::Rows => poly::rows(a, columns, r),
            Self::Columns => poly::blocks(a, columns, r),
            Self::Scattered(_) => vec![poly::evaluate(a, r)],
        }
    }

    /// Those values of a polynomial in a circuit; `y = r^D`.
    pub fn evaluate(&self, kit: &mut Kit, a: &[Target], columns: usize, r: Ext, y: Ext) -> Vec<Ext> {
        match self {
            Self::Rows => kit.rows(a, columns, y),
            Self::Columns => kit.blocks(a, columns, r),
            Self::Scattered(_) => vec![kit.evaluate(a, r)],
        }
    }

    /// The polynomial's value at `r`, from those values.
    pub fn whole(&self, kit: &mut Kit, values: &[Ext], columns: usize, r: Ext) -> Ext {
        match self {
            Self::Rows => kit.horner(values, r),
            Self::Columns => {
                let power = kit.power(r, columns as u64);
                kit.horner(values, power)
            }
            Self::Scattered(_) => values[0],
        }
    }
}

/// What a prover adds to its witness for an opening, besides the opened coefficients.
#[derive(Clone, Default)]
pub(crate) struct Hints {
    /// `T ‖ V`, or the whole product; nothing for rows.
    pub own: Vec<F>,
    /// The quotient of a row identity.
    pub short: Option<Vec<F>>,
    /// The quotient of a whole product.
    pub full: Option<Vec<F>>,
    /// The opened coefficients.
    pub opened: Vec<F>,
}

impl Positions {
    /// The honest hints for `Σ A·B`.
    pub fn hints(&self, pairs: &[(&[F], &[F])], columns: usize) -> Hints {
        match self {
            Self::Rows => {
                let (d, q) = poly::row_identity(pairs, columns);
                Hints { short: Some(q), opened: d, ..Hints::default() }
            }
            Self::Columns => {
                let (t, v) = poly::column_products(pairs, columns);
                let upper = |j: usize| v.get(j + columns).copied().unwrap_or_default();
                let opened = (0..columns).map(|j| t[j] - upper(j)).collect();
                Hints { own: [t, v].concat(), opened, ..Hints::default() }
            }
            Self::Scattered(positions) => {
                let mut sum = poly::Sum::default();
                pairs.iter().for_each(|(a, b)| sum.add_product(a, b));
                let d = sum.remainder();
                let opened = positions.iter().map(|&p| d[usize::from(p)]).collect();
                Hints { own: d, full: Some(sum.into_quotient()), opened, short: None }
            }
        }
    }
}

/// The identities of a circuit's openings, collected.
#[derive(Default)]
pub(crate) struct Collected {
    /// Terms of identities modulo `X^N + 1`.
    pub full: Vec<Ext>,
    /// Terms of identities modulo `Y^m + 1`.
    pub short: Vec<Ext>,
    /// What belongs into the witness commitment.
    pub witness: Vec<Target>,
}

impl Collected {
    /// Constrains `opened` to be the coefficients of `Σ A·B`; `pairs` are values of the kind's parts.
    pub fn opening(
        &mut self,
        kit: &mut Kit,
        name: &str,
        kind: &Positions,
        pairs: &[(Vec<Ext>, Vec<Ext>)],
        opened: &[Target],
        (columns, r, y): (usize, Ext, Ext),
    ) {
        match kind {
            Positions::Rows => {
                let mut sum = kit.b.zero_extension();
                for (a, b) in pairs {
                    let rest = kit.inner((1..columns).map(|x| (a[x], b[columns - x])));
                    sum = kit.b.mul_add_extension(a[0], b[0], sum);
                    sum = kit.b.mul_add_extension(rest, y, sum);
                }
                let d = kit.evaluate(opened, y);
                self.short.push(kit.b.sub_extension(sum, d));
            }
            Positions::Columns => {
                let m = N / columns;
                let length = 2 * columns - 1;
                let own = kit.input(name, 2 * length);
                let (t, v) = own.split_at(length);
                let (mut t_sum, mut v_sum) = (kit.b.zero_extension(), kit.b.zero_extension());
                for (a, b) in pairs {
                    let wrapped = kit.inner((1..m).map(|i| (a[i], b[m - i])));
                    t_sum = kit.b.mul_add_extension(a[0], b[0], t_sum);
                    t_sum = kit.b.sub_extension(t_sum, wrapped);
                    let upper = kit.inner((0..m).map(|i| (a[i], b[m - 1 - i])));
                    v_sum = kit.b.add_extension(v_sum, upper);
                }
                let (t_value, v_value) = (kit.evaluate(t, r), kit.evaluate(v, r));
                kit.equal_ext("opened products", t_value, t_sum);
                kit.equal_ext("opened products", v_value, v_sum);
                for (j, &o) in opened.iter().enumerate() {
                    let coefficient = if j + columns < length { kit.b.sub(t[j], v[j + columns]) } else { t[j] };
                    kit.equal("opened coefficients", &[coefficient], &[o]);
                }
                self.witness.extend(own);
            }
            Positions::Scattered(positions) => {
                let own = kit.input(name, N);
                let sum = kit.inner(pairs.iter().map(|(a, b)| (a[0], b[0])));
                let d = kit.evaluate(&own, r);
                self.full.push(kit.b.sub_extension(sum, d));
                for (&p, &o) in positions.iter().zip(opened) {
                    kit.equal("opened coefficients", &[own[usize::from(p)]], &[o]);
                }
                self.witness.extend(own);
            }
        }
    }
}

/// `place(v)(r)`; `y = r^D`.
pub(crate) fn placed(kit: &mut Kit, packing: Packing, columns: usize, v: &[Target], r: Ext, y: Ext) -> Ext {
    let step = match packing {
        Packing::Weights => 1,
        Packing::Residuals => columns,
        Packing::Elementwise => {
            let zero = kit.b.zero();
            let mut level: Vec<Ext> = v.iter().map(|&x| plonky2::iop::ext_target::ExtensionTarget([x, zero])).collect();
            let mut power = r;
            while level.len() > 1 {
                let join = |kit: &mut Kit, pair: &[Ext]| match *pair {
                    [a, b] => kit.b.mul_add_extension(b, power, a),
                    _ => pair[0],
                };
                level = level.chunks(2).map(|pair| join(kit, pair)).collect();
                power = kit.power(power, 3);
            }
            return level[0];
        }
    };
    let zero = kit.b.zero();
    let first = plonky2::iop::ext_target::ExtensionTarget([v[0], zero]);
    if v.len() == 1 {
        return first;
    }
    // −Σ_{i ≥ 1} v_i·r^(N − i·step): from the last entry, which has the smallest exponent.
    let reversed: Vec<Target> = v[1..].iter().rev().copied().collect();
    let sum = kit.evaluate(&reversed, if step == 1 { r } else { y });
    let power = kit.power(r, (N - (v.len() - 1) * step) as u64);
    let sum = kit.b.mul_extension(sum, power);
    kit.b.sub_extension(first, sum)
}

/// `place(v)` outside circuits.
pub(crate) fn place(packing: Packing, columns: usize, v: &[F]) -> Vec<F> {
    let mut out = vec![F::default(); N];
    for (i, &x) in v.iter().enumerate() {
        let place = packing.place(i, columns);
        out[usize::from(place.position)] = if place.negative { -x } else { x };
    }
    out
}
