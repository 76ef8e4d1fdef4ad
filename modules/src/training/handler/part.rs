//! Parts of a job's proof: each shows all iterations so far, and pays for the new ones.

use super::super::error::Training;
use super::super::job::{become_, demand, fee, free_node, known, obstacle, record, resume, roots, store, wake};
use super::super::{damaged, end, keys, rules};
use crate::address::{Address, Prefix};
use crate::coin::parse_amount;
use crate::context::{Block, Context, save};
use crate::error::{Sdk, TxError};
use crate::module::Handler;
use crate::proofs::{self, Accepted};
use crate::{compute, market, reputation, staking};
use prost::bytes::Bytes;
use zektra_proto::market::v1::Role;
use zektra_proto::training::v1::{
    ChainJob, JobStatus as Status, MsgSubmitPart, MsgSubmitPartResponse, Part as Stored, Proven, StateList,
};
use zektra_records::{commit, states_from_pb};
use zektra_state::StateRead;
use zektra_statement::chain::States;
use zektra_statement::digest::{Commitment, Fingerprint};
use zektra_statement::record::Job;
use zektra_verify::part::{First, Part, check_used, offline_after};
use zektra_verify::verify::check_states;

fn commitment(field: &str, bytes: &[u8]) -> Result<Commitment, TxError> {
    zektra_records::commitment(field, bytes).map_err(|e| Sdk::InvalidRequest.wrap(e))
}

/// Everything that a part's proof is about: what validators verify.
struct Statement {
    record: Job,
    roots: Vec<Fingerprint>,
    node: Fingerprint,
    part: Part,
    first: Option<First>,
}

impl Statement {
    fn of(message: &MsgSubmitPart, job: &ChainJob) -> Result<Self, TxError> {
        let record = record(job)?;
        let roots = roots(job, &record)?;
        let node = Fingerprint::from_bytes(&job.node_fingerprint).ok_or_else(|| damaged("a node's fingerprint"))?;
        let proof = proofs::verify::read(&message.proof, message.rows_log2)?;
        let part = Part {
            iteration: message.iteration,
            tile_top: commitment("tile_top", &message.tile_top)?,
            made: commitment("made", &message.made)?,
            used: commitment("used", &message.used)?,
            state: commitment("state", &message.state)?,
            rows_log2: u8::try_from(message.rows_log2).map_err(damaged)?,
            proof,
        };
        let first = match (&job.tile_top[..], job.offline.last()) {
            (top, Some(made)) => {
                Some(First { tile_top: commitment("tile_top", top)?, made: commitment("made", made)? })
            }
            (_, None) => None,
        };
        Ok(Self { record, roots, node, part, first })
    }

    fn verify(&self, state: &dyn StateRead, bytes: &[u8]) -> Result<Accepted, TxError> {
        let Self { record, roots, node, part, first } = self;
        proofs::check_part(state, record, roots, node, part, first.as_ref(), bytes)
    }
}

/// What costs least is refused first: who may send it, and whether it can be new.
fn admit(message: &MsgSubmitPart, state: &dyn StateRead) -> Result<ChainJob, TxError> {
    let job = known(state, message.job)?;
    demand(&job, &[Status::Locked, Status::Stalled])?;
    if job.node != message.node {
        return Err(Training::NotTheNode.wrap(format!("job {} is {}'s", job.number, job.node)));
    }
    fresh(message, &job).map(|_| job)
}

/// Iterations that were proven before, and how many a part adds to them.
fn fresh(message: &MsgSubmitPart, job: &ChainJob) -> Result<(u64, u64), TxError> {
    let done = job.proven.as_ref().map_or(0, |p| p.iteration);
    let (shown, all) = (message.iteration, iterations(job));
    let new = shown.checked_sub(done).filter(|new| *new > 0);
    let new = new.ok_or_else(|| Training::NothingNew.wrap(format!("iteration {shown}, {done} are proven")))?;
    if shown > all {
        return Err(Training::OutOfOrder.wrap(format!("iteration {shown}, the job has {all}")));
    }
    Ok((done, new))
}

pub(crate) fn iterations(job: &ChainJob) -> u64 {
    let params = job.record.as_ref().and_then(|r| r.template.as_ref()?.params);
    params.map_or(0, |p| u64::from(p.iterations))
}

fn read_states(list: &StateList) -> Result<States, TxError> {
    states_from_pb(list).map_err(|e| Sdk::InvalidRequest.wrap(e))
}

