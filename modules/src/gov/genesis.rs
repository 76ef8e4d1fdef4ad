//! Parameters, proposals, deposits and votes of a genesis file.

use super::block::covered;
use super::params::{Rules, covers, params};
use super::{NAME, constitution, deposit, keys, proposal, stored_proposals, vote};
use crate::address::Prefix;
use crate::auth::create_module;
use crate::coin::Coins;
use crate::context::{Context, load_all, load_number, save};
use crate::error::TxError;
use crate::module::{GenesisError, failed, read_genesis};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use zektra_proto::cosmos::gov::v1::{GenesisState, Proposal, ProposalStatus as Status};
use zektra_proto::json;
use zektra_state::{StateError, StateRead};

pub fn default(native: &str) -> Value {
    let params = Some(super::params::default(native));
    let state = GenesisState { starting_proposal_id: 1, params, ..GenesisState::default() };
    json::write(&state).expect("a genesis state is served")
}

fn is_open(status: Status) -> bool {
    matches!(status, Status::DepositPeriod | Status::VotingPeriod)
}

pub fn check(genesis: &Value, prefix: &Prefix) -> Result<(), GenesisError> {
    let state: GenesisState = read_genesis(NAME, genesis)?;
    let params = state.params.ok_or_else(|| GenesisError::new("gov.params", "nothing", "the parameters"))?;
    Rules::read(&params, Some(prefix)).map_err(|e| GenesisError::new("gov.params", e, "parameters that fit"))?;
    let mut proposals: BTreeMap<u64, (&Proposal, Coins)> = BTreeMap::new();
    for (k, p) in state.proposals.iter().enumerate() {
        check_proposal(k, p, state.starting_proposal_id, prefix)?;
        if proposals.insert(p.id, (p, Coins::none())).is_some() {
            return Err(GenesisError::new(format!("gov.proposals[{k}].id"), p.id, "each number once"));
        }
    }
    if state.starting_proposal_id == 0 {
        return Err(GenesisError::new("gov.starting_proposal_id", 0, "a positive number"));
    }
    let mut known = BTreeSet::new();
    for (k, d) in state.deposits.iter().enumerate() {
        let field = |name: &str| format!("gov.deposits[{k}].{name}");
        let open = proposals.get_mut(&d.proposal_id).filter(|(p, _)| is_open(p.status()));
        let open = open.ok_or_else(|| {
            GenesisError::new(field("proposal_id"), d.proposal_id, "a proposal that waits for deposits or votes")
        })?;
        let depositor =
            prefix.parse(&d.depositor).map_err(|e| GenesisError::new(field("depositor"), e, "an address"))?;
        if !known.insert((d.proposal_id, depositor)) {
            return Err(GenesisError::new(field("depositor"), &d.depositor, "each depositor once"));
        }
        let sum = Coins::sorted(&d.amount).and_then(|coins| open.1.add_all(&coins));
        sum.map_err(|e| GenesisError::new(field("amount"), e, "coins in the order of their denominations"))?;
    }
    for (k, p) in state.proposals.iter().enumerate() {
        let field = || format!("gov.proposals[{k}].total_deposit");
        let total = Coins::sorted(&p.total_deposit)
            .map_err(|e| GenesisError::new(field(), e, "coins in the order of their denominations"))?;
        match proposals.get(&p.id) {
            Some((_, sum)) if is_open(p.status()) && *sum != total => {
                return Err(GenesisError::new(field(), total, format!("the sum of its deposits, {sum}")));
            }
            _ => {}
        }
    }
    let mut known = BTreeSet::new();
    for (k, v) in state.votes.iter().enumerate() {
        let field = |name: &str| format!("gov.votes[{k}].{name}");
        if proposals.get(&v.proposal_id).is_none_or(|(p, _)| p.status() != Status::VotingPeriod) {
            return Err(GenesisError::new(field("proposal_id"), v.proposal_id, "a proposal that is voted on"));
        }
        let voter = prefix.parse(&v.voter).map_err(|e| GenesisError::new(field("voter"), e, "an address"))?;
        if !known.insert((v.proposal_id, voter)) {
            return Err(GenesisError::new(field("voter"), &v.voter, "each voter once"));
        }
        vote::check_options(&v.options).map_err(|e| GenesisError::new(field("options"), e, "options that add to 1"))?;
    }
    Ok(())
}

