//! What holds after every block.

use super::{account, damaged, dataset, grant, keys, seat, set};
use crate::address::written;
use crate::bank;
use crate::coin::Coins;
use crate::context::{load_all, load_all_keyed, load_number, number};
use crate::error::TxError;
use std::collections::BTreeSet;
use zektra_proto::vault::v1::{DatasetRecord, DatasetSet, DatasetStatus as Status, Grant, SeatRecord};
use zektra_state::{Order, StateError, StateRead, scan_prefix};
use zektra_statement::digest::{Commitment, Fingerprint};

fn demand(holds: bool, what: impl FnOnce() -> String) -> Result<(), StateError> {
    if holds { Ok(()) } else { Err(damaged(what())) }
}

fn count(state: &dyn StateRead, prefix: &[u8]) -> Result<usize, StateError> {
    scan_prefix(state, prefix, Order::Ascending).try_fold(0, |n, entry| entry.map(|_| n + 1))
}

/// What the bonds of all datasets are together.
pub fn bonds(state: &dyn StateRead) -> Result<Coins, TxError> {
    let mut sum = Coins::none();
    for record in load_all::<DatasetRecord>(state, keys::DATASETS)? {
        sum.add_all(&dataset::bond(record.bond.as_ref())?)?;
    }
    Ok(sum)
}

pub fn check(state: &dyn StateRead) -> Result<(), TxError> {
    let (held, bonds) = (bank::balances(state, &account())?, bonds(state)?);
    demand(held == bonds, || format!("bonds are {bonds}, the module holds {held}"))?;
    records(state)
}

/// What holds of the module's own keys.
pub fn records(state: &dyn StateRead) -> Result<(), TxError> {
    seats(state)?;
    datasets(state)?;
    grants(state)?;
    sets(state)
}

fn seats(state: &dyn StateRead) -> Result<(), TxError> {
    let all = load_all_keyed::<SeatRecord>(state, keys::SEATS)?;
    let mut followed = BTreeSet::new();
    for (rest, record) in &all {
        let seat = seat::stored(record)?;
        let key = seat.key;
        demand(key.to_bytes()[..] == rest[..], || format!("seat {key} is kept under another key"))?;
        let place = keys::seat_of(&written(&record.owner)?, &key);
        demand(state.get(&place)?.is_some(), || format!("seat {key} is not found by its owner"))?;
        let retired = record.retired_height > 0;
        demand(retired != record.successor.is_empty(), || format!("seat {key}: a successor without an end"))?;
        if retired {
            let next = Commitment::from_bytes(&record.successor).ok_or_else(|| damaged("a successor"))?;
            let after = seat::known(state, &next)?;
            let next = seat::stored(&after)?;
            let follows = after.owner == record.owner && next.name == seat.name;
            let follows = follows && seat.epoch.checked_add(1) == Some(next.epoch) && followed.insert(next.key);
            demand(follows, || format!("seat {} does not follow {key}", next.key))?;
        }
    }
    let begun = all.iter().filter(|(_, r)| r.seat.as_ref().is_some_and(|s| s.epoch == 0)).count();
    demand(begun + followed.len() == all.len(), || "a seat of a later epoch follows none".into())?;
    demand(count(state, keys::SEATS_OF)? == all.len(), || "there are owners of seats that are gone".into())?;
    Ok(())
}

fn datasets(state: &dyn StateRead) -> Result<(), TxError> {
    let all = load_all_keyed::<DatasetRecord>(state, keys::DATASETS)?;
    let next = load_number(state, keys::NEXT_DATASET)?;
    for (rest, record) in &all {
        let at = record.number;
        demand(at > 0 && at < next && keys::dataset(at).ends_with(rest), || {
            format!("dataset {at} has no such number")
        })?;
        one_dataset(state, record).map_err(|e| e.within(format!("dataset {at}")))?;
    }
    let mut objects = 0;
    for entry in scan_prefix(state, keys::OBJECTS, Order::Ascending) {
        objects += usize::from(number(&entry?.1)? > 0);
    }
    for (what, found) in [
        ("object ids", objects),
        ("owners", count(state, keys::DATASETS_OF)?),
        ("schemas", count(state, keys::SCHEMAS)?),
    ] {
        demand(found == all.len(), || format!("there are {what} of datasets that are gone"))?;
    }
    Ok(())
}

