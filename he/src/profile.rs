//! Hiding and security of a job, and the parameters that reach a wanted level.

use crate::log::MAX_LABELS;
use zektra_statement::field::N;
use zektra_statement::payload::{FLOORS, Hiding, Payload, payload};
use zektra_statement::record::{Job, JobError};
use zektra_statement::template::{Kind, Params, Template};

/// What a job hides, stated in every job record.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    /// Members.
    pub members: u32,
    /// How often the job may be attempted; counted in the job's hiding.
    pub attempts: u32,
    /// Sizes of what is opened.
    pub payload: Payload,
    /// Bits.
    pub hiding: Hiding,
    /// Core-SVP bits of a key share: [`rlwe_security`].
    pub rlwe_bits: u32,
    /// Whether the template has no worst case and the members said that they trust each other.
    pub trusted_inputs: bool,
    /// What the figures are of: advice names its parameters.
    template: Template,
}

/// Why a job is refused, and what to change.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ProfileError {
    /// The job's parts do not fit.
    #[error(transparent)]
    Job(#[from] JobError),
    /// Too few bits.
    #[error("{what} is {value:.1} bits, at least {floor} are required: {advice}")]
    Floor {
        /// Which figure.
        what: &'static str,
        /// Its value.
        value: f64,
        /// The floor.
        floor: f64,
        /// Which parameter to change.
        advice: String,
    },
    /// The update map may expand: a diverging job would unmask honest rows.
    #[error(
        "the update map may expand: lr·(√R + noise)² is {value:.3}, at most 2 is allowed: halve the learning rate (now {learning_rate}), lower row_norm, or use more feature bits (now {scale_x})"
    )]
    Expands {
        /// λ.
        value: f64,
        /// The learning rate, after rounding down to what shifts allow.
        learning_rate: f64,
        /// Fraction bits of the features.
        scale_x: u32,
    },
    /// No parameters in range reach the floors.
    #[error("no scales reach the floors of hiding for {members} members and {iterations} iterations: {advice}")]
    Nothing {
        /// Members.
        members: u32,
        /// Iterations.
        iterations: u32,
        /// What to change.
        advice: String,
    },
}

impl Profile {
    /// The profile of a job record.
    ///
    /// # Errors
    /// A record that contradicts itself.
    pub fn of(job: &Job) -> Result<Self, ProfileError> {
        job.validate()?;
        Ok(Self::new(job.template, job.members(), job.max_attempts, job.trusted_inputs))
    }

    /// The profile of a template for `members` that may try `attempts` times.
    pub fn new(template: Template, members: u32, attempts: u32, trusted_inputs: bool) -> Self {
        let payload = payload(&template, members);
        let hiding = payload.hiding(members, attempts);
        let rlwe_bits = rlwe_security();
        Self { members, attempts, payload, hiding, rlwe_bits, trusted_inputs, template }
    }

    /// Refuses what falls under the floors.
    ///
    /// # Errors
    /// The first figure that is too low, with the parameter to change.
    pub fn check(&self) -> Result<(), ProfileError> {
        let p = &self.template.params;
        if self.payload.expansion > 2.0 {
            let value = self.payload.expansion;
            return Err(ProfileError::Expands { value, learning_rate: p.learning_rate(), scale_x: p.scale_x });
        }
        let h = &self.hiding;
        let per_opening = format!(
            "lower iterations ({}), the learning rate ({}), fan_in ({}) or row_norm ({}/256), have fewer members than {}, \
             or try other fraction bits (features {}, weights {}, residuals {})",
            p.iterations,
            p.learning_rate(),
            p.fan_in,
            p.row_norm,
            self.members,
            p.scale_x,
            p.scale_w,
            p.scale_r
        );
        let per_job = format!(
            "lower iterations ({}), the rows of a step ({} row groups) or max_attempts ({}), raise fan_in ({}, a divisor of \
             the row groups), or what helps an opening",
            p.iterations, p.groups, self.attempts, p.fan_in
        );
        let honest = [
            ("hiding of an opened coefficient for honest data", h.opening_honest, FLOORS.opening_honest, &per_opening),
            ("hiding of the job for honest data", h.job_honest, FLOORS.job_honest, &per_job),
        ];
        let worst = [
            ("hiding of an opened coefficient in the worst case", h.opening_worst, FLOORS.opening_worst, &per_opening),
            ("hiding of the job in the worst case", h.job_worst, FLOORS.job_worst, &per_job),
        ];
        // Without a worst case only members who trust each other's inputs may go on, and they said so.
        let skip_worst = self.trusted_inputs && !self.template.kind.governed();
        let figures = honest.into_iter().chain(worst.into_iter().filter(|_| !skip_worst));
        for (what, value, floor, advice) in figures {
            if value.is_nan() || value < floor {
                return Err(ProfileError::Floor { what, value, floor, advice: advice.clone() });
            }
        }
        Ok(())
    }
}

/// A standard deviation of predictions by noise and rounding (in units of 1, where targets are ±½) below
/// which more precision changes no accuracy that we could measure.
pub const GOOD_ERROR: f64 = 0.05;

