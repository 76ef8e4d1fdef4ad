//! Training on encrypted rows: the protocol of `docs/protocol.md` without a chain and without proofs.
//!
//! Public side: [`transcript`] recomputes everything that is public, for the compute node and for
//! every member alike. Secret side: [`member`] answers for one key share, and only what
//! [`log::LabelLog`] allows.
//!
//! - [`ring`], [`xof`]: arithmetic in `Z_p[X]/(X^N + 1)`, public and secret randomness.
//! - [`seat`], [`share`], [`log`]: a key share, what it computes, and what it has answered.
//! - [`tile`]: rows to polynomials.
//! - [`transcript`], [`member`], [`release`]: a job.
//! - [`plain`]: the same phase tables on floats and on exact integers.
//! - [`rehearsal`]: a whole job in memory, for tests and benchmarks.
//! - [`profile`]: hiding and security of a job, and the parameters that reach a wanted level.
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

pub mod log;
pub mod member;
mod ntt;
pub mod plain;
pub mod profile;
pub mod rehearsal;
pub mod release;
pub mod ring;
pub mod seat;
pub mod share;
pub mod tile;
pub mod transcript;
pub mod xof;
