//! The application: its state, and the block that it is working on.

use crate::ante::{GasPrice, Mode};
use crate::chain::{Chain, Outcome};
use crate::execution::dropped_aside;
use crate::front::gate::Gate;
use crate::mempool::Mempool;
use crate::metrics::Metrics;
use crate::snapshots::{Schedule, Snapshots};
use prost::{Message as _, Name as _};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, Weak};
use std::time::Instant;
use zektra_comet::Comet;
use zektra_genesis::{check_state, gen_txs, section};
use zektra_modules::MODULES;
use zektra_modules::address::Prefix;
use zektra_modules::context::{Block, Context, load, save};
use zektra_modules::error::TxError;
use zektra_modules::gas::Meter;
use zektra_modules::module::GenesisError;
use zektra_modules::query::{Code, Query, QueryError, Service};
use zektra_modules::staking;
use zektra_modules::upgrade::Migration;
use zektra_proto::cosmos::staking::v1beta1::MsgCreateValidator;
use zektra_proto::cosmos::tx::v1beta1::Tx;
use zektra_proto::tendermint::abci::ValidatorUpdate;
use zektra_proto::tendermint::types::ConsensusParams;
use zektra_proto::{Any, Timestamp};
use zektra_state::{Changes, Held, Shared, StateDelta, StateError, StateRead, StateWrite};
use zektra_store::{IndexBatch, Options, Snapshot, Staged, Store};

/// The version of the state machine: it changes when the same blocks would give another state.
pub const APP_VERSION: u64 = 1;

/// `app/chain-id`: text
const CHAIN_ID: &[u8] = b"app/chain-id";
/// `app/prefix`: text
const PREFIX: &[u8] = b"app/prefix";
/// `app/time`: the last block's time
pub(crate) const TIME: &[u8] = b"app/time";

/// Most gas of a simulation, if neither the chain nor the node says another.
pub const SIMULATION_GAS: u64 = 100_000_000;

/// How a node runs the application.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Where the state is.
    pub home: PathBuf,
    /// How it is kept.
    pub store: Options,
    /// What enters the mempool.
    pub min_gas_prices: Vec<GasPrice>,
    /// Stop reading heights before this many blocks; `None` lets CometBFT keep all blocks.
    pub retain_blocks: Option<u64>,
    /// Snapshots for state sync.
    pub snapshots: Schedule,
    /// Most gas of a simulation where the chain bounds no block's; `None` for [`SIMULATION_GAS`].
    pub simulation_gas: Option<u64>,
    /// The upgrades that this program knows.
    pub migrations: &'static [Migration],
}

/// What is fixed by the genesis file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The chain's id.
    pub chain_id: String,
    /// The address prefix.
    pub prefix: Prefix,
}

/// The genesis state until the first block is committed, or a block until its commit.
#[derive(Debug)]
pub(crate) struct Working {
    /// The state of the genesis file, which is not written yet.
    pub genesis: Option<Genesis>,
    /// The block that was executed.
    pub block: Option<Executed>,
}

#[derive(Debug)]
pub(crate) struct Genesis {
    /// The first block, as far as it is known.
    pub block: Block,
    pub changes: Changes,
    pub staged: Staged,
}

#[derive(Debug)]
pub(crate) struct Executed {
    pub staged: Staged,
    pub block: Block,
    /// The transactions with their results, for searches.
    pub index: IndexBatch,
}

/// The last committed block.
#[derive(Clone, Debug, Default)]
pub struct Committed {
    /// Its height; 0 before the first.
    pub height: u64,
    /// The root of its state.
    pub root: Vec<u8>,
    /// What queries and checks see of it.
    pub block: Block,
}

/// The application. Cheap to clone: all clones are one.
#[derive(Clone)]
pub struct App(pub(crate) Arc<Inner>);

/// The application, for what it holds itself.
#[derive(Clone)]
pub struct WeakApp(Weak<Inner>);

impl WeakApp {
    /// The application, while it runs.
    pub fn upgrade(&self) -> Option<App> {
        self.0.upgrade().map(App)
    }
}

