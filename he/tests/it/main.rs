//! Tests of the protocol, one module a behaviour.
mod a_crafted_multiplier_is_refused;
mod a_member_never_answers_a_label_twice;
mod a_shifted_extension_share_misses_its_target;
mod encrypted_training_equals_the_integers;
mod ring_and_streams;
mod rows;
mod stage;
