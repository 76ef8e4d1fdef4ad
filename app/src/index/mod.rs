//! Transactions by hash, by height and by what happened in them: written with each commit, not part of the state.
//!
//! | key | value |
//! | --- | --- |
//! | `tx/` hash | the transaction with its result, a `TxResult` |
//! | `at/` height place | hash |
//! | `time/` height | the block's time |
//! | `event/` length name length value height place | the places before it, of the same list |
//!
//! Lengths and places are 4 bytes, heights 8, all big-endian: entries of one event lie in the order of the chain,
//! each with up to 256 places of one block in their order, the last of them in its key.

mod block;
mod query;

pub(crate) use block::Writer;
pub use query::{Condition, Operation, Query, QueryParseError};

use crate::tx::TxHash;
use prost::Message as _;
use std::collections::BTreeMap;
use zektra_modules::query::{Code, QueryError};
use zektra_proto::Timestamp;
use zektra_proto::tendermint::abci::{Event, TxResult};
use zektra_state::{Entry, Order, StateError, after_prefix};
use zektra_store::Store;

/// Most matches that a search counts: the total of a larger one is this many.
pub const MAX_COUNTED: u64 = 10_000;

/// Most transactions that a search looks at; most blocks with the KiB of their results.
pub const MAX_LOOKED_AT: u64 = 100_000;

/// Bytes of the transactions, or the blocks, of one page; a single one may have more.
pub const MAX_PAGE_BYTES: usize = 32 << 20;

/// Why a search finds nothing.
#[derive(Debug, thiserror::Error)]
pub enum SearchError {
    /// The database fails.
    #[error(transparent)]
    State(#[from] StateError),
    /// It does not end after so many transactions.
    #[error(
        "query {query:?}: looked at {looked} transactions, which is the limit; narrow it by tx.height or by equal values"
    )]
    Wide {
        /// The query.
        query: String,
        /// The limit.
        looked: u64,
    },
    /// It does not end after so many blocks and KiB of results.
    #[error(
        "query {query:?}: looked at {looked} blocks and KiB of their results, which is the limit; narrow it by block.height"
    )]
    WideBlocks {
        /// The query.
        query: String,
        /// The limit.
        looked: u64,
    },
    /// What was found has too many bytes for one answer.
    #[error(
        "query {query:?}: the first {count} of the page have {bytes} bytes, expected at most {MAX_PAGE_BYTES}; ask for fewer at once"
    )]
    Large {
        /// The query.
        query: String,
        /// How many of the page.
        count: usize,
        /// Their bytes.
        bytes: usize,
    },
}

/// Refuses a page beyond what one answer may hold, unless it holds one thing only.
///
/// # Errors
/// It is too large.
pub fn demand_page(query: &Query, count: usize, bytes: usize) -> Result<(), SearchError> {
    if count > 1 && bytes > MAX_PAGE_BYTES {
        return Err(SearchError::Large { query: query.to_string(), count, bytes });
    }
    Ok(())
}

impl From<SearchError> for QueryError {
    fn from(e: SearchError) -> Self {
        match e {
            SearchError::State(e) => e.into(),
            _ => Code::InvalidArgument.error(e),
        }
    }
}

/// Where a transaction is: height and place in the block.
type Place = (u64, u32);

/// What happened, as searches and subscriptions see it: values by `type.key`.
pub type Named = BTreeMap<String, Vec<String>>;

/// `tx/` hash
pub fn tx_key(hash: &TxHash) -> Vec<u8> {
    [b"tx/", &hash[..]].concat()
}

fn at_key((height, place): Place) -> Vec<u8> {
    [b"at/", &height.to_be_bytes()[..], &place.to_be_bytes()].concat()
}

fn time_key(height: u64) -> Vec<u8> {
    [b"time/", &height.to_be_bytes()[..]].concat()
}

fn event_prefix(name: &str, value: &str) -> Vec<u8> {
    let length = |text: &str| u32::try_from(text.len()).unwrap_or(u32::MAX).to_be_bytes();
    [b"event/", &length(name)[..], name.as_bytes(), &length(value), value.as_bytes()].concat()
}

fn place_of(key: &[u8]) -> Result<Place, StateError> {
    let damaged = || StateError::Damaged("a key of the transaction index".into());
    let (rest, place) = key.split_last_chunk::<4>().ok_or_else(damaged)?;
    let (_, height) = rest.split_last_chunk::<8>().ok_or_else(damaged)?;
    Ok((u64::from_be_bytes(*height), u32::from_be_bytes(*place)))
}

