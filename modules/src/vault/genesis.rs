//! Seats, datasets, grants and sets of a genesis file.

use super::handler::params;
use super::invariants::{bonds, records};
use super::{NAME, account, damaged, dataset, grant, keys, seat, set};
use crate::address::{Address, Prefix};
use crate::auth::create_module;
use crate::bank;
use crate::context::{Context, load_all, load_number, number, save};
use crate::error::TxError;
use crate::module::{GenesisError, failed, read_genesis};
use crate::vault::error::Vault;
use serde_json::Value;
use zektra_proto::json;
use zektra_proto::vault::v1::{DatasetRecord, DatasetSet, GenesisDataset, GenesisState, Grant, Params, SeatRecord};
use zektra_state::{Empty, Order, StateDelta, StateError, StateRead, StateWrite, scan_prefix};
use zektra_statement::digest::Fingerprint;

/// Ten whole coins.
const MIN_BOND: u128 = 10_000_000;

pub fn default(native: &str) -> Value {
    let params = Params { denom: native.into(), min_bond: MIN_BOND.to_string() };
    let numbers = GenesisState { next_dataset: 1, next_grant: 1, next_set: 1, ..GenesisState::default() };
    json::write(&GenesisState { params: Some(params), ..numbers }).expect("a genesis state is served")
}

/// Writes all of it elsewhere, and looks at what is there.
pub fn check(genesis: &Value, prefix: &Prefix) -> Result<(), GenesisError> {
    let mut state = StateDelta::new(Empty);
    write(&mut state, prefix, read_genesis(NAME, genesis)?)?;
    records(&state).map_err(|e| GenesisError::new(NAME, e, "records that fit each other"))
}

pub fn init(ctx: &mut Context<'_>, genesis: &Value) -> Result<(), GenesisError> {
    create_module(ctx, NAME, &[]).map_err(failed(NAME))?;
    write(ctx.state, ctx.prefix, read_genesis(NAME, genesis)?)?;
    let held = bank::balances(ctx.state, &account()).map_err(failed(NAME))?;
    let owed = bonds(ctx.state).map_err(failed(NAME))?;
    if held != owed {
        let expected = format!("bonds of {held}, which the module's account holds");
        return Err(GenesisError::new("vault.datasets", format!("bonds of {owed}"), expected));
    }
    Ok(())
}

fn write(state: &mut dyn StateWrite, prefix: &Prefix, genesis: GenesisState) -> Result<(), GenesisError> {
    let GenesisState { params: found, seats, datasets, dropped, grants, sets, next_dataset, next_grant, next_set } =
        genesis;
    params::check(found.as_ref()).map_err(|e| GenesisError::new("vault.params", e, "the parameters"))?;
    save(state, keys::PARAMS.to_vec(), &found.unwrap_or_default()).map_err(failed(NAME))?;
    for (field, key, next) in [
        ("next_dataset", keys::NEXT_DATASET, next_dataset),
        ("next_grant", keys::NEXT_GRANT, next_grant),
        ("next_set", keys::NEXT_SET, next_set),
    ] {
        if next == 0 {
            return Err(GenesisError::new(format!("vault.{field}"), next, "at least 1"));
        }
        state.put(key.to_vec(), next.to_be_bytes().to_vec()).map_err(failed(NAME))?;
    }
    each("seats", &seats, |record| write_seat(state, prefix, record))?;
    each("datasets", &datasets, |dataset| write_dataset(state, prefix, dataset))?;
    each("dropped", &dropped, |id| write_dropped(state, id))?;
    each("grants", &grants, |grant| write_grant(state, prefix, grant))?;
    each("sets", &sets, |set| write_set(state, prefix, set))
}

/// Writes each of a list; says which is wrong.
fn each<T>(list: &str, all: &[T], mut write: impl FnMut(&T) -> Result<(), TxError>) -> Result<(), GenesisError> {
    all.iter().enumerate().try_for_each(|(k, one)| {
        let field = format!("vault.{list}[{k}]");
        write(one).map_err(|e| GenesisError::new(field, e, "one that messages could have made"))
    })
}

/// Reads an address in the one text in which it is kept.
fn one_text(prefix: &Prefix, text: &str) -> Result<Address, TxError> {
    let address = prefix.parse(text)?;
    let expected = prefix.text(&address);
    if expected == text { Ok(address) } else { Err(Vault::NotOwner.field("address", text, expected)) }
}

