//! Messages about jobs.

mod dispute;
mod join;
mod order;
mod params;
pub mod part;
mod release;
mod stall;

pub use params::check as check_rules;
