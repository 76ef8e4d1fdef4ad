//! What the index takes in of a block.
//!
//! A block of payments makes some ten entries a transaction. They are written in the order of their keys, which the
//! database takes faster, and sorted by what differs: names of events are few, so each has its own list.

use super::{Place, at_key, event_prefix, time_key, tx_key};
use crate::tx::{self, TxHash};
use prost::Message as _;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use zektra_modules::context::Block;
use zektra_proto::tendermint::abci::{ExecTxResult, TxResult};
use zektra_state::StateError;
use zektra_store::{IndexBatch, Store};

/// Places in one entry: all transactions of a block may have a value in common.
const LIST: usize = 256;

/// Values of one name with the transactions where they are.
type Values<'a> = Vec<(&'a str, u32)>;

/// Takes the transactions of a block in, while others of it are executed.
pub(crate) struct Writer<'a> {
    store: &'a Store,
    height: u64,
    /// Transactions that were taken in.
    count: u32,
    batch: IndexBatch,
    /// Those of them that have an entry.
    taken: BTreeSet<TxHash>,
}

impl<'a> Writer<'a> {
    pub fn new(store: &'a Store, block: &Block) -> Self {
        let mut batch = store.index_batch();
        batch.put(&time_key(block.height), &block.time.encode_to_vec());
        Self { store, height: block.height, count: 0, batch, taken: BTreeSet::new() }
    }

    /// Takes in the transactions that follow, with their results.
    ///
    /// # Errors
    /// The database fails.
    pub fn add(&mut self, txs: &[impl AsRef<[u8]>], results: &[ExecTxResult]) -> Result<(), StateError> {
        let (height, first) = (self.height, self.count);
        let (mut key, mut others) = (vec![], vec![]);
        for (name, values) in events(first, results) {
            for same in values.chunk_by(|a, b| a.0 == b.0) {
                for list in same.chunks(LIST) {
                    let Some((&(value, last), before)) = list.split_last() else { continue };
                    key.clear();
                    key.extend_from_slice(&event_prefix(&name, value));
                    put_place(&mut key, (height, last));
                    others.clear();
                    before.iter().for_each(|(_, index)| others.extend_from_slice(&index.to_be_bytes()));
                    self.batch.put(&key, &others);
                }
            }
        }
        let mut by_hash = BTreeMap::new();
        for (tx, result) in txs.iter().zip(results) {
            let hash = tx::hash(tx.as_ref());
            self.batch.put(&at_key((height, self.count)), &hash);
            // The same bytes may come again and fail: what succeeded stays.
            if result.code == 0 || !self.is_known(&hash)? {
                by_hash.insert(hash, record(height, self.count, tx.as_ref(), result));
                self.taken.insert(hash);
            }
            self.count += 1;
        }
        for (hash, record) in by_hash {
            self.batch.put(&tx_key(&hash), &record);
        }
        Ok(())
    }

    /// Whether the bytes stand in this block already, or have succeeded before.
    fn is_known(&self, hash: &TxHash) -> Result<bool, StateError> {
        if self.taken.contains(hash) {
            return Ok(true);
        }
        let before = super::get(self.store, hash)?;
        Ok(before.and_then(|b| b.result).is_some_and(|r| r.code == 0))
    }

    /// The entries.
    pub fn into_batch(self) -> IndexBatch {
        self.batch
    }
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

/// Indexed values by `type.key`, in the order of their keys; `first` is the place of the first result.
fn events(first: u32, results: &[ExecTxResult]) -> Vec<(String, Values<'_>)> {
    let mut found: BTreeMap<(&str, &str), Values<'_>> = BTreeMap::new();
    for (index, result) in (first..).zip(results) {
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
