//! Listings, demand, escrows and credits of a genesis file.

use super::handler::params;
use super::{NAME, amount, keys, listing, module};
use crate::address::Prefix;
use crate::auth;
use crate::bank;
use crate::context::{Context, load_all, save};
use crate::module::{GenesisError, failed, read_genesis};
use serde_json::Value;
use std::collections::BTreeSet;
use zektra_proto::json;
use zektra_proto::market::v1::{Escrow, GenesisState, Kind, Params};
use zektra_state::{StateError, StateRead};

pub fn default(native: &str) -> Value {
    let params = Params {
        denom: native.into(),
        data_owners: 9000,
        data_storage: 500,
        data_protocol: 500,
        compute_node: 9400,
        compute_proposer: 100,
        compute_protocol: 500,
        protocol_burn: 4000,
        protocol_validators: 4000,
        protocol_community: 2000,
        demand_start: 10_000,
        demand_min: 5000,
        demand_max: 40_000,
        // A day at a block in five seconds.
        notice_blocks: 24 * 720,
        listing_fee: "1000000".into(),
        treasury: String::new(),
    };
    json::write(&GenesisState { params: Some(params), ..GenesisState::default() }).expect("a genesis state is served")
}

/// All amounts of an escrow.
fn amounts(e: &Escrow) -> [&String; 9] {
    let Escrow { data, compute, credits, data_used, compute_used, paid, refunded, burned, held, .. } = e;
    [data, compute, credits, data_used, compute_used, paid, refunded, burned, held]
}

pub fn check(genesis: &Value, prefix: &Prefix) -> Result<(), GenesisError> {
    let GenesisState { params: found, listings, next_listing, demands, escrows, payouts, credits, .. } =
        read_genesis(NAME, genesis)?;
    let found = found.ok_or_else(|| GenesisError::new("market.params", "nothing", "the parameters"))?;
    let in_range = params::check(&found).and_then(|()| params::check_treasury(&found, prefix));
    in_range.map_err(|e| GenesisError::new("market.params", e, "parameters in range"))?;
    let address = |field: String, text: &String| {
        prefix.parse(text).map_err(|e| GenesisError::new(field, text, format!("an account's address: {e}")))
    };
    let is_amount = |field: String, text: &String| {
        amount(text).map_err(|e| GenesisError::new(field, text, format!("an amount: {e}")))
    };
    let mut known = BTreeSet::new();
    for (k, l) in listings.iter().enumerate() {
        let field = |name: &str| format!("market.listings[{k}].{name}");
        if l.number == 0 || l.number >= next_listing || !known.insert(l.number) {
            return Err(GenesisError::new(field("number"), l.number, "a number below the next that is there once"));
        }
        address(field("seller"), &l.seller)?;
        if l.kind() == Kind::Unspecified {
            return Err(GenesisError::new(field("kind"), l.kind, "a dataset or a set"));
        }
        listing::check_tiers(&l.tiers).map_err(|e| GenesisError::new(field("tiers"), e, "tiers"))?;
    }
    let mut known = BTreeSet::new();
    for (k, demand) in demands.iter().enumerate() {
        if !known.insert(demand.dataset) {
            let field = format!("market.demands[{k}].dataset");
            return Err(GenesisError::new(field, demand.dataset, "each dataset once"));
        }
    }
    let mut jobs = BTreeSet::new();
    for (k, e) in escrows.iter().enumerate() {
        let field = |name: &str| format!("market.escrows[{k}].{name}");
        if !jobs.insert(e.job) {
            return Err(GenesisError::new(field("job"), e.job, "each job once"));
        }
        address(field("payer"), &e.payer)?;
        amounts(e).into_iter().try_for_each(|text| is_amount(field("amounts"), text).map(drop))?;
    }
    for (k, payout) in payouts.iter().enumerate() {
        let field = |name: &str| format!("market.payouts[{k}].{name}");
        if !jobs.contains(&payout.job) {
            return Err(GenesisError::new(field("job"), payout.job, "a job with an escrow"));
        }
        is_amount(field("amount"), &payout.amount)?;
    }
    let mut known = BTreeSet::new();
    for (k, c) in credits.iter().enumerate() {
        let field = |name: &str| format!("market.credits[{k}].{name}");
        if !known.insert(address(field("account"), &c.account)?) {
            return Err(GenesisError::new(field("account"), &c.account, "each account once"));
        }
        if is_amount(field("amount"), &c.amount)? == 0 {
            return Err(GenesisError::new(field("amount"), &c.amount, "a positive amount"));
        }
    }
    Ok(())
}

pub fn init(ctx: &mut Context<'_>, genesis: &Value) -> Result<(), GenesisError> {
    let GenesisState { params, listings, next_listing, epoch, demands, escrows, payouts, credits } =
        read_genesis(NAME, genesis)?;
    let params = params.unwrap_or_default();
    auth::create_module(ctx, NAME, &["burner"]).map_err(failed(NAME))?;
    save(ctx.state, keys::PARAMS.to_vec(), &params).map_err(failed(NAME))?;
    // The first listing has number 1 without being told so.
    for (key, number, least) in [(keys::NEXT, next_listing, 2), (keys::EPOCH, epoch, 1)] {
        if number >= least {
            ctx.state.put(key.to_vec(), number.to_be_bytes().to_vec()).map_err(failed(NAME))?;
        }
    }
    let mut written: Vec<(Vec<u8>, Vec<u8>)> = vec![];
    let mut sum = 0u128;
    for listing in listings {
        let seller = ctx.parse(&listing.seller).map_err(failed(NAME))?;
        written.push((keys::seller(&seller, listing.number), vec![1]));
        listing::set(ctx.state, &listing).map_err(failed(NAME))?;
    }
    for demand in demands {
        save(ctx.state, keys::demand(demand.dataset), &demand).map_err(failed(NAME))?;
    }
    for escrow in escrows {
        sum = sum.saturating_add(amount(&escrow.held).map_err(failed(NAME))?);
        save(ctx.state, keys::escrow(escrow.job), &escrow).map_err(failed(NAME))?;
    }
    for payout in payouts {
        save(ctx.state, keys::payout(payout.job, payout.number), &payout).map_err(failed(NAME))?;
    }
    for credits in credits {
        let account = ctx.parse(&credits.account).map_err(failed(NAME))?;
        sum = sum.saturating_add(amount(&credits.amount).map_err(failed(NAME))?);
        save(ctx.state, keys::credits(&account), &credits).map_err(failed(NAME))?;
    }
    let put = |(key, value)| ctx.state.put(key, value);
    written.into_iter().try_for_each(put).map_err(failed(NAME))?;
    let held = bank::balance(ctx.state, &module(), &params.denom).map_err(failed(NAME))?;
    if held != sum {
        let expected = format!("the {held}{} of the module's account", params.denom);
        return Err(GenesisError::new("market.escrows", format!("escrows and credits of {sum}"), expected));
    }
    Ok(())
}

fn written(state: &dyn StateRead) -> Result<GenesisState, StateError> {
    Ok(GenesisState {
        params: Some(super::params(state)?),
        listings: load_all(state, keys::LISTINGS)?,
        next_listing: super::next_listing(state)?,
        epoch: super::epoch(state)?,
        demands: load_all(state, keys::DEMANDS)?,
        escrows: load_all(state, keys::ESCROWS)?,
        payouts: load_all(state, keys::PAYOUTS)?,
        credits: load_all(state, keys::CREDITS)?,
    })
}

pub fn export(state: &dyn StateRead) -> Result<Value, GenesisError> {
    json::write(&written(state).map_err(failed(NAME))?).map_err(failed(NAME))
}
