//! Whether a bundle proves what its record says: `docs/protocol.md`, section 15, "The verifier of a bundle".
//!
//! Everything but the proof itself is computed again from the record. Comparisons come first, from the most
//! specific to the least, so that a refusal names what differs; the proof then binds what it shows.

use crate::bundle::Bundle;
use crate::envelope::{Envelope, EnvelopeError, Proven};
use crate::known::Trusted;
use crate::pinned::{self, Verifier};
use crate::report::{Released, Report};
use zektra_statement::batch::BatchOrder;
use zektra_statement::chain::{Elements, States, batch_link, context, dataset_link};
use zektra_statement::codec::DecodeError;
use zektra_statement::digest::{Commitment, Fingerprint};
use zektra_statement::merkle::{DEPTH, empty_tops};
use zektra_statement::phase::PhaseTable;
use zektra_statement::record::{Job, JobError};

/// Why a bundle is not accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No bundle of this version, or a damaged one.
    #[error("not a bundle that can be read: {0}")]
    Unreadable(#[from] DecodeError),
    /// A record that does not fit itself.
    #[error("the job's record contradicts itself: {0}")]
    Record(#[from] JobError),
    /// More row groups than the proof's trees hold.
    #[error("the datasets have {found} row groups, more than the 2^20 that a proof can be of")]
    TooManyGroups {
        /// How many there are.
        found: u64,
    },
    /// Another number of extension roots.
    #[error("extension roots: {found}, expected {expected}, one a dataset and member that does not own it")]
    ExtensionRoots {
        /// How many there are.
        found: usize,
        /// How many there must be.
        expected: usize,
    },
    /// A record of a job that nobody proves.
    #[error("the job's record names no circuits: it is a job without proofs")]
    Unproven,
    /// Circuits that nobody vouches for.
    #[error(
        "the job's circuits {digest} are not known to this verifier: they may prove anything. Build them from \
         the source with `zektra circuits BUNDLE`, and name the digest with --circuits if it is the same"
    )]
    UnknownCircuits {
        /// The record's.
        digest: Commitment,
    },
    /// Circuits of another template, number of members or size.
    #[error("the circuits are those of other jobs: {field} is {found}, the circuits are for {expected}")]
    CircuitsOfOtherTemplate {
        /// What differs.
        field: &'static str,
        /// The job's.
        found: String,
        /// The circuits'.
        expected: String,
    },
    /// No pinned data.
    #[error("rows_log2 is {found}, expected {} to {}: no chain of proofs has links of another size", pinned::sizes().start(), pinned::sizes().end())]
    Size {
        /// The bundle's.
        found: u8,
    },
    /// Not a proof of the last circuit.
    #[error("the proof is not one of the last circuit: {0}")]
    Envelope(#[from] EnvelopeError),
    /// Spare elements that are not zero.
    #[error("the proof shows spare elements that are not zero")]
    Spare,
    /// Another chain.
    #[error("the proof is of other circuits than the record names: {found}, expected {expected}")]
    Circuits {
        /// The proof's.
        found: Commitment,
        /// The record's.
        expected: Commitment,
    },
    /// Another number of iterations.
    #[error("the proof is of {found} iterations, the record's template has {expected}")]
    Iterations {
        /// The proof's.
        found: u64,
        /// The record's.
        expected: u64,
    },
    /// Other data.
    #[error("a dataset's root, owner's key or number of row groups is not the one in the record")]
    Datasets,
    /// A dataset that was not read to its end.
    #[error("a dataset beyond those of the record was begun: {groups} row groups of it were read")]
    UnfinishedDataset {
        /// How many row groups of it were read.
        groups: u64,
    },
    /// Another number of row groups.
    #[error("the proof is of {found} row groups, the record's datasets have {expected}")]
    RowGroups {
        /// The proof's.
        found: u64,
        /// The record's.
        expected: u64,
    },
    /// Other batches.
    #[error("the batches are not those of the beacon")]
    Batches,
    /// Offline shares.
    #[error("the offline shares that were used are not those that were made: one is left over, missing or used twice")]
    Offline,
    /// A list of states of another form.
    #[error("the list of states: {field} are {found}, expected {expected}")]
    StatesForm {
        /// Which number.
        field: String,
        /// What it is.
        found: usize,
        /// What it should be.
        expected: usize,
    },
    /// Another list of states.
    #[error("the list of states, and with it the model's commitments, is not the one that the proof ends with")]
    States,
    /// Another lock, table, node, or other keys.
    #[error("the proof is of another job record, other extension roots, another node or other members' keys")]
    Context,
    /// A part before the first iteration or behind the last.
    #[error("a part of {found} iterations, expected 1 to {most}")]
    PartIterations {
        /// How many it names.
        found: u64,
        /// How many the record's template has.
        most: u32,
    },
    /// A part that does not name what its proof shows.
    #[error("the proof shows another {field} than the part names")]
    Part {
        /// Which field.
        field: &'static str,
    },
    /// A part of a chain with other row groups or offline shares than the first one.
    #[error("the part's {field} is not that of the node's first part")]
    OtherFirst {
        /// Which field.
        field: &'static str,
    },
    /// A list of offline leaves of another length.
    #[error("the list of offline shares has {found} leaves, expected {expected}")]
    OfflineLeaves {
        /// How many it has.
        found: u64,
        /// One for each opening of each iteration.
        expected: u64,
    },
    /// A seal by circuits that nobody knows for such a dataset.
    #[error("the seal's circuits {digest} are not known to this verifier for a dataset of this shape and these bounds")]
    UnknownSeal {
        /// The proof's.
        digest: Commitment,
    },
    /// A seal of another dataset, or of more than one.
    #[error("the seal is of something else: {field} is not that of the dataset alone")]
    Seal {
        /// What differs.
        field: &'static str,
    },
    /// The proof itself.
    #[error("the proof does not verify: {0}")]
    Proof(String),
}

