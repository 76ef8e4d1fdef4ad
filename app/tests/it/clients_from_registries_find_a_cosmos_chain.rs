//! Clients that know nothing of this project, as their registries have them.

use super::node::Node;
use std::path::Path;
use std::process::Command;
use zektra_app::node::dev;

fn clients() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients")
}

/// Where a node is.
pub struct At {
    pub rpc: String,
    pub grpc: String,
    pub rest: String,
    pub validators: u32,
}

impl At {
    fn of(node: &Node) -> Self {
        let rest = node.rest.trim_start_matches("http://").to_string();
        Self { rpc: node.rpc.clone(), grpc: node.grpc.clone(), rest, validators: 1 }
    }
}

/// Runs a client's script, and gives what it printed.
#[track_caller]
fn run(node: &At, command: &mut Command) -> String {
    let keys: Vec<String> = [4, 3].map(|k| hex::encode(dev::account(k).secret)).to_vec();
    let variables = [
        ("RPC", node.rpc.clone()),
        ("GRPC", node.grpc.clone()),
        ("REST", node.rest.clone()),
        ("VALIDATORS", node.validators.to_string()),
        ("CHAIN_ID", "zektra-dev-1".into()),
        ("PREFIX", "zektra".into()),
        ("DENOM", "uzek".into()),
        ("MNEMONIC", dev::MNEMONIC.into()),
        ("KEYS", keys.join(",")),
    ];
    let done = command.envs(variables).output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let (said, wrong) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{command:?}\n{said}\n{wrong}");
    said.into_owned()
}

/// CosmJS, from connecting to subscribing.
pub fn cosmjs(node: &At) {
    // Where `scripts/setup` put the packages.
    let modules = std::env::var("ZEKTRA_CLIENTS").expect("ZEKTRA_CLIENTS: run the tests with `make test`");
    let script = Path::new(&modules).join("cosmjs.mjs");
    std::fs::copy(clients().join("cosmjs.mjs"), &script).unwrap();
    let said = run(node, Command::new("node").arg(&script));
    let steps: Vec<_> = said.lines().collect();
    let all =
        ["connect", "balances", "send", "simulate", "failures", "amino signing", "multisig", "search", "websocket"];
    assert_eq!(steps, all);
}

/// cosmpy, over gRPC and over REST, and reflection.
pub fn cosmpy(node: &At) {
    let python = std::env::var("ZEKTRA_PYTHON").expect("ZEKTRA_PYTHON: run the tests with `make test`");
    let said = run(node, Command::new(python).arg(clients().join("cosmpy_client.py")));
    assert_eq!(said.lines().collect::<Vec<_>>(), ["grpc", "rest", "reflection"]);
}

#[test]
fn cosmjs_signs_sends_simulates_searches_and_subscribes() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path(), &["--on-tx"]);
    cosmjs(&At::of(&node));
    assert!(node.stop());
}

#[test]
fn cosmpy_sends_and_queries_over_grpc_and_rest() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path(), &["--on-tx"]);
    cosmpy(&At::of(&node));
    assert!(node.stop());
}
