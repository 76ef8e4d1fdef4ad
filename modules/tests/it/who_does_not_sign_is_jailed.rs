use crate::signers::{Chain, DENOM, STAKE, coin, operator};
use proptest::prelude::*;
use std::collections::VecDeque;
use zektra_modules::coin::Coins;
use zektra_modules::query::{Code, QueryError};
use zektra_modules::slashing::Slashing;
use zektra_modules::{Module as _, slashing, staking};
use zektra_proto::Timestamp;
use zektra_proto::cosmos::slashing::v1beta1::{
    MsgUnjail, MsgUpdateParams, QuerySigningInfoRequest, QuerySigningInfoResponse, QuerySigningInfosRequest,
    QuerySigningInfosResponse,
};
use zektra_proto::cosmos::staking::v1beta1::{MsgCreateValidator, MsgUndelegate};

fn unjail(chain: &Chain, k: u8) -> MsgUnjail {
    MsgUnjail { validator_addr: chain.prefix.operator_text(&operator(k)) }
}

fn undelegate(chain: &Chain, k: u8, amount: u128) -> MsgUndelegate {
    MsgUndelegate {
        delegator_address: chain.prefix.text(&operator(k)),
        validator_address: chain.prefix.operator_text(&operator(k)),
        amount: Some(coin(amount)),
    }
}

#[test]
fn for_a_time_and_at_a_price() {
    let mut chain = Chain::new(3);
    chain.set_window(10, 50);
    let (text, start) = (chain.consensus_text(2), chain.block.height);
    assert_eq!(chain.info(2).start_height, start as i64);
    for missed in 1..=10 {
        chain.next(&[2], vec![]);
        let height = chain.block.height.to_string();
        let wanted = vec![("address", &text[..]), ("missed_blocks", &*missed.to_string()), ("height", &height)]
            .into_iter()
            .map(|(k, v)| (k.to_string(), v.to_string()))
            .collect::<Vec<_>>();
        let found: Vec<_> = chain.events("liveness")[0].iter().map(|(k, v)| (k.to_string(), v.to_string())).collect();
        assert_eq!(found, wanted);
        assert_eq!((chain.info(2).missed_blocks_counter, chain.info(2).index_offset), (missed, missed));
        assert!(!chain.validator(2).jailed, "not before the window is over");
    }
    chain.next(&[2], vec![]);
    assert_eq!(chain.block.height, start + 11);
    let burned = (STAKE / 100).to_string();
    let slash = [
        ("address", &text[..]),
        ("power", "1000"),
        ("reason", "missing_signature"),
        ("jailed", &text),
        ("burned_coins", &burned),
    ];
    assert_eq!(chain.events("slash"), [slash.to_vec()]);
    let validator = chain.validator(2);
    assert!(validator.jailed && !validator.is_bonded());
    assert_eq!(validator.tokens, STAKE - STAKE / 100);
    let until = Timestamp { seconds: chain.block.time.seconds + 600, ..chain.block.time };
    let info = chain.info(2);
    assert_eq!((info.missed_blocks_counter, info.index_offset, info.tombstoned), (0, 0, false));
    assert_eq!(info.jailed_until, Some(until));

    // In jail nothing is counted, and nothing ends it early.
    chain.next(&[], vec![]);
    assert_eq!(chain.info(2), info);
    let early = chain.run(unjail(&chain, 2)).unwrap_err();
    assert_eq!((early.codespace, early.code), ("slashing", 4));
    chain.block.time = Timestamp { nanos: until.nanos - 1, ..until };
    chain.run(unjail(&chain, 2)).unwrap_err();
    chain.block.time = until;
    chain.run(unjail(&chain, 2)).unwrap();
    chain.end();
    assert!(chain.validator(2).is_bonded());
    assert_eq!(chain.info(2).start_height, chain.block.height as i64);
    // The window begins anew.
    for _ in 0..10 {
        chain.next(&[2], vec![]);
    }
    assert!(!chain.validator(2).jailed);
    chain.next(&[2], vec![]);
    assert!(chain.validator(2).jailed);
}

#[test]
fn not_if_it_signs_enough() {
    let mut chain = Chain::new(2);
    chain.set_window(10, 50);
    for k in 0..60u64 {
        let absent: &[u8] = if k % 2 == 0 { &[1] } else { &[] };
        chain.next(absent, vec![]);
    }
    assert_eq!(chain.info(1).missed_blocks_counter, 5);
    assert_eq!(chain.info(1).index_offset, 60);
    assert!(!chain.validator(1).jailed);
}

#[test]
fn and_comes_back_only_with_stake_of_its_own() {
    let mut chain = Chain::new(3);
    let code = |chain: &mut Chain, k| {
        let message = unjail(chain, k);
        let e = chain.run(message).unwrap_err();
        (e.codespace, e.code)
    };
    assert_eq!(code(&mut chain, 9), ("staking", 3));
    assert_eq!(code(&mut chain, 1), ("slashing", 5));
    // Another delegator keeps the validator alive.
    let other = operator(2);
    chain
        .with(|ctx| {
            let from = staking::delegation::From::Account;
            staking::delegation::delegate(ctx, &other, STAKE, from, &operator(1))
        })
        .unwrap();
    chain
        .with(|ctx| {
            let mut validator = staking::known(ctx.state, &operator(1))?;
            staking::set::jail(ctx, &mut validator)
        })
        .unwrap();
    chain.run(undelegate(&chain, 1, STAKE)).unwrap();
    assert_eq!(code(&mut chain, 1), ("staking", 19));
    chain
        .with(|ctx| {
            let from = staking::delegation::From::Account;
            staking::delegation::delegate(ctx, &operator(1), 1, from, &operator(1))
        })
        .unwrap();
    chain.run(unjail(&chain, 1)).unwrap();
    chain.end();
    assert!(chain.validator(1).is_bonded());
}

