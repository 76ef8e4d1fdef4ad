//! The settings of the proof system for each family of circuits, and the bits that they prove.
//!
//! # What is counted
//!
//! Plonky2 1.1 is a public-coin protocol made non-interactive by hashing. A cheating prover may try each challenge as
//! often as it can hash, so what counts is the error of every single round (*round-by-round soundness*,
//! [2024/1553](https://eprint.iacr.org/2024/1553) section 2): **bits are the minimum over all rounds**. The union of
//! all errors, `−log2 Σ error`, is given beside it.
//!
//! Symbols: `n` rows, `R` routed wires, `t` challenges of the base field `F` (`|F| = p ≈ 2^64`), `E` its quadratic
//! extension, `ρ = 2^−rate_bits`, `D = n/ρ` the domain, `s` queries, `w` bits of grinding. Names in brackets are files
//! of Plonky2.
//!
//! The words that a prover commits to need not be polynomials. Decoding up to the Johnson radius, a proof is bound to
//! a list of them. With a proximity parameter `m ≥ 3`:
//!
//! ```text
//! ρ⁺ = (n + 2)/D                      two openings allow two degrees more        ethSTARK 2021/582, 2024/1553
//! α  = (1 + 1/2m)·√ρ⁺                 share of the domain that must agree        2025/2055 theorem 4.2
//! L  = (m + ½)/√ρ⁺                    polynomials that agree with a word there   2025/2055 theorem 4.2
//! C  = 8·D·(m + ½)³/(3·ρ⁻)            challenges for which a combination of two words agrees and they do not,
//!                                     ρ⁻ = (n − 1)/D: 2026/2056 theorem 5.12, appendix B.1, B.2
//! ```
//!
//! `L` holds for all columns at once: words over `F` are one word over an extension of `F`. `C` is that of crate
//! `p3-security` 0.8, which also shows why a combination by powers of one challenge costs `C` for each power; a test
//! compares the two. Every `m` gives a valid bound, so the best is taken; the unique-decoding radius is never better
//! here. Numbers like 2025/2055 are papers at <https://eprint.iacr.org>.
//!
//! | round | error | why |
//! | --- | --- | --- |
//! | permutation, `β`, `γ` \[plonk/prover.rs, vanishing_poly.rs\] | `L·(R·n/p)^t` | for wires that break a copy constraint `∏(w + β·id + γ) − ∏(w + β·σ + γ)` is a polynomial of degree below `R·n` in `β`, `γ`. The chunks of partial products and `Z(1) = 1` force both products to be equal, also where a denominator is zero |
//! | constraints, `α` \[plonk_common.rs\] | `L·((T − 1)/p)^t` | `T` constraints combined by powers of `α`, the same in each of `t` combinations |
//! | out of domain, `ζ` \[get_challenges.rs\] | `L·9·(n + 2)/p²` | vanishing polynomial and quotient are of degree at most `9·(n + 2)` |
//! | batching \[fri/oracle.rs\] | `(M − 1)·C/p²` | `M` openings combined by powers of one challenge of `E` |
//! | folding \[fri/prover.rs\] | `(a − 1)·C/p²` | arity `a`; the first fold, of the largest domain, is the worst |
//! | queries | `α^s·2^−w` | each query misses with at most `α`; the grinding stands right before them |
//! | hash | `2^−128` | collisions of Poseidon with 4 capacity elements |
//!
//! Lookup tables would add a round: circuits here have none.
//!
//! # What is only conjectured
//!
//! *Conjectured* bits assume that words are decoded uniquely up to capacity: `L = 1`, `C = D`, and a query misses with
//! `ρ` (ethSTARK [2021/582](https://eprint.iacr.org/2021/582) section 5.10.1). **In its strongest form this conjecture
//! is disproved** ([2025/2046](https://eprint.iacr.org/2025/2046), [2025/2010](https://eprint.iacr.org/2025/2010)).
//! The figure shows what the best known attack on queries would cost, no more. It is capped by the permutation as
//! well, and that cap is real: who finds `β`, `γ` for which a factor of both products is zero, in each of the `t`
//! arguments, has forged a proof.

use std::ops::RangeInclusive;

use plonky2::fri::FriConfig;
use plonky2::fri::reduction_strategies::FriReductionStrategy;
use plonky2::plonk::circuit_data::CircuitConfig;
use zektra_statement::field::P;

/// Bits that each circuit proves at least.
pub const MIN_PROVEN_BITS: f64 = 80.0;

/// Constraints of the largest gate that a circuit may have. `PoseidonGate` has 123.
pub const MAX_GATE_CONSTRAINTS: usize = 256;

