//! The same clients on what validators, delegators and voters do.

use super::clients_from_registries_find_a_cosmos_chain::{At, grpcurl, javascript, python};
use super::node::{Node, zektrad};
use super::solo_chain::person;
use super::test_chain::PREFIX;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use zektra_app::node::{Home, dev};
use zektra_comet::{Comet as _, Remote};
use zektra_modules::address::Prefix;
use zektra_proto::json::{from_bytes, pool, to_bytes};

/// A solo chain whose genesis file was changed before it began.
fn start(folder: &Path, change: impl FnOnce(&mut Value)) -> Node {
    assert!(zektrad().args(["init", "--home"]).arg(folder).output().unwrap().status.success());
    let path = Home::new(folder).config_file("genesis.json");
    let mut document = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    change(&mut document);
    std::fs::write(path, document.to_string()).unwrap();
    Node::start(folder, &["--on-tx"])
}

/// Runs a script on a chain of its own.
fn script(name: &str, steps: &[&str], change: impl FnOnce(&mut Value)) {
    let folder = tempfile::tempdir().unwrap();
    let node = start(folder.path(), change);
    javascript(&At::of(&node), name, steps);
    assert!(node.stop());
}

#[test]
fn cosmjs_stakes() {
    let steps = [
        "delegate",
        "undelegate and stay after all",
        "create and edit a validator",
        "redelegate",
        "what is refused",
        "queries",
        "gas is foreseen",
    ];
    script("staking.mjs", &steps, |document| {
        let params = &mut document["app_state"]["staking"]["params"];
        (params["max_entries"], params["min_commission_rate"]) = (json!(2), "0.020000000000000000".into());
        // A commission may be changed when it is a day old.
        document["genesis_time"] = "2025-01-01T00:00:00Z".into();
    });
}

#[test]
fn cosmjs_withdraws_rewards_and_commission() {
    let steps = ["rewards come with blocks", "withdraw", "commission", "community pool", "what is refused", "queries"];
    script("distribution.mjs", &steps, |_| {});
}

#[test]
fn cosmjs_takes_a_validator_out_of_jail() {
    script("slashing.mjs", &["out of jail", "signing infos", "mint", "evidence"], |_| {});
}

#[test]
fn cosmjs_proposes_deposits_and_votes() {
    let steps = ["older form", "newer form", "what is refused", "queries", "stake is free after its time"];
    script("governance.mjs", &steps, |document| {
        let state = &mut document["app_state"];
        let params = &mut state["gov"]["params"];
        (params["voting_period"], params["max_deposit_period"]) = ("4s".into(), "4s".into());
        params["expedited_voting_period"] = "1s".into();
        state["staking"]["params"]["unbonding_time"] = "4s".into();
    });
}

#[test]
fn cosmjs_grants_fees_and_messages() {
    let steps =
        ["a granter pays fees", "messages for somebody else", "authorizations with limits", "allowances of a period"];
    script("grants.mjs", &steps, |_| {});
}

#[test]
fn cosmpy_stakes_and_governs_over_grpc_and_rest() {
    let folder = tempfile::tempdir().unwrap();
    let node = start(folder.path(), |_| {});
    python(&At::of(&node), "cosmpy_staking.py", &["grpc", "rest", "governance", "others"]);
    assert!(node.stop());
}

/// Methods, and their routes.
const ROUTES: &str = include_str!("../clients/routes.txt");

/// What gRPC says, as REST says it: names in snake case, decimals with their point, types without a host.
fn as_rest(grpc: Value, rest: &Value) -> Value {
    match (grpc, rest) {
        (Value::Object(fields), rest) => {
            let each = |(name, value): (String, Value)| {
                let name: String = name
                    .chars()
                    .map(|c| if c.is_ascii_uppercase() { format!("_{}", c.to_ascii_lowercase()) } else { c.into() })
                    .collect();
                let shown = as_rest(value, &rest[&name]);
                (name, shown)
            };
            Value::Object(fields.into_iter().map(each).collect::<Map<_, _>>())
        }
        (Value::Array(list), rest) => list.into_iter().enumerate().map(|(k, v)| as_rest(v, &rest[k])).collect(),
        // An empty key of a page.
        (Value::String(text), Value::Null) if text.is_empty() => Value::Null,
        (Value::String(text), Value::String(shown)) => {
            if let Some(name) = text.strip_prefix("type.googleapis.com") {
                return name.into();
            }
            // The digits of a decimal, in text or in bytes.
            let decimal = shown.split_once('.').filter(|(_, part)| part.len() == 18);
            let digits = decimal.map(|(whole, part)| format!("{whole}{part}").trim_start_matches('0').to_string());
            let digits = digits.map(|d| if d.is_empty() { "0".into() } else { d });
            if digits.is_some_and(|d| d == text || STANDARD.encode(d) == text) {
                shown.clone().into()
            } else {
                text.into()
            }
        }
        (other, _) => other,
    }
}

