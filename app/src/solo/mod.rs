//! Consensus of one validator, in this process: the same application, blocks that light clients accept.
//!
//! A block is executed first, then written together with its signature, its results and the state, in one atomic batch.
//! Before that nobody has seen it, so a kill at any point leaves the chain at a whole block.

pub mod block;
mod news;
mod pool;
pub mod rpc;

pub use news::{Happened, Listener, TooSlow};
pub use pool::{Limits, Pool};

use crate::app::{APP_VERSION, App, AppError};
use crate::index::{self, Named, Query, SearchError};
use block::{Parent, Signer};
use news::News;
use prost::Message as _;
use serde_json::{Value, json};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use tendermint::block::Commit;
use tendermint::{Block, Time, block as tm, chain};
use tendermint_abci::Application as _;
use zektra_comet::{Comet, RpcError};
use zektra_genesis::Genesis;
use zektra_proto::tendermint::abci::response_process_proposal::ProposalStatus;
use zektra_proto::tendermint::abci::{
    CheckTxType, CommitInfo, Event, RequestCheckTx, RequestFinalizeBlock, RequestInitChain, RequestPrepareProposal,
    RequestProcessProposal, ResponseCheckTx, ResponseFinalizeBlock, Validator, VoteInfo,
};
use zektra_proto::tendermint::types::{Block as RawBlock, Commit as RawCommit, ConsensusParams};
use zektra_state::{Changes, Order, StateError};

/// Bytes of a block that are not transactions: header, commit of one validator, evidence.
const OVERHEAD: i64 = 4096;

/// `solo/block/` height: the block; `solo/commit/` its commit; `solo/results/` its results.
fn key(kind: &str, height: u64) -> Vec<u8> {
    [format!("solo/{kind}/").as_bytes(), &height.to_be_bytes()].concat()
}

/// `solo/hash/` hash: the height
fn hash_key(hash: &[u8]) -> Vec<u8> {
    [b"solo/hash/", hash].concat()
}

/// Why a solo chain cannot begin or go on.
#[derive(Debug, thiserror::Error)]
pub enum SoloError {
    /// The application fails.
    #[error(transparent)]
    App(#[from] AppError),
    /// The database fails.
    #[error(transparent)]
    State(#[from] StateError),
    /// A block cannot be made.
    #[error(transparent)]
    Block(#[from] block::BlockError),
    /// The genesis file, the keys and the state do not belong together.
    #[error("{0}")]
    Mismatch(String),
}

/// The last block.
#[derive(Debug)]
struct Tip {
    height: u64,
    time: Time,
    parent: Parent,
}

/// A chain of one validator.
pub struct Solo {
    app: App,
    signer: Signer,
    chain_id: chain::Id,
    genesis: Value,
    genesis_time: Time,
    initial_height: u64,
    /// As `node_info` names this node.
    identity: Identity,
    tip: Mutex<Tip>,
    pool: Mutex<Pool>,
    /// Rings when a transaction is taken.
    arrived: Condvar,
    /// Rings when a block is committed: its height.
    committed: (Mutex<u64>, Condvar),
    news: News,
}

impl std::fmt::Debug for Solo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Solo({})", self.chain_id)
    }
}

/// A solo chain as its own application sees it: the chain holds the application, not the other way round.
struct Inside(Weak<Solo>);

impl Comet for Inside {
    fn call(&self, method: &str, params: Value) -> Result<Value, RpcError> {
        let stopped = || RpcError::internal("the node stops");
        self.0.upgrade().ok_or_else(stopped)?.call(method, params)
    }
}

/// How a node names itself.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    /// The node key's address, 40 hexadecimal digits.
    pub node_id: String,
    /// What people call it.
    pub moniker: String,
    /// Where its RPC listens.
    pub rpc_address: String,
}

fn held<T>(lock: &Mutex<T>) -> MutexGuard<'_, T> {
    lock.lock().unwrap_or_else(PoisonError::into_inner)
}

fn mismatch(e: impl ToString) -> SoloError {
    SoloError::Mismatch(e.to_string())
}

