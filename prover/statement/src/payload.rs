//! How large an opened value can get.
//!
//! A mask hides a value `|v| < 2^V` with statistical distance `2^−(B+1−V)` per opened coefficient,
//! `B = 63 − ⌈log2(n+1)⌉`. Nobody can look at the weights, so `V` must hold over all iterations for
//! rows and noise that other members choose against us, from proven bounds only.
//!
//! # Derivation (linear link)
//!
//! All values are in integer units. `E = 2n` bounds every coefficient of a ciphertext's noise (n
//! members, |e| ≤ 2 each). With rows `‖x‖² ≤ R·s_x²`, a row and its noise have the norm
//! `ρ = s_x√R + E√d`, `d` the columns of all blocks; a column of one tile has entries up to
//! `κ = s_x·range + E`. Per phase, with `m` rows a row group and `G` groups a step:
//!
//! 1. `v_z = ⟨x̃, W⟩ + (X̃ * E_W) + P`: at most `ρ‖W‖ + ζ`, `ζ = √m·ρ·E·√(N·blocks) + E·n·N` by
//!    Cauchy–Schwarz over the whole polynomials; the last term is the offline shares' noise times the keys.
//! 2. `r = v_z / 2^s1 + δ`, `|δ| ≤ (n+1)/2` (n+1 values are rounded).
//! 3. `v_g = Σ x̃·r + moment + (X̃ * E_R) + P`, over `f` row groups: at most
//!    `f·m·κ·r_max + f·m·(√R/2)·s_x·s_r + f·E + f·√m·ρ·E·√N + E·n·N`.
//! 4. `W' = W − Σ v_g / 2^s2`. The part linear in `W` is `I − X̃ᵀX̃/2^(s1+s2)`, which never expands a
//!    vector while `λ = G·m·ρ²/2^(s1+s2) ≤ 2`; everything else adds at most a constant `c` an
//!    iteration, so `‖W_t‖ ≤ c·t`.
//!
//! Only `+ − × / √` of IEEE doubles are used before the final logarithms: every machine gets the
//! same figures.

use crate::field::N;
use crate::template::{Kind, Params, Template, cubic};

/// A member's largest noise coefficient: centred binomial with η = 2.
pub const NOISE_BOUND: f64 = 2.0;

/// The variance of a member's noise coefficient, η/2.
pub const NOISE_VARIANCE: f64 = 1.0;

/// How many standard deviations "honest" noise may reach: below 2^−28 a coefficient.
const HONEST_SIGMAS: f64 = 6.0;

/// How much larger than on the full batch honest weights may get on mini-batches: an assumption about honest
/// data, drawn by the beacon from one population, not a bound. The worst case does not use it.
const MINI_BATCH_SPREAD: f64 = 2.0;

/// What one phase opens, over the whole job.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PhasePayload {
    /// The phase's name.
    pub name: &'static str,
    /// Largest absolute value for adversarial rows and noise; infinite where there is no bound.
    pub worst: f64,
    /// Largest absolute value for honest rows, consistent labels and random noise.
    pub honest: f64,
    /// Largest part of it that noise can make, all members' at its bound: how far from the truth a valid
    /// job may be steered at this opening. Infinite where there is no bound.
    pub noise: f64,
    /// Opened coefficients in all iterations.
    pub opened: u64,
}

/// The payload of a job.
#[derive(Clone, Debug, PartialEq)]
pub struct Payload {
    /// One entry a phase of the iteration.
    pub phases: Vec<PhasePayload>,
    /// `λ` of the update map; at most 2 keeps it from expanding.
    pub expansion: f64,
    /// Bound of the weights' norm after the last iteration, in units of 1 (worst case).
    pub weight_norm: f64,
    /// Bound of the distance (Euclidean, in units of 1) between the encrypted run's weights and those of the
    /// exact integers, worst case: noise, its effect on the update map, and one more rounding each.
    pub weight_error: f64,
    /// Standard deviation of a prediction's error by noise and rounding, in units of 1, honest members.
    pub prediction_error: f64,
}