/// Columns of selectors and constants that a circuit may have.
pub const MAX_CONSTANT_COLUMNS: usize = 8;

/// A quotient has this many chunks of `n` coefficients; constraints have one degree more.
const QUOTIENT_CHUNKS: usize = 8;

/// Largest `m` tried. Beyond it all rounds but the queries lose and those gain nothing.
const MAX_M: u32 = 1000;

/// Bytes of an element of the field, of one of its extension, of a hash.
const ELEMENT: usize = 8;
const VALUE: usize = 16;
const HASH: usize = 32;

/// The settings of one family of circuits, and the sizes that it may have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Setting {
    /// The family.
    pub name: &'static str,
    wires: usize,
    routed: usize,
    challenges: usize,
    rate_bits: usize,
    queries: usize,
    grinding_bits: u32,
    cap_height: usize,
    rows_log2: (u32, u32),
}

/// Statements of members, which hide. Two wires more than gates reach: they carry the masking polynomial.
pub const SHARE: Setting = Setting {
    name: "share",
    wires: 138,
    routed: 80,
    challenges: 2,
    rate_bits: 3,
    queries: 48,
    grinding_bits: 16,
    cap_height: 4,
    rows_log2: (11, 14),
};

/// Statements about public data: `step`, `extend`. Two challenges prove 79.7 bits at 2^16 rows, hence three.
pub const PUBLIC: Setting =
    Setting { name: "public", wires: 135, challenges: 3, queries: 45, rows_log2: (13, 16), ..SHARE };

/// The links of a chain of proofs. Two challenges prove 77.7 bits at 2^17 rows, hence three.
pub const CHAIN: Setting = Setting { name: "chain", rows_log2: (15, 17), ..PUBLIC };

/// The last proof, which everyone downloads: a lower rate and more grinding, for fewer queries.
pub const WRAP: Setting = Setting {
    name: "wrap",
    challenges: 2,
    rate_bits: 5,
    queries: 25,
    grinding_bits: 20,
    rows_log2: (13, 14),
    ..PUBLIC
};

/// All settings in use.
pub const ALL: [Setting; 4] = [SHARE, PUBLIC, CHAIN, WRAP];

/// A circuit that its setting does not allow.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Too small or too large.
    #[error("a {family} circuit has 2^{} to 2^{} rows, not 2^{rows_log2}", allowed.start(), allowed.end())]
    Rows {
        /// The setting's name.
        family: &'static str,
        /// Binary logarithm of the circuit's rows.
        rows_log2: u32,
        /// What the setting allows.
        allowed: RangeInclusive<u32>,
    },
    /// A gate with more constraints than [`MAX_GATE_CONSTRAINTS`].
    #[error("a gate has {0} constraints, more than {MAX_GATE_CONSTRAINTS}")]
    Constraints(usize),
    /// More selectors and constants than [`MAX_CONSTANT_COLUMNS`].
    #[error("{0} columns of selectors and constants, more than {MAX_CONSTANT_COLUMNS}")]
    Constants(usize),
}

/// Which theorem stands behind a figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Regime {
    /// Proven, up to the Johnson radius at this proximity parameter `m ≥ 3`.
    Johnson(u32),
    /// Conjectured up to capacity, which is disproved in its strongest form.
    Capacity,
}

/// One round of the protocol.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Round {
    /// Its name in the table of this module's documentation.
    pub name: &'static str,
    /// `−log2` of the probability that a false statement gets past it.
    pub bits: f64,
}

/// What a circuit of one size proves.
#[derive(Clone, Debug, PartialEq)]
pub struct Soundness {
    /// What is assumed.
    pub regime: Regime,
    /// All rounds, in the order of the protocol.
    pub rounds: Vec<Round>,
}

impl Soundness {
    /// The round with the fewest bits.
    pub fn weakest(&self) -> Round {
        let first = Round { name: "none", bits: f64::INFINITY };
        self.rounds.iter().fold(first, |a, &b| if b.bits < a.bits { b } else { a })
    }

    /// Bits of the weakest round.
    pub fn bits(&self) -> f64 {
        self.weakest().bits
    }

    /// `−log2` of the sum of all errors.
    pub fn union_bits(&self) -> f64 {
        -self.rounds.iter().map(|r| (-r.bits).exp2()).sum::<f64>().log2()
    }
}

