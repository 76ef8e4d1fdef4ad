//! What is kept of blocks, beside the state and written with it.

use super::block;
use super::{SoloError, Validators};
use crate::app::App;
use crate::index::{self, Query, SearchError};
use prost::Message as _;
use tendermint::block::Commit;
use tendermint::{Block, block as tm};
use zektra_proto::tendermint::abci::{Event, ResponseFinalizeBlock};
use zektra_proto::tendermint::types::{Block as RawBlock, Commit as RawCommit};
use zektra_state::{Order, StateError};

/// `solo/block/` height: the block; `solo/commit/` its commit; `solo/results/` its results; `solo/validators/` the set
/// from this height on, where it changes.
pub(super) fn key(kind: &str, height: u64) -> Vec<u8> {
    [format!("solo/{kind}/").as_bytes(), &height.to_be_bytes()].concat()
}

/// `solo/hash/` hash: the height
pub(super) fn hash_key(hash: &[u8]) -> Vec<u8> {
    [b"solo/hash/", hash].concat()
}

pub(super) fn damaged(height: u64) -> impl Fn(String) -> SoloError {
    move |e| SoloError::State(StateError::Damaged(format!("block {height}: {e}")))
}

fn stored<M: prost::Message + Default>(app: &App, kind: &str, height: u64) -> Result<Option<M>, SoloError> {
    let Some(bytes) = app.store().index(&key(kind, height))? else { return Ok(None) };
    M::decode(&bytes[..]).map(Some).map_err(|e| damaged(height)(e.to_string()))
}

/// A block with its id.
///
/// # Errors
/// The database fails or is damaged.
pub fn stored_block(app: &App, height: u64) -> Result<Option<(tm::Id, Block)>, SoloError> {
    let Some(raw) = stored::<RawBlock>(app, "block", height)? else { return Ok(None) };
    let block = Block::try_from(raw).map_err(|e| damaged(height)(e.to_string()))?;
    Ok(Some((block::id(&block)?, block)))
}

/// The commit that makes a block final.
pub(super) fn stored_commit(app: &App, height: u64) -> Result<Option<Commit>, SoloError> {
    let Some(raw) = stored::<RawCommit>(app, "commit", height)? else { return Ok(None) };
    Commit::try_from(raw).map(Some).map_err(|e| damaged(height)(e.to_string()))
}

/// What executing a block gave.
pub(super) fn stored_results(app: &App, height: u64) -> Result<Option<ResponseFinalizeBlock>, SoloError> {
    stored(app, "results", height)
}

/// Who signs the block of a height: `first` before sets were kept.
pub(crate) fn stored_validators(app: &App, height: u64, first: &Validators) -> Result<Validators, SoloError> {
    Ok(Validators::stored(app, height)?.unwrap_or_else(|| first.clone()))
}

/// How many bytes a block has.
pub(super) fn block_bytes(app: &App, height: u64) -> Result<usize, SoloError> {
    Ok(app.store().index(&key("block", height))?.map_or(0, |bytes| bytes.len()))
}

/// What happened at a block's beginning and end: its results without those of its transactions, which are most of it.
#[derive(Clone, PartialEq, prost::Message)]
struct OwnEvents {
    #[prost(message, repeated, tag = "1")]
    events: Vec<Event>,
}

/// Heights of the blocks from `first` on that fit `query`, at most [`index::MAX_COUNTED`]: looked through one by one.
///
/// # Errors
/// The database fails; more than `most` blocks and KiB of their results would have to be looked at.
pub fn find_blocks(app: &App, first: u64, query: &Query, order: Order, most: u64) -> Result<Vec<u64>, SearchError> {
    let (least, highest) = query.heights_of("block.height");
    let (least, highest) = (least.max(first), highest.min(app.committed().height));
    let heights: Box<dyn Iterator<Item = u64>> = match order {
        Order::Ascending => Box::new(least..=highest),
        Order::Descending => Box::new((least..=highest).rev()),
    };
    // What is asked of heights alone is known without the results.
    let of_results = query.conditions().iter().any(|c| !matches!(&c.name[..], "block.height" | "tm.event"));
    let (mut left, mut found) = (most, vec![]);
    for height in heights {
        let held = if of_results { app.store().index(&key("results", height))?.unwrap_or_default() } else { vec![] };
        let wide = || SearchError::WideBlocks { query: query.to_string(), looked: most };
        left = left.checked_sub(1 + held.len() as u64 / 1024).ok_or_else(wide)?;
        let own = OwnEvents::decode(&held[..]).map_err(|e| StateError::Damaged(format!("block {height}: {e}")))?;
        let mut events = index::named(&own.events);
        events.insert("block.height".into(), vec![height.to_string()]);
        events.insert("tm.event".into(), vec!["NewBlock".into()]);
        if query.fits(&events) {
            found.push(height);
        }
        if found.len() as u64 >= index::MAX_COUNTED {
            break;
        }
    }
    Ok(found)
}

/// The height of a block by its hash.
pub(super) fn height_of(app: &App, hash: &[u8]) -> Result<Option<u64>, SoloError> {
    let bytes = app.store().index(&hash_key(hash))?;
    Ok(bytes.and_then(|b| <[u8; 8]>::try_from(b).ok()).map(u64::from_be_bytes))
}
