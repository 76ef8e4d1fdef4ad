//! The bundle of a proven job, as the node makes it and members check it before they release.

use anyhow::{Context as _, Result, ensure};
use zektra_he::transcript::{Program, Source, Transcript};
use zektra_statement::digest::{Tag, commit};
use zektra_verify::bundle::Bundle;
use zektra_verify::known::Trusted;
use zektra_verify::verify::verify_bundle;

/// A bundle's name in a job's folder.
pub const NAME: &str = "bundle.zkb";

/// Checks that a bundle proves this party's own job, to the states that it computed itself, with the shares of them that
/// the member of this seat has. What others hold is between them and the developer: a member that shows two histories
/// must not keep the others from releasing what is theirs.
///
/// # Errors
/// A bundle that does not verify, of another job, or with other states.
pub fn check<S: Source>(bytes: &[u8], program: &Program, transcript: &Transcript<S>, seat: Option<u32>) -> Result<()> {
    let bundle = Bundle::decode(bytes).context("the job's bundle")?;
    ensure!(bundle.job == program.job, "the bundle is of another job");
    let circuits = program.job.circuits.context("the job names no circuits")?;
    let report = verify_bundle(&bundle, &Trusted::none().name(circuits)).context("the job's bundle")?;
    ensure!(report.lock == program.lock, "the bundle is of another lock");
    for &state in &program.table.released {
        let entry = bundle.states.entries.get(usize::from(state)).context("a state that the bundle lacks")?;
        let opened = commit(Tag::Opened, transcript.opened(state));
        let own = |seat: u32| entry.shares.get(seat as usize) == transcript.shares(state).get(seat as usize);
        let same = entry.opened == opened && seat.is_none_or(own);
        ensure!(same, "the bundle ends in another model: state {state} differs from this party's own");
    }
    Ok(())
}
