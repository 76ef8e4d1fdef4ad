//! Grants of a genesis file.

use super::authorization::Authorization;
use super::{NAME, add, keys, parts};
use crate::address::Prefix;
use crate::authority::authority;
use crate::context::{Context, load_all_keyed};
use crate::module::{GenesisError, failed, read_genesis};
use crate::time;
use serde_json::Value;
use std::collections::BTreeSet;
use zektra_proto::cosmos::authz::v1beta1::{GenesisState, Grant, GrantAuthorization};
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
    for (k, grant) in read(genesis)?.authorization.iter().enumerate() {
        let field = |name: &str| format!("authz.authorization[{k}].{name}");
        let address = |name: &str, text: &String| {
            prefix.parse(text).map_err(|e| GenesisError::new(field(name), text, format!("an address: {e}")))
        };
        let (granter, grantee) = (address("granter", &grant.granter)?, address("grantee", &grant.grantee)?);
        if granter == grantee {
            return Err(GenesisError::new(field("grantee"), &grant.grantee, "another account than the granter"));
        }
        if granter == authority() {
            return Err(GenesisError::new(
                field("granter"),
                &grant.granter,
                "another account than the chain's authority",
            ));
        }
        let wrong = |e: crate::TxError| GenesisError::new(field("authorization"), e, "an authorization");
        let authorization = Authorization::read(grant.authorization.as_ref()).map_err(wrong)?;
        authorization.check(prefix).map_err(wrong)?;
        if !known.insert((granter, grantee, authorization.url().map_err(wrong)?)) {
            return Err(GenesisError::new(field("authorization"), &grant.granter, "each grant once"));
        }
        let end = grant.expiration.as_ref().map_or(Ok(()), time::check);
        end.map_err(|e| GenesisError::new(field("expiration"), e, "a time"))?;
    }
    Ok(())
}

/// Grants that have ended are taken as they are: the first block removes them.
pub fn init(ctx: &mut Context<'_>, genesis: &Value) -> Result<(), GenesisError> {
    for entry in read(genesis)?.authorization {
        let GrantAuthorization { granter, grantee, authorization, expiration } = entry;
        let granter = ctx.parse(&granter).map_err(failed(NAME))?;
        let grantee = ctx.parse(&grantee).map_err(failed(NAME))?;
        let authorization = Authorization::read(authorization.as_ref()).map_err(failed(NAME))?;
        let url = authorization.url().map_err(failed(NAME))?;
        let grant = Grant { authorization: Some(authorization.to_any()), expiration };
        add(ctx, &granter, &grantee, &url, &grant).map_err(failed(NAME))?;
    }
    Ok(())
}

pub fn export(state: &dyn StateRead, prefix: &Prefix) -> Result<Value, GenesisError> {
    let mut out = GenesisState::default();
    for (rest, grant) in load_all_keyed(state, keys::GRANTS).map_err(failed(NAME))? {
        let (granter, grantee, _) = parts(&rest).map_err(failed(NAME))?;
        let Grant { authorization, expiration } = grant;
        let (granter, grantee) = (prefix.text(&granter), prefix.text(&grantee));
        out.authorization.push(GrantAuthorization { granter, grantee, authorization, expiration });
    }
    json::write(&out).map_err(failed(NAME))
}