fn check_proposal(k: usize, p: &Proposal, next: u64, prefix: &Prefix) -> Result<(), GenesisError> {
    let field = |name: &str| format!("gov.proposals[{k}].{name}");
    if p.id == 0 || p.id >= next {
        return Err(GenesisError::new(field("id"), p.id, format!("a positive number below {next}, the next")));
    }
    if p.status() == Status::Unspecified {
        return Err(GenesisError::new(field("status"), p.status, "a status"));
    }
    prefix.parse(&p.proposer).map_err(|e| GenesisError::new(field("proposer"), e, "an address"))?;
    let needed = match p.status() {
        Status::DepositPeriod => [("deposit_end_time", &p.deposit_end_time); 2],
        Status::VotingPeriod => [("voting_start_time", &p.voting_start_time), ("voting_end_time", &p.voting_end_time)],
        _ => return Ok(()),
    };
    match needed.iter().find(|(_, time)| time.is_none()) {
        Some((name, _)) => Err(GenesisError::new(field(name), "nothing", "a time")),
        None => Ok(()),
    }
}

pub fn init(ctx: &mut Context<'_>, genesis: &Value) -> Result<(), GenesisError> {
    write(ctx, read_genesis(NAME, genesis)?).map_err(failed(NAME))?;
    let (held, owed) = covered(ctx.state).map_err(failed(NAME))?;
    if !covers(&held, &owed) {
        return Err(GenesisError::new(
            "gov.deposits",
            owed,
            format!("at most what the module's account holds, {held}"),
        ));
    }
    Ok(())
}

fn write(ctx: &mut Context<'_>, state: GenesisState) -> Result<(), TxError> {
    let GenesisState { starting_proposal_id, deposits, votes, proposals, params, constitution, .. } = state;
    create_module(ctx, NAME, &["burner"])?;
    save(ctx.state, keys::PARAMS.to_vec(), &params.unwrap_or_default())?;
    ctx.state.put(keys::NEXT.to_vec(), starting_proposal_id.to_be_bytes().to_vec())?;
    if !constitution.is_empty() {
        ctx.state.put(keys::CONSTITUTION.to_vec(), constitution.into_bytes())?;
    }
    for p in &proposals {
        proposal::store(ctx.state, p)?;
        let queued = match p.status() {
            Status::DepositPeriod => p.deposit_end_time.map(|end| keys::queued(keys::INACTIVE, &end, p.id)),
            Status::VotingPeriod => p.voting_end_time.map(|end| keys::queued(keys::ACTIVE, &end, p.id)),
            _ => None,
        };
        if let Some(key) = queued {
            ctx.state.put(key, vec![1])?;
        }
    }
    for d in &deposits {
        let depositor = ctx.parse(&d.depositor)?;
        save(ctx.state, keys::deposit(d.proposal_id, &depositor), d)?;
    }
    for v in &votes {
        let voter = ctx.parse(&v.voter)?;
        save(ctx.state, keys::vote(v.proposal_id, &voter), v)?;
    }
    Ok(())
}

pub fn export(state: &dyn StateRead) -> Result<Value, GenesisError> {
    json::write(&read(state).map_err(failed(NAME))?).map_err(failed(NAME))
}

fn read(state: &dyn StateRead) -> Result<GenesisState, StateError> {
    Ok(GenesisState {
        starting_proposal_id: load_number(state, keys::NEXT)?,
        deposits: deposit::all(state, keys::DEPOSITS)?.into_iter().map(|(_, deposit)| deposit).collect(),
        votes: load_all(state, keys::VOTES)?,
        proposals: stored_proposals(state)?,
        params: Some(params(state)?),
        constitution: constitution(state)?,
        ..GenesisState::default()
    })
}
