//! `zektra job dispute`

use super::onchain::{Party, Signer};
use super::{Output, in_words};
use anyhow::Result;
use clap::Args;
use serde_json::json;
use zektra_agents::onchain::dispute;
use zektra_agents::vault::Home;

#[derive(Args, Debug)]
pub struct DisputeJob {
    /// The job's number.
    job: u64,
    /// The developer, who has the job's release key.
    #[arg(long, value_name = "FOLDER:KEY")]
    developer: Party,
    /// Only this member's release, an index among the seats; once for each. All that do not open if it is left out.
    #[arg(long, value_name = "SEAT")]
    seat: Vec<u32>,
    #[command(flatten)]
    signer: Signer,
}

pub(super) fn dispute(output: &Output, c: &DisputeJob) -> Result<()> {
    let account = c.signer.account(&c.developer.key)?;
    let home = Home::open(&c.developer.folder)?;
    let disputed = dispute::dispute(&account, &home, c.job, &c.seat)?;
    let of = |w: &dispute::Wrong| json!({"seat": w.seat, "reason": w.error.to_string()});
    let facts = json!({"job": c.job, "disputed": disputed.iter().map(of).collect::<Vec<_>>()});
    output.print(&facts, || match disputed.is_empty() {
        true => format!("all releases of job {} open: nothing was sent, and no key was shown", c.job),
        false => in_words(&facts),
    });
    Ok(())
}