/// The payload of `template` for `n` members.
///
/// # Panics
/// If the template's parameters are out of range: call [`Template::validate`] first.
pub fn payload(template: &Template, n: u32) -> Payload {
    let linear = Linear::new(&template.params, n);
    match template.kind {
        Kind::LinearRegression | Kind::LinearClassifier => linear.payload(),
        Kind::CubicClassifier => linear.cubic_payload(),
    }
}

fn pow2(e: u32) -> f64 {
    (1u64 << e) as f64
}

struct Linear<'a> {
    p: &'a Params,
    n: f64,
    e: f64,
    rows: f64,
    groups: f64,
    fan_in: f64,
    /// Columns of all blocks.
    d: f64,
    blocks: f64,
    sx: f64,
    sw: f64,
    sr: f64,
    root_r: f64,
    /// Norm of a row with its noise.
    rho: f64,
    /// Largest entry with its noise.
    kappa: f64,
    /// Noise of the offline shares times the keys.
    offline: f64,
}

impl<'a> Linear<'a> {
    fn new(p: &'a Params, n: u32) -> Self {
        let n = f64::from(n);
        let e = NOISE_BOUND * n;
        let d = f64::from(p.columns() * p.blocks());
        let (sx, root_r) = (pow2(p.scale_x), (f64::from(p.row_norm) / 256.0).sqrt());
        Self {
            p,
            n,
            e,
            rows: f64::from(p.rows_per_group()),
            groups: f64::from(p.groups),
            fan_in: f64::from(p.fan_in),
            d,
            blocks: f64::from(p.blocks()),
            sx,
            sw: pow2(p.scale_w),
            sr: pow2(p.scale_r),
            root_r,
            rho: sx * root_r + e * d.sqrt(),
            kappa: sx * f64::from(p.range) / 256.0 + e,
            offline: e * n * N as f64,
        }
    }

    fn payload(&self) -> Payload {
        let (n_poly, rows, groups) = ((N as f64).sqrt(), self.rows, self.groups);
        let (two_s1, two_s2) = (pow2(self.p.shift_r()), pow2(self.p.shift_w));
        let all_rows = groups * rows;
        let expansion = all_rows * self.rho * self.rho / (two_s1 * two_s2);

        let zeta = rows.sqrt() * self.rho * self.e * n_poly * self.blocks.sqrt() + self.offline;
        let delta = (self.n + 1.0) / 2.0;
        let moment = |rows: f64| rows * self.root_r / 2.0 * self.sx * self.sr;
        let conv_r = rows.sqrt() * self.rho * self.e * n_poly;
        let openings = groups / self.fan_in;
        let noise = |delta: f64| {
            (all_rows * self.rho * (zeta / two_s1 + delta)
                + groups * self.e * self.d.sqrt()
                + groups * f64::from(self.p.columns()).sqrt() * conv_r
                + openings * self.offline * self.d.sqrt())
                / two_s2
                + openings * delta * self.d.sqrt()
        };
        let per_iteration = noise(delta) + moment(all_rows) / two_s2;
        // W is 0 in the first iteration, so the last one multiplies what T − 1 updates made.
        let grow = (expansion - 1.0).max(1.0);
        let clean = self.sx * self.root_r;
        let perturbed = all_rows * (self.rho * self.rho - clean * clean) / (two_s1 * two_s2);
        let (mut w, mut distance) = (0.0, noise(delta + 0.5));
        for _ in 1..self.p.iterations {
            w = grow * w + per_iteration;
            distance = grow * distance + noise(delta + 0.5) + perturbed * w;
        }
        let worst_z = self.rho * w + zeta;
        let worst_g = self.fan_in * rows * self.kappa * (worst_z / two_s1 + delta)
            + moment(self.fan_in * rows)
            + self.fan_in * (self.e + conv_r)
            + self.offline;

        let noise_z = self.e * self.d.sqrt() * w + zeta;
        let noise_g = self.fan_in * self.rows * (self.e * (worst_z / two_s1 + delta) + self.kappa * delta)
            + self.fan_in * (self.e + conv_r)
            + self.offline;

        let honest = self.honest();
        let iterations = u64::from(self.p.iterations) * u64::from(self.p.classes);
        let z_opened = iterations * u64::from(self.p.groups * self.p.rows_per_group());
        let g_opened =
            iterations * u64::from(self.p.groups / self.p.fan_in) * u64::from(self.p.blocks() * self.p.columns());
        Payload {
            phases: vec![
                PhasePayload { name: "predict", worst: worst_z, honest: honest.z, noise: noise_z, opened: z_opened },
                PhasePayload { name: "gradient", worst: worst_g, honest: honest.g, noise: noise_g, opened: g_opened },
            ],
            expansion,
            weight_norm: (grow * w + per_iteration) / self.sw,
            weight_error: distance / self.sw,
            prediction_error: honest.error,
        }
    }

