//! The chain's state machines.
#![allow(clippy::unwrap_used)]

mod a_chain_upgrades_where_it_planned;
mod a_fee_is_paid_within_what_was_granted;
mod a_genesis_file_leaves_nothing_out;
mod a_page_follows_the_one_before;
mod a_passed_proposal_is_executed_whole_or_not_at_all;
mod a_proposal_goes_through_its_states;
mod a_ring_holds_the_last_blocks;
mod a_set_is_never_empty;
mod a_vote_counts_as_a_naive_count_does;
mod a_vote_is_slashed_by_its_stake;
mod an_address_has_one_text;
mod an_amount_has_one_text;
mod assembly;
mod governance_answers_as_clients_expect;
mod ground;
mod inflation_moves_towards_the_goal;
mod keys_do_not_change;
mod parameters_of_consensus_keep_its_rules;
mod rewards_are_those_of_a_ledger;
mod rewards_are_withdrawn;
mod rewards_world;
mod signers;
mod simulation;
mod the_chain_holds_whatever_happens;
mod the_supply_is_the_sum_of_balances;
mod who_acts_for_others_needs_a_grant;
mod who_does_not_sign_is_jailed;
mod who_votes_twice_is_slashed_once;
