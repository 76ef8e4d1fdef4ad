//! The genesis state: in memory until the first block is committed, so that the call can come again.

use super::{height, time};
use crate::app::{App, AppError};
use zektra_proto::tendermint::abci::{RequestInitChain, ResponseInitChain};

pub fn init_chain(app: &App, request: RequestInitChain) -> Result<ResponseInitChain, AppError> {
    let wrong = |what: String| AppError::Order(format!("genesis: {what}"));
    let state = serde_json::from_slice(&request.app_state_bytes).map_err(|e| wrong(format!("app_state: {e}")))?;
    let params = request.consensus_params.ok_or_else(|| wrong("no consensus parameters".into()))?;
    let first = height(request.initial_height)?;
    let (validators, root) = app.init(&request.chain_id, time(request.time), first, &params, &state)?;
    // Without a module that names validators, those of the file itself stand.
    Ok(ResponseInitChain { consensus_params: None, validators, app_hash: root.into() })
}
