//! Snapshots for state sync: a version in chunks that a new node checks one by one against the block's app hash.
//!
//! `data/snapshots/` height `/`: `0`, `1`, … are chunks, `hashes` their SHA-256 one after the other. A folder is renamed
//! to its height when all of it is on the disk, and to `removed` before it is removed: whatever is cut off, a height
//! stands for a whole snapshot. The index of transactions is not part of it.

use crate::app::{App, AppError};
use sha2::{Digest as _, Sha256};
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use zektra_proto::tendermint::abci::response_apply_snapshot_chunk::Result as Applied;
use zektra_proto::tendermint::abci::response_offer_snapshot::Result as Offered;
use zektra_proto::tendermint::abci::{
    RequestApplySnapshotChunk, RequestLoadSnapshotChunk, RequestOfferSnapshot, ResponseApplySnapshotChunk, Snapshot,
};
use zektra_state::StateError;
use zektra_store::{Chunk, ChunkError, Restore};

/// The layout of chunks.
const FORMAT: u32 = 1;
/// Most chunks of a snapshot: 400 GB.
const MAX_CHUNKS: u32 = 100_000;

/// How snapshots are taken.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// At heights that this divides; 0 for never.
    pub every: u64,
    /// How many are kept.
    pub keep: usize,
    /// Bytes of keys and values of a chunk: below CometBFT's 16 MiB with their proof.
    pub chunk: usize,
}

impl Default for Schedule {
    fn default() -> Self {
        Self { every: 0, keep: 0, chunk: 4 << 20 }
    }
}

/// The snapshots of a node, and one that it restores from.
#[derive(Debug, Default)]
pub struct Snapshots {
    taking: AtomicBool,
    restoring: Mutex<Option<Restoring>>,
}

#[derive(Debug)]
struct Restoring {
    restore: Restore,
    hashes: Vec<[u8; 32]>,
    next: usize,
}

fn folder(app: &App) -> PathBuf {
    app.config().home.join("snapshots")
}

fn held(snapshots: &Snapshots) -> MutexGuard<'_, Option<Restoring>> {
    snapshots.restoring.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes a snapshot of the last block if one is due, beside whatever else the node does.
pub fn after_commit(app: &App, height: u64) {
    let Schedule { every, .. } = app.config().snapshots;
    if every == 0 || !height.is_multiple_of(every) || app.0.snapshots.taking.swap(true, Ordering::SeqCst) {
        return;
    }
    let own = app.clone();
    let work = move || {
        match take(&own, height) {
            Ok(chunks) => tracing::info!(height, chunks, "snapshot"),
            Err(e) => tracing::warn!(height, error = %e, "no snapshot was taken"),
        }
        own.0.snapshots.taking.store(false, Ordering::SeqCst);
    };
    if let Err(e) = std::thread::Builder::new().name("snapshot".into()).spawn(work) {
        tracing::warn!(error = %e, "no thread for a snapshot");
        app.0.snapshots.taking.store(false, Ordering::SeqCst);
    }
}

fn database(path: &Path) -> impl Fn(io::Error) -> StateError {
    let path = path.display().to_string();
    move |e| StateError::Database(format!("{path}: {e}"))
}

/// Writes a file that a power cut leaves whole once its folder is on the disk, too.
fn write(path: &Path, bytes: &[u8]) -> Result<(), StateError> {
    let written = File::create(path).and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    written.map_err(database(path))
}

/// Brings the names in a folder to the disk.
fn sync(folder: &Path) -> Result<(), StateError> {
    File::open(folder).and_then(|f| f.sync_all()).map_err(database(folder))
}

/// Removes a snapshot, which is none any more before the first of its files is gone.
fn remove(all: &Path, height: u64) -> Result<(), StateError> {
    let (whole, removed) = (all.join(height.to_string()), all.join("removed"));
    let _ = fs::remove_dir_all(&removed);
    match fs::rename(&whole, &removed) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        renamed => renamed.map_err(database(&whole))?,
    }
    sync(all)?;
    fs::remove_dir_all(&removed).map_err(database(&removed))
}

/// Writes the snapshot of a height; gives its number of chunks.
///
/// # Errors
/// The height is not kept any more; the disk is full.
pub fn take(app: &App, height: u64) -> Result<usize, StateError> {
    let all = folder(app);
    let partial = all.join("partial");
    let _ = fs::remove_dir_all(&partial);
    fs::create_dir_all(&partial).map_err(database(&partial))?;
    let mut hashes: Vec<u8> = vec![];
    app.store().snapshot(height)?.chunks(app.config().snapshots.chunk, |chunk| {
        let bytes = chunk.encode()?;
        let path = partial.join((hashes.len() / 32).to_string());
        hashes.extend(Sha256::digest(&bytes));
        write(&path, &bytes)
    })?;
    write(&partial.join("hashes"), &hashes)?;
    sync(&partial)?;
    remove(&all, height)?;
    let whole = all.join(height.to_string());
    fs::rename(&partial, &whole).map_err(database(&whole))?;
    sync(&all)?;
    for old in heights(app).into_iter().rev().skip(app.config().snapshots.keep.max(1)) {
        remove(&all, old)?;
    }
    Ok(hashes.len() / 32)
}

