//! The state store.
#![allow(clippy::unwrap_used)]

mod a_killed_commit_leaves_a_version;
mod a_log_that_lost_commits_is_refused;
mod a_proof_convinces_an_independent_verifier;
mod a_restored_store_is_the_same;
mod a_version_reads_as_it_was_written;
mod layers_read_as_one;
mod model;
