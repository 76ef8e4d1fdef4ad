//! Tests of proof settings, one module a behaviour.
#![allow(clippy::unwrap_used)]
mod a_circuit_beyond_its_setting_is_refused;
mod a_proof_has_the_counted_size;
mod every_circuit_proves_80_bits;
mod rounds_agree_with_p3_security;
mod the_figures_of_the_settings_do_not_change;
