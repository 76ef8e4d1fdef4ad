//! `config/app.toml`: how a node runs. What the chain is stands in the genesis file.

use crate::ante::GasPrice;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use zektra_modules::upgrade::{MIGRATIONS, Migration};

/// With a chunk's proof and its last entry below CometBFT's limit of 16 MiB.
const MAX_CHUNK_KIB: usize = 10 << 10;

/// A node's configuration. Every field has a default; unknown ones are refused.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// What people call this node; empty for the machine's name.
    pub moniker: String,
    /// Least prices of gas, as `0.001uzektra,0.01uatom`: a transaction pays one of them to enter this node's mempool.
    pub minimum_gas_prices: String,
    /// The state's database.
    pub state: State,
    /// CometBFT's RPC, which the solo chain serves itself.
    pub rpc: Front,
    /// gRPC.
    pub grpc: Front,
    /// REST.
    pub api: Front,
    /// Prometheus.
    pub metrics: Front,
    /// What strangers may take of this node over the servers above.
    pub fronts: Fronts,
    /// Where CometBFT and this node meet, without `--solo`.
    pub comet: Comet,
    /// The solo chain.
    pub solo: Solo,
    /// The upgrades that this program knows: no matter of a file.
    #[serde(skip)]
    pub migrations: &'static [Migration],
}

/// The state's database.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct State {
    /// Heights whose state can be asked; 0 for all.
    pub keep: u64,
    /// Mebibytes of the database in memory.
    pub cache_mib: usize,
    /// Blocks that CometBFT keeps; 0 for all.
    pub retain_blocks: u64,
    /// Heights from snapshot to snapshot for state sync; 0 for none.
    pub snapshot_every: u64,
    /// Snapshots that are kept.
    pub snapshot_keep: usize,
    /// Kibibytes of keys and values in a chunk of a snapshot, 1 to 10240: nodes whose chunks are alike share the work
    /// for a new one.
    pub snapshot_chunk_kib: usize,
}

/// A server.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub struct Front {
    /// Whether it runs.
    pub enable: bool,
    /// Where it listens: `host:port`.
    pub address: String,
}

impl Front {
    /// Where it listens: a host and a port, after `tcp://` or nothing.
    ///
    /// # Errors
    /// Another form.
    pub fn host_and_port(&self) -> Result<&str, String> {
        host_and_port(&self.address)
    }
}

/// A host and a port, after `tcp://` or nothing.
///
/// # Errors
/// Another form.
pub fn host_and_port(address: &str) -> Result<&str, String> {
    let plain = address.strip_prefix("tcp://").unwrap_or(address);
    let fits = plain.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    if fits { Ok(plain) } else { Err(format!("{address:?}, expected host:port as 127.0.0.1:26657")) }
}

/// What strangers may take of a node over its servers.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Fronts {
    /// Connections of each server at once; at most an eighth of the files that the process may open.
    pub connections: usize,
    /// Connections of one address at each server, of one network of 64 bits in IPv6; 0 for any number. Loopback may
    /// have any number: behind a proxy of this machine are many.
    pub per_address: usize,
    /// Seconds after which a connection is closed that says nothing, or does not read.
    pub idle_secs: u64,
    /// Seconds for a request with its body until the answer begins.
    pub timeout_secs: u64,
    /// Mebibytes of answers of each server that nobody has read yet.
    pub answers_mib: usize,
    /// Most gas of a simulation where the chain bounds no block's.
    pub simulation_gas: u64,
}

impl Fronts {
    /// How long a connection may say nothing.
    pub fn idle(&self) -> Duration {
        Duration::from_secs(self.idle_secs)
    }

    /// How long a request may take.
    pub fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_secs)
    }
}

/// Where CometBFT and this node meet.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Comet {
    /// Where ABCI listens: `tcp://host:port` or `unix://path`; CometBFT's `proxy_app`.
    pub abci: String,
    /// CometBFT's RPC.
    pub rpc: String,
    /// The program of a CometBFT that the node starts and stops with itself; empty for one that is run by others.
    pub binary: String,
}

