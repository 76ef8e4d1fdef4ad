//! A version in chunks that can be checked one by one against its root.

use crate::db::{Db, Family, Store, node_key};
use crate::snapshot::Snapshot;
use crate::tree::Reader;
use crate::{Root, failed};
use borsh::{BorshDeserialize, BorshSerialize};
use jmt::proof::SparseMerkleRangeProof;
use jmt::restore::{JellyfishMerkleRestore, StateSnapshotReceiver as _};
use jmt::storage::{HasPreimage as _, NodeBatch, TreeWriter};
use jmt::{JellyfishMerkleIterator, KeyHash, RootHash, Sha256Jmt, Version};
use rocksdb::WriteBatch;
use sha2::Sha256;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use zektra_state::StateError;

/// Entries in the order of the hashes of their keys, with a proof that they and those of all chunks before are all
/// that the tree holds up to the last of them.
#[derive(Clone, Debug, BorshSerialize, BorshDeserialize)]
pub struct Chunk {
    entries: Vec<(Vec<u8>, Vec<u8>)>,
    proof: SparseMerkleRangeProof<Sha256>,
}

impl Chunk {
    /// The chunk's bytes (Borsh).
    ///
    /// # Errors
    /// More than 4 GiB.
    pub fn encode(&self) -> Result<Vec<u8>, StateError> {
        borsh::to_vec(self).map_err(|e| StateError::Tree(e.to_string()))
    }

    /// Reads a chunk.
    ///
    /// # Errors
    /// Bytes that are no chunk.
    pub fn decode(bytes: &[u8]) -> Result<Self, ChunkError> {
        borsh::from_slice(bytes).map_err(|e| ChunkError::Format(e.to_string()))
    }
}

/// Why a chunk is not taken.
#[derive(Debug, thiserror::Error)]
pub enum ChunkError {
    /// Bytes that are no chunk.
    #[error("not a chunk: {0}")]
    Format(String),
    /// Entries that are not those of the tree.
    #[error("the chunk does not fit the root: {0}")]
    False(String),
    /// The database fails.
    #[error(transparent)]
    Store(#[from] StateError),
}

impl Snapshot {
    /// Calls `each` with the version's chunks in order, of `bytes` of keys and values or little more.
    ///
    /// # Errors
    /// The version leaves the window meanwhile; what `each` says.
    pub fn chunks<E: From<StateError>>(
        &self,
        bytes: usize,
        mut each: impl FnMut(Chunk) -> Result<(), E>,
    ) -> Result<(), E> {
        let tree = |e: anyhow::Error| E::from(self.gone(&e));
        let reader = Arc::new(Reader::at(self.db(), self.version()));
        let entries = JellyfishMerkleIterator::new(reader.clone(), self.version(), KeyHash([0; 32])).map_err(tree)?;
        let mut entries = entries.peekable();
        let (mut chunk, mut size) = (vec![], 0);
        while let Some(entry) = entries.next() {
            let (hash, value) = entry.map_err(tree)?;
            let missing = || StateError::Damaged("the key of a leaf is missing".into());
            let key = reader.preimage(hash).map_err(tree)?.ok_or_else(missing)?;
            size += key.len() + value.len();
            chunk.push((key, value));
            if size >= bytes || entries.peek().is_none() {
                let proof = Sha256Jmt::new(&*reader).get_range_proof(hash, self.version()).map_err(tree)?;
                each(Chunk { entries: std::mem::take(&mut chunk), proof })?;
                size = 0;
            }
        }
        Ok(())
    }
}

/// A version that comes in chunks, for a store that holds none yet.
///
/// The tree's own restore stays in one thread, so it has one of its own.
pub struct Restore {
    /// Taken when it ends, which ends the thread.
    orders: Option<Sender<Order>>,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Restore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Restore")
    }
}

impl Drop for Restore {
    fn drop(&mut self) {
        self.orders.take();
        // The thread holds the database: it is free when this returns.
        self.thread.take().map(JoinHandle::join);
    }
}

/// What the thread is asked for, and where it answers.
enum Order {
    Add(Chunk, Sender<Result<(), ChunkError>>),
    Finish(Sender<Result<(), ChunkError>>),
}

impl Restore {
    /// Begins in a store that holds no version; what another restore left in it is removed.
    ///
    /// # Errors
    /// A store that holds versions; the database fails.
    pub fn begin(store: &Store, version: u64, root: Root) -> Result<Self, StateError> {
        let (orders, waiting) = channel();
        let (begun, told) = channel();
        let store = store.clone();
        let work = move || {
            let worker = Worker::begin(store, version, root);
            let (worker, result) = match worker {
                Ok(worker) => (Some(worker), Ok(())),
                Err(e) => (None, Err(e)),
            };
            // Nobody waits any more: nothing is to be done.
            if begun.send(result).is_ok()
                && let Some(worker) = worker
            {
                worker.run(&waiting);
            }
        };
        let thread = std::thread::Builder::new().name("restore".into()).spawn(work);
        let thread = thread.map_err(|e| StateError::Database(format!("no thread for a restore: {e}")))?;
        let restore = Self { orders: Some(orders), thread: Some(thread) };
        told.recv().map_err(|_| stopped())??;
        Ok(restore)
    }

