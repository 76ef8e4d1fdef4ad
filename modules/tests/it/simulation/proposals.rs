//! Proposals: what they change, who pays for them, who votes.

use super::any;
use super::chance::Chance;
use super::contents::content;
use super::genesis::{ACCOUNTS, NATIVE};
use super::world::{World, account};
use zektra_modules::address::Address;
use zektra_modules::coin::coin;
use zektra_modules::decimal::Dec;
use zektra_modules::gov;
use zektra_proto::Any;
use zektra_proto::cosmos::base::v1beta1::Coin;
use zektra_proto::cosmos::gov::v1::{
    MsgCancelProposal, MsgDeposit, MsgSubmitProposal, MsgVote, MsgVoteWeighted, Proposal, ProposalStatus as Status,
    WeightedVoteOption,
};
use zektra_proto::cosmos::gov::v1beta1 as older;
use zektra_state::{Order, scan_prefix};

/// Proposals that wait for deposits, or that are voted on.
fn open(world: &World, status: Status) -> Vec<Proposal> {
    let queue = if status == Status::VotingPeriod { gov::keys::ACTIVE } else { gov::keys::INACTIVE };
    let of = |entry: Result<(Vec<u8>, _), _>| {
        let (key, _) = entry.unwrap();
        let id = u64::from_be_bytes(key[queue.len() + 12..].try_into().unwrap());
        gov::proposal::known(&world.state, id).unwrap()
    };
    scan_prefix(&world.state, queue, Order::Ascending).map(of).collect()
}

/// A part of the least deposit, or all of it and more.
fn some_deposit(world: &World, chance: &mut Chance, who: &Address) -> Option<Coin> {
    let held = world.balance(who, NATIVE);
    let amount = chance.amount(60_000_000)?.max(u128::from(chance.one([0u64, 100_000, 10_000_000])));
    (held > 0).then(|| coin(NATIVE, amount.min(held)))
}

pub fn submit(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let (name, messages) = content(world, chance)?;
    Some(any(&MsgSubmitProposal {
        messages,
        initial_deposit: vec![some_deposit(world, chance, who)?],
        proposer: world.text(who),
        metadata: name.into(),
        title: name.into(),
        summary: format!("{} of {}", chance.below(1000), world.block.height),
        expedited: chance.one_in(5),
    }))
}

pub fn deposit(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let waiting = open(world, if chance.one_in(5) { Status::VotingPeriod } else { Status::DepositPeriod });
    let proposal_id = chance.of(&waiting)?.id;
    Some(any(&MsgDeposit { proposal_id, depositor: world.text(who), amount: vec![some_deposit(world, chance, who)?] }))
}

fn voted_on(world: &World, chance: &mut Chance) -> Option<u64> {
    chance.of(&open(world, Status::VotingPeriod)).map(|p| p.id)
}

/// Yes, mostly.
fn choice(chance: &mut Chance) -> i32 {
    if chance.one_in(5) { chance.between(1, 4) as i32 } else { 1 }
}

pub fn vote(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let (proposal_id, option) = (voted_on(world, chance)?, choice(chance));
    Some(any(&MsgVote { proposal_id, voter: world.text(who), option, metadata: String::new() }))
}

fn weights(chance: &mut Chance) -> [(i32, Dec); 2] {
    let first = chance.between(1, 99);
    let option = chance.between(1, 3) as i32;
    [(option, Dec::percent(first)), (option + 1, Dec::percent(100 - first))]
}

pub fn vote_weighted(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let proposal_id = voted_on(world, chance)?;
    let options = weights(chance).map(|(option, weight)| WeightedVoteOption { option, weight: weight.to_string() });
    Some(any(&MsgVoteWeighted {
        proposal_id,
        voter: world.text(who),
        options: options.into(),
        metadata: String::new(),
    }))
}

pub fn cancel(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let mut all = open(world, Status::DepositPeriod);
    all.extend(open(world, Status::VotingPeriod));
    let own: Vec<_> = all.iter().filter(|p| p.proposer == world.text(who)).collect();
    Some(any(&MsgCancelProposal { proposal_id: chance.of(&own)?.id, proposer: world.text(who) }))
}

pub fn older_submit(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let text = older::TextProposal { title: "older".into(), description: format!("{}", chance.below(1000)) };
    let initial_deposit = vec![some_deposit(world, chance, who)?];
    Some(any(&older::MsgSubmitProposal { content: Some(any(&text)), initial_deposit, proposer: world.text(who) }))
}

pub fn older_deposit(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let proposal_id = chance.of(&open(world, Status::DepositPeriod))?.id;
    let amount = vec![some_deposit(world, chance, who)?];
    Some(any(&older::MsgDeposit { proposal_id, depositor: world.text(who), amount }))
}

pub fn older_vote(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let (proposal_id, option) = (voted_on(world, chance)?, choice(chance));
    Some(any(&older::MsgVote { proposal_id, voter: world.text(who), option }))
}

pub fn older_vote_weighted(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let proposal_id = voted_on(world, chance)?;
    let options = weights(chance).map(|(option, w)| older::WeightedVoteOption { option, weight: w.digits() });
    Some(any(&older::MsgVoteWeighted { proposal_id, voter: world.text(who), options: options.into() }))
}

/// All validators in the set, or most of them, vote yes.
pub fn campaign(world: &World, chance: &mut Chance) -> Option<Vec<Any>> {
    let proposal_id = voted_on(world, chance)?;
    let set = zektra_modules::staking::set::in_set(&world.state).unwrap();
    let yes = |operator: &Address| {
        any(&MsgVote { proposal_id, voter: world.text(operator), option: 1, metadata: String::new() })
    };
    let voters: Vec<_> = set.iter().filter(|_| !chance.one_in(5)).map(|v| yes(&v.operator)).collect();
    (!voters.is_empty()).then_some(voters)
}

/// Who votes, so that some proposals pass: validators in the set, mostly.
pub fn voter(world: &World, chance: &mut Chance) -> Address {
    let set = zektra_modules::staking::set::in_set(&world.state).unwrap();
    match chance.of(&set) {
        Some(validator) if !chance.one_in(3) => validator.operator.clone(),
        _ => account(chance.below(ACCOUNTS)),
    }
}
