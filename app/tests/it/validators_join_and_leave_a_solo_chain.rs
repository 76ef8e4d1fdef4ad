//! Who is in the set is what staking says; one key makes all blocks as long as it has the power to.

use super::light_clients_follow_a_solo_chain::{follow, validators};
use super::node::zektrad;
use super::solo_chain::{SoloChain, person, staked};
use super::test_chain::{DENOM, FEE, PREFIX, Person, coin};
use cosmrs::Any;
use cosmrs::tx::Fee;
use prost::{Message as _, Name};
use serde_json::{Value, json};
use tendermint::PublicKey;
use tendermint_light_client_verifier::Verdict;
use zektra_app::node::home::{new_key, public};
use zektra_app::node::run::{Stop, blocks};
use zektra_app::node::{Home, dev};
use zektra_app::solo::SoloError;
use zektra_modules::address::{Address, Prefix};
use zektra_modules::staking::validator::key_any;
use zektra_proto::cosmos::base::v1beta1::Coin;
use zektra_proto::cosmos::slashing::v1beta1::{QuerySigningInfoRequest, QuerySigningInfoResponse};
use zektra_proto::cosmos::staking::v1beta1::{CommissionRates, Description, MsgCreateValidator, MsgUndelegate};

fn prefix() -> Prefix {
    Prefix::new(PREFIX).unwrap()
}

fn stake(millions: u128) -> Option<Coin> {
    Some(Coin { denom: DENOM.into(), amount: (millions * 1_000_000).to_string() })
}

fn any<M: Name>(message: &M) -> Any {
    Any { type_url: format!("/{}", M::full_name()), value: message.encode_to_vec() }
}

/// The `k`-th account runs a validator with this key.
fn create(k: u32, key: PublicKey, millions: u128) -> Any {
    let rate = |percent: u64| format!("{}", percent * 10u64.pow(16));
    any(&MsgCreateValidator {
        description: Some(Description { moniker: "other".into(), ..Description::default() }),
        commission: Some(CommissionRates { rate: rate(5), max_rate: rate(10), max_change_rate: rate(1) }),
        min_self_delegation: "1".into(),
        validator_address: prefix().operator_text(&dev::account(k).address),
        pubkey: Some(key_any(&key.to_bytes().try_into().unwrap())),
        value: stake(millions),
        ..MsgCreateValidator::default()
    })
}

fn undelegate(k: u32, millions: u128) -> Any {
    let Prefixed { account, operator } = texts(k);
    any(&MsgUndelegate { delegator_address: account, validator_address: operator, amount: stake(millions) })
}

struct Prefixed {
    account: String,
    operator: String,
}

fn texts(k: u32) -> Prefixed {
    let address = dev::account(k).address;
    Prefixed { account: prefix().text(&address), operator: prefix().operator_text(&address) }
}

fn submit(chain: &SoloChain, who: &mut Person, message: Any) {
    let tx = who.sign_with(
        vec![message],
        who.sequence,
        Fee::from_amount_and_gas(coin(10 * FEE), 1_000_000u64),
        who.chain_id,
    );
    who.sequence += 1;
    let checked = chain.solo.submit(tx).unwrap();
    assert_eq!(checked.code, 0, "{}", checked.log);
}

/// Makes a block in which this is done.
fn done(chain: &mut SoloChain, who: &mut Person, message: Any) -> u64 {
    submit(chain, who, message);
    let height = chain.block();
    let results = chain.call("block_results", json!({"height": height}));
    assert_eq!(results["txs_results"][0]["code"], 0, "{}", results["txs_results"][0]["log"]);
    height
}

fn own_key(home: &Home) -> PublicKey {
    public(&home.validator_key().unwrap())
}

fn powers(chain: &SoloChain, height: u64) -> Vec<u64> {
    validators(&*chain.solo, height).validators().iter().map(|v| v.power()).collect()
}

fn updated(key: PublicKey, power: Option<&str>) -> Value {
    use base64::Engine as _;
    let key = base64::engine::general_purpose::STANDARD.encode(key.to_bytes());
    let sum = json!({"type": "tendermint.crypto.PublicKey_Ed25519", "value": {"ed25519": key}});
    let mut shown = json!({"pub_key": {"Sum": sum}});
    if let Some(power) = power {
        shown["power"] = power.into();
    }
    json!([shown])
}