/// Refuses states of another form, or that the proof does not end with.
fn demand_states(message: &MsgSubmitPart, record: &Job, state: &Commitment) -> Result<(), TxError> {
    let missing = || Training::WrongStates.wrap("none, expected them with the last part");
    let states = read_states(message.states.as_ref().ok_or_else(missing)?)?;
    let table = record.template.compile().map_err(|e| Training::WrongRecord.wrap(e))?;
    check_states(&states, &table, record.seats.len()).map_err(|e| Training::WrongStates.wrap(e))?;
    if states.digest() != *state {
        return Err(Training::WrongStates.wrap(format!("their digest is {}, the proof shows {state}", states.digest())));
    }
    Ok(())
}

/// Verifies a part's proof, with the states that the last one ends with.
fn proven(message: &MsgSubmitPart, job: &ChainJob, state: &dyn StateRead) -> Result<Accepted, TxError> {
    let statement = Statement::of(message, job)?;
    if message.iteration == iterations(job) {
        demand_states(message, &statement.record, &statement.part.state)?;
    }
    statement.verify(state, &message.proof)
}

/// The chain over the offline shares after each iteration, as the node's first part shows it by all its leaves; refuses a
/// part that used others. Before the last iteration no proof shows it: a chain that used shares that nobody proved is
/// paid for, and ends nowhere.
fn offline(message: &MsgSubmitPart, job: &ChainJob) -> Result<Vec<Commitment>, TxError> {
    let wrong = |e: &dyn std::fmt::Display| Training::WrongOffline.wrap(e);
    let read = |bytes: &[Bytes]| bytes.iter().map(|b| commitment("leaves", b)).collect::<Result<Vec<_>, _>>();
    let after = match (job.offline.is_empty(), read(&message.leaves)?) {
        (true, leaves) => {
            let table = record(job)?.template.compile().map_err(|e| Training::WrongRecord.wrap(e))?;
            offline_after(&table, &leaves).map_err(|e| wrong(&e))?
        }
        (false, none) if none.is_empty() => read(&job.offline)?,
        (false, leaves) => {
            let found = leaves.len();
            return Err(wrong(&format!("{found} leaves, expected none: they stand with the node's first part")));
        }
    };
    let (made, used) = (commitment("made", &message.made)?, commitment("used", &message.used)?);
    check_used(&after, message.iteration, &made, &used).map_err(|e| wrong(&e))?;
    Ok(after)
}

impl Handler for MsgSubmitPart {
    type Response = MsgSubmitPartResponse;

    const CARRIES_PROOF: bool = true;

    fn signers(&self) -> Vec<&str> {
        vec![&self.node]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.node).map_err(|e| e.within("invalid node address"))?;
        for (field, bytes) in
            [("tile_top", &self.tile_top), ("made", &self.made), ("used", &self.used), ("state", &self.state)]
        {
            commitment(field, bytes)?;
        }
        if let Some(states) = &self.states {
            read_states(states)?;
        }
        for leaf in &self.leaves {
            commitment("leaves", leaf)?;
        }
        proofs::verify::read(&self.proof, self.rows_log2).map(drop)
    }

    fn verify(&self, state: &dyn StateRead, _: &Block) -> Result<u64, TxError> {
        let job = admit(self, state)?;
        offline(self, &job)?;
        Ok(proven(self, &job, state)?.circuit.cost)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgSubmitPartResponse, TxError> {
        let mut job = admit(&self, ctx.state)?;
        if let Some(why) = obstacle(ctx.state, &job, ctx.block.height)? {
            end::abort(ctx, &mut job, why)?;
            return Ok(MsgSubmitPartResponse::default());
        }
        let last = self.iteration == iterations(&job);
        let accepted = proven(&self, &job, ctx.state)?;
        accept(self, ctx, &mut job, &accepted, last)
    }
}

