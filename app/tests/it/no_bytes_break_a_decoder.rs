//! Decoders of what strangers send: no bytes end a program, and what is read has one form.

use super::multisig::{amino_signed, together};
use super::test_chain::{CHAIN_ID, FEE, GAS, PREFIX, Person, TestChain, coin};
use cosmrs::tx::Fee;
use proptest::prelude::*;
use proptest::sample::Index;
use prost::Message as _;
use prost::bytes::{Buf as _, BytesMut};
use std::sync::LazyLock;
use zektra_app::ante::GasPrice;
use zektra_app::node::Config;
use zektra_app::server::next_request;
use zektra_app::tx::{Tx, decode};
use zektra_modules::address::Prefix;
use zektra_modules::error::TxError;
use zektra_proto::cosmos::tx::v1beta1::TxRaw;
use zektra_proto::tendermint::abci::request::Value as Asked;
use zektra_proto::tendermint::abci::{Request, RequestCheckTx, RequestEcho, RequestFlush};

/// An account's chain, and transactions of it that are right.
static CHAIN: LazyLock<(TestChain, [Vec<u8>; 2])> = LazyLock::new(|| {
    let alice = Person::new("alice", 0);
    let chain = TestChain::new(&[&alice]);
    let fee = Fee::from_amount_and_gas(coin(FEE), GAS);
    let direct = alice.sign_with(vec![alice.pay(&alice.id(), 5); 2], 0, fee, CHAIN_ID);
    let (body, auth, signature) = amino_signed(&alice, &alice.address(), 5);
    (chain, [direct, together(&body, &auth, signature)])
});

fn read(bytes: &[u8]) -> Result<Tx, TxError> {
    decode(bytes, CHAIN.0.app.chain(), &Prefix::new(PREFIX).unwrap())
}

/// How bytes are changed: bits turned, cut off, put in, or some of them twice.
fn changes() -> impl Strategy<Value = Vec<(u8, Index, Index, u8)>> {
    prop::collection::vec((0..5u8, any::<Index>(), any::<Index>(), any::<u8>()), 0..4)
}

fn changed(bytes: &[u8], changes: &[(u8, Index, Index, u8)]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for (kind, from, to, byte) in changes {
        let (a, b) = (from.index(out.len() + 1), to.index(out.len() + 1));
        let (a, b) = (a.min(b), a.max(b));
        match kind {
            0 if a < out.len() => out[a] ^= 1 << (byte % 8),
            1 => out.truncate(b),
            2 => out.insert(a, *byte),
            3 => drop(out.drain(a..b.min(a + 8))),
            _ => {
                let twice = out[a..b.min(a + 40)].to_vec();
                out.splice(b..b, twice);
            }
        }
    }
    out
}

