//! What messages do.

pub mod node;
pub mod params;
