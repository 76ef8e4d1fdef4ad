//! A network of real CometBFTs, as `scripts/devnet` runs it.

use super::clients_from_registries_find_a_cosmos_chain::At;
use super::node::get;
use serde_json::{Value, json};
use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tendermint::account;
use zektra_app::node::Home;
use zektra_app::node::home::public;
use zektra_comet::{Comet as _, Remote};

/// Heights from snapshot to snapshot.
pub const SNAPSHOTS: u64 = 10;

/// The development network of `scripts/devnet`, on free ports.
pub struct Devnet {
    pub folder: TempDir,
    pub base: u16,
    pub comet: String,
}

/// A port from which on all that the network needs are free.
fn free_ports() -> u16 {
    let free = |base: u16| (0..50).all(|k| TcpListener::bind(("127.0.0.1", base + k)).is_ok());
    let start = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port().clamp(20_000, 60_000);
    (0..100).map(|k| start / 2 + 10_000 + k * 40).find(|base| free(*base)).expect("no 40 free ports in a row")
}

impl Devnet {
    pub fn new() -> Self {
        let comet = std::env::var("ZEKTRA_COMETBFT").expect("ZEKTRA_COMETBFT: run the tests with `make test`");
        Self { folder: tempfile::tempdir().unwrap(), base: free_ports(), comet }
    }

    pub fn run(&self, arguments: &[&str]) {
        self.run_with(Path::new(env!("CARGO_BIN_EXE_zektrad")), arguments);
    }

    /// The same with another program in `zektrad`'s place.
    pub fn run_with(&self, program: &Path, arguments: &[&str]) {
        let done = self.called(program, arguments);
        let wrong = String::from_utf8_lossy(&done.stderr).into_owned();
        assert!(done.status.success(), "devnet {arguments:?}: {wrong}\n{}", self.logs());
    }

    pub fn output(&self, arguments: &[&str]) -> Output {
        self.called(Path::new(env!("CARGO_BIN_EXE_zektrad")), arguments)
    }

    fn called(&self, program: &Path, arguments: &[&str]) -> Output {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        Command::new(root.join("scripts/devnet"))
            .args(arguments)
            .env("ZEKTRA_DEVNET", self.folder.path().join("net"))
            .env("ZEKTRA_DEVNET_PORT", self.base.to_string())
            .env("ZEKTRA_DEVNET_COMMIT", "100ms")
            // Nobody waits seconds for a proposer that is gone.
            .env("CMT_CONSENSUS_TIMEOUT_PROPOSE", "1s")
            .env("CMT_CONSENSUS_TIMEOUT_PREVOTE", "200ms")
            .env("CMT_CONSENSUS_TIMEOUT_PRECOMMIT", "200ms")
            .env("ZEKTRA_DEVNET_SNAPSHOTS", SNAPSHOTS.to_string())
            .env("ZEKTRA_COMETBFT", &self.comet)
            .env("ZEKTRAD", program)
            .output()
            .unwrap()
    }

    pub fn home(&self, node: u16) -> PathBuf {
        self.folder.path().join(format!("net/node{node}"))
    }

    /// The last lines of all logs.
    pub fn logs(&self) -> String {
        let mut out = String::new();
        for node in 0..5 {
            for name in ["zektrad.log", "cometbft.log"] {
                let text = fs::read_to_string(self.home(node).join(name)).unwrap_or_default();
                let last: Vec<_> = text.lines().rev().take(5).collect();
                out.push_str(&format!("node{node} {name}\n{}\n", last.join("\n")));
            }
        }
        out
    }

    pub fn at(&self, node: u16) -> At {
        let port = |k: u16| format!("127.0.0.1:{}", self.base + 10 * node + k);
        At { rpc: format!("http://{}", port(1)), grpc: port(2), rest: port(3), validators: 4 }
    }

    pub fn rpc(&self, node: u16) -> Remote {
        Remote::new(&self.at(node).rpc)
    }

    pub fn height(&self, node: u16) -> u64 {
        let status = self.rpc(node).call("status", json!({}));
        status.map_or(0, |s| s["sync_info"]["latest_block_height"].as_str().unwrap().parse().unwrap())
    }

    pub fn wait(&self, node: u16, height: u64) {
        self.until(&format!("node {node} at {height}"), || (self.height(node) >= height).then_some(()));
    }

    pub fn until<T>(&self, what: &str, mut found: impl FnMut() -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            if let Some(found) = found() {
                return found;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "not in time: {what}\n{}", self.logs());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn header(&self, node: u16, height: u64) -> Value {
        self.rpc(node).call("block", json!({"height": height.to_string()})).unwrap()["block"]["header"].clone()
    }

    /// Runs `zektra` with a keyring of this network: what it prints, whatever it says of it.
    pub fn zektra(&self, arguments: &[&str]) -> Value {
        let program = Path::new(env!("CARGO_BIN_EXE_zektrad")).with_file_name("zektra");
        assert!(program.exists(), "{} is missing: cargo build --workspace --bins", program.display());
        let mut command = Command::new(program);
        for name in ["GAS_PRICES", "GRPC_ADDR", "KEYRING_DIR", "PREFIX"] {
            command.env_remove(format!("ZEKTRA_{name}"));
        }
        command.args(arguments).args(["--keyring-backend", "test", "-o", "json", "--home"]);
        let done = command.arg(self.folder.path().join("wallet")).output().unwrap();
        let (said, wrong) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
        serde_json::from_str(&said).unwrap_or_else(|_| panic!("{arguments:?}: {said}{wrong}"))
    }

    /// What node 0 answers over REST.
    #[track_caller]
    pub fn ask(&self, path: &str) -> Value {
        let (status, body) = get(&format!("http://{}{path}", self.at(0).rest), None);
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// What its CometBFT answers.
    pub fn call(&self, method: &str, params: Value) -> Value {
        self.rpc(0).call(method, params).unwrap()
    }

    /// The address of a node's key in consensus.
    pub fn key(&self, node: u16) -> account::Id {
        account::Id::from(public(&Home::new(self.home(node)).validator_key().unwrap()))
    }
}

impl Drop for Devnet {
    fn drop(&mut self) {
        // A test that fails says why itself.
        drop(self.output(&["down"]));
    }
}
