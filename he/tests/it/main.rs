//! Tests of the protocol, one module a behaviour.
mod a_changed_contribution_voids_the_job;
mod a_crafted_multiplier_is_refused;
mod a_member_never_answers_a_label_twice;
mod a_run_keeps_its_bytes;
mod a_shifted_extension_share_misses_its_target;
mod a_tile_is_uploaded_once_an_attempt;
mod an_altered_history_is_refused;
mod an_operation_decrypts_to_its_reference;
mod encrypted_training_equals_the_integers;
mod noise_does_not_average_out;
mod only_the_developer_opens_a_release;
mod ring_and_streams;
mod rows;
mod stage;
