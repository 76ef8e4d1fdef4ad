//! Writes the block that was executed: state, height and indexes in one batch.

use crate::app::{App, AppError};
use crate::tx;
use prost::Message as _;
use zektra_modules::context::Block;
use zektra_proto::tendermint::abci::{Event, ExecTxResult, ResponseCommit, TxResult};
use zektra_state::Changes;

/// `tx/` hash: the transaction with its result, a `TxResult`
pub fn tx_key(hash: &tx::TxHash) -> Vec<u8> {
    [b"tx/", &hash[..]].concat()
}

/// What the index holds of a block's transactions: each under its hash.
pub(crate) fn index(block: &Block, txs: &[(Vec<u8>, ExecTxResult)], _events: &[Event]) -> Changes {
    let height = i64::try_from(block.height).unwrap_or(i64::MAX);
    let record = |(index, (bytes, result)): (u32, &(Vec<u8>, ExecTxResult))| {
        let record = TxResult { height, index, tx: bytes.clone().into(), result: Some(result.clone()) };
        (tx_key(&tx::hash(bytes)), Some(record.encode_to_vec()))
    };
    (0..).zip(txs).map(record).collect()
}

pub fn commit(app: &App) -> Result<ResponseCommit, AppError> {
    let committed = app.commit()?;
    // Commits are synced to disk, so blocks before the window are not needed to replay.
    let retain = app.0.config.retain_blocks.map_or(0, |keep| committed.height.saturating_sub(keep));
    Ok(ResponseCommit { retain_height: i64::try_from(retain).unwrap_or(0) })
}
