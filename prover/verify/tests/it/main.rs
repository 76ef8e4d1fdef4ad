//! Tests of proof settings and of the verifier, one module a behaviour.
#![allow(clippy::unwrap_used)]
mod a_bundle_is_read_as_it_was_written;
mod a_circuit_beyond_its_setting_is_refused;
mod a_proof_has_the_counted_size;
mod every_circuit_proves_80_bits;
mod every_difference_has_its_reason;
mod rounds_agree_with_p3_security;
mod sample;
mod the_binary_says_why;
mod the_figures_of_the_settings_do_not_change;
