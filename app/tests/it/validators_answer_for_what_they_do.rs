//! Absence, two votes of one height, a kill in a block, a validator that comes and goes: on one network of real CometBFTs,
//! whose genesis file has periods of seconds.

use super::devnet::Devnet;
use super::node::{get, zektrad};
use super::test_chain::{DENOM, PREFIX};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use tendermint::block::{self, Round, parts};
use tendermint::vote::{self, Vote};
use tendermint::{Hash, Time};
use zektra_app::node::{Home, dev};
use zektra_comet::Comet as _;
use zektra_modules::address::{Address, Prefix};

const CHAIN: &str = "zektra-dev-1";
/// Test accounts; whoever operates node `k` is account `OPERATOR + k`.
const ALICE: u32 = 0;
const BOB: u32 = 1;
const ERIN: u32 = 4;
const OPERATOR: u32 = dev::ACCOUNTS;
/// What a test account has at first, and what each of the four has staked.
const STAKE: u128 = 1_000_000_000_000;
const FEE: u128 = 20_000;
/// The power of one of the four.
const POWER: u128 = 1_000_000;

fn prefix() -> Prefix {
    Prefix::new(PREFIX).unwrap()
}

fn address(account: u32) -> String {
    prefix().text(&dev::account(account).address)
}

fn operator(account: u32) -> String {
    prefix().operator_text(&dev::account(account).address)
}

fn key_name(account: u32) -> String {
    format!("account{account}")
}

fn coins(amount: u128) -> String {
    format!("{amount}{DENOM}")
}

#[track_caller]
fn number(value: &Value) -> u128 {
    value.as_str().and_then(|text| text.parse().ok()).unwrap_or_else(|| panic!("{value}: no number"))
}

fn time(value: &Value) -> Time {
    Time::parse_from_rfc3339(value.as_str().unwrap()).unwrap()
}

impl Devnet {
    /// A network that judges within seconds.
    fn hasty() -> Self {
        let net = Self::new();
        net.run(&["make"]);
        for node in 0..4 {
            let path = net.home(node).join("config/genesis.json");
            let mut genesis: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            for (module, name, value) in [
                ("slashing", "signed_blocks_window", "30"),
                ("slashing", "downtime_jail_duration", "2s"),
                ("staking", "unbonding_time", "15s"),
                ("gov", "voting_period", "20s"),
                ("gov", "expedited_voting_period", "3s"),
            ] {
                genesis["app_state"][module]["params"][name] = value.into();
            }
            fs::write(path, genesis.to_string()).unwrap();
        }
        net.run(&["up"]);
        net
    }

    /// A transaction by the command line, and what became of it in a block.
    fn answered(&self, from: u32, arguments: &[&str]) -> Value {
        let (from, fee, node) = (key_name(from), coins(FEE), self.at(0).rpc);
        let all =
            [&["tx"][..], arguments, &["--from", &from, "--fees", &fee, "--gas", "1000000", "--node", &node]].concat();
        self.zektra(&[&all[..], &["--chain-id", CHAIN, "--yes", "--wait"]].concat())
    }

    #[track_caller]
    fn sent(&self, from: u32, arguments: &[&str]) -> Value {
        let done = self.answered(from, arguments);
        assert_eq!(done["code"], 0, "{arguments:?}: {done}");
        done
    }

    fn validator(&self, account: u32) -> Value {
        self.ask(&format!("/cosmos/staking/v1beta1/validators/{}", operator(account)))["validator"].take()
    }

    fn balance(&self, account: u32) -> u128 {
        let path = format!("/cosmos/bank/v1beta1/balances/{}/by_denom?denom={DENOM}", address(account));
        number(&self.ask(&path)["balance"]["amount"])
    }

    fn signing_info(&self, node: u16) -> Value {
        let address = prefix().consensus_text(&Address::new(self.key(node).as_bytes().to_vec()).unwrap());
        self.ask(&format!("/cosmos/slashing/v1beta1/signing_infos/{address}"))["val_signing_info"].take()
    }

