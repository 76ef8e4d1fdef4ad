//! A draft is sealed: its tiles are proven to be valid, and fixed.

use super::error::Vault;
use super::{dataset, one_text, seat};
use crate::context::Context;
use crate::error::TxError;
use crate::proofs;
use zektra_proto::vault::v1::{DatasetRecord, DatasetStatus as Status, MsgSealDataset, MsgSealDatasetResponse};
use zektra_records::{WireError, commitment, dataset_to_pb, fingerprint};
use zektra_state::StateRead;
use zektra_statement::record::Dataset;

/// Most bytes of a seal's proof.
pub const MAX_PROOF: usize = 512 << 10;
/// Most rows of a seal's circuit, as a binary logarithm.
const MAX_ROWS_LOG2: u32 = 20;

/// A draft with what the message fixes of it.
fn sealed(message: &MsgSealDataset, draft: Dataset) -> Result<Dataset, TxError> {
    let wrong = |e: WireError| Vault::InvalidSeal.wrap(e);
    let root = commitment("root", &message.root).map_err(wrong)?;
    let content_root = fingerprint("content_root", &message.content_root).map_err(wrong)?;
    Ok(Dataset { rows: message.rows, groups: message.groups, root, content_root, ..draft })
}

/// What needs no state.
pub fn check(message: &MsgSealDataset) -> Result<(), TxError> {
    let wrong = Vault::InvalidSeal;
    let MsgSealDataset { owner: _, dataset: _, rows, groups, root, content_root, rows_log2, proof } = message;
    dataset::check_groups(*groups)?;
    if *rows == 0 {
        return Err(wrong.field("rows", rows, "at least 1"));
    }
    commitment("root", root).map_err(|e| wrong.wrap(e))?;
    fingerprint("content_root", content_root).map_err(|e| wrong.wrap(e))?;
    if !(1..=MAX_ROWS_LOG2).contains(rows_log2) {
        return Err(wrong.field("rows_log2", rows_log2, format!("1 to {MAX_ROWS_LOG2}")));
    }
    if proof.is_empty() || proof.len() > MAX_PROOF {
        return Err(wrong.field("proof", format!("{} bytes", proof.len()), format!("1 to {MAX_PROOF} bytes")));
    }
    Ok(())
}

/// A draft of this owner, and what the message makes of it: all that can be refused before the proof is looked at.
fn admit(state: &dyn StateRead, message: &MsgSealDataset, owner: &str) -> Result<(DatasetRecord, Dataset), TxError> {
    let record = dataset::owned(state, message.dataset, owner)?;
    dataset::demand_status(&record, &[Status::Draft])?;
    let new = sealed(message, dataset::stored(&record)?)?;
    seat::current(state, &new.owner_key)?;
    dataset::check_rows(&new)?;
    Ok((record, new))
}

/// Seals a draft if its proof, of a circuit of so many rows, is `proven` to show what the record says.
///
/// # Errors
/// No draft of the owner under a current seat; rows that do not fill the row groups; what `proven` says.
pub fn seal(
    ctx: &mut Context<'_>,
    message: &MsgSealDataset,
    proven: impl FnOnce(&mut Context<'_>, &DatasetRecord, u32, &[u8]) -> Result<(), TxError>,
) -> Result<MsgSealDatasetResponse, TxError> {
    let owner = one_text(ctx, &message.owner)?;
    let (mut record, new) = admit(ctx.state, message, &owner)?;
    record.dataset = Some(dataset_to_pb(&new));
    record.sealed_height = ctx.block.height;
    record.set_status(Status::Sealed);
    proven(ctx, &record, message.rows_log2, &message.proof)?;
    dataset::set(ctx.state, &record)?;
    let facts = [
        ("dataset", record.number.to_string()),
        ("rows", new.rows.to_string()),
        ("groups", new.groups.to_string()),
        ("root", new.root.to_string()),
    ];
    ctx.emit("vault_dataset_sealed", facts);
    Ok(MsgSealDatasetResponse {})
}

/// Verifies a seal's proof ahead of its execution; gives what that costs in verification units.
///
/// # Errors
/// As [`seal`].
pub fn ahead(state: &dyn StateRead, message: &MsgSealDataset, chain_id: &str) -> Result<u64, TxError> {
    // Addresses are kept in small letters; signers may write theirs in capitals.
    let (_, new) = admit(state, message, &message.owner.to_lowercase())?;
    Ok(proofs::check_seal(state, chain_id, &new, message.rows_log2, &message.proof)?.circuit.cost)
}

/// Demands that a proof shows what the record says, and counts it among the block's.
///
/// # Errors
/// It does not.
pub fn verify(ctx: &mut Context<'_>, record: &DatasetRecord, rows_log2: u32, proof: &[u8]) -> Result<(), TxError> {
    let new = dataset::stored(record)?;
    let accepted = proofs::check_seal(ctx.state, &ctx.block.chain_id, &new, rows_log2, proof)?;
    proofs::record(ctx, &accepted, u64::from(new.groups), None).map(drop)
}
