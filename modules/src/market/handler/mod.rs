//! What messages do.

mod credits;
mod listing;
pub mod params;