    /// Honest data: targets within ±½ that belong to the rows, noise at six standard deviations.
    ///
    /// Gradient descent from zero with a non-expansive map never enlarges the residual of a full
    /// batch, and after `t` steps `‖w‖ ≤ ½·√lr·max_x |1 − (1−x)^t|/√x` over `x ∈ (0, 2]`
    /// (spectral filter of the Landweber iteration). Mini-batches of one population follow the same path up to
    /// [`MINI_BATCH_SPREAD`]; `‖w‖ ≤ t·lr·√R/2` holds for any.
    fn honest(&self) -> Honest {
        let lr = self.p.learning_rate();
        let t = f64::from(self.p.iterations.saturating_sub(1));
        let plain = t * lr * self.root_r / 2.0;
        let filtered = 0.5 * lr.sqrt() * filter_norm(t);
        let w = plain.min(if self.p.full_batch { filtered } else { MINI_BATCH_SPREAD * filtered });
        let sigma = (self.n * NOISE_VARIANCE).sqrt();
        let n_poly = (N as f64).sqrt();
        // Every term is a sum of independent coefficients times fixed ones: standard deviation = norm · σ.
        let noise_z = self.rows.sqrt() * self.sx * self.root_r * sigma * self.blocks.sqrt()
            + sigma * self.d.sqrt() * w * self.sw
            + self.offline_deviation();
        let noise_r = (self.fan_in * self.rows).sqrt() * self.sx * self.root_r * sigma
            + sigma * n_poly * self.fan_in.sqrt() * (0.5 + self.root_r * w) * self.sr
            + self.offline_deviation();
        let z = self.root_r * w * self.sx * self.sw + HONEST_SIGMAS * noise_z;
        let residual = if self.p.full_batch {
            (self.root_r * w + 0.5).min(0.5 * (self.groups / self.fan_in).sqrt())
        } else {
            self.root_r * w + 0.5
        };
        let range = (f64::from(self.p.range) / 256.0).min(self.root_r);
        let rounding = ((self.n + 1.0) / 12.0).sqrt();
        let g = self.fan_in * self.rows * range * (residual * self.sr + rounding) * self.sx + HONEST_SIGMAS * noise_r;
        let error = noise_z / (self.sx * self.sw)
            + rounding / self.sr / self.rows.sqrt()
            + self.root_r * rounding * (t * self.groups / self.fan_in).sqrt() / self.sw
            + self.d.sqrt() * 0.3 * w / self.sx;
        Honest { z, g, error }
    }

    /// `Σ e^P · Σ s`: n·N products of a noise and a ternary coefficient (variance 2/3).
    fn offline_deviation(&self) -> f64 {
        self.n * (N as f64 * NOISE_VARIANCE * 2.0 / 3.0).sqrt()
    }

