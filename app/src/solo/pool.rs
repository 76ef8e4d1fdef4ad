//! Pending transactions of a solo chain, with the bounds of CometBFT's mempool.

use crate::mempool::MAX_TX_BYTES;
use crate::tx::{self, TxHash};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Bounds of what is pending.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Transactions.
    pub count: usize,
    /// Bytes of all transactions.
    pub bytes: usize,
    /// Bytes of one transaction.
    pub tx_bytes: usize,
    /// Hashes that are remembered.
    pub cache: usize,
}

impl Default for Limits {
    /// Those of CometBFT, with 64 MiB in place of 1 GiB for all.
    fn default() -> Self {
        Self { count: 5000, bytes: 64 << 20, tx_bytes: MAX_TX_BYTES, cache: 10_000 }
    }
}

/// Pending transactions in the order in which they came.
#[derive(Debug)]
pub struct Pool {
    limits: Limits,
    next: u64,
    txs: BTreeMap<u64, (TxHash, Vec<u8>)>,
    bytes: usize,
    seen: BTreeSet<TxHash>,
    order: VecDeque<TxHash>,
}

impl Pool {
    /// An empty pool.
    pub fn new(limits: Limits) -> Self {
        let (txs, seen, order) = (BTreeMap::new(), BTreeSet::new(), VecDeque::new());
        Self { limits, next: 0, txs, bytes: 0, seen, order }
    }

    /// Whether a transaction may be checked, with CometBFT's words if not.
    ///
    /// # Errors
    /// It is too large, the pool is full, or it was seen.
    pub fn admit(&mut self, bytes: &[u8]) -> Result<TxHash, String> {
        let Limits { count, bytes: most, tx_bytes, cache } = self.limits;
        if bytes.len() > tx_bytes {
            return Err(format!("tx too large. Max size is {tx_bytes}, but got {}", bytes.len()));
        }
        if self.txs.len() >= count || self.bytes.saturating_add(bytes.len()) > most {
            return Err(format!(
                "mempool is full: number of txs {} (max: {count}), total txs bytes {} (max: {most})",
                self.txs.len(),
                self.bytes
            ));
        }
        let hash = tx::hash(bytes);
        if !self.seen.insert(hash) {
            return Err("tx already exists in cache".into());
        }
        self.order.push_back(hash);
        if self.order.len() > cache
            && let Some(old) = self.order.pop_front()
        {
            self.seen.remove(&old);
        }
        Ok(hash)
    }

    /// Takes a transaction that was checked.
    pub fn push(&mut self, hash: TxHash, bytes: Vec<u8>) {
        self.bytes += bytes.len();
        self.txs.insert(self.next, (hash, bytes));
        self.next += 1;
    }

    /// Forgets a transaction that was refused: it may come again.
    pub fn forget(&mut self, hash: &TxHash) {
        self.seen.remove(hash);
        self.order.retain(|h| h != hash);
    }

    /// The pending transactions.
    pub fn txs(&self) -> impl Iterator<Item = &Vec<u8>> {
        self.txs.values().map(|(_, bytes)| bytes)
    }

    /// How many are pending.
    pub fn len(&self) -> usize {
        self.txs.len()
    }

    /// Whether none is pending.
    pub fn is_empty(&self) -> bool {
        self.txs.is_empty()
    }

    /// Bytes of all that are pending.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Removes what a block took, then all that `keep` refuses.
    pub fn settle(&mut self, taken: &[Vec<u8>], mut keep: impl FnMut(&[u8]) -> bool) {
        let taken: BTreeSet<TxHash> = taken.iter().map(|t| tx::hash(t)).collect();
        self.txs.retain(|_, (hash, _)| !taken.contains(hash));
        let mut refused = vec![];
        self.txs.retain(|_, (hash, bytes)| {
            let stays = keep(bytes);
            if !stays {
                refused.push(*hash);
            }
            stays
        });
        refused.iter().for_each(|hash| self.forget(hash));
        self.bytes = self.txs.values().map(|(_, bytes)| bytes.len()).sum();
    }
}
