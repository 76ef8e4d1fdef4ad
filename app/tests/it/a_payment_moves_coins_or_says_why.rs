use super::test_chain::{CHAIN_ID, FEE, FUNDS, GAS, Person, TestChain, coin, genesis, shown};
use cosmrs::tx::Fee;

fn chain() -> (TestChain, Person, Person) {
    let (alice, bob) = (Person::new("alice", 0), Person::new("bob", 1));
    (TestChain::new(&[&alice, &bob]), alice, bob)
}

#[test]
fn coins_move_and_the_fee_is_paid() {
    let (mut chain, mut alice, bob) = chain();
    let stranger = Person::new("stranger", 9).id();
    let txs = [
        alice.sign(vec![alice.pay(&bob.id(), 500)]),
        alice.sign(vec![alice.pay(&stranger, 7), alice.pay(&stranger, 8)]),
    ];
    for tx in &txs {
        let checked = chain.check(tx);
        assert_eq!(checked.code, 0, "{}", checked.log);
    }
    let done = chain.block(&txs);
    for result in &done.tx_results {
        assert_eq!((result.code, &result.log[..]), (0, ""));
        assert!((40_000..GAS as i64).contains(&result.gas_used), "{}", result.gas_used);
    }
    assert_eq!(chain.balance(&alice.id()), FUNDS - 515 - 2 * FEE);
    assert_eq!(chain.balance(&bob.id()), FUNDS + 500);
    assert_eq!(chain.balance(&stranger), 15);
    let (a, b) = (alice.address(), bob.address());
    let events = shown(&done.tx_results[0].events);
    let wanted = [
        format!("tx{{fee={FEE}uzektra,fee_payer={a}}}"),
        format!("tx{{acc_seq={a}/0}}"),
        format!("message{{action=/cosmos.bank.v1beta1.MsgSend,sender={a},module=bank,msg_index=0}}"),
        format!("coin_spent{{spender={a},amount=500uzektra,msg_index=0}}"),
        format!("coin_received{{receiver={b},amount=500uzektra,msg_index=0}}"),
        format!("transfer{{recipient={b},sender={a},amount=500uzektra,msg_index=0}}"),
    ];
    for event in wanted {
        assert!(events.contains(&event), "{event} is missing in {events:#?}");
    }
    assert!(shown(&done.tx_results[1].events).iter().any(|e| e.ends_with("amount=8uzektra,msg_index=1}")));
}

#[test]
fn a_failed_message_keeps_fee_and_sequence() {
    let (mut chain, mut alice, bob) = chain();
    let tx = alice.sign(vec![alice.pay(&bob.id(), 5), alice.pay(&bob.id(), FUNDS)]);
    let done = chain.block(&[tx]);
    let result = &done.tx_results[0];
    let held = FUNDS - FEE - 5;
    assert_eq!((result.code, &result.codespace[..]), (5, "sdk"));
    let log = format!(
        "failed to execute message; message index: 1: spendable balance {held}uzektra is smaller than {FUNDS}uzektra: insufficient funds"
    );
    assert_eq!(result.log, log);
    assert!(result.data.is_empty());
    assert!((40_000..99_000).contains(&result.gas_used), "{}", result.gas_used);
    assert!(shown(&result.events).iter().all(|e| !e.contains("msg_index")));
    assert_eq!(chain.balance(&bob.id()), FUNDS);
    assert_eq!(chain.balance(&alice.id()), FUNDS - FEE);
    let tx = alice.sign(vec![alice.pay(&bob.id(), 5)]);
    assert_eq!(chain.block(&[tx]).tx_results[0].code, 0);
}

