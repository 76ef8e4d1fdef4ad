//! Sets: datasets of one schema under one name.

use super::error::Vault;
use super::{dataset, keys};
use crate::address::Address;
use crate::context::{Context, load, save};
use crate::error::TxError;
use zektra_proto::vault::v1::DatasetSet;
use zektra_state::{StateError, StateRead, StateWrite};

/// Most members of a set.
pub const MAX_MEMBERS: usize = 64;

/// Checks the digest of a set's schema.
pub fn check_schema(digest: &[u8]) -> Result<(), TxError> {
    zektra_records::fingerprint("schema", digest).map(drop).map_err(|e| Vault::InvalidSet.wrap(e))
}

/// A set by its number.
///
/// # Errors
/// The database fails.
pub fn set(state: &dyn StateRead, number: u64) -> Result<Option<DatasetSet>, StateError> {
    load(state, &keys::set(number))
}

/// A set that must be there.
pub fn known(state: &dyn StateRead, number: u64) -> Result<DatasetSet, TxError> {
    set(state, number)?.ok_or_else(|| Vault::UnknownSet.wrap(format!("set {number}")))
}

/// Stores a set.
pub fn store(state: &mut dyn StateWrite, set: &DatasetSet) -> Result<(), StateError> {
    save(state, keys::set(set.number), set)
}

/// The numbers of a set's members, in the order in which they joined, whatever their statuses.
///
/// # Errors
/// There is no such set.
pub fn members_of_set(state: &dyn StateRead, number: u64) -> Result<Vec<u64>, TxError> {
    Ok(known(state, number)?.datasets)
}

/// Refuses that somebody offers what is another's: a dataset is its owner's, a set its curator's.
///
/// # Errors
/// There is none, or it is another's.
pub fn demand_seller(ctx: &Context<'_>, seller: &Address, is_set: bool, number: u64) -> Result<(), TxError> {
    let owner = match is_set {
        true => known(ctx.state, number)?.curator,
        false => dataset::known(ctx.state, number)?.owner,
    };
    if ctx.text(seller) == owner {
        return Ok(());
    }
    let what = if is_set { "set" } else { "dataset" };
    Err(Vault::NotOwner.wrap(format!("{what} {number}: owned by {owner}, not by {}", ctx.text(seller))))
}
