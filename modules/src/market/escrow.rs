//! What a payer has put aside for a job, and who is paid from it: to the unit.

use super::error::Market;
use super::split::{fraction, largest_remainder};
use super::{amount, credits, keys, module, params};
use crate::address::Address;
use crate::auth::FEE_COLLECTOR;
use crate::bank;
use crate::coin::Coins;
use crate::context::{Context, load, save};
use crate::distribution;
use crate::error::TxError;
use zektra_proto::market::v1::{Escrow, Params, Payout, Role};
use zektra_state::{StateError, StateRead};

/// An escrow's record.
///
/// # Errors
/// The database fails.
pub fn escrow(state: &dyn StateRead, job: u64) -> Result<Option<Escrow>, StateError> {
    load(state, &keys::escrow(job))
}

/// An escrow with its amounts as numbers, while it is paid from.
pub struct Open {
    payer: Address,
    job: u64,
    data: u128,
    compute: u128,
    credits: u128,
    data_used: u128,
    compute_used: u128,
    paid: u128,
    refunded: u128,
    burned: u128,
    held: u128,
    payouts: u64,
    closed: bool,
    params: Params,
    out: Vec<Payout>,
}

impl Open {
    fn load(ctx: &Context<'_>, job: u64) -> Result<Self, TxError> {
        let found = escrow(ctx.state, job)?.ok_or_else(|| Market::EscrowUnknown.wrap(format!("job {job}")))?;
        if found.closed {
            return Err(Market::EscrowClosed.wrap(format!("job {job}")));
        }
        Ok(Self {
            payer: ctx.parse(&found.payer)?,
            job,
            data: amount(&found.data)?,
            compute: amount(&found.compute)?,
            credits: amount(&found.credits)?,
            data_used: amount(&found.data_used)?,
            compute_used: amount(&found.compute_used)?,
            paid: amount(&found.paid)?,
            refunded: amount(&found.refunded)?,
            burned: amount(&found.burned)?,
            held: amount(&found.held)?,
            payouts: found.payouts,
            closed: false,
            params: params(ctx.state)?,
            out: vec![],
        })
    }

    fn save(self, ctx: &mut Context<'_>) -> Result<Vec<Payout>, TxError> {
        let escrow = Escrow {
            job: self.job,
            payer: ctx.text(&self.payer),
            data: self.data.to_string(),
            compute: self.compute.to_string(),
            credits: self.credits.to_string(),
            data_used: self.data_used.to_string(),
            compute_used: self.compute_used.to_string(),
            paid: self.paid.to_string(),
            refunded: self.refunded.to_string(),
            burned: self.burned.to_string(),
            held: self.held.to_string(),
            payouts: self.payouts,
            closed: self.closed,
        };
        save(ctx.state, keys::escrow(self.job), &escrow)?;
        Ok(self.out)
    }

    /// Takes an amount from what is for compute.
    fn use_compute(&mut self, amount: u128) -> Result<(), TxError> {
        let left = self.compute.saturating_sub(self.compute_used);
        if amount > left {
            let wrong = format!("{amount} for the compute of job {}: expected at most {left}", self.job);
            return Err(Market::EscrowTooSmall.wrap(wrong));
        }
        self.compute_used = self.compute_used.saturating_add(amount);
        Ok(())
    }