pub(crate) fn refuse(ok: bool, why: Refused) -> Result<(), Refused> {
    if ok { Ok(()) } else { Err(why) }
}

/// Verifies a bundle.
///
/// # Errors
/// Why it is not accepted.
pub fn verify(bytes: &[u8], trusted: &Trusted) -> Result<Report, Refused> {
    let bundle = Bundle::decode(bytes)?;
    let mut report = verify_bundle(&bundle, trusted)?;
    report.bundle_bytes = bytes.len();
    Ok(report)
}

/// A record whose proofs can be read.
pub(crate) struct Readable {
    pub table: PhaseTable,
    pub wrap: Verifier,
    pub circuits: Commitment,
    pub circuits_known: bool,
}

/// Whether a record fits itself, and whether its circuits are trusted.
pub(crate) fn readable(
    job: &Job,
    extension_roots: &[Fingerprint],
    size: u8,
    trusted: &Trusted,
) -> Result<Readable, Refused> {
    job.validate()?;
    let groups: u64 = job.datasets.iter().map(|d| u64::from(d.dataset.groups)).sum();
    if groups > 1 << DEPTH {
        return Err(Refused::TooManyGroups { found: groups });
    }
    let (found, expected) = (extension_roots.len(), job.extension_streams());
    if found != expected {
        return Err(Refused::ExtensionRoots { found, expected });
    }
    let rows_log2 = u32::from(size);
    let wrap = pinned::wrap(rows_log2).ok_or(Refused::Size { found: size })?;
    let circuits = job.circuits.ok_or(Refused::Unproven)?;
    let candidates: Vec<_> = trusted.known().iter().filter(|k| k.digest == circuits).collect();
    let differing = candidates.iter().map(|k| k.differs(job, rows_log2));
    match differing.min_by_key(Option::is_some) {
        Some(None) => {}
        Some(Some((field, found, expected))) => {
            return Err(Refused::CircuitsOfOtherTemplate { field, found, expected });
        }
        None if trusted.is_named(&circuits) => {}
        None => return Err(Refused::UnknownCircuits { digest: circuits }),
    }
    let table = job.template.compile().map_err(|e| {
        let field = format!("template.{}", e.field);
        JobError { job: job.id, field, value: e.value.to_string(), expected: e.expected }
    })?;
    Ok(Readable { table, wrap, circuits, circuits_known: !candidates.is_empty() })
}

/// A last proof as it was read, and what it shows. It is not verified.
pub(crate) fn read(wrap: &Verifier, size: u8, proof: &Envelope) -> Result<(Proven, Elements), Refused> {
    let proof = proof.read(&pinned::wrap_id(u32::from(size)), &wrap.common)?;
    let shown = Elements::from_slice(&proof.public_inputs).ok_or(Refused::Spare)?;
    Ok((proof, shown))
}

/// Verifies a last proof.
pub(crate) fn holds(wrap: &Verifier, proof: Proven) -> Result<(), Refused> {
    // Plonky2 checks all shapes, but not all of them before they are used.
    match std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| wrap.verify(proof))) {
        Ok(result) => result.map_err(|e| Refused::Proof(e.to_string())),
        Err(_) => Err(Refused::Proof("it is malformed".into())),
    }
}