    /// Waits until these nodes make blocks, with these powers.
    fn await_set(&self, expected: &[(u16, u128)]) {
        let expected: BTreeMap<_, _> =
            expected.iter().map(|(node, power)| (self.key(*node).to_string(), *power)).collect();
        self.until(&format!("validators {expected:?}"), || {
            let all = self.call("validators", json!({}))["validators"].take();
            let of = |v: &Value| (v["address"].as_str().unwrap().to_string(), number(&v["voting_power"]));
            let all: BTreeMap<_, _> = all.as_array().unwrap().iter().map(of).collect();
            (all == expected).then_some(())
        });
    }

    /// Waits for a block that a node signs.
    fn await_signature(&self, node: u16) {
        let address = self.key(node).to_string();
        self.until(&format!("a signature of node {node}"), || {
            let commit = self.call("commit", json!({}))["signed_header"]["commit"].take();
            let signed = |s: &Value| s["validator_address"] == address[..] && s["block_id_flag"] == 2;
            commit["signatures"].as_array().unwrap().iter().any(signed).then_some(())
        });
    }

    /// Two votes of a node's key for two blocks of a height, as consensus takes them.
    fn two_votes(&self, node: u16, height: u64) -> Value {
        let time_text = self.header(0, height)["time"].take();
        let set = self.call("validators", json!({"height": height.to_string()}))["validators"].take();
        let set = set.as_array().unwrap();
        let (key, address) = (Home::new(self.home(node)).validator_key().unwrap(), self.key(node));
        let place = set.iter().position(|v| v["address"] == address.to_string()).unwrap();
        let vote = |block: u8| {
            let hash = Hash::Sha256([block; 32]);
            let vote = Vote {
                vote_type: vote::Type::Precommit,
                height: height.try_into().unwrap(),
                round: Round::default(),
                block_id: Some(block::Id { hash, part_set_header: parts::Header::new(1, hash).unwrap() }),
                timestamp: Some(time(&time_text)),
                validator_address: address,
                validator_index: place.try_into().unwrap(),
                signature: None,
                extension: vec![],
                extension_signature: None,
            };
            let signature = key.sign(&vote.into_signable_vec(CHAIN.parse().unwrap())).to_bytes();
            json!({
                "type": 2, "height": height.to_string(), "round": 0, "timestamp": time_text,
                "block_id": {"hash": hash, "parts": {"total": 1, "hash": hash}},
                "validator_address": address, "validator_index": place, "signature": STANDARD.encode(signature),
                "extension": null, "extension_signature": null,
            })
        };
        let total: u128 = set.iter().map(|v| number(&v["voting_power"])).sum();
        let votes = json!({
            "vote_a": vote(1), "vote_b": vote(2), "TotalVotingPower": total.to_string(),
            "ValidatorPower": set[place]["voting_power"], "Timestamp": time_text,
        });
        json!({"type": "tendermint/DuplicateVoteEvidence", "value": votes})
    }
}

#[test]
fn and_the_chain_goes_on() {
    let net = Devnet::hasty();
    for account in [ALICE, BOB, ERIN].into_iter().chain(OPERATOR..OPERATOR + 4) {
        let secret = hex::encode(dev::account(account).secret);
        assert_eq!(net.zektra(&["keys", "import-hex", &key_name(account), &secret])["address"], address(account));
    }
    for account in [ALICE, BOB] {
        net.sent(account, &["staking", "delegate", &operator(OPERATOR + 1), &coins(STAKE / 10)]);
    }
    net.await_set(&[(0, POWER), (1, POWER / 10 * 12), (2, POWER), (3, POWER)]);

    absent(&net);
    propose(&net);
    let unbonding = signs_twice(&net);
    net.run(&["join"]);
    net.wait(4, net.height(0));
    decided(&net);
    joins(&net);
    killed_in_a_block(&net);
    leaves(&net);
    paid(&net);
    // What was being taken back from whoever signed twice comes without the slashed part.
    net.until("bob's coins", || (net.balance(BOB) >= unbonding).then_some(()));

    let last = (0..5).map(|node| net.height(node)).max().unwrap();
    (0..5).for_each(|node| net.wait(node, last));
    let header = net.header(0, last);
    (1..5).for_each(|node| assert_eq!(net.header(node, last), header, "block {last} of node {node}"));
    net.run(&["down"]);
    for node in 0..5 {
        let done = zektrad().args(["doctor", "--home"]).arg(net.home(node)).output().unwrap();
        let said = String::from_utf8(done.stdout).unwrap();
        assert!(said.contains("ok     invariants: all invariants hold"), "node {node}: {said}");
        assert_eq!(said.contains("jailed for ever"), node == 1, "node {node}: {said}");
    }
}

