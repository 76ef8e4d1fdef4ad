//! The genesis state: in memory until the first block is committed, so that the call can come again.

use super::{height, time};
use crate::app::{App, AppError};
use prost::Message as _;
use serde_json::Value;
use std::collections::BTreeMap;
use zektra_proto::tendermint::abci::{RequestInitChain, ResponseInitChain, ValidatorUpdate};

pub fn init_chain(app: &App, request: RequestInitChain) -> Result<ResponseInitChain, AppError> {
    let wrong = AppError::Refused;
    let state = serde_json::from_slice(&request.app_state_bytes)
        .map_err(|e| wrong(format!("app_state: {e}, expected JSON")))?;
    let params = request.consensus_params.ok_or_else(|| wrong("consensus_params: missing".into()))?;
    let first = height(request.initial_height)?;
    let (validators, root) = app.init(&request.chain_id, time(request.time), first, &params, &state)?;
    demand_same(&request.validators, &validators).map_err(wrong)?;
    Ok(ResponseInitChain { consensus_params: None, validators, app_hash: root.into() })
}

/// The call that CometBFT would make of a genesis file.
pub fn request(genesis: &tendermint::Genesis<Value>) -> RequestInitChain {
    let update =
        |v: &tendermint::validator::Info| ValidatorUpdate { pub_key: Some(v.pub_key.into()), power: v.power.into() };
    RequestInitChain {
        time: Some(genesis.genesis_time.into()),
        chain_id: genesis.chain_id.to_string(),
        consensus_params: Some(genesis.consensus_params.clone().into()),
        validators: genesis.validators.iter().map(update).collect(),
        app_state_bytes: genesis.app_state.to_string().into_bytes().into(),
        initial_height: genesis.initial_height,
    }
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