pub(crate) struct Inner {
    pub config: Config,
    pub store: Store,
    pub chain: Chain,
    /// Services of the node, once consensus is known.
    services: OnceLock<BTreeMap<&'static str, Service>>,
    identity: RwLock<Option<Identity>>,
    committed: RwLock<Arc<Committed>>,
    working: Mutex<Working>,
    pub mempool: Mutex<Mempool>,
    pub metrics: Metrics,
    pub snapshots: Snapshots,
    gate: Gate,
    /// Why the node ends in order, since it does: the chain waits for another program, or its genesis file is refused.
    ended: OnceLock<AppError>,
    on_halt: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "App({})", self.0.config.home.display())
    }
}

/// Why the application cannot go on.
#[derive(Clone, Debug, thiserror::Error)]
pub enum AppError {
    /// The state cannot be read or written.
    #[error(transparent)]
    Store(#[from] StateError),
    /// A module failed where it must not.
    #[error("a module fails at the block's {when}: {error}")]
    Module {
        /// Where.
        when: &'static str,
        /// What it says.
        error: TxError,
    },
    /// The chain waits for another program: nothing is wrong, but this one must stop before it changes anything.
    #[error("{0}")]
    Halt(String),
    /// The genesis file is refused: a field of a module's part.
    #[error("genesis: {0}")]
    Genesis(#[from] GenesisError),
    /// The genesis file is refused: one of the transactions that make validators.
    #[error("genesis: app_state.genutil.gen_txs[{index}] ({of}): {why}")]
    GenTx {
        /// Which.
        index: usize,
        /// Moniker and operator.
        of: String,
        /// What is wrong.
        why: String,
    },
    /// The genesis file is refused: CometBFT's part of it.
    #[error("genesis: {0}")]
    Refused(String),
    /// What CometBFT asks for does not follow what it asked before.
    #[error("{0}")]
    Order(String),
}

impl AppError {
    /// Whether the genesis file is at fault: nothing has begun.
    pub fn is_of_genesis(&self) -> bool {
        matches!(self, Self::Genesis(_) | Self::GenTx { .. } | Self::Refused(_))
    }
}

fn poisoned<T>(e: PoisonError<T>) -> T {
    e.into_inner()
}

impl App {
    /// Opens the state in the home folder.
    ///
    /// # Errors
    /// The folder is in use or damaged.
    pub fn open(config: Config) -> Result<Self, AppError> {
        let store = Store::open(&config.home.join("state"), config.store.clone())?;
        let chain = Chain::new(config.min_gas_prices.clone());
        let inner = Inner {
            chain,
            store,
            services: OnceLock::new(),
            identity: RwLock::new(None),
            committed: RwLock::new(Arc::new(Committed::default())),
            working: Mutex::new(Working { genesis: None, block: None }),
            mempool: Mutex::new(Mempool::default()),
            metrics: Metrics::default(),
            snapshots: Snapshots::default(),
            gate: Gate::default(),
            ended: OnceLock::new(),
            on_halt: OnceLock::new(),
            config,
        };
        let app = Self(Arc::new(inner));
        app.load_committed()?;
        Ok(app)
    }

    /// Reads from the database what the last block is.
    pub(crate) fn load_committed(&self) -> Result<(), AppError> {
        if let Some((height, root)) = self.0.store.last()? {
            let state = self.0.store.latest()?;
            let identity = identity(&state)?;
            let time = load::<Timestamp>(&state, TIME)?.unwrap_or_default();
            let block = Block { chain_id: identity.chain_id.clone(), height, time, ..Block::default() };
            self.set_committed(Committed { height, root: root.to_vec(), block }, identity);
        }
        Ok(())
    }

    fn set_committed(&self, committed: Committed, identity: Identity) {
        *self.0.identity.write().unwrap_or_else(poisoned) = Some(identity);
        *self.0.committed.write().unwrap_or_else(poisoned) = Arc::new(committed);
    }

    /// What the genesis file fixed; `None` before it is known.
    pub fn identity(&self) -> Option<Identity> {
        self.0.identity.read().unwrap_or_else(poisoned).clone()
    }

    /// The last committed block.
    pub fn committed(&self) -> Arc<Committed> {
        self.0.committed.read().unwrap_or_else(poisoned).clone()
    }

    /// A handle that does not keep the application open.
    pub fn downgrade(&self) -> WeakApp {
        WeakApp(Arc::downgrade(&self.0))
    }

    /// How the node runs it.
    pub fn config(&self) -> &Config {
        &self.0.config
    }

    /// What the node counts.
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// What calls that cost much pass.
    pub fn gate(&self) -> &Gate {
        &self.0.gate
    }

    /// Answers the node's services with this consensus from now on; the first call counts.
    pub fn attach(&self, comet: Arc<dyn Comet>) {
        let services = crate::services::services(self, comet);
        let _ = self.0.services.set(services.into_iter().map(|s| (s.name(), s)).collect());
    }

    /// A service by its full name: of a module, or of the node.
    pub fn service(&self, name: &str) -> Option<&Service> {
        let of_node = || self.0.services.get().and_then(|services| services.get(name));
        self.0.chain.services().get(name).or_else(of_node)
    }

    /// Calls `told` when the chain waits for another program or its genesis file is refused; the first call counts.
    pub fn on_halt(&self, told: impl Fn() + Send + Sync + 'static) {
        let _ = self.0.on_halt.set(Box::new(told));
    }

    /// Why the chain waits for another program, since it does.
    pub fn halted(&self) -> Option<&str> {
        match self.ended() {
            Some(AppError::Halt(why)) => Some(why),
            _ => None,
        }
    }

    /// Why the node ends in order, since it does.
    pub fn ended(&self) -> Option<&AppError> {
        self.0.ended.get()
    }

    /// Notes why the node ends in order, and tells whoever runs it.
    pub(crate) fn end(&self, why: AppError) {
        tracing::error!("{why}");
        let _ = self.0.ended.set(why);
        if let Some(told) = self.0.on_halt.get() {
            told();
        }
    }

    /// Executes a transaction after the pending ones, without checking signatures; nothing stays.
    ///
    /// # Errors
    /// The database fails, or the chain has no genesis yet.
    pub fn simulate(&self, tx: &[u8]) -> Result<Outcome, QueryError> {
        let identity = self.identity().ok_or_else(|| Code::Unavailable.error("the chain has no genesis yet"))?;
        let block = self.next_block();
        let base = self.working_base().map_err(|e| Code::Internal.error(e))?;
        let pending = self.0.mempool.lock().unwrap_or_else(poisoned).changes();
        let mut state = StateDelta::new(Shared::new(base, pending));
        let own = self.0.config.simulation_gas.unwrap_or(SIMULATION_GAS);
        let most = zektra_modules::consensus::max_gas(&state)?.unwrap_or(own);
        let tx = crate::tx::decode(tx, &self.0.chain, &identity.prefix);
        Ok(self.0.chain.simulate(&mut state, &tx, most, &block, &identity.prefix)?)
    }

    /// What checks see of the block that comes next.
    pub(crate) fn next_block(&self) -> Block {
        let committed = self.committed();
        if committed.height == 0
            && let Some(genesis) = &self.working().genesis
        {
            return genesis.block.clone();
        }
        Block { height: committed.height.saturating_add(1), ..committed.block.clone() }
    }

    /// The modules.
    pub fn chain(&self) -> &Chain {
        &self.0.chain
    }

    /// The state of the last block.
    ///
    /// # Errors
    /// The database fails.
    pub fn latest(&self) -> Result<Snapshot, StateError> {
        self.0.store.latest()
    }

    /// The state's database.
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    pub(crate) fn working(&self) -> MutexGuard<'_, Working> {
        self.0.working.lock().unwrap_or_else(poisoned)
    }

    pub(crate) fn known(&self) -> Result<Identity, AppError> {
        self.identity().ok_or_else(|| AppError::Order("a block before the genesis".into()))
    }

    /// Makes the state of a genesis file: in memory, until the first block is committed.
    ///
    /// # Errors
    /// A genesis file that is refused; a chain that has blocks already.
    pub fn init(
        &self,
        chain_id: &str,
        time: Timestamp,
        initial_height: u64,
        params: &ConsensusParams,
        app_state: &Value,
    ) -> Result<(Vec<ValidatorUpdate>, Vec<u8>), AppError> {
        if self.0.store.last()?.is_some() {
            return Err(AppError::Order(
                "this home holds a chain with blocks: a genesis comes before the first".into(),
            ));
        }
        let prefix = check_state(app_state)?;
        let version = initial_height.checked_sub(1).ok_or_else(|| AppError::Order("an initial height of 0".into()))?;
        let mut state = StateDelta::new(self.0.store.latest()?);
        let block = Block { chain_id: chain_id.into(), height: version, time, ..Block::default() };
        let write = |state: &mut dyn StateWrite| {
            state.put(CHAIN_ID.to_vec(), chain_id.as_bytes().to_vec())?;
            state.put(PREFIX.to_vec(), prefix.as_str().as_bytes().to_vec())?;
            save(state, TIME.to_vec(), &time)?;
            zektra_modules::consensus::set_params(state, params)
        };
        write(&mut state)?;
        let (meter, mut events, mut validators) = (Meter::endless(), vec![], vec![]);
        for module in MODULES {
            let mut ctx =
                Context { state: &mut state, events: &mut events, block: &block, prefix: &prefix, gas: &meter };
            validators.extend(module.init_genesis(&mut ctx, section(app_state, module.name()))?);
        }
        self.found(&mut state, &block, &prefix, app_state, &mut validators)?;
        let changes = state.into_changes();
        let staged = self.0.store.stage(version, changes.clone(), &Held::default(), None)?;
        let root = staged.root().to_vec();
        let identity = Identity { chain_id: chain_id.into(), prefix };
        *self.0.identity.write().unwrap_or_else(poisoned) = Some(identity);
        *self.working() = Working {
            genesis: Some(Genesis { block: Block { height: initial_height, ..block }, changes, staged }),
            block: None,
        };
        Ok((validators, root))
    }

    /// Executes the genesis file's transactions, which make the first validators.
    fn found(
        &self,
        state: &mut StateDelta<Snapshot>,
        block: &Block,
        prefix: &Prefix,
        app_state: &Value,
        validators: &mut Vec<ValidatorUpdate>,
    ) -> Result<(), AppError> {
        let txs = gen_txs(app_state);
        for (k, shown) in txs.iter().enumerate() {
            let wrong = |why: String| {
                let message = &shown["body"]["messages"][0];
                let (moniker, operator) = (&message["description"]["moniker"], &message["validator_address"]);
                let of = format!("moniker {moniker}, operator {}", operator.as_str().unwrap_or("none"));
                AppError::GenTx { index: k, of, why }
            };
            let tx: Tx = zektra_proto::json::read(shown)
                .map_err(|e| wrong(format!("{}, expected a signed transaction", e.why)))?;
            let tx = crate::tx::decode(&tx.encode_to_vec(), &self.0.chain, prefix);
            let makes = |any: &Any| any.type_url == format!("/{}", MsgCreateValidator::full_name());
            if let Ok(tx) = &tx
                && !matches!(&tx.messages[..], [(_, one)] if makes(one))
            {
                return Err(wrong("its messages are others, expected one MsgCreateValidator".into()));
            }
            let outcome = self.0.chain.execute(state, &tx, Mode::Genesis, block, prefix);
            let outcome = outcome.map_err(|error| AppError::Module { when: "genesis", error })?;
            if let Some(e) = outcome.error {
                return Err(wrong(e.log));
            }
        }
        if txs.is_empty() {
            return Ok(());
        }
        let mut ctx = Context { state, events: &mut vec![], block, prefix, gas: &Meter::endless() };
        let updates = staking::set::update(&mut ctx).map_err(|error| AppError::Module { when: "genesis", error })?;
        validators.retain(|v| updates.iter().all(|u| u.pub_key != v.pub_key));
        // Who leaves before the first block was never there: consensus refuses a power of 0 at genesis.
        validators.extend(updates.into_iter().filter(|u| u.power > 0));
        Ok(())
    }

    /// What the next block starts from: the last state, or that of the genesis file.
    pub(crate) fn working_base(&self) -> Result<StateDelta<Snapshot>, AppError> {
        let state = self.0.store.latest()?;
        if self.0.store.last()?.is_some() {
            // Not locked: a block may be executing meanwhile.
            return Ok(StateDelta::new(state));
        }
        let working = self.working();
        Ok(StateDelta::with(state, working.genesis.as_ref().map(|g| g.changes.clone()).unwrap_or_default()))
    }

    /// Answers a service's method, `/<service>/<method>`, on the state of a height.
    ///
    /// # Errors
    /// No such method; a height that is not kept; what the service says.
    pub fn answer(&self, path: &str, request: &[u8], height: u64) -> Result<Vec<u8>, QueryError> {
        self.0.metrics.asked();
        let unknown = || Code::Unimplemented.error(format!("unknown query path {path}"));
        let (service, method) = path.trim_start_matches('/').rsplit_once('/').ok_or_else(unknown)?;
        let service = self.service(service).ok_or_else(unknown)?;
        let identity = self.identity().ok_or_else(|| Code::Unavailable.error("the chain has no genesis yet"))?;
        let committed = self.committed();
        if committed.height == 0 {
            return Err(Code::Unavailable.error("the chain has no block yet"));
        }
        if height > committed.height {
            let last = committed.height;
            return Err(Code::InvalidArgument.error(format!("height {height} is in the future, the last is {last}")));
        }
        let state = self.0.store.snapshot(height)?;
        let block = Block { height, ..committed.block.clone() };
        let query = Query { state: &state, block: &block, prefix: &identity.prefix };
        service.call(method, &query, request).ok_or_else(unknown)?
    }

    /// Writes the block that was executed last, and with it `more` entries of the index.
    ///
    /// # Errors
    /// No block was executed; the database fails.
    pub fn commit(&self, more: Changes) -> Result<Arc<Committed>, AppError> {
        let identity = self.known()?;
        let mut working = self.working();
        let Working { genesis, block } = &mut *working;
        let executed = block.take().ok_or_else(|| AppError::Order("a commit without a block".into()))?;
        let Executed { staged, block, mut index } = executed;
        let root = staged.root().to_vec();
        // What only its own execution looks at.
        let block = Block { votes: vec![], misbehavior: vec![], ..block };
        let first = genesis.take().filter(|_| self.0.store.last().is_ok_and(|last| last.is_none()));
        index.apply(&more);
        let versions: Vec<Staged> = first.map(|g| g.staged).into_iter().chain([staged]).collect();
        let begun = Instant::now();
        self.0.store.commit(&versions, index)?;
        dropped_aside(versions);
        self.0.metrics.committed(begun.elapsed());
        self.set_committed(Committed { height: block.height, root, block }, identity);
        // Checks start from the new state.
        self.0.mempool.lock().unwrap_or_else(poisoned).reset();
        let committed = self.committed();
        crate::snapshots::after_commit(self, committed.height);
        Ok(committed)
    }

    /// The genesis file of a chain that goes on from this state.
    ///
    /// # Errors
    /// There is no block yet; the database fails.
    pub fn export(&self) -> Result<Value, AppError> {
        let (state, identity, committed) = (self.latest()?, self.known()?, self.committed());
        let mut sections = vec![];
        for module in MODULES {
            sections.push((module.name(), module.export_genesis(&state, &identity.prefix)?));
        }
        let app_state = zektra_genesis::assembled(identity.prefix.as_str(), sections);
        let params = zektra_modules::consensus::params(&state)?;
        let Timestamp { seconds, nanos } = committed.block.time;
        let time = u32::try_from(nanos).ok().and_then(|n| tendermint::Time::from_unix_timestamp(seconds, n).ok());
        let time = time.ok_or_else(|| StateError::Damaged(format!("the last block's time, {seconds} s")))?;
        let next = committed.height.saturating_add(1);
        let mut validators = vec![];
        for (operator, power) in staking::set::last_powers(&state)? {
            let known = staking::validator(&state, &operator)?;
            let Some(v) = known else { return Err(StateError::Damaged(format!("validator {operator:?}")).into()) };
            let key = tendermint::PublicKey::from_raw_ed25519(&v.key);
            let key = key.ok_or_else(|| StateError::Damaged(format!("the key of validator {operator:?}")))?;
            validators.push(zektra_genesis::Validator { key, power, name: v.description.moniker });
        }
        Ok(zektra_genesis::Genesis::assemble(&identity.chain_id, time, next, &params, &validators, app_state))
    }
}

fn identity(state: &dyn StateRead) -> Result<Identity, AppError> {
    let text = |key: &[u8]| -> Result<String, AppError> {
        let name = String::from_utf8_lossy(key).into_owned();
        let bytes = state.get(key)?.ok_or_else(|| StateError::Damaged(format!("{name} is missing")))?;
        Ok(String::from_utf8(bytes).map_err(|_| StateError::Damaged(format!("{name} is no text")))?)
    };
    let prefix = Prefix::new(&text(PREFIX)?).map_err(StateError::Damaged)?;
    Ok(Identity { chain_id: text(CHAIN_ID)?, prefix })
}