/// A field as protobuf writes it, with a length that is longer than it must be by `padding` bytes.
fn field(number: u32, held: &[u8], padding: usize) -> Vec<u8> {
    let mut out = vec![];
    prost::encoding::encode_key(number, prost::encoding::WireType::LengthDelimited, &mut out);
    prost::encoding::encode_varint(held.len() as u64, &mut out);
    for _ in 0..padding {
        *out.last_mut().unwrap() |= 0x80;
        out.push(0);
    }
    [&out[..], held].concat()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn of_transactions(bytes in prop::collection::vec(any::<u8>(), 0..200), changes in changes()) {
        if let Ok(tx) = read(&bytes) {
            prop_assert_eq!(tx.raw.encode_to_vec(), bytes);
        }
        for good in &CHAIN.1 {
            let bytes = changed(good, &changes);
            if let Ok(tx) = read(&bytes) {
                prop_assert_eq!(tx.raw.encode_to_vec(), bytes);
            }
        }
    }

    /// Whoever relays a transaction cannot make another of it that is accepted.
    #[test]
    fn a_signed_transaction_stays_what_it_is(changes in changes()) {
        let check = |bytes: &[u8]| {
            let chain = &CHAIN.0;
            let block = zektra_modules::context::Block { chain_id: CHAIN_ID.into(), height: 1, ..Default::default() };
            let mut state = zektra_state::StateDelta::new(genesis_state());
            let mode = zektra_app::ante::Mode::Check;
            chain.app.chain().execute(&mut state, &read(bytes), mode, &block, &Prefix::new(PREFIX).unwrap()).unwrap().error
        };
        let [direct, amino] = &CHAIN.1;
        let bytes = changed(direct, &changes);
        prop_assert_eq!(check(&bytes).is_none(), bytes == *direct);
        let bytes = changed(amino, &changes);
        prop_assert_eq!(check(&bytes).is_none(), bytes == *amino);
    }

    /// Unknown fields are refused, but for those of the body that say that they may be left out.
    #[test]
    fn a_field_that_nobody_knows(number in (20..5000u32).prop_filter("extension options", |n| ![1023, 2047].contains(n)), held in prop::collection::vec(any::<u8>(), 0..9)) {
        let alice = Person::new("alice", 0);
        let (body, auth, signature) = amino_signed(&alice, &alice.address(), 5);
        let more = field(number, &held, 0);
        let (body, auth) = (body.encode_to_vec(), auth.encode_to_vec());
        let with = |body: Vec<u8>, auth: Vec<u8>| {
            let raw = TxRaw { body_bytes: body.into(), auth_info_bytes: auth.into(), signatures: vec![signature.clone().into()] };
            raw.encode_to_vec()
        };
        let critical = !(1024..2048).contains(&number);
        let in_body = read(&with([&body[..], &more].concat(), auth.clone()));
        if critical {
            let e = in_body.map(|tx| tx.size).unwrap_err();
            prop_assert!(e.code == 2 && e.log.contains("errUnknownField"), "{}", e.log);
        } else {
            prop_assert!(in_body.is_ok());
            // Amino's signature does not cover it.
            let checked = CHAIN.0.check(&with([&body[..], &more].concat(), auth.clone()));
            prop_assert!(checked.code == 2 && checked.log.contains("errUnknownField"), "{}", checked.log);
        }
        let good = with(body.clone(), auth.clone());
        for bytes in [with(body, [&auth[..], &more].concat()), [&good[..], &more].concat()] {
            let e = read(&bytes).map(|tx| tx.size).unwrap_err();
            prop_assert!(e.code == 2 && e.log.contains("errUnknownField"), "{}", e.log);
        }
    }

    /// Lengths with bytes too many, fields twice, in another order, or there and empty.
    #[test]
    fn another_form_of_a_transaction(padding in 0..4usize, order in Just([1u32, 2, 3]).prop_shuffle(), twice in 0..3usize, empty in any::<bool>()) {
        let raw = TxRaw::decode(&CHAIN.1[0][..]).unwrap();
        let held = |number| match number {
            1 => raw.body_bytes.to_vec(),
            2 if empty => vec![],
            2 => raw.auth_info_bytes.to_vec(),
            _ => raw.signatures[0].to_vec(),
        };
        let mut bytes: Vec<u8> = order.iter().flat_map(|&n| field(n, &held(n), padding)).collect();
        let mut one = padding == 0 && order == [1, 2, 3] && !empty;
        if twice > 0 {
            bytes.extend(field(twice as u32, &held(twice as u32), 0));
            one = false;
        }
        match read(&bytes) {
            Ok(_) => prop_assert!(one),
            Err(e) => prop_assert!(!one && e.code == 2, "{}", e.log),
        }
    }

    #[test]
    fn of_abci(requests in prop::collection::vec(".{0,300}", 0..6), cuts in prop::collection::vec(any::<Index>(), 0..6), junk in prop::collection::vec(any::<u8>(), 0..40)) {
        let all: Vec<Request> = requests
            .iter()
            .map(|text| match text.len() % 3 {
                0 => Asked::Flush(RequestFlush {}),
                1 => Asked::CheckTx(RequestCheckTx { tx: text.clone().into_bytes().into(), r#type: 1 }),
                _ => Asked::Echo(RequestEcho { message: text.clone() }),
            })
            .map(|asked| Request { value: Some(asked) })
            .collect();
        let bytes: Vec<u8> = all.iter().flat_map(|r| r.encode_length_delimited_to_vec()).collect();
        let mut at: Vec<usize> = cuts.iter().map(|c| c.index(bytes.len() + 1)).chain([0, bytes.len()]).collect();
        at.sort_unstable();
        let (mut input, mut found) = (BytesMut::new(), vec![]);
        for piece in at.windows(2) {
            input.extend_from_slice(&bytes[piece[0]..piece[1]]);
            while let Some(request) = next_request(&mut input).unwrap() {
                found.push(request);
            }
        }
        prop_assert_eq!(found, all);
        prop_assert!(!input.has_remaining());
        let mut input = BytesMut::from(&junk[..]);
        while let Ok(Some(_)) = next_request(&mut input) {}
    }

    #[test]
    fn of_configurations(text in ".{0,80}", prices in prop::collection::vec((any::<u64>(), 0..10u128.pow(18), "[a-z]{3,9}"), 0..4), keep in any::<u32>(), texts in prop::array::uniform2(".{0,20}"), host in ".{1,20}", port: u16) {
        let _ = Config::read(&text);
        let _ = text.parse::<GasPrice>();
        let mut config = Config::default();
        let prices: Vec<_> = prices.into_iter().map(|(whole, rest, denom)| format!("{whole}.{rest:018}{denom}")).collect();
        config.minimum_gas_prices = prices.join(",");
        config.state.keep = u64::from(keep).max(2);
        [config.moniker, config.comet.abci] = texts;
        config.rpc.address = format!("{host}:{port}");
        let read = Config::read(&toml::to_string(&config).unwrap()).unwrap();
        prop_assert_eq!(&read, &config);
        let shown: Vec<_> = read.gas_prices().unwrap().iter().map(ToString::to_string).collect();
        prop_assert_eq!(shown, prices);
    }
}

/// The state of the chain before its first block.
fn genesis_state() -> &'static zektra_store::Snapshot {
    static STATE: LazyLock<(TestChain, zektra_store::Snapshot)> = LazyLock::new(|| {
        let mut chain = TestChain::new(&[&Person::new("alice", 0)]);
        chain.block(&[]);
        let state = chain.app.latest().unwrap();
        (chain, state)
    });
    &STATE.1
}
