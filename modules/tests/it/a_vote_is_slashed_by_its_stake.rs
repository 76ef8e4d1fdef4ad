use crate::signers::{Chain, STAKE, operator};
use zektra_modules::address::Address;
use zektra_modules::{Module as _, power, staking};
use zektra_proto::power::v1::{GenesisState, Multiplier, Params};
use zektra_proto::tendermint::abci::{Misbehavior, MisbehaviorType, Validator};
use zektra_proto::{comet, json};

fn consensus(k: u8) -> Address {
    staking::validator::address_of(&[k; 32])
}

/// A chain whose first validator's stake weighs a quarter more in votes.
fn chain() -> Chain {
    let mut chain = Chain::new(4);
    let validator_address = chain.prefix.operator_text(&operator(1));
    let multipliers = vec![Multiplier { validator_address, multiplier: 12_500, from_height: 1, set_time: None }];
    let genesis = GenesisState { params: Some(Params { max_multiplier: 12_500 }), multipliers };
    let genesis = json::write(&genesis).unwrap();
    chain.with(|ctx| power::Power.init_genesis(ctx, &genesis)).unwrap();
    chain.powers.insert(consensus(1), 1250);
    chain
}

#[test]
fn and_not_by_its_weight_if_it_is_missing() {
    let mut chain = chain();
    chain.set_window(10, 50);
    for _ in 0..11 {
        chain.next(&[1, 2], vec![]);
    }
    let burned = (STAKE / 100).to_string();
    for (slash, power) in chain.events("slash").iter().zip(["1250", "1000"]) {
        assert_eq!((slash[1], slash[4]), (("power", power), ("burned_coins", &burned[..])));
    }
    assert_eq!(chain.events("slash").len(), 2);
    assert_eq!([1, 2].map(|k| chain.validator(k).tokens), [STAKE - STAKE / 100; 2]);
}

/// Evidence of two votes of the first validator.
fn accused(chain: &Chain, height: u64, power: i64) -> Misbehavior {
    let address = consensus(1).bytes().to_vec();
    Misbehavior {
        r#type: MisbehaviorType::DuplicateVote.into(),
        validator: Some(Validator { address: address.into(), power }),
        height: height as i64,
        time: Some(comet::Timestamp { seconds: chain.block.time.seconds, nanos: 0 }),
        total_voting_power: 3000 + power,
    }
}

#[test]
fn and_not_by_its_weight_if_there_are_two() {
    let mut chain = chain();
    for _ in 0..5 {
        chain.next(&[], vec![]);
    }
    let accused = accused(&chain, chain.block.height, 1250);
    chain.next(&[], vec![accused]);
    assert_eq!(chain.validator(1).tokens, STAKE - STAKE / 20);
}

#[test]
fn with_the_multiplier_of_the_height_that_it_was_cast_for() {
    // Set in a block, a multiplier is part of votes for the second block after it, and of none before.
    for (after, power) in [(0, 1000), (1, 1000), (2, 1250), (3, 1250)] {
        let mut chain = Chain::new(4);
        chain.next(&[], vec![]);
        chain.with(|ctx| power::set(ctx, &operator(1), 12_500)).unwrap();
        let set = chain.block.height;
        for _ in 0..5 {
            chain.next(&[], vec![]);
        }
        let accused = accused(&chain, set + after, power);
        chain.next(&[], vec![accused]);
        assert_eq!(chain.validator(1).tokens, STAKE - STAKE / 20, "{after} blocks after it was set");
    }
}

#[test]
fn with_a_multiplier_whose_last_block_came_long_after_the_next_was_set() {
    let mut chain = chain();
    chain.with(|ctx| power::set(ctx, &operator(1), 10_000)).unwrap();
    chain.block.time.seconds += 1_000_000;
    chain.next(&[], vec![]);
    let accused = accused(&chain, chain.block.height, 1250);
    for _ in 0..150 {
        chain.next(&[], vec![]);
    }
    for multiplier in [11_000, 12_000] {
        chain.with(|ctx| power::set(ctx, &operator(1), multiplier)).unwrap();
        chain.next(&[], vec![]);
    }
    // More blocks ago than evidence is taken, but not in time.
    chain.next(&[], vec![accused]);
    assert_eq!(chain.validator(1).tokens, STAKE - STAKE / 20);
}

#[test]
fn with_the_multiplier_of_the_height_that_it_missed() {
    for (after, power) in [(0, 1000), (1, 1000), (2, 1250), (3, 1250)] {
        let mut chain = Chain::new(4);
        chain.set_window(10, 50);
        for _ in 0..10 - after {
            chain.next(&[1], vec![]);
        }
        chain.with(|ctx| power::set(ctx, &operator(1), 12_500)).unwrap();
        for _ in 0..after {
            chain.next(&[1], vec![]);
        }
        // The commit of the block that was the last misses it once too often.
        chain.powers.insert(consensus(1), power);
        chain.next(&[1], vec![]);
        let burned = (STAKE / 100).to_string();
        assert_eq!(chain.events("slash")[0][4], ("burned_coins", &burned[..]), "{after} blocks after it was set");
    }
}
