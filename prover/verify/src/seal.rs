//! Whether a proof shows that all tiles of a dataset are valid: `docs/protocol.md`, section 15, "A dataset alone".

use crate::envelope::{Envelope, envelope_fits};
use crate::known::{KnownSeal, Trusted};
use crate::pinned;
use crate::verify::{Refused, holds, read, refuse};
use zektra_statement::chain::{Elements, dataset_link, seal_context};
use zektra_statement::digest::Commitment;
use zektra_statement::merkle::{DEPTH, empty_tops};
use zektra_statement::record::Dataset;

/// Verifies a dataset's seal: every row group under its root is a tile under its owner's key within its bounds.
///
/// # Errors
/// Why it is not accepted.
pub fn verify_seal(
    chain_id: &str,
    dataset: &Dataset,
    proof: &Envelope,
    rows_log2: u8,
    trusted: &Trusted,
) -> Result<(), Refused> {
    let groups = u64::from(dataset.groups);
    if groups > 1 << DEPTH {
        return Err(Refused::TooManyGroups { found: groups });
    }
    let wrap = pinned::wrap(u32::from(rows_log2)).ok_or(Refused::Size { found: rows_log2 })?;
    envelope_fits(proof, rows_log2)?;
    let (proven, shown) = read(&wrap, rows_log2, proof)?;
    let none = Commitment([0; 4]);
    let Elements {
        context,
        circuits,
        datasets,
        dataset_top,
        dataset_groups,
        // It follows from the row groups.
        tile_top: _,
        tile_groups,
        made,
        used,
        batches,
        iteration,
        state,
    } = shown;
    let bounds = KnownSeal::bounds_of(dataset);
    let fits = |k: &KnownSeal| (k.digest, k.rows_log2, k.bounds) == (circuits, u32::from(rows_log2), bounds);
    refuse(trusted.seals().iter().any(fits), Refused::UnknownSeal { digest: circuits })?;
    let same = |field, same| refuse(same, Refused::Seal { field });
    let alone = dataset_link(&none, &dataset.root, &dataset.owner_key, groups);
    same("root, owner's key or number of row groups", datasets == alone)?;
    same("tree of a dataset begun", (dataset_top, dataset_groups) == (empty_tops()[DEPTH], 0))?;
    same("number of row groups read", tile_groups == groups)?;
    let nothing = (made, used, batches, iteration, state) == (none, none, none, 0, none);
    same("offline shares, batches, iterations or states", nothing)?;
    same("object or owner's key", context == seal_context(&dataset.object(chain_id), &dataset.owner_key))?;
    holds(&wrap, proven)
}