impl Setting {
    /// The settings as Plonky2 takes them.
    pub fn config(&self) -> CircuitConfig {
        CircuitConfig {
            num_wires: self.wires,
            num_routed_wires: self.routed,
            num_constants: 2,
            use_base_arithmetic_gate: true,
            security_bits: MIN_PROVEN_BITS as usize,
            num_challenges: self.challenges,
            zero_knowledge: false,
            max_quotient_degree_factor: QUOTIENT_CHUNKS,
            fri_config: FriConfig {
                rate_bits: self.rate_bits,
                cap_height: self.cap_height,
                proof_of_work_bits: self.grinding_bits,
                reduction_strategy: FriReductionStrategy::ConstantArityBits(4, 5),
                num_query_rounds: self.queries,
            },
        }
    }

    /// Binary logarithms of the rows that a circuit may have.
    pub fn rows_log2(&self) -> RangeInclusive<u32> {
        self.rows_log2.0..=self.rows_log2.1
    }

    /// Whether the figures of this module hold for a circuit of `2^rows_log2` rows, whose largest gate has
    /// `gate_constraints` constraints, with `constants` columns of selectors and constants.
    ///
    /// # Errors
    ///
    /// What is too large, or too small.
    pub fn check(&self, rows_log2: u32, gate_constraints: usize, constants: usize) -> Result<(), Error> {
        let allowed = self.rows_log2();
        if !allowed.contains(&rows_log2) {
            return Err(Error::Rows { family: self.name, rows_log2, allowed });
        }
        if gate_constraints > MAX_GATE_CONSTRAINTS {
            return Err(Error::Constraints(gate_constraints));
        }
        if constants > MAX_CONSTANT_COLUMNS {
            return Err(Error::Constants(constants));
        }
        Ok(())
    }

    /// The same setting with other queries and challenges, to show what they would prove.
    pub fn with(&self, queries: usize, challenges: usize) -> Setting {
        Setting { queries, challenges, ..self.clone() }
    }

    /// Every round's bits in a circuit of `2^rows_log2` rows. Formulas and sources: [the module](self).
    ///
    /// # Panics
    ///
    /// If `m < 3`, for which the bounds are not proven.
    pub fn soundness(&self, rows_log2: u32, regime: Regime) -> Soundness {
        let rows = f64::from(rows_log2).exp2();
        let domain = rows * (self.rate_bits as f64).exp2();
        let field = (P as f64).log2();
        // All three as binary logarithms.
        let (agreement, list, exceptional) = match regime {
            Regime::Johnson(m) => {
                assert!(m >= 3, "the bounds are proven for m of 3 and above");
                let m = f64::from(m);
                let rate_above = (rows + 2.0) / domain;
                let rate_below = (rows - 1.0) / domain;
                (
                    (1.0 + 0.5 / m).log2() + 0.5 * rate_above.log2(),
                    (m + 0.5).log2() - 0.5 * rate_above.log2(),
                    (8.0 * domain * (m + 0.5).powi(3) / (3.0 * rate_below)).log2(),
                )
            }
            Regime::Capacity => (-(self.rate_bits as f64), 0.0, domain.log2()),
        };
        let challenges = self.challenges as f64;
        let constraints = (MAX_GATE_CONSTRAINTS + self.challenges * (2 + self.partial_products())) as f64;
        let degree = (QUOTIENT_CHUNKS + 1) as f64 * (rows + 2.0);
        let mut rounds = vec![
            Round { name: "permutation", bits: challenges * (field - (self.routed as f64 * rows).log2()) - list },
            Round { name: "constraints", bits: challenges * (field - (constraints - 1.0).log2()) - list },
            Round { name: "out of domain", bits: 2.0 * field - degree.log2() - list },
            Round { name: "batching", bits: 2.0 * field - (self.openings() as f64 - 1.0).log2() - exceptional },
        ];
        if let Some(widest) = self.arities(rows_log2).into_iter().max() {
            let powers = ((1u64 << widest) - 1) as f64;
            rounds.push(Round { name: "folding", bits: 2.0 * field - powers.log2() - exceptional });
        }
        let queries = -agreement * self.queries as f64 + f64::from(self.grinding_bits);
        rounds.extend([Round { name: "queries", bits: queries }, Round { name: "hash", bits: 128.0 }]);
        Soundness { regime, rounds }
    }

    /// The soundness with the `m` for which the weakest round is strongest.
    pub fn proven(&self, rows_log2: u32) -> Soundness {
        self.best(rows_log2, Soundness::bits)
    }

    /// Proven bits of a circuit of `2^rows_log2` rows: those of its weakest round.
    pub fn proven_bits(&self, rows_log2: u32) -> f64 {
        self.proven(rows_log2).bits()
    }

