use super::test_chain::{FUNDS, Person, TestChain, genesis, init, request};
use tendermint_abci::Application as _;
use zektra_genesis::{Genesis, check_state};
use zektra_proto::tendermint::abci::RequestInitChain;
use zektra_state::{Order, StateRead as _};

#[test]
fn a_block_without_its_commit_is_forgotten() {
    let mut alice = Person::new("alice", 0);
    let mut chain = TestChain::new(&[&alice]);
    let bob = Person::new("bob", 1).id();
    let genesis = genesis(&[&alice]);
    // The first block may be asked for again after a kill, with the genesis before it.
    let tx = alice.sign(vec![alice.pay(&bob, 5)]);
    let first = chain.finalize(std::slice::from_ref(&tx));
    chain.reopen();
    assert_eq!(chain.height, 0);
    init(&chain.app, &genesis, -1);
    assert_eq!(init(&chain.app, &genesis, -1), init(&chain.app, &genesis, -1));
    assert_eq!(chain.block(&[tx]).app_hash, first.app_hash);
    let mut hashes = vec![];
    for k in 0..3 {
        let tx = alice.sign(vec![alice.pay(&bob, 5 + k)]);
        let lost = chain.finalize(std::slice::from_ref(&tx));
        // Executed twice, then after a restart.
        assert_eq!(chain.finalize(&[]).tx_results.len(), 0);
        assert_eq!(chain.finalize(std::slice::from_ref(&tx)).app_hash, lost.app_hash);
        chain.reopen();
        assert_eq!(chain.height, 1 + k as i64);
        hashes.push(chain.block(&[tx]).app_hash);
        assert_eq!(hashes[k as usize], lost.app_hash);
        let info = chain.app.info(Default::default());
        assert_eq!((info.last_block_height, info.last_block_app_hash), (chain.height, lost.app_hash));
    }
    assert_eq!(chain.balance(&bob), 5 + 5 + 6 + 7);
    assert_eq!(chain.balance_at(&bob, 1), 5);
    assert_eq!(chain.balance_at(&alice.id(), 0) + chain.balance(&bob), FUNDS - 4 * super::test_chain::FEE);
    let future = chain.query("/cosmos.bank.v1beta1.Query/Params", vec![], 9);
    assert_eq!(future.code, 18);
    assert!(future.log.contains("height 9 is in the future, the last is 4"), "{}", future.log);
}

#[test]
#[should_panic(expected = "block 7 of zektra-test-1, expected block 2")]
fn a_block_out_of_order_stops_the_application() {
    let alice = Person::new("alice", 0);
    let mut chain = TestChain::new(&[&alice]);
    chain.block(&[]);
    chain.app.finalize_block(request(7, &[]));
}

fn all_but_headers(chain: &TestChain) -> Vec<(Vec<u8>, Vec<u8>)> {
    let state = chain.app.latest().unwrap();
    let all = state.scan(&[], None, Order::Ascending).map(Result::unwrap);
    all.filter(|(key, _)| !key.starts_with(b"staking/history")).collect()
}

#[test]
fn an_exported_state_is_a_genesis_of_the_same() {
    let mut alice = Person::new("alice", 0);
    let mut chain = TestChain::new(&[&alice]);
    let bob = Person::new("bob", 1).id();
    let tx = alice.sign(vec![alice.pay(&bob, 5)]);
    chain.block(&[tx]);
    chain.block(&[]);
    let exported = chain.app.export().unwrap();
    let typed = Genesis::check(exported.clone()).unwrap().typed;
    let (folder, twin) = TestChain::empty();
    twin.init_chain(RequestInitChain {
        time: Some(typed.genesis_time.into()),
        chain_id: typed.chain_id.to_string(),
        consensus_params: Some(typed.consensus_params.into()),
        validators: vec![],
        app_state_bytes: typed.app_state.to_string().into_bytes().into(),
        initial_height: typed.initial_height,
    });
    let mut twin = TestChain { folder, app: twin, height: 2 };
    let tx = alice.sign(vec![alice.pay(&bob, 6)]);
    let (its, own) = (twin.block(std::slice::from_ref(&tx)), chain.block(&[tx]));
    assert_eq!((its.tx_results, its.events), (own.tx_results, own.events));
    assert_eq!(twin.balance(&bob), 11);
    // The same to the last byte, but for headers of the chain that has ended.
    assert_eq!(all_but_headers(&twin), all_but_headers(&chain));
}

#[test]
fn a_wrong_genesis_names_the_field() {
    let alice = Person::new("alice", 0);
    let refused = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut state = genesis(&[&alice]);
        change(&mut state);
        check_state(&state).unwrap_err().to_string()
    };
    assert_eq!(
        refused(&|s| s["chain"]["bech32_prefix"] = "Z".into()),
        "app_state.chain.bech32_prefix: \"Z\", expected bech32 prefix \"Z\": expected 1 to 20 lower-case letters and digits, a letter first"
    );
    assert_eq!(
        refused(&|s| s["bank"]["supply"] = serde_json::json!([{"denom": "uzektra", "amount": "1"}])),
        "app_state.bank.supply: 1uzektra, expected the sum of all balances, 1000000000uzektra"
    );
    assert!(
        refused(&|s| s["bank"]["balances"][0]["address"] = "zektra1x".into())
            .starts_with("app_state.bank.balances[0].address: zektra1x, expected an address: ")
    );
    assert!(refused(&|s| s["banc"] = 1.into()).starts_with("app_state.banc: a section, expected chain, "));
    assert!(
        refused(&|s| s["auth"]["params"]["tx_sig_limit"] = "0".into())
            .starts_with("app_state.auth.params.tx_sig_limit: 0, expected a positive number")
    );
    assert!(refused(&|s| s["auth"]["parms"] = 1.into()).contains("parms"));
}
