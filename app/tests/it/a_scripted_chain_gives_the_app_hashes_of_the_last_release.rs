//! Whatever changes here changes the state machine: nodes of before and after would not agree.

use super::multisig::Multisig;
use super::test_chain::{CHAIN_ID, DENOM, FEE, GAS, PREFIX, Person, TestChain, coin, genesis, params, request};
use cosmrs::bank::{MsgMultiSend, MultiSendIo};
use cosmrs::tx::{Fee, Msg as _};
use cosmrs::{AccountId, Any};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use tendermint_abci::Application as _;
use tendermint_proto::google::protobuf::Timestamp;
use zektra_app::app::App;
use zektra_modules::address::Prefix;
use zektra_modules::authority::authority;
use zektra_modules::staking::validator::{address_of, key_any};
use zektra_modules::{MODULES, training};
use zektra_proto::cosmos::authz::v1beta1::{GenericAuthorization, Grant, MsgExec, MsgGrant};
use zektra_proto::cosmos::base::v1beta1::Coin;
use zektra_proto::cosmos::consensus::v1 as consensus_proto;
use zektra_proto::cosmos::distribution::v1beta1::{
    MsgFundCommunityPool, MsgWithdrawDelegatorReward, MsgWithdrawValidatorCommission,
};
use zektra_proto::cosmos::feegrant::v1beta1::{BasicAllowance, MsgGrantAllowance};
use zektra_proto::cosmos::gov::v1::{MsgSubmitProposal, MsgVote, MsgVoteWeighted, WeightedVoteOption};
use zektra_proto::cosmos::slashing::v1beta1::MsgUnjail;
use zektra_proto::cosmos::staking::v1beta1::{
    CommissionRates, Description, MsgBeginRedelegate, MsgCreateValidator, MsgDelegate, MsgUndelegate,
};
use zektra_proto::tendermint::abci::{
    CommitInfo, Event, Misbehavior, RequestFinalizeBlock, ResponseFinalizeBlock, Validator, VoteInfo,
};
use zektra_proto::tendermint::crypto::public_key::Sum;
use zektra_proto::tendermint::types::{BlockIdFlag, BlockParams};
use zektra_state::{Order, StateRead as _, scan_prefix};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/scripted_chain.txt");
const GOLDEN_OF_STAKE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/scripted_stake.txt");
const GOLDEN_OF_JOBS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/scripted_jobs.txt");
/// A chain with a job in every status, as the modules' tests write it.
const JOBS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../modules/tests/golden/jobs_in_every_status.json");
/// Renews the files.
const RENEW: &str = "ZEKTRA_RENEW_GOLDEN";

const HEAD: &str = "\
# A scripted chain: app hashes, results, events, and where it is small the state after the last block.
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
        show(&mut out, chain.height, &done);
    }
    state_of(&mut out, &chain);
    out
}

fn show(out: &mut String, height: i64, done: &ResponseFinalizeBlock) {
    writeln!(out, "\nblock {height} {}", hex::encode(&done.app_hash)).unwrap();
    events(out, "  ", &done.events);
    for update in &done.validator_updates {
        let Some(Sum::Ed25519(key)) = update.pub_key.clone().unwrap().sum else { panic!("another kind of key") };
        writeln!(out, "  validator {} power {}", hex::encode(&key), update.power).unwrap();
    }
    for (k, r) in done.tx_results.iter().enumerate() {
        let code = if r.code == 0 { "0".into() } else { format!("{}/{}", r.codespace, r.code) };
        writeln!(out, "  tx {k} code {code} gas {}/{} data {}", r.gas_used, r.gas_wanted, hex::encode(&r.data))
            .unwrap();
        if !r.log.is_empty() {
            writeln!(out, "    {}", r.log).unwrap();
        }
        events(out, "    ", &r.events);
    }
}

fn state_of(out: &mut String, chain: &TestChain) {
    out.push_str("\nstate\n");
    for entry in chain.app.latest().unwrap().scan(&[], None, Order::Ascending) {
        let (key, value) = entry.unwrap();
        writeln!(out, "  {} = {}", key.escape_ascii(), value.escape_ascii()).unwrap();
    }
}

/// A message that someone signs for.
fn any<M: prost::Name>(message: &M) -> Any {
    Any { type_url: format!("/{}", M::full_name()), value: message.encode_to_vec() }
}

