//! Rows to polynomials, and polynomials to vault ciphertexts.

use crate::log::{LabelLog, LogError};
use crate::ring::Poly;
use crate::seat::SeatSecret;
use crate::share;
use crate::xof::{Kind, Label, PublicRandomness, Use};
use zektra_statement::digest::Fingerprint;
use zektra_statement::field::{F, Field, N, from_i64};
use zektra_statement::record::{Dataset, Plane};

/// The public randomness `a` of a tile's plane; `object` is [`Dataset::object`].
pub fn tile_randomness(chain_id: &str, object: Fingerprint, plane: Plane, tile: u64, attempt: u32) -> Poly {
    PublicRandomness::of_dataset(chain_id, object).poly(plane as u64, tile, attempt)
}

/// The label of a tile's plane; `object` is [`Dataset::object`].
pub fn tile_label(object: Fingerprint, plane: Plane, tile: u64, attempt: u32) -> Label {
    Label::Tile { object, plane: plane as u64, tile, attempt }
}

/// A row group in the clear: for each column block, one polynomial a plane.
#[derive(Clone, Debug)]
pub struct RowGroup {
    /// `planes[block][plane]`.
    pub planes: Vec<[Poly; 2]>,
}

impl RowGroup {
    /// Packs up to `N/columns` rows.
    ///
    /// `rows[i].0` are the scaled features, the constant first; `rows[i].1[c]` is the scaled target
    /// of class `c`, in units of `2^−scale_r`. The moment plane holds `−Σ_i x_ij·t_ic` at `cD + j`.
    ///
    /// # Panics
    /// If there are more rows than fit or a row has more entries than the blocks have columns.
    pub fn pack(rows: &[(Vec<i32>, Vec<i32>)], columns: usize, blocks: usize, classes: usize) -> Self {
        assert!(rows.len() <= N / columns, "{} rows in a tile of {}", rows.len(), N / columns);
        let planes = (0..blocks).map(|block| {
            let mut x = vec![F::ZERO; N];
            let mut moment = vec![0i64; N];
            for (i, (features, targets)) in rows.iter().enumerate() {
                assert!(features.len() <= columns * blocks, "{} features", features.len());
                assert_eq!(targets.len(), classes, "targets of a row");
                let here = features.iter().skip(block * columns).take(columns);
                for (j, &v) in here.enumerate() {
                    x[i * columns + j] = from_i64(i64::from(v));
                    for (c, &t) in targets.iter().enumerate() {
                        moment[c * columns + j] -= i64::from(v) * i64::from(t);
                    }
                }
            }
            let moment = moment.into_iter().map(from_i64).collect();
            [Poly::from_coefficients(x), Poly::from_coefficients(moment)]
        });
        Self { planes: planes.collect() }
    }
}

/// What an owner encrypts under.
#[derive(Debug)]
pub struct Sealer<'a> {
    /// The owner's secrets.
    pub seat: &'a SeatSecret,
    /// The chain, or `local`.
    pub chain_id: &'a str,
    /// The dataset's object id.
    pub dataset: Fingerprint,
    /// The upload attempt.
    pub attempt: u32,
}

impl Sealer<'_> {
    /// What the tiles are labelled and drawn by.
    pub fn object(&self) -> Fingerprint {
        Dataset::object_of(self.chain_id, &self.dataset, &self.seat.commitment())
    }

    /// Encrypts planes: `b = m + e − a·s` each. All labels are claimed, durably, before any is computed.
    ///
    /// # Errors
    /// A tile that was encrypted before with other rows, and what the log may refuse.
    pub fn seal(&self, log: &mut LabelLog, planes: &[(u64, Plane, &Poly)]) -> Result<Vec<Poly>, LogError> {
        let prepared = self.prepare(planes);
        let uses: Vec<Use> = prepared.iter().map(|(_, u)| *u).collect();
        log.claim(&uses)?;
        let encrypt = |((a, usage), &(_, _, message)): ((Poly, Use), &(u64, Plane, &Poly))| {
            let mut noise = self.seat.prf().stream(&usage).noise();
            let b = share::encrypt(self.seat.key(), &a.into_eval(), message, &noise);
            noise.wipe();
            b
        };
        Ok(prepared.into_iter().zip(planes).map(encrypt).collect())
    }

    /// The noise in what [`Sealer::seal`] gives of the same planes: secret, for the tile's proof.
    pub fn noise(&self, planes: &[(u64, Plane, &Poly)]) -> Vec<Poly> {
        self.prepare(planes).iter().map(|(_, usage)| self.seat.prf().stream(usage).noise()).collect()
    }

    fn prepare(&self, planes: &[(u64, Plane, &Poly)]) -> Vec<(Poly, Use)> {
        let object = self.object();
        planes
            .iter()
            .map(|&(tile, plane, message)| {
                let a = tile_randomness(self.chain_id, object, plane, tile, self.attempt);
                let usage = Use {
                    kind: Kind::Tile,
                    label: tile_label(object, plane, tile, self.attempt),
                    multiplier: a.fingerprint(),
                    message: message.fingerprint(),
                };
                (a, usage)
            })
            .collect()
    }
}
