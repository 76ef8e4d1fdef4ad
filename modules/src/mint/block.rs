//! What a block mints.

use super::inflation::Rates;
use super::{NAME, damaged, keys, minter, params};
use crate::address::Address;
use crate::auth::FEE_COLLECTOR;
use crate::bank;
use crate::coin::Coins;
use crate::context::{Context, save};
use crate::decimal::Dec;
use crate::error::TxError;
use crate::staking;
use zektra_proto::cosmos::mint::v1beta1::Minter;

pub fn begin(ctx: &mut Context<'_>) -> Result<(), TxError> {
    let params = params(ctx.state)?;
    let rates = Rates::read(&params).map_err(|(field, why)| damaged(format!("{field}: {why}")))?;
    let before = Dec::read(&minter(ctx.state)?.inflation).map_err(damaged)?;
    let bonded = staking::bonded_ratio(ctx.state)?;
    let supply = bank::supply(ctx.state, &staking::bond_denom(ctx.state)?)?;
    let inflation = rates.next(before, bonded)?;
    let year = Rates::of_year(inflation, supply)?;
    let now = Minter { inflation: inflation.digits(), annual_provisions: year.digits() };
    save(ctx.state, keys::MINTER.to_vec(), &now)?;
    // The supply ends where its number does: a block that cannot mint goes on.
    let room = u128::MAX - bank::supply(ctx.state, &params.mint_denom)?;
    let amount = rates.of_block(year)?.min(room);
    let coins = Coins::one(&params.mint_denom, amount);
    if !coins.is_empty() {
        let minter = Address::of_module(NAME);
        bank::mint(ctx, &minter, &coins)?;
        bank::transfer(ctx, &minter, &Address::of_module(FEE_COLLECTOR), &coins)?;
    }
    let attributes = [
        ("bonded_ratio", bonded.to_string()),
        ("inflation", inflation.to_string()),
        ("annual_provisions", year.to_string()),
        ("amount", amount.to_string()),
    ];
    ctx.emit(NAME, attributes);
    Ok(())
}
