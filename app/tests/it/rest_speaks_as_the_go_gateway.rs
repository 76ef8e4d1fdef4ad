use super::node::{Node, get};
use super::solo_chain::person;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use zektra_comet::{Comet as _, Remote};

#[test]
fn shapes_heights_pages_and_errors() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path(), &["--on-tx"]);
    let (mut alice, bob) = (person(0), person(1));
    let balance = format!("/cosmos/bank/v1beta1/balances/{}", bob.address());
    let before = node.get(&balance);
    assert_eq!(before.0, 200);
    assert_eq!(
        before.1,
        json!({"balances": [{"denom": "uzektra", "amount": "1000000000000"}], "pagination": {"next_key": null, "total": "1"}})
    );
    // An account that has not signed yet has no key; nothing is left out.
    let account = node.get(&format!("/cosmos/auth/v1beta1/accounts/{}", bob.address()));
    assert_eq!(
        account.1,
        json!({"account": {
            "@type": "/cosmos.auth.v1beta1.BaseAccount",
            "address": bob.address(), "pub_key": null, "account_number": "1", "sequence": "0",
        }})
    );
    // A transaction by POST, in small and in camel case, then by its hash.
    let tx = alice.sign(vec![alice.pay(&bob.id(), 42)]);
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.encode(&tx);
    let post = |path: &str, body: Value| -> (u16, Value) {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut answer = agent.post(format!("{}{path}", node.rest)).send(body.to_string()).unwrap();
        let text = answer.body_mut().read_to_string().unwrap();
        (answer.status().as_u16(), serde_json::from_str(&text).unwrap())
    };
    let simulated = post("/cosmos/tx/v1beta1/simulate", json!({"txBytes": bytes}));
    assert_eq!(simulated.0, 200, "{}", simulated.1);
    assert_eq!(simulated.1["gas_info"]["gas_wanted"], u64::MAX.to_string());
    let sent = post("/cosmos/tx/v1beta1/txs", json!({"tx_bytes": bytes, "mode": "BROADCAST_MODE_SYNC"}));
    assert_eq!((sent.0, &sent.1["tx_response"]["code"]), (200, &json!(0)));
    let hash = sent.1["tx_response"]["txhash"].as_str().unwrap().to_string();
    let again = post("/cosmos/tx/v1beta1/txs", json!({"tx_bytes": bytes, "mode": 2}));
    assert_eq!(again.1["tx_response"]["code"], 19);
    // Blocks come with transactions: this one's is there when the RPC knows it.
    let rpc = Remote::new(&node.rpc);
    let found = (0..200).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(20));
        rpc.call("tx", json!({"hash": hash})).ok()
    });
    let height: u64 = found.expect("the transaction is in no block")["height"].as_str().unwrap().parse().unwrap();
    let found = node.get(&format!("/cosmos/tx/v1beta1/txs/{hash}")).1;
    assert_eq!(found["tx_response"]["height"], height.to_string());
    assert_eq!(found["tx"]["body"]["messages"][0]["@type"], "/cosmos.bank.v1beta1.MsgSend");
    assert_eq!(found["tx_response"]["tx"]["@type"], "/cosmos.tx.v1beta1.Tx");
    assert_eq!(found["tx_response"]["logs"], json!([]));
    assert!(found["tx_response"]["timestamp"].as_str().unwrap().ends_with('Z'));
    let events = node
        .get(&format!("/cosmos/tx/v1beta1/txs?query=transfer.recipient=%27{}%27&order_by=2&limit=1", bob.address()))
        .1;
    assert_eq!((&events["total"], &events["pagination"]), (&json!("1"), &Value::Null));
    assert_eq!(events["tx_responses"][0]["txhash"], hash);
    let block = node.get(&format!("/cosmos/tx/v1beta1/txs/block/{height}")).1;
    assert_eq!(block["txs"].as_array().unwrap().len(), 1);
    assert_eq!(block["block"]["header"]["height"], height.to_string());
    // A height before.
    let url = format!("{}{balance}", node.rest);
    assert_eq!(get(&url, None).1["balances"][0]["amount"], "1000000000042");
    assert_eq!(get(&url, Some(height - 1)).1["balances"][0]["amount"], "1000000000000");
    let future = get(&url, Some(height + 9));
    assert_eq!((future.0, &future.1["code"]), (400, &json!(3)));
    assert_eq!(future.1["message"], format!("height {} is in the future, the last is {height}", height + 9));
    // Pages by key and by offset: five test accounts, the validator's operator, and the accounts of modules.
    let all = node.get("/cosmos/auth/v1beta1/accounts").1["accounts"].as_array().unwrap().clone();
    assert_eq!(all.len(), 16);
    let page = node.get("/cosmos/auth/v1beta1/accounts?pagination.limit=2&pagination.count_total=true").1;
    assert_eq!(
        (page["accounts"].as_array().unwrap().len(), &page["pagination"]["total"]),
        (2, &json!(all.len().to_string()))
    );
    let key: String =
        form_urlencoded::byte_serialize(page["pagination"]["next_key"].as_str().unwrap().as_bytes()).collect();
    let next = node.get(&format!("/cosmos/auth/v1beta1/accounts?pagination.limit=90&pagination.key={key}")).1;
    let offset = node.get("/cosmos/auth/v1beta1/accounts?pagination.offset=2").1;
    assert_eq!(next["accounts"], offset["accounts"]);
    assert_eq!(next["accounts"].as_array().unwrap()[..], all[2..]);
    // The node's own status has the hashes of the last block's state and of the next validators.
    let status = node.get("/cosmos/base/node/v1beta1/status").1;
    let last = rpc.call("header", json!({})).unwrap();
    let hash = hex::decode(last["header"]["next_validators_hash"].as_str().unwrap()).unwrap();
    assert_eq!(status["validator_hash"], base64::engine::general_purpose::STANDARD.encode(hash), "{status}");
    // The document describes what is there, and the page is there.
    let document = node.get("/openapi.json").1;
    assert!(document["paths"]["/cosmos/bank/v1beta1/balances/{address}"]["get"].is_object());
    assert!(document["paths"]["/cosmos/tx/v1beta1/txs"]["post"]["requestBody"].is_object());
    let (mut shapes, mut ids) = (BTreeSet::new(), BTreeSet::new());
    for (path, verbs) in document["paths"].as_object().unwrap() {
        let shape: Vec<_> = path.split('/').map(|part| if part.starts_with('{') { "{}" } else { part }).collect();
        assert!(shapes.insert(shape), "{path}: another path has its shape");
        for operation in verbs.as_object().unwrap().values() {
            assert!(operation["summary"].as_str().unwrap().ends_with('.'), "{path}: {operation}");
            assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{path}: {operation}");
        }
    }
    // Of two of one shape it has the one that answers.
    let bech32 = format!("/cosmos/auth/v1beta1/bech32/{}", bob.address());
    assert!(node.get(&bech32).1["address_bytes"].is_string());
    assert!(document["paths"]["/cosmos/auth/v1beta1/bech32/{address_string}"].is_object());
    assert!(node.get("/").1.as_str().unwrap().contains("openapi.json"));
    assert!(node.stop());
}

