//! Real nodes: `zektrad` as users run it, alone or behind a real CometBFT.

use crate::report::workspace;
use crate::senders::Senders;
use anyhow::{Context as _, ensure};
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use zektra_comet::{Comet as _, Remote};

/// A process that is killed when it is dropped.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A node that runs.
pub struct Node {
    /// Where CometBFT's RPC is.
    pub rpc: String,
    /// Where gRPC is, `host:port`.
    pub grpc: String,
    /// Where REST is, `host:port`.
    pub rest: String,
    _processes: Vec<Running>,
}

fn zektrad() -> anyhow::Result<Command> {
    let binary = std::env::current_exe()?.with_file_name("zektrad");
    ensure!(binary.exists(), "{} is not built: cargo build --workspace --bins", binary.display());
    Ok(Command::new(binary))
}

/// The description of a chain in which `senders` have coins, without a bound of gas a block.
fn spec(senders: &Senders, path: &Path) -> anyhow::Result<()> {
    let mut text = format!(
        "chain_id = {:?}\nbech32_prefix = {:?}\n[consensus]\nmax_bytes = {}\nmax_gas = -1\n",
        crate::senders::CHAIN_ID,
        crate::senders::PREFIX,
        16 << 20
    );
    for number in 0..senders.len() {
        let (address, denom, funds) = (senders.address(number), crate::senders::DENOM, crate::senders::FUNDS);
        writeln!(text, "[[accounts]]\naddress = {address:?}\ncoins = {{ {denom} = \"{funds}\" }}")?;
    }
    Ok(std::fs::write(path, text)?)
}

/// Starts `zektrad` and reads from what it prints where it listens.
fn start(mut command: Command, names: &[&str]) -> anyhow::Result<(Running, Vec<String>)> {
    command.args(["--grpc", "127.0.0.1:0", "--api", "127.0.0.1:0", "--log-level", "warn"]);
    let mut child = Running(command.stdout(Stdio::piped()).spawn()?);
    let output = child.0.stdout.take().context("its output")?;
    let mut found = vec![String::new(); names.len()];
    for line in BufReader::new(output).lines() {
        let line = line?;
        let mut words = line.split_whitespace();
        if let (Some(name), Some(address)) = (words.next(), words.next())
            && let Some(place) = names.iter().position(|n| *n == name)
        {
            found[place] = address.trim_start_matches("http://").into();
        }
        if found.iter().all(|f| !f.is_empty()) {
            return Ok((child, found));
        }
    }
    anyhow::bail!("zektrad has ended")
}

/// A port that is free now.
fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// The real CometBFT, if it was built.
pub fn cometbft() -> Option<PathBuf> {
    let named = std::env::var_os("ZEKTRA_COMETBFT").map(PathBuf::from);
    Some(named.unwrap_or_else(|| workspace().join("target/go/bin/cometbft"))).filter(|path| path.exists())
}

impl Node {
    /// A solo chain.
    ///
    /// # Errors
    /// The command is not built, or does not start.
    pub fn solo(folder: &Path, senders: &Senders, block_time: &str) -> anyhow::Result<Self> {
        let described = folder.join("chain.toml");
        spec(senders, &described)?;
        let mut command = zektrad()?;
        command.args(["start", "--solo", "--rpc", "127.0.0.1:0", "--block-time", block_time, "--home"]);
        command.arg(folder.join("home")).arg("--spec").arg(&described);
        let (child, found) = start(command, &["rpc", "grpc", "rest"])?;
        let [rpc, grpc, rest]: [String; 3] = found.try_into().map_err(|_| anyhow::anyhow!("three addresses"))?;
        Ok(Self { rpc: format!("http://{rpc}"), grpc, rest, _processes: vec![child] })
    }

    /// The development chain, in a home that was made.
    ///
    /// # Errors
    /// The command is not built, or does not start.
    pub fn development(home: &Path, block_time: &str) -> anyhow::Result<Self> {
        let mut command = zektrad()?;
        command.args(["start", "--solo", "--rpc", "127.0.0.1:0", "--block-time", block_time, "--home"]).arg(home);
        let (child, found) = start(command, &["rpc", "grpc", "rest"])?;
        let [rpc, grpc, rest]: [String; 3] = found.try_into().map_err(|_| anyhow::anyhow!("three addresses"))?;
        Ok(Self { rpc: format!("http://{rpc}"), grpc, rest, _processes: vec![child] })
    }

    /// A validator: CometBFT and `zektrad` over a Unix socket.
    ///
    /// # Errors
    /// A command does not start, or no block comes.
    pub fn behind(comet: &Path, folder: &Path, senders: &Senders, commit: &str) -> anyhow::Result<Self> {
        let (described, home) = (folder.join("chain.toml"), folder.join("home"));
        spec(senders, &described)?;
        make_home(&home, Some(&described))?;
        Self::with_comet(comet, &home, commit)
    }

    /// The validator of a home that was made, with a CometBFT.
    ///
    /// # Errors
    /// A command does not start, or no block comes.
    pub fn with_comet(comet: &Path, home: &Path, commit: &str) -> anyhow::Result<Self> {
        let made = Command::new(comet).arg("init").arg("--home").arg(home).output()?;
        ensure!(made.status.success(), "cometbft init: {}", String::from_utf8_lossy(&made.stderr));
        // The folder's path may be too long for the name of a socket.
        let socket = format!("unix:///tmp/zektra-bench-{}.sock", std::process::id());
        let rpc = format!("tcp://127.0.0.1:{}", free_port()?);
        let mut command = zektrad()?;
        command.args(["start", "--abci", &socket, "--comet-rpc", &rpc, "--home"]).arg(home);
        let (application, found) = start(command, &["grpc", "rest"])?;
        let [grpc, rest]: [String; 2] = found.try_into().map_err(|_| anyhow::anyhow!("two addresses"))?;
        let consensus = Command::new(comet)
            .args(["start", "--proxy_app", &socket, "--rpc.laddr", &rpc])
            .args(["--p2p.laddr", &format!("tcp://127.0.0.1:{}", free_port()?), "--log_level", "error", "--home"])
            .arg(home)
            .env("CMT_CONSENSUS_TIMEOUT_COMMIT", commit)
            .env("CMT_MEMPOOL_SIZE", "50000")
            .env("CMT_MEMPOOL_CACHE_SIZE", "100000")
            .stdout(Stdio::null())
            .spawn()?;
        // CometBFT first: it would complain of an application that is gone.
        let node = Self { rpc: rpc.clone(), grpc, rest, _processes: vec![Running(consensus), application] };
        let (remote, begun) = (Remote::new(&rpc), Instant::now());
        while remote.call("status", serde_json::json!({})).map_or(0, |s| height(&s)) < 1 {
            ensure!(begun.elapsed() < Duration::from_secs(30), "no block in 30 s");
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(node)
    }
}

/// Makes the home of a node: of the chain that is described, else of the development chain.
///
/// # Errors
/// What the command says.
pub fn make_home(home: &Path, described: Option<&Path>) -> anyhow::Result<()> {
    let mut command = zektrad()?;
    command.args(["init", "bench", "--home"]).arg(home);
    if let Some(described) = described {
        command.arg("--spec").arg(described);
    }
    let made = command.output()?;
    ensure!(made.status.success(), "zektrad init: {}", String::from_utf8_lossy(&made.stderr));
    Ok(())
}

/// The last height that `status` names.
pub fn height(status: &serde_json::Value) -> u64 {
    let text = status["sync_info"]["latest_block_height"].as_str();
    text.and_then(|t| t.parse().ok()).unwrap_or(0)
}
