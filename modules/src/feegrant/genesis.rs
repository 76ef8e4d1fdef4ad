//! Grants of a genesis file.

use super::allowance::Allowance;
use super::{NAME, add, keys};
use crate::address::Prefix;
use crate::authority::authority;
use crate::context::{Context, load_all};
use crate::module::{GenesisError, failed, read_genesis};
use serde_json::Value;
use std::collections::BTreeSet;
use zektra_proto::cosmos::feegrant::v1beta1::GenesisState;
use zektra_proto::json;
use zektra_state::StateRead;

pub fn default() -> Value {
    json::write(&GenesisState::default()).expect("a genesis state is served")
}

fn read(genesis: &Value) -> Result<GenesisState, GenesisError> {
    if genesis.is_null() { Ok(GenesisState::default()) } else { read_genesis(NAME, genesis) }
}

pub fn check(genesis: &Value, prefix: &Prefix) -> Result<(), GenesisError> {
    let mut known = BTreeSet::new();
    for (k, grant) in read(genesis)?.allowances.iter().enumerate() {
        let field = |name: &str| format!("feegrant.allowances[{k}].{name}");
        let address = |name: &str, text: &String| {
            prefix.parse(text).map_err(|e| GenesisError::new(field(name), text, format!("an address: {e}")))
        };
        let both = (address("granter", &grant.granter)?, address("grantee", &grant.grantee)?);
        if both.0 == both.1 {
            return Err(GenesisError::new(field("grantee"), &grant.grantee, "another account than the granter"));
        }
        if both.0 == authority() {
            return Err(GenesisError::new(
                field("granter"),
                &grant.granter,
                "another account than the chain's authority",
            ));
        }
        if !known.insert(both) {
            return Err(GenesisError::new(field("grantee"), &grant.grantee, "each pair of accounts once"));
        }
        let allowance = Allowance::read(grant.allowance.as_ref()).and_then(|a| a.check_used());
        allowance.map_err(|e| GenesisError::new(field("allowance"), e, "an allowance"))?;
    }
    Ok(())
}

/// Grants that have ended are taken as they are: the first block removes them.
pub fn init(ctx: &mut Context<'_>, genesis: &Value) -> Result<(), GenesisError> {
    for grant in read(genesis)?.allowances {
        let granter = ctx.parse(&grant.granter).map_err(failed(NAME))?;
        let grantee = ctx.parse(&grant.grantee).map_err(failed(NAME))?;
        let allowance = Allowance::read(grant.allowance.as_ref()).map_err(failed(NAME))?;
        add(ctx, &granter, &grantee, &allowance).map_err(failed(NAME))?;
    }
    Ok(())
}

pub fn export(state: &dyn StateRead) -> Result<Value, GenesisError> {
    let allowances = load_all(state, keys::GRANTS).map_err(failed(NAME))?;
    json::write(&GenesisState { allowances }).map_err(failed(NAME))
}
