//! Keys of accounts and what they sign.
//!
//! - [`key`]: a secp256k1 key, its address, its signatures; [`keyring`]: keys in files, under a passphrase.
//! - [`transaction`]: from messages to signed bytes; [`amounts`]: coins and gas prices as people write them.
//! - [`ask`]: questions to whoever sits at the terminal.
//! - [`files`]: files that are never half-written; [`rejected`]: input that is not used.
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

pub mod amounts;
pub mod ask;
pub mod files;
pub mod key;
pub mod keyring;
pub mod rejected;
pub mod transaction;
