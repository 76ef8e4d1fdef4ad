//! "`b + a·s` is a tile: features in range, rows and moments of bounded norm, noise in [−2, 2]."

use crate::cache::Cache;
use crate::circuit::{Blinding, Circuit, Proof, ProofError};
use crate::config::Purpose;
use crate::gadgets;
use crate::gates::{RangeGate, SmallGate};
use crate::kit::{Family, Kit, Values};
use crate::poly;
use zektra_statement::digest::{Tag, commit};
use zektra_statement::field::{E, F, Field, N, centred};
use zektra_statement::inputs::{self, Statement};
use zektra_statement::record::Dataset;
use zektra_statement::template::Params;

/// The bounds that a tile keeps, as integers at the scales of its planes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bounds {
    /// Columns of a tile, `D`.
    pub columns: usize,
    /// Column blocks of a row.
    pub blocks: usize,
    /// Weight vectors.
    pub classes: usize,
    /// Largest `|x|`, in units of `2^−scale_x`.
    pub range: u64,
    /// `⌊R·2^(2·scale_x)⌋`.
    pub row_norm: u64,
    /// `⌊(m·√R/2)²·2^(2·(scale_x + scale_r))⌋`.
    pub moment_norm: u64,
}

impl Bounds {
    /// The bounds of a template; `None` if sums of squares could reach `p`.
    pub fn of(p: &Params) -> Option<Self> {
        let (columns, blocks) = (p.columns(), p.blocks());
        Self::new([columns, blocks, p.classes], p.scale_x, p.scale_r, p.row_norm, p.range)
    }

    /// The bounds of a dataset; `None` if sums of squares could reach `p`.
    pub fn of_dataset(d: &Dataset) -> Option<Self> {
        Self::new([d.columns, d.blocks, d.classes], d.scale_x, d.scale_r, d.row_norm, d.range)
    }

    fn new(layout: [u32; 3], scale_x: u32, scale_r: u32, row_norm: u32, range: u32) -> Option<Self> {
        let [columns, blocks, classes] = layout;
        let rows = (N / columns as usize) as u128;
        let moment_norm = (rows * rows * u128::from(row_norm)) << (2 * (scale_x + scale_r)) >> 10;
        let entries = u128::from(columns * blocks);
        let range = u64::from(range) << scale_x >> 8;
        let most = u128::from(zektra_statement::field::P / 2);
        let fits = entries * moment_norm < most && entries * u128::from(range).pow(2) < most;
        fits.then(|| Self {
            columns: columns as usize,
            blocks: blocks as usize,
            classes: classes as usize,
            range,
            row_norm: u64::from(row_norm) << (2 * scale_x) >> 8,
            moment_norm: moment_norm as u64,
        })
    }

    /// The largest entry of a moment.
    pub fn moment_range(&self) -> u64 {
        self.moment_norm.isqrt()
    }
}

/// One plane of a tile: the public polynomials and what they hide.
#[derive(Clone, Copy)]
pub struct PlaneWitness<'a> {
    /// `a`: public.
    pub a: &'a [F],
    /// `b`: public.
    pub b: &'a [F],
    /// `m`: secret.
    pub message: &'a [F],
    /// `e`: secret.
    pub noise: &'a [F],
}

/// The circuit of a row group's tiles.
#[derive(Debug)]
pub struct TileCircuit {
    /// The circuit.
    pub circuit: Circuit,
    bounds: Bounds,
}

impl TileCircuit {
    /// Builds the circuit.
    pub fn build(bounds: Bounds) -> Self {
        Self::without(bounds, None)
    }

    /// Loads the circuit, or builds it.
    pub fn load(cache: &Cache, bounds: Bounds) -> Self {
        let build = || Self::build(bounds).circuit;
        Self { circuit: cache.circuit(Purpose::Share, &Self::shape(bounds), build), bounds }
    }

    fn shape(bounds: Bounds) -> String {
        let Bounds { columns, blocks, classes, range, row_norm, moment_norm } = bounds;
        format!(
            "tile/1 D={columns} blocks={blocks} classes={classes} range={range} row={row_norm} moment={moment_norm}"
        )
    }