    /// Pays a part: to nobody if it is burned, and to the community if there is no receiver.
    fn pay(&mut self, ctx: &mut Context<'_>, role: Role, to: Option<&Address>, amount: u128) -> Result<(), TxError> {
        if amount == 0 {
            return Ok(());
        }
        let small = || Market::EscrowTooSmall.wrap(format!("{amount} of the {} of job {}", self.held, self.job));
        self.held = self.held.checked_sub(amount).ok_or_else(small)?;
        let coins = Coins::one(&self.params.denom, amount);
        let sum = match role {
            Role::Burn => &mut self.burned,
            Role::Refund | Role::Credits => &mut self.refunded,
            _ => &mut self.paid,
        };
        *sum = sum.saturating_add(amount);
        let receiver = match (role, to) {
            (Role::Burn, _) => {
                bank::burn(ctx, &module(), &coins)?;
                String::new()
            }
            (Role::Credits, _) => {
                credits::add(ctx, &self.payer, amount)?;
                ctx.text(&self.payer)
            }
            (_, Some(to)) => {
                bank::transfer(ctx, &module(), to, &coins)?;
                ctx.text(to)
            }
            (_, None) => {
                distribution::fund_community_pool(ctx, &module(), &coins)?;
                ctx.text(&Address::of_module(distribution::NAME))
            }
        };
        self.payouts = self.payouts.saturating_add(1);
        let payout = Payout {
            job: self.job,
            number: self.payouts,
            role: role.into(),
            receiver,
            amount: amount.to_string(),
            height: ctx.block.height,
        };
        save(ctx.state, keys::payout(self.job, self.payouts), &payout)?;
        let attributes = [
            ("job", payout.job.to_string()),
            ("role", role.as_str_name().trim_start_matches("ROLE_").to_lowercase()),
            ("receiver", payout.receiver.clone()),
            ("amount", payout.amount.clone()),
        ];
        ctx.emit("market_payout", attributes);
        self.out.push(payout);
        Ok(())
    }

    /// Pays the protocol's part of a fee.
    fn pay_protocol(&mut self, ctx: &mut Context<'_>, amount: u128) -> Result<(), TxError> {
        let Params { protocol_burn, protocol_validators, protocol_community, .. } = self.params;
        let parts =
            largest_remainder(amount, &[protocol_burn, protocol_validators, protocol_community].map(u128::from));
        let collector = Address::of_module(FEE_COLLECTOR);
        let to = [(Role::Burn, None), (Role::Validators, Some(&collector)), (Role::Community, None)];
        to.into_iter().zip(parts).try_for_each(|((role, to), part)| self.pay(ctx, role, to, part))
    }
}

/// Puts aside what a job can cost at most, for data and for compute. With `use_credits` the payer's credits pay for
/// compute as far as they go.
///
/// # Errors
/// The job has an escrow; the payer has too little.
pub fn open(
    ctx: &mut Context<'_>,
    job: u64,
    payer: &Address,
    data: u128,
    compute: u128,
    use_credits: bool,
) -> Result<(), TxError> {
    if escrow(ctx.state, job)?.is_some() {
        return Err(Market::EscrowExists.wrap(format!("job {job}")));
    }
    let params = params(ctx.state)?;
    let all = data.checked_add(compute);
    let all =
        all.ok_or_else(|| Market::InvalidField.wrap(format!("{data} and {compute}: expected less than 2^128")))?;
    let from_credits = if use_credits { credits::credits(ctx.state, payer)?.min(compute) } else { 0 };
    if from_credits > 0 {
        credits::take(ctx, payer, from_credits)?;
    }
    let coins = Coins::one(&params.denom, all - from_credits);
    if !coins.is_empty() {
        bank::transfer(ctx, payer, &module(), &coins)?;
    }
    let attributes = [
        ("job", job.to_string()),
        ("payer", ctx.text(payer)),
        ("data", data.to_string()),
        ("compute", compute.to_string()),
        ("credits", from_credits.to_string()),
    ];
    ctx.emit("market_escrow", attributes);
    let open = Open {
        payer: payer.clone(),
        job,
        data,
        compute,
        credits: from_credits,
        data_used: 0,
        compute_used: 0,
        paid: 0,
        refunded: 0,
        burned: 0,
        held: all,
        payouts: 0,
        closed: false,
        params,
        out: vec![],
    };
    open.save(ctx).map(drop)
}

