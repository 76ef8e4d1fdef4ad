//! What holds after every block.

use super::job::{is_over, job};
use super::{account, damaged, keys, rules};
use crate::address::{Address, written};
use crate::coin::parse_amount;
use crate::context::{last_number, load_all};
use crate::error::TxError;
use crate::{bank, compute};
use prost::Message as _;
use std::collections::{BTreeMap, BTreeSet};
use zektra_proto::training::v1::{ChainJob, Part};
use zektra_state::{Order, StateError, StateRead, scan_prefix};

pub fn check(state: &dyn StateRead) -> Result<(), TxError> {
    let mut down = 0u128;
    let mut queue = BTreeSet::new();
    let mut work: BTreeMap<Address, (u32, u128)> = BTreeMap::new();
    for job in load_all::<ChainJob>(state, keys::JOBS)? {
        let fails = |what: String| Err::<(), TxError>(damaged(format!("job {}: {what}", job.number)).into());
        let held = job.members.iter().filter(|m| !m.deposit.is_empty());
        for member in held {
            let amount = parse_amount(&member.deposit).map_err(damaged)?;
            down = down.checked_add(amount).ok_or_else(|| damaged("deposits beyond 2^128"))?;
        }
        if !job.bonded.is_empty() {
            let (jobs, bonded) = work.entry(written(&job.node)?).or_default();
            *jobs = jobs.saturating_add(1);
            *bonded = bonded.saturating_add(parse_amount(&job.bonded).map_err(damaged)?);
        }
        if is_over(job.status()) != (job.due == 0) {
            fails(format!("it is {:?} and waits for height {}", job.status(), job.due))?;
        }
        if job.due > 0 {
            queue.insert(keys::due(job.due, job.number));
        }
        for line in &job.data {
            let runs = state.get(&keys::dataset(line.dataset, job.number))?.is_some();
            if runs != (job.locked > 0 && !is_over(job.status())) {
                fails(format!("found from dataset {}: {runs}", line.dataset))?;
            }
        }
        let last = scan_prefix(state, &keys::parts(job.number), Order::Descending).next().transpose()?;
        let shown = last.map(|(_, value)| Part::decode(&value[..])).transpose().map_err(|e| damaged(e.to_string()))?;
        let shown = shown.map(|part| (part.iteration, part.state));
        let proven = job.proven.as_ref().map(|p| (p.iteration, p.state.clone()));
        if shown != proven {
            fails("what is proven is not what the last part shows".into())?;
        }
    }
    for (operator, node) in compute::all(state)? {
        let (jobs, bonded) = work.remove(&operator).unwrap_or_default();
        if (jobs, bonded) != (node.live_jobs, compute::engaged(&node)?) {
            let engaged = format!("{} jobs and {}", node.live_jobs, node.engaged);
            return Err(damaged(format!("{} has {jobs} jobs for {bonded}, it says {engaged}", node.operator)).into());
        }
    }
    if let Some((node, _)) = work.first_key_value() {
        return Err(damaged(format!("{node:?} has jobs and is not there")).into());
    }
    let found = scan_prefix(state, keys::DUE, Order::Ascending).map(|e| Ok(e?.0));
    if found.collect::<Result<BTreeSet<_>, StateError>>()? != queue {
        return Err(damaged("the queue of heights differs from the jobs").into());
    }
    let denom = rules(state)?.deposit.unwrap_or_default().denom;
    let held = bank::balance(state, &account(), &denom)?;
    if held < down {
        return Err(damaged(format!("members have put down {down}, the module holds {held}")).into());
    }
    for entry in scan_prefix(state, keys::PARTIES, Order::Ascending) {
        let number = last_number(&entry?.0)?;
        if job(state, number)?.is_none() {
            return Err(damaged(format!("a party of job {number}, which is not there")).into());
        }
    }
    Ok(())
}