    /// The cubic link under its assumption |z| ≤ 8: no worst case, as one row beyond 9.7 pushes the wrong way.
    fn cubic_payload(&self) -> Payload {
        let base = self.payload();
        let (sz, sq) = (pow2(cubic::Z_BITS), pow2(cubic::Q_BITS));
        let limit = cubic::Z_LIMIT;
        let noise = HONEST_SIGMAS * self.rows.sqrt() * (self.n * NOISE_VARIANCE).sqrt();
        let z_honest = limit * self.sx * self.sw;
        let square = limit * limit * sz * sz + noise * limit * sz * 2.0;
        // z(β − z²) is largest at z = √(β/3) or at the limit.
        let turn = (cubic::BETA / 3.0).sqrt();
        let cube = (2.0 / 3.0 * cubic::BETA * turn).max(limit * (limit * limit - cubic::BETA).abs());
        let cube = cube * sz * sq + noise * (limit * sz + cubic::BETA * sq);
        let z = base.phases[0];
        let g = base.phases[1];
        let residual = cube / (sz * sq) / pow2(cubic::FACTOR_BITS) + 0.5;
        let gradient = self.fan_in * self.rows * self.kappa * residual * self.sr + noise * self.sx;
        let without =
            |name, honest, opened| PhasePayload { name, worst: f64::INFINITY, honest, noise: f64::INFINITY, opened };
        Payload {
            phases: vec![
                without("predict", z_honest.max(z.honest), z.opened),
                without("square", square, z.opened),
                without("cube", cube, z.opened),
                without("gradient", gradient, g.opened),
            ],
            ..base
        }
    }
}

struct Honest {
    z: f64,
    g: f64,
    error: f64,
}

/// `max |1 − (1−x)^t| / √x` over `x ∈ (0, 2]`, on a grid of 1/512.
fn filter_norm(t: f64) -> f64 {
    let mut largest: f64 = 0.0;
    for k in 1..=1024 {
        let x = f64::from(k) / 512.0;
        let mut power = 1.0;
        for _ in 0..(t as u64) {
            power *= 1.0 - x;
        }
        largest = largest.max((1.0 - power).abs() / x.sqrt());
    }
    largest
}

/// `B`: masks are uniform in `[−2^B, 2^B)` so that n masks and a value do not wrap. `63 − ⌈log2(n+1)⌉`.
pub fn mask_bits(n: u32) -> u32 {
    63 - (n + 1).next_power_of_two().trailing_zeros()
}

/// Hiding in bits, of one coefficient in its worst phase and of a whole job.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Hiding {
    /// `min B + 1 − V` over the phases, worst case.
    pub opening_worst: f64,
    /// The same for honest data.
    pub opening_honest: f64,
    /// `−log2 Σ opened · attempts · 2^−(B+1−V)` over the phases, worst case.
    pub job_worst: f64,
    /// The same for honest data.
    pub job_honest: f64,
}

/// The least hiding that a job may have.
pub const FLOORS: Hiding = Hiding { opening_worst: 32.0, opening_honest: 36.0, job_worst: 18.0, job_honest: 24.0 };

impl Payload {
    /// The hiding of a job with `n` members that may be attempted `attempts` times.
    pub fn hiding(&self, n: u32, attempts: u32) -> Hiding {
        let width = f64::from(mask_bits(n) + 1);
        let opening =
            |v: fn(&PhasePayload) -> f64| self.phases.iter().map(|p| width - v(p).log2()).fold(f64::INFINITY, f64::min);
        let job = |v: fn(&PhasePayload) -> f64| {
            let leak = |p: &PhasePayload| p.opened as f64 * f64::from(attempts) * v(p) / width.exp2();
            -self.phases.iter().map(leak).sum::<f64>().log2()
        };
        Hiding {
            opening_worst: opening(|p| p.worst),
            opening_honest: opening(|p| p.honest),
            job_worst: job(|p| p.worst),
            job_honest: job(|p| p.honest),
        }
    }
}
