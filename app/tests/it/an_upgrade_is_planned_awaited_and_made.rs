//! `zektrad` halts at the plan's height, `zektrad-next` goes on from there, and `zektrad` does not come back.

use super::a_node_runs_its_own_cometbft::{free, home as comet_home};
use super::node::{get, zektrad};
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use zektra_app::node::run::look;
use zektra_app::node::{Config, Home};
use zektra_modules::{consensus, upgrade};

const HALTED: Option<i32> = Some(4);

/// The program with one upgrade more, `examples/zektrad-next.rs`.
fn next() -> Command {
    let beside = PathBuf::from(env!("CARGO_BIN_EXE_zektrad")).with_file_name("examples/zektrad-next");
    assert!(beside.exists(), "build it first: cargo build --workspace --examples");
    Command::new(beside)
}

/// Has the chain of a home plan an upgrade.
fn plan(folder: &Path, height: u64) -> Home {
    let home = Home::new(folder);
    let path = home.config_file("genesis.json");
    let mut content: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    content["app_state"]["upgrade"] = json!({"plan": {"name": "next", "height": height.to_string(), "info": "v2"}});
    std::fs::write(path, content.to_string()).unwrap();
    home
}

fn solo<'a>(program: &'a mut Command, home: &Home) -> &'a mut Command {
    program.args(["start", "--solo", "--block-time", "20ms", "--rpc", "127.0.0.1:0", "--grpc", "127.0.0.1:0"]);
    program.args(["--api", "127.0.0.1:0", "--log-level", "warn", "--home"]).arg(home.path())
}

fn said(done: &Output) -> String {
    String::from_utf8_lossy(&done.stderr).into_owned()
}

fn info(mut program: Command, home: &Home) -> Value {
    let done = program.args(["upgrade-info", "--output", "json", "--home"]).arg(home.path()).output().unwrap();
    assert!(done.status.success(), "{}", said(&done));
    serde_json::from_slice(&done.stdout).unwrap()
}

#[test]
fn on_a_solo_chain() {
    let folder = tempfile::tempdir().unwrap();
    assert!(zektrad().args(["init", "--home"]).arg(folder.path()).output().unwrap().status.success());
    let home = plan(folder.path(), 5);
    assert_eq!(info(zektrad(), &home)["height"], "0");
    // The program that comes too early is told so, and has a code of its own.
    let early = solo(&mut next(), &home).output().unwrap();
    assert_eq!(early.status.code(), Some(5), "{}", said(&early));
    assert!(said(&early).contains("start the one from before it in the same home"), "{}", said(&early));
    for _ in 0..2 {
        let done = solo(&mut zektrad(), &home).output().unwrap();
        assert_eq!(done.status.code(), HALTED, "{}", said(&done));
        assert!(said(&done).contains("halted: UPGRADE \"next\" NEEDED at height: 5: v2\nNothing is wrong"));
    }
    let plan = |known: bool| json!({"name": "next", "height": "5", "info": "v2", "known": known});
    let halted = json!({"height": "4", "plan": plan(false), "done": [], "known": []});
    assert_eq!(info(zektrad(), &home), halted);
    assert_eq!(info(next(), &home)["plan"], plan(true));
    let before = upgrade::versions(&look(&home, &Config::default()).unwrap().unwrap().latest().unwrap()).unwrap();

    let mut child = solo(&mut next(), &home).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let rest = lines.filter_map(|line| line.strip_prefix("rest ").map(|at| at.trim().to_string())).next().unwrap();
    let height = || get(&format!("{rest}/cosmos/base/node/v1beta1/status"), None).1["height"].clone();
    while height().as_str().is_none_or(|h| h.parse::<u64>().unwrap() < 7) {
        assert!(child.try_wait().unwrap().is_none());
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let applied = get(&format!("{rest}/cosmos/upgrade/v1beta1/applied_plan/next"), None).1;
    assert_eq!(applied["height"], "5");
    // It may be asked for while the node runs.
    assert_eq!(info(next(), &home)["done"], json!([{"name": "next", "height": "5"}]));
    Command::new("kill").arg("-INT").arg(child.id().to_string()).status().unwrap();
    assert!(child.wait().unwrap().success());

    let app = look(&home, &Config::default()).unwrap().unwrap();
    let state = app.latest().unwrap();
    assert_eq!(consensus::params(&state).unwrap().block.unwrap().max_gas, 5_000_000);
    assert_eq!(upgrade::plan(&state).unwrap(), None);
    assert_eq!(upgrade::versions(&state).unwrap(), before);
    drop((state, app));
    let done = solo(&mut zektrad(), &home).output().unwrap();
    assert_eq!(done.status.code(), HALTED, "{}", said(&done));
    let missing = "halted: wrong app version 1, upgrade handler is missing for next upgrade plan\n";
    assert!(said(&done).contains(missing), "{}", said(&done));
    assert!(said(&done).contains("the chain made \"next\" at height 5, which this program does not know"));
    let shown = |mut program: Command| {
        let done = program.args(["upgrade-info", "--home"]).arg(home.path()).output().unwrap();
        String::from_utf8(done.stdout).unwrap()
    };
    let old = shown(zektrad());
    assert!(old.contains("\"next\" at height 5; this program does not know it\nprogram  knows none\n"), "{old}");
    assert!(shown(next()).ends_with("done     \"next\" at height 5\nprogram  knows \"next\"\n"));
    let doctor = zektrad().args(["doctor", "--home"]).arg(home.path()).output().unwrap();
    let found = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(found.contains("WRONG  upgrade: the chain made \"next\" at height 5"), "{found}");
}

#[test]
fn behind_cometbft_without_its_noise() {
    let comet = std::env::var("ZEKTRA_COMETBFT").expect("ZEKTRA_COMETBFT: run the tests with `make test`");
    let folder = tempfile::tempdir().unwrap();
    comet_home(folder.path(), &comet);
    let home = plan(folder.path(), 3);
    let (rpc, abci) = (format!("tcp://{}", free()), format!("tcp://{}", free()));
    // Where it halts, and where it finds the block of the halt when it is started again.
    for _ in 0..2 {
        let mut node = zektrad();
        node.args(["start", "--cometbft", &comet, "--comet-rpc", &rpc, "--abci", &abci, "--api", "127.0.0.1:0"]);
        let done = node.args(["--grpc", "127.0.0.1:0", "--home"]).arg(home.path()).output().unwrap();
        let (of_comet, own) = (String::from_utf8_lossy(&done.stdout), said(&done));
        assert_eq!(done.status.code(), HALTED, "{own}");
        assert!(own.contains("halted: UPGRADE \"next\" NEEDED at height: 3: v2\n"), "{own}");
        assert!(own.contains("CometBFT is here"), "{own}");
        let noise = |said: &str| {
            said.lines().any(|l| l.starts_with("E[") || l.contains("panic") || l.contains("CometBFT broke"))
        };
        assert!(!noise(&of_comet) && !noise(&own), "{of_comet}\n{own}");
    }
    assert_eq!(info(zektrad(), &home)["height"], "2");
}