impl Solo {
    /// Opens the chain of a genesis file, or begins it.
    ///
    /// # Errors
    /// A genesis file that is refused or of another chain; a key that is not its validator; the database fails.
    pub fn open(
        app: App,
        genesis: Genesis,
        key: ed25519_consensus::SigningKey,
        identity: Identity,
        limits: Limits,
    ) -> Result<Arc<Self>, SoloError> {
        let Genesis { document: genesis, typed: document } = genesis;
        let public = tendermint::PublicKey::from_ed25519_consensus(key.verification_key());
        let power = match &document.validators[..] {
            [one] if one.pub_key == public => one.power.value(),
            _ => {
                return Err(mismatch(
                    "the genesis file's validators: expected exactly the key of this home; start without --solo to join others",
                ));
            }
        };
        let signer = Signer::new(key, u32::try_from(power).map_err(|_| mismatch(format!("power {power}")))?);
        let initial_height = u64::try_from(document.initial_height).map_err(mismatch)?;
        let chain_id = document.chain_id.clone();
        if let Some(known) = app.identity()
            && known.chain_id != chain_id.as_str()
        {
            let held = known.chain_id;
            return Err(mismatch(format!("this home holds the chain {held}, the genesis file is of {chain_id}")));
        }
        let tip = match app.committed().height {
            0 => Self::begin(&app, &document, &signer)?,
            height => Self::resume(&app, height, &signer)?,
        };
        let committed = (Mutex::new(tip.height), Condvar::new());
        let solo = Arc::new(Self {
            app,
            signer,
            chain_id,
            genesis,
            genesis_time: document.genesis_time,
            initial_height,
            identity,
            tip: Mutex::new(tip),
            pool: Mutex::new(Pool::new(limits)),
            arrived: Condvar::new(),
            committed,
            news: News::default(),
        });
        Ok(solo)
    }

    fn begin(app: &App, document: &tendermint::Genesis<Value>, signer: &Signer) -> Result<Tip, SoloError> {
        let params = document.consensus_params.clone().into();
        let state = document.app_state.to_string();
        let initial_height = document.initial_height;
        let time = document.genesis_time;
        let request = RequestInitChain {
            time: Some(time.into()),
            chain_id: document.chain_id.to_string(),
            consensus_params: Some(params),
            validators: vec![],
            app_state_bytes: state.into_bytes().into(),
            initial_height,
        };
        let answer = crate::abci::init_chain::init_chain(app, request)?;
        if answer.validators.iter().any(|v| i64::from(signer.info.power) != v.power) {
            return Err(mismatch("the modules' genesis names other validators than the file"));
        }
        let parent =
            Parent { id: None, commit: None, app_hash: answer.app_hash.to_vec(), results_hash: block::empty_root() };
        Ok(Tip { height: initial_height.unsigned_abs() - 1, time, parent })
    }

    fn resume(app: &App, height: u64, signer: &Signer) -> Result<Tip, SoloError> {
        let of_comet = || {
            mismatch(format!(
                "this home's state is at height {height} but holds no blocks: it was run with CometBFT; start without --solo"
            ))
        };
        let (id, block) = stored_block(app, height)?.ok_or_else(of_comet)?;
        let commit = stored_commit(app, height)?.ok_or_else(of_comet)?;
        if block.header.proposer_address != signer.address() {
            let (found, own) = (block.header.proposer_address, signer.address());
            return Err(mismatch(format!(
                "block {height} was made by validator {found}, the key of this home is {own}"
            )));
        }
        let results = stored_results(app, height)?.unwrap_or_default();
        let parent = Parent {
            id: Some(id),
            commit: Some(commit),
            app_hash: app.committed().root.clone(),
            results_hash: block::results_hash(&results.tx_results),
        };
        Ok(Tip { height, time: block.header.time, parent })
    }

    /// The chain for its own application's services.
    pub fn weak(self: &Arc<Self>) -> impl Comet + use<> {
        Inside(Arc::downgrade(self))
    }

    /// The application.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// The last height.
    pub fn height(&self) -> u64 {
        held(&self.tip).height
    }

    /// Hears of blocks and transactions, once it says of which.
    pub fn subscribe(&self) -> Listener {
        self.news.listen()
    }

    /// How many subscribers there are.
    pub fn subscribers(&self) -> usize {
        self.news.count()
    }

