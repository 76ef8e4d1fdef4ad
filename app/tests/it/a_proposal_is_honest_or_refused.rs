use super::test_chain::{CHAIN_ID, FEE, GAS, PREFIX, Person, TestChain, accepts, coin, genesis, init};
use cosmrs::Any;
use cosmrs::proto::cosmos::tx::v1beta1::TxRaw;
use cosmrs::proto::traits::Message as _;
use cosmrs::tx::{AuthInfo, Body, Fee, SignDoc, SignerInfo};
use zektra_app::app::{App, Config};
use zektra_modules::address::Prefix;
use zektra_store::Options;

fn fee(amount: u128, gas: u64) -> Fee {
    Fee::from_amount_and_gas(coin(amount), gas)
}

fn signed_by(people: &[&Person], messages: Vec<Any>, fee: Fee) -> Vec<u8> {
    let body = Body::new(messages, "", 0u32);
    let infos = people.iter().map(|p| SignerInfo::single_direct(Some(p.key.public_key()), p.sequence));
    let auth = AuthInfo { signer_infos: infos.collect(), fee };
    let sign = |p: &&Person| {
        let doc = SignDoc::new(&body, &auth, &CHAIN_ID.parse().unwrap(), p.number).unwrap();
        TxRaw::decode(&doc.sign(&p.key).unwrap().to_bytes().unwrap()[..]).unwrap()
    };
    let signed: Vec<_> = people.iter().map(sign).collect();
    let signatures = signed.iter().flat_map(|raw| raw.signatures.clone()).collect();
    TxRaw { signatures, ..signed[0].clone() }.encode_to_vec()
}

/// A payment of `sender` whose fee `payer` pays; both sign.
fn paid_by(sender: &Person, payer: &Person, fee: Fee) -> Vec<u8> {
    signed_by(&[sender, payer], vec![sender.pay(&payer.id(), 1)], Fee { payer: Some(payer.id()), ..fee })
}

#[test]
fn with_more_signatures_than_may_be() {
    let people: Vec<_> = (0..8).map(|k| Person::new(&format!("person {k}"), k)).collect();
    let people: Vec<_> = people.iter().collect();
    let mut chain = TestChain::with(genesis(&people), -1);
    chain.block(&[]);
    let by = |people: &[&Person]| {
        let messages = people.iter().map(|p| p.pay(&people[0].id(), 1)).collect();
        signed_by(people, messages, fee(FEE, 1_000_000))
    };
    let (most, more) = (by(&people[..7]), by(&people));
    assert!(chain.accepts(std::slice::from_ref(&most)) && !chain.accepts(std::slice::from_ref(&more)));
    // Those beyond the limit are not checked, only to be refused.
    let read = chain.app.chain().read(&[most, more], &Prefix::new(PREFIX).unwrap());
    chain.app.chain().verify_ahead(&chain.app.latest().unwrap(), &read, CHAIN_ID);
    let right = |tx: usize| (0..8).filter(|k| read[tx].as_ref().is_ok_and(|tx| tx.right(*k).is_some())).count();
    assert_eq!((right(0), right(1)), (7, 7));
}

#[test]
fn with_a_proof_beside_another_message() {
    let mut alice = Person::new("alice", 0);
    let mut chain = TestChain::new(&[&alice]);
    chain.block(&[]);
    for name in ["zektra.training.v1.MsgSubmitPart", "zektra.vault.v1.MsgSealDataset"] {
        let proof = Any { type_url: format!("/{name}"), value: vec![] };
        let both = alice.sign(vec![alice.pay(&alice.id(), 1), proof]);
        let checked = chain.check(&both);
        let why = format!("message index: 1: {name} carries a proof: expected in a transaction of its own");
        assert_eq!((&checked.codespace[..], checked.code), ("sdk", 18));
        assert!(checked.log.contains(&why), "{}", checked.log);
        assert!(!chain.accepts(&[both]));
    }
}

