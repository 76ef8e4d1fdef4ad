//! Datasets: encrypted tables with what their owners allow.

use super::error::Vault;
use super::{damaged, keys, seat};
use crate::address::{Address, Prefix};
use crate::coin::Coins;
use crate::context::{load, number, save};
use crate::error::TxError;
use std::collections::BTreeSet;
use zektra_proto::cosmos::base::v1beta1::Coin;
use zektra_proto::vault::v1::{DatasetRecord, DatasetStatus as Status};
use zektra_records::dataset_from_pb;
use zektra_state::{StateError, StateRead, StateWrite};
use zektra_statement::digest::Fingerprint;
use zektra_statement::field::POLY_BYTES;
use zektra_statement::record::{Dataset, Plane, Seat};
use zektra_statement::template::{Kind, Params, Template};

/// Most bytes of a name.
const MAX_NAME: usize = 64;
/// Most bytes of a schema.
pub const MAX_SCHEMA: usize = 64 << 10;
/// Most attestations of a dataset.
pub const MAX_ATTESTATIONS: usize = 16;
/// Most row groups of a dataset, as jobs take them.
const MAX_GROUPS: u32 = 1 << 20;

/// Refuses a name that cannot be a folder everywhere.
pub fn check_name(name: &str, wrong: Vault) -> Result<(), TxError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || name.len() > MAX_NAME || !name.chars().all(fits) {
        // A long one is not told again.
        let shown: String = name.chars().take(MAX_NAME + 1).collect();
        return Err(wrong.field("name", format!("{shown:?}"), "1 to 64 letters, digits, - or _"));
    }
    Ok(())
}

/// Refuses a schema of no or of too many bytes. What it says is not read: its digest is what others compare.
pub fn check_schema(schema: &str) -> Result<(), TxError> {
    if schema.is_empty() || schema.len() > MAX_SCHEMA {
        let found = format!("{} bytes", schema.len());
        return Err(Vault::InvalidDataset.field("schema", found, format!("1 to {MAX_SCHEMA} bytes")));
    }
    Ok(())
}

/// A template over as wide a dataset: its ranges are those of datasets.
fn template(d: &Dataset) -> Option<Template> {
    let params = Params {
        features: d.columns.checked_mul(d.blocks)?,
        classes: d.classes,
        groups: 1,
        full_batch: true,
        iterations: 1,
        fan_in: 1,
        scale_x: d.scale_x,
        scale_w: 8,
        scale_r: d.scale_r,
        shift_w: 1,
        row_norm: d.row_norm,
        range: d.range,
    };
    Some(Template { kind: Kind::LinearClassifier, params })
}

/// Refuses what no template could use.
pub fn check_shape(d: &Dataset) -> Result<(), TxError> {
    let wrong = Vault::InvalidDataset;
    let shape =
        || wrong.field("columns, blocks", format!("{}, {}", d.columns, d.blocks), "those of 2 to 1024 features");
    let template = template(d).ok_or_else(shape)?;
    template.validate().map_err(|e| wrong.field(e.field, e.value, e.expected))?;
    let params = template.params;
    if (params.columns(), params.blocks()) != (d.columns, d.blocks) { Err(shape()) } else { Ok(()) }
}

/// Refuses no row groups, or more than jobs take.
pub fn check_groups(groups: u32) -> Result<(), TxError> {
    if (1..=MAX_GROUPS).contains(&groups) {
        return Ok(());
    }
    Err(Vault::InvalidSeal.field("groups", groups, format!("1 to {MAX_GROUPS} row groups")))
}

/// Refuses rows that do not fill the row groups.
pub fn check_rows(d: &Dataset) -> Result<(), TxError> {
    let wrong = Vault::InvalidSeal;
    check_groups(d.groups)?;
    let each = template(d).map(|t| u64::from(t.params.rows_per_group())).ok_or_else(|| damaged("a shape"))?;
    let room = u64::from(d.groups).saturating_mul(each);
    let least = room.saturating_sub(each).saturating_add(1);
    if !(least..=room).contains(&d.rows) {
        return Err(wrong.field("rows", d.rows, format!("{least} to {room}, what fills the row groups")));
    }
    Ok(())
}

/// The bytes of a dataset's tiles.
pub fn bytes(d: &Dataset) -> u64 {
    d.tiles().saturating_mul(Plane::ALL.len() as u64).saturating_mul(POLY_BYTES as u64)
}

/// The hash of a statement that stands elsewhere.
pub fn check_statement(hash: &[u8]) -> Result<(), TxError> {
    let checked = zektra_records::fingerprint("statement_hash", hash);
    checked.map(drop).map_err(|e| Vault::InvalidStatement.wrap(e))
}

/// Refuses more vouchers than attestations, and one twice.
pub fn check_vouchers(vouchers: &[String], prefix: &Prefix) -> Result<(), TxError> {
    let (wrong, count) = (Vault::InvalidDataset, vouchers.len());
    if count > MAX_ATTESTATIONS {
        return Err(wrong.field("vouchers", count, format!("at most {MAX_ATTESTATIONS}")));
    }
    let mut known = BTreeSet::new();
    for (k, text) in vouchers.iter().enumerate() {
        let address = prefix.parse(text).map_err(|e| e.within(format!("invalid address vouchers[{k}]")))?;
        if !known.insert(address) {
            return Err(wrong.field(&format!("vouchers[{k}]"), text, "each voucher once"));
        }
    }
    Ok(())
}

