//! Multipliers of a genesis file.

use super::{MOST, NAME, ONE, handler, keys, params, read, value};
use crate::address::{Prefix, split_prefixed};
use crate::context::{Context, save};
use crate::module::{GenesisError, failed, read_genesis};
use serde_json::Value;
use zektra_proto::json;
use zektra_proto::power::v1::{GenesisState, Params};
use zektra_state::{Order, StateRead, scan_prefix};

pub fn default() -> Value {
    let params = Params { max_multiplier: 12_500 };
    json::write(&GenesisState { params: Some(params), multipliers: vec![] }).expect("a genesis state is served")
}

pub fn check(genesis: &Value, prefix: &Prefix) -> Result<(), GenesisError> {
    let state: GenesisState = read_genesis(NAME, genesis)?;
    let params = state.params.ok_or_else(|| GenesisError::new("power.params", "nothing", "the parameters"))?;
    handler::check(&params).map_err(|e| GenesisError::new("power.params", e, "a largest multiplier in range"))?;
    for (k, m) in state.multipliers.iter().enumerate() {
        let field = |name: &str| format!("power.multipliers[{k}].{name}");
        let text = &m.validator_address;
        let address = prefix.parse_operator(text);
        address
            .map_err(|e| GenesisError::new(field("validator_address"), text, format!("an operator's address: {e}")))?;
        if !(ONE..=MOST).contains(&m.multiplier) {
            let expected = format!("{ONE} to {MOST} basis points");
            return Err(GenesisError::new(field("multiplier"), m.multiplier, expected));
        }
        let time = m.set_time.as_ref().map_or(Ok(()), crate::time::check);
        time.map_err(|e| GenesisError::new(field("set_time"), e, "a time"))?;
    }
    Ok(())
}

pub fn init(ctx: &mut Context<'_>, genesis: &Value) -> Result<(), GenesisError> {
    let state: GenesisState = read_genesis(NAME, genesis)?;
    save(ctx.state, keys::PARAMS.to_vec(), &state.params.unwrap_or_default()).map_err(failed(NAME))?;
    for m in state.multipliers {
        let operator = ctx.prefix.parse_operator(&m.validator_address).map_err(failed(NAME))?;
        let value = value(m.multiplier, &m.set_time.unwrap_or(ctx.block.time));
        ctx.state.put(keys::multiplier(&operator, m.from_height), value).map_err(failed(NAME))?;
    }
    Ok(())
}

pub fn export(state: &dyn StateRead, prefix: &Prefix) -> Result<Value, GenesisError> {
    let mut multipliers = vec![];
    for entry in scan_prefix(state, keys::MULTIPLIERS, Order::Ascending) {
        let (key, value) = entry.map_err(failed(NAME))?;
        let operator = split_prefixed(&key[keys::MULTIPLIERS.len()..]).map(|(operator, _)| operator);
        let operator = operator.ok_or_else(|| failed(NAME)("the key of a multiplier"))?;
        multipliers.push(read(&key, &value).map_err(failed(NAME))?.to_proto(prefix.operator_text(&operator)));
    }
    let params = params(state).map_err(failed(NAME))?;
    json::write(&GenesisState { params: Some(params), multipliers }).map_err(failed(NAME))
}