/// Verifies a bundle that was read before.
///
/// # Errors
/// Why it is not accepted.
pub fn verify_bundle(bundle: &Bundle, trusted: &Trusted) -> Result<Report, Refused> {
    let Bundle { job, extension_roots, node, states, rows_log2, proof } = bundle;
    let Readable { table, wrap, circuits, circuits_known } = readable(job, extension_roots, *rows_log2, trusted)?;
    let (proven, shown) = read(&wrap, *rows_log2, proof)?;
    check_states(states, &table, job.seats.len())?;
    compare(&expected_elements(bundle, &table, circuits), &shown)?;
    holds(&wrap, proven)?;
    let model = table.released.iter().map(|&state| {
        let entry = &states.entries[usize::from(state)];
        let length = table.states[usize::from(state)].length;
        Released { state, length, opened: entry.opened, shares: entry.shares.clone() }
    });
    Ok(Report {
        lock: job.lock_id(extension_roots),
        job: job.clone(),
        node: *node,
        circuits,
        circuits_known,
        model: model.collect(),
        chain_rows_log2: u32::from(*rows_log2),
        wrap_rows_log2: wrap.common.degree_bits() as u32,
        proof_bytes: proof.proof.len(),
        bundle_bytes: 0,
    })
}

/// Whether the list of states has the form that the table gives it; a digest alone would not tell where an entry ends.
///
/// # Errors
/// The first number that differs.
pub fn check_states(states: &States, table: &PhaseTable, members: usize) -> Result<(), Refused> {
    let form = |field: &str, found: usize, expected: usize| {
        let error = || Refused::StatesForm { field: field.into(), found, expected };
        (found == expected).then_some(()).ok_or_else(error)
    };
    form("row groups", states.groups.len(), usize::from(table.slots))?;
    form("states", states.entries.len(), table.states.len())?;
    for (i, e) in states.entries.iter().enumerate() {
        form(&format!("shares of state {i}"), e.shares.len(), members)?;
    }
    Ok(())
}

/// What the last proof must show for a record that was validated. `tile_top`, `made` and `used` do not follow
/// from it: they are zero here.
pub fn expected_elements(bundle: &Bundle, table: &PhaseTable, circuits: Commitment) -> Elements {
    let Bundle { job, extension_roots, node, states, .. } = bundle;
    let iterations = job.template.params.iterations;
    expected_after(job, extension_roots, node, table, circuits, (iterations, states.digest()))
}

/// The same after so many iterations, with this digest of states.
pub(crate) fn expected_after(
    job: &Job,
    extension_roots: &[Fingerprint],
    node: &Fingerprint,
    table: &PhaseTable,
    circuits: Commitment,
    (iterations, state): (u32, Commitment),
) -> Elements {
    let none = Commitment([0; 4]);
    let datasets = job.datasets.iter().fold(none, |before, d| {
        let d = &d.dataset;
        dataset_link(&before, &d.root, &d.owner_key, u64::from(d.groups))
    });
    let mut order = BatchOrder::new(job.beacon, job.groups(), job.template.params.groups);
    let batches = (0..iterations).fold(none, |before, t| batch_link(&before, &order.step(t)));
    let lock = job.lock_id(extension_roots);
    let keys: Vec<Commitment> = job.seats.iter().map(|s| s.key).collect();
    Elements {
        context: context(&lock, &table.digest(), node, &keys),
        circuits,
        datasets,
        dataset_top: empty_tops()[DEPTH],
        dataset_groups: 0,
        tile_top: none,
        tile_groups: u64::from(job.groups()),
        made: none,
        used: none,
        batches,
        iteration: u64::from(iterations),
        state,
    }
}

/// Whether the last proof shows what it must.
///
/// # Errors
/// The first thing that differs.
pub fn compare(expected: &Elements, shown: &Elements) -> Result<(), Refused> {
    compare_with(expected, shown, true)
}

/// The same; offline shares that are left over are right as long as iterations are.
pub(crate) fn compare_with(expected: &Elements, shown: &Elements, whole: bool) -> Result<(), Refused> {
    // `tile_top` follows from the row groups that the links read.
    let Elements {
        context,
        circuits,
        datasets,
        dataset_top,
        dataset_groups,
        tile_top: _,
        tile_groups,
        made,
        used,
        batches,
        iteration,
        state,
    } = *shown;
    refuse(circuits == expected.circuits, Refused::Circuits { found: circuits, expected: expected.circuits })?;
    refuse(datasets == expected.datasets, Refused::Datasets)?;
    refuse(
        (dataset_top, dataset_groups) == (expected.dataset_top, expected.dataset_groups),
        Refused::UnfinishedDataset { groups: dataset_groups },
    )?;
    let (found, wanted) = (tile_groups, expected.tile_groups);
    refuse(found == wanted, Refused::RowGroups { found, expected: wanted })?;
    let (found, wanted) = (iteration, expected.iteration);
    refuse(found == wanted, Refused::Iterations { found, expected: wanted })?;
    refuse(batches == expected.batches, Refused::Batches)?;
    refuse(made == used || !whole, Refused::Offline)?;
    refuse(state == expected.state, Refused::States)?;
    refuse(context == expected.context, Refused::Context)
}