/// Stake, rewards, governance, grants, absence and a double vote.
fn script_of_stake() -> String {
    let (mut alice, mut bob) = (Person::new("alice", 0), Person::new("bob", 1));
    let mut state = genesis(&[&alice, &bob]);
    state["staking"]["params"]["unbonding_time"] = "6s".into();
    for (name, value) in [("signed_blocks_window", "4"), ("downtime_jail_duration", "2s")] {
        state["slashing"]["params"][name] = value.into();
    }
    state["slashing"]["params"]["min_signed_per_window"] = "0.500000000000000000".into();
    for (name, value) in [("voting_period", "4s"), ("expedited_voting_period", "2s")] {
        state["gov"]["params"][name] = value.into();
    }
    let mut chain = TestChain::with(state, -1);
    let prefix = Prefix::new(PREFIX).unwrap();
    let operator = |who: &Person| prefix.operator_text(&prefix.parse(&who.address()).unwrap());
    let some = |millions: u128| Some(Coin { denom: DENOM.into(), amount: (millions * 1_000_000).to_string() });
    let rate = |percent: u64| format!("{}", percent * 10u64.pow(16));
    let create = |who: &Person, key: u8, millions| {
        any(&MsgCreateValidator {
            description: Some(Description { moniker: key.to_string(), ..Description::default() }),
            commission: Some(CommissionRates { rate: rate(5), max_rate: rate(10), max_change_rate: rate(1) }),
            min_self_delegation: "1".into(),
            validator_address: operator(who),
            pubkey: Some(key_any(&[key; 32])),
            value: some(millions),
            ..MsgCreateValidator::default()
        })
    };
    let (al, bo) = (alice.address(), bob.address());
    let gov = prefix.text(&authority());
    let change = any(&consensus_proto::MsgUpdateParams {
        authority: gov,
        block: Some(BlockParams { max_bytes: 1 << 19, max_gas: 40_000_000 }),
        evidence: params(-1).evidence,
        validator: params(-1).validator,
        abci: None,
    });
    let proposal = MsgSubmitProposal {
        messages: vec![zektra_proto::Any { type_url: change.type_url, value: change.value }],
        initial_deposit: some(10).into_iter().collect(),
        proposer: al.clone(),
        title: "Smaller blocks".into(),
        summary: "Half a mebibyte".into(),
        ..MsgSubmitProposal::default()
    };
    let half = |option, weight: &str| WeightedVoteOption { option, weight: weight.into() };
    let allowance = BasicAllowance { spend_limit: some(1).into_iter().collect(), expiration: None };
    let withdraw = "/cosmos.distribution.v1beta1.MsgWithdrawDelegatorReward";
    let generic = GenericAuthorization { msg: withdraw.into() };
    let inner = |any: Any| Some(zektra_proto::Any { type_url: any.type_url, value: any.value });
    let redelegated = any(&MsgBeginRedelegate {
        delegator_address: bo.clone(),
        validator_src_address: operator(&alice),
        validator_dst_address: operator(&bob),
        amount: some(20),
    });
    let costly = |who: &mut Person, message| {
        who.sequence += 1;
        let fee = Fee::from_amount_and_gas(coin(2 * FEE), 2 * GAS);
        who.sign_with(vec![message], who.sequence - 1, fee, CHAIN_ID)
    };
    let reward = |who: &str, of: &Person| {
        any(&MsgWithdrawDelegatorReward { delegator_address: who.into(), validator_address: operator(of) })
    };
    let blocks = [
        vec![alice.sign(vec![create(&alice, 1, 500)]), bob.sign(vec![create(&bob, 2, 200)])],
        vec![
            bob.sign(vec![any(&MsgDelegate {
                delegator_address: bo.clone(),
                validator_address: operator(&alice),
                amount: some(100),
            })]),
            alice.sign(vec![
                any(&proposal),
                any(&MsgVote { proposal_id: 1, voter: al.clone(), option: 1, metadata: String::new() }),
            ]),
            bob.sign(vec![any(&MsgVoteWeighted {
                proposal_id: 1,
                voter: bo.clone(),
                options: vec![half(1, "0.7"), half(3, "0.3")],
                metadata: "torn".into(),
            })]),
        ],
        vec![
            alice.sign(vec![any(&MsgGrantAllowance {
                granter: al.clone(),
                grantee: bo.clone(),
                allowance: inner(any(&allowance)),
            })]),
            bob.sign(vec![any(&MsgGrant {
                granter: bo.clone(),
                grantee: al.clone(),
                grant: Some(Grant { authorization: inner(any(&generic)), expiration: None }),
            })]),
        ],
        vec![
            bob.sign(vec![any(&MsgUndelegate {
                delegator_address: bo.clone(),
                validator_address: operator(&alice),
                amount: some(30),
            })]),
            costly(&mut bob, redelegated),
            alice.sign(vec![
                any(&MsgExec { grantee: al.clone(), msgs: inner(reward(&bo, &alice)).into_iter().collect() }),
                any(&MsgWithdrawValidatorCommission { validator_address: operator(&alice) }),
                any(&MsgFundCommunityPool { amount: some(1).into_iter().collect(), depositor: al.clone() }),
            ]),
        ],
        vec![],
        vec![],
        vec![],
        // Too early, then at the right time.
        vec![bob.sign(vec![any(&MsgUnjail { validator_addr: operator(&bob) })])],
        vec![bob.sign(vec![any(&MsgUnjail { validator_addr: operator(&bob) })])],
        vec![],
        vec![],
    ];
    let mut out = HEAD.to_string();
    // Powers by key in the votes of a height: what a block says holds two blocks later.
    let mut powers: Vec<BTreeMap<u8, i64>> = vec![BTreeMap::new(); 3];
    for (k, txs) in blocks.iter().enumerate() {
        let height = chain.height + 1;
        let vote = |(key, power): (&u8, &i64)| {
            // The second is silent for some blocks.
            let absent = *key == 2 && (4..8).contains(&k);
            let flag = if absent { BlockIdFlag::Absent } else { BlockIdFlag::Commit };
            let address = address_of(&[*key; 32]).bytes().to_vec().into();
            let validator = Some(Validator { address, power: *power });
            VoteInfo { validator, block_id_flag: flag as i32 }
        };
        let votes = powers[k].iter().map(vote).collect();
        let double = Misbehavior {
            r#type: 1,
            validator: Some(Validator { address: address_of(&[2; 32]).bytes().to_vec().into(), power: 200 }),
            height: 5,
            time: Some(Timestamp { seconds: 1_700_000_005, nanos: 0 }),
            total_voting_power: 800,
        };
        let done = chain.app.finalize_block(RequestFinalizeBlock {
            decided_last_commit: Some(CommitInfo { round: 0, votes }),
            misbehavior: if k == 9 { vec![double] } else { vec![] },
            ..request(height, txs)
        });
        App::commit(&chain.app, Default::default()).unwrap();
        chain.height = height;
        let mut next = powers.last().cloned().unwrap();
        for update in &done.validator_updates {
            let Some(Sum::Ed25519(key)) = update.pub_key.clone().unwrap().sum else { panic!("another kind of key") };
            match update.power {
                0 => next.remove(&key[0]),
                power => next.insert(key[0], power),
            };
        }
        powers.push(next);
        show(&mut out, height, &done);
        MODULES.iter().for_each(|m| m.check_invariants(&chain.app.latest().unwrap()).unwrap());
    }
    state_of(&mut out, &chain);
    out
}

