//! Proven jobs, and forgeries of them. One job is proven for all tests: `played.rs`.
#![allow(clippy::unwrap_used, clippy::type_complexity)]
mod a_chain_is_taken_over;
mod a_dataset_is_sealed;
mod a_forged_bundle_is_refused;
mod a_forged_chain_cannot_be_proven;
mod a_job_is_verified_in_parts;
mod job;
mod other_shapes_are_proven;
mod pin;
mod played;
mod the_binary_accepts_a_proven_job;
