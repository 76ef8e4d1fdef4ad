//! Looks at a home and says what is wrong with it.

use super::{say, upgrade};
use crate::app::{APP_VERSION, App};
use crate::node::config::{Config, Front, host_and_port};
use crate::node::home::public;
use crate::node::run::look;
use crate::node::trial::try_out;
use crate::node::{Home, HomeError, dev};
use crate::solo::{Validators, stored_block, stored_validators};
use anyhow::{Result, anyhow, bail};
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt as _;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;
use zektra_genesis::Genesis;
use zektra_modules::staking::{self, Status, Validator};
use zektra_modules::upgrade::Migration;
use zektra_modules::{MODULES, Module, slashing};
use zektra_proto::Timestamp;
use zektra_state::StateRead;

/// Bytes that a node should have left on its disk.
const ROOM: u64 = 1 << 30;
/// After this long it is said what is looked at.
const PATIENCE: Duration = Duration::from_secs(2);

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

fn note(what: &str, found: &str) {
    say(&format!("note   {what}: {found}\n"));
}

pub fn doctor(home: &Home, migrations: &'static [Migration]) -> Result<()> {
    home.demand()?;
    let mut report = Report(0);
    report.said("home", Ok(home.path().display().to_string()));
    let config = home.config();
    report.said("config/app.toml", config.as_ref().map(|_| "readable".into()).map_err(|e| anyhow!("{e}")));
    let genesis = home.genesis();
    report.said(
        "config/genesis.json",
        genesis.as_ref().map(|g| format!("chain {}", g.typed.chain_id)).map_err(|e| anyhow!("{e}")),
    );
    if genesis.as_ref().is_ok_and(dev::holds) {
        note("config/genesis.json", dev::WARNING);
    }
    report.said("config/priv_validator_key.json", home.validator_key().map(|_| "a key".into()).map_err(Into::into));
    report.said("config/node_key.json", home.node_id().map_err(Into::into));
    for name in ["priv_validator_key.json", "node_key.json", "key_seed.json"] {
        if home.config_file(name).metadata().is_ok_and(|file| file.mode() & 0o077 != 0) {
            note(&format!("config/{name}"), "others on this machine may read this secret; `chmod 600` ends that");
        }
    }
    report.said("disk", room(home));
    match home.lock() {
        Err(HomeError::Taken(_)) => {
            note(
                "database",
                "zektrad runs in this home; database, invariants and ports are checked when it is stopped",
            );
        }
        Err(e) => report.said("database", Err(e.into())),
        Ok(_lock) => {
            let config = Config { migrations, ..config.unwrap_or_default() };
            if let Err(e) = database(home, &config, genesis.as_ref().ok(), &mut report) {
                report.said("database", Err(e));
            }
            ports(home, &config, &mut report);
        }
    }
    report.said("version", Ok(format!("zektrad {}, state machine {APP_VERSION}", env!("CARGO_PKG_VERSION"))));
    match report.0 {
        0 => Ok(()),
        wrong => bail!("{wrong} of these are wrong"),
    }
}

/// Where this node would listen, and the CometBFT that it starts.
fn ports(home: &Home, config: &Config, report: &mut Report) {
    let mut check = |name: &str, address: &str| {
        let found = host_and_port(address).and_then(free);
        report.said(name, found.map_err(|e| anyhow!("{e}; name another in {}", file_of(name))));
    };
    let comet = std::fs::read_to_string(home.config_file("config.toml"));
    let launches = !config.comet.binary.is_empty();
    let solo = comet.is_err() && !launches;
    let of = |front: &Front| front.enable.then(|| front.address.clone());
    let fronts = [("rpc", of(&config.rpc).filter(|_| solo)), ("grpc", of(&config.grpc)), ("api", of(&config.api))];
    for (name, address) in fronts.into_iter().chain([("metrics", of(&config.metrics))]) {
        address.iter().for_each(|address| check(name, address));
    }
    // A socket that nobody answers is made anew.
    if !solo && config.comet.abci.starts_with("tcp://") {
        check("comet.abci", &config.comet.abci);
    }
    if launches {
        check("comet.rpc", &config.comet.rpc);
        let written: Option<toml::Table> = comet.ok().and_then(|text| text.parse().ok());
        let p2p = written.as_ref().and_then(|t| t.get("p2p")?.get("laddr")?.as_str());
        check("p2p.laddr", p2p.unwrap_or("tcp://0.0.0.0:26656"));
    }
}

/// The file that names an address.
fn file_of(name: &str) -> &'static str {
    if name == "p2p.laddr" { "config/config.toml" } else { "config/app.toml" }
}

