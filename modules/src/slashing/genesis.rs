//! Parameters and signatures of a genesis file.

use super::{NAME, Rules, hooks, keys, params, ring, set_signing_info, signing_info, signing_infos};
use crate::address::{Address, Prefix};
use crate::context::{Context, save};
use crate::decimal::Dec;
use crate::module::{GenesisError, failed, read_genesis};
use crate::staking;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use zektra_proto::cosmos::slashing::v1beta1::{
    GenesisState, MissedBlock, Params, SigningInfo, ValidatorMissedBlocks, ValidatorSigningInfo,
};
use zektra_proto::{Duration, json};
use zektra_state::StateRead;

pub fn default() -> Value {
    let params = Params {
        signed_blocks_window: 100,
        min_signed_per_window: Dec::percent(50).digit_bytes().into(),
        downtime_jail_duration: Some(Duration { seconds: 600, nanos: 0 }),
        slash_fraction_double_sign: Dec::percent(5).digit_bytes().into(),
        slash_fraction_downtime: Dec::percent(1).digit_bytes().into(),
    };
    json::write(&GenesisState { params: Some(params), ..GenesisState::default() }).expect("a genesis state is served")
}

/// A genesis file's part, read and checked.
struct Read {
    params: Params,
    infos: BTreeMap<Address, ValidatorSigningInfo>,
    missed: BTreeMap<Address, BTreeSet<u64>>,
}

fn read(genesis: &Value, prefix: &Prefix) -> Result<Read, GenesisError> {
    let state: GenesisState = read_genesis(NAME, genesis)?;
    let params = state.params.ok_or_else(|| GenesisError::new("slashing.params", "nothing", "the parameters"))?;
    let rules = Rules::read(&params).map_err(|e| GenesisError::new("slashing.params", e, "parameters in range"))?;
    let consensus = |field: String, text: &str| {
        let address = prefix.parse_consensus(text);
        address.map_err(|e| GenesisError::new(field, text, format!("a consensus address: {e}")))
    };
    let mut infos = BTreeMap::new();
    for (k, SigningInfo { address, validator_signing_info }) in state.signing_infos.into_iter().enumerate() {
        let field = |name: &str| format!("slashing.signing_infos[{k}].{name}");
        let key = consensus(field("address"), &address)?;
        let missing = || GenesisError::new(field("validator_signing_info"), "nothing", "signing info");
        let info = ValidatorSigningInfo { address: address.clone(), ..validator_signing_info.ok_or_else(missing)? };
        let numbers = [info.start_height, info.index_offset, info.missed_blocks_counter];
        if let Some(number) = numbers.iter().find(|&&n| n < 0) {
            return Err(GenesisError::new(field("validator_signing_info"), number, "no number below zero"));
        }
        if infos.insert(key, info).is_some() {
            return Err(GenesisError::new(field("address"), address, "each address once"));
        }
    }
    let mut missed = BTreeMap::new();
    for (k, ValidatorMissedBlocks { address, missed_blocks }) in state.missed_blocks.into_iter().enumerate() {
        let field = |name: &str| format!("slashing.missed_blocks[{k}].{name}");
        let key = consensus(field("address"), &address)?;
        if !infos.contains_key(&key) {
            return Err(GenesisError::new(field("address"), address, "an address with signing info"));
        }
        let mut indices = BTreeSet::new();
        for MissedBlock { index, .. } in missed_blocks.into_iter().filter(|b| b.missed) {
            let number = u64::try_from(index).ok().filter(|&i| i < rules.window);
            if !number.is_some_and(|number| indices.insert(number)) {
                let expected = format!("each index once, below {}", rules.window);
                return Err(GenesisError::new(field("missed_blocks"), index, expected));
            }
        }
        if missed.insert(key, indices).is_some() {
            return Err(GenesisError::new(field("address"), address, "each address once"));
        }
    }
    for (key, info) in &infos {
        let found = missed.get(key).map_or(0, BTreeSet::len);
        if u64::try_from(info.missed_blocks_counter) != Ok(found as u64) {
            let expected = format!("{} blocks, the counter of {}", info.missed_blocks_counter, info.address);
            return Err(GenesisError::new("slashing.missed_blocks", found, expected));
        }
    }
    Ok(Read { params, infos, missed })
}

pub fn check(genesis: &Value, prefix: &Prefix) -> Result<(), GenesisError> {
    read(genesis, prefix).map(drop)
}

pub fn init(ctx: &mut Context<'_>, genesis: &Value) -> Result<(), GenesisError> {
    let Read { params, infos, missed } = read(genesis, ctx.prefix)?;
    save(ctx.state, keys::PARAMS.to_vec(), &params).map_err(failed(NAME))?;
    for (consensus, info) in &infos {
        set_signing_info(ctx.state, consensus, info).map_err(failed(NAME))?;
    }
    for (consensus, indices) in &missed {
        for &index in indices {
            ring::set(ctx.state, consensus, index, true).map_err(failed(NAME))?;
        }
    }
    // Validators that the file puts into the set without a word on how they sign begin here.
    for validator in staking::validators(ctx.state).map_err(failed(NAME))?.iter().filter(|v| v.is_bonded()) {
        if signing_info(ctx.state, &validator.consensus()).map_err(failed(NAME))?.is_none() {
            hooks::validator_bonded(ctx, validator).map_err(failed(NAME))?;
        }
    }
    Ok(())
}

pub fn export(state: &dyn StateRead, prefix: &Prefix) -> Result<Value, GenesisError> {
    let mut out = GenesisState { params: Some(params(state).map_err(failed(NAME))?), ..GenesisState::default() };
    for (consensus, info) in signing_infos(state).map_err(failed(NAME))? {
        let address = prefix.consensus_text(&consensus);
        let missed = |index| Ok(MissedBlock { index: i64::try_from(index).map_err(failed(NAME))?, missed: true });
        let indices = ring::missed(state, &consensus).map_err(failed(NAME))?;
        let missed_blocks = indices.into_iter().map(missed).collect::<Result<_, GenesisError>>()?;
        out.missed_blocks.push(ValidatorMissedBlocks { address: address.clone(), missed_blocks });
        out.signing_infos.push(SigningInfo { address, validator_signing_info: Some(info) });
    }
    json::write(&out).map_err(failed(NAME))
}