/// What a job needs, before its scales are chosen.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// The model.
    pub kind: Kind,
    /// Columns, the constant included.
    pub features: u32,
    /// Weight vectors.
    pub classes: u32,
    /// Row groups of a step.
    pub groups: u32,
    /// Whether that is all of them.
    pub full_batch: bool,
    /// Iterations.
    pub iterations: u32,
    /// Members.
    pub members: u32,
    /// Attempts to be counted.
    pub attempts: u32,
    /// Largest learning rate.
    pub learning_rate: f64,
    /// Bound of a row's squared norm, in 1/256.
    pub row_norm: u32,
    /// Bound of a feature, in 1/256.
    pub range: u32,
    /// Fraction bits that the datasets fix: features, residuals. `None` to search.
    pub fixed_scales: Option<(u32, u32)>,
    /// Fraction bits of the weights, if they are not to be searched.
    pub weight_bits: Option<u32>,
    /// Row groups summed in one gradient opening, if that is not to be searched.
    pub fan_in: Option<u32>,
}

impl Wanted {
    /// The scales that hide most among those that reach the floors and predict within [`GOOD_ERROR`]; where
    /// none predicts that well, those with the least error.
    ///
    /// # Errors
    /// If none does, with the nearest miss.
    pub fn search(&self) -> Result<Params, ProfileError> {
        let mut best: Option<((bool, f64), Params)> = None;
        let mut nearest: Option<ProfileError> = None;
        let mut nearest_bits = f64::NEG_INFINITY;
        let (xs, rs) = match self.fixed_scales {
            Some((x, r)) => (x..=x, r..=r),
            // Below 8 bits of residual a member's noise steers the model: `make bench ONLY=hiding`.
            None => (7..=10, 8..=10),
        };
        for scale_x in xs {
            for scale_r in rs.clone() {
                for scale_w in self.weight_bits.map_or(9..=16, |b| b..=b) {
                    let fits = |f: &u32| self.groups.is_multiple_of(*f) && self.fan_in.is_none_or(|g| g == *f);
                    for fan_in in (1..=self.groups).filter(fits) {
                        let mut params = Params {
                            features: self.features,
                            classes: self.classes,
                            groups: self.groups,
                            full_batch: self.full_batch,
                            iterations: self.iterations,
                            fan_in,
                            scale_x,
                            scale_w,
                            scale_r,
                            shift_w: 1,
                            row_norm: self.row_norm,
                            range: self.range,
                        };
                        params.shift_w = params.shift_for_learning_rate(self.learning_rate).max(1);
                        let template = Template { kind: self.kind, params };
                        template.validate().map_err(|e| JobError {
                            job: 0,
                            field: e.field.into(),
                            value: e.value.to_string(),
                            expected: e.expected,
                        })?;
                        let profile = Profile::new(template, self.members, self.attempts, !self.kind.governed());
                        match profile.check() {
                            Ok(()) => {
                                let error = profile.payload.prediction_error;
                                let good = error <= GOOD_ERROR;
                                let h = &profile.hiding;
                                let bits = if self.kind.governed() {
                                    h.job_worst + h.opening_worst
                                } else {
                                    h.job_honest + h.opening_honest
                                };
                                let merit = (good, if good { bits } else { -error });
                                if best.is_none_or(|(m, _)| merit > m) {
                                    best = Some((merit, params));
                                }
                            }
                            Err(e) => {
                                let h = &profile.hiding;
                                let bits = match e {
                                    // Bits mean nothing where the map expands.
                                    ProfileError::Expands { .. } => f64::NEG_INFINITY,
                                    _ if self.kind.governed() => h.job_worst.min(h.opening_worst - 14.0),
                                    _ => h.job_honest.min(h.opening_honest - 12.0),
                                };
                                if nearest.is_none() || bits > nearest_bits {
                                    (nearest, nearest_bits) = (Some(e), bits);
                                }
                            }
                        }
                    }
                }
            }
        }
        best.map(|(_, p)| p).ok_or_else(|| ProfileError::Nothing {
            members: self.members,
            iterations: self.iterations,
            advice: nearest.map_or_else(|| "no combination is in range".into(), |e| e.to_string()),
        })
    }
}

/// Core-SVP bits (classical, `0.292·β`) of the primal attack on a key share.
///
/// Ring dimension 4096 as plain LWE, `q = p`, ternary uniform secret (variance ⅔), noise variance 1, any
/// number of samples: the smallest β with `√β·σ ≤ δ^(2β−d−1)·(q^m·ξ^n)^(1/d)`, `ξ = σ/σ_s`
/// (Alkim, Ducas, Pöppelmann, Schwabe, USENIX Security 2016, section 6.3; δ after Chen 2013).
pub fn rlwe_security() -> u32 {
    let n = N as f64;
    let log_q = 64.0 * std::f64::consts::LN_2;
    let (sigma, sigma_s) = (1.0f64, (2.0f64 / 3.0).sqrt());
    let xi = (sigma / sigma_s).ln();
    let mut beta = 60.0f64;
    while beta < 4096.0 {
        let pi = std::f64::consts::PI;
        let delta = ((pi * beta).ln() / beta + (beta / (2.0 * pi * std::f64::consts::E)).ln()) / (2.0 * (beta - 1.0));
        let succeeds = (1..=64).any(|k| {
            let m = n * f64::from(k) / 32.0;
            let d = n + m + 1.0;
            0.5 * beta.ln() + sigma.ln() <= delta * (2.0 * beta - d - 1.0) + (m * log_q + n * xi) / d
        });
        if succeeds {
            break;
        }
        beta += 1.0;
    }
    (0.292 * beta) as u32
}

/// Noise polynomials that a key may give, and the samples in them.
pub const fn samples_per_key() -> (usize, usize) {
    (MAX_LABELS, MAX_LABELS * N)
}
