//! The chain's state: keys and values in a Merkle tree of versions, over RocksDB.
//!
//! A version is the state after a block; its number is the block's height. [`Store::stage`] gives the root of changes
//! over the last version from memory, and [`Store::commit`] writes them: nodes, values, history, indexes and the height
//! in one atomic batch. Nothing else creates a version.
//!
//! | column family | key | value |
//! | --- | --- | --- |
//! | `meta` | a name | last version and the like |
//! | `state` | key | value of the last version |
//! | `history` | key (escaped), version `v` | what the key held up to version `v − 1`: 0, or 1 and the value |
//! | `changes` | version | the keys that it changed |
//! | `nodes` | version, nibbles | node of the Merkle tree |
//! | `stale` | version, node's key | nothing: from this version on the node is not part of the tree |
//! | `keys` | SHA-256 of a key | the key |
//! | `index` | anything | what is not part of the root |
//!
//! Numbers in keys are big-endian, so that their order is that of the bytes. The tree is `jmt` with SHA-256; its
//! proofs are ICS-23's, by [`proof_spec`].

mod db;
mod index;
mod open;
mod snapshot;
mod sync;
mod tree;

pub use db::{Options, Staged, Store};
pub use index::IndexBatch;
pub use jmt::ics23_spec as proof_spec;
pub use snapshot::Snapshot;
pub use sync::{Chunk, ChunkError, Restore};

use zektra_state::StateError;

/// A root hash of the tree.
pub type Root = [u8; 32];

/// What RocksDB says.
fn failed(e: rocksdb::Error) -> StateError {
    StateError::Database(e.to_string())
}
