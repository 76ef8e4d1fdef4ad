//! What the index takes in of a block.
//!
//! A block of payments makes some thirty entries a transaction. They are written in the order of their keys, which the
//! database takes faster, and sorted by what differs: names of events are few, so each has its own list.

use super::{Place, at_key, event_prefix, time_key, tx_key};
use crate::tx::{self, TxHash};
use prost::Message as _;
use rayon::prelude::*;
use std::collections::BTreeMap;
use zektra_modules::context::Block;
use zektra_proto::tendermint::abci::{ExecTxResult, TxResult};
use zektra_state::StateError;
use zektra_store::{IndexBatch, Store};

/// Values of one name with the transactions where they are.
type Values<'a> = Vec<(&'a str, u32)>;

/// Transactions as searches give them back, with their hashes, in the order of the block.
pub(crate) type Records = Vec<(TxHash, Vec<u8>)>;

/// Takes results as they come from execution: each with its record.
pub(crate) fn records<T: AsRef<[u8]>>(
    height: u64,
    txs: &[T],
    results: impl IntoIterator<Item = ExecTxResult>,
) -> (Vec<ExecTxResult>, Records) {
    let both = (0..).zip(txs).zip(results).map(|((index, tx), result)| {
        let record = record(height, index, tx.as_ref(), &result);
        (result, (tx::hash(tx.as_ref()), record))
    });
    both.unzip()
}

/// A block's transactions as entries of the store's index.
pub(crate) fn write(
    store: &Store,
    block: &Block,
    records: &Records,
    results: &[ExecTxResult],
) -> Result<IndexBatch, StateError> {
    let mut batch = store.index_batch();
    for (index, (hash, _)) in (0..).zip(records) {
        batch.put(&at_key((block.height, index)), hash);
    }
    let mut key = vec![];
    for (name, values) in events(results) {
        for (value, index) in values {
            key.clear();
            key.extend_from_slice(&event_prefix(&name, value));
            put_place(&mut key, (block.height, index));
            batch.put(&key, &[]);
        }
    }
    batch.put(&time_key(block.height), &block.time.encode_to_vec());
    let mut by_hash: BTreeMap<&TxHash, (&[u8], bool)> = BTreeMap::new();
    for ((hash, record), result) in records.iter().zip(results) {
        // The same bytes may come again and fail: what succeeded stays.
        let entry = by_hash.entry(hash).or_insert((record, false));
        if result.code == 0 {
            *entry = (record, true);
        }
    }
    let succeeded = |hash: &TxHash| {
        let before = super::get(store, hash)?;
        Ok::<_, StateError>(before.and_then(|b| b.result).is_some_and(|r| r.code == 0))
    };
    for (hash, (record, success)) in by_hash {
        if success || !succeeded(hash)? {
            batch.put(&tx_key(hash), record);
        }
    }
    Ok(batch)
}

fn put_place(key: &mut Vec<u8>, (height, index): Place) {
    key.extend_from_slice(&height.to_be_bytes());
    key.extend_from_slice(&index.to_be_bytes());
}

/// A `TxResult`, of parts that are not copied first.
fn record(height: u64, index: u32, tx: &[u8], result: &ExecTxResult) -> Vec<u8> {
    let height = i64::try_from(height).unwrap_or(i64::MAX);
    let head = TxResult { height, index, tx: tx.to_vec().into(), result: None };
    let mut out = head.encode_to_vec();
    // The last field by its number.
    prost::encoding::message::encode(4, result, &mut out);
    out
}

/// Indexed values by `type.key`, in the order of their keys.
fn events(results: &[ExecTxResult]) -> Vec<(String, Values<'_>)> {
    let mut found: BTreeMap<(&str, &str), Values<'_>> = BTreeMap::new();
    for (index, result) in (0..).zip(results) {
        for event in &result.events {
            for attribute in event.attributes.iter().filter(|a| a.index) {
                found.entry((&event.r#type, &attribute.key)).or_default().push((&attribute.value, index));
            }
        }
    }
    let mut by_name: BTreeMap<(usize, String), Values<'_>> = BTreeMap::new();
    for ((kind, key), values) in found {
        let name = format!("{kind}.{key}");
        by_name.entry((name.len(), name)).or_default().extend(values);
    }
    let mut out: Vec<_> = by_name.into_iter().map(|((_, name), values)| (name, values)).collect();
    out.par_iter_mut().for_each(|(_, values)| {
        // As their keys: shorter values first.
        values.sort_unstable_by_key(|(value, index)| (value.len(), *value, *index));
        values.dedup();
    });
    out
}
