//! Seats: who holds a key share.

use super::error::Vault;
use super::{damaged, keys};
use crate::address::Address;
use crate::context::{Context, load, save};
use crate::error::TxError;
use zektra_proto::vault::v1::{Seat as Message, SeatRecord};
use zektra_records::seat_from_pb;
use zektra_state::{StateError, StateRead, StateWrite};
use zektra_statement::digest::Commitment;
use zektra_statement::record::Seat;

/// Most operator keys of a seat.
pub const MAX_OPERATORS: usize = 16;

/// Reads a seat of a message.
pub fn read(message: Option<&Message>) -> Result<Seat, TxError> {
    let message = message.ok_or_else(|| Vault::InvalidSeat.field("seat", "missing", "a seat"))?;
    let operators = message.operator_keys.len();
    if operators > MAX_OPERATORS {
        return Err(Vault::InvalidSeat.field("seat.operator_keys", operators, format!("at most {MAX_OPERATORS}")));
    }
    seat_from_pb(message).map_err(|e| Vault::InvalidSeat.wrap(e))
}

/// Reads the key of a seat.
pub fn read_key(field: &str, bytes: &[u8]) -> Result<Commitment, TxError> {
    zektra_records::commitment(field, bytes).map_err(|e| Vault::InvalidSeat.wrap(e))
}

/// The seat of a key.
///
/// # Errors
/// The database fails.
pub fn seat(state: &dyn StateRead, key: &Commitment) -> Result<Option<SeatRecord>, StateError> {
    load(state, &keys::seat(key))
}

/// The seat of a key that must have one.
pub fn known(state: &dyn StateRead, key: &Commitment) -> Result<SeatRecord, TxError> {
    seat(state, key)?.ok_or_else(|| Vault::UnknownSeat.wrap(format!("key {key}")))
}

/// The seat of a key that must be current.
pub fn current(state: &dyn StateRead, key: &Commitment) -> Result<SeatRecord, TxError> {
    let record = known(state, key)?;
    if record.retired_height > 0 {
        let (height, next) = (record.retired_height, hex::encode(&record.successor));
        return Err(Vault::SeatRetired.wrap(format!("key {key}: retired at height {height}, followed by {next}")));
    }
    Ok(record)
}

/// The current seat of a key, which must be of this owner.
pub fn owned(state: &dyn StateRead, key: &Commitment, owner: &str) -> Result<SeatRecord, TxError> {
    let record = known(state, key)?;
    if record.owner != owner {
        return Err(Vault::NotOwner.wrap(format!("seat {key}: owned by {}, not by {owner}", record.owner)));
    }
    current(state, key)
}

/// The current seat of a key, which must be of this account.
///
/// # Errors
/// Nobody's seat, another's, or one that is retired.
pub fn current_seat(ctx: &Context<'_>, key: &Commitment, owner: &Address) -> Result<Seat, TxError> {
    Ok(stored(&owned(ctx.state, key, &ctx.text(owner))?)?)
}

/// The seat of a record.
pub fn stored(record: &SeatRecord) -> Result<Seat, StateError> {
    let seat = record.seat.as_ref().ok_or_else(|| damaged("a record without a seat"))?;
    seat_from_pb(seat).map_err(damaged)
}

/// Stores the seat of a key that was never used, under all its keys.
pub fn add(state: &mut dyn StateWrite, owner: &Address, key: &Commitment, record: &SeatRecord) -> Result<(), TxError> {
    if state.get(&keys::seat(key))?.is_some() {
        return Err(Vault::KeyUsed.wrap(format!("seat.key {key}")));
    }
    set(state, key, record)?;
    Ok(state.put(keys::seat_of(owner, key), vec![1])?)
}

/// Stores a seat that is known.
pub fn set(state: &mut dyn StateWrite, key: &Commitment, record: &SeatRecord) -> Result<(), StateError> {
    save(state, keys::seat(key), record)
}