fn one_dataset(state: &dyn StateRead, record: &DatasetRecord) -> Result<(), TxError> {
    let held = dataset::stored(record)?;
    let (status, at) = (record.status(), record.number);
    demand(dataset::of_object(state, &held.id)? == Some(at), || "its object id is that of another".into())?;
    let place = keys::dataset_of(&written(&record.owner)?, at);
    demand(state.get(&place)?.is_some(), || "it is not found by its owner".into())?;
    demand(state.get(&keys::schema(at))?.is_some(), || "it has no schema".into())?;
    let seat = seat::known(state, &held.owner_key)?;
    demand(seat.owner == record.owner, || "its seat is another's".into())?;
    let empty = held.rows == 0 && held.groups == 0 && held.root == Commitment([0; 4]);
    let empty = empty && held.content_root == Fingerprint::NONE;
    match status {
        Status::Draft => demand(empty && record.sealed_height == 0, || "a draft with contents".into())?,
        _ => dataset::check_rows(&held)?,
    }
    let vouched: BTreeSet<&str> = record.attestations.iter().map(|a| &a.voucher[..]).collect();
    let voucher_once = vouched.len() == record.attestations.len() && vouched.len() <= dataset::MAX_ATTESTATIONS;
    demand(voucher_once, || "too many vouch for it, or one twice".into())?;
    let bonded = !dataset::bond(record.bond.as_ref())?.is_empty();
    let (vouched, live, erased) = (!vouched.is_empty(), record.live_jobs > 0, record.erasure.is_some());
    let fits = match status {
        Status::Unspecified => false,
        Status::Draft => !vouched && !bonded && !live && !erased,
        Status::Sealed => !bonded && !live && !erased,
        Status::Active | Status::Paused => vouched && bonded && !erased,
        Status::Revoked if erased => !live && !bonded,
        Status::Revoked => bonded || !live,
    };
    let shown =
        || format!("{} with vouched {vouched}, bonded {bonded}, live {live}, erased {erased}", dataset::shown(status));
    demand(fits, shown)?;
    let revoked = record.revoked_height > 0;
    Ok(demand(revoked == (status == Status::Revoked), || "revoked at a height that does not fit".into())?)
}

fn grants(state: &dyn StateRead) -> Result<(), TxError> {
    let all = load_all_keyed::<Grant>(state, keys::GRANTS)?;
    let next = load_number(state, keys::NEXT_GRANT)?;
    let mut standing = 0;
    for (rest, g) in &all {
        let (at, of) = (g.number, g.dataset);
        let numbered = at > 0 && at < next && keys::grant(of, at).ends_with(rest);
        demand(numbered, || format!("grant {at} has no such number"))?;
        let found = grant::grant(state, at)?;
        demand(found.as_ref() == Some(g), || format!("grant {at} is not found by its number"))?;
        let record = dataset::known(state, of)?;
        demand(record.status() != Status::Draft, || format!("grant {at} is of a draft"))?;
        let stands = g.withdrawn_height == 0;
        standing += usize::from(stands);
        let listed = state.get(&keys::standing(of, at))?.is_some();
        demand(listed == stands, || format!("grant {at}: whether it stands is said twice"))?;
        let terms = grant::terms(g)?;
        let within = g.passes_used <= terms.max_passes && g.privacy_used <= terms.privacy_budget;
        demand(within, || format!("grant {at}: more is used than is granted"))?;
    }
    let indexed = count(state, keys::GRANT_OF)? == all.len() && count(state, keys::STANDING)? == standing;
    Ok(demand(indexed, || "there are keys of grants that are gone".into())?)
}

fn sets(state: &dyn StateRead) -> Result<(), TxError> {
    let next = load_number(state, keys::NEXT_SET)?;
    for (rest, s) in load_all_keyed::<DatasetSet>(state, keys::SETS)? {
        let at = s.number;
        demand(at > 0 && at < next && keys::set(at).ends_with(&rest), || format!("set {at} has no such number"))?;
        let members: BTreeSet<u64> = s.datasets.iter().copied().collect();
        let once = members.len() == s.datasets.len() && members.len() <= set::MAX_MEMBERS;
        demand(once, || format!("set {at} has too many members, or one twice"))?;
        let admitted: BTreeSet<u64> = s.admitted.iter().copied().collect();
        let once = admitted.len() == s.admitted.len() && admitted.len() <= set::MAX_MEMBERS;
        let once = once && admitted.is_disjoint(&members);
        demand(once, || format!("set {at} has admitted too many, one twice, or a member"))?;
        for member in members {
            let record = dataset::known(state, member)?;
            let same = dataset::stored(&record)?.schema.0[..] == s.schema[..];
            let fits = same && !matches!(record.status(), Status::Draft | Status::Sealed);
            demand(fits, || format!("set {at}: dataset {member} is no member"))?;
        }
    }
    Ok(())
}