#[test]
fn each_broken_rule_has_its_code() {
    let (mut chain, mut alice, bob) = chain();
    let pay = alice.pay(&bob.id(), 5);
    let fee = |amount, gas| Fee::from_amount_and_gas(coin(amount), gas);
    let sign = |alice: &Person, sequence, fee, chain| alice.sign_with(vec![pay.clone()], sequence, fee, chain);
    let good = sign(&alice, 0, fee(FEE, GAS), CHAIN_ID);
    let mut flipped = good.clone();
    *flipped.last_mut().unwrap() ^= 1;
    let stranger = Person::new("stranger", 7);
    let cases = [
        (
            sign(&alice, 1, fee(FEE, GAS), CHAIN_ID),
            32,
            "account sequence mismatch, expected 0, got 1: incorrect account sequence",
        ),
        (
            sign(&alice, 0, fee(FEE, GAS), "other-1"),
            4,
            "signature verification failed; please verify account number (0), sequence (0) and chain-id (zektra-test-1): unauthorized",
        ),
        (sign(&alice, 0, fee(FUNDS + 1, GAS), CHAIN_ID), 5, "insufficient funds"),
        (sign(&alice, 0, fee(FEE, 0), CHAIN_ID), 41, "must provide positive gas: invalid gas limit"),
        (sign(&alice, 0, fee(FEE, 20_000), CHAIN_ID), 11, "out of gas"),
        (
            stranger.sign_with(vec![stranger.pay(&bob.id(), 1)], 0, fee(FEE, GAS), CHAIN_ID),
            9,
            "does not exist: unknown address",
        ),
        (stranger.sign_with(vec![pay.clone()], 0, fee(FEE, GAS), CHAIN_ID), 8, "pubKey does not match signer address"),
        (flipped, 4, "signature verification failed"),
        (good[..good.len() - 1].to_vec(), 2, "tx parse error"),
        (vec![], 18, "must contain at least one message"),
        ([&good[..], &[0x20, 1]].concat(), 2, "errUnknownField \"cosmos.tx.v1beta1.TxRaw\""),
        ([&good[..], &[0x0a, 0]].concat(), 2, "non-canonical"),
    ];
    chain.block(&[]);
    let before = chain.balance(&alice.id());
    for (tx, code, text) in cases {
        let checked = chain.check(&tx);
        assert_eq!(checked.code, code, "{}", checked.log);
        assert!(checked.log.contains(text), "{} does not say {text:?}", checked.log);
        let result = &chain.block(&[tx]).tx_results[0];
        assert_eq!((result.code, &result.log), (code, &checked.log));
        assert!(result.events.is_empty());
    }
    // None of them paid.
    assert_eq!(chain.balance(&alice.id()), before);
    alice.sequence = 1;
    assert_eq!(chain.block(std::slice::from_ref(&good)).tx_results[0].code, 0);
    assert_eq!(chain.block(&[good]).tx_results[0].code, 32);
}

#[test]
fn a_block_has_gas_for_so_many() {
    let mut alice = Person::new("alice", 0);
    let mut chain = TestChain::with(genesis(&[&alice]), 250_000);
    let to = Person::new("bob", 1).id();
    let txs: Vec<_> = (0..12).map(|_| alice.sign(vec![alice.pay(&to, 1)])).collect();
    assert_eq!(chain.propose(&txs, 1 << 20), txs[..1]);
    assert_eq!(chain.propose(&txs, 100), Vec::<Vec<u8>>::new());
    let codes: Vec<_> = chain.block(&txs).tx_results.iter().map(|r| r.code).collect();
    assert!(codes.starts_with(&[0, 0]) && codes.ends_with(&[11]), "{codes:?}");
}

#[test]
fn the_better_fee_comes_first_and_a_sender_stays_in_order() {
    let (chain, mut alice, mut bob) = chain();
    let sign = |who: &mut Person, fee: u128| {
        who.sequence += 1;
        let pay = who.pay(&who.id(), 1);
        who.sign_with(vec![pay], who.sequence - 1, Fee::from_amount_and_gas(coin(fee), GAS), CHAIN_ID)
    };
    let (a1, a2) = (sign(&mut alice, 100), sign(&mut alice, 90_000));
    let (b1, b2) = (sign(&mut bob, 5_000), sign(&mut bob, 50));
    let proposed = chain.propose(&[a1.clone(), a2.clone(), b2.clone(), b1.clone()], 1 << 20);
    // bob's second came first: its sequence is not next, so his are left for another block.
    assert_eq!(proposed, [a1.clone(), a2.clone()]);
    assert_eq!(chain.propose(&[a1.clone(), a2.clone(), b1.clone(), b2.clone()], 1 << 20), [b1, a1, a2, b2]);
}