/// Heights of the snapshots, ascending.
fn heights(app: &App) -> Vec<u64> {
    let entries = fs::read_dir(folder(app)).into_iter().flatten().flatten();
    let mut out: Vec<u64> = entries.filter_map(|e| e.file_name().to_str()?.parse().ok()).collect();
    out.sort_unstable();
    out
}

/// What is offered to others.
pub fn list(app: &App) -> Vec<Snapshot> {
    let shown = |height: u64| {
        let hashes = fs::read(folder(app).join(height.to_string()).join("hashes")).ok()?;
        Some(Snapshot {
            height,
            format: FORMAT,
            chunks: u32::try_from(hashes.len() / 32).ok()?,
            hash: Sha256::digest(&hashes).to_vec().into(),
            metadata: hashes.into(),
        })
    };
    heights(app).into_iter().filter_map(shown).collect()
}

/// A chunk for another node; nothing if there is none.
pub fn load(app: &App, request: &RequestLoadSnapshotChunk) -> Vec<u8> {
    if request.format != FORMAT {
        return vec![];
    }
    let path = folder(app).join(request.height.to_string()).join(request.chunk.to_string());
    fs::read(path).unwrap_or_default()
}

/// Whether a snapshot is restored from.
///
/// # Errors
/// The database fails.
pub fn offer(app: &App, request: &RequestOfferSnapshot) -> Result<Offered, AppError> {
    let Some(snapshot) = &request.snapshot else { return Ok(Offered::Reject) };
    if snapshot.format != FORMAT {
        return Ok(Offered::RejectFormat);
    }
    if app.store().last()?.is_some() {
        tracing::error!("a state is here already: state sync needs an empty home");
        return Ok(Offered::Abort);
    }
    let hashes: Vec<[u8; 32]> = snapshot.metadata.chunks_exact(32).map(|h| h.try_into().unwrap_or_default()).collect();
    let count = u32::try_from(hashes.len()).unwrap_or(u32::MAX);
    let whole =
        snapshot.metadata.len().is_multiple_of(32) && count == snapshot.chunks && (1..=MAX_CHUNKS).contains(&count);
    let (Ok(root), true) =
        (request.app_hash[..].try_into(), whole && snapshot.hash == Sha256::digest(&snapshot.metadata)[..])
    else {
        return Ok(Offered::Reject);
    };
    let mut restoring = held(&app.0.snapshots);
    *restoring = None;
    let restore = Restore::begin(app.store(), snapshot.height, root)?;
    *restoring = Some(Restoring { restore, hashes, next: 0 });
    tracing::info!(height = snapshot.height, chunks = count, "restoring from a snapshot");
    Ok(Offered::Accept)
}

fn said(result: Applied) -> ResponseApplySnapshotChunk {
    ResponseApplySnapshotChunk { result: result as i32, ..ResponseApplySnapshotChunk::default() }
}

/// Takes a chunk.
///
/// # Errors
/// The database fails.
pub fn apply(app: &App, request: RequestApplySnapshotChunk) -> Result<ResponseApplySnapshotChunk, AppError> {
    let mut restoring = held(&app.0.snapshots);
    let Some(Restoring { restore, hashes, next }) = restoring.as_mut() else { return Ok(said(Applied::Abort)) };
    let index = usize::try_from(request.index).unwrap_or(usize::MAX);
    if index != *next {
        return Ok(said(Applied::RetrySnapshot));
    }
    // Bytes that are not the snapshot's own come from this sender alone: another may have them.
    if hashes.get(index).is_none_or(|h| *h != Sha256::digest(&request.chunk)[..]) {
        tracing::warn!(chunk = index, sender = request.sender, "a chunk is not the snapshot's: asking another peer");
        return Ok(ResponseApplySnapshotChunk {
            result: Applied::Retry as i32,
            refetch_chunks: vec![request.index],
            reject_senders: vec![request.sender],
        });
    }
    // What fits the snapshot and not the app hash makes the whole snapshot false.
    let added = Chunk::decode(&request.chunk).and_then(|chunk| restore.add(chunk));
    let done = match added {
        Ok(()) => {
            *next += 1;
            *next == hashes.len()
        }
        Err(ChunkError::Store(e)) => return Err(e.into()),
        Err(e) => return refused(&mut restoring, &e),
    };
    if done && let Some(Restoring { restore, .. }) = restoring.take() {
        match restore.finish() {
            Ok(()) => app.load_committed()?,
            Err(ChunkError::Store(e)) => return Err(e.into()),
            Err(e) => return refused(&mut restoring, &e),
        }
        tracing::info!(height = app.committed().height, "restored");
    }
    Ok(said(Applied::Accept))
}

fn refused(restoring: &mut Option<Restoring>, e: &ChunkError) -> Result<ResponseApplySnapshotChunk, AppError> {
    tracing::warn!(error = %e, "a snapshot is false");
    *restoring = None;
    Ok(said(Applied::RejectSnapshot))
}
