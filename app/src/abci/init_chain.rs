//! The genesis state: in memory until the first block is committed, so that the call can come again.

use super::{height, time};
use crate::app::{App, AppError};
use prost::Message as _;
use std::collections::BTreeMap;
use zektra_proto::tendermint::abci::{RequestInitChain, ResponseInitChain, ValidatorUpdate};

pub fn init_chain(app: &App, request: RequestInitChain) -> Result<ResponseInitChain, AppError> {
    let wrong = |what: String| AppError::Order(format!("genesis: {what}"));
    let state = serde_json::from_slice(&request.app_state_bytes).map_err(|e| wrong(format!("app_state: {e}")))?;
    let params = request.consensus_params.ok_or_else(|| wrong("no consensus parameters".into()))?;
    let first = height(request.initial_height)?;
    let (validators, root) = app.init(&request.chain_id, time(request.time), first, &params, &state)?;
    demand_same(&request.validators, &validators).map_err(wrong)?;
    Ok(ResponseInitChain { consensus_params: None, validators, app_hash: root.into() })
}

/// A file that names validators must name those that stake does.
fn demand_same(named: &[ValidatorUpdate], staked: &[ValidatorUpdate]) -> Result<(), String> {
    let sorted = |list: &[ValidatorUpdate]| -> BTreeMap<Vec<u8>, i64> {
        list.iter().map(|v| (v.pub_key.as_ref().map(|k| k.encode_to_vec()).unwrap_or_default(), v.power)).collect()
    };
    if named.is_empty() || sorted(named) == sorted(staked) {
        return Ok(());
    }
    let shown = |list: &[ValidatorUpdate]| format!("{} with powers {:?}", list.len(), sorted(list).values());
    Err(format!("validators: {}, expected those that are staked, {}, or an empty list", shown(named), shown(staked)))
}
