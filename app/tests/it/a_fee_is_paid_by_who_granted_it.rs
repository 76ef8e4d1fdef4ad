use super::test_chain::{CHAIN_ID, FEE, FUNDS, GAS, Person, TestChain, coin, shown};
use cosmrs::AccountId;
use cosmrs::tx::Fee;
use prost::{Message, Name};
use zektra_modules::coin::Coins;
use zektra_proto::Any;
use zektra_proto::cosmos::feegrant::v1beta1::{
    AllowedMsgAllowance, BasicAllowance, MsgGrantAllowance, MsgRevokeAllowance,
};

fn any<M: Message + Name>(message: &M) -> Any {
    Any { type_url: format!("/{}", M::full_name()), value: message.encode_to_vec() }
}

/// As cosmrs signs it.
fn signed<M: Message + Name>(message: &M) -> cosmrs::Any {
    let Any { type_url, value } = any(message);
    cosmrs::Any { type_url, value }
}

fn grant(granter: &Person, grantee: &Person, limit: u128) -> cosmrs::Any {
    let basic = BasicAllowance { spend_limit: Coins::one("uzektra", limit).to_proto(), expiration: None };
    let allowed_messages = vec!["/cosmos.bank.v1beta1.MsgSend".into()];
    let allowance = Some(any(&AllowedMsgAllowance { allowance: Some(any(&basic)), allowed_messages }));
    signed(&MsgGrantAllowance { granter: granter.address(), grantee: grantee.address(), allowance })
}

fn of(granter: &AccountId) -> Fee {
    Fee { granter: Some(granter.clone()), ..Fee::from_amount_and_gas(coin(FEE), GAS) }
}

#[test]
fn as_far_as_it_was_granted() {
    let (mut alice, mut bob) = (Person::new("alice", 0), Person::new("bob", 1));
    let mut chain = TestChain::new(&[&alice, &bob]);
    // Bob gives all away.
    let all = bob.sign(vec![bob.pay(&alice.id(), FUNDS - FEE - 5)]);
    let granted = alice.sign(vec![grant(&alice, &bob, 2 * FEE)]);
    for result in chain.block(&[all, granted]).tx_results {
        assert_eq!((result.code, &result.log[..]), (0, ""));
    }
    assert_eq!(chain.balance(&bob.id()), 5);
    let held = chain.balance(&alice.id());
    let pay = |bob: &Person, sequence, granter: &AccountId| {
        bob.sign_with(vec![bob.pay(&bob.id(), 5)], sequence, of(granter), CHAIN_ID)
    };
    let tx = pay(&bob, 1, &alice.id());
    assert_eq!(chain.check(&tx).code, 0);
    let done = chain.block(&[tx]);
    assert_eq!(done.tx_results[0].code, 0, "{}", done.tx_results[0].log);
    assert_eq!((chain.balance(&bob.id()), chain.balance(&alice.id())), (5, held - FEE));
    let (a, b) = (alice.address(), bob.address());
    let events = shown(&done.tx_results[0].events);
    assert_eq!(events[0], format!("use_feegrant{{granter={a},grantee={b}}}"));
    assert_eq!(events[1], format!("update_feegrant{{granter={a},grantee={b}}}"));
    assert_eq!(events[2], format!("coin_spent{{spender={a},amount={FEE}uzektra}}"));
    assert!(events.contains(&format!("tx{{fee={FEE}uzektra,fee_payer={a}}}")), "{events:#?}");
    // Another message than was granted, another granter, and without one.
    let (granter, grantee) = (bob.address(), alice.address());
    let other = signed(&MsgRevokeAllowance { granter, grantee });
    let other = bob.sign_with(vec![other], 2, of(&alice.id()), CHAIN_ID);
    let stranger = Person::new("stranger", 9).id();
    let own = bob.sign_with(vec![bob.pay(&bob.id(), 5)], 2, Fee::from_amount_and_gas(coin(FEE), GAS), CHAIN_ID);
    let refused = [
        (
            other,
            "feegrant",
            7,
            format!(
                "{a} does not allow to pay fees for {b}: message does not exist in allowed messages: message not allowed"
            ),
        ),
        (
            pay(&bob, 2, &stranger),
            "sdk",
            38,
            format!("{stranger} does not allow to pay fees for {b}: fee-grant not found: not found"),
        ),
        (own, "sdk", 5, "insufficient funds".into()),
    ];
    for (tx, codespace, code, log) in refused {
        let result = &chain.block(&[tx]).tx_results[0];
        assert_eq!((&result.codespace[..], result.code), (codespace, code), "{}", result.log);
        assert!(result.log.ends_with(&log), "{}", result.log);
    }
    assert_eq!(chain.balance(&alice.id()), held - FEE);
    // The last of it, and no more.
    assert_eq!(chain.block(&[pay(&bob, 2, &alice.id())]).tx_results[0].code, 0);
    assert_eq!(chain.block(&[pay(&bob, 3, &alice.id())]).tx_results[0].code, 38);
    assert_eq!(chain.balance(&alice.id()), held - 2 * FEE);
    // Whoever names itself needs no grant.
    let own = alice.sign_with(vec![alice.pay(&bob.id(), 1)], 1, of(&alice.id()), CHAIN_ID);
    assert_eq!(chain.block(&[own]).tx_results[0].code, 0);
    assert_eq!(chain.balance(&alice.id()), held - 3 * FEE - 1);
}
