//! The chain's state machines.
#![allow(clippy::unwrap_used)]

mod a_page_follows_the_one_before;
mod an_address_has_one_text;
mod an_amount_has_one_text;
mod keys_do_not_change;
mod the_supply_is_the_sum_of_balances;
