//! Looks at a home and says what is wrong with it.

use super::say;
use anyhow::{Result, bail};
use std::net::TcpListener;
use zektra_app::app::APP_VERSION;
use zektra_app::node::config::Front;
use zektra_app::node::run::open;
use zektra_app::node::{Home, HomeError, dev};
use zektra_genesis::Genesis;
use zektra_modules::MODULES;

/// Bytes that a node should have left on its disk.
const ROOM: u64 = 1 << 30;

struct Report(u32);

impl Report {
    fn said(&mut self, what: &str, found: Result<String>) {
        match found {
            Ok(fine) => say(&format!("ok     {what}: {fine}\n")),
            Err(e) => {
                self.0 += 1;
                say(&format!("WRONG  {what}: {e:#}\n"));
            }
        }
    }
}

pub fn doctor(home: &Home) -> Result<()> {
    home.demand()?;
    let mut report = Report(0);
    report.said("home", Ok(home.path().display().to_string()));
    let config = home.config();
    report.said("config/app.toml", config.as_ref().map(|_| "readable".into()).map_err(|e| anyhow::anyhow!("{e}")));
    let genesis = home.genesis();
    report.said(
        "config/genesis.json",
        genesis.as_ref().map(|g| format!("chain {}", g.typed.chain_id)).map_err(|e| anyhow::anyhow!("{e}")),
    );
    if genesis.as_ref().is_ok_and(dev::holds) {
        say(&format!("note   config/genesis.json: {}\n", dev::WARNING));
    }
    report.said("config/priv_validator_key.json", home.validator_key().map(|_| "a key".into()).map_err(Into::into));
    report.said("config/node_key.json", home.node_id().map_err(Into::into));
    report.said("disk", room(home));
    match home.lock() {
        Err(HomeError::Taken(_)) => say(
            "note   database: zektrad runs in this home; database, invariants and ports are checked when it is stopped\n",
        ),
        Err(e) => report.said("database", Err(e.into())),
        Ok(_lock) => {
            let config = config.unwrap_or_default();
            report.said("database", database(home, &config, genesis.as_ref().ok()));
            for (name, front) in [("rpc", &config.rpc), ("grpc", &config.grpc), ("api", &config.api)] {
                if front.enable {
                    report.said(name, free(front).map_err(anyhow::Error::msg));
                }
            }
        }
    }
    report.said("version", Ok(format!("zektrad {}, state machine {APP_VERSION}", env!("CARGO_PKG_VERSION"))));
    match report.0 {
        0 => Ok(()),
        wrong => bail!("{wrong} of these are wrong"),
    }
}

/// Whether a server could listen.
fn free(front: &Front) -> Result<String, String> {
    let address = front.host_and_port()?;
    match TcpListener::bind(address) {
        Ok(_) => Ok(format!("{address} is free")),
        Err(e) => Err(format!("{address}: {e}; name another in app.toml")),
    }
}

fn room(home: &Home) -> Result<String> {
    let at = if home.path().exists() { home.path() } else { std::path::Path::new(".") };
    let stat = rustix::fs::statvfs(at)?;
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    let shown = format!("{:.1} GiB free", free as f64 / (1u64 << 30) as f64);
    if free < ROOM {
        bail!("{shown}, expected at least 1 GiB");
    }
    Ok(shown)
}

/// Opens the state and checks what must hold after every block.
fn database(home: &Home, config: &zektra_app::node::Config, genesis: Option<&Genesis>) -> Result<String> {
    let app = open(home, config)?;
    let height = app.committed().height;
    if height == 0 {
        return Ok("no block yet".into());
    }
    if let (Some(genesis), Some(identity)) = (genesis, app.identity())
        && genesis.typed.chain_id.as_str() != identity.chain_id
    {
        let of_file = &genesis.typed.chain_id;
        bail!("it holds the chain {}, the genesis file is of {of_file}: put that chain's file back", identity.chain_id);
    }
    let state = app.latest()?;
    let root = state.root()?;
    if root[..] != app.committed().root[..] {
        bail!("the tree's root at height {height} is not the one that was committed: restore the home from a snapshot");
    }
    for module in MODULES {
        let held = module.check_invariants(&state);
        held.map_err(|e| anyhow::anyhow!("height {height}: an invariant of {} does not hold: {e}", module.name()))?;
    }
    Ok(format!("height {height}, heights from {} can be asked, all invariants hold", app.store().oldest()?))
}
