//! The chain as a client sees it: questions and transactions.
//!
//! - [`client`]: questions to a node and transactions for it, by CometBFT's RPC or gRPC.
//! - [`account`]: who sends messages and waits for their block.
//! - [`duration`]: times as people write them.
//! - Keys, amounts and what is signed are those of [`zektra_wallet`].

pub mod account;
pub mod client;
pub mod duration;
mod grpc;

pub use zektra_wallet::{amounts, key, keyring, transaction};
