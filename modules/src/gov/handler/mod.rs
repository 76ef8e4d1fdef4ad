//! Messages of governance.

mod older;
mod params;
mod proposals;
mod votes;
