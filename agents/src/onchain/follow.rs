//! A job whose node may change: whoever the chain has drawn does the work.

use super::ledger::{self, How, Member, PATIENCE, POLL, is_proven};
use crate::chain::account::Account;
use crate::chain::client::{self, ChainError};
use crate::local::Traffic;
use crate::node::{Finished, Progress, Stage};
use crate::rejected::Rejected;
use anyhow::{Result, bail};
use std::path::Path;
use std::time::Instant;
use zektra_proto::training::v1::JobStatus as Status;

/// A compute node: its folder and its account.
#[derive(Clone, Copy)]
pub struct NodeParty<'a> {
    /// The folder. Two nodes may share one: what they keep apart, they keep apart by name.
    pub folder: &'a Path,
    /// The account.
    pub account: &'a Account,
}

/// What became of a job.
pub struct Followed {
    /// What came of it.
    pub finished: Finished,
    /// The addresses of the nodes that worked on it here, in their order.
    pub nodes: Vec<String>,
}

/// Runs a job with all its parties here and several nodes at hand: the one that is assigned works. When it ends early,
/// the next that the chain draws goes on from the last accepted part. `how.stop_after` is of the first node alone;
/// `lost` is told of every node that ended early, and why.
///
/// # Errors
/// A job that ends early on the chain, or is assigned to nobody here; with one node whatever stops it.
pub fn follow(
    number: u64,
    nodes: &[NodeParty<'_>],
    members: &[Member<'_>],
    how: &How,
    traffic: &mut Option<Traffic>,
    progress: Progress<'_>,
    lost: &mut dyn FnMut(&str, &anyhow::Error),
) -> Result<Followed> {
    let (mut worked, mut last) = (vec![], None);
    loop {
        let Some(next) = next(number, nodes, &worked, progress)? else {
            let nobody = |node: &str| {
                let named = nodes.iter().map(|n| n.account.address()).collect::<Vec<_>>().join(", ");
                Rejected::Refused(format!("job {number} is computed by {node}, --node-party names {named}"))
            };
            return Err(match (last, nodes.first()) {
                (Some(last), _) => last,
                (None, Some(any)) => nobody(&ledger::job(any.account, number)?.node).into(),
                (None, None) => anyhow::anyhow!("no node at hand"),
            });
        };
        let stop_after = how.stop_after.filter(|_| worked.is_empty());
        worked.push(next.account.address().to_string());
        let node = (next.folder, next.account);
        let how = How { stop_after, ..how.clone() };
        match ledger::run(number, node, members.to_vec(), how, traffic, progress) {
            Ok(finished) => return Ok(Followed { finished, nodes: worked }),
            Err(e) if nodes.len() == 1 => return Err(e),
            Err(e) => {
                lost(next.account.address(), &e);
                last = Some(e);
            }
        }
    }
}

fn unreachable(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(ChainError::Unreachable(_)))
}

/// Waits for the node that works next: the assigned one, which has not ended early here; of a job that is proven
/// whoever is left. `None` where nobody is.
fn next<'a>(
    number: u64,
    nodes: &[NodeParty<'a>],
    worked: &[String],
    progress: Progress<'_>,
) -> Result<Option<NodeParty<'a>>> {
    let Some(any) = nodes.first() else { bail!("no node at hand") };
    let worked = |address: &str| worked.iter().any(|w| w == address);
    let begun = client::height(any.account.client())?;
    let mut seen = (begun, Instant::now());
    loop {
        let look = || anyhow::Ok((ledger::job(any.account, number)?, client::height(any.account.client())?));
        let (job, height) = match look() {
            Ok(found) => found,
            // The chain's node may be started again meanwhile.
            Err(e) if unreachable(&e) && seen.1.elapsed() < PATIENCE => {
                std::thread::sleep(POLL);
                continue;
            }
            Err(e) => return Err(e),
        };
        let status = job.status();
        if matches!(status, Status::Expired | Status::Aborted | Status::Failed) {
            let reason = &job.reason;
            return Err(Rejected::Refused(format!("job {number} is {}: {reason}", status.as_str_name())).into());
        }
        let assigned = nodes.iter().find(|n| n.account.address() == job.node);
        let free = assigned.filter(|n| !worked(n.account.address()));
        if is_proven(status) {
            let anyone = || nodes.iter().find(|n| !worked(n.account.address()));
            return Ok(free.or_else(anyone).copied());
        }
        match (job.node.is_empty(), free) {
            (false, Some(node)) => return Ok(Some(*node)),
            (false, None) if !worked(&job.node) => return Ok(None),
            // It has not got its node yet, or the chain does not know that it has lost it.
            _ => {}
        }
        if height > seen.0 {
            seen = (height, Instant::now());
        }
        anyhow::ensure!(seen.1.elapsed() < PATIENCE, "job {number} waits for its node, and the chain stands still");
        progress(Stage::Waiting, height - begun, job.due.saturating_sub(begun).max(height - begun));
        std::thread::sleep(POLL);
    }
}
