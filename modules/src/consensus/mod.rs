//! Parameters of consensus: sizes and gas of blocks, ages of evidence, kinds of validator keys.

mod handler;

pub use handler::check_params;

use crate::address::Prefix;
use crate::context::{Context, load, save};
use crate::error::TxError;
use crate::module::{GenesisError, Message, Module};
use crate::query::{Query, Service};
use serde_json::Value;
use zektra_proto::cosmos::consensus::v1::{MsgUpdateParams, QueryParamsRequest, QueryParamsResponse};
use zektra_proto::tendermint::abci::ValidatorUpdate;
use zektra_proto::tendermint::types::ConsensusParams;
use zektra_state::{StateError, StateRead, StateWrite};

/// The module.
pub struct Consensus;

/// The module's name.
pub const NAME: &str = "consensus";

/// `consensus/params`
pub const PARAMS: &[u8] = b"consensus/params";

/// The parameters.
///
/// # Errors
/// The database fails.
pub fn params(state: &dyn StateRead) -> Result<ConsensusParams, StateError> {
    Ok(load(state, PARAMS)?.unwrap_or_default())
}

/// Most gas of a block; `None` for any.
///
/// # Errors
/// The database fails.
pub fn max_gas(state: &dyn StateRead) -> Result<Option<u64>, StateError> {
    let most = params(state)?.block.map_or(-1, |b| b.max_gas);
    Ok(u64::try_from(most).ok().filter(|&m| m > 0))
}

/// Stores the parameters, which come from the genesis file's own section.
///
/// # Errors
/// A meter has run out.
pub fn set_params(state: &mut dyn StateWrite, params: &ConsensusParams) -> Result<(), StateError> {
    save(state, PARAMS.to_vec(), params)
}

/// What consensus must be told after a block: its parameters, if they changed since `before`. They hold from the next
/// height on.
///
/// # Errors
/// The database fails.
pub fn changed(before: &ConsensusParams, state: &dyn StateRead) -> Result<Option<ConsensusParams>, StateError> {
    let now = params(state)?;
    Ok((now != *before).then_some(now))
}

impl Module for Consensus {
    fn name(&self) -> &'static str {
        NAME
    }

    fn messages(&self) -> Vec<Message> {
        vec![Message::of::<MsgUpdateParams>()]
    }

    fn services(&self) -> Vec<Service> {
        let answer = |q: &Query<'_>, _: QueryParamsRequest| Ok(QueryParamsResponse { params: Some(params(q.state)?) });
        vec![Service::new("cosmos.consensus.v1.Query").unary("Params", answer)]
    }

    fn default_genesis(&self, _: &str) -> Value {
        Value::Null
    }

    fn check_genesis(&self, genesis: &Value, _: &Prefix) -> Result<(), GenesisError> {
        match genesis {
            Value::Null => Ok(()),
            Value::Object(fields) if fields.is_empty() => Ok(()),
            other => Err(GenesisError::new(NAME, other, "nothing: parameters stand in the file's consensus section")),
        }
    }

    fn init_genesis(&self, _: &mut Context<'_>, _: &Value) -> Result<Vec<ValidatorUpdate>, GenesisError> {
        Ok(vec![])
    }

    fn export_genesis(&self, _: &dyn StateRead, _: &Prefix) -> Result<Value, GenesisError> {
        Ok(Value::Null)
    }

    fn check_invariants(&self, state: &dyn StateRead) -> Result<(), TxError> {
        let params = params(state)?;
        // Without any, modules stand alone, as in tests of theirs.
        if params == ConsensusParams::default() { Ok(()) } else { check_params(&params) }
    }
}
