//! Messages of the vault.

mod create;
mod grant;
mod life;
pub mod params;
mod seal;
mod seat;
mod set;
