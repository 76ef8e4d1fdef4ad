//! Deposits: who stands behind a proposal, and with how much.

use super::error::Gov;
use super::params::{Rules, covers, rules};
use super::proposal::{activate, known, store};
use super::{damaged, keys};
use crate::address::Address;
use crate::authority::authority;
use crate::bank;
use crate::coin::Coins;
use crate::context::{Context, load, load_all_keyed, save};
use crate::decimal::Dec;
use crate::distribution;
use crate::error::{Sdk, TxError};
use zektra_proto::cosmos::base::v1beta1::Coin;
use zektra_proto::cosmos::gov::v1::{Deposit, ProposalStatus as Status};
use zektra_state::{StateError, StateRead};

/// A deposit.
///
/// # Errors
/// The database fails.
pub fn deposit(state: &dyn StateRead, id: u64, depositor: &Address) -> Result<Option<Deposit>, StateError> {
    load(state, &keys::deposit(id, depositor))
}

/// The deposits behind a prefix of their keys, with depositors.
pub(super) fn all(state: &dyn StateRead, prefix: &[u8]) -> Result<Vec<(Address, Deposit)>, StateError> {
    // Before the depositor stand the folder and the proposal's number.
    let at = (keys::DEPOSITS.len() + 8).saturating_sub(prefix.len());
    let depositor = |rest: &[u8]| Address::new(rest.get(at..).unwrap_or_default().to_vec()).map_err(|e| damaged(e.log));
    load_all_keyed(state, prefix)?.into_iter().map(|(rest, deposit)| Ok((depositor(&rest)?, deposit))).collect()
}

/// The coins of a stored message.
pub(super) fn stored(coins: &[Coin]) -> Result<Coins, StateError> {
    Coins::sorted(coins).map_err(|e| damaged(e.log))
}

fn demand_denoms(rules: &Rules, coins: &Coins) -> Result<(), TxError> {
    if coins.iter().all(|(denom, _)| rules.min_deposit.amount(denom) > 0) {
        return Ok(());
    }
    let accepted = rules.min_deposit.iter().map(|(denom, _)| denom).collect::<Vec<_>>().join(" ");
    let wrong = format!("deposited {coins}, but gov accepts only the following denom(s): [{accepted}]");
    Err(Gov::InvalidDepositDenom.wrap(wrong))
}

/// Reads the deposit that comes with a proposal.
pub(super) fn initial(rules: &Rules, list: &[Coin], expedited: bool) -> Result<Coins, TxError> {
    let coins = if list.is_empty() { Coins::none() } else { Coins::positive(list)? };
    let mut wanted = Coins::none();
    for (denom, amount) in rules.deposit(expedited).iter() {
        wanted.add(denom, Dec::whole(amount).times(rules.min_initial_deposit_ratio)?.rounded()?)?;
    }
    if !covers(&coins, &wanted) {
        return Err(Gov::MinDepositTooSmall.wrap(format!("was ({coins}), need ({wanted})")));
    }
    demand_denoms(rules, &coins)?;
    Ok(coins)
}

/// Refuses a deposit that is worth less than its place in the state.
fn demand_step(rules: &Rules, least: &Coins, coins: &Coins) -> Result<(), TxError> {
    if rules.min_deposit_ratio.is_zero() {
        return Ok(());
    }
    let mut steps = vec![];
    for (denom, amount) in least.iter() {
        let step = Dec::whole(amount).times(rules.min_deposit_ratio)?.floor()?;
        let found = coins.amount(denom);
        if found > 0 && found >= step {
            return Ok(());
        }
        steps.push(format!("{step}{denom}"));
    }
    let steps = steps.join(",");
    let wrong = format!("received {coins} but need at least one of the following: {steps}");
    Err(Gov::MinDepositTooSmall.wrap(wrong))
}

