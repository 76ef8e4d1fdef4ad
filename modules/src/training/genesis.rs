//! Jobs of a genesis file.

use super::handler::check_rules;
use super::job::is_over;
use super::{NAME, keys, rules};
use crate::address::Prefix;
use crate::auth;
use crate::coin::{coin, parse_amount};
use crate::context::{Context, load_all, load_number, save};
use crate::module::{GenesisError, failed, read_genesis};
use serde_json::Value;
use std::collections::BTreeSet;
use zektra_proto::json;
use zektra_proto::training::v1::{GenesisState, JobStatus as Status, Rules};
use zektra_state::StateRead;

pub fn default(native: &str) -> Value {
    let rules = Rules {
        draw_delay: 3,
        join_blocks: 17_280,
        part_blocks: 720,
        stall_blocks: 17_280,
        release_blocks: 17_280,
        dispute_blocks: 17_280,
        last_slice: 1000,
        deposit: Some(coin(native, 10_000_000)),
        miss_slash: 1000,
        max_rescues: 3,
        max_stalls: 16,
        cancel_fee: 1000,
        max_links: 300,
    };
    json::write(&GenesisState { params: Some(rules), next_job: 1, ..GenesisState::default() })
        .expect("a genesis state is served")
}

pub fn check(genesis: &Value, prefix: &Prefix) -> Result<(), GenesisError> {
    let state: GenesisState = read_genesis(NAME, genesis)?;
    let rules = state.params.ok_or_else(|| GenesisError::new("training.params", "nothing", "the rules"))?;
    check_rules(&rules).map_err(|e| GenesisError::new("training.params", e, "rules in range"))?;
    let mut known = BTreeSet::new();
    for (k, job) in state.jobs.iter().enumerate() {
        let field = |name: &str| format!("training.jobs[{k}].{name}");
        if job.number == 0 || job.number >= state.next_job || !known.insert(job.number) {
            return Err(GenesisError::new(field("number"), job.number, "each number once, below next_job"));
        }
        if job.record.is_none() {
            return Err(GenesisError::new(field("record"), "nothing", "the job's record"));
        }
        if is_over(job.status()) != (job.due == 0) {
            return Err(GenesisError::new(field("due"), job.due, "a height while it runs, 0 afterwards"));
        }
        let works = matches!(job.status(), Status::Open | Status::Locked | Status::Stalled) && !job.node.is_empty();
        if works == job.bonded.is_empty() {
            let expected = "what of its node's bond stands for it while a node works on it";
            return Err(GenesisError::new(field("bonded"), format!("{:?}", job.bonded), expected));
        }
        for bytes in &job.offline {
            let wrong = |e| GenesisError::new(field("offline"), e, "commitments of 32 bytes");
            zektra_records::commitment("offline", bytes).map_err(wrong)?;
        }
        if job.offline.is_empty() != job.tile_top.is_empty() {
            let found = format!("{} values", job.offline.len());
            return Err(GenesisError::new(field("offline"), found, "some with a tile_top, none without"));
        }
        if (job.status() == Status::Stalled) != job.stall.is_some() {
            let found = if job.stall.is_some() { "a stall" } else { "nothing" };
            return Err(GenesisError::new(
                field("stall"),
                found,
                "whom it waits for while it is stalled, else nothing",
            ));
        }
        let amounts = job.members.iter().map(|m| &m.deposit).chain([&job.bonded]).filter(|text| !text.is_empty());
        for text in amounts {
            parse_amount(text).map_err(|e| GenesisError::new(field("deposit, bonded"), e, "amounts"))?;
        }
        let texts = [&job.developer, &job.node].into_iter().chain(&job.lost).filter(|t| !t.is_empty());
        for text in texts.chain(job.members.iter().map(|m| &m.address)).chain(job.data.iter().map(|l| &l.owner)) {
            prefix.parse(text).map_err(|e| GenesisError::new(field("parties"), e, "addresses"))?;
        }
    }
    match state.parts.iter().position(|part| !known.contains(&part.job)) {
        Some(k) => {
            Err(GenesisError::new(format!("training.parts[{k}].job"), state.parts[k].job, "a job of training.jobs"))
        }
        None => Ok(()),
    }
}

pub fn init(ctx: &mut Context<'_>, genesis: &Value) -> Result<(), GenesisError> {
    let state: GenesisState = read_genesis(NAME, genesis)?;
    auth::create_module(ctx, NAME, &["burner"]).map_err(failed(NAME))?;
    save(ctx.state, keys::RULES.to_vec(), &state.params.unwrap_or_default()).map_err(failed(NAME))?;
    ctx.state.put(keys::NEXT.to_vec(), state.next_job.max(1).to_be_bytes().to_vec()).map_err(failed(NAME))?;
    for job in &state.jobs {
        save(ctx.state, keys::job(job.number), job).map_err(failed(NAME))?;
        super::job::index(ctx, job).map_err(failed(NAME))?;
        if job.due > 0 {
            ctx.state.put(keys::due(job.due, job.number), vec![1]).map_err(failed(NAME))?;
            for line in job.data.iter().filter(|_| job.locked > 0) {
                ctx.state.put(keys::dataset(line.dataset, job.number), vec![1]).map_err(failed(NAME))?;
            }
        }
    }
    for part in &state.parts {
        save(ctx.state, keys::part(part.job, part.iteration), part).map_err(failed(NAME))?;
    }
    Ok(())
}

pub fn export(state: &dyn StateRead) -> Result<Value, GenesisError> {
    let out = GenesisState {
        params: Some(rules(state).map_err(failed(NAME))?),
        next_job: load_number(state, keys::NEXT).map_err(failed(NAME))?,
        jobs: load_all(state, keys::JOBS).map_err(failed(NAME))?,
        parts: load_all(state, keys::PARTS).map_err(failed(NAME))?,
    };
    json::write(&out).map_err(failed(NAME))
}