    /// Builds the circuit without one family of constraints: for tests of the others.
    pub fn without(bounds: Bounds, omit: Option<Family>) -> Self {
        let Bounds { columns, blocks, classes, range, row_norm, moment_norm } = bounds;
        let mut kit = Kit::new(Purpose::Share, &Self::shape(bounds), omit);
        let key = kit.public_hash();
        kit.public_hashes(4 * blocks);
        let head = kit.head();
        let at_r: Vec<_> = (0..2 * blocks).map(|_| (kit.public_ext(), kit.public_ext())).collect();

        let key = kit.key(key);
        let s = kit.evaluate(&key.digits, head.r);
        let noise = SmallGate::noise(!kit.omits("noise range"));
        let features = SmallGate::features(range, !kit.omits("feature range"));
        let noise_powers = kit.row_powers(&noise, head.r);
        let feature_powers = kit.row_powers(&features, head.r);
        let mut witness = vec![];
        let mut terms = vec![];
        let zero = kit.b.zero();
        let mut norms = vec![zero; N / columns];
        let mut squares = vec![zero; classes];
        for block in 0..blocks {
            let per_row = columns / features.values();
            let x = kit.small(&format!("features {block}"), &features, &feature_powers, Some(per_row));
            for (norm, part) in norms.iter_mut().zip(&x.norms) {
                *norm = kit.b.add(*norm, *part);
            }
            let bound = bounds.moment_range();
            let gate = kit.range_gate(0, 2 * bound, "moment range");
            let entries = kit.ranged(&format!("moment {block}"), &gate, classes * columns);
            let entries: Vec<_> =
                entries.iter().map(|(v, _)| kit.b.add_const(*v, -F::from_canonical_u64(bound))).collect();
            for (class, square) in squares.iter_mut().enumerate() {
                for &v in &entries[class * columns..(class + 1) * columns] {
                    *square = kit.b.mul_add(v, v, *square);
                }
            }
            let moment = kit.evaluate(&entries, head.r);
            witness.extend(x.packs);
            witness.extend(entries);
            for (plane, m) in [x.value, moment].into_iter().enumerate() {
                let e = kit.small(&format!("noise {block} {plane}"), &noise, &noise_powers, None);
                witness.extend(e.packs);
                let (a, b) = at_r[2 * block + plane];
                let sum = kit.b.mul_add_extension(a, s, b);
                let sum = kit.b.sub_extension(sum, m);
                terms.push(kit.b.sub_extension(sum, e.value));
            }
        }
        for (family, name, sums, bound) in
            [("row norm", "row slack", norms, row_norm), ("moment norm", "moment slack", squares, moment_norm)]
        {
            let slack: Vec<_> = sums
                .into_iter()
                .map(|sum| {
                    let negative = kit.b.neg(sum);
                    kit.b.add_const(negative, F::from_canonical_u64(bound))
                })
                .collect();
            let gate = kit.range_gate(0, bound, family);
            let numbers = kit.ranged(name, &gate, slack.len());
            let numbers: Vec<_> = numbers.into_iter().map(|(v, _)| v).collect();
            kit.equal(family, &numbers, &slack);
        }
        let opened = kit.commit(Tag::Witness, &witness);
        kit.equal("witness commitment", &opened, &head.witness);
        gadgets::identities(&mut kit, &head, &terms, vec![]);
        Self { circuit: kit.finish(Blinding::Hiding), bounds }
    }

    /// The bounds that its tiles keep.
    pub fn bounds(&self) -> Bounds {
        self.bounds
    }

    /// The values of a statement at `r`: (a, b) of each block and plane.
    pub fn values_at(&self, polys: &[(&[F], &[F])], r: E) -> Vec<E> {
        polys.iter().flat_map(|(a, b)| [poly::evaluate(a, r), poly::evaluate(b, r)]).collect()
    }

    /// What an honest prover fills in; `planes` are two for each block.
    pub fn values(&self, statement: &inputs::Tile, key: &[F], planes: &[PlaneWitness<'_>]) -> Values {
        let Bounds { columns, blocks, classes, range, row_norm, moment_norm } = self.bounds;
        let mut values = Values::default();
        values.put("key", key.to_vec());
        let (noise, features) = (SmallGate::noise(true), SmallGate::features(range, true));
        let mut witness = vec![];
        let mut norms = vec![0i128; N / columns];
        let mut squares = vec![0i128; classes];
        let bound = self.bounds.moment_range() as i64;
        for block in 0..blocks {
            let x = planes[2 * block].message;
            let small = gadgets::small_values(&features, x);
            for (norm, row) in norms.iter_mut().zip(x.chunks(columns)) {
                *norm += row.iter().map(|&v| i128::from(centred(v)).pow(2)).sum::<i128>();
            }
            let entries = &planes[2 * block + 1].message[..classes * columns];
            for (square, class) in squares.iter_mut().zip(entries.chunks(columns)) {
                *square += class.iter().map(|&v| i128::from(centred(v)).pow(2)).sum::<i128>();
            }
            let shifted: Vec<u64> = entries.iter().map(|&v| (centred(v) + bound).max(0) as u64).collect();
            values.put(format!("features {block}"), small.digits);
            values.put(format!("moment {block}"), plain_range(2 * bound as u64).fill(shifted));
            witness.extend(small.packs);
            witness.extend_from_slice(entries);
            for plane in 0..2 {
                let e = gadgets::small_values(&noise, planes[2 * block + plane].noise);
                witness.extend(e.packs);
                values.put(format!("noise {block} {plane}"), e.digits);
            }
        }
        for (name, sums, bound) in [("row slack", norms, row_norm), ("moment slack", squares, moment_norm)] {
            let slack: Vec<u64> = sums.iter().map(|s| (i128::from(bound) - s).max(0) as u64).collect();
            values.put(name, plain_range(bound).fill(slack));
        }
        let quotients: Vec<Vec<F>> = planes.iter().map(|p| poly::product(p.a, key).1).collect();
        let polys: Vec<_> = planes.iter().map(|p| (p.a, p.b)).collect();
        gadgets::seal(
            &mut values,
            &self.circuit.id(),
            &statement.elements(),
            commit(Tag::Witness, &witness),
            |beta| vec![poly::combine(&quotients, beta)],
            |points| self.values_at(&polys, points.r),
        );
        values
    }

    /// Proves a row group.
    ///
    /// # Errors
    /// Rows beyond the bounds.
    pub fn prove(&self, statement: &inputs::Tile, key: &[F], planes: &[PlaneWitness<'_>]) -> Result<Proof, ProofError> {
        self.circuit.prove(&self.values(statement, key, planes))
    }

    /// Verifies a proof against the statement and the public polynomials behind its commitments.
    ///
    /// # Errors
    /// A proof of something else, or none.
    pub fn verify(&self, statement: &inputs::Tile, polys: &[(&[F], &[F])], proof: &Proof) -> Result<(), ProofError> {
        gadgets::check(&self.circuit, &statement.elements(), proof, |points| self.values_at(polys, points.r))
    }
}

fn plain_range(max: u64) -> RangeGate {
    RangeGate::new(0, max, 135, 80, true)
}