/// A dataset by its number.
///
/// # Errors
/// The database fails.
pub fn dataset(state: &dyn StateRead, number: u64) -> Result<Option<DatasetRecord>, StateError> {
    load(state, &keys::dataset(number))
}

/// The number of the dataset of an object id; `None` if there is none, 0 if its draft was dropped.
///
/// # Errors
/// The database fails.
pub fn of_object(state: &dyn StateRead, id: &Fingerprint) -> Result<Option<u64>, StateError> {
    let Some(value) = state.get(&keys::object(id))? else { return Ok(None) };
    Ok(Some(number(&value)?))
}

/// The schema of a dataset.
///
/// # Errors
/// The database fails.
pub fn schema(state: &dyn StateRead, number: u64) -> Result<String, StateError> {
    let text = state.get(&keys::schema(number))?.ok_or_else(|| damaged(format!("dataset {number} has no schema")))?;
    String::from_utf8(text).map_err(damaged)
}

/// A dataset that must be there.
///
/// # Errors
/// It is not; the database fails.
pub fn known(state: &dyn StateRead, number: u64) -> Result<DatasetRecord, TxError> {
    dataset(state, number)?.ok_or_else(|| Vault::UnknownDataset.wrap(format!("dataset {number}")))
}

/// A dataset that must be of this owner.
pub fn owned(state: &dyn StateRead, number: u64, owner: &str) -> Result<DatasetRecord, TxError> {
    let record = known(state, number)?;
    if record.owner != owner {
        return Err(Vault::NotOwner.wrap(format!("dataset {number}: owned by {}, not by {owner}", record.owner)));
    }
    Ok(record)
}

/// A status as people read it.
pub fn shown(status: Status) -> String {
    let name = status.as_str_name();
    name.strip_prefix("DATASET_STATUS_").unwrap_or(name).to_ascii_lowercase()
}

/// Refuses a dataset in any other status.
pub fn demand_status(record: &DatasetRecord, allowed: &[Status]) -> Result<(), TxError> {
    let found = record.status();
    if allowed.contains(&found) {
        return Ok(());
    }
    let expected = allowed.iter().map(|s| shown(*s)).collect::<Vec<_>>().join(" or ");
    Err(Vault::WrongStatus.field(&format!("dataset {}", record.number), shown(found), expected))
}

/// Refuses a dataset that no new job may use, each status with its own code.
pub fn demand_active(record: &DatasetRecord) -> Result<(), TxError> {
    let refused = match record.status() {
        Status::Active => return Ok(()),
        Status::Paused => Vault::Paused,
        Status::Revoked => Vault::Revoked,
        Status::Unspecified | Status::Draft | Status::Sealed => Vault::NotActive,
    };
    Err(refused.wrap(format!("dataset {}", record.number)))
}

/// The dataset of a record.
pub fn stored(record: &DatasetRecord) -> Result<Dataset, StateError> {
    let dataset = record.dataset.as_ref().ok_or_else(|| damaged("a record without a dataset"))?;
    dataset_from_pb(dataset).map_err(damaged)
}

/// Stores a new dataset under all its keys.
pub fn add(
    state: &mut dyn StateWrite,
    owner: &Address,
    id: &Fingerprint,
    record: &DatasetRecord,
    schema: &str,
) -> Result<(), TxError> {
    if state.get(&keys::object(id))?.is_some() {
        return Err(Vault::ObjectUsed.wrap(format!("id {id}")));
    }
    let number = record.number;
    set(state, record)?;
    state.put(keys::schema(number), schema.as_bytes().to_vec())?;
    state.put(keys::dataset_of(owner, number), vec![1])?;
    Ok(state.put(keys::object(id), number.to_be_bytes().to_vec())?)
}

/// Stores a dataset that is known.
pub fn set(state: &mut dyn StateWrite, record: &DatasetRecord) -> Result<(), StateError> {
    save(state, keys::dataset(record.number), record)
}

/// Forgets a draft. Its object id stays used: tiles may be out that are encrypted under its randomness.
pub fn drop_draft(state: &mut dyn StateWrite, owner: &Address, record: &DatasetRecord) -> Result<(), StateError> {
    let number = record.number;
    state.delete(keys::dataset(number))?;
    state.delete(keys::schema(number))?;
    state.delete(keys::dataset_of(owner, number))?;
    state.put(keys::object(&stored(record)?.id), 0u64.to_be_bytes().to_vec())
}

/// What a record holds as its bond; none if it has none.
pub fn bond(coin: Option<&Coin>) -> Result<Coins, StateError> {
    coin.map_or_else(
        || Ok(Coins::none()),
        |coin| Coins::positive(std::slice::from_ref(coin)).map_err(|e| damaged(e.log)),
    )
}

/// A dataset that jobs may use now, with the seat under whose key it is encrypted.
///
/// # Errors
/// It is not there, not active, paused, revoked; its owner's seat is retired.
pub fn offered(state: &dyn StateRead, number: u64) -> Result<(Dataset, Seat), TxError> {
    let record = known(state, number)?;
    demand_active(&record)?;
    let held = stored(&record)?;
    let seat = seat::stored(&seat::current(state, &held.owner_key)?)?;
    Ok((held, seat))
}
