//! What a proof of this project must look like to be believed.
//!
//! - [`settings`]: the settings of the proof system for each family of circuits, and the bits that they prove.
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

pub mod settings;
