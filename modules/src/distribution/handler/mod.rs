//! Messages of rewards.

pub mod params;
mod pool;
mod withdraw;
