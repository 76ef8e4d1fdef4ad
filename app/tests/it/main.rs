//! The application, driven as consensus drives it.

mod a_payment_moves_coins_or_says_why;
mod a_restart_goes_on_from_the_last_commit;
mod test_chain;
mod the_server_answers_whole_requests;
