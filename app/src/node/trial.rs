//! What a node would say of a genesis file, before one starts with it.

use crate::abci::init_chain::{init_chain, request};
use crate::app::{App, AppError, Config};
use anyhow::{Context as _, Result};
use zektra_genesis::{Genesis, gen_txs};
use zektra_modules::consensus::check_params;
use zektra_modules::staking::validator::POWER_REDUCTION;

/// What CometBFT would refuse, as far as it can be said without a state: parameters of consensus, a chain of nobody.
///
/// # Errors
/// Which field holds what, and what was expected.
pub fn demand(genesis: &Genesis) -> Result<(), AppError> {
    let typed = &genesis.typed;
    check_params(&typed.consensus_params.clone().into())
        .map_err(|e| AppError::Refused(format!("consensus_params: {e}")))?;
    let state = &typed.app_state;
    let staked = state["staking"]["validators"].as_array().is_some_and(|v| !v.is_empty());
    if staked || !typed.validators.is_empty() || !gen_txs(state).is_empty() { Ok(()) } else { Err(nobody(genesis)) }
}

fn nobody(genesis: &Genesis) -> AppError {
    let denom = genesis.typed.app_state["staking"]["params"]["bond_denom"].as_str().unwrap_or_default();
    AppError::Refused(format!(
        "validators: none has power, expected one that stakes at least {POWER_REDUCTION}{denom}: make it with `zektrad \
         gentx` and `zektrad collect-gentxs`"
    ))
}

/// Executes a genesis file in a folder that is gone afterwards.
///
/// # Errors
/// What a node would say of it; what the system says.
pub fn try_out(genesis: &Genesis) -> Result<()> {
    demand(genesis)?;
    let folder = tempfile::Builder::new().prefix("zektrad-").tempdir().context("cannot make a folder for a trial")?;
    let app = App::open(Config { home: folder.path().into(), ..Config::default() })?;
    let done = init_chain(&app, request(&genesis.typed))?;
    if done.validators.is_empty() { Err(nobody(genesis).into()) } else { Ok(()) }
}
