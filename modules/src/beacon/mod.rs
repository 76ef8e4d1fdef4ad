//! One source of chance for all who draw: assignment of work, batches, audits.
//!
//! ```text
//! beacon(h) = SHA-256("zektra beacon" ‖ beacon(h − 1) ‖ hash of block h)
//! ```
//!
//! **Bias.** The proposer of block `h` chooses among the blocks that it can make, and may try one after the other: with
//! `2^k` tries it picks the best of as many beacons, and it may withhold its block, which costs it the round. So who
//! draws takes a height that is fixed after what it draws on, and several blocks later than the last thing that the
//! drawer could choose: one honest proposer in between makes all earlier tries useless, and only the last proposer's
//! own tries are left.

use crate::address::Prefix;
use crate::context::Context;
use crate::error::TxError;
use crate::module::{GenesisError, Module};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use zektra_proto::tendermint::abci::ValidatorUpdate;
use zektra_state::{StateError, StateRead};

/// The module.
pub struct Beacon;

/// The module's name.
pub const NAME: &str = "beacon";

/// Heights whose beacon is kept.
pub const KEPT: u64 = 100_000;

/// `beacon/` height, big-endian: 32 bytes
pub fn key(height: u64) -> Vec<u8> {
    [b"beacon/", &height.to_be_bytes()[..]].concat()
}

/// The beacon of a height; `None` before the chain and [`KEPT`] blocks later.
///
/// # Errors
/// The database fails.
pub fn beacon(state: &dyn StateRead, height: u64) -> Result<Option<[u8; 32]>, StateError> {
    let Some(bytes) = state.get(&key(height))? else { return Ok(None) };
    let damaged = |_| StateError::Damaged(format!("the beacon of height {height} has {} bytes", bytes.len()));
    bytes[..].try_into().map(Some).map_err(damaged)
}

impl Module for Beacon {
    fn name(&self) -> &'static str {
        NAME
    }

    fn default_genesis(&self) -> Value {
        Value::Null
    }

    fn check_genesis(&self, genesis: &Value, _: &Prefix) -> Result<(), GenesisError> {
        match genesis {
            Value::Null => Ok(()),
            other => Err(GenesisError::new(NAME, other, "nothing: beacons come from blocks")),
        }
    }

    fn init_genesis(&self, _: &mut Context<'_>, _: &Value) -> Result<Vec<ValidatorUpdate>, GenesisError> {
        Ok(vec![])
    }

    fn export_genesis(&self, _: &dyn StateRead, _: &Prefix) -> Result<Value, GenesisError> {
        Ok(Value::Null)
    }

    fn begin_block(&self, ctx: &mut Context<'_>) -> Result<(), TxError> {
        let height = ctx.block.height;
        let before = beacon(ctx.state, height.saturating_sub(1))?.unwrap_or_default();
        let hash = Sha256::new().chain_update(b"zektra beacon").chain_update(before).chain_update(&ctx.block.hash);
        ctx.state.put(key(height), hash.finalize().to_vec())?;
        if let Some(old) = height.checked_sub(KEPT) {
            ctx.state.delete(key(old))?;
        }
        Ok(())
    }
}