/// Jobs in every status, until each has ended as its time passes.
fn script_of_jobs() -> String {
    let mut modules: Map<String, Value> = serde_json::from_str(&std::fs::read_to_string(JOBS).unwrap()).unwrap();
    let first = modules.remove("height").unwrap().as_i64().unwrap();
    let mut state = genesis(&[]);
    state.as_object_mut().unwrap().extend(modules);
    let mut chain = TestChain::at(first, &state, -1);
    let mut out = HEAD.to_string();
    let over = |chain: &TestChain| {
        let state = chain.app.latest().unwrap();
        scan_prefix(&state, training::keys::DUE, Order::Ascending).next().is_none()
    };
    loop {
        let mut done = chain.block(&[]);
        // Other modules' events are in the other scripts.
        let ours = ["training", "compute", "market", "vault", "proofs"];
        done.events.retain(|e| ours.iter().any(|m| e.r#type.starts_with(m)));
        show(&mut out, chain.height, &done);
        MODULES.iter().for_each(|m| m.check_invariants(&chain.app.latest().unwrap()).unwrap());
        if over(&chain) {
            return out;
        }
    }
}

/// Compares with what the last release gave.
fn demand(found: &str, golden: &str) {
    if std::env::var_os(RENEW).is_some() {
        std::fs::write(golden, found).unwrap();
    }
    let expected = std::fs::read_to_string(golden).unwrap_or_default();
    for (k, (found, expected)) in found.lines().zip(expected.lines()).enumerate() {
        assert_eq!(found, expected, "line {} of {golden}", k + 1);
    }
    assert_eq!(found.lines().count(), expected.lines().count(), "{golden}");
}

#[test]
fn and_its_state_keys_and_events() {
    demand(&script(), GOLDEN);
}

#[test]
fn and_those_of_jobs() {
    demand(&script_of_jobs(), GOLDEN_OF_JOBS);
}

#[test]
fn and_those_of_stake() {
    demand(&script_of_stake(), GOLDEN_OF_STAKE);
}
