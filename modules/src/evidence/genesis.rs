//! Evidence of a genesis file.

use super::{NAME, hash, keep, keys};
use crate::address::Prefix;
use crate::context::{Context, load_all};
use crate::module::{GenesisError, failed, read_genesis};
use serde_json::Value;
use std::collections::BTreeSet;
use zektra_proto::cosmos::evidence::v1beta1::{Equivocation, GenesisState};
use zektra_proto::{Any, json};
use zektra_state::StateRead;

pub fn default() -> Value {
    json::write(&GenesisState::default()).expect("a genesis state is served")
}

pub fn read(genesis: &Value, prefix: &Prefix) -> Result<Vec<Equivocation>, GenesisError> {
    let state: GenesisState = read_genesis(NAME, genesis)?;
    let mut known = BTreeSet::new();
    let each = |(k, any): (usize, &Any)| {
        let wrong = |found| GenesisError::new(format!("evidence.evidence[{k}]"), found, "each evidence once");
        let evidence = super::read(any, prefix).map_err(wrong)?;
        if known.insert(hash(&evidence)) { Ok(evidence) } else { Err(wrong(hex::encode_upper(hash(&evidence)))) }
    };
    state.evidence.iter().enumerate().map(each).collect()
}

pub fn init(ctx: &mut Context<'_>, genesis: &Value) -> Result<(), GenesisError> {
    read(genesis, ctx.prefix)?.iter().try_for_each(|evidence| keep(ctx.state, evidence).map_err(failed(NAME)))
}

pub fn export(state: &dyn StateRead) -> Result<Value, GenesisError> {
    let evidence = load_all(state, keys::EVIDENCE).map_err(failed(NAME))?;
    json::write(&GenesisState { evidence }).map_err(failed(NAME))
}
