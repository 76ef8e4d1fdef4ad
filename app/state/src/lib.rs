//! What the chain's state machines see of the state: keys and values in layers, behind synchronous traits.
//!
//! The block that is being executed is a [`StateDelta`] over the last version, layer on layer: a transaction's fee over
//! the block, its messages over the fee. A layer that fails is dropped. The last version itself is a database, of which
//! nothing is known here.

mod layers;
mod memo;

pub use layers::{
    Changes, Empty, Entries, Entry, Layer, Order, Replaced, Replacement, Shared, StateDelta, StateRead, StateWrite,
    after_prefix, merged, scan_prefix,
};
pub use memo::{Held, Memo};

/// What can go wrong below a state machine.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// The database says no.
    #[error("the database fails: {0}")]
    Database(String),
    /// The database holds what this program did not write.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// The Merkle tree cannot be read or updated.
    #[error("the state tree fails: {0}")]
    Tree(String),
    /// A version that is not kept any more, or is not there yet.
    #[error("version {version} is not available: the oldest is {oldest}, the last {last}")]
    Version {
        /// What was asked for.
        version: u64,
        /// The oldest that is kept.
        oldest: u64,
        /// The last that was committed.
        last: u64,
    },
    /// A version that does not follow the last one.
    #[error("version {found} does not follow {last}")]
    Order {
        /// What was to be written.
        found: u64,
        /// The last that was committed.
        last: u64,
    },
    /// A gas meter has run out. `limit` and `wanted` are in gas.
    #[error("out of gas in location: {location}; gasWanted: {limit}, gasUsed: {wanted}")]
    OutOfGas {
        /// What was being done.
        location: &'static str,
        /// The meter's limit.
        limit: u64,
        /// Gas used with what was being done.
        wanted: u64,
    },
}