    fn ask(&self, order: impl FnOnce(Sender<Result<(), ChunkError>>) -> Order) -> Result<(), ChunkError> {
        let (answer, told) = channel();
        self.orders.as_ref().ok_or_else(stopped)?.send(order(answer)).map_err(|_| stopped())?;
        told.recv().map_err(|_| stopped())?
    }

    /// Takes the next chunk. After one that does not fit the restore must begin again: the tree has taken parts of it
    /// in.
    ///
    /// # Errors
    /// A chunk that does not fit the root, or is not the next.
    pub fn add(&mut self, chunk: Chunk) -> Result<(), ChunkError> {
        self.ask(|answer| Order::Add(chunk, answer))
    }

    /// Ends after the last chunk: the root is computed again, and the version can be read in the store.
    ///
    /// # Errors
    /// A chunk is missing.
    pub fn finish(self) -> Result<(), ChunkError> {
        self.ask(Order::Finish)
    }
}

fn stopped() -> StateError {
    StateError::Tree("the restore has stopped".into())
}

/// The restore itself.
struct Worker {
    store: Store,
    version: Version,
    root: Root,
    /// `None` after a chunk that did not fit.
    tree: Option<JellyfishMerkleRestore<Sha256>>,
}

/// Where nodes of a version that comes in chunks are written.
struct Writer(Arc<Db>);

impl TreeWriter for Writer {
    fn write_node_batch(&self, nodes: &NodeBatch) -> anyhow::Result<()> {
        let mut batch = WriteBatch::default();
        for (key, node) in nodes.nodes() {
            batch.put_cf(self.0.family(Family::Nodes), node_key(key)?, borsh::to_vec(node)?);
        }
        Ok(self.0.rocks().write(batch)?)
    }
}

impl Worker {
    fn begin(store: Store, version: u64, root: Root) -> Result<Self, StateError> {
        if store.last()?.is_some() {
            return Err(StateError::Damaged("a version is restored into an empty store only".into()));
        }
        store.clear()?;
        let writer = Arc::new(Writer(store.db().clone()));
        let tree = JellyfishMerkleRestore::new_overwrite(writer, version, RootHash(root));
        let tree = tree.map_err(|e| StateError::Tree(format!("{e:#}")))?;
        Ok(Self { store, version, root, tree: Some(tree) })
    }

    fn run(mut self, waiting: &Receiver<Order>) {
        while let Ok(order) = waiting.recv() {
            // Whoever asked and has gone does not need the answer.
            match order {
                Order::Add(chunk, answer) => drop(answer.send(self.add(chunk))),
                Order::Finish(answer) => return drop(answer.send(self.finish())),
            }
        }
    }

    fn add(&mut self, chunk: Chunk) -> Result<(), ChunkError> {
        let hash = |key: &Vec<u8>| KeyHash::with::<Sha256>(key);
        let entries: Vec<_> = chunk.entries.iter().map(|(key, value)| (hash(key), value.clone())).collect();
        let spoilt = || ChunkError::False("a chunk before it did not fit: begin again".into());
        let mut tree = self.tree.take().ok_or_else(spoilt)?;
        // The library asserts where a chunk's proof has another shape than its entries.
        let added = catch_unwind(AssertUnwindSafe(|| tree.add_chunk(entries, chunk.proof)));
        match added {
            Ok(Ok(())) => self.tree = Some(tree),
            Ok(Err(e)) => return Err(ChunkError::False(format!("{e:#}"))),
            Err(_) => return Err(ChunkError::False("its proof has another shape".into())),
        }
        let db = self.store.db();
        let mut batch = WriteBatch::default();
        for (key, value) in chunk.entries {
            batch.put_cf(db.family(Family::Keys), hash(&key).0, &key);
            batch.put_cf(db.family(Family::State), key, value);
        }
        db.rocks().write(batch).map_err(failed)?;
        Ok(())
    }

    fn finish(self) -> Result<(), ChunkError> {
        let Self { store, version, root, tree } = self;
        let tree = tree.ok_or_else(|| ChunkError::False("a chunk did not fit: begin again".into()))?;
        tree.finish().map_err(|e| ChunkError::False(format!("{e:#}")))?;
        let reader = Reader::new(store.db());
        let found = Sha256Jmt::new(&reader).get_root_hash(version).map_err(|e| ChunkError::False(format!("{e:#}")))?;
        if found.0 != root {
            return Err(ChunkError::False("chunks are missing at its end".into()));
        }
        store.restored(version, root)?;
        Ok(())
    }
}
