//! A CometBFT that the node runs as its child.

use super::run::Stop;
use super::{Config, Home};
use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus};
use std::thread::JoinHandle;

/// A CometBFT that was started with the node.
#[derive(Debug)]
pub struct Launched {
    pid: Option<Pid>,
    /// Its end, and whether the node had been told to stop before.
    waiting: JoinHandle<std::io::Result<(ExitStatus, bool)>>,
}

impl Launched {
    /// Starts the configured program on the home, which it fills where files are missing; the node stops when it ends.
    ///
    /// # Errors
    /// A program that cannot be run or that does not take the home.
    pub fn start(home: &Home, config: &Config, abci: &str, stop: Stop) -> Result<Self> {
        let binary = config.comet.binary.as_str();
        let command = |name: &str| {
            let mut command = Command::new(binary);
            command.arg(name).arg("--home").arg(home.path());
            command
        };
        let missing = || format!("comet.binary {binary:?} cannot be run; name CometBFT's program with --cometbft");
        if !home.path().join("config/config.toml").exists() {
            // Keys and genesis file that are there stay.
            let made = command("init").output().with_context(missing)?;
            if !made.status.success() {
                // It says on its standard output what is wrong.
                let said = [made.stdout, made.stderr].concat();
                bail!("{binary} init: {}: {}", made.status, String::from_utf8_lossy(&said).trim());
            }
        }
        let mut start = command("start");
        // A group of its own: Ctrl-C is for the node, which stops both in order.
        start.args(["--proxy_app", abci, "--rpc.laddr", &config.comet.rpc]).process_group(0);
        if !config.moniker.is_empty() {
            start.args(["--moniker", &config.moniker]);
        }
        let mut child: Child = start.spawn().with_context(missing)?;
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        let waiting = std::thread::Builder::new().name("cometbft".into()).spawn(move || {
            let ended = child.wait();
            let told = stop.is_told();
            stop.now();
            ended.map(|status| (status, told))
        })?;
        Ok(Self { pid, waiting })
    }

    /// Asks it to stop, and waits until it has.
    ///
    /// # Errors
    /// It had ended before anybody asked.
    pub fn stop(self) -> Result<()> {
        self.end(Signal::TERM)
    }

    /// Ends it at once, as a crash would, and waits until it has.
    ///
    /// # Errors
    /// It had ended before anybody asked.
    pub fn kill(self) -> Result<()> {
        self.end(Signal::KILL)
    }

    fn end(self, signal: Signal) -> Result<()> {
        if let Some(pid) = self.pid.filter(|_| !self.waiting.is_finished()) {
            // Gone in between is as good.
            let _ = kill_process(pid, signal);
        }
        let ended =
            self.waiting.join().map_err(|_| anyhow::anyhow!("the thread that waits for CometBFT has panicked"))?;
        let (status, told) = ended.context("CometBFT cannot be waited for")?;
        if !told {
            bail!("CometBFT has ended by itself ({status}); what it printed says why");
        }
        Ok(())
    }
}
