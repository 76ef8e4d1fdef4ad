//! What holds after every block.

use super::{amount, damaged, keys, module, params};
use crate::bank;
use crate::context::load_all;
use crate::error::TxError;
use std::collections::BTreeMap;
use zektra_proto::market::v1::{Credits, Escrow, Listing, Payout};
use zektra_state::{Order, StateError, StateRead, scan_prefix};

fn sum(amounts: &[&str]) -> Result<u128, StateError> {
    let add = |sum: u128, text: &&str| sum.checked_add(amount(text)?).ok_or_else(|| damaged("a sum beyond 2^128"));
    amounts.iter().try_fold(0, add)
}

pub fn check(state: &dyn StateRead) -> Result<(), TxError> {
    let mut left: BTreeMap<u64, (u64, u128)> = BTreeMap::new();
    for payout in load_all::<Payout>(state, keys::PAYOUTS)? {
        let (count, of_job) = left.entry(payout.job).or_default();
        *count += 1;
        *of_job = of_job.saturating_add(amount(&payout.amount)?);
    }
    let mut held = 0u128;
    for e in load_all::<Escrow>(state, keys::ESCROWS)? {
        let (put, out) = (sum(&[&e.data, &e.compute])?, sum(&[&e.paid, &e.refunded, &e.burned])?);
        let used = sum(&[&e.data_used, &e.compute_used])?;
        if put != sum(&[&out.to_string(), &e.held])? || used > put || e.closed && amount(&e.held)? != 0 {
            return Err(damaged(format!("the escrow of job {} is {e:?}", e.job)).into());
        }
        if left.remove(&e.job).unwrap_or_default() != (e.payouts, out) {
            return Err(damaged(format!("the payouts of job {} are not {} of {out}", e.job, e.payouts)).into());
        }
        held = sum(&[&held.to_string(), &e.held])?;
    }
    if let Some((job, _)) = left.first_key_value() {
        return Err(damaged(format!("job {job} has payouts and no escrow")).into());
    }
    for credits in load_all::<Credits>(state, keys::CREDITS)? {
        held = sum(&[&held.to_string(), &credits.amount])?;
    }
    let balance = bank::balance(state, &module(), &params(state)?.denom)?;
    if balance != held {
        return Err(damaged(format!("escrows and credits are {held}, the account holds {balance}")).into());
    }
    let listings = load_all::<Listing>(state, keys::LISTINGS)?.len();
    if scan_prefix(state, keys::SELLERS, Order::Ascending).count() != listings {
        return Err(damaged("listings are not found by their sellers").into());
    }
    Ok(())
}
