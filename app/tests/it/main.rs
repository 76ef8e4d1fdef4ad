//! The application, driven as consensus drives it; the node, run as users run it.
#![allow(clippy::unwrap_used)]

mod a_bad_transaction_is_named_and_the_node_stays_up;
mod a_full_disk_stops_the_node_and_harms_nothing;
mod a_killed_node_goes_on;
mod a_new_node_restores_from_a_snapshot;
mod a_node_runs_its_own_cometbft;
mod a_payment_moves_coins_or_says_why;
mod a_proposal_is_honest_or_refused;
mod a_pruned_height_is_refused_by_name;
mod a_reset_cometbft_is_refused;
mod a_restart_goes_on_from_the_last_commit;
mod a_scripted_chain_gives_the_app_hashes_of_the_last_release;
mod a_search_finds_what_happened;
mod an_address_is_taken_as_people_type_it;
mod bad_input_is_named_and_the_node_stays_up;
mod clients_from_registries_find_a_cosmos_chain;
mod four_validators_survive_kills;
mod light_clients_follow_a_solo_chain;
mod multisig;
mod no_bytes_break_a_decoder;
mod nobody_changes_what_others_signed;
mod node;
mod rest_answers_whatever_is_asked;
mod rest_speaks_as_the_go_gateway;
mod solo_chain;
mod strangers_do_not_take_the_node;
mod test_chain;
mod the_compatibility_table_is_true;
mod the_server_answers_whole_requests;
mod two_nodes_agree;
