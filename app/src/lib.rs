//! The chain's application: what CometBFT drives by ABCI, and what clients ask.

pub mod abci;
pub mod amino;
pub mod ante;
pub mod app;
pub mod chain;
pub mod cli;
pub mod execution;
pub mod front;
pub mod index;
pub mod mempool;
pub mod metrics;
pub mod node;
pub mod section;
pub mod server;
pub mod services;
pub mod sign;
pub mod snapshots;
pub mod solo;
pub mod tx;
pub mod wire;
