//! Messages of the bank.

mod multi_send;
mod params;
mod send;
