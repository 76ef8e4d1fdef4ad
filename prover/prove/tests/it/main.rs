//! Statements proven and refused, one module a behaviour.
#![allow(clippy::unwrap_used, clippy::type_complexity)]
mod a_cached_circuit_is_the_built_one;
mod a_constraint_left_out_lets_a_forgery_pass;
mod a_forged_share_is_refused;
mod a_forged_step_is_refused;
mod a_gate_counts_what_it_says;
mod a_proof_shows_nothing_of_its_witness;
mod a_proof_stands_for_one_statement;
mod forge;
mod honest_work_is_proven;
mod identities_agree_with_the_ring;
mod stage;
