//! Runs a node until it is told to stop.

use super::launched::Launched;
use super::{Config, Home, config, trial};
use crate::app::{self, App};
use crate::front::serve::{raise_descriptors, serve};
use crate::front::{grpc, rest, rpc};
use crate::server::Server;
use crate::snapshots::Schedule;
use crate::solo::{Identity, Limits, Solo};
use anyhow::{Context as _, Result, bail};
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use zektra_comet::{Comet, Remote};

/// Where a node listens.
#[derive(Clone, Debug, Default)]
pub struct Endpoints {
    /// CometBFT's RPC, if this process serves it.
    pub rpc: Option<SocketAddr>,
    /// gRPC.
    pub grpc: Option<SocketAddr>,
    /// REST.
    pub api: Option<SocketAddr>,
    /// Prometheus.
    pub metrics: Option<SocketAddr>,
}

/// Told to all parts of a node that they must stop.
#[derive(Clone, Debug)]
pub struct Stop(Arc<(Mutex<bool>, Condvar)>, watch::Sender<bool>);

impl Default for Stop {
    fn default() -> Self {
        Self(Arc::default(), watch::channel(false).0)
    }
}

impl Stop {
    /// Stops.
    pub fn now(&self) {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
        self.0.1.notify_all();
        let _ = self.1.send(true);
    }

    /// Waits at most this long; whether to stop.
    pub fn wait(&self, most: Duration) -> bool {
        let stop = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        if *stop {
            return true;
        }
        let (stop, _) = self.0.1.wait_timeout(stop, most).unwrap_or_else(PoisonError::into_inner);
        *stop
    }

    /// Whether it is time to stop.
    pub fn is_told(&self) -> bool {
        *self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Resolves when it is time to stop.
    pub async fn told(&self) {
        let mut told = self.1.subscribe();
        let _ = told.wait_for(|stop| *stop).await;
    }
}

/// The application in a home.
///
/// # Errors
/// The state is in use or damaged.
pub fn open(home: &Home, config: &Config) -> Result<App> {
    Ok(App::open(of_app(home, config, false)?)?)
}

/// The application in a home for whoever only looks: nothing is changed, and a node may run in it; `None` where there
/// is no state yet.
///
/// # Errors
/// The state is damaged.
pub fn look(home: &Home, config: &Config) -> Result<Option<App>> {
    // What a database has from its first moment on.
    if !home.data().join("state/CURRENT").exists() {
        return Ok(None);
    }
    Ok(Some(App::open(of_app(home, config, true)?)?))
}

fn of_app(home: &Home, config: &Config, read_only: bool) -> Result<app::Config> {
    let keep = (config.state.keep > 0).then_some(config.state.keep);
    let store = zektra_store::Options { keep, cache_bytes: config.state.cache_mib << 20, sync: true, read_only };
    let snapshots = Schedule {
        every: config.state.snapshot_every,
        keep: config.state.snapshot_keep,
        chunk: config.state.snapshot_chunk_kib << 10,
    };
    Ok(app::Config {
        home: home.data(),
        store,
        min_gas_prices: config.gas_prices().map_err(anyhow::Error::msg)?,
        retain_blocks: (config.state.retain_blocks > 0).then_some(config.state.retain_blocks),
        snapshots,
        simulation_gas: Some(config.fronts.simulation_gas),
        migrations: config.migrations,
    })
}

async fn bind(name: &str, front: &config::Front) -> Result<Option<TcpListener>> {
    if !front.enable {
        return Ok(None);
    }
    let address = front.host_and_port().map_err(|e| anyhow::anyhow!("{name}.address: {e}"))?;
    let bound = TcpListener::bind(address).await;
    let why = || format!("{name}.address {address:?} cannot be listened on; name another with --{name} or in app.toml");
    bound.map(Some).with_context(why)
}

fn address(listener: Option<&TcpListener>) -> Option<SocketAddr> {
    listener.and_then(|l| l.local_addr().ok())
}

/// The listeners of a node, bound before anything else begins: a port in use is said at once.
#[derive(Debug)]
pub struct Listeners {
    rpc: Option<TcpListener>,
    grpc: Option<TcpListener>,
    api: Option<TcpListener>,
    metrics: Option<TcpListener>,
}

impl Listeners {
    /// Binds what the configuration names; the RPC only for a solo chain.
    ///
    /// # Errors
    /// An address that is in use.
    pub async fn bind(config: &Config, solo: bool) -> Result<Self> {
        Ok(Self {
            rpc: if solo { bind("rpc", &config.rpc).await? } else { None },
            grpc: bind("grpc", &config.grpc).await?,
            api: bind("api", &config.api).await?,
            metrics: bind("metrics", &config.metrics).await?,
        })
    }