/// Node 3: it comes back from jail.
fn absent(net: &Devnet) {
    net.run(&["kill", "3"]);
    net.await_set(&[(0, POWER), (1, POWER / 10 * 12), (2, POWER)]);
    let jailed = net.validator(OPERATOR + 3);
    assert_eq!((&jailed["jailed"], number(&jailed["tokens"])), (&true.into(), STAKE / 100 * 99), "{jailed}");
    net.wait(0, net.height(0) + 3);
    net.run(&["start", "3"]);
    net.wait(3, net.height(0));
    let until = time(&net.signing_info(3)["jailed_until"]);
    net.until("the end of the jail", || (time(&net.header(0, net.height(0))["time"]) >= until).then_some(()));
    net.sent(OPERATOR + 3, &["slashing", "unjail"]);
    net.await_set(&[(0, POWER), (1, POWER / 10 * 12), (2, POWER), (3, POWER / 100 * 99)]);
    net.await_signature(3);
    assert_eq!(net.validator(OPERATOR + 3)["jailed"], false);
}

/// Node 1 signs twice: what Bob has when all that he takes back from it has come.
fn signs_twice(net: &Devnet) -> u128 {
    let height = net.height(0);
    let votes = net.two_votes(1, height);
    // Afterwards, which does not help.
    let before = net.balance(BOB);
    let unbonded = STAKE / 20;
    net.sent(BOB, &["staking", "unbond", &operator(OPERATOR + 1), &coins(unbonded)]);
    net.call("broadcast_evidence", json!({"evidence": votes}));
    net.until("a tombstone", || (net.signing_info(1)["tombstoned"] == true).then_some(()));
    let of = operator(OPERATOR + 1);
    let judged = net.validator(OPERATOR + 1);
    // A twentieth of what voted: of the unbonding, and the rest of what is there.
    assert_eq!(
        (&judged["jailed"], number(&judged["tokens"])),
        (&true.into(), (STAKE / 100 * 115) / 100 * 95),
        "{judged}"
    );
    let path = format!("/cosmos/staking/v1beta1/validators/{of}/delegations");
    let alices = net.ask(&format!("{path}/{}", address(ALICE)));
    assert_eq!(number(&alices["delegation_response"]["balance"]["amount"]), STAKE / 10 / 100 * 95);
    let bobs = net.ask(&format!("{path}/{}/unbonding_delegation", address(BOB)))["unbond"]["entries"][0].take();
    assert_eq!((number(&bobs["initial_balance"]), number(&bobs["balance"])), (unbonded, unbonded / 100 * 95));
    let kept = net.ask("/cosmos/evidence/v1beta1/evidence")["evidence"].take();
    assert_eq!(
        (&kept[0]["height"], &kept[0]["power"], &kept[1]),
        (&height.to_string().into(), &"1200000".into(), &Value::Null)
    );
    net.await_set(&[(0, POWER), (2, POWER), (3, POWER / 100 * 99)]);
    // For ever.
    let refused = net.answered(OPERATOR + 1, &["slashing", "unjail"]);
    assert_eq!((&refused["code"], &refused["codespace"]), (&4.into(), &"slashing".into()), "{refused}");
    before + unbonded / 100 * 95 - FEE
}

