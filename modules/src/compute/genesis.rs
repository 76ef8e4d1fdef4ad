//! Parameters and nodes of a genesis file.

use super::handler::{node, params};
use super::{NAME, bond, engaged, is_leaving, keys, module, nodes};
use crate::address::Prefix;
use crate::auth;
use crate::bank;
use crate::context::{Context, save};
use crate::module::{GenesisError, failed, read_genesis};
use serde_json::Value;
use std::collections::BTreeSet;
use zektra_proto::compute::v1::{GenesisState, NodeStatus, Params};
use zektra_proto::json;
use zektra_state::StateRead;

pub fn default(native: &str) -> Value {
    let params = Params {
        denom: native.into(),
        min_bond: "1000000000".into(),
        registration_fee: "10000000".into(),
        // 21 days at a block in five seconds.
        unbonding_blocks: 21 * 24 * 720,
        share_cap_bps: 1500,
        min_reputation: 1000,
        slash_burn_bps: 5000,
    };
    json::write(&GenesisState { params: Some(params), ..GenesisState::default() }).expect("a genesis state is served")
}

pub fn check(genesis: &Value, prefix: &Prefix) -> Result<(), GenesisError> {
    let GenesisState { params: found, nodes, .. } = read_genesis(NAME, genesis)?;
    let found = found.ok_or_else(|| GenesisError::new("compute.params", "nothing", "the parameters"))?;
    params::check(&found).map_err(|e| GenesisError::new("compute.params", e, "parameters in range"))?;
    let mut known = BTreeSet::new();
    for (k, n) in nodes.iter().enumerate() {
        let field = |name: &str| format!("compute.nodes[{k}].{name}");
        let operator = prefix.parse(&n.operator);
        let operator = operator
            .map_err(|e| GenesisError::new(field("operator"), &n.operator, format!("an account's address: {e}")))?;
        if !known.insert(operator) {
            return Err(GenesisError::new(field("operator"), &n.operator, "each operator once"));
        }
        let fields = node::check_moniker(&n.moniker)
            .and_then(|()| node::check_fields(&n.endpoint, n.max_jobs, &n.validator, prefix));
        fields
            .map_err(|e| GenesisError::new(field("moniker, endpoint, max_jobs or validator"), e, "a node's fields"))?;
        if n.fingerprint.len() != 32 {
            return Err(GenesisError::new(field("fingerprint"), n.fingerprint.len(), "32 bytes"));
        }
        let coin = n.bond.clone().unwrap_or_default();
        if coin.denom != found.denom {
            return Err(GenesisError::new(field("bond.denom"), coin.denom, found.denom));
        }
        let bond = bond(n).map_err(|e| GenesisError::new(field("bond.amount"), e, "an amount"))?;
        let engaged = engaged(n).map_err(|e| GenesisError::new(field("engaged"), e, "an amount"))?;
        if engaged > bond || engaged > 0 && n.live_jobs == 0 {
            return Err(GenesisError::new(
                field("engaged"),
                engaged,
                format!("at most the bond {bond}, 0 without jobs"),
            ));
        }
        if n.status() == NodeStatus::Unspecified {
            return Err(GenesisError::new(field("status"), n.status, "a status"));
        }
    }
    Ok(())
}

pub fn init(ctx: &mut Context<'_>, genesis: &Value) -> Result<(), GenesisError> {
    let GenesisState { params, nodes, epoch, epoch_units } = read_genesis(NAME, genesis)?;
    let params = params.unwrap_or_default();
    auth::create_module(ctx, NAME, &["burner"]).map_err(failed(NAME))?;
    save(ctx.state, keys::PARAMS.to_vec(), &params).map_err(failed(NAME))?;
    for (key, number) in [(keys::EPOCH, epoch), (keys::UNITS, epoch_units)] {
        if number > 0 {
            ctx.state.put(key.to_vec(), number.to_be_bytes().to_vec()).map_err(failed(NAME))?;
        }
    }
    let mut sum = 0u128;
    for node in nodes {
        let operator = ctx.parse(&node.operator).map_err(failed(NAME))?;
        if is_leaving(&node) && node.live_jobs == 0 {
            ctx.state.put(keys::leaving(node.leaves_at, &operator), vec![1]).map_err(failed(NAME))?;
        }
        sum = sum.saturating_add(bond(&node).map_err(failed(NAME))?);
        nodes::set(ctx.state, &operator, &node).map_err(failed(NAME))?;
    }
    let held = bank::balance(ctx.state, &module(), &params.denom).map_err(failed(NAME))?;
    if held != sum {
        let expected = format!("the {held}{} of the module's account", params.denom);
        return Err(GenesisError::new("compute.nodes", format!("bonds of {sum}"), expected));
    }
    Ok(())
}

pub fn export(state: &dyn StateRead) -> Result<Value, GenesisError> {
    let genesis = GenesisState {
        params: Some(super::params(state).map_err(failed(NAME))?),
        nodes: nodes::all(state).map_err(failed(NAME))?.into_iter().map(|(_, node)| node).collect(),
        epoch: super::epoch(state).map_err(failed(NAME))?,
        epoch_units: super::epoch_units(state).map_err(failed(NAME))?,
    };
    json::write(&genesis).map_err(failed(NAME))
}