/// Pays for a part whose proof was verified, and goes on: what a handler calls, and whoever tries out the state machine
/// without proofs.
///
/// # Errors
/// A part that is not new, shows more than the job has, or used other offline shares than were made; the database fails.
pub fn accept(
    message: MsgSubmitPart,
    ctx: &mut Context<'_>,
    job: &mut ChainJob,
    accepted: &Accepted,
    last: bool,
) -> Result<MsgSubmitPartResponse, TxError> {
    let (done, new) = fresh(&message, job)?;
    let offline = offline(&message, job)?;
    let node = ctx.parse(&message.node)?;
    let registered = compute::node(ctx.state, &node)?.ok_or_else(|| damaged(format!("node {}", message.node)))?;
    let validator = match registered.validator.is_empty() {
        true => None,
        false => Some(ctx.prefix.parse_operator(&registered.validator)?),
    };
    let units = proofs::record(ctx, accepted, new, validator.as_ref())?;
    let burned = pay(ctx, job, &node, done, message.iteration)?;
    let developer = ctx.parse(&job.developer)?;
    let burned = u64::try_from(burned).unwrap_or(u64::MAX);
    reputation::credit(ctx, &node, &developer, units, burned, false)?;

    let height = ctx.block.height;
    job.tile_top = message.tile_top.clone();
    job.offline = match last {
        true => vec![message.made.clone()],
        false => offline.iter().map(commit).collect(),
    };
    let hash = accepted.hash.to_vec();
    let part = Stored {
        job: job.number,
        iteration: message.iteration,
        node: message.node.clone(),
        validator: registered.validator,
        state: message.state.clone(),
        hash: hash.clone().into(),
        height,
        units,
    };
    save(ctx.state, keys::part(job.number, message.iteration), &part)?;
    job.proven = Some(Proven {
        iteration: message.iteration,
        tile_top: message.tile_top,
        made: message.made,
        used: message.used,
        state: message.state,
        rows_log2: message.rows_log2,
        height,
        hash: hash.into(),
    });
    let attributes = [
        ("job", job.number.to_string()),
        ("iteration", message.iteration.to_string()),
        ("units", units.to_string()),
        ("node", message.node),
        ("hash", hex::encode(accepted.hash)),
    ];
    ctx.emit("training_part", attributes);
    let rules = rules(ctx.state)?;
    resume(job, height);
    // Whoever has brought a part has had its answers.
    job.reported.clear();
    job.suspects.clear();
    if last {
        job.states = message.states;
        become_(ctx, job, Status::Proven, &[]);
        free_node(ctx, job)?;
        wake(ctx, job, height.saturating_add(rules.release_blocks))?;
        end::delivered_if_all(ctx, job)?;
    } else {
        if job.status() == Status::Stalled {
            become_(ctx, job, Status::Locked, &[]);
        }
        wake(ctx, job, height.saturating_add(rules.part_blocks).min(job.deadline))?;
    }
    store(ctx, job)?;
    Ok(MsgSubmitPartResponse { units })
}

/// What has to be paid by now of all that a job pays: without the last slice, in proportion to what is proven.
pub(crate) fn due(slice: u32, done: u64, of: u64) -> (u64, u64) {
    (u64::from(10_000u32.saturating_sub(slice)).saturating_mul(done), of.max(1).saturating_mul(10_000))
}

/// What a job's computation costs in all.
pub(crate) fn compute_fee(job: &ChainJob) -> u128 {
    u128::from(job.units).saturating_mul(u128::from(iterations(job))).saturating_mul(u128::from(job.price))
}

/// A job's data lines: who is paid, and how much in all.
pub(crate) fn data_fees(ctx: &Context<'_>, job: &ChainJob) -> Result<Vec<(Address, u128)>, TxError> {
    job.data.iter().map(|line| Ok((ctx.parse(&line.owner)?, fee(line)?))).collect()
}

/// Pays for the iterations after `done` up to `now`; what was burned of it.
fn pay(ctx: &mut Context<'_>, job: &ChainJob, node: &Address, done: u64, now: u64) -> Result<u128, TxError> {
    let (all, slice) = (iterations(job), job.last_slice);
    let proposer = proposer(ctx)?;
    let by = |done| {
        let (part, of) = due(slice, done, all);
        market::fraction(compute_fee(job), part, of)
    };
    // Each node has its own price, each part is rounded: together they may be a unit more than was put aside.
    let owed = (by(now) - by(done)).min(market::compute_left(ctx.state, job.number)?);
    let compute = market::pay_compute(ctx, job.number, owed, node, proposer.as_ref())?;
    let fees = data_fees(ctx, job)?;
    let data = market::pay_data(ctx, job.number, &fees, due(slice, now, all))?;
    let burned = compute.iter().chain(&data).filter(|p| p.role() == Role::Burn).map(|p| parse_amount(&p.amount));
    burned.sum::<Result<u128, _>>().map_err(|e| damaged(e).into())
}

/// The account of the block's proposer, if it is a validator that is known.
pub(crate) fn proposer(ctx: &Context<'_>) -> Result<Option<Address>, TxError> {
    if ctx.block.proposer.is_empty() {
        return Ok(None);
    }
    let consensus = Address::new(ctx.block.proposer.clone())?;
    Ok(staking::by_consensus(ctx.state, &consensus)?.map(|v| v.operator))
}