    /// `−log2` of the sum of all proven errors.
    pub fn proven_union_bits(&self, rows_log2: u32) -> f64 {
        self.best(rows_log2, Soundness::union_bits).union_bits()
    }

    /// Bits under a conjecture that is disproved in its strongest form. Never a reason to accept a proof.
    pub fn conjectured_bits(&self, rows_log2: u32) -> f64 {
        self.soundness(rows_log2, Regime::Capacity).bits()
    }

    /// The bytes of a proof with so many public inputs, not compressed, at most: a circuit may have fewer than
    /// [`MAX_CONSTANT_COLUMNS`].
    pub fn proof_bytes(&self, rows_log2: u32, public_inputs: usize) -> usize {
        let cap = HASH << self.cap_height;
        let path = |height: usize| 1 + HASH * (height - self.cap_height);
        let mut rows = rows_log2 as usize;
        let mut height = rows + self.rate_bits;
        let columns = self.openings() - self.challenges;
        // Wires, products, quotients; four trees at each query.
        let mut caps = 3;
        let mut query = ELEMENT * columns + 4 * path(height);
        for arity in self.arities(rows_log2) {
            rows -= arity;
            height -= arity;
            caps += 1;
            query += (VALUE << arity) + path(height);
        }
        let grinding = ELEMENT;
        let inputs = ELEMENT * (1 + public_inputs);
        caps * cap + VALUE * self.openings() + self.queries * query + (VALUE << rows) + grinding + inputs
    }

    /// The bytes of a proof without its public inputs, exactly, of a circuit with so many columns of selectors and
    /// constants.
    pub fn exact_proof_bytes(&self, rows_log2: u32, constants: usize) -> usize {
        let fewer = MAX_CONSTANT_COLUMNS.saturating_sub(constants) * (VALUE + ELEMENT * self.queries);
        self.proof_bytes(rows_log2, 0).saturating_sub(ELEMENT + fewer)
    }

    /// One row for each allowed size, under [`TABLE_HEAD`].
    pub fn table(&self) -> Vec<[String; TABLE_HEAD.len()]> {
        let row = |rows| {
            let proven = self.proven(rows);
            [
                self.name.to_owned(),
                format!("2^{rows}"),
                self.wires.to_string(),
                format!("1/{}", 1u64 << self.rate_bits),
                self.queries.to_string(),
                self.grinding_bits.to_string(),
                self.challenges.to_string(),
                format!("{:.1}", down(proven.bits())),
                proven.weakest().name.to_owned(),
                format!("{:.1}", down(self.proven_union_bits(rows))),
                format!("{:.1}", down(self.conjectured_bits(rows))),
                format!("{}", self.proof_bytes(rows, 0).div_ceil(1000)),
            ]
        };
        self.rows_log2().map(row).collect()
    }

    fn best(&self, rows_log2: u32, figure: impl Fn(&Soundness) -> f64) -> Soundness {
        let first = self.soundness(rows_log2, Regime::Johnson(3));
        (4..=MAX_M).fold(first, |best, m| {
            let next = self.soundness(rows_log2, Regime::Johnson(m));
            if figure(&next) > figure(&best) { next } else { best }
        })
    }

    /// Partial products of one permutation argument, `Z` not counted.
    fn partial_products(&self) -> usize {
        self.routed.div_ceil(QUOTIENT_CHUNKS) - 1
    }

    /// Values opened: constants, permutation, wires, for each challenge `Z`, partial products and quotient chunks at
    /// `ζ`, and `Z` at `gζ`.
    fn openings(&self) -> usize {
        let per_challenge = 2 + self.partial_products() + QUOTIENT_CHUNKS;
        MAX_CONSTANT_COLUMNS + self.routed + self.wires + self.challenges * per_challenge
    }

    /// Binary logarithms of the arities of the folds.
    fn arities(&self, rows_log2: u32) -> Vec<usize> {
        self.config().fri_config.fri_params(rows_log2 as usize, false).reduction_arity_bits
    }
}

/// The columns of [`table`].
pub const TABLE_HEAD: [&str; 12] = [
    "setting",
    "rows",
    "wires",
    "rate",
    "queries",
    "grinding",
    "challenges",
    "proven bits",
    "weakest round",
    "union",
    "conjectured",
    "proof, KB",
];

/// Every setting at every allowed size, under [`TABLE_HEAD`]. Bits are rounded down, sizes up.
pub fn table() -> Vec<[String; TABLE_HEAD.len()]> {
    ALL.iter().flat_map(Setting::table).collect()
}

/// Down to one decimal.
fn down(bits: f64) -> f64 {
    (bits * 10.0).floor() / 10.0
}
