//! What is computed and what is claimed, without a chain, a circuit or a key.
//!
//! - [`field`]: the one alias of the field and its centred integers.
//! - [`digest`]: commitments (Poseidon), fingerprints (BLAKE3), the canonical byte encoding.
//! - [`codec`]: records as bytes that are read again.
//! - [`merkle`]: a dataset's two roots.
//! - [`packing`]: where a vector's entries sit in a polynomial.
//! - [`phase`]: phase tables, the only programs that members run.
//! - [`template`]: named, ranged models compiled to phase tables.
//! - [`batch`]: which rows an iteration trains on, drawn from a beacon.
//! - [`chain`]: what a chain of proofs carries from link to link.
//! - [`payload`]: how large an opened value can get, in the worst case and for honest data.
//! - [`record`]: seats, datasets and jobs as everyone hashes them.
//! - [`release`]: a member's last shares, sealed for the developer, and when they open.
//! - [`inputs`]: the public inputs of every statement to be proven.
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

pub mod batch;
pub mod chain;
pub mod codec;
pub mod digest;
pub mod field;
pub mod inputs;
pub mod merkle;
pub mod packing;
pub mod payload;
pub mod phase;
pub mod record;
pub mod release;
pub mod template;
