use super::node::Node;
use super::solo_chain::{SoloChain, genesis, person};
use serde_json::json;
use std::path::Path;
use std::time::Duration;
use tendermint::block::CommitSig;
use zektra_app::app::{App, Config as AppConfig};
use zektra_app::node::{Config, Home};
use zektra_app::solo::stored_block;
use zektra_comet::{Comet as _, Remote};
use zektra_modules::address::Address;
use zektra_modules::context::{Block, Vote};
use zektra_proto::Timestamp;

fn send(rpc: &Remote, tx: &[u8]) -> bool {
    use base64::Engine as _;
    let tx = base64::engine::general_purpose::STANDARD.encode(tx);
    rpc.call("broadcast_tx_sync", json!({"tx": tx})).is_ok_and(|answer| answer["code"] == 0)
}

/// The last block's height.
pub fn height(rpc: &Remote) -> u64 {
    let status = rpc.call("status", json!({})).unwrap();
    status["sync_info"]["latest_block_height"].as_str().unwrap().parse().unwrap()
}

/// Executes all blocks of a home again in another state, and compares with what each next header says.
pub fn replayed(home: &Home) -> u64 {
    let kept = SoloChain::open(home);
    let folder = tempfile::tempdir().unwrap();
    let twin = App::open(AppConfig { home: folder.path().into(), ..AppConfig::default() }).unwrap();
    let typed = home.genesis().unwrap().typed;
    let time = |t: tendermint::Time| {
        let t: tendermint_proto::google::protobuf::Timestamp = t.into();
        Timestamp { seconds: t.seconds, nanos: t.nanos }
    };
    let params = typed.consensus_params.clone().into();
    twin.init(typed.chain_id.as_str(), time(typed.genesis_time), 1, &params, &typed.app_state).unwrap();
    let last = kept.app().committed().height;
    let status = kept.call("status", json!({})).unwrap();
    let power = status["validator_info"]["voting_power"].as_str().unwrap().parse().unwrap();
    let vote = |sig: &CommitSig| {
        let validator = Address::new(sig.validator_address()?.as_bytes().to_vec()).unwrap();
        Some(Vote { validator, power, signed: true })
    };
    for height in 1..=last {
        let (id, block) = stored_block(kept.app(), height).unwrap().expect("a block is missing");
        let header = &block.header;
        if height > 1 {
            assert_eq!(header.app_hash.as_bytes(), twin.committed().root, "state before block {height}");
        }
        let of_app = Block {
            chain_id: header.chain_id.to_string(),
            height,
            time: time(header.time),
            hash: id.hash.as_bytes().to_vec(),
            proposer: header.proposer_address.as_bytes().to_vec(),
            votes: block.last_commit.iter().flat_map(|c| &c.signatures).filter_map(vote).collect(),
            ..Block::default()
        };
        twin.execute(of_app, &block.data).unwrap();
        twin.commit(Default::default()).unwrap();
    }
    assert_eq!(twin.committed().root, kept.app().committed().root, "state after block {last}");
    last
}

/// Kills a node `times` times at whatever point it is, with transactions on their way: each block that somebody has
/// seen is there afterwards.
fn kill(folder: &Path, times: u64) {
    let home = Home::new(folder);
    let (mut alice, bob) = (person(0), person(1));
    let mut last = 0;
    for round in 0..times {
        let node = Node::start(folder, &["--block-time", "5ms"]);
        let rpc = Remote::new(&node.rpc);
        // After none, one or two blocks more.
        last = last.max(1) + round % 3;
        while height(&rpc) < last {
            std::thread::sleep(Duration::from_millis(2));
        }
        let account = node.get(&format!("/cosmos/auth/v1beta1/accounts/{}", alice.address())).1;
        alice.sequence = account["account"]["sequence"].as_str().unwrap().parse().unwrap();
        // As many as differ from round to round, so that the kill meets other points of a block.
        for _ in 0..(round * 7) % 23 {
            let tx = alice.sign(vec![alice.pay(&bob.id(), 1)]);
            assert!(send(&rpc, &tx));
        }
        std::thread::sleep(Duration::from_millis((round * 13) % 37));
        node.kill();
        let height = replayed(&home);
        assert!(height >= last, "block {last} was there before the kill, the last is {height}");
        last = height;
    }
}

#[test]
fn at_twenty_points() {
    let folder = tempfile::tempdir().unwrap();
    kill(folder.path(), 20);
}

#[test]
#[ignore = "long: run by `make soak`"]
fn at_a_hundred_points() {
    let folder = tempfile::tempdir().unwrap();
    kill(folder.path(), 100);
}

#[test]
fn blocks_of_the_same_transactions_at_the_same_times_are_the_same() {
    let (mut one, mut other) = (SoloChain::new(), SoloChain::new());
    for _ in 0..5 {
        let mut alice = person(0);
        alice.sequence = one.app().committed().height;
        let tx = alice.sign(vec![alice.pay(&person(1).id(), 3)]);
        for chain in [&mut one, &mut other] {
            assert_eq!(chain.solo.submit(tx.clone()).unwrap().code, 0);
            chain.block();
        }
    }
    // The validators' keys differ, and with them the blocks' hashes and the beacon; balances do not.
    let balance = |chain: &SoloChain| {
        let path = "/cosmos.bank.v1beta1.Query/TotalSupply";
        chain.app().answer(path, &[], 5).unwrap()
    };
    assert_eq!(balance(&one), balance(&other));
    assert!(one.age() > Duration::ZERO);
}

#[test]
fn a_home_of_another_chain_is_refused() {
    let chain = SoloChain::new();
    let home = Home::new(chain.folder.path());
    let typed = genesis(&home);
    let mut document = typed.document.clone();
    document["chain_id"] = "other-1".into();
    let other = zektra_genesis::Genesis::check(document).unwrap();
    let mut chain = chain;
    chain.block();
    let app = chain.app().clone();
    let key = home.validator_key().unwrap();
    let refused = zektra_app::solo::Solo::open(app, other, key, Default::default(), Default::default()).unwrap_err();
    assert_eq!(refused.to_string(), "this home holds the chain zektra-dev-1, the genesis file is of other-1");
    let key = zektra_app::node::home::new_key();
    let app = chain.app().clone();
    let refused = zektra_app::solo::Solo::open(app, typed, key, Default::default(), Default::default()).unwrap_err();
    assert!(refused.to_string().starts_with("block 1 was made by validator "), "{refused}");
    assert!(Config::read("grpcs = 1").unwrap_err().contains("unknown field `grpcs`"));
    let chunks = Config::read("[state]\nsnapshot_chunk_kib = 0").unwrap_err();
    assert_eq!(chunks, "state.snapshot_chunk_kib: 0, expected 1 to 10240");
}
