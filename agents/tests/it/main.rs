//! Behaviour of the parties of a training job.

#![allow(clippy::unwrap_used)]

mod a_killed_party_goes_on_where_it_was;
mod a_model_trained_on_ciphertexts_is_the_integers_model;
mod messages_do_not_depend_on_the_rows;
mod nobody_else_sees_a_secret;
mod parties;
mod schema_and_table;
