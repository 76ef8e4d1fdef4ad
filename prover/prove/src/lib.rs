//! Circuits and provers of every statement of encrypted training: `docs/protocol.md`, section 15.
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

pub mod cache;
pub mod chain;
pub mod circuit;
mod circuits;
mod config;
pub mod extend;
mod gadgets;
#[doc(hidden)]
pub mod gates;
pub mod kit;
mod link;
pub mod noise;
mod opening;
pub mod phase;
pub mod poly;
pub mod seal;
pub mod step;
pub mod tile;
#[doc(hidden)]
pub mod trace;
