//! What messages do.

pub mod params;