/// Adds to the deposits of a proposal; whether the vote on it begins thereby.
pub(super) fn add(ctx: &mut Context<'_>, id: u64, from: &Address, coins: &Coins) -> Result<bool, TxError> {
    let mut proposal = known(ctx.state, id)?;
    if !matches!(proposal.status(), Status::DepositPeriod | Status::VotingPeriod) {
        return Err(Gov::InactiveProposal.wrap(id));
    }
    let rules = rules(ctx.state)?;
    demand_denoms(&rules, coins)?;
    let least = rules.deposit(proposal.expedited);
    demand_step(&rules, least, coins)?;
    // What the module holds are the deposits of others.
    if *from == authority() {
        return Err(Sdk::Unauthorized.wrap(format!("{} is not allowed to deposit", ctx.text(from))));
    }
    bank::transfer(ctx, from, &authority(), coins)?;
    let mut total = stored(&proposal.total_deposit)?;
    total.add_all(coins)?;
    proposal.total_deposit = total.to_proto();
    let begins = proposal.status() == Status::DepositPeriod && covers(&total, least);
    if begins {
        activate(ctx, &mut proposal, &rules)?;
    } else {
        store(ctx.state, &proposal)?;
    }
    let mut held = stored(&deposit(ctx.state, id, from)?.unwrap_or_default().amount)?;
    held.add_all(coins)?;
    let depositor = ctx.text(from);
    let attributes = [("depositor", depositor.clone()), ("amount", coins.to_string()), ("proposal_id", id.to_string())];
    ctx.emit("proposal_deposit", attributes);
    let deposit = Deposit { proposal_id: id, depositor, amount: held.to_proto() };
    save(ctx.state, keys::deposit(id, from), &deposit)?;
    Ok(begins)
}

/// Gives the deposits of a proposal back; how many there were.
pub(super) fn refund(ctx: &mut Context<'_>, id: u64) -> Result<usize, TxError> {
    let deposits = all(ctx.state, &keys::deposits(id))?;
    for (depositor, deposit) in &deposits {
        bank::transfer(ctx, &authority(), depositor, &stored(&deposit.amount)?)?;
        ctx.state.delete(keys::deposit(id, depositor))?;
    }
    Ok(deposits.len())
}

/// Burns the deposits of a proposal; how many there were.
pub(super) fn burn(ctx: &mut Context<'_>, id: u64) -> Result<usize, TxError> {
    let deposits = all(ctx.state, &keys::deposits(id))?;
    let mut total = Coins::none();
    for (depositor, deposit) in &deposits {
        total.add_all(&stored(&deposit.amount)?)?;
        ctx.state.delete(keys::deposit(id, depositor))?;
    }
    bank::burn(ctx, &authority(), &total)?;
    Ok(deposits.len())
}

/// Gives the deposits of a proposal back without the part that taking it back costs.
pub(super) fn charge(ctx: &mut Context<'_>, id: u64, rules: &Rules) -> Result<(), TxError> {
    let mut charged = Coins::none();
    for (depositor, deposit) in all(ctx.state, &keys::deposits(id))? {
        let mut rest = Coins::none();
        for (denom, amount) in stored(&deposit.amount)?.iter() {
            let charge = Dec::whole(amount).times(rules.proposal_cancel_ratio)?.floor()?;
            charged.add(denom, charge)?;
            // A ratio is at most one.
            rest.add(denom, amount.saturating_sub(charge))?;
        }
        if !rest.is_empty() {
            bank::transfer(ctx, &authority(), &depositor, &rest)?;
        }
        ctx.state.delete(keys::deposit(id, &depositor))?;
    }
    if charged.is_empty() {
        return Ok(());
    }
    if rules.proposal_cancel_dest.is_empty() {
        return bank::burn(ctx, &authority(), &charged);
    }
    let to = ctx.parse(&rules.proposal_cancel_dest)?;
    if to == Address::of_module(distribution::NAME) {
        return distribution::fund_community_pool(ctx, &authority(), &charged);
    }
    bank::demand_receiver(ctx, &to)?;
    bank::transfer(ctx, &authority(), &to, &charged)
}
