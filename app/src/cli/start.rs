//! Runs the node.

use super::init::{Chain, make, planned};
use super::{Input, say};
use crate::node::config::host_and_port;
use crate::node::run::{self, Endpoints, Listening, Stop};
use crate::node::{Config, Home, dev};
use crate::solo::Solo;
use anyhow::Result;
use clap::Args;
use std::time::Duration;
use zektra_comet::Remote;
use zektra_modules::upgrade::Migration;

#[derive(Args)]
pub struct Start {
    /// Be the only validator: no CometBFT is needed. An empty home becomes a development chain.
    #[arg(long)]
    solo: bool,
    /// Time from block to block with --solo, as 500ms or 2s.
    #[arg(long, value_parser = duration, requires = "solo")]
    block_time: Option<Duration>,
    /// With --solo, make blocks only when transactions are there.
    #[arg(long, requires = "solo")]
    on_tx: bool,
    /// Where CometBFT's RPC listens with --solo.
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    rpc: Option<String>,
    /// Where gRPC listens.
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    grpc: Option<String>,
    /// Where REST listens.
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    api: Option<String>,
    /// Where Prometheus finds metrics; off without a word.
    #[arg(long, value_name = "HOST:PORT", value_parser = address)]
    metrics: Option<String>,
    /// Where ABCI listens without --solo: tcp://host:port or unix://path.
    #[arg(long, value_name = "ADDRESS")]
    abci: Option<String>,
    /// CometBFT's RPC without --solo.
    #[arg(long, value_name = "URL", value_parser = url)]
    comet_rpc: Option<String>,
    /// Start this CometBFT, too, and stop it with the node; without the flag one is waited for.
    #[arg(long, value_name = "PROGRAM", num_args = 0..=1, default_missing_value = "cometbft", conflicts_with = "solo")]
    cometbft: Option<String>,
    /// Least prices of gas, as 0.001uzektra.
    #[arg(long, value_name = "PRICES")]
    minimum_gas_prices: Option<String>,
    /// Heights from snapshot to snapshot for state sync; 0 for none.
    #[arg(long, value_name = "BLOCKS")]
    snapshot_every: Option<u64>,
    #[command(flatten)]
    chain: Chain,
}

fn address(text: &str) -> Result<String, String> {
    host_and_port(text).map(|_| text.into())
}

fn url(text: &str) -> Result<String, String> {
    Remote::check(text).map(|()| text.into())
}

fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?}, expected a time as 500ms, 2s or 1m");
    let end = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
    let number: u64 = text[..end].parse().map_err(|_| wrong())?;
    let millis = match &text[end..] {
        "ms" => 1,
        "s" => 1000,
        "m" => 60_000,
        _ => return Err(wrong()),
    };
    number.checked_mul(millis).filter(|m| *m > 0).map(Duration::from_millis).ok_or_else(wrong)
}

impl Start {
    /// The home's configuration with what the command line says instead.
    fn config(&self, home: &Home, migrations: &'static [Migration]) -> Result<Config> {
        let mut config = Config { migrations, ..home.config()? };
        for (front, named) in [
            (&mut config.rpc, &self.rpc),
            (&mut config.grpc, &self.grpc),
            (&mut config.api, &self.api),
            (&mut config.metrics, &self.metrics),
        ] {
            if let Some(address) = named {
                (front.enable, front.address) = (true, address.clone());
            }
        }
        if let Some(abci) = &self.abci {
            config.comet.abci = abci.clone();
        }
        if let Some(rpc) = &self.comet_rpc {
            config.comet.rpc = rpc.clone();
        }
        if let Some(binary) = &self.cometbft {
            config.comet.binary = binary.clone();
        }
        if let Some(prices) = &self.minimum_gas_prices {
            config.minimum_gas_prices = prices.clone();
            config.gas_prices().map_err(|e| Input(format!("--minimum-gas-prices: {e}")))?;
        }
        if let Some(every) = self.snapshot_every {
            config.state.snapshot_every = every;
        }
        if let Some(time) = self.block_time {
            config.solo.block_time_ms = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        }
        config.solo.on_tx |= self.on_tx;
        Ok(config)
    }
}

/// Stops at Ctrl-C, or when the system asks.
fn stop_at_signals(stop: &Stop) -> Result<()> {
    let stop = stop.clone();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let told = {
        let _inside = runtime.enter();
        let mut terminate = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
        let mut interrupt = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt())?;
        async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
        }
    };
    std::thread::Builder::new().name("signals".into()).spawn(move || {
        runtime.block_on(told);
        stop.now();
        tracing::info!("stopping");
    })?;
    Ok(())
}

pub fn start(home: &Home, command: &Start, migrations: &'static [Migration]) -> Result<()> {
    let stop = Stop::default();
    stop_at_signals(&stop)?;
    let of_chain = &command.chain;
    if !command.solo {
        if of_chain.spec.is_some() || of_chain.chain_id.is_some() || of_chain.bech32_prefix.is_some() {
            let wrong = "--spec, --chain-id and --bech32-prefix are for --solo; otherwise `zektrad init` takes them";
            return Err(Input(wrong.into()).into());
        }
        let config = command.config(home, migrations)?;
        if home.genesis().is_ok_and(|g| dev::holds(&g)) {
            tracing::warn!("{}", dev::WARNING);
        }
        return run::behind_comet(home, &config, &stop, |endpoints, abci| {
            show(endpoints);
            let todo = match config.comet.binary.as_str() {
                "" => "waiting for CometBFT: start it with --proxy_app of this address",
                _ => "starting CometBFT",
            };
            tracing::info!(abci, rpc = config.comet.rpc, todo);
        });
    }
    let fresh = !home.is_made();
    if fresh {
        planned(home, of_chain)?;
    } else if of_chain.spec.is_some() || of_chain.bech32_prefix.is_some() {
        let held = home.path().display();
        let wrong = format!("{held} holds a chain already: --spec and --bech32-prefix are for an empty home");
        return Err(Input(wrong).into());
    } else if let Some(id) = &of_chain.chain_id
        && *id != home.genesis()?.typed.chain_id.as_str()
    {
        let held = home.genesis()?.typed.chain_id;
        return Err(Input(format!("--chain-id {id:?}: {} holds the chain {held}", home.path().display())).into());
    }
    let held = if fresh { None } else { Some(home.lock()?) };
    let listening = Listening::bind(&command.config(home, migrations)?, true)?;
    // From here on nothing is refused that could have been before.
    let _held = match held {
        Some(held) => held,
        None => {
            make(home, of_chain, "solo", false)?;
            home.lock()?
        }
    };
    run::solo(home, &command.config(home, migrations)?, listening, &stop, |endpoints, solo| {
        if of_chain.spec.is_none() && home.genesis().is_ok_and(|g| dev::holds(&g)) {
            accounts(solo);
        }
        show(endpoints);
    })
}

fn accounts(solo: &Solo) {
    if let Some(identity) = solo.app().identity() {
        say(&format!("chain {}\n", identity.chain_id));
        say(&dev::table(&identity.prefix));
    }
}

fn show(endpoints: &Endpoints) {
    let Endpoints { rpc, grpc, api, metrics } = endpoints;
    for (name, address) in [("rpc", rpc), ("grpc", grpc), ("rest", api), ("metrics", metrics)] {
        if let Some(address) = address {
            let scheme = if name == "grpc" { "" } else { "http://" };
            say(&format!("{name:<8} {scheme}{address}\n"));
        }
    }
}