/// Values of events by `type.key`, in their order.
pub fn named(events: &[Event]) -> Named {
    let mut out = Named::new();
    for event in events {
        for attribute in &event.attributes {
            let name = format!("{}.{}", event.r#type, attribute.key);
            out.entry(name).or_default().push(attribute.value.clone());
        }
    }
    out
}

/// A transaction by its hash.
///
/// # Errors
/// The database fails.
pub fn get(store: &Store, hash: &TxHash) -> Result<Option<TxResult>, StateError> {
    let Some(bytes) = store.index(&tx_key(hash))? else { return Ok(None) };
    read(&bytes).map(Some)
}

/// The time of a block.
///
/// # Errors
/// The database fails.
pub fn time(store: &Store, height: u64) -> Result<Option<Timestamp>, StateError> {
    let Some(bytes) = store.index(&time_key(height))? else { return Ok(None) };
    let damaged = |e| StateError::Damaged(format!("a time of the index: {e}"));
    Timestamp::decode(&bytes[..]).map(Some).map_err(damaged)
}

fn read(bytes: &[u8]) -> Result<TxResult, StateError> {
    TxResult::decode(bytes).map_err(|e| StateError::Damaged(format!("a transaction of the index: {e}")))
}

/// One of several sequences of places that are joined.
struct Sequence {
    prefix: Vec<u8>,
    /// Whether an entry has more places than that of its key.
    lists: bool,
}

impl Sequence {
    /// The first place at or after `from` in the direction of `order`.
    fn seek(&self, store: &Store, from: Place, order: Order) -> Result<Option<Place>, StateError> {
        let key = [&self.prefix[..], &from.0.to_be_bytes(), &from.1.to_be_bytes()].concat();
        let next = || store.scan_index(&key, after_prefix(&self.prefix).as_deref(), Order::Ascending).next();
        if order == Order::Ascending || self.lists {
            let next = next().transpose()?.map(|entry| self.places(&entry)).transpose()?.unwrap_or_default();
            let mut found = next.iter().copied();
            let found = match order {
                Order::Ascending => found.find(|place| *place >= from),
                Order::Descending => found.rfind(|place| *place <= from),
            };
            if found.is_some() || order == Order::Ascending {
                return Ok(found);
            }
        }
        let end = [&key[..], &[0]].concat();
        store.scan_index(&self.prefix, Some(&end), order).next().map(|entry| place_of(&entry?.0)).transpose()
    }

    /// The places of an entry, in their order.
    fn places(&self, (key, value): &Entry) -> Result<Vec<Place>, StateError> {
        let last = place_of(key)?;
        let before = value.chunks_exact(4).filter(|_| self.lists).filter_map(|index| index.first_chunk::<4>());
        Ok(before.map(|index| (last.0, u32::from_be_bytes(*index))).chain([last]).collect())
    }
}

fn after(place: Place, order: Order) -> Option<Place> {
    match order {
        Order::Ascending => {
            place.1.checked_add(1).map(|p| (place.0, p)).or_else(|| place.0.checked_add(1).map(|h| (h, 0)))
        }
        Order::Descending => {
            place.1.checked_sub(1).map(|p| (place.0, p)).or_else(|| place.0.checked_sub(1).map(|h| (h, u32::MAX)))
        }
    }
}

/// The transactions that fit `query`, from the `skip`-th on, at most `take`; and how many fit, at most
/// [`MAX_COUNTED`] or what the page itself needs.
///
/// # Errors
/// The database fails; more than [`MAX_LOOKED_AT`] transactions would have to be looked at; the page is too large.
pub fn search(
    store: &Store,
    query: &Query,
    order: Order,
    skip: u64,
    take: u64,
) -> Result<(Vec<TxResult>, u64), SearchError> {
    search_among(store, query, order, skip, take, MAX_LOOKED_AT)
}

/// As [`search`], but looks at no more than `most` transactions.
///
/// # Errors
/// As [`search`].
pub fn search_among(
    store: &Store,
    query: &Query,
    order: Order,
    skip: u64,
    take: u64,
    most: u64,
) -> Result<(Vec<TxResult>, u64), SearchError> {
    let mut left = most;
    let counted = MAX_COUNTED.max(skip.saturating_add(take));
    let (mut out, mut total, mut bytes) = (vec![], 0u64, 0usize);
    let mut keep = |record: TxResult| {
        if total >= skip && (out.len() as u64) < take {
            bytes = bytes.saturating_add(record.encoded_len());
            out.push(record);
            demand_page(query, out.len(), bytes)?;
        }
        total += 1;
        Ok::<_, SearchError>(total < counted)
    };
    if let Some(hash) = query.hash() {
        let found = get(store, &hash)?.filter(|record| query.fits_record(record));
        found.map(&mut keep).transpose()?;
        return Ok((out, total));
    }
    // Heights and equal values bound what must be looked at; whatever else is asked is checked on the record.
    let (lowest, highest) = query.heights_of("tx.height");
    let of_event = |(name, value): (&str, &str)| Sequence { prefix: event_prefix(name, value), lists: true };
    let mut sequences: Vec<Sequence> = query.equal().map(of_event).collect();
    if sequences.is_empty() {
        sequences.push(Sequence { prefix: b"at/".to_vec(), lists: false });
    }
    let mut at = match order {
        Order::Ascending => (lowest, 0),
        Order::Descending => (highest, u32::MAX),
    };
    'places: loop {
        // All sequences move on until they meet.
        let mut met = 0;
        while met < sequences.len() {
            for sequence in &sequences {
                let wide = || SearchError::Wide { query: query.to_string(), looked: most };
                left = left.checked_sub(1).ok_or_else(wide)?;
                let Some(found) = sequence.seek(store, at, order)? else { break 'places };
                if found == at {
                    met += 1;
                } else {
                    (at, met) = (found, 1);
                }
                if met >= sequences.len() {
                    break;
                }
            }
        }
        if at.0 < lowest || at.0 > highest {
            break;
        }
        let hash = store.index(&at_key(at))?.and_then(|h| TxHash::try_from(h).ok());
        let hash = hash.ok_or_else(|| StateError::Damaged("a transaction of the index is missing".into()))?;
        let record = get(store, &hash)?;
        let record = record.ok_or_else(|| StateError::Damaged("a transaction of the index is missing".into()))?;
        if query.fits_record(&record) && !keep(record)? {
            break;
        }
        match after(at, order) {
            Some(next) => at = next,
            None => break,
        }
    }
    Ok((out, total))
}