    /// Checks a transaction and takes it into the pool.
    ///
    /// # Errors
    /// In CometBFT's words, what the pool refuses before it is checked.
    pub fn submit(&self, tx: Vec<u8>) -> Result<ResponseCheckTx, String> {
        let mut pool = held(&self.pool);
        let hash = pool.admit(&tx)?;
        let checked = self.app.check_tx(RequestCheckTx { tx: tx.clone().into(), r#type: CheckTxType::New as i32 });
        if checked.code == 0 {
            pool.push(hash, tx);
            self.arrived.notify_all();
        } else {
            pool.forget(&hash);
        }
        Ok(checked)
    }

    /// Waits until a transaction is pending, `most` has passed, or [`Solo::wake`] was called; whether one is.
    pub fn wait_for_tx(&self, most: Duration) -> bool {
        let pool = held(&self.pool);
        if !pool.is_empty() {
            return true;
        }
        let (pool, _) = self.arrived.wait_timeout(pool, most).unwrap_or_else(PoisonError::into_inner);
        !pool.is_empty()
    }

    /// Ends a wait for transactions.
    pub fn wake(&self) {
        self.arrived.notify_all();
    }

    /// Waits until `done` after each block, at most this long.
    pub fn wait_until<T>(&self, most: Duration, mut done: impl FnMut() -> Option<T>) -> Option<T> {
        let begun = Instant::now();
        let (lock, bell) = &self.committed;
        loop {
            let height = held(lock);
            if let Some(found) = done() {
                return Some(found);
            }
            let left = most.checked_sub(begun.elapsed()).filter(|l| !l.is_zero())?;
            drop(bell.wait_timeout(height, left).unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Makes, executes and commits the next block at `now`.
    ///
    /// # Errors
    /// The application fails: the node must stop.
    pub fn produce(&self, now: Time) -> Result<u64, SoloError> {
        let mut tip = held(&self.tip);
        let height = tip.height + 1;
        // Time moves on in every block, whatever the clock says; the first has the genesis file's.
        let least = tip.time.checked_add(Duration::from_millis(1)).unwrap_or(tip.time);
        let time = if height == self.initial_height {
            self.genesis_time
        } else if now.after(least) {
            now
        } else {
            least
        };
        let params = self.params()?;
        let pending: Vec<_> = held(&self.pool).txs().map(|t| t.clone().into()).collect();
        let room = params.block.map_or(1 << 22, |b| b.max_bytes).saturating_sub(OVERHEAD);
        let address = self.signer.address().as_bytes().to_vec();
        let last_commit = self.commit_info(&tip);
        let request = RequestPrepareProposal {
            max_tx_bytes: if room > 0 { room } else { 100 << 20 },
            txs: pending,
            height: signed(height),
            time: Some(time.into()),
            proposer_address: address.clone().into(),
            ..RequestPrepareProposal::default()
        };
        let txs: Vec<Vec<u8>> = self.app.prepare_proposal(request).txs.into_iter().map(|t| t.to_vec()).collect();
        let content = block::Content {
            chain_id: &self.chain_id,
            height,
            time,
            params: &params,
            app_version: APP_VERSION,
            txs: txs.clone(),
        };
        let block = block::make(content, &tip.parent, &self.signer)?;
        let id = block::id(&block)?;
        let (hash, validators) = (id.hash.as_bytes().to_vec(), block.header.next_validators_hash.as_bytes().to_vec());
        let shared: Vec<_> = txs.iter().map(|t| t.clone().into()).collect();
        let proposal = self.app.process_proposal(RequestProcessProposal {
            txs: shared.clone(),
            proposed_last_commit: Some(last_commit.clone()),
            hash: hash.clone().into(),
            height: signed(height),
            time: Some(time.into()),
            next_validators_hash: validators.clone().into(),
            proposer_address: address.clone().into(),
            ..RequestProcessProposal::default()
        });
        if proposal.status != ProposalStatus::Accept as i32 {
            return Err(mismatch(format!("the application refuses its own proposal at height {height}")));
        }
        let results = self.app.finalize_block(RequestFinalizeBlock {
            txs: shared,
            decided_last_commit: Some(last_commit),
            misbehavior: vec![],
            hash: hash.into(),
            height: signed(height),
            time: Some(time.into()),
            next_validators_hash: validators.into(),
            proposer_address: address.into(),
        });
        let commit = self.signer.commit(&block, id)?;
        let mut kept = Changes::new();
        kept.insert(key("block", height), Some(RawBlock::from(block.clone()).encode_to_vec()));
        kept.insert(key("commit", height), Some(RawCommit::from(commit.clone()).encode_to_vec()));
        kept.insert(key("results", height), Some(results.encode_to_vec()));
        kept.insert(hash_key(id.hash.as_bytes()), Some(height.to_be_bytes().to_vec()));
        {
            // As CometBFT, which lets nothing into its mempool while a block is committed.
            let mut pool = held(&self.pool);
            self.app.commit(kept)?;
            pool.settle(&txs, |bytes| {
                let request = RequestCheckTx { tx: bytes.to_vec().into(), r#type: CheckTxType::Recheck as i32 };
                self.app.check_tx(request).code == 0
            });
        }
        tip.parent = Parent {
            id: Some(id),
            commit: Some(commit),
            app_hash: results.app_hash.to_vec(),
            results_hash: block::results_hash(&results.tx_results),
        };
        (tip.height, tip.time) = (height, time);
        *held(&self.committed.0) = height;
        self.committed.1.notify_all();
        tracing::info!(height, txs = txs.len(), hash = %id.hash, app_hash = %hex::encode_upper(&results.app_hash), "block");
        self.tell(&block, &id, &txs, &results);
        Ok(height)
    }

    fn commit_info(&self, tip: &Tip) -> CommitInfo {
        let validator = Validator {
            address: self.signer.address().as_bytes().to_vec().into(),
            power: self.signer.info.power.into(),
        };
        let vote = VoteInfo {
            validator: Some(validator),
            block_id_flag: zektra_proto::tendermint::types::BlockIdFlag::Commit as i32,
        };
        CommitInfo { round: 0, votes: tip.parent.commit.iter().map(|_| vote.clone()).collect() }
    }

    fn params(&self) -> Result<ConsensusParams, SoloError> {
        Ok(zektra_modules::consensus::params(&self.app.working_base()?)?)
    }

    /// Tells subscribers of a block.
    fn tell(&self, block: &Block, id: &tm::Id, txs: &[Vec<u8>], results: &ResponseFinalizeBlock) {
        if self.subscribers() == 0 {
            return;
        }
        let tell = |kind: &str, value: Value, mut events: Named| {
            events.insert("tm.event".into(), vec![kind.into()]);
            let data = json!({"type": format!("tendermint/event/{kind}"), "value": value});
            self.news.tell(&data, events);
        };
        let height = block.header.height.value();
        let shown =
            json!({"block": rpc::block_json(block), "block_id": id, "result_finalize_block": rpc::finalized(results)});
        tell("NewBlock", shown, index::named(&results.events));
        tell("NewBlockHeader", json!({"header": block.header}), index::named(&results.events));
        for (k, (tx, result)) in txs.iter().zip(&results.tx_results).enumerate() {
            let mut events = index::named(&result.events);
            events.insert("tx.hash".into(), vec![hex::encode_upper(crate::tx::hash(tx))]);
            events.insert("tx.height".into(), vec![height.to_string()]);
            tell("Tx", json!({"TxResult": rpc::tx_result(height, k, tx, result)}), events);
        }
    }
}

fn signed(height: u64) -> i64 {
    i64::try_from(height).unwrap_or(i64::MAX)
}

fn damaged(height: u64) -> impl Fn(String) -> SoloError {
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
pub(crate) fn stored_commit(app: &App, height: u64) -> Result<Option<Commit>, SoloError> {
    let Some(raw) = stored::<RawCommit>(app, "commit", height)? else { return Ok(None) };
    Commit::try_from(raw).map(Some).map_err(|e| damaged(height)(e.to_string()))
}

/// What executing a block gave.
pub(crate) fn stored_results(app: &App, height: u64) -> Result<Option<ResponseFinalizeBlock>, SoloError> {
    stored(app, "results", height)
}

/// How many bytes a block has.
pub(crate) fn block_bytes(app: &App, height: u64) -> Result<usize, SoloError> {
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
pub(crate) fn height_of(app: &App, hash: &[u8]) -> Result<Option<u64>, SoloError> {
    let bytes = app.store().index(&hash_key(hash))?;
    Ok(bytes.and_then(|b| <[u8; 8]>::try_from(b).ok()).map(u64::from_be_bytes))
}
