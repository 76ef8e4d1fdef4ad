use crate::signers::{Chain, STAKE, coin, operator};
use zektra_modules::staking;
use zektra_proto::cosmos::slashing::v1beta1::MsgUnjail;
use zektra_proto::cosmos::staking::v1beta1::MsgUndelegate;

fn leave(chain: &mut Chain, k: u8) {
    let message = MsgUndelegate {
        delegator_address: chain.prefix.text(&operator(k)),
        validator_address: chain.prefix.operator_text(&operator(k)),
        amount: Some(coin(STAKE)),
    };
    chain.run(message).unwrap();
}

#[test]
fn the_last_validator_stays_until_another_comes() {
    let mut chain = Chain::new(2);
    let powers = |chain: &Chain| staking::set::last_powers(&chain.state).unwrap();
    leave(&mut chain, 1);
    chain.next(&[], vec![]);
    chain.end();
    assert_eq!(powers(&chain), [(operator(2), 1000)].into());
    leave(&mut chain, 2);
    chain.next(&[], vec![]);
    chain.end();
    // It has no stake left, and consensus was told nothing.
    assert_eq!(powers(&chain), [(operator(2), 1000)].into());
    assert_eq!(chain.validator(2).tokens, 0);
}

#[test]
fn those_that_are_jailed_together_stay_until_one_is_free() {
    let mut chain = Chain::new(3);
    chain.set_window(10, 50);
    for _ in 0..11 {
        chain.next(&[1, 2, 3], vec![]);
    }
    assert!([1, 2, 3].map(|k| chain.validator(k).jailed).iter().all(|jailed| *jailed));
    chain.end();
    assert_eq!(staking::set::last_powers(&chain.state).unwrap().len(), 3);
    chain.block.time.seconds += 1_000_000;
    let validator_addr = chain.prefix.operator_text(&operator(2));
    chain.run(MsgUnjail { validator_addr }).unwrap();
    chain.end();
    assert_eq!(staking::set::last_powers(&chain.state).unwrap().into_keys().collect::<Vec<_>>(), [operator(2)]);
}
