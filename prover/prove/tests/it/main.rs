//! Statements proven and refused.
mod noise;
