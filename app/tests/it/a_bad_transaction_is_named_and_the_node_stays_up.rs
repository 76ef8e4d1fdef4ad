use super::node::Node;
use super::solo_chain::person;
use super::test_chain::{Person, coin};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use cosmrs::Any;
use cosmrs::tx::Fee;
use serde_json::{Value, json};
use zektra_comet::{Comet as _, Remote, RpcError};

const CHAIN: &str = "zektra-dev-1";

/// What a node says to a transaction over RPC, then over REST.
fn sent(node: &Node, tx: &[u8]) -> [(i64, String); 2] {
    let answer = match Remote::new(&node.rpc).call("broadcast_tx_sync", json!({"tx": BASE64.encode(tx)})) {
        Ok(answer) => (answer["code"].as_i64().unwrap(), answer["log"].as_str().unwrap().to_string()),
        // What consensus refuses has no code of the application.
        Err(RpcError { data, .. }) => (0, data),
    };
    let body = json!({"tx_bytes": BASE64.encode(tx), "mode": "BROADCAST_MODE_SYNC"}).to_string();
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut over_rest = agent.post(format!("{}/cosmos/tx/v1beta1/txs", node.rest)).send(body).unwrap();
    let over_rest: Value = serde_json::from_str(&over_rest.body_mut().read_to_string().unwrap()).unwrap();
    let over_rest = &over_rest["tx_response"];
    [answer, (over_rest["code"].as_i64().unwrap(), over_rest["raw_log"].as_str().unwrap().to_string())]
}

fn balance(node: &Node, who: &Person) -> u128 {
    let path = format!("/cosmos/bank/v1beta1/balances/{}/by_denom?denom=uzektra", who.address());
    node.get(&path).1["balance"]["amount"].as_str().unwrap().parse().unwrap()
}

#[test]
fn over_rpc_and_rest() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path(), &["--on-tx", "--minimum-gas-prices", "0.01uzektra"]);
    let (alice, bob) = (person(0), person(1));
    let fee = |amount, gas: u64| Fee::from_amount_and_gas(coin(amount), gas);
    let pay = || vec![alice.pay(&bob.id(), 5)];
    let sign = |messages, sequence, fee, chain| alice.sign_with(messages, sequence, fee, chain);
    let good = sign(pay(), 0, fee(2_000, 200_000), CHAIN);
    let stranger = Person::with_key(&[9; 32], 9, CHAIN);
    let of_type = |name: &str| vec![Any { type_url: name.into(), value: vec![] }];
    let usual = || fee(2_000, 200_000);
    let cases = [
        (good[..good.len() - 1].to_vec(), 2, "a field that ends too early"),
        ((0..200u8).map(|k| k.wrapping_mul(151)).collect(), 2, "tx parse error"),
        ([&good[..], &[0x0a, 0]].concat(), 2, "non-canonical transaction: field 1 after 3"),
        ([&good[..], &[0x20, 1]].concat(), 2, "errUnknownField \"cosmos.tx.v1beta1.TxRaw\""),
        (sign(of_type("/cosmos.nft.v1beta1.MsgSend"), 0, usual(), CHAIN), 2, "unable to resolve type URL"),
        (sign(of_type("/cosmos.bank.v1beta1.Input"), 0, usual(), CHAIN), 6, "no message handler found"),
        (sign(pay(), 0, usual(), "other-1"), 4, "signature verification failed; please verify"),
        (sign(pay(), 7, usual(), CHAIN), 32, "account sequence mismatch, expected 0, got 7"),
        (stranger.sign_with(pay(), 0, usual(), CHAIN), 8, "pubKey does not match signer address"),
        (stranger.sign_with(vec![stranger.pay(&bob.id(), 1)], 0, usual(), CHAIN), 9, "does not exist"),
        (sign(pay(), 0, fee(1_999, 200_000), CHAIN), 13, "insufficient fees; got: 1999uzektra required: 2000uzektra"),
        (sign(pay(), 0, fee(2_000, 9_000), CHAIN), 11, "out of gas in location"),
        (sign(pay(), 0, fee(u128::MAX, 200_000), CHAIN), 5, "insufficient funds"),
    ];
    for (tx, code, text) in cases {
        for (found, log) in sent(&node, &tx) {
            assert_eq!(found, code, "{log}");
            assert!(log.contains(text), "{log:?} does not say {text:?}");
        }
    }
    let [over_rpc, over_rest] = sent(&node, &[0; (1 << 20) + 1]);
    let large = "tx too large. Max size is 1048576, but got 1048577";
    assert_eq!((over_rpc.1, over_rest), (large.into(), (21, large.into())));

    // Gas that ends in the third of four messages: the fee is paid, the sequence used, nothing moved.
    let before = (balance(&node, &alice), balance(&node, &bob));
    let tx = sign([pay(), pay(), pay(), pay()].concat(), 0, fee(2_000, 72_000), CHAIN);
    let rpc = Remote::new(&node.rpc);
    let done = rpc.call("broadcast_tx_commit", json!({"tx": BASE64.encode(&tx)})).unwrap();
    assert_eq!((&done["check_tx"]["code"], &done["tx_result"]["code"]), (&json!(0), &json!(11)), "{done}");
    let log = done["tx_result"]["log"].as_str().unwrap();
    assert!(log.starts_with("failed to execute message; message index: 2: out of gas in location: "), "{log}");
    assert_eq!((balance(&node, &alice), balance(&node, &bob)), (before.0 - 2_000, before.1));
    // Still there, and next is the next.
    assert_eq!(sent(&node, &good)[0].0, 32);
    let next = sign(pay(), 1, usual(), CHAIN);
    let done = rpc.call("broadcast_tx_commit", json!({"tx": BASE64.encode(&next)})).unwrap();
    assert_eq!((&done["tx_result"]["code"], balance(&node, &bob)), (&json!(0), before.1 + 5));
    assert!(node.stop());
}
