//! Whether a proof shows a job's first iterations: `docs/protocol.md`, section 15, "A part of a job".

use crate::envelope::{Envelope, envelope_fits};
use crate::known::Trusted;
use crate::verify::{Readable, Refused, compare_with, expected_after, holds, read, readable, refuse};
use zektra_statement::chain::{Elements, States, offline_link};
use zektra_statement::digest::{Commitment, Fingerprint};
use zektra_statement::phase::PhaseTable;
use zektra_statement::record::Job;

/// A job's first iterations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// Iterations done.
    pub iteration: u64,
    /// Top of the tree over all row groups.
    pub tile_top: Commitment,
    /// Chain over offline shares, as made.
    pub made: Commitment,
    /// The same, as used so far.
    pub used: Commitment,
    /// Digest of the states.
    pub state: Commitment,
    /// Binary logarithm of the rows of the chain's links.
    pub rows_log2: u8,
    /// The wrap after the last of these iterations.
    pub proof: Envelope,
}

/// What the first part showed that was accepted of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct First {
    /// Top of the tree over all row groups.
    pub tile_top: Commitment,
    /// Chain over offline shares, as made.
    pub made: Commitment,
}

/// What an accepted part proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartReport {
    /// The job's lock.
    pub lock: Fingerprint,
    /// The node that proved the last of these iterations.
    pub node: Fingerprint,
    /// Iterations done.
    pub iteration: u64,
    /// Whether these are all.
    pub complete: bool,
    /// What the node's later parts must show too.
    pub first: First,
    /// Whether this build knows what the circuits prove; else the caller answers for it.
    pub circuits_known: bool,
}

/// Verifies a part of a job. `first` is what the node's first part showed.
///
/// # Errors
/// Why it is not accepted.
pub fn verify_part(
    job: &Job,
    extension_roots: &[Fingerprint],
    node: &Fingerprint,
    part: &Part,
    first: Option<&First>,
    trusted: &Trusted,
) -> Result<PartReport, Refused> {
    let Part { iteration, tile_top, made, used, state, rows_log2, ref proof } = *part;
    let Readable { table, wrap, circuits, circuits_known } = readable(job, extension_roots, rows_log2, trusted)?;
    envelope_fits(proof, rows_log2)?;
    let most = job.template.params.iterations;
    let found = Refused::PartIterations { found: iteration, most };
    let Some(iterations) = u32::try_from(iteration).ok().filter(|i| (1..=most).contains(i)) else { return Err(found) };
    if let Some(first) = first {
        refuse(tile_top == first.tile_top, Refused::OtherFirst { field: "tree of row groups" })?;
        refuse(made == first.made, Refused::OtherFirst { field: "chain of offline shares" })?;
    }
    let (proven, shown) = read(&wrap, rows_log2, proof)?;
    let expected = Elements {
        tile_top,
        made,
        used,
        ..expected_after(job, extension_roots, node, &table, circuits, (iterations, state))
    };
    let complete = iterations == most;
    compare_with(&expected, &shown, complete)?;
    refuse(shown.tile_top == tile_top, Refused::Part { field: "tree of row groups" })?;
    refuse(shown.made == made, Refused::Part { field: "chain of offline shares that were made" })?;
    refuse(shown.used == used, Refused::Part { field: "chain of offline shares that were used" })?;
    refuse(expected.to_vec() == proven.public_inputs, Refused::Spare)?;
    holds(&wrap, proven)?;
    let (lock, first) = (job.lock_id(extension_roots), First { tile_top, made });
    Ok(PartReport { lock, node: *node, iteration, complete, first, circuits_known })
}

/// Whether a list of states is the one that a part names.
///
/// # Errors
/// A list of another form or another digest.
pub fn check_states(job: &Job, table: &PhaseTable, part: &Part, states: &States) -> Result<(), Refused> {
    crate::verify::check_states(states, table, job.seats.len())?;
    refuse(states.digest() == part.state, Refused::States)
}

/// What the chain over a job's offline shares is after each iteration: `leaves` are all of them, in the order of their
/// use.
///
/// # Errors
/// Another number of leaves than the job opens.
pub fn offline_after(table: &PhaseTable, leaves: &[Commitment]) -> Result<Vec<Commitment>, Refused> {
    let each: u64 = table.phases.iter().map(|p| p.openings.len() as u64).sum();
    let (found, expected) = (leaves.len() as u64, each.saturating_mul(u64::from(table.iterations)));
    refuse(found == expected, Refused::OfflineLeaves { found, expected })?;
    let mut chain = Commitment([0; 4]);
    let mut iteration = |leaves: &[Commitment]| {
        chain = leaves.iter().fold(chain, |chain, leaf| offline_link(&chain, leaf));
        chain
    };
    Ok(leaves.chunks((each as usize).max(1)).map(&mut iteration).collect())
}

/// Whether the offline shares that were used in a job's first iterations are the first of those that were made, and
/// whether there are enough for the job: `after` is what [`offline_after`] gives for all of them, `made` and `used` are
/// what a part shows. Before the last iteration no proof shows it.
///
/// # Errors
/// Other shares were made, or used.
pub fn check_used(after: &[Commitment], iteration: u64, made: &Commitment, used: &Commitment) -> Result<(), Refused> {
    let done = iteration.checked_sub(1).and_then(|last| after.get(usize::try_from(last).ok()?));
    refuse(after.last() == Some(made) && done == Some(used), Refused::Offline)
}
