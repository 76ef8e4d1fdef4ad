//! Consensus by one validator, in this process: the same application, blocks that light clients accept. Others may be in
//! the set, and are absent from every commit, as long as the one has more than two thirds of the power.
//!
//! A block is executed first, then written together with its signature, its results and the state, in one atomic batch.
//! Before that nobody has seen it, so a kill at any point leaves the chain at a whole block.

pub mod block;
mod kept;
mod news;
mod pool;
pub mod rpc;
mod validators;

pub use kept::{find_blocks, stored_block};
pub use news::{Happened, Listener, TooSlow};
pub use pool::{Limits, Pool};
pub use validators::Validators;

use crate::app::{APP_VERSION, App, AppError};
use crate::index::{self, Named};
use block::{Parent, Signer};
pub(crate) use kept::stored_validators;
use kept::{hash_key, key, stored_commit, stored_results};
use news::News;
use prost::Message as _;
use serde_json::{Value, json};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use tendermint::{Block, Time, block as tm, chain};
use tendermint_abci::Application as _;
use validators::Sets;
use zektra_comet::{Comet, RpcError};
use zektra_genesis::Genesis;
use zektra_proto::tendermint::abci::response_process_proposal::ProposalStatus;
use zektra_proto::tendermint::abci::{
    CheckTxType, CommitInfo, RequestCheckTx, RequestFinalizeBlock, RequestPrepareProposal, RequestProcessProposal,
    ResponseCheckTx, ResponseFinalizeBlock, ValidatorUpdate,
};
use zektra_proto::tendermint::types::{Block as RawBlock, Commit as RawCommit, ConsensusParams};
use zektra_state::{Changes, StateError};

/// Bytes of a block that are not transactions: header, commit of one validator, evidence.
const OVERHEAD: i64 = 4096;
/// Bytes of another validator's part in a commit, at most.
const COMMIT_SIG: i64 = 111;

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
    /// The validator of this home cannot make final blocks alone.
    #[error(
        "block {height}: the key of this home has a power of {own} of {total}, and makes final blocks alone only with more \
         than two thirds: start without --solo where the others of the set run nodes of this chain, too; otherwise begin \
         anew with a copy of the home from before, or with another chain of what `zektrad export` prints"
    )]
    Minority {
        /// The block that is not made.
        height: u64,
        /// The power of this home's key in its set.
        own: u64,
        /// The power of all.
        total: u64,
    },
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
    sets: Sets,
}

/// A chain whose blocks one validator makes.
pub struct Solo {
    app: App,
    signer: Signer,
    chain_id: chain::Id,
    genesis: Value,
    genesis_time: Time,
    initial_height: u64,
    /// The validators of heights for which none are kept.
    first: Arc<Validators>,
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
    /// A genesis file that is refused or of another chain; a key without more than two thirds of the power; the database
    /// fails.
    pub fn open(
        app: App,
        genesis: Genesis,
        key: ed25519_consensus::SigningKey,
        identity: Identity,
        limits: Limits,
    ) -> Result<Arc<Self>, SoloError> {
        let Genesis { document: genesis, typed: document } = genesis;
        let signer = Signer::new(key);
        let initial_height = u64::try_from(document.initial_height).map_err(mismatch)?;
        let chain_id = document.chain_id.clone();
        if let Some(known) = app.identity()
            && known.chain_id != chain_id.as_str()
        {
            let held = known.chain_id;
            return Err(mismatch(format!("this home holds the chain {held}, the genesis file is of {chain_id}")));
        }
        let named = validators::updates(&document.validators);
        let (tip, first) = match app.committed().height {
            0 => Self::begin(&app, &document, named)?,
            height => {
                let first =
                    if named.is_empty() { Validators::default() } else { Validators::default().with(&named)? };
                (Self::resume(&app, height, &signer, &first)?, Arc::new(first))
            }
        };
        tip.sets.now.demand(&signer.address(), tip.height + 1)?;
        let committed = (Mutex::new(tip.height), Condvar::new());
        let solo = Arc::new(Self {
            app,
            signer,
            chain_id,
            genesis,
            genesis_time: document.genesis_time,
            initial_height,
            first,
            identity,
            tip: Mutex::new(tip),
            pool: Mutex::new(Pool::new(limits)),
            arrived: Condvar::new(),
            committed,
            news: News::default(),
        });
        Ok(solo)
    }

