//! Protobuf messages of Zektra and of the Cosmos services that it serves, and the Rust types made from them.
//!
//! The files beside this crate's sources are the wire format: names, numbers and types never change within a version.
//! `zektra/` is ours; the other folders state what Cosmos clients expect, as far as it is served.
#![allow(missing_docs)]

pub mod about;
pub mod json;
pub mod raw;

#[allow(dead_code, clippy::doc_lazy_continuation, clippy::large_enum_variant)]
mod all {
    include!(concat!(env!("OUT_DIR"), "/all.rs"));
}

pub use all::zektra::{compute, market, node, power, proofs, reputation, training, vault};
pub use all::{cosmos, google};
pub use prost_types::{Any, Duration, Timestamp};
pub use tendermint_proto::v0_38 as tendermint;

/// Times in CometBFT's messages.
pub mod comet {
    pub use tendermint_proto::google::protobuf::{Duration, Timestamp};
}

/// All files as one `google.protobuf.FileDescriptorSet`, with their options.
pub const DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));
