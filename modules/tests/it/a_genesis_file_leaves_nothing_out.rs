use crate::ground::{Ground, person};
use crate::signers::{Chain, STAKE, coin, operator};
use zektra_modules::{Module as _, power, staking};
use zektra_proto::Timestamp;
use zektra_proto::cosmos::staking::v1beta1::{MsgCancelUnbondingDelegation, MsgUndelegate};
use zektra_state::{Order, scan_prefix};

#[test]
fn such_as_the_time_at_which_a_multiplier_was_set() {
    let mut ground = Ground::new();
    ground.block.time = Timestamp { seconds: 1_700_000_000, nanos: 7 };
    let genesis = power::Power.default_genesis("uzektra");
    ground.with(|ctx| Ok(power::Power.init_genesis(ctx, &genesis).unwrap())).unwrap();
    ground.with(|ctx| power::set(ctx, &person(1), 12_000)).unwrap();
    ground.block.time.seconds += 1000;
    ground.round_trip(&power::Power);
}

#[test]
fn and_the_queue_holds_nothing_that_was_cancelled() {
    let mut chain = Chain::new(2);
    let delegator_address = chain.prefix.text(&operator(1));
    let validator_address = chain.prefix.operator_text(&operator(1));
    let cancelled = |creation_height| MsgCancelUnbondingDelegation {
        delegator_address: delegator_address.clone(),
        validator_address: validator_address.clone(),
        amount: Some(coin(STAKE / 4)),
        creation_height,
    };
    let queued = |chain: &Chain| scan_prefix(&chain.state, staking::keys::UNBONDING_QUEUE, Order::Ascending).count();
    let mut heights = vec![];
    for _ in 0..2 {
        chain.next(&[], vec![]);
        heights.push(chain.block.height as i64);
        let (delegator_address, validator_address) = (delegator_address.clone(), validator_address.clone());
        chain.run(MsgUndelegate { delegator_address, validator_address, amount: Some(coin(STAKE / 4)) }).unwrap();
    }
    assert_eq!(queued(&chain), 2);
    for (left, height) in [1, 0].into_iter().zip(heights) {
        chain.run(cancelled(height)).unwrap();
        assert_eq!(queued(&chain), left);
    }
}