/// Pays for data up to a part of the job: when `done` of `of` parts are done by now, `⌊fees · done / of⌋` less what was
/// paid before. So the last part makes the fees exact, whatever the steps. The owners' share is split by their fees.
///
/// # Errors
/// The escrow is unknown, closed or too small for the fees; more is done than there is.
pub fn pay_data(
    ctx: &mut Context<'_>,
    job: u64,
    lines: &[(Address, u128)],
    (done, of): (u64, u64),
) -> Result<Vec<Payout>, TxError> {
    let mut open = Open::load(ctx, job)?;
    if of == 0 || done > of {
        return Err(Market::InvalidField.wrap(format!("part {done} of {of}: expected at most the whole")));
    }
    let total = lines.iter().try_fold(0u128, |sum, (_, fee)| sum.checked_add(*fee)).filter(|&sum| sum <= open.data);
    let total = total.ok_or_else(|| Market::EscrowTooSmall.wrap(format!("the data of job {job} for {}", open.data)))?;
    let now = fraction(total, done, of).saturating_sub(open.data_used);
    open.data_used = open.data_used.saturating_add(now);
    let Params { data_owners, data_storage, data_protocol, .. } = open.params;
    let shares = largest_remainder(now, &[data_owners, data_storage, data_protocol].map(u128::from));
    let [owners, storage, protocol] = shares[..] else { return Ok(vec![]) };
    let fees: Vec<u128> = lines.iter().map(|(_, fee)| *fee).collect();
    for ((owner, _), part) in lines.iter().zip(largest_remainder(owners, &fees)) {
        open.pay(ctx, Role::Owner, Some(owner), part)?;
    }
    let treasury = match &open.params.treasury[..] {
        "" => None,
        text => Some(ctx.parse(text)?),
    };
    open.pay(ctx, Role::Treasury, treasury.as_ref(), storage)?;
    open.pay_protocol(ctx, protocol)?;
    open.save(ctx)
}

/// Pays an amount for compute: to the node, and to the proposer who included the proof, if there is one.
///
/// # Errors
/// The escrow is unknown or closed, or has less for compute.
pub fn pay_compute(
    ctx: &mut Context<'_>,
    job: u64,
    amount: u128,
    node: &Address,
    proposer: Option<&Address>,
) -> Result<Vec<Payout>, TxError> {
    let mut open = Open::load(ctx, job)?;
    open.use_compute(amount)?;
    let Params { compute_node, compute_proposer, compute_protocol, .. } = open.params;
    let shares = match proposer {
        Some(_) => [compute_node, compute_proposer, compute_protocol],
        None => [compute_node.saturating_add(compute_proposer), 0, compute_protocol],
    };
    let shares = largest_remainder(amount, &shares.map(u128::from));
    let [for_node, for_proposer, protocol] = shares[..] else { return Ok(vec![]) };
    open.pay(ctx, Role::Node, Some(node), for_node)?;
    open.pay(ctx, Role::Proposer, proposer, for_proposer)?;
    open.pay_protocol(ctx, protocol)?;
    open.save(ctx)
}

/// What is left for compute in a job's escrow.
///
/// # Errors
/// There is no such escrow.
pub fn compute_left(state: &dyn StateRead, job: u64) -> Result<u128, TxError> {
    let found = escrow(state, job)?.ok_or_else(|| Market::EscrowUnknown.wrap(format!("job {job}")))?;
    Ok(amount(&found.compute)?.saturating_sub(amount(&found.compute_used)?))
}

/// Pays an amount out of what is for compute to the community.
///
/// # Errors
/// More than is left of it; there is no such escrow.
pub fn pay_community(ctx: &mut Context<'_>, job: u64, amount: u128) -> Result<Vec<Payout>, TxError> {
    let mut open = Open::load(ctx, job)?;
    open.use_compute(amount)?;
    open.pay(ctx, Role::Community, None, amount)?;
    open.save(ctx)
}

/// Gives the payer back all that is left, and closes the escrow. Credits were used first; those that are left become
/// credits again.
///
/// # Errors
/// The escrow is unknown or closed.
pub fn close(ctx: &mut Context<'_>, job: u64) -> Result<Vec<Payout>, TxError> {
    let mut open = Open::load(ctx, job)?;
    let credits = open.credits.saturating_sub(open.compute_used).min(open.held);
    let (payer, coins) = (open.payer.clone(), open.held.saturating_sub(credits));
    open.pay(ctx, Role::Credits, None, credits)?;
    open.pay(ctx, Role::Refund, Some(&payer), coins)?;
    open.closed = true;
    ctx.emit("market_close", [("job", job.to_string()), ("refunded", open.refunded.to_string())]);
    open.save(ctx)
}