fn write_seat(state: &mut dyn StateWrite, prefix: &Prefix, record: &SeatRecord) -> Result<(), TxError> {
    let seat = seat::read(record.seat.as_ref())?;
    seat::add(state, &one_text(prefix, &record.owner)?, &seat.key, record)
}

fn write_grant(state: &mut dyn StateWrite, prefix: &Prefix, found: &Grant) -> Result<(), TxError> {
    grant::check(found.terms.as_ref(), prefix)?;
    let grantee = found.terms.as_ref().map(|t| &t.grantee[..]).filter(|text| !text.is_empty());
    grantee.map_or(Ok(()), |text| one_text(prefix, text).map(drop))?;
    if grant::grant(state, found.number)?.is_some() {
        return Err(Vault::InvalidGrant.field("number", found.number, "each number once"));
    }
    Ok(grant::add(state, found)?)
}

fn write_set(state: &mut dyn StateWrite, prefix: &Prefix, found: &DatasetSet) -> Result<(), TxError> {
    dataset::check_name(&found.name, Vault::InvalidSet)?;
    set::check_schema(&found.schema)?;
    one_text(prefix, &found.curator)?;
    if set::set(state, found.number)?.is_some() {
        return Err(Vault::InvalidSet.field("number", found.number, "each number once"));
    }
    Ok(set::store(state, found)?)
}

fn write_dataset(state: &mut dyn StateWrite, prefix: &Prefix, found: &GenesisDataset) -> Result<(), TxError> {
    let GenesisDataset { record, schema } = found;
    let wrong = Vault::InvalidDataset;
    let record = record.as_ref().ok_or_else(|| wrong.field("record", "missing", "a record"))?;
    dataset::check_name(&record.name, wrong)?;
    dataset::check_schema(schema)?;
    let held = dataset::stored(record).map_err(|e| wrong.wrap(e))?;
    dataset::check_shape(&held)?;
    dataset::bond(record.bond.as_ref()).map_err(|e| wrong.wrap(e))?;
    for a in &record.attestations {
        one_text(prefix, &a.voucher)?;
        dataset::check_statement(&a.statement_hash)?;
    }
    dataset::check_vouchers(&record.vouchers, prefix)?;
    record.vouchers.iter().try_for_each(|text| one_text(prefix, text).map(drop))?;
    record.erasure.as_ref().map_or(Ok(()), |e| dataset::check_statement(&e.statement_hash))?;
    if dataset::dataset(state, record.number)?.is_some() {
        return Err(wrong.field("number", record.number, "each number once"));
    }
    dataset::add(state, &one_text(prefix, &record.owner)?, &held.id, record, schema)
}

fn write_dropped(state: &mut dyn StateWrite, id: &[u8]) -> Result<(), TxError> {
    let id = zektra_records::fingerprint("id", id).map_err(|e| Vault::InvalidDataset.wrap(e))?;
    if dataset::of_object(state, &id)?.is_some() {
        return Err(Vault::ObjectUsed.wrap(format!("id {id}")));
    }
    Ok(state.put(keys::object(&id), 0u64.to_be_bytes().to_vec())?)
}

pub fn export(state: &dyn StateRead) -> Result<Value, GenesisError> {
    json::write(&read(state).map_err(failed(NAME))?).map_err(failed(NAME))
}

fn read(state: &dyn StateRead) -> Result<GenesisState, StateError> {
    let mut datasets = vec![];
    for record in load_all::<DatasetRecord>(state, keys::DATASETS)? {
        let schema = dataset::schema(state, record.number)?;
        datasets.push(GenesisDataset { record: Some(record), schema });
    }
    let mut dropped = vec![];
    for entry in scan_prefix(state, keys::OBJECTS, Order::Ascending) {
        let (key, value) = entry?;
        if number(&value)? == 0 {
            let id = Fingerprint::from_bytes(&key[keys::OBJECTS.len()..]).ok_or_else(|| damaged("an object id"))?;
            dropped.push(id.0.to_vec().into());
        }
    }
    let next = |key| load_number(state, key).map(|n| n.max(1));
    Ok(GenesisState {
        params: Some(super::params(state)?),
        seats: load_all(state, keys::SEATS)?,
        datasets,
        dropped,
        grants: load_all(state, keys::GRANTS)?,
        sets: load_all(state, keys::SETS)?,
        next_dataset: next(keys::NEXT_DATASET)?,
        next_grant: next(keys::NEXT_GRANT)?,
        next_set: next(keys::NEXT_SET)?,
    })
}