#[test]
fn or_with_as_much_as_it_promised() {
    let mut chain = Chain::new(2);
    chain.with(|ctx| zektra_modules::bank::mint(ctx, &operator(3), &Coins::one(DENOM, STAKE))).unwrap();
    let least = STAKE.to_string();
    chain.run(MsgCreateValidator { min_self_delegation: least.clone(), ..chain.creation(3) }).unwrap();
    chain.end();
    chain.run(undelegate(&chain, 3, 1)).unwrap();
    assert!(chain.validator(3).jailed);
    let e = chain.run(unjail(&chain, 3)).unwrap_err();
    let text = "validator's self delegation less than minimum; cannot be unjailed";
    assert_eq!((e.code, e.log), (7, format!("{} less than {least}: {text}", STAKE - 1)));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(30))]

    #[test]
    fn by_a_count_of_the_last_blocks(acts in prop::collection::vec((1i64..14, any::<bool>(), any::<bool>()), 1..80)) {
        let mut chain = Chain::new(1);
        let (mut window, mut model) = (10, VecDeque::new());
        chain.set_window(window, 0);
        for (other, changes, missed) in acts {
            if changes {
                window = other;
                chain.set_window(window, 0);
                model.truncate(window as usize);
            }
            chain.next(if missed { &[1] } else { &[] }, vec![]);
            model.push_front(missed);
            model.truncate(window as usize);
            let wanted = model.iter().filter(|&&m| m).count() as i64;
            prop_assert_eq!(chain.info(1).missed_blocks_counter, wanted);
            prop_assert!(!chain.validator(1).jailed);
        }
    }
}

#[test]
fn and_all_of_it_is_in_a_genesis_file() {
    let mut chain = Chain::new(3);
    for k in 0..70 {
        chain.next(if k % 3 == 0 { &[1, 3] } else { &[2] }, vec![]);
    }
    let exported = Slashing.export_genesis(&chain.state, &chain.prefix).unwrap();
    Slashing.check_genesis(&exported, &chain.prefix).unwrap();
    let mut again = Chain::new(3);
    again.with(|ctx| Slashing.init_genesis(ctx, &exported)).unwrap();
    assert_eq!(Slashing.export_genesis(&again.state, &again.prefix).unwrap(), exported);
    Slashing.check_invariants(&again.state).unwrap();
    assert!(chain.info(2).missed_blocks_counter > 0);
    for k in 1..=3 {
        assert_eq!(again.info(k), chain.info(k));
    }
    for (path, value) in [
        ("/params/signed_blocks_window", "0"),
        ("/params/slash_fraction_downtime", "1.000000000000000001"),
        ("/params/downtime_jail_duration", "0s"),
        ("/signing_infos/0/address", "zektra1"),
        ("/signing_infos/0/validator_signing_info/missed_blocks_counter", "1"),
        ("/missed_blocks/0/missed_blocks/0/index", "100"),
        ("/missed_blocks/0/missed_blocks/0/index", "-1"),
    ] {
        let mut wrong = exported.clone();
        *wrong.pointer_mut(path).unwrap() = value.into();
        let e = Slashing.check_genesis(&wrong, &chain.prefix).unwrap_err();
        assert!(e.field.starts_with("slashing."), "{path}: {e}");
    }
}

#[test]
fn and_everybody_can_ask_for_it() {
    let chain = Chain::new(3);
    let ask = |cons_address: &str| {
        let request = QuerySigningInfoRequest { cons_address: cons_address.into() };
        chain.query::<_, QuerySigningInfoResponse>(&Slashing, "SigningInfo", &request)
    };
    assert_eq!(ask(&chain.consensus_text(1)).unwrap().val_signing_info, Some(chain.info(1)));
    let missing = chain.consensus_text(9);
    let message = format!("SigningInfo not found for validator {missing}");
    assert_eq!(ask(&missing), Err(QueryError { code: Code::NotFound, message }));
    assert_eq!(ask("").unwrap_err().code, Code::InvalidArgument);
    assert_eq!(ask("zektra1").unwrap_err().code, Code::InvalidArgument);
    let all: QuerySigningInfosResponse =
        chain.query(&Slashing, "SigningInfos", &QuerySigningInfosRequest::default()).unwrap();
    assert_eq!(all.info.len(), 3);
}

#[test]
fn by_rules_that_only_the_authority_changes() {
    let mut chain = Chain::new(1);
    let params = slashing::params(&chain.state).unwrap();
    let message = MsgUpdateParams { authority: chain.prefix.text(&operator(1)), params: Some(params.clone()) };
    assert_eq!(chain.run(message).unwrap_err().codespace, "gov");
    let authority = chain.prefix.text(&zektra_modules::authority::authority());
    for window in [0, -1] {
        let params =
            Some(zektra_proto::cosmos::slashing::v1beta1::Params { signed_blocks_window: window, ..params.clone() });
        let e = chain.run(MsgUpdateParams { authority: authority.clone(), params }).unwrap_err();
        assert_eq!(e.log, format!("signed blocks window must be positive: {window}: invalid request"));
    }
    // The largest window takes no room.
    chain.next(&[1], vec![]);
    chain.set_window(i64::MAX, 100);
    chain.next(&[1], vec![]);
    assert_eq!(chain.info(1).missed_blocks_counter, 2);
    assert!(!chain.validator(1).jailed);
}
