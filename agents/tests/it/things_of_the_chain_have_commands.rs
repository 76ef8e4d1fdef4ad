//! `zektra listing | node | credit | set | dataset | job | bundle` against a `zektrad` of its own: the same messages as
//! those of `zektra tx`, waited for, and errors that name what is wrong.

use super::a_wallet_moves_coins_on_a_chain::{ALICE, CHAIN, Chain, WORDS, Wallet};
use serde_json::{Value, json};

#[test]
fn from_the_command_line() {
    let folder = tempfile::tempdir().unwrap();
    let chain = Chain::start(&folder.path().join("chain"));
    let wallet = Wallet { home: &folder.path().join("wallet"), node: &chain.rpc, backend: "test" };
    for (name, index) in [("alice", "0"), ("carol", "3")] {
        let (code, _, err) = wallet.run(&["keys", "add", name, "--recover", "--index", index], &format!("{WORDS}\n"));
        assert_eq!(code, 0, "{err}");
    }
    let paid = ["--chain-id", CHAIN, "--gas-prices", "0.025uzektra"];
    let done = |arguments: &[&str]| wallet.json(&[arguments, &paid].concat());
    let refused = |arguments: &[&str], code: i32, says: &str| {
        wallet.refused(&[arguments, &paid].concat(), "", code, says);
    };

    // A node: registered, changed field by field, raised, gone.
    let node = ["--moniker", "fast", "--endpoint", "node.example:9000", "--price", "7", "--max-jobs", "2"];
    let register = [&["node", "register"], &node[..], &["--bond", "1000000000uzektra", "--from", "carol"]].concat();
    let made = done(&register);
    let fingerprint = made["fingerprint"].as_str().unwrap();
    assert!(fingerprint.len() == 64 && made["height"].is_i64() && made["transaction"].is_string(), "{made}");
    refused(&register, 3, "the operator has a node");
    let shown = || wallet.json(&["node", "show", "carol"])["node"].take();
    assert_eq!((&shown()["price"], &shown()["status"]), (&"7".into(), &"NODE_STATUS_ACTIVE".into()));
    done(&["node", "update", "--price", "9", "--pause", "--from", "carol"]);
    let now = shown();
    assert_eq!((&now["price"], &now["status"]), (&"9".into(), &"NODE_STATUS_PAUSED".into()));
    assert_eq!((&now["endpoint"], &now["max_jobs"]), (&"node.example:9000".into(), &2.into()));
    done(&["node", "update", "--max-jobs", "3", "--from", "carol"]);
    assert_eq!(shown()["status"], "NODE_STATUS_PAUSED", "what no flag names stays");
    done(&["node", "update", "--resume", "--from", "carol"]);
    assert_eq!(shown()["status"], "NODE_STATUS_ACTIVE");
    refused(&["node", "update", "--from", "carol"], 2, "nothing to change, expected --endpoint");
    refused(&["node", "update", "--price", "1", "--from", "alice"], 1, "has no node");
    done(&["node", "bond", "5uzektra", "--from", "carol"]);
    assert_eq!(shown()["bond"]["amount"], "1000000005");
    assert_eq!(wallet.json(&["node", "list"])["nodes"], json!([shown()]));
    // A field of the name of a flag: the question's node, and the node that is asked.
    for ask in [&["node", "reputation"][..], &["query", "reputation", "reputation"]] {
        assert!(wallet.json(&[ask, &["carol", "--node", &chain.rpc]].concat())["score"].is_object());
    }
    let left = done(&["node", "leave", "--from", "carol"]);
    assert_eq!(left["leaves_at"], shown()["leaves_at"]);

    // Credits.
    done(&["credit", "buy", "1000uzektra", "--from", "alice"]);
    done(&["credit", "return", "400uzektra", "--from", "alice"]);
    assert_eq!(wallet.json(&["credit", "show", "alice"])["credits"]["amount"], "600");
    assert_eq!(wallet.json(&["query", "market", "credits", ALICE])["credits"]["amount"], "600");

    // The messages are those of `zektra tx`.
    let message = |arguments: &[&str]| -> Value {
        let (code, out, err) = wallet.run(&[arguments, &["--generate-only"], &paid].concat(), "");
        assert_eq!(code, 0, "{arguments:?}: {err}");
        serde_json::from_str::<Value>(&out).unwrap()["body"]["messages"][0].take()
    };
    let tier = json!({"name": "standard", "licence": "research", "max_passes": 100, "output": "OUTPUT_WEIGHTS",
        "schedule": [{"from_height": "0", "rate": "250"}, {"from_height": "1000", "rate": "300"}]});
    let written = "standard:research:100:weights:0=250,1000=300";
    let gas = ["--gas", "1", "--from", "alice"];
    let raw = ["tx", "market", "list", "1", "--kind", "set", "--tiers", &tier.to_string()];
    assert_eq!(
        message(&[&["listing", "create", "--set", "1", "--tier", written], &gas[..]].concat()),
        message(&[&raw, &gas[..]].concat())
    );
    for (named, raw) in [
        (&["dataset", "pause", "1"][..], &["tx", "vault", "pause-dataset", "1"][..]),
        (&["dataset", "resume", "1"], &["tx", "vault", "unpause-dataset", "1"]),
        (&["dataset", "revoke", "1"], &["tx", "vault", "revoke-dataset", "1"]),
        (&["dataset", "withdraw-grant", "7"], &["tx", "vault", "withdraw-grant", "7"]),
        (
            &["listing", "schedule", "1", "standard", "50", "3"],
            &["tx", "market", "schedule", "1", "standard", "50", "3"],
        ),
        (&["job", "cancel", "1"], &["tx", "training", "cancel", "1"]),
    ] {
        assert_eq!(message(&[named, &gas].concat()), message(&[raw, &gas].concat()), "{named:?}");
    }
    let statement = folder.path().join("statement.txt");
    std::fs::write(&statement, "rows of 2030").unwrap();
    let attest = message(&[&["dataset", "attest", "1", "--statement", statement.to_str().unwrap()], &gas[..]].concat());
    use base64::Engine as _;
    let hash = base64::engine::general_purpose::STANDARD.encode(blake3::hash(b"rows of 2030").as_bytes());
    assert_eq!((&attest["statement_hash"], &attest["voucher"]), (&hash.into(), &ALICE.into()));

    // What goes wrong is named.
    let list = |tier: &str| ["listing", "create", "--set", "1", "--tier", tier, "--from", "alice"].map(String::from);
    let wrong = |tier: &str, says: &str| {
        refused(&list(tier).iter().map(|s| &s[..]).collect::<Vec<_>>(), 2, says);
    };
    wrong("standard:research:100", "expected NAME:LICENCE:PASSES:OUTPUT");
    wrong("standard:research:100:all:0=1", "output \"all\": expected weights or inference-only");
    wrong("standard:research:100:weights", "--tier standard: no rates");
    refused(&["listing", "create", "--tier", written, "--from", "alice"], 2, "--dataset");
    refused(&["listing", "create", "--set", "9", "--tier", written, "--from", "alice"], 3, "9");
    refused(&["set", "create", "cells", "--like", "9", "--from", "alice"], 1, "9");
    refused(&["dataset", "pause", "9", "--from", "alice"], 3, "9");
    refused(&["credit", "buy", "1.5uzektra", "--from", "alice"], 2, "1500uzektra");
    refused(&["credit", "buy", "1uzektra"], 2, "--from");
    wallet.refused(&["bundle", "fetch", "9", "--out", "b.zkb"], "", 1, "job 9 not found");
    assert!(wallet.json(&["job", "list", "--party", "alice"])["jobs"].as_array().unwrap().is_empty());
    assert!(wallet.json(&["dataset", "list", "--owner", "alice", "--status", "active"])["datasets"].is_array());
}
