use super::node::{get, zektrad};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A home whose CometBFT listens on free ports, of a chain whose votes carry extensions from the first block on.
pub fn home(folder: &Path, comet: &str) {
    let made = zektrad().args(["init", "node", "--home"]).arg(folder).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let made = Command::new(comet).arg("init").arg("--home").arg(folder).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let genesis = folder.join("config/genesis.json");
    let mut content: serde_json::Value = serde_json::from_slice(&std::fs::read(&genesis).unwrap()).unwrap();
    content["consensus_params"]["abci"]["vote_extensions_enable_height"] = "1".into();
    std::fs::write(&genesis, content.to_string()).unwrap();
    let config = folder.join("config/config.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    let text = text.replace("tcp://0.0.0.0:26656", "tcp://127.0.0.1:0").replace("pprof_laddr = \"localhost:6060\"", "");
    std::fs::write(config, text.replace("timeout_commit = \"5s\"", "timeout_commit = \"50ms\"")).unwrap();
}

pub fn free() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

fn start(folder: &Path, comet: &str, [rpc, abci, rest]: [&str; 3]) -> Child {
    let (rpc, abci) = (format!("tcp://{rpc}"), format!("tcp://{abci}"));
    let mut command = zektrad();
    command.args(["start", "--cometbft", comet, "--comet-rpc", &rpc, "--abci", &abci, "--api", rest]);
    command.args(["--grpc", "127.0.0.1:0", "--log-level", "warn", "--home"]).arg(folder);
    command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

#[test]
fn both_start_and_stop_together() {
    let comet = std::env::var("ZEKTRA_COMETBFT").expect("ZEKTRA_COMETBFT: run the tests with `make test`");
    let folder = tempfile::tempdir().unwrap();
    home(folder.path(), &comet);
    let (rpc, abci, rest) = (free(), free(), free());
    let mut node = start(folder.path(), &comet, [&rpc, &abci, &rest]);

    let height = || {
        // Nobody may listen yet.
        std::net::TcpStream::connect(&rest).ok()?;
        let (status, body) = get(&format!("http://{rest}/cosmos/base/tendermint/v1beta1/blocks/latest"), None);
        (status == 200).then(|| body["block"]["header"]["height"].as_str()?.parse::<u64>().ok())?
    };
    let begun = Instant::now();
    while height().is_none_or(|h| h < 3) {
        assert!(begun.elapsed() < Duration::from_secs(60) && node.try_wait().unwrap().is_none());
        std::thread::sleep(Duration::from_millis(50));
    }
    let (_, params) = get(&format!("http://{rest}/cosmos/consensus/v1/params"), None);
    assert_eq!(params["params"]["abci"]["vote_extensions_enable_height"], "1");
    Command::new("kill").arg("-INT").arg(node.id().to_string()).status().unwrap();
    assert!(node.wait().unwrap().success());
    // CometBFT is gone with it: its port is free.
    TcpListener::bind(&rpc).unwrap();

    // One that cannot run is named, and the node does not stay.
    let mut command = zektrad();
    command
        .args(["start", "--cometbft", "no-such-program", "--abci", "tcp://127.0.0.1:0", "--home"])
        .arg(folder.path());
    let missing = command.args(["--grpc", "127.0.0.1:0", "--api", "127.0.0.1:0"]).output().unwrap();
    let said = String::from_utf8_lossy(&missing.stderr).into_owned();
    assert!(!missing.status.success() && said.contains("no-such-program"), "{said}");
}

#[test]
fn and_what_keeps_cometbft_from_a_home_is_shown() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let made = zektrad().args(["init", "node", "--home"]).arg(folder.path()).output().unwrap();
    assert!(made.status.success());
    // As CometBFT does: its reasons are on the standard output.
    let program = folder.path().join("config/comet");
    std::fs::write(&program, "#!/bin/sh\necho 'ERROR: the reason'\nexit 1\n").unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = zektrad();
    command.args([
        "start",
        "--abci",
        "tcp://127.0.0.1:0",
        "--grpc",
        "127.0.0.1:0",
        "--api",
        "127.0.0.1:0",
        "--cometbft",
    ]);
    let done = command.arg(&program).arg("--home").arg(folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.code() == Some(1) && said.contains("init: exit status: 1: ERROR: the reason"), "{said}");
}
