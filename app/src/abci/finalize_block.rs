//! Executes a decided block; nothing is written yet.

use super::{height, time};
use crate::app::{App, AppError};
use zektra_modules::context::Block;
use zektra_proto::tendermint::abci::{RequestFinalizeBlock, ResponseFinalizeBlock};

pub fn finalize_block(app: &App, request: RequestFinalizeBlock) -> Result<ResponseFinalizeBlock, AppError> {
    let block = Block {
        chain_id: app.known()?.chain_id,
        height: height(request.height)?,
        time: time(request.time),
        hash: request.hash.to_vec(),
        proposer: request.proposer_address.to_vec(),
    };
    let done = app.execute(block, &request.txs)?;
    Ok(ResponseFinalizeBlock {
        events: done.events,
        tx_results: done.results,
        validator_updates: done.validators,
        consensus_param_updates: None,
        app_hash: done.root.into(),
    })
}
