//! Protobuf messages of Zektra and the Rust types made from them.
//!
//! The files under `zektra/` are the wire format: numbers and types never change within `v1`.
#![allow(missing_docs, clippy::doc_lazy_continuation)]

/// What owners publish.
pub mod vault {
    /// Version 1.
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/zektra.vault.v1.rs"));
    }
}

/// Jobs and the messages of a training run.
pub mod training {
    /// Version 1.
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/zektra.training.v1.rs"));
    }
}

/// What a compute node asks of a member, and the envelope.
pub mod node {
    /// Version 1.
    pub mod v1 {
        include!(concat!(env!("OUT_DIR"), "/zektra.node.v1.rs"));
    }
}
