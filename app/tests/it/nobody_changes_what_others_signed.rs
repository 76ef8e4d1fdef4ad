//! What a signature over amino's JSON does not show has one form, so that nobody can change it on the way.

use super::multisig::{Multisig, amino_signed, sent, together};
use super::test_chain::{FEE, PREFIX, Person, TestChain};
use prost::Message as _;
use zektra_app::sign::AMINO_JSON;
use zektra_modules::address::Prefix;
use zektra_modules::auth::{self, Account};
use zektra_proto::cosmos::crypto::multisig::v1beta1::MultiSignature;
use zektra_proto::cosmos::tx::v1beta1::TxRaw;
use zektra_proto::cosmos::tx::v1beta1::mode_info::{Single, Sum};
use zektra_proto::{Any, Timestamp};

fn chain() -> (TestChain, Person, Person) {
    let (alice, bob) = (Person::new("alice", 0), Person::new("bob", 1));
    (TestChain::new(&[&alice, &bob]), alice, bob)
}

/// The same key with its bytes twice: the last counts.
fn twice(key: &Any) -> Any {
    Any { type_url: key.type_url.clone(), value: key.value.repeat(2) }
}

#[test]
fn a_key_in_another_form_is_refused_and_never_stored() {
    let (mut chain, alice, bob) = chain();
    let (body, mut auth, signature) = amino_signed(&alice, &bob.address(), 5);
    let good = together(&body, &auth, signature.clone());
    let key = auth.signer_infos[0].public_key.clone().unwrap();
    auth.signer_infos[0].public_key = Some(twice(&key));
    let checked = chain.check(&together(&body, &auth, signature));
    assert!(checked.code == 2 && checked.log.contains("non-canonical"), "{}", checked.log);
    assert_eq!(chain.block(&[good]).tx_results[0].code, 0);

    // Whoever signs the other form directly has the key in its one form on the chain.
    let mut bob = bob;
    let mode = Sum::Single(Single { mode: 1 });
    let (body, auth) = sent(&bob.address(), &alice.address(), 1, twice(&public(&bob)), mode, 0);
    let doc = zektra_proto::cosmos::tx::v1beta1::SignDoc {
        body_bytes: body.encode_to_vec().into(),
        auth_info_bytes: auth.encode_to_vec().into(),
        chain_id: super::test_chain::CHAIN_ID.into(),
        account_number: 1,
    };
    let signature = bob.key.sign(&doc.encode_to_vec()).unwrap().to_vec();
    let done = chain.block(&[together(&body, &auth, signature)]);
    assert_eq!(done.tx_results[0].code, 0, "{}", done.tx_results[0].log);
    bob.sequence = 1;
    let tx = bob.sign(vec![bob.pay(&alice.id(), 1)]);
    assert_eq!(chain.block(&[tx]).tx_results[0].code, 0);
}

fn public(who: &Person) -> Any {
    let (_, auth, _) = amino_signed(who, &who.address(), 1);
    auth.signer_infos[0].public_key.clone().unwrap()
}

#[test]
fn a_deadline_cannot_be_put_in_or_padding_added() {
    let (chain, alice, bob) = chain();
    let (body, auth, signature) = amino_signed(&alice, &bob.address(), 5);
    for change in [
        |b: &mut zektra_proto::cosmos::tx::v1beta1::TxBody| b.unordered = true,
        |b: &mut zektra_proto::cosmos::tx::v1beta1::TxBody| {
            b.timeout_timestamp = Some(Timestamp { seconds: 1 << 33, nanos: 0 });
        },
    ] {
        let mut changed = body.clone();
        change(&mut changed);
        assert_ne!(chain.check(&together(&changed, &auth, signature.clone())).code, 0);
    }
    // The memo's default, written out; a message's field twice.
    let raw = TxRaw::decode(&together(&body, &auth, signature.clone())[..]).unwrap();
    let padded = [&raw.body_bytes[..], &[0x12, 0x00]].concat();
    // The type's slash left out.
    let mut bare = body.clone();
    bare.messages[0].type_url.remove(0);
    let mut doubled = body.clone();
    doubled.messages[0].value = [&[0x0a, 0x00][..], &body.messages[0].value].concat();
    for body_bytes in [padded, doubled.encode_to_vec(), bare.encode_to_vec()] {
        let tx = TxRaw { body_bytes: body_bytes.into(), ..raw.clone() };
        let checked = chain.check(&tx.encode_to_vec());
        assert!(checked.code == 2 && checked.log.contains("non-canonical"), "{} {}", checked.code, checked.log);
    }
    // A tip, which the signed text does not show: field 3, with a tipper.
    let auth_info_bytes = [&raw.auth_info_bytes[..], &[0x1a, 0x03, 0x12, 0x01, b'x']].concat().into();
    let checked = chain.check(&TxRaw { auth_info_bytes, ..raw.clone() }.encode_to_vec());
    assert!(checked.code == 18 && checked.log.contains("does not support tips"), "{} {}", checked.code, checked.log);
    assert_eq!(chain.check(&raw.encode_to_vec()).code, 0);
}

#[test]
fn signatures_of_many_have_one_form() {
    let (alice, bob) = (Person::new("alice", 0), Person::new("bob", 1));
    let mut many = Multisig::new(2);
    let mut chain = TestChain::new(&[&alice, &bob]);
    let funded = {
        let mut alice = Person::new("alice", 0);
        let tx = alice.sign(vec![alice.pay(&many.address().parse().unwrap(), 10 * FEE)]);
        chain.block(&[tx])
    };
    assert_eq!(funded.tx_results[0].code, 0, "{}", funded.tx_results[0].log);
    let address = Prefix::new(PREFIX).unwrap().parse(&many.address()).unwrap();
    let Some(Account::Base(base)) = auth::account(&chain.app.latest().unwrap(), &address).unwrap() else { panic!() };
    many.number = base.account_number;
    let good = many.send(&bob.address(), 1);
    let mut raw = TxRaw::decode(&good[..]).unwrap();
    assert!(MultiSignature::decode(&raw.signatures[0][..]).is_ok());
    // A field that nobody knows.
    raw.signatures[0] = [&raw.signatures[0][..], &[0x7a, 0x01, 0x00]].concat().into();
    assert_eq!(chain.check(&raw.encode_to_vec()).code, 4);
    let checked = chain.check(&good);
    assert_eq!(checked.code, 0, "{}", checked.log);
}

#[test]
fn what_nobody_could_show_is_refused() {
    let (chain, alice, bob) = chain();
    let mode = Sum::Single(Single { mode: AMINO_JSON });
    let (mut body, auth) = sent(&alice.address(), &bob.address(), 5, public(&alice), mode, 0);
    body.non_critical_extension_options = vec![Any::default()];
    let checked = chain.check(&together(&body, &auth, vec![0; 64]));
    assert!(checked.code == 2 && checked.log.contains("unable to resolve type URL"), "{}", checked.log);
}