#[tokio::test]
async fn and_light_clients_follow() {
    let mut chain = SoloChain::of(|home| staked(&[(own_key(home), 100)]));
    let mut bob = person(1);
    let key = public(&new_key());
    chain.block();
    let mut listener = chain.solo.subscribe();
    listener.want(vec!["tm.event='ValidatorSetUpdates'".parse().unwrap(), "tm.event='NewBlock'".parse().unwrap()]);
    let joined = done(&mut chain, &mut bob, create(1, key, 20));
    assert_eq!(joined, 2);
    // What block 2 says holds from block 4 on.
    let results = chain.call("block_results", json!({"height": "2"}));
    assert_eq!(results["validator_updates"], updated(key, Some("20")));
    assert_eq!(chain.call("block_results", json!({"height": "1"}))["validator_updates"], Value::Null);
    let told: Value = serde_json::from_str(&listener.next().await.unwrap().data).unwrap();
    assert_eq!(told["value"]["result_finalize_block"]["validator_updates"], updated(key, Some("20")));
    let told: Value = serde_json::from_str(&listener.next().await.unwrap().data).unwrap();
    assert_eq!(told["type"], "tendermint/event/ValidatorSetUpdates");
    let other = told["value"]["validator_updates"][0].clone();
    assert_eq!(other["voting_power"], "20");
    assert_eq!(other["proposer_priority"], "0");
    assert_eq!(powers(&chain, 3), [100]);
    let mut chain = chain.reopened();
    chain.block();
    assert_eq!(powers(&chain, 4), [100, 20]);
    let mut chain = chain.reopened();
    for _ in 4..=6 {
        chain.block();
    }
    // Who is there without signing is absent.
    let commit = chain.call("commit", json!({"height": "4"}))["signed_header"]["commit"]["signatures"].clone();
    assert_eq!((&commit[0]["block_id_flag"], commit.as_array().unwrap().len()), (&json!(2), 2));
    let absent =
        json!({"block_id_flag": 1, "validator_address": "", "timestamp": "0001-01-01T00:00:00Z", "signature": null});
    assert_eq!(commit[1], absent);
    assert_eq!(chain.call("block", json!({"height": "5"}))["block"]["last_commit"]["signatures"], commit);
    // And slashing counts it: the commits of the blocks 4 and 5 came with 5 and 6.
    let consensus = Address::new(tendermint::account::Id::from(key).as_bytes().to_vec()).unwrap();
    let asked = QuerySigningInfoRequest { cons_address: prefix().consensus_text(&consensus) };
    let missed = || {
        let answer =
            chain.app().answer("/cosmos.slashing.v1beta1.Query/SigningInfo", &asked.encode_to_vec(), 6).unwrap();
        QuerySigningInfoResponse::decode(&answer[..]).unwrap().val_signing_info.unwrap().missed_blocks_counter
    };
    assert_eq!(missed(), 2);
    // Without its stake it leaves.
    let left = done(&mut chain, &mut bob, undelegate(1, 20));
    assert_eq!(chain.call("block_results", json!({"height": left}))["validator_updates"], updated(key, None));
    for _ in 0..4 {
        chain.block();
    }
    let chain = chain.reopened();
    let all: Vec<_> = (1..=chain.solo.height() + 1).map(|height| powers(&chain, height).len()).collect();
    assert_eq!(all, [1, 1, 1, 2, 2, 2, 2, 2, 1, 1, 1, 1]);
    for height in 2..=chain.solo.height() {
        assert_eq!(follow(&*chain.solo, height - 1, height), Verdict::Success, "to {height}");
    }
    for (trusted, next) in [(1, 5), (3, 8), (5, 11), (1, 11)] {
        assert_eq!(follow(&*chain.solo, trusted, next), Verdict::Success, "{trusted} to {next}");
    }
}

#[test]
fn and_whoever_asks_gets_a_page_of_them() {
    let others: Vec<PublicKey> = (0..3).map(|_| public(&new_key())).collect();
    let all = |home: &Home| vec![(others[0], 1), (own_key(home), 9), (others[1], 1), (others[2], 2)];
    let mut chain = SoloChain::of(|home| staked(&all(home)));
    chain.block();
    let page = |page: u64| chain.call("validators", json!({"height": "1", "page": page, "per_page": 3}));
    let shown = |page: &Value| -> Vec<(String, String)> {
        let text = |v: &Value| v.as_str().unwrap().to_string();
        page["validators"].as_array().unwrap().iter().map(|v| (text(&v["voting_power"]), text(&v["address"]))).collect()
    };
    let (first, second) = (page(1), page(2));
    assert_eq!((&first["count"], &first["total"], &first["block_height"]), (&json!("3"), &json!("4"), &json!("1")));
    assert_eq!((&second["count"], &second["total"]), (&json!("1"), &json!("4")));
    let shown = [shown(&first), shown(&second)].concat();
    assert_eq!(shown.iter().map(|(power, _)| &power[..]).collect::<Vec<_>>(), ["9", "2", "1", "1"]);
    assert!(shown[2].1 < shown[3].1);
    // Without a height those of the next block, as CometBFT.
    assert_eq!(chain.call("validators", json!({}))["block_height"], "2");
    assert_eq!(chain.call("status", json!({}))["validator_info"]["voting_power"], "9");
    let answer = chain.app().answer("/cosmos.base.tendermint.v1beta1.Service/GetLatestValidatorSet", &[], 0).unwrap();
    let answer = zektra_proto::cosmos::base::tendermint::v1beta1::GetLatestValidatorSetResponse::decode(&answer[..]);
    assert_eq!(answer.unwrap().validators.iter().map(|v| v.voting_power).collect::<Vec<_>>(), [9, 2, 1, 1]);
    let header = chain.call("block", json!({"height": "1"}))["block"]["header"].clone();
    assert_eq!(header["proposer_address"].as_str().unwrap(), shown[0].1);
}

