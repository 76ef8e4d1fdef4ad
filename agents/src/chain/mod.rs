//! The chain as a client sees it: keys, questions, transactions.
//!
//! - [`key`]: a secp256k1 key, its address, its signatures; [`keyring`]: keys in files, under a passphrase.
//! - [`client`]: questions to a node and transactions for it, by CometBFT's RPC or gRPC.
//! - [`transaction`]: from messages to signed bytes.
//! - [`amounts`]: coins and gas prices as people write them; [`duration`]: times.

pub mod amounts;
pub mod client;
pub mod duration;
mod grpc;
pub mod key;
pub mod keyring;
pub mod transaction;