/// The solo chain.
#[derive(Clone, Debug, Serialize, Deserialize, PartialEq)]
#[serde(deny_unknown_fields, default)]
pub struct Solo {
    /// Milliseconds from block to block.
    pub block_time_ms: u64,
    /// Blocks only when a transaction is there.
    pub on_tx: bool,
}

impl Default for State {
    fn default() -> Self {
        Self {
            keep: 1000,
            cache_mib: 128,
            retain_blocks: 0,
            snapshot_every: 0,
            snapshot_keep: 2,
            snapshot_chunk_kib: 4096,
        }
    }
}

impl Default for Fronts {
    fn default() -> Self {
        Self {
            connections: 1000,
            per_address: 100,
            idle_secs: 60,
            timeout_secs: 30,
            answers_mib: 256,
            simulation_gas: crate::app::SIMULATION_GAS,
        }
    }
}

impl Default for Comet {
    fn default() -> Self {
        Self { abci: "tcp://127.0.0.1:26658".into(), rpc: "tcp://127.0.0.1:26657".into(), binary: String::new() }
    }
}

impl Default for Solo {
    fn default() -> Self {
        Self { block_time_ms: 1000, on_tx: false }
    }
}

impl Default for Config {
    fn default() -> Self {
        let front = |enable, address: &str| Front { enable, address: address.into() };
        Self {
            moniker: String::new(),
            minimum_gas_prices: String::new(),
            state: State::default(),
            rpc: front(true, "127.0.0.1:26657"),
            grpc: front(true, "127.0.0.1:9090"),
            api: front(true, "127.0.0.1:1317"),
            metrics: front(false, "127.0.0.1:26660"),
            fronts: Fronts::default(),
            comet: Comet::default(),
            solo: Solo::default(),
            migrations: MIGRATIONS,
        }
    }
}

impl Config {
    /// Reads the file's text.
    ///
    /// # Errors
    /// Where it is wrong, and what was expected.
    pub fn read(text: &str) -> Result<Self, String> {
        let config: Self = toml::from_str(text).map_err(|e| e.to_string())?;
        config.gas_prices().map_err(|e| format!("minimum_gas_prices: {e}"))?;
        for (name, front) in
            [("rpc", &config.rpc), ("grpc", &config.grpc), ("api", &config.api), ("metrics", &config.metrics)]
        {
            if front.enable {
                front.host_and_port().map_err(|e| format!("{name}.address: {e}"))?;
            }
        }
        zektra_comet::Remote::check(&config.comet.rpc).map_err(|e| format!("comet.rpc: {e}"))?;
        if config.state.keep == 1 {
            return Err("state.keep: 1, expected 0 or at least 2".into());
        }
        if !(1..=MAX_CHUNK_KIB).contains(&config.state.snapshot_chunk_kib) {
            let found = config.state.snapshot_chunk_kib;
            return Err(format!("state.snapshot_chunk_kib: {found}, expected 1 to {MAX_CHUNK_KIB}"));
        }
        let Fronts { connections, per_address: _, idle_secs, timeout_secs, answers_mib, simulation_gas } =
            &config.fronts;
        let positive = [
            ("connections", *connections as u64),
            ("idle_secs", *idle_secs),
            ("timeout_secs", *timeout_secs),
            ("answers_mib", *answers_mib as u64),
            ("simulation_gas", *simulation_gas),
        ];
        if let Some((field, _)) = positive.iter().find(|(_, value)| *value == 0) {
            return Err(format!("fronts.{field}: 0, expected a positive number"));
        }
        if config.solo.block_time_ms == 0 {
            return Err(
                "solo.block_time_ms: 0, expected a positive number; `on_tx = true` makes blocks on demand".into()
            );
        }
        Ok(config)
    }

    /// The prices.
    ///
    /// # Errors
    /// One that is none.
    pub fn gas_prices(&self) -> Result<Vec<GasPrice>, String> {
        self.minimum_gas_prices.split(',').map(str::trim).filter(|p| !p.is_empty()).map(str::parse).collect()
    }

    /// Time from block to block of the solo chain.
    pub fn block_time(&self) -> Duration {
        Duration::from_millis(self.solo.block_time_ms)
    }
}