#[test]
fn for_what_pays_nothing() {
    let (mut alice, mut bob, poor) = (Person::new("alice", 0), Person::new("bob", 1), Person::new("poor", 2));
    let mut chain = TestChain::with(genesis(&[&alice, &bob]), 1_000_000);
    let before = alice.sign(vec![alice.pay(&poor.id(), 1)]);
    assert!(chain.accepts(std::slice::from_ref(&before)));
    chain.block(std::slice::from_ref(&before));
    let fine = bob.sign(vec![bob.pay(&alice.id(), 1)]);
    let next = |fee, sequence| alice.sign_with(vec![alice.pay(&bob.id(), 1)], sequence, fee, CHAIN_ID);
    let right = next(fee(FEE, GAS), 1);
    let mut false_signature = right.clone();
    *false_signature.last_mut().unwrap() ^= 1;
    assert!(chain.accepts(&[]));
    // What was found right once does not make another right.
    assert!(chain.accepts(&[right.clone(), fine.clone()]));
    let refused = [
        ("no gas", next(fee(FEE, 0), 1)),
        ("less gas than the signature takes", next(fee(FEE, 1000), 1)),
        ("more gas than a block has", next(fee(FEE, 1_000_001), 1)),
        ("a fee beyond the balance", next(fee(u128::from(u64::MAX), GAS), 1)),
        ("a false signature", false_signature),
        ("another chain's signature", alice.sign_with(vec![alice.pay(&bob.id(), 1)], 1, fee(FEE, GAS), "other-1")),
        ("a sequence that was used", next(fee(FEE, GAS), 0)),
        ("a sequence that comes later", next(fee(FEE, GAS), 2)),
        ("what a block held already", before),
        ("an account that can pay no fee", poor.sign_with(vec![poor.pay(&bob.id(), 1)], 0, fee(FEE, GAS), CHAIN_ID)),
        ("bytes that are none", vec![0xff; 9]),
        ("nothing", vec![]),
    ];
    for (what, tx) in refused {
        for block in [vec![tx.clone()], vec![fine.clone(), tx.clone()], vec![tx.clone(), fine.clone()]] {
            assert!(!chain.accepts(&block), "{what}");
        }
        assert_eq!(chain.propose(&[tx, fine.clone()], 1 << 20), std::slice::from_ref(&fine), "{what}");
    }
    assert!(!chain.accepts(&[right.clone(), right.clone()]), "twice the same");
    let many: Vec<_> = (1..7).map(|sequence| next(fee(FEE, GAS), sequence)).collect();
    assert!(chain.accepts(&many[..5]) && !chain.accepts(&many), "more gas than a block has, together");
}

#[test]
fn for_no_price_of_a_node() {
    let alice = Person::new("alice", 0);
    let folder = tempfile::tempdir().unwrap();
    let app = App::open(Config {
        home: folder.path().into(),
        store: Options { sync: false, ..Options::default() },
        min_gas_prices: vec!["1uzektra".parse().unwrap()],
        ..Config::default()
    });
    let app = app.unwrap();
    init(&app, &genesis(&[&alice]), -1);
    let cheap = alice.sign_with(vec![alice.pay(&alice.id(), 1)], 0, fee(0, GAS), CHAIN_ID);
    let request = zektra_proto::tendermint::abci::RequestCheckTx { tx: cheap.clone().into(), r#type: 0 };
    assert_eq!(tendermint_abci::Application::check_tx(&app, request).code, 13);
    assert!(accepts(&app, 1, &[cheap]));
}

/// A transaction that finds no gas left counts as if it were not there, for all its signers.
#[test]
fn and_an_honest_one_is_accepted() {
    let (alice, bob, carol) = (Person::new("alice", 0), Person::new("bob", 1), Person::new("carol", 2));
    let chain = TestChain::with(genesis(&[&alice, &bob, &carol]), 300_000);
    let first = carol.sign_with(vec![carol.pay(&bob.id(), 1)], 0, fee(90_000, 200_000), CHAIN_ID);
    let second = paid_by(&alice, &bob, fee(50_000, 200_000));
    let third = bob.sign_with(vec![bob.pay(&carol.id(), 1)], 1, fee(1_000, 100_000), CHAIN_ID);
    assert!(chain.accepts(&[second.clone(), third.clone()]) && !chain.accepts(std::slice::from_ref(&third)));
    let proposal = chain.propose(&[second, third, first.clone()], 1 << 20);
    assert_eq!(proposal, [first]);
    assert!(chain.accepts(&proposal));
}
