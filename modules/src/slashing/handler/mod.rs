//! Messages of slashing.

mod params;
mod unjail;