#[test]
fn the_system_modules() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path(), &["--on-tx"]);
    let get = |path: &str| {
        let (status, answer) = node.get(path);
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    };
    let decimal = |value: &Value| value.as_str().and_then(|v| v.split_once('.')).is_some_and(|(_, d)| d.len() == 18);
    let bonded = get("/cosmos/staking/v1beta1/validators?status=BOND_STATUS_BONDED");
    let validator = &bonded["validators"][0];
    assert_eq!((&validator["status"], &bonded["pagination"]["total"]), (&json!("BOND_STATUS_BONDED"), &json!("1")));
    assert_eq!(validator["consensus_pubkey"]["@type"], "/cosmos.crypto.ed25519.PubKey");
    assert!(decimal(&validator["commission"]["commission_rates"]["rate"]), "{validator}");
    assert_eq!(get("/cosmos/staking/v1beta1/validators?status=BOND_STATUS_UNBONDED")["validators"], json!([]));
    let operator = validator["operator_address"].as_str().unwrap();
    let delegated =
        &get(&format!("/cosmos/staking/v1beta1/validators/{operator}/delegations"))["delegation_responses"][0];
    assert!(decimal(&delegated["delegation"]["shares"]), "{delegated}");
    let delegator = delegated["delegation"]["delegator_address"].as_str().unwrap();
    let rewards = get(&format!("/cosmos/distribution/v1beta1/delegators/{delegator}/rewards"));
    assert_eq!(rewards["rewards"][0]["validator_address"], operator);
    let voting = "/cosmos/gov/v1/proposals?proposal_status=PROPOSAL_STATUS_VOTING_PERIOD";
    assert_eq!(get(voting), json!({"proposals": [], "pagination": {"next_key": null, "total": "0"}}));
    assert_eq!(get(&voting.replace("PROPOSAL_STATUS_VOTING_PERIOD", "2")), get(voting));
    let info = &get("/cosmos/slashing/v1beta1/signing_infos")["info"][0];
    assert!(info["address"].as_str().unwrap().starts_with("zektravalcons1"), "{info}");
    assert_eq!(info["jailed_until"], "1970-01-01T00:00:00Z");
    // Decimals that are bytes on the wire.
    let params = &get("/cosmos/slashing/v1beta1/params")["params"];
    assert_eq!(
        (&params["min_signed_per_window"], &params["downtime_jail_duration"]),
        (&json!("0.500000000000000000"), &json!("600s"))
    );
    assert!(decimal(&get("/cosmos/mint/v1beta1/annual_provisions")["annual_provisions"]));
    assert_eq!(get("/cosmos/upgrade/v1beta1/current_plan"), json!({"plan": null}));
    let refused = node.get("/cosmos/gov/v1/proposals?proposal_status=x");
    assert_eq!((refused.0, &refused.1["code"]), (400, &json!(3)));
    // The document knows how they are asked, and that decimals are no bytes.
    let document = get("/openapi.json");
    let asked = &document["paths"]["/cosmos/gov/v1/proposals"]["get"]["parameters"];
    let names: Vec<_> = asked.as_array().unwrap().iter().map(|p| (&p["in"], &p["name"])).collect();
    assert!(names.contains(&(&json!("query"), &json!("proposal_status"))), "{names:?}");
    assert!(names.contains(&(&json!("query"), &json!("pagination.limit"))), "{names:?}");
    let rate =
        &document["components"]["schemas"]["cosmos.slashing.v1beta1.Params"]["properties"]["min_signed_per_window"];
    assert_eq!(rate["format"], "decimal");
    assert!(node.stop());
}
