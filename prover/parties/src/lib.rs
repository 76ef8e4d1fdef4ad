//! What each party of a job proves, and verifies of the others, over the members and transcripts of `he`.
//!
//! - [`share`]: members' proofs, made and checked.
//! - [`node`]: the compute node's data and statements.
//! - [`bundle`]: what leaves the job in the end.
//! - [`seal`]: the proof of a dataset alone.
//! - [`rehearsal`]: a whole proven job in memory, for tests and benchmarks.
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

pub mod bundle;
pub mod node;
pub mod rehearsal;
pub mod seal;
pub mod share;
