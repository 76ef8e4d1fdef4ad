use super::light_clients_follow_a_solo_chain::follow;
use super::test_chain::{DENOM, Person, TestChain, genesis, request, shown};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tendermint::hash::Hash;
use tendermint_abci::Application as _;
use tendermint_light_client_verifier::Verdict;
use zektra_app::app::{APP_VERSION, App, AppError, Config};
use zektra_app::node::run::{Endpoints, open, open_solo};
use zektra_app::node::{self, Home};
use zektra_app::solo::{Limits, Solo, SoloError};
use zektra_modules::address::Address;
use zektra_modules::coin::Coins;
use zektra_modules::context::{Block, Context};
use zektra_modules::error::TxError;
use zektra_modules::upgrade::{self, Migration};
use zektra_modules::{bank, consensus};
use zektra_proto::Timestamp;
use zektra_proto::tendermint::abci::ResponseFinalizeBlock;
use zektra_proto::tendermint::types::{BlockParams, HashedParams};
use zektra_store::Options;

/// What the next program does at the height of the plan: coins for a module, and smaller blocks.
fn migrate(ctx: &mut Context<'_>) -> Result<(), TxError> {
    bank::mint(ctx, &Address::of_module("bank"), &Coins::one(DENOM, 77))?;
    let mut params = consensus::params(ctx.state)?;
    params.block = Some(BlockParams { max_bytes: 1 << 19, max_gas: 5_000_000 });
    Ok(consensus::set_params(ctx.state, &params)?)
}

const NEXT: &[Migration] = &[Migration { name: "next", run: migrate }];
const NEEDED: &str = "UPGRADE \"next\" NEEDED at height: 3: of the second release";

fn planned() -> serde_json::Value {
    json!({"plan": {"name": "next", "height": "3", "info": "of the second release"}})
}

fn program(chain: &mut TestChain, migrations: &'static [Migration]) {
    // The database's lock goes with the last clone.
    chain.app = TestChain::empty().1;
    let store = Options { sync: false, ..Options::default() };
    let config = Config { home: chain.folder.path().into(), store, migrations, ..Config::default() };
    chain.app = App::open(config).unwrap();
}