    /// Where they are.
    pub fn endpoints(&self) -> Endpoints {
        Endpoints {
            rpc: address(self.rpc.as_ref()),
            grpc: address(self.grpc.as_ref()),
            api: address(self.api.as_ref()),
            metrics: address(self.metrics.as_ref()),
        }
    }
}

/// What runs a node, listening already.
#[derive(Debug)]
pub struct Listening {
    runtime: Runtime,
    listeners: Listeners,
}

impl Listening {
    /// As [`Listeners::bind`].
    ///
    /// # Errors
    /// An address that is in use.
    pub fn bind(config: &Config, solo: bool) -> Result<Self> {
        raise_descriptors();
        let runtime = Builder::new_multi_thread().enable_all().build()?;
        let listeners = runtime.block_on(Listeners::bind(config, solo))?;
        Ok(Self { runtime, listeners })
    }
}

/// Serves the fronts until it is told to stop.
///
/// # Errors
/// A front fails.
pub async fn fronts(
    listeners: Listeners,
    app: App,
    solo: Option<Arc<Solo>>,
    bounds: config::Fronts,
    stop: Stop,
) -> Result<()> {
    let Listeners { rpc: on_rpc, grpc: on_grpc, api, metrics } = listeners;
    let grpc_router = grpc::router(app.clone()).context("the descriptors of the services")?;
    let rpc_router = solo.map(|solo| rpc::router(solo, bounds.idle())).unwrap_or_default();
    let serve = async |listener: Option<TcpListener>, router| {
        if let Some(listener) = listener {
            serve(listener, router, &bounds, &stop).await;
        }
    };
    tokio::join!(
        serve(on_rpc, rpc_router),
        serve(on_grpc, grpc_router),
        serve(api, rest::router(app.clone())),
        serve(metrics, crate::front::metrics::router(app)),
    );
    Ok(())
}

/// Makes blocks until it is told to stop: one each `block_time`, or when transactions are there.
///
/// # Errors
/// The application cannot go on.
pub fn blocks(solo: &Solo, block_time: Duration, on_tx: bool, stop: &Stop) -> Result<()> {
    let mut next = Instant::now() + block_time;
    loop {
        if on_tx {
            if stop.wait(Duration::ZERO) {
                return Ok(());
            }
            if !solo.wait_for_tx(Duration::from_millis(200)) {
                continue;
            }
        } else if stop.wait(next.saturating_duration_since(Instant::now())) {
            return Ok(());
        }
        next = Instant::now() + block_time;
        solo.produce(now())?;
    }
}

/// The time on this machine's clock.
#[allow(clippy::disallowed_methods, reason = "the proposer's clock goes into the header, from where all nodes take it")]
pub fn now() -> tendermint::Time {
    tendermint::Time::now()
}

/// Opens a solo chain in a home.
///
/// # Errors
/// The home, its genesis file and its keys do not fit.
pub fn open_solo(home: &Home, app: &App, moniker: &str, endpoints: &Endpoints, limits: Limits) -> Result<Arc<Solo>> {
    let genesis = home.genesis()?;
    let identity = Identity {
        node_id: home.node_id()?,
        moniker: if moniker.is_empty() { hostname() } else { moniker.into() },
        rpc_address: endpoints.rpc.map(|a| format!("tcp://{a}")).unwrap_or_default(),
    };
    let solo = Solo::open(app.clone(), genesis, home.validator_key()?, identity, limits)?;
    app.attach(Arc::new(solo.weak()));
    Ok(solo)
}

fn hostname() -> String {
    std::fs::read_to_string("/etc/hostname").map_or_else(|_| "node".into(), |name| name.trim().to_string())
}

/// Runs a solo chain in a home that is held until it is told to stop. `ready` is called when there is a block.
///
/// # Errors
/// It cannot begin, or cannot go on.
pub fn solo(
    home: &Home,
    config: &Config,
    listening: Listening,
    stop: &Stop,
    ready: impl FnOnce(&Endpoints, &Solo),
) -> Result<()> {
    let Listening { runtime, listeners } = listening;
    let app = open(home, config)?;
    let endpoints = listeners.endpoints();
    if app.committed().height == 0 {
        trial::demand(&home.genesis()?)?;
    }
    let solo = open_solo(home, &app, &config.moniker, &endpoints, Limits::default())?;
    if app.committed().height == 0 {
        // Whoever asks finds a state.
        solo.produce(now())?;
    }
    ready(&endpoints, &solo);
    let serving = runtime.spawn(fronts(listeners, app, Some(solo.clone()), config.fronts.clone(), stop.clone()));
    let made = {
        let (solo, stop, time, on_tx) = (solo.clone(), stop.clone(), config.block_time(), config.solo.on_tx);
        std::thread::Builder::new().name("blocks".into()).spawn(move || {
            let made = blocks(&solo, time, on_tx, &stop);
            stop.now();
            made
        })?
    };
    let served = runtime.block_on(async {
        tokio::select! {
            () = stop.told() => Ok(Ok(())),
            served = serving => served,
        }
    });
    stop.now();
    solo.wake();
    let made = made.join().map_err(|_| anyhow::anyhow!("the thread that makes blocks has panicked"))?;
    runtime.shutdown_timeout(Duration::from_secs(2));
    made?;
    served.context("a server has panicked")?
}

/// How long the answer that halts the chain waits for the end of its own CometBFT.
const ANSWER_AT_HALT: Duration = Duration::from_secs(10);

/// Runs behind CometBFT until it is told to stop.
///
/// # Errors
/// It cannot begin, or a server fails; the state is of another chain than the genesis file; the chain waits for another
/// program, or refuses its genesis file.
pub fn behind_comet(home: &Home, config: &Config, stop: &Stop, ready: impl FnOnce(&Endpoints, &str)) -> Result<()> {
    let genesis = home.genesis()?;
    let named = genesis.typed.chain_id.clone();
    let _lock = home.lock()?;
    let Listening { runtime, listeners } = Listening::bind(config, false)?;
    let app = open(home, config)?;
    if app.committed().height == 0 {
        trial::demand(&genesis)?;
    }
    drop(genesis);
    let (told, gone, launches) = (stop.clone(), Stop::default(), !config.comet.binary.is_empty());
    let child_gone = gone.clone();
    app.on_halt(move || {
        told.now();
        // A CometBFT of ours has no answer to make a noise about: it is ended before.
        if launches {
            child_gone.wait(ANSWER_AT_HALT);
        }
    });
    if let Some(known) = app.identity()
        && known.chain_id != named.as_str()
    {
        bail!("this home holds the chain {}, the genesis file is of {named}", known.chain_id);
    }
    let comet: Arc<dyn Comet> = Arc::new(Remote::new(&config.comet.rpc));
    app.attach(comet);
    let on = config.comet.abci.parse().map_err(anyhow::Error::msg).context("comet.abci")?;
    let mut abci = match Server::listen(&on, app.clone()) {
        Ok(server) => server,
        Err(e) => bail!("comet.abci {:?} cannot be listened on: {e}", config.comet.abci),
    };
    ready(&listeners.endpoints(), &abci.address());
    let launched = match config.comet.binary.as_str() {
        "" => None,
        _ => Some(Launched::start(home, config, &abci.address(), stop.clone())?),
    };
    let served = runtime.block_on(async {
        let serving = tokio::spawn(fronts(listeners, app.clone(), None, config.fronts.clone(), stop.clone()));
        tokio::select! {
            () = stop.told() => Ok(Ok(())),
            served = serving => served,
        }
    });
    stop.now();
    // CometBFT before the application: it would call a missing one lost.
    let halted = app.ended().cloned();
    let ended = match launched {
        None => Ok(()),
        // It waits for the answer to a block, in which it does not hear that it should stop. Its block is on the disk.
        Some(child) if halted.is_some() => child.kill(),
        Some(child) => child.stop(),
    };
    gone.now();
    abci.stop();
    runtime.shutdown_timeout(Duration::from_secs(2));
    if let Some(halted) = halted {
        return Err(halted.into());
    }
    ended?;
    served.context("a server has panicked")?
}
