//! Tests of what is computed and what is claimed, one module a behaviour.
#![allow(clippy::unwrap_used, clippy::type_complexity)]
mod a_changed_field_changes_the_digest;
mod a_merkle_path_proves_one_leaf;
mod a_release_opens_or_is_its_senders_fault;
mod an_epoch_takes_each_row_group_at_most_once;
mod encodings_are_canonical;
mod integers_are_centred_and_rounded;
mod opened_positions_never_collide;
mod records_are_read_as_they_were_written;
mod the_default_job_hides_33_bits;
