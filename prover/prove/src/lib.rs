//! Circuits and provers of every statement of encrypted training: `docs/protocol.md`, section 15.
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

pub mod cache;
pub mod chain;
pub mod circuit;
mod config;
mod gadgets;
mod gates;
pub mod kit;
mod link;
pub mod noise;
mod opening;
pub mod extend;
pub mod phase;
pub mod step;
pub mod tile;
pub mod poly;
