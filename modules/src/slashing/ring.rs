//! Missed blocks of a validator: a ring of bits, one for each block of the window, in chunks. The bit of the `n`-th block
//! that the validator could sign, counted from 0, has the index `n mod window`.

use super::{damaged, keys};
use crate::address::Address;
use zektra_state::{Order, StateError, StateRead, StateWrite, scan_prefix};

/// Bits of a chunk: what a block writes at most for a validator.
pub const CHUNK: u64 = 1024;

/// Sets a bit; says whether it changed.
///
/// # Errors
/// The database fails.
pub fn set(state: &mut dyn StateWrite, consensus: &Address, index: u64, missed: bool) -> Result<bool, StateError> {
    let key = keys::missed(consensus, index / CHUNK);
    let bit = index % CHUNK;
    let (at, mask) = ((bit / 8) as usize, 1 << (bit % 8));
    let mut bits = state.get(&key)?.unwrap_or_default();
    if bits.len() <= at {
        bits.resize(at + 1, 0);
    }
    if (bits[at] & mask != 0) == missed {
        return Ok(false);
    }
    bits[at] ^= mask;
    let length = bits.iter().rposition(|&b| b != 0).map_or(0, |last| last + 1);
    bits.truncate(length);
    if bits.is_empty() {
        state.delete(key)?
    } else {
        state.put(key, bits)?
    }
    Ok(true)
}

/// Indices of bits that are set, in order.
///
/// # Errors
/// The database fails.
pub fn missed(state: &dyn StateRead, consensus: &Address) -> Result<Vec<u64>, StateError> {
    let mut out = vec![];
    for entry in scan_prefix(state, &keys::missed_of(consensus), Order::Ascending) {
        let (key, bits) = entry?;
        let (_, chunk) = keys::split_missed(&key[keys::MISSED.len()..]).ok_or_else(|| damaged("a key of a chunk"))?;
        out.extend(indices(chunk, &bits)?);
    }
    Ok(out)
}

/// Indices of bits that are set in a chunk.
pub(super) fn indices(chunk: u64, bits: &[u8]) -> Result<Vec<u64>, StateError> {
    if bits.len() as u64 > CHUNK / 8 || bits.last().is_none_or(|&b| b == 0) {
        return Err(damaged(format!("{} bytes of chunk {chunk}", bits.len())));
    }
    let first = chunk.checked_mul(CHUNK).ok_or_else(|| damaged(format!("chunk {chunk}")))?;
    let is_set = |&bit: &u64| bits[(bit / 8) as usize] & (1 << (bit % 8)) != 0;
    Ok((0..bits.len() as u64 * 8).filter(is_set).map(|bit| first | bit).collect())
}

/// Clears all bits.
///
/// # Errors
/// The database fails.
pub fn clear(state: &mut dyn StateWrite, consensus: &Address) -> Result<(), StateError> {
    let chunks = scan_prefix(&*state, &keys::missed_of(consensus), Order::Ascending);
    let chunks = chunks.map(|entry| Ok(entry?.0)).collect::<Result<Vec<_>, StateError>>()?;
    chunks.into_iter().try_for_each(|key| state.delete(key))
}

/// Changes the window of a validator that could sign `blocks` blocks so far: of the last ones, as many as both windows
/// hold stay as they were, all others count as signed. Gives the number of missed ones.
///
/// # Errors
/// The database fails.
pub fn resize(
    state: &mut dyn StateWrite,
    consensus: &Address,
    blocks: u64,
    before: u64,
    after: u64,
) -> Result<u64, StateError> {
    let found = missed(state, consensus)?;
    clear(state, consensus)?;
    let mut count = 0;
    for index in found.into_iter().filter(|&i| i < before) {
        // How many blocks came after the one of this bit: windows are below 2^63, so nothing overflows.
        let age = (blocks % before + before - 1 - index) % before;
        if age < after {
            set(state, consensus, (blocks % after + after - 1 - age) % after, true)?;
            count += 1;
        }
    }
    Ok(count)
}
