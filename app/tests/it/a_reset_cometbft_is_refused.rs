//! CometBFT without its blocks beside a state that has some: neither goes on, and both logs say why.

use super::clients_from_registries_find_a_cosmos_chain::tool;
use super::node::{get, zektrad};
use serde_json::Value;
use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn cometbft(home: &Path) -> Command {
    let mut command = Command::new(tool("ZEKTRA_COMETBFT"));
    command.args(["start", "--rpc.laddr", "tcp://127.0.0.1:0", "--p2p.laddr", "tcp://127.0.0.1:0", "--home"]).arg(home);
    command.arg("--proxy_app").arg(format!("unix://{}", home.join("abci").display()));
    command.env("CMT_CONSENSUS_TIMEOUT_COMMIT", "50ms").stdout(Stdio::null()).stderr(Stdio::null());
    command
}

/// Starts `zektrad` for CometBFT; where its REST is.
fn start(home: &Path, log: &Path) -> (Running, String) {
    let mut command = zektrad();
    command.args(["start", "--grpc", "127.0.0.1:0", "--api", "127.0.0.1:0", "--home"]).arg(home);
    command.arg("--abci").arg(format!("unix://{}", home.join("abci").display()));
    let mut child = command.stdout(Stdio::piped()).stderr(File::create(log).unwrap()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let rest = lines.find_map(|line| line.unwrap().strip_prefix("rest ").map(|r| r.trim().to_string()));
    (Running(child), rest.expect("the node has ended"))
}

fn wait<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Height and app hash.
fn stands(rest: &str) -> (u64, Value) {
    let (_, answer) = get(&format!("{rest}/cosmos/base/node/v1beta1/status"), None);
    (answer["height"].as_str().and_then(|h| h.parse().ok()).unwrap_or(0), answer["app_hash"].clone())
}

#[test]
fn and_the_state_stays() {
    let folder = tempfile::tempdir().unwrap();
    let (home, log) = (folder.path(), folder.path().join("zektrad.log"));
    assert!(zektrad().args(["init", "--home"]).arg(home).output().unwrap().status.success());
    assert!(
        Command::new(tool("ZEKTRA_COMETBFT")).args(["init", "--home"]).arg(home).output().unwrap().status.success()
    );
    let (node, rest) = start(home, &log);
    let comet = Running(cometbft(home).spawn().unwrap());
    wait("three blocks", || (stands(&rest).0 >= 3).then_some(()));
    drop(comet);
    let held = stands(&rest);

    // All that CometBFT has written but the signatures that it gave.
    let (data, away) = (home.join("data"), home.join("away"));
    fs::create_dir(&away).unwrap();
    let databases: Vec<PathBuf> =
        ["blockstore.db", "state.db", "cs.wal", "evidence.db", "tx_index.db"].map(PathBuf::from).into();
    let moved = |from: &Path, to: &Path| databases.iter().for_each(|d| fs::rename(from.join(d), to.join(d)).unwrap());
    moved(&data, &away);
    let reset = cometbft(home).stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
    let said = [reset.stdout, reset.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
    assert!(!reset.status.success(), "{said}");
    assert!(said.contains("Did you reset CometBFT without resetting your application's data?"), "{said}");
    let wanted = format!("CometBFT has gone before its first block, the state here is at {} and stays", held.0);
    wait(&wanted, || fs::read_to_string(&log).unwrap().contains(&wanted).then_some(()));
    assert_eq!(stands(&rest), held);

    // With its data both go on.
    databases.iter().for_each(|d| fs::remove_dir_all(data.join(d)).unwrap_or_default());
    moved(&away, &data);
    let comet = Running(cometbft(home).spawn().unwrap());
    wait("two more blocks", || (stands(&rest).0 >= held.0 + 2).then_some(()));
    drop((comet, node));

    // Neither alone nor as another chain.
    let refused = |arguments: &[&str]| {
        let done = zektrad().args(arguments).arg("--home").arg(home).output().unwrap();
        assert!(!done.status.success());
        String::from_utf8_lossy(&done.stderr).into_owned()
    };
    let ports = ["start", "--grpc", "127.0.0.1:0", "--api", "127.0.0.1:0"];
    let alone = refused(&[&ports[..], &["--rpc", "127.0.0.1:0", "--solo"]].concat());
    assert!(alone.contains("it was run with CometBFT; start without --solo"), "{alone}");
    let genesis = home.join("config/genesis.json");
    let other = fs::read_to_string(&genesis).unwrap().replace("zektra-dev-1", "other-1");
    fs::write(&genesis, other).unwrap();
    let other = refused(&ports);
    assert!(other.contains("this home holds the chain zektra-dev-1, the genesis file is of other-1"), "{other}");
}
