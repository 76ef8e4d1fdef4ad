//! Genesis files.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};
use tendermint::Time;
use zektra_genesis::{DEVNET, Genesis, Spec, Validator, with_prefix};

fn validators() -> Vec<Validator> {
    let key = tendermint::PublicKey::from_raw_ed25519(&[
        215, 90, 152, 1, 130, 177, 10, 183, 213, 75, 254, 211, 201, 100, 7, 58, 14, 225, 114, 243, 218, 166, 35, 37,
        175, 2, 26, 104, 247, 7, 81, 26,
    ]);
    vec![Validator { key: key.unwrap(), power: 10, name: "one".into() }]
}

fn document() -> Value {
    let spec = Spec::read(DEVNET).unwrap();
    spec.genesis(Time::unix_epoch(), 1, &validators()).unwrap().document
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
    spec.genesis(Time::unix_epoch(), 1, &validators()).unwrap();
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
        spec.genesis(Time::unix_epoch(), 1, &validators()).unwrap_err().to_string()
    };
    let coins = made(&|s| drop(s.accounts[0].coins.insert("uzek".into(), "-1".into())));
    assert!(coins.starts_with("accounts[0].coins.uzek: \"-1\", expected "), "{coins}");
    assert!(made(&|s| s.accounts[1].address = "zektra1x".into()).contains("accounts[1].address"));
}
