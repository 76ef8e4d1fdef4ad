//! `init --bare`, `add-genesis-account`, `gentx`, `collect-gentxs`: each machine makes its validator, one file begins the
//! chain on all.

use super::node::{Node, zektrad};
use serde_json::{Value, json};
use std::fs;
use std::path::Path;
use std::process::Output;
use zektra_app::node::Home;
use zektra_wallet::key::Key;
use zektra_wallet::keyring::{Backend, Keyring, TEST_PASSPHRASE};

const SPEC: &str = "chain_id = \"launch-1\"\nbech32_prefix = \"zektra\"\nnative = \"uzektra\"\n";

fn run(home: &Home, arguments: &[&str]) -> Output {
    zektrad().args(arguments).args(["--log-level", "warn", "--home"]).arg(home.path()).output().unwrap()
}

#[track_caller]
fn done(home: &Home, arguments: &[&str]) -> String {
    let output = run(home, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// What bad input is told, with its exit code.
#[track_caller]
fn refused(home: &Home, arguments: &[&str]) -> String {
    let output = run(home, arguments);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    String::from_utf8(output.stderr).unwrap()
}

/// A machine's home with the key of its operator.
fn machine(folder: &Path, name: &str, secret: u8) -> (Home, String) {
    let home = Home::new(folder.join(name));
    let spec = folder.join("chain.toml");
    fs::write(&spec, SPEC).unwrap();
    done(&home, &["init", name, "--bare", "--spec", spec.to_str().unwrap()]);
    let key = Key::from_bytes(&[secret; 32]).unwrap();
    let entry = Keyring::of(home.path(), Backend::Test).add("operator", &key, TEST_PASSPHRASE).unwrap();
    (home, entry.address("zektra").unwrap())
}

fn genesis(home: &Home) -> String {
    fs::read_to_string(home.config_file("genesis.json")).unwrap()
}

const TEST: [&str; 2] = ["--keyring-backend", "test"];

#[test]
fn each_with_its_own_validator() {
    let folder = tempfile::tempdir().unwrap();
    let (first, own) = machine(folder.path(), "first", 1);
    let (second, other) = machine(folder.path(), "second", 2);
    // One gives all accounts their coins, and sends the file to the others.
    done(&first, &[&["add-genesis-account", "operator", "30000000uzektra"][..], &TEST].concat());
    done(&first, &["add-genesis-account", &other, "12000000uzektra"]);
    fs::write(second.config_file("genesis.json"), genesis(&first)).unwrap();
    let before = genesis(&first);
    // What cannot be is refused where it is said.
    let again = refused(&first, &["add-genesis-account", &own, "1uzektra"]);
    assert!(again.contains("auth.accounts") && again.contains("without an account"), "{again}");
    assert!(refused(&first, &["add-genesis-account", "nobody", "1uzektra"]).contains("key \"nobody\": there is none"));
    let gentx = |home: &Home, amount: &str, more: &[&str]| {
        run(home, &[&["gentx", "operator", amount][..], &TEST, more].concat())
    };
    for (amount, more, text) in [
        ("31000000uzektra", &[][..], "has 30000000uzektra in the genesis file, it stakes 31000000uzektra"),
        ("21000000uzektra", &["--chain-id", "other-1"], "--chain-id \"other-1\": the genesis file is of \"launch-1\""),
        ("21000000uzektra", &["--commission-rate", "1.1"], "expected a part from 0 to 1"),
        ("21000000uzektra", &["--commission-max-rate", "0.05"], "commission cannot be more than the max rate"),
        ("999999uzektra", &["--min-self-delegation", "1000000"], "self delegation"),
        ("5uatom", &[], "has 0uatom in the genesis file"),
    ] {
        let refused = gentx(&first, amount, more);
        let said = String::from_utf8(refused.stderr).unwrap();
        assert!(refused.status.code() == Some(2) && said.contains(text), "{said}");
    }
    assert!(refused(&first, &["collect-gentxs"]).contains("gentx: No such file"));
    // Each makes its validator; all transactions come together on both machines.
    let moniker = ["--moniker", "one", "--ip", "203.0.113.5", "--commission-rate", "0.05"];
    assert!(gentx(&first, "21000000uzektra", &moniker).status.success());
    assert!(gentx(&second, "10000000uzektra", &[]).status.success());
    assert_eq!(genesis(&first), before);
    for (from, to) in [(&first, &second), (&second, &first)] {
        for file in fs::read_dir(from.gen_txs()).unwrap().map(|f| f.unwrap().path()) {
            fs::copy(&file, to.gen_txs().join(file.file_name().unwrap())).unwrap();
        }
    }
    let collected: Value = serde_json::from_str(&done(&first, &["collect-gentxs"])).unwrap();
    let peer = format!("{}@127.0.0.1:26656", second.node_id().unwrap());
    assert_eq!((&collected["validators"], &collected["persistent_peers"]), (&json!(2), &json!(peer)));
    let collected: Value = serde_json::from_str(&done(&second, &["collect-gentxs"])).unwrap();
    assert_eq!(collected["persistent_peers"], format!("{}@203.0.113.5:26656", first.node_id().unwrap()));
    assert_eq!(genesis(&first), genesis(&second));
    // A validator is made once.
    assert!(String::from_utf8(gentx(&first, "1000000uzektra", &[]).stderr).unwrap().contains("has validators already"));
    let file = fs::read_dir(first.gen_txs()).unwrap().next().unwrap().unwrap().path();
    let twice = first.gen_txs().join("other.json");
    fs::copy(&file, &twice).unwrap();
    assert!(refused(&first, &["collect-gentxs"]).contains("makes a validator in another file, too"));
    // A transaction that was changed on its way is not signed any more.
    let changed = fs::read_to_string(&file).unwrap().replace("26656", "26657");
    fs::remove_file(&twice).unwrap();
    fs::write(&file, changed).unwrap();
    assert!(refused(&first, &["collect-gentxs"]).contains("signature verification failed"));
    assert_eq!(genesis(&first), genesis(&second));
    // The chain begins, with both validators; the first has two thirds and makes blocks alone.
    let node = Node::start(first.path(), &["--on-tx"]);
    let bonded = node.get("/cosmos/staking/v1beta1/validators?status=BOND_STATUS_BONDED").1;
    let mut all: Vec<_> = bonded["validators"].as_array().unwrap().iter().collect();
    all.sort_by_key(|v| v["description"]["moniker"].as_str().unwrap());
    let shown = |v: &Value| {
        (v["description"]["moniker"].clone(), v["tokens"].clone(), v["commission"]["commission_rates"]["rate"].clone())
    };
    assert_eq!(shown(all[0]), (json!("one"), json!("21000000"), json!("0.050000000000000000")));
    assert_eq!(shown(all[1]), (json!("second"), json!("10000000"), json!("0.100000000000000000")));
    let rest = node.get(&format!("/cosmos/bank/v1beta1/balances/{own}")).1;
    assert_eq!(rest["balances"][0]["amount"], "9000000");
    let set = node.get("/cosmos/base/tendermint/v1beta1/validatorsets/latest").1;
    assert_eq!(set["validators"].as_array().unwrap().len(), 2);
    assert!(node.stop());
}
