//! Tests of the protocol, one module a behaviour.
mod a_run_keeps_its_bytes;
mod encrypted_training_equals_the_integers;
mod ring_and_streams;
mod rows;
