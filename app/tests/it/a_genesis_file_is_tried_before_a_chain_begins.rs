//! What would not begin is said by `doctor` and at the start, with the exit code of bad input and without a panic.

use super::a_node_runs_its_own_cometbft::{free, home as comet_home};
use super::node::zektrad;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Output;
use zektra_app::node::Home;

const FRONTS: [&str; 6] = ["--grpc", "127.0.0.1:0", "--api", "127.0.0.1:0", "--abci", "tcp://127.0.0.1:0"];

fn run(arguments: &[&str], home: &Path) -> Output {
    zektrad().args(arguments).arg("--home").arg(home).output().unwrap()
}

fn said(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A change of a genesis file, and what is said of it.
type Case = (fn(&mut Value), &'static str);

/// The operator's coins are of another denomination than it stakes.
fn without_stake(document: &mut Value) {
    let balances = document["app_state"]["bank"]["balances"].as_array_mut().unwrap();
    balances.last_mut().unwrap()["coins"][0]["denom"] = "uatom".into();
    document["app_state"]["bank"]["supply"] = json!([]);
}

const CASES: [Case; 4] = [
    (without_stake, "app_state.genutil.gen_txs[0] (moniker \"node\", operator zektravaloper1"),
    (
        |document| {
            let key =
                json!({"type": "tendermint/PubKeyEd25519", "value": "oWg2ISpLF405Jcm2vXV+2v4fnjodh6aafuIdeoW+rUw="});
            let address = "4DE5FDCB3CB0E1F9C1A39AE2FB1A41E0BC7ACEB2";
            document["validators"] = json!([{"address": address, "pub_key": key, "power": "5", "name": ""}]);
        },
        "validators: 1 with powers [5], expected those that are staked",
    ),
    (
        |document| document["consensus_params"]["block"]["max_bytes"] = "999999999999".into(),
        "consensus_params: block.MaxBytes is too big. 999999999999 > 104857600",
    ),
    (
        |document| document["app_state"]["genutil"]["gen_txs"] = json!([]),
        "validators: none has power, expected one that stakes at least 1000000uzektra",
    ),
];

#[test]
fn by_doctor_and_at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::new(folder.path());
    assert!(run(&["init", "node"], home.path()).status.success());
    let path = home.config_file("genesis.json");
    let fine: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    let found = said(&run(&["doctor"], home.path()).stdout);
    assert!(found.contains("ok     first block: the genesis file makes one"), "{found}");
    for (change, text) in CASES {
        let mut document = fine.clone();
        change(&mut document);
        std::fs::write(&path, document.to_string()).unwrap();
        let doctor = run(&["doctor"], home.path());
        let found = said(&doctor.stdout);
        assert!(doctor.status.code() == Some(1) && found.contains("WRONG  first block: genesis: "), "{found}");
        assert!(found.contains(text), "{found}");
        let solo = run(&[&["start", "--solo", "--rpc", "127.0.0.1:0"][..], &FRONTS[..4]].concat(), home.path());
        let why = said(&solo.stderr);
        assert!(solo.status.code() == Some(2) && why.contains(text) && !why.contains("panicked"), "{why}");
    }
    // What CometBFT would refuse by itself is said before it is waited for.
    for (change, text) in &CASES[2..] {
        let mut document = fine.clone();
        change(&mut document);
        std::fs::write(&path, document.to_string()).unwrap();
        let start = run(&[&["start"][..], &FRONTS].concat(), home.path());
        let why = said(&start.stderr);
        assert!(start.status.code() == Some(2) && why.contains(text), "{why}");
    }
    // A field of a module's part, with what it holds.
    let mut document = fine.clone();
    document["app_state"]["gov"]["params"]["voting_period"] = "2d".into();
    std::fs::write(&path, document.to_string()).unwrap();
    let found = said(&run(&["doctor"], home.path()).stdout);
    assert!(found.contains("genesis.json: app_state.gov.params.voting_period: \"2d\": "), "{found}");
}

#[test]
fn also_where_only_the_application_can_say_it() {
    let comet = std::env::var("ZEKTRA_COMETBFT").expect("ZEKTRA_COMETBFT: run the tests with `make test`");
    let folder = tempfile::tempdir().unwrap();
    comet_home(folder.path(), &comet);
    let path = Home::new(folder.path()).config_file("genesis.json");
    let mut document: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    without_stake(&mut document);
    std::fs::write(&path, document.to_string()).unwrap();
    let rpc = format!("tcp://{}", free());
    let done = run(&[&["start", "--cometbft", &comet, "--comet-rpc", &rpc][..], &FRONTS].concat(), folder.path());
    let why = said(&done.stderr);
    assert!(done.status.code() == Some(2) && why.contains("error: genesis: app_state.genutil.gen_txs[0]"), "{why}");
    assert!(!why.contains("panicked") && !why.contains("a restart begins"), "{why}");
}