    /// The state of the genesis file, and who begins: those that staking says, otherwise those of the file.
    fn begin(
        app: &App,
        document: &tendermint::Genesis<Value>,
        named: Vec<ValidatorUpdate>,
    ) -> Result<(Tip, Arc<Validators>), SoloError> {
        let (initial_height, time) = (document.initial_height, document.genesis_time);
        let answer = crate::abci::init_chain::init_chain(app, crate::abci::init_chain::request(document))?;
        let first = if answer.validators.is_empty() { named } else { answer.validators };
        let first = Arc::new(Validators::default().with(&first)?);
        let parent =
            Parent { id: None, commit: None, app_hash: answer.app_hash.to_vec(), results_hash: block::empty_root() };
        Ok((Tip { height: initial_height.unsigned_abs() - 1, time, parent, sets: Sets::new(&first) }, first))
    }

    fn resume(app: &App, height: u64, signer: &Signer, first: &Validators) -> Result<Tip, SoloError> {
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
        let set = |height| Ok::<_, SoloError>(Arc::new(stored_validators(app, height, first)?));
        let sets = Sets { last: set(height)?, now: set(height + 1)?, next: set(height + 2)? };
        Ok(Tip { height, time: block.header.time, parent, sets })
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
    /// The application fails, or this validator alone cannot make the block final any more: the node must stop.
    pub fn produce(&self, now: Time) -> Result<u64, SoloError> {
        let mut tip = held(&self.tip);
        let height = tip.height + 1;
        let sets = tip.sets.clone();
        sets.now.demand(&self.signer.address(), height)?;
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
        let room = params.block.map_or(1 << 22, |b| b.max_bytes).saturating_sub(overhead(&sets.last));
        let address = self.signer.address().as_bytes().to_vec();
        let last_commit =
            tip.parent.commit.as_ref().map(|commit| CommitInfo { round: 0, votes: sets.last.votes(commit) });
        let last_commit = last_commit.unwrap_or_default();
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
        let block = block::make(content, &tip.parent, &sets, &self.signer)?;
        let id = block::id(&block)?;
        let (hash, next) = (id.hash.as_bytes().to_vec(), sets.next.hash().as_bytes().to_vec());
        let shared: Vec<_> = txs.iter().map(|t| t.clone().into()).collect();
        let proposal = self.app.process_proposal(RequestProcessProposal {
            txs: shared.clone(),
            proposed_last_commit: Some(last_commit.clone()),
            hash: hash.clone().into(),
            height: signed(height),
            time: Some(time.into()),
            next_validators_hash: next.clone().into(),
            proposer_address: address.clone().into(),
            ..RequestProcessProposal::default()
        });
        if proposal.status != ProposalStatus::Accept as i32 {
            return Err(mismatch(format!("the application refuses its own proposal at height {height}")));
        }
        let request = RequestFinalizeBlock {
            txs: shared,
            decided_last_commit: Some(last_commit),
            misbehavior: vec![],
            hash: hash.into(),
            height: signed(height),
            time: Some(time.into()),
            next_validators_hash: next.into(),
            proposer_address: address.into(),
        };
        let results = crate::abci::finalize_block::finalize_block(&self.app, request)?;
        let commit = self.signer.commit(&block, id, &sets.now)?;
        let mut kept = Changes::new();
        if height == self.initial_height {
            kept.insert(key("validators", height), Some(sets.now.encode()));
        }
        let after = if results.validator_updates.is_empty() {
            sets.next.clone()
        } else {
            let after = sets.next.with(&results.validator_updates)?;
            kept.insert(key("validators", height + 2), Some(after.encode()));
            Arc::new(after)
        };
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
        (tip.height, tip.time, tip.sets) = (height, time, sets.then(after));
        *held(&self.committed.0) = height;
        self.committed.1.notify_all();
        tracing::info!(height, txs = txs.len(), hash = %id.hash, app_hash = %hex::encode_upper(&results.app_hash), "block");
        self.tell(&block, &id, &txs, &results);
        Ok(height)
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
        // Those of whom staking tells were taken into the set already, so they are all shown.
        let changed = results.validator_updates.iter().filter_map(|update| validators::changed(update).ok());
        let changed: Vec<_> = changed.map(|info| rpc::validator(&info)).collect();
        if !changed.is_empty() {
            tell("ValidatorSetUpdates", json!({"validator_updates": changed}), Named::new());
        }
    }
}

/// Bytes of a block that are not transactions, at most.
fn overhead(signers: &Validators) -> i64 {
    let others = i64::try_from(signers.all().len()).unwrap_or(i64::MAX).saturating_sub(1);
    OVERHEAD.saturating_add(COMMIT_SIG.saturating_mul(others))
}

fn signed(height: u64) -> i64 {
    i64::try_from(height).unwrap_or(i64::MAX)
}