#[test]
fn grpc_rest_and_abci_say_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let node = start(folder.path(), |_| {});
    let at = At::of(&node);
    javascript(&at, "traces.mjs", &["traces"]);
    let rpc = Remote::new(&node.rpc);
    let prefix = Prefix::new(PREFIX).unwrap();
    let operator = dev::account(5).address;
    let infos = node.get("/cosmos/slashing/v1beta1/signing_infos").1;
    let circuits = node.get("/zektra/proofs/v1/circuits").1;
    let circuit = STANDARD.decode(circuits["circuits"][0]["digest"].as_str().unwrap()).unwrap();
    let circuit = hex::encode(circuit);
    let given = |field: &str| -> Value {
        match field {
            "validator_addr" | "validator_address" => prefix.operator_text(&operator).into(),
            "delegator_addr" | "delegator_address" | "voter" | "depositor" | "granter" => person(0).address().into(),
            "grantee" => person(1).address().into(),
            "cons_address" => infos["info"][0]["address"].clone(),
            "proposal_id" => "1".into(),
            "params_type" => "voting".into(),
            "height" => "2".into(),
            "operator" | "node" | "seller" | "account" | "owner" => person(0).address().into(),
            "most_price" | "dataset" | "job" => "1".into(),
            "digest" => circuit.clone().into(),
            "name" => "next".into(),
            other => panic!("{other}"),
        }
    };
    let mut called: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for line in ROUTES.lines().filter(|l| !l.starts_with('#')) {
        let (method, route) = line.split_once(' ').unwrap();
        let (mut path, mut request) = (route.to_string(), Map::new());
        while let Some((before, rest)) = path.clone().split_once('{') {
            let (field, after) = rest.split_once('}').unwrap();
            let value = given(field);
            path = format!("{before}{}{after}", value.as_str().unwrap());
            request.insert(field.into(), value);
        }
        let request = Value::Object(request);
        let (status, rest) = node.get(&path);
        assert_eq!(status, 200, "{path}: {rest}");
        let (service, name) = method.split_once('/').unwrap();
        let described = pool().get_service_by_name(service).unwrap();
        let described = described.methods().find(|m| m.name() == name).unwrap();
        let data = to_bytes(described.input().full_name(), &request).unwrap();
        let answer = rpc.call("abci_query", json!({"path": format!("/{method}"), "data": hex::encode(data)})).unwrap();
        let value = STANDARD.decode(answer["response"]["value"].as_str().unwrap_or_default()).unwrap();
        assert_eq!(from_bytes(described.output().full_name(), &value).unwrap(), rest, "{method}");
        let grpc = grpcurl(&node, &["-emit-defaults", "-d", &request.to_string()], &[method]).unwrap();
        assert_eq!(as_rest(serde_json::from_str(&grpc).unwrap(), &rest), rest, "{method}");
        called.entry(service).or_default().insert(name);
    }
    // Nothing is left out but what there is nothing of.
    let silent = ["cosmos.evidence.v1beta1.Query/Evidence", "cosmos.upgrade.v1beta1.Query/UpgradedConsensusState"];
    // Of work: there is none on this chain.
    let of_work = [
        "zektra.compute.v1.Query/Node",
        "zektra.market.v1.Query/Listing",
        "zektra.market.v1.Query/Quote",
        "zektra.market.v1.Query/Escrow",
        "zektra.training.v1.Query/Job",
        "zektra.vault.v1.Query/Seat",
        "zektra.vault.v1.Query/Dataset",
        "zektra.vault.v1.Query/DatasetByObject",
        "zektra.vault.v1.Query/Grant",
        "zektra.vault.v1.Query/Grants",
        "zektra.vault.v1.Query/Set",
    ];
    for (service, names) in called {
        let listed = grpcurl(&node, &[], &["list", service]).unwrap();
        let full = listed.lines().map(|l| l.strip_prefix(service).unwrap().trim_start_matches('.'));
        let unasked = |name: &str| silent.iter().chain(&of_work).any(|method| *method == format!("{service}/{name}"));
        let listed: BTreeSet<_> = full.filter(|name| !unasked(name)).collect();
        assert_eq!(listed, names, "{service}");
    }
    for ((method, request), code) in silent.iter().zip([r#"{"hash": "AB"}"#, "{}"]).zip(["NotFound", "Unimplemented"]) {
        let refused = grpcurl(&node, &["-d", request], &[method]).unwrap_err();
        assert!(refused.contains(&format!("Code: {code}")), "{refused}");
    }
    assert!(node.stop());
}
