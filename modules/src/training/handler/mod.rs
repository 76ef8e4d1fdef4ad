//! Messages about jobs.

mod join;
mod order;
mod params;
pub mod part;
mod release;
mod stall;

pub use params::check as check_rules;
