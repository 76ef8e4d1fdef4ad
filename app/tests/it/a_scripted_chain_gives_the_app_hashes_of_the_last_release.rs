//! Whatever changes here changes the state machine: nodes of before and after would not agree.

use super::multisig::Multisig;
use super::test_chain::{CHAIN_ID, DENOM, FEE, GAS, Person, TestChain, coin, genesis};
use cosmrs::bank::{MsgMultiSend, MultiSendIo};
use cosmrs::tx::{Fee, Msg as _};
use cosmrs::{AccountId, Any};
use serde_json::json;
use std::fmt::Write as _;
use zektra_proto::tendermint::abci::Event;
use zektra_state::{Order, StateRead as _};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/scripted_chain.txt");
/// Renews the file.
const RENEW: &str = "ZEKTRA_RENEW_GOLDEN";

const HEAD: &str = "\
# A scripted chain: app hashes, results, events, and the state after the last block.
# Another text means that the state machine has changed. If that is meant, renew it with
#   ZEKTRA_RENEW_GOLDEN=1 cargo test -p zektra-app --test app scripted_chain
# say so in CHANGELOG.md, and raise APP_VERSION if a chain of the version before is in use.
";

/// A message of one who pays many.
pub fn multi_send(from: &Person, outputs: &[(&AccountId, u128)]) -> Any {
    let io = |address: &AccountId, amount| MultiSendIo { address: address.clone(), coins: vec![coin(amount)] };
    let inputs = vec![io(&from.id(), outputs.iter().map(|(_, amount)| amount).sum())];
    MsgMultiSend { inputs, outputs: outputs.iter().map(|(to, amount)| io(to, *amount)).collect() }.to_any().unwrap()
}

fn events(out: &mut String, indent: &str, events: &[Event]) {
    for event in events {
        let shown = event.attributes.iter().map(|a| {
            assert!(a.index, "{} of {} is not indexed", a.key, event.r#type);
            // Signing is the client's, its shape ours.
            let value = if a.key == "signature" { format!("({} characters)", a.value.len()) } else { a.value.clone() };
            format!("{}={value}", a.key)
        });
        writeln!(out, "{indent}{} {}", event.r#type, shown.collect::<Vec<_>>().join(" ")).unwrap();
    }
}

fn script() -> String {
    let (mut alice, mut bob, mut together) = (Person::new("alice", 0), Person::new("bob", 1), Multisig::new(2));
    let (carol, dave) = (Person::new("carol", 9).id(), Person::new("dave", 9).id());
    let mut state = genesis(&[&alice, &bob]);
    let account =
        json!({"@type": "/cosmos.auth.v1beta1.BaseAccount", "address": together.address(), "account_number": "2"});
    state["auth"]["accounts"].as_array_mut().unwrap().push(account);
    let balance = json!({"address": together.address(), "coins": [{"denom": DENOM, "amount": "500000"}]});
    state["bank"]["balances"].as_array_mut().unwrap().push(balance);
    let mut chain = TestChain::with(state, 1_000_000);

    let fee = |amount, gas| Fee::from_amount_and_gas(coin(amount), gas);
    let blocks = [
        // Nothing, then sends to those who are there and to one who is not.
        vec![],
        vec![alice.sign(vec![alice.pay(&bob.id(), 500)]), bob.sign(vec![bob.pay(&carol, 7), bob.pay(&carol, 8)])],
        vec![alice.sign(vec![multi_send(&alice, &[(&bob.id(), 10), (&carol, 20), (&dave, 30)])])],
        vec![together.send(&alice.address(), 12_345), together.send(&bob.address(), 1)],
        // Each pays, none moves more: too much, gas that ends between two messages, a multi-send beyond the balance.
        vec![
            alice.sign(vec![alice.pay(&bob.id(), 1), alice.pay(&bob.id(), u128::from(u64::MAX))]),
            bob.sign_with(vec![bob.pay(&carol, 1); 4], 1, fee(FEE, 60_000), CHAIN_ID),
            alice.sign(vec![multi_send(&alice, &[(&dave, 5_000_000_000)])]),
        ],
        // None pays: sequence, chain, signature, bytes; the last finds no gas left in the block.
        vec![
            bob.sign_with(vec![bob.pay(&carol, 1)], 7, fee(FEE, GAS), CHAIN_ID),
            bob.sign_with(vec![bob.pay(&carol, 1)], 2, fee(FEE, GAS), "other-1"),
            bob.sign_with(vec![bob.pay(&carol, 1)], 2, fee(FEE, 2_000_000), CHAIN_ID),
            vec![0xff; 9],
            vec![],
            bob.sign_with(vec![bob.pay(&carol, 1); 90], 2, fee(FEE, 1_000_000), CHAIN_ID),
            bob.sign_with(vec![bob.pay(&carol, 2)], 3, fee(FEE, GAS), CHAIN_ID),
            bob.sign_with(vec![bob.pay(&carol, 3)], 4, fee(FEE, GAS), CHAIN_ID),
        ],
    ];
    let mut out = HEAD.to_string();
    for txs in blocks {
        let done = chain.block(&txs);
        writeln!(out, "\nblock {} {}", chain.height, hex::encode(&done.app_hash)).unwrap();
        events(&mut out, "  ", &done.events);
        for (k, r) in done.tx_results.iter().enumerate() {
            let code = if r.code == 0 { "0".into() } else { format!("{}/{}", r.codespace, r.code) };
            writeln!(out, "  tx {k} code {code} gas {}/{} data {}", r.gas_used, r.gas_wanted, hex::encode(&r.data))
                .unwrap();
            if !r.log.is_empty() {
                writeln!(out, "    {}", r.log).unwrap();
            }
            events(&mut out, "    ", &r.events);
        }
    }
    out.push_str("\nstate\n");
    for entry in chain.app.latest().unwrap().scan(&[], None, Order::Ascending) {
        let (key, value) = entry.unwrap();
        writeln!(out, "  {} = {}", key.escape_ascii(), value.escape_ascii()).unwrap();
    }
    out
}

#[test]
fn and_its_state_keys_and_events() {
    let found = script();
    if std::env::var_os(RENEW).is_some() {
        std::fs::write(GOLDEN, &found).unwrap();
    }
    let golden = std::fs::read_to_string(GOLDEN).unwrap_or_default();
    for (k, (found, golden)) in found.lines().zip(golden.lines()).enumerate() {
        assert_eq!(found, golden, "line {} of {GOLDEN}", k + 1);
    }
    assert_eq!(found.lines().count(), golden.lines().count(), "{GOLDEN}");
}
