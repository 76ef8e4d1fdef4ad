//! Records of a genesis file.

use super::handler::params;
use super::{NAME, all_pending, epoch, keys};
use crate::address::Prefix;
use crate::context::{Context, load_all, save};
use crate::module::{GenesisError, failed, read_genesis};
use serde_json::Value;
use std::collections::BTreeSet;
use zektra_proto::json;
use zektra_proto::reputation::v1::{GenesisState, Params};
use zektra_state::StateRead;

pub fn default() -> Value {
    let params = Params { prior_units: 1000, units_per_token: 10, units_per_fee: 1 };
    json::write(&GenesisState { params: Some(params), ..GenesisState::default() }).expect("a genesis state is served")
}

pub fn check(genesis: &Value, prefix: &Prefix) -> Result<(), GenesisError> {
    let GenesisState { params: found, epoch, records, pending } = read_genesis(NAME, genesis)?;
    let found = found.ok_or_else(|| GenesisError::new("reputation.params", "nothing", "the parameters"))?;
    params::check(&found).map_err(|e| GenesisError::new("reputation.params", e, "parameters in range"))?;
    let address = |field: String, text: &String| {
        prefix.parse(text).map_err(|e| GenesisError::new(field, text, format!("an account's address: {e}")))
    };
    let mut known = BTreeSet::new();
    for (k, record) in records.iter().enumerate() {
        let field = |name: &str| format!("reputation.records[{k}].{name}");
        if !known.insert(address(field("node"), &record.node)?) {
            return Err(GenesisError::new(field("node"), &record.node, "each node once"));
        }
        if record.epoch > epoch {
            return Err(GenesisError::new(field("epoch"), record.epoch, format!("at most {epoch}")));
        }
    }
    let mut known = BTreeSet::new();
    for (k, work) in pending.iter().enumerate() {
        let field = |name: &str| format!("reputation.pending[{k}].{name}");
        let pair = (address(field("node"), &work.node)?, address(field("requester"), &work.requester)?);
        if !known.insert(pair) {
            return Err(GenesisError::new(field("requester"), &work.requester, "each requester of a node once"));
        }
    }
    Ok(())
}

pub fn init(ctx: &mut Context<'_>, genesis: &Value) -> Result<(), GenesisError> {
    let GenesisState { params, epoch, records, pending } = read_genesis(NAME, genesis)?;
    save(ctx.state, keys::PARAMS.to_vec(), &params.unwrap_or_default()).map_err(failed(NAME))?;
    if epoch > 0 {
        ctx.state.put(keys::EPOCH.to_vec(), epoch.to_be_bytes().to_vec()).map_err(failed(NAME))?;
    }
    for record in records {
        let node = ctx.parse(&record.node).map_err(failed(NAME))?;
        save(ctx.state, keys::record(&node), &record).map_err(failed(NAME))?;
    }
    for work in pending {
        let node = ctx.parse(&work.node).map_err(failed(NAME))?;
        let requester = ctx.parse(&work.requester).map_err(failed(NAME))?;
        save(ctx.state, keys::pending(&node, &requester), &work).map_err(failed(NAME))?;
    }
    Ok(())
}

pub fn export(state: &dyn StateRead) -> Result<Value, GenesisError> {
    let genesis = GenesisState {
        params: Some(super::params(state).map_err(failed(NAME))?),
        epoch: epoch(state).map_err(failed(NAME))?,
        records: load_all(state, keys::RECORDS).map_err(failed(NAME))?,
        pending: all_pending(state).map_err(failed(NAME))?,
    };
    json::write(&genesis).map_err(failed(NAME))
}
