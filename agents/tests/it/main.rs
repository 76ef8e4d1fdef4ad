//! Behaviour of the parties of a training job.

#![allow(clippy::unwrap_used, clippy::type_complexity)]

mod a_dispute_shows_one_key_or_none;
mod a_killed_party_goes_on_where_it_was;
mod a_member_refuses_what_it_did_not_compute;
mod a_model_file_predicts_the_same_everywhere;
mod a_model_trained_on_ciphertexts_is_the_integers_model;
mod a_node_in_its_own_process_holds_no_secret;
mod a_proven_job_is_checked_by_all;
mod a_wallet_moves_coins_on_a_chain;
mod an_account_stakes_votes_and_grants;
mod an_upload_of_plaintext_is_refused;
mod another_node_goes_on;
mod bad_input_is_named_and_leaves_nothing;
mod ledger;
mod messages_do_not_depend_on_the_rows;
mod messages_survive_the_wire;
mod nobody_else_sees_a_secret;
mod parties;
mod schema_and_table;
mod the_model_is_the_one_that_was_trained;
mod the_terminal_shows_again_what_is_typed;
mod things_of_the_chain_have_commands;
