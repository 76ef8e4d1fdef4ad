//! What a proof of this project must look like to be believed, and the bundle of a proven job.
//!
//! - [`settings`]: the settings of the proof system for each family of circuits, and the bits that they prove.
//! - [`envelope`]: a proof on its way: system, circuit, public inputs, bytes.
//! - [`pinned`]: the verifier data of the last proof's circuit.
//! - [`known`]: the circuits that this build trusts.
//! - [`bundle`]: a proven job in one file.
//! - [`verify`]: whether a bundle proves what its record says.
//! - [`part`]: whether a proof shows a job's first iterations.
//! - [`seal`]: whether a proof shows that all tiles of a dataset are valid.
//! - [`report`]: what it proves, in words.
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

pub mod bundle;
pub mod envelope;
pub mod known;
pub mod part;
pub mod pinned;
pub mod report;
pub mod seal;
pub mod settings;
pub mod verify;
