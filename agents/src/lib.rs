//! The parties of a training job as libraries: owners, the developer, the compute node.
//!
//! - [`schema`], [`table`]: a CSV file to scaled integers.
//! - [`wire`]: records and messages to protobuf and back.
//! - [`vault`]: a member's folder: seat, label log, encrypted datasets, a developer's release keys.
//! - [`archive`]: what a party keeps of a job: streams of polynomials, rounds.
//! - [`member`], [`node`]: the two sides of a job; a member answers requests, the node makes them.
//! - [`choice`]: a template out of what a developer says and what datasets fix.
//! - [`local`]: all parties on one machine, exchanging serialised messages.
//! - [`model`]: the decrypted model.
//! - [`chain`]: the chain as a client sees it.
//! - [`onchain`]: what parties do on the chain: publish, order, take part.
//! - [`inspect`]: any of our files in words; [`plot`]: line plots; [`rejected`]: input that is not used.
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

pub mod archive;
pub mod bundles;
pub mod chain;
pub mod choice;
pub mod inspect;
pub mod local;
pub mod member;
pub mod model;
pub mod node;
pub mod onchain;
pub mod plot;
pub mod proofs;
pub mod prover;
mod release_keys;
pub mod schema;
pub mod table;
pub mod vault;
pub mod wire;

pub use zektra_wallet::{files, rejected};
