//! Genesis files.
#![allow(clippy::unwrap_used)]

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};
use tendermint::Time;
use zektra_genesis::{DEVNET, Genesis, Spec, with_prefix};

fn validator() -> Value {
    let key = tendermint::PublicKey::from_raw_ed25519(&[
        215, 90, 152, 1, 130, 177, 10, 183, 213, 75, 254, 211, 201, 100, 7, 58, 14, 225, 114, 243, 218, 166, 35, 37,
        175, 2, 26, 104, 247, 7, 81, 26,
    ]);
    let key = key.unwrap();
    json!({"address": tendermint::account::Id::from(key), "pub_key": key, "power": "10", "name": "one"})
}

fn document() -> Value {
    let spec = Spec::read(DEVNET).unwrap();
    let mut document = spec.genesis(Time::unix_epoch(), 1).unwrap().document;
    document["validators"] = json!([validator()]);
    document
}

#[test]
fn the_development_chain_is_made_of_its_description() {
    let made = Genesis::check(document()).unwrap();
    assert_eq!(made.typed.chain_id.as_str(), "zektra-dev-1");
    assert_eq!(made.typed.validators.len(), 1);
    assert_eq!(made.typed.app_state["bank"]["balances"].as_array().unwrap().len(), 5);
    // What is written is read as the same.
    assert_eq!(Genesis::read(&made.document.to_string()).unwrap().document, made.document);
}

#[test]
fn another_prefix_keeps_the_accounts() {
    let spec = with_prefix(Spec::read(DEVNET).unwrap(), "cosmos").unwrap();
    assert!(spec.accounts.iter().all(|a| a.address.starts_with("cosmos1")));
    spec.genesis(Time::unix_epoch(), 1).unwrap();
    assert!(with_prefix(spec, "C").unwrap_err().to_string().starts_with("bech32_prefix: \"C\", expected "));
}

#[test]
fn a_wrong_field_is_named() {
    let refused = |change: &dyn Fn(&mut Value)| {
        let mut document = document();
        change(&mut document);
        Genesis::check(document).unwrap_err().to_string()
    };
    assert_eq!(refused(&|d| d["chain_id"] = "".into()), "chain_id: \"\", expected a text of 1 to 50 characters");
    assert_eq!(refused(&|d| d["genesis_time"] = 5.into()), "genesis_time: 5, expected a time as 2026-01-31T12:00:00Z");
    assert_eq!(
        refused(&|d| d["initial_height"] = "0".into()),
        "initial_height: \"0\", expected a text that is a positive number, as \"1\""
    );
    assert_eq!(
        refused(&|d| d["validators"][0]["power"] = "0".into()),
        "validators[].power: \"0\", expected a positive number"
    );
    assert!(
        refused(&|d| d["app_state"]["nothing"] = json!({})).contains("app_state.nothing: a section, expected chain")
    );
    assert!(refused(&|d| d["app_state"]["bank"]["params"] = Value::Null).contains("app_state.bank"));
    assert!(Genesis::read("{").unwrap_err().to_string().starts_with("the genesis file is no JSON: "));
}

#[test]
fn a_wrong_description_is_named() {
    let read = |text: &str| Spec::read(text).unwrap_err().to_string();
    assert!(read("chain_id = 5").contains("chain_id"));
    assert!(read("chain_id = 'x'\nbech32_prefix = 'x'\nchains = 1").contains("unknown field `chains`"));
    let made = |change: &dyn Fn(&mut Spec)| {
        let mut spec = Spec::read(DEVNET).unwrap();
        change(&mut spec);
        spec.genesis(Time::unix_epoch(), 1).unwrap_err().to_string()
    };
    let coins = made(&|s| drop(s.accounts[0].coins.insert("uzektra".into(), "-1".into())));
    assert!(coins.starts_with("accounts[0].coins.uzektra: \"-1\", expected "), "{coins}");
    assert!(made(&|s| s.accounts[1].address = "zektra1x".into()).contains("accounts[1].address"));
}

/// Where the values of a document are.
fn pointers(value: &Value, at: &str, out: &mut Vec<String>) {
    out.push(at.into());
    match value {
        Value::Object(fields) => fields.iter().for_each(|(k, v)| pointers(v, &format!("{at}/{k}"), out)),
        Value::Array(list) => list.iter().enumerate().for_each(|(k, v)| pointers(v, &format!("{at}/{k}"), out)),
        _ => {}
    }
}

fn other_values() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        any::<i128>().prop_map(|n| Value::from(n.to_string())),
        Just(json!([])),
        Just(json!({})),
        Just(json!([{"denom": "uzektra", "amount": "5"}])),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_genesis_file_is_read_or_refused(text in ".{0,60}", changes in prop::collection::vec((any::<Index>(), other_values(), any::<bool>()), 1..3)) {
        let _ = Genesis::read(&text);
        let mut document = document();
        for (at, value, remove) in changes {
            let mut all = vec![];
            pointers(&document, "", &mut all);
            let at = &all[at.index(all.len())];
            let (parent, name) = at.rsplit_once('/').unwrap_or_default();
            match document.pointer_mut(parent) {
                Some(Value::Object(fields)) if remove => drop(fields.remove(name)),
                _ => *document.pointer_mut(at).unwrap() = value,
            }
        }
        // What is taken is the same after it was written and read.
        if let Ok(genesis) = Genesis::check(document.clone()) {
            let again = Genesis::read(&genesis.document.to_string()).unwrap();
            prop_assert_eq!(again.document, document);
        }
    }

    #[test]
    fn a_description_is_read_or_refused(text in ".{0,60}", line in any::<Index>(), other in "[a-z_]{1,9} = (-?[0-9]{1,20}|'.{0,6}'|\\[\\]|\\{\\})|.{0,9}") {
        let _ = Spec::read(&text);
        let mut lines: Vec<&str> = DEVNET.lines().collect();
        let line = line.index(lines.len());
        lines[line] = &other;
        if let Ok(spec) = Spec::read(&lines.join("\n")) {
            let _ = spec.genesis(Time::unix_epoch(), 1);
        }
    }
}