fn halt(chain: &TestChain) -> String {
    let height = u64::try_from(chain.height + 1).unwrap();
    let time = Timestamp { seconds: 1_700_000_000 + chain.height + 1, nanos: 0 };
    let block = Block { chain_id: super::test_chain::CHAIN_ID.into(), height, time, ..Block::default() };
    match chain.app.execute(block, &Vec::<Vec<u8>>::new()) {
        Err(AppError::Halt(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[test]
fn and_goes_on_with_it() {
    let alice = Person::new("alice", 0);
    let mut state = genesis(&[&alice]);
    state["upgrade"] = planned();
    let mut chain = TestChain::with(state, -1);
    let mut blocks = vec![chain.block(&[]), chain.block(&[])];
    let before = chain.app.info(Default::default());
    assert_eq!(halt(&chain), NEEDED);
    // As CometBFT asks for it: whoever runs the node is told, and no panic is reported.
    let told = Arc::new(AtomicBool::new(false));
    let ring = told.clone();
    chain.app.on_halt(move || ring.store(true, Ordering::SeqCst));
    assert_eq!(chain.app.halted(), None);
    let asked = catch_unwind(AssertUnwindSafe(|| chain.app.finalize_block(request(3, &[]))));
    assert!(asked.is_err());
    assert_eq!((chain.app.halted(), told.load(Ordering::SeqCst)), (Some(NEEDED), true));
    assert_eq!(chain.app.info(Default::default()), before);
    // It halts again, however often it is started.
    program(&mut chain, &[]);
    assert_eq!(chain.app.info(Default::default()), before);
    assert_eq!(halt(&chain), NEEDED);
    program(&mut chain, NEXT);
    let done = chain.block(&[]);
    let events = shown(&done.events);
    let upgraded = "upgrade{name=next,height=3,info=of the second release,mode=BeginBlock}";
    assert!(events.iter().any(|e| e == upgraded), "{events:?}");
    // Consensus is told of its new parameters, once, with the version that it would lose otherwise.
    let params = done.consensus_param_updates.clone().unwrap();
    assert_eq!(params.block, Some(BlockParams { max_bytes: 1 << 19, max_gas: 5_000_000 }));
    assert_eq!(params.version.unwrap().app, APP_VERSION);
    blocks.extend([done, chain.block(&[])]);
    assert_eq!(blocks[3].consensus_param_updates, None);
    let state = chain.app.latest().unwrap();
    let minted = |done: &ResponseFinalizeBlock| -> u128 {
        let of = done.events.iter().filter(|e| e.r#type == "mint").flat_map(|e| &e.attributes);
        of.filter(|a| a.key == "amount").map(|a| a.value.parse::<u128>().unwrap()).sum()
    };
    let minted: u128 = blocks.iter().map(minted).sum();
    assert_eq!(bank::supply(&state, DENOM).unwrap(), super::test_chain::FUNDS + minted + 77);
    assert_eq!(upgrade::info(&state, NEXT).unwrap().done, [("next".to_string(), 3)]);
    drop(state);
    program(&mut chain, &[]);
    assert_eq!(halt(&chain), "wrong app version 1, upgrade handler is missing for next upgrade plan");
}

#[test]
fn and_does_not_go_on_with_one_that_comes_too_early() {
    let mut state = genesis(&[&Person::new("alice", 0)]);
    state["upgrade"] = planned();
    let mut chain = TestChain::with(state, -1);
    chain.block(&[]);
    program(&mut chain, NEXT);
    let early =
        "BINARY UPDATED BEFORE TRIGGER! UPGRADE \"next\" - in binary but not executed on chain. Downgrade your binary";
    assert_eq!(halt(&chain), early);
    program(&mut chain, &[]);
    chain.block(&[]);
    assert_eq!(halt(&chain), NEEDED);
}

/// The hash of parameters in a header.
fn hashed(max_bytes: i64, max_gas: i64) -> Hash {
    use prost::Message as _;
    let bytes = HashedParams { block_max_bytes: max_bytes, block_max_gas: max_gas }.encode_to_vec();
    Hash::Sha256(Sha256::digest(bytes).into())
}

#[test]
fn on_a_solo_chain_whose_headers_take_the_new_parameters() {
    let folder = tempfile::tempdir().unwrap();
    let home = Home::new(folder.path());
    home.prepare(&node::Config::default()).unwrap();
    let plain = super::solo_chain::genesis(&home);
    let mut document = plain.document;
    document["app_state"]["upgrade"] = planned();
    home.write_genesis(&zektra_genesis::Genesis::read(&document.to_string()).unwrap()).unwrap();
    let start = |migrations| {
        let config = node::Config { migrations, ..node::Config::default() };
        let app = open(&home, &config).unwrap();
        open_solo(&home, &app, "", &Endpoints::default(), Limits::default()).unwrap()
    };
    let mut seconds = super::solo_chain::START;
    let mut produce = |solo: &Solo| {
        seconds += 5;
        solo.produce(tendermint::Time::from_unix_timestamp(seconds, 0).unwrap())
    };
    let solo = start(&[]);
    produce(&solo).unwrap();
    produce(&solo).unwrap();
    for _ in 0..2 {
        let halted = produce(&solo).unwrap_err();
        assert!(matches!(&halted, SoloError::App(AppError::Halt(why)) if why == NEEDED), "{halted}");
        assert_eq!(solo.height(), 2);
    }
    drop(solo);
    let solo = start(NEXT);
    produce(&solo).unwrap();
    drop(solo);
    // The new parameters hold from the next height on, after a restart too.
    let solo = start(NEXT);
    produce(&solo).unwrap();
    produce(&solo).unwrap();
    let header = |height| zektra_app::solo::stored_block(solo.app(), height).unwrap().unwrap().1.header;
    let (old, new) = (header(1).consensus_hash, hashed(1 << 19, 5_000_000));
    assert_ne!(old, new);
    let hashes: Vec<_> = (1..=5).map(|height| header(height).consensus_hash).collect();
    assert_eq!(hashes, [old, old, old, new, new]);
    for (trusted, next) in [(3, 4), (1, 5)] {
        assert_eq!(follow(&*solo, trusted, next), Verdict::Success, "{trusted} to {next}");
    }
    use zektra_comet::Comet as _;
    let asked = |height: u64| {
        let answer = solo.call("consensus_params", json!({"height": height.to_string()})).unwrap();
        answer["consensus_params"]["block"]["max_gas"].clone()
    };
    assert_ne!(asked(3), json!("5000000"));
    assert_eq!(asked(4), json!("5000000"));
}