#[test]
fn until_the_one_key_has_two_thirds_or_less() {
    let mut chain = SoloChain::of(|home| staked(&[(own_key(home), 100)]));
    let mut bob = person(1);
    let joined = done(&mut chain, &mut bob, create(1, public(&new_key()), 50));
    assert_eq!(chain.block(), joined + 1);
    let why = "block 3: the key of this home has a power of 100 of 150, and makes final blocks alone only with more than \
        two thirds: start without --solo where the others of the set run nodes of this chain, too; otherwise begin anew \
        with a copy of the home from before, or with another chain of what `zektrad export` prints";
    let now = chain.now();
    let refused = chain.solo.produce(now).unwrap_err();
    assert!(matches!(refused, SoloError::Minority { height: 3, own: 100, total: 150 }), "{refused}");
    assert_eq!(refused.to_string(), why);
    // The node stops with it, and does not start again.
    let stopped = blocks(&chain.solo, std::time::Duration::from_millis(1), false, &Stop::default()).unwrap_err();
    assert_eq!(stopped.to_string(), why);
    assert_eq!(chain.solo.height(), 2);
    assert_eq!(chain.call("validators", json!({"height": "3"}))["total"], "2");
    let SoloChain { folder, solo, .. } = chain;
    drop(solo);
    assert_eq!(SoloChain::try_open(&Home::new(folder.path())).unwrap_err().to_string(), why);
    let doctor = zektrad().args(["doctor", "--home"]).arg(folder.path()).output().unwrap();
    let found = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(found.contains(&format!("WRONG  solo chain: {why}\n")), "{found}");
}

#[test]
fn and_begin_as_staked_or_as_named() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::new(folder.path());
    home.prepare(&Default::default()).unwrap();
    let open = |document: &Value| {
        let read = zektra_genesis::Genesis::check(document.clone()).unwrap();
        std::fs::write(home.config_file("genesis.json"), read.document.to_string()).unwrap();
        SoloChain::try_open(&home).map_err(|e| e.to_string())
    };
    let stranger = public(&new_key());
    let listed = |key: PublicKey, power: &str| json!({"address": tendermint::account::Id::from(key), "pub_key": key, "power": power, "name": ""});
    // Nobody; a stranger alone, staked or named; others who are too strong.
    let nobody = staked(&[]);
    assert!(open(&nobody).unwrap_err().contains("would result in empty set"));
    let refused = open(&staked(&[(stranger, 10)])).unwrap_err();
    assert!(refused.starts_with("block 1: the key of this home has a power of 0 of 10"), "{refused}");
    let mut named = nobody;
    named["validators"] = json!([listed(stranger, "10")]);
    assert!(open(&named).unwrap_err().contains("expected those that are staked, 0 with powers []"));
    assert!(open(&staked(&[(own_key(&home), 20), (stranger, 10)])).unwrap_err().contains("20 of 30"));
    // Both must be the same.
    let mut both = staked(&[(own_key(&home), 21), (stranger, 10)]);
    both["validators"] = json!([listed(own_key(&home), "10")]);
    let refused = open(&both).unwrap_err();
    assert!(refused.contains("validators: 1 with powers [10], expected those that are staked, 2"), "{refused}");
    both["validators"] = json!([listed(own_key(&home), "21"), listed(stranger, "10")]);
    let solo = open(&both).unwrap();
    solo.produce(tendermint::Time::unix_epoch()).unwrap();
    assert_eq!(validators(&*solo, 1).validators().len(), 2);
    // A home from before sets were kept has those of the file.
    let mut forget = zektra_state::Changes::new();
    forget.insert([&b"solo/validators/"[..], &1u64.to_be_bytes()].concat(), None);
    let mut batch = solo.app().store().index_batch();
    batch.apply(&forget);
    solo.app().store().commit(&[], batch).unwrap();
    assert_eq!(validators(&*solo, 1).validators().len(), 2);
    drop(solo);
    let solo = open(&both).unwrap();
    solo.produce(tendermint::Time::unix_epoch()).unwrap();
    assert_eq!(follow(&*solo, 1, 2), Verdict::Success);
}
