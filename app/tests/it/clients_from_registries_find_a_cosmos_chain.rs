//! Clients that know nothing of this project, as their registries have them.

use super::node::Node;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;
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
    pub fn of(node: &Node) -> Self {
        let rest = node.rest.trim_start_matches("http://").to_string();
        Self { rpc: node.rpc.clone(), grpc: node.grpc.clone(), rest, validators: 1 }
    }
}

/// Runs a client's script, and gives what it printed.
#[track_caller]
fn run(node: &At, command: &mut Command) -> String {
    let keys: Vec<String> = [4, 3, 2].map(|k| hex::encode(dev::account(k).secret)).to_vec();
    let variables = [
        ("RPC", node.rpc.clone()),
        ("GRPC", node.grpc.clone()),
        ("REST", node.rest.clone()),
        ("VALIDATORS", node.validators.to_string()),
        ("CHAIN_ID", "zektra-dev-1".into()),
        ("PREFIX", "zektra".into()),
        ("DENOM", "uzektra".into()),
        ("MNEMONIC", dev::MNEMONIC.into()),
        ("KEYS", keys.join(",")),
    ];
    let done = command.envs(variables).output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let (said, wrong) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{command:?}\n{said}\n{wrong}");
    said.into_owned()
}

/// A program that `scripts/setup tests` installs, whose place `make test` puts into a variable.
pub fn tool(variable: &str) -> PathBuf {
    let place = std::env::var(variable).map(PathBuf::from);
    let place = place.unwrap_or_else(|_| panic!("{variable} is not set: run the tests with `make test`"));
    assert!(place.exists(), "{} is missing: `scripts/setup tests` installs it", place.display());
    place
}

/// The place of a script of Node.js beside its packages: all are put there at once, each whole.
fn script(name: &str) -> PathBuf {
    static PLACED: Once = Once::new();
    let folder = tool("ZEKTRA_CLIENTS");
    PLACED.call_once(|| {
        for entry in std::fs::read_dir(clients()).unwrap().map(Result::unwrap) {
            if entry.path().extension().is_some_and(|e| e == "mjs") {
                let new = tempfile::NamedTempFile::new_in(&folder).unwrap();
                std::fs::copy(entry.path(), new.path()).unwrap();
                new.persist(folder.join(entry.file_name())).unwrap();
            }
        }
    });
    folder.join(name)
}

/// Runs a script of Node.js.
pub fn javascript(node: &At, name: &str, steps: &[&str]) {
    let script = script(name);
    assert_eq!(run(node, Command::new("node").arg(&script)).lines().collect::<Vec<_>>(), steps);
}

/// CosmJS, from connecting to subscribing.
pub fn cosmjs(node: &At) {
    let all =
        ["connect", "balances", "send", "simulate", "failures", "amino signing", "multisig", "search", "websocket"];
    javascript(node, "cosmjs.mjs", &all);
}

/// What CosmJS hands to wallets that sign amino's JSON.
pub fn cosmjs_amino() -> String {
    let mut command = Command::new("node");
    let done = command.arg(script("amino.mjs")).envs([("PREFIX", "zektra"), ("DENOM", "uzektra")]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    String::from_utf8(done.stdout).unwrap()
}

/// Runs a script of Python.
pub fn python(node: &At, name: &str, steps: &[&str]) {
    let python = std::env::var("ZEKTRA_PYTHON").expect("ZEKTRA_PYTHON: run the tests with `make test`");
    let said = run(node, Command::new(python).arg(clients().join(name)));
    assert_eq!(said.lines().collect::<Vec<_>>(), steps);
}

/// cosmpy, over gRPC and over REST, and reflection.
pub fn cosmpy(node: &At) {
    python(node, "cosmpy_client.py", &["grpc", "rest", "reflection"]);
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

#[test]
fn keplr_takes_the_chain() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path(), &["--on-tx"]);
    javascript(&At::of(&node), "keplr.mjs", &["description", "rpc", "rest", "features"]);
    assert!(node.stop());
}

/// What grpcurl prints.
pub fn grpcurl(node: &Node, options: &[&str], rest: &[&str]) -> Result<String, String> {
    let mut command = Command::new(tool("ZEKTRA_GRPCURL"));
    let done = command.arg("-plaintext").args(options).arg(&node.grpc).args(rest).output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    if done.status.success() { Ok(text(done.stdout)) } else { Err(text(done.stderr)) }
}

#[test]
fn grpcurl_and_buf_list_describe_and_call() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path(), &["--on-tx"]);
    let services = grpcurl(&node, &[], &["list"]).unwrap();
    for service in ["cosmos.auth.v1beta1.Query", "cosmos.bank.v1beta1.Query", "cosmos.tx.v1beta1.Service"] {
        assert!(services.lines().any(|l| l == service), "{services}");
    }
    let methods = grpcurl(&node, &[], &["list", "cosmos.consensus.v1.Query"]).unwrap();
    assert_eq!(methods, "cosmos.consensus.v1.Query.Params\n");
    let described = grpcurl(&node, &[], &["describe", "cosmos.bank.v1beta1.MsgSend"]).unwrap();
    assert!(described.contains("repeated .cosmos.base.v1beta1.Coin amount = 3;"), "{described}");
    let supply = "cosmos.bank.v1beta1.Query/SupplyOf";
    let json = |text: String| serde_json::from_str::<serde_json::Value>(&text).unwrap();
    let found = json(grpcurl(&node, &["-d", r#"{"denom": "uzektra"}"#], &[supply]).unwrap());
    assert_eq!(found["amount"]["denom"], "uzektra");
    // The genesis file's coins, and what was minted since.
    assert!(found["amount"]["amount"].as_str().unwrap().parse::<u64>().unwrap() >= 7_000_000_000_000, "{found}");
    let refused = grpcurl(&node, &["-d", r#"{"address": "x"}"#], &["cosmos.auth.v1beta1.Query/Account"]).unwrap_err();
    assert!(refused.contains("Code: InvalidArgument") && refused.contains("decoding bech32 failed"), "{refused}");
    // Types from the node's reflection, too.
    let mut buf = Command::new(tool("ZEKTRA_CLIENTS").join("node_modules/.bin/buf"));
    buf.args(["curl", "--protocol", "grpc", "--http2-prior-knowledge", "-d", r#"{"denom": "uzektra"}"#]);
    let done = buf.arg(format!("http://{}/{supply}", node.grpc)).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    assert_eq!(json(String::from_utf8(done.stdout).unwrap()), found);
    assert!(node.stop());
}
