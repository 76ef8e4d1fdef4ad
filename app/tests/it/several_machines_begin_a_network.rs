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
    let mistyped = format!("{}q", &own[..own.len() - 1]);
    assert!(refused(&first, &["add-genesis-account", &mistyped, "1uzektra"]).contains("checksum does not fit"));
    assert!(
        refused(&first, &["add-genesis-account", &other, "0uzektra"]).contains("coins \"0uzektra\": expected amounts")
    );
    let gentx = |home: &Home, amount: &str, more: &[&str]| {
        run(home, &[&["gentx", "operator", amount][..], &TEST, more].concat())
    };
    for (amount, more, text) in [
        ("31000000uzektra", &[][..], "has 30000000uzektra in the genesis file, it stakes 31000000uzektra"),
        ("21000000uzektra", &["--chain-id", "other-1"], "--chain-id \"other-1\": the genesis file is of \"launch-1\""),
        ("21000000uzektra", &["--commission-rate", "1.1"], "expected a part from 0 to 1"),
        ("21000000uzektra", &["--commission-max-rate", "0.05"], "commission cannot be more than the max rate"),
        ("999999uzektra", &["--min-self-delegation", "1000000"], "self delegation"),
        ("21000000uzektra", &["--moniker", ""], "--moniker \"\": expected a name"),
        ("21000000uzektra", &["--ip", "not a host!"], "\"not a host!\", expected a host's name or address"),
        ("21000000uzektra", &["--ip", ""], "expected a host's name or address"),
        ("21000000uzektra", &["--ip", "203.0.113"], "expected a host's name or address"),
        (
            "5uzektra",
            &[],
            "amount \"5uzektra\": validators: none has power, expected one that stakes at least 1000000uzektra",
        ),
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
    let at = |home: &Home, place: &str| format!("{}@{place}:26656", home.node_id().unwrap());
    let mut peers = [at(&first, "203.0.113.5"), at(&second, "127.0.0.1")];
    peers.sort();
    let peers = peers.join(",");
    assert_eq!((&collected["validators"], &collected["persistent_peers"]), (&json!(2), &json!(peers)));
    // The same list for all, which CometBFT's configuration is told where it is there.
    let config = second.config_file("config.toml");
    fs::write(&config, "[p2p]\npersistent_peers = \"\"\nlog = 1\n").unwrap();
    let collected: Value = serde_json::from_str(&done(&second, &["collect-gentxs"])).unwrap();
    assert_eq!(collected["persistent_peers"], peers);
    assert_eq!(fs::read_to_string(&config).unwrap(), format!("[p2p]\npersistent_peers = \"{peers}\"\nlog = 1\n"));
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
    let wrong = refused(&first, &["collect-gentxs"]);
    assert!(wrong.contains(file.to_str().unwrap()) && wrong.contains("moniker \""), "{wrong}");
    assert!(wrong.contains("signature verification failed"), "{wrong}");
    let of_second = first.gen_txs().join(format!("gentx-{}.json", second.node_id().unwrap()));
    // A validator whose node goes by the id of another's is not found by anybody.
    let sent = fs::read_to_string(second.gen_txs().join(of_second.file_name().unwrap())).unwrap();
    let stolen = sent.replace(&second.node_id().unwrap(), &first.node_id().unwrap());
    fs::write(&of_second, stolen).unwrap();
    assert!(refused(&first, &["collect-gentxs"]).contains("is this home's node, of another validator"));
    let third = Home::new(folder.path().join("third"));
    let spec = folder.path().join("chain.toml");
    done(&third, &["init", "third", "--bare", "--spec", spec.to_str().unwrap()]);
    let gathered = first.gen_txs();
    let twice = refused(&third, &["collect-gentxs", "--gentx-dir", gathered.to_str().unwrap()]);
    assert!(twice.contains("too, expected its own"), "{twice}");
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

#[test]
fn and_an_account_gets_more_where_that_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let (home, own) = machine(folder.path(), "first", 1);
    for (amount, more) in [("5uzektra", &[][..]), ("7uatom,6uzektra", &["--append"])] {
        done(&home, &[&["add-genesis-account", &own, amount][..], more].concat());
    }
    let state = home.genesis().unwrap().typed.app_state;
    let held = json!([{"denom": "uatom", "amount": "7"}, {"denom": "uzektra", "amount": "11"}]);
    assert_eq!(state["bank"]["balances"], json!([{"address": own, "coins": held}]));
    assert_eq!(state["auth"]["accounts"].as_array().unwrap().len(), 1);
}
