//! The bundle of a job that is proven, out of what the chain keeps.

use super::part;
use crate::chain::client::Client;
use crate::rejected::{Rejected, allow};
use anyhow::{Context as _, Result, ensure};
use zektra_proto::training::v1::ChainJob;
use zektra_records::{job_from_pb, roots_from_pb, states_from_pb};
use zektra_verify::bundle::Bundle;

/// The bundle of a job, as the node that brought its last part would write it. It is not verified here.
///
/// # Errors
/// A job that is not proven to its end: a bundle holds nothing less; a node that does not have the last part.
pub fn fetch(client: &Client, job: &ChainJob) -> Result<Bundle> {
    let number = job.number;
    let record = job_from_pb(job.record.as_ref().context("a job without a record")?)?;
    let all = u64::from(record.template.params.iterations);
    let nothing = || Rejected::Refused(format!("job {number}: nothing of it is proven yet"));
    let proven = job.proven.as_ref().ok_or_else(nothing)?;
    let done = proven.iteration;
    allow(done == all, || {
        format!(
            "job {number}: {done} of {all} iterations are proven, a bundle holds all; `zektra audit {number}` verifies a part"
        )
    })?;
    let states = states_from_pb(job.states.as_ref().context("the states of a job that is proven")?)?;
    let accepted = part::accepted(client, &record.chain_id, number, proven)?;
    ensure!(states.digest() == accepted.part.state, "the states of job {number} are not those that are proven");
    Ok(Bundle {
        extension_roots: roots_from_pb(&job.members, &record)?,
        node: accepted.node,
        states,
        rows_log2: accepted.part.rows_log2,
        proof: accepted.part.proof,
        job: record,
    })
}