/// Whether a server could listen.
fn free(address: &str) -> Result<String, String> {
    match TcpListener::bind(address) {
        Ok(_) => Ok(format!("{address} is free")),
        Err(e) => Err(format!("{address}: {e}")),
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

/// Looks at the state and checks what must hold after every block.
fn database(home: &Home, config: &Config, genesis: Option<&Genesis>, report: &mut Report) -> Result<()> {
    let app = look(home, config)?.filter(|app| app.committed().height > 0);
    let Some(app) = app else {
        report.said("database", Ok("no block yet".into()));
        if let Some(genesis) = genesis {
            report.said("first block", try_out(genesis).map(|()| "the genesis file makes one".into()));
        }
        return Ok(());
    };
    let height = app.committed().height;
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
    let oldest = app.store().oldest()?;
    report.said("database", Ok(format!("height {height}, heights from {oldest} can be asked")));
    let before = report.0;
    for module in MODULES {
        if let Err(e) = invariants(module, &state) {
            report.said("invariants", Err(anyhow!("{} at height {height}: {e}", module.name())));
        }
    }
    if report.0 == before {
        let names: Vec<_> = MODULES.iter().map(|m| m.name()).collect();
        report.said("invariants", Ok(format!("all invariants hold, of {}", names.join(", "))));
    }
    if let Ok(key) = home.validator_key() {
        let key = key.verification_key().to_bytes();
        validator(&state, &key, genesis, report)?;
        if stored_block(&app, height)?.is_some() && home.config().is_ok_and(|c| c.comet.binary.is_empty()) {
            alone(&app, home, height, report)?;
        }
    }
    upgrades(&app, &state, config, report)
}

/// Whether a solo chain can go on: its key makes final blocks alone only with more than two thirds of the power.
fn alone(app: &App, home: &Home, height: u64, report: &mut Report) -> Result<()> {
    let address = tendermint::account::Id::from(public(&home.validator_key()?));
    for next in [height.saturating_add(1), height.saturating_add(2)] {
        let set = stored_validators(app, next, &Validators::default())?;
        // None are kept where the genesis file has said once and for all who validates.
        if !set.all().is_empty()
            && let Err(e) = set.demand(&address, next)
        {
            report.said("solo chain", Err(e.into()));
            break;
        }
    }
    Ok(())
}

/// Checks a module, and says so when that takes long.
fn invariants(module: &dyn Module, state: &(dyn StateRead + Sync)) -> Result<()> {
    let (done, waiting) = channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            if waiting.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                note("invariants", &format!("those of {} are being checked", module.name()));
            }
        });
        let held = module.check_invariants(state);
        drop(done);
        Ok(held?)
    })
}

fn upgrades(app: &App, state: &dyn StateRead, config: &Config, report: &mut Report) -> Result<()> {
    let info = zektra_modules::upgrade::info(state, config.migrations)?;
    if let Some((name, at)) = info.done.last().filter(|(name, _)| !info.known.contains(&&name[..])) {
        let why = anyhow!(
            "the chain made {name:?} at height {at}, which this program does not know: start the one that does"
        );
        report.said("upgrade", Err(why));
    } else if info.plan.is_some() {
        note("upgrade", &format!("at height {} now; {}", app.committed().height, upgrade::plan(&info)));
    }
    Ok(())
}

/// What the chain knows of this home's key.
fn validator(state: &dyn StateRead, key: &[u8; 32], genesis: Option<&Genesis>, report: &mut Report) -> Result<()> {
    let consensus = staking::validator::address_of(key);
    let Some(found) = staking::by_consensus(state, &consensus)? else {
        let listed = |g: &Genesis| g.typed.validators.iter().any(|v| v.pub_key.to_bytes() == key[..]);
        if genesis.is_some_and(listed) && staking::set::last_powers(state)?.is_empty() {
            report.said("validator", Ok("one of the genesis file".into()));
        } else {
            let found = "this home's key is no validator's: the node follows the chain and signs nothing";
            note("validator", found);
        }
        return Ok(());
    };
    let info = slashing::signing_info(state, &consensus)?.unwrap_or_default();
    let power = staking::set::last_powers(state)?.get(&found.operator).copied().unwrap_or(0);
    let Validator { description, jailed, status, tokens, .. } = &found;
    let shown = match status {
        Status::Bonded => "in the set",
        Status::Unbonding => "leaving the set",
        Status::Unbonded | Status::Unspecified => "not in the set",
    };
    let shown = format!("{:?}, {shown}, power {power}, {tokens} tokens", description.moniker);
    if info.tombstoned {
        let why = "its key signed two blocks of one height and can never be used again: make a validator with another";
        report.said("validator", Err(anyhow!("{shown}, jailed for ever: {why}")));
    } else if *jailed {
        let until = info.jailed_until.filter(|t| t.seconds > 0).map(time).unwrap_or_default();
        // The home is as it should be; its operator has something to do.
        let todo = "`zektra tx slashing unjail` by its operator brings it back then";
        note("validator", &format!("{shown}, jailed{until}: {todo}"));
    } else {
        report.said("validator", Ok(format!("{shown}, missed {} of the last blocks", info.missed_blocks_counter)));
    }
    Ok(())
}

fn time(at: Timestamp) -> String {
    let nanos = u32::try_from(at.nanos).unwrap_or(0);
    tendermint::Time::from_unix_timestamp(at.seconds, nanos).map_or(String::new(), |t| format!(" until {t}"))
}
