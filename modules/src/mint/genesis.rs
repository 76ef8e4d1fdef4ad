//! Parameters and inflation of a genesis file.

use super::{NAME, keys, params};
use crate::auth;
use crate::context::{Context, save};
use crate::decimal::Dec;
use crate::module::{GenesisError, failed, read_genesis};
use serde_json::Value;
use zektra_proto::cosmos::mint::v1beta1::{GenesisState, Minter, Params};
use zektra_proto::json;
use zektra_state::StateRead;

pub fn default(native: &str) -> Value {
    let params = Params {
        mint_denom: native.into(),
        inflation_rate_change: Dec::percent(13).digits(),
        inflation_max: Dec::percent(20).digits(),
        inflation_min: Dec::percent(7).digits(),
        goal_bonded: Dec::percent(67).digits(),
        // One block in five seconds.
        blocks_per_year: 60 * 60 * 8766 / 5,
    };
    let minter = Minter { inflation: Dec::percent(13).digits(), annual_provisions: Dec::ZERO.digits() };
    json::write(&GenesisState { minter: Some(minter), params: Some(params) }).expect("a genesis state is served")
}

fn read(genesis: &Value) -> Result<(Minter, Params), GenesisError> {
    let GenesisState { minter, params } = read_genesis(NAME, genesis)?;
    let minter = minter.ok_or_else(|| GenesisError::new("mint.minter", "nothing", "the inflation"))?;
    let params = params.ok_or_else(|| GenesisError::new("mint.params", "nothing", "the parameters"))?;
    Ok((minter, params))
}

pub fn check(genesis: &Value) -> Result<(), GenesisError> {
    let (minter, found) = read(genesis)?;
    params::check(&found).map_err(|(field, why)| GenesisError::new(format!("mint.params.{field}"), why, "another"))?;
    let Minter { inflation, annual_provisions } = &minter;
    for (name, digits) in [("inflation", inflation), ("annual_provisions", annual_provisions)] {
        Dec::read(digits).map_err(|e| GenesisError::new(format!("mint.minter.{name}"), e, "a decimal from 0 on"))?;
    }
    Ok(())
}

pub fn init(ctx: &mut Context<'_>, genesis: &Value) -> Result<(), GenesisError> {
    let (minter, params) = read(genesis)?;
    auth::create_module(ctx, NAME, &["minter"]).map_err(failed(NAME))?;
    save(ctx.state, keys::MINTER.to_vec(), &minter).map_err(failed(NAME))?;
    save(ctx.state, keys::PARAMS.to_vec(), &params).map_err(failed(NAME))
}

pub fn export(state: &dyn StateRead) -> Result<Value, GenesisError> {
    let minter = super::minter(state).map_err(failed(NAME))?;
    let params = super::params(state).map_err(failed(NAME))?;
    json::write(&GenesisState { minter: Some(minter), params: Some(params) }).map_err(failed(NAME))
}