/// Blocks of half the size, and time for whoever is absent.
fn propose(net: &Devnet) {
    let authority = prefix().text(&Address::of_module("gov"));
    let mut slashing = net.ask("/cosmos/slashing/v1beta1/params")["params"].take();
    slashing["signed_blocks_window"] = "1000".into();
    let mut consensus = net.ask("/cosmos/consensus/v1/params")["params"].take();
    consensus["block"]["max_bytes"] = "2097152".into();
    let messages = json!([
        {"@type": "/cosmos.slashing.v1beta1.MsgUpdateParams", "authority": authority, "params": slashing},
        {"@type": "/cosmos.consensus.v1.MsgUpdateParams", "authority": authority, "block": consensus["block"],
            "evidence": consensus["evidence"], "validator": consensus["validator"]},
    ]);
    let file = net.folder.path().join("proposal.json");
    let proposal = json!({"messages": messages, "deposit": coins(10_000_000), "title": "t", "summary": "s"});
    fs::write(&file, proposal.to_string()).unwrap();
    net.sent(ALICE, &["gov", "submit-proposal", file.to_str().unwrap()]);
    // At once: the vote ends whether they are slow or not.
    std::thread::scope(|scope| {
        for node in [0, 2, 3] {
            scope.spawn(move || net.sent(OPERATOR + node, &["gov", "vote", "1", "yes"]));
        }
    });
}

/// What was proposed holds, in all CometBFTs too.
fn decided(net: &Devnet) {
    let proposal = || net.ask("/cosmos/gov/v1/proposals/1")["proposal"]["status"].take();
    net.until("the end of the vote", || (proposal() != "PROPOSAL_STATUS_VOTING_PERIOD").then_some(()));
    assert_eq!(proposal(), "PROPOSAL_STATUS_PASSED");
    assert_eq!(net.ask("/cosmos/slashing/v1beta1/params")["params"]["signed_blocks_window"], "1000");
    for node in 0..5 {
        net.until(&format!("the parameters of node {node}"), || {
            // CometBFT may not have stored those of the next height yet.
            let params = net.rpc(node).call("consensus_params", json!({})).ok()?;
            (params["consensus_params"]["block"]["max_bytes"] == "2097152").then_some(())
        });
    }
}

/// Account Erin makes a validator of node 4.
fn joins(net: &Devnet) {
    let home = net.home(4);
    let amount = coins(STAKE / 10 * 4);
    let create = ["staking", "create-validator", "--moniker", "fifth", "--amount", &amount, "--node-home"];
    net.sent(ERIN, &[&create[..], &[home.to_str().unwrap()]].concat());
    net.await_set(&[(0, POWER), (2, POWER), (3, POWER / 100 * 99), (4, POWER / 10 * 4)]);
    net.await_signature(4);
}

/// Node 2; the others need the fifth's votes.
fn killed_in_a_block(net: &Devnet) {
    let pid = |name: &str| fs::read_to_string(net.home(2).join(format!("{name}.pid"))).unwrap().trim().to_string();
    let pids = [pid("zektrad"), pid("cometbft")];
    net.until("a block in progress", || {
        let state = net.rpc(2).call("consensus_state", json!({})).unwrap();
        let step: u32 = state["round_state"]["height/round/step"].as_str()?.rsplit('/').next()?.parse().ok()?;
        (step >= 4).then_some(())
    });
    assert!(Command::new("kill").arg("-KILL").args(&pids).status().unwrap().success());
    net.wait(0, net.height(0) + 3);
    net.run(&["start", "2"]);
    net.wait(2, net.height(0) + 1);
    net.await_signature(2);
}

/// The fifth: its operator has its coins again.
fn leaves(net: &Devnet) {
    net.sent(ERIN, &["staking", "unbond", &operator(ERIN), &coins(STAKE / 10 * 4)]);
    net.await_set(&[(0, POWER), (2, POWER), (3, POWER / 100 * 99)]);
    assert!(net.balance(ERIN) < STAKE);
    net.until("erin's coins", || (net.balance(ERIN) >= STAKE - 2 * FEE).then_some(()));
    let path = format!("http://{}/cosmos/staking/v1beta1/validators/{}", net.at(0).rest, operator(ERIN));
    net.until("the end of the validator", || (get(&path, None).0 == 404).then_some(()));
}

/// Rewards and commission.
fn paid(net: &Devnet) {
    for (account, withdraw) in [
        (ALICE, &["distribution", "withdraw-all-rewards"][..]),
        (OPERATOR, &["distribution", "withdraw-rewards", &operator(OPERATOR), "--commission"]),
    ] {
        let before = net.balance(account);
        net.sent(account, withdraw);
        assert!(net.balance(account) > before, "{withdraw:?}: {before}, then {}", net.balance(account));
    }
}
