use super::ground::{BEGIN, Ground, any, at, person, shown};
use proptest::prelude::*;
use zektra_modules::coin::{Coins, coin};
use zektra_modules::error::TxError;
use zektra_modules::feegrant::{self, Feegrant, PRUNED_BY_BLOCK};
use zektra_modules::{Module as _, auth};
use zektra_proto::cosmos::feegrant::v1beta1::{
    AllowedMsgAllowance, BasicAllowance, MsgGrantAllowance, MsgPruneAllowances, MsgRevokeAllowance, PeriodicAllowance,
    QueryAllowanceRequest, QueryAllowanceResponse, QueryAllowancesByGranterRequest, QueryAllowancesByGranterResponse,
    QueryAllowancesRequest, QueryAllowancesResponse,
};
use zektra_proto::{Any, Duration};

const SEND: &str = "/cosmos.bank.v1beta1.MsgSend";

fn grant(ground: &mut Ground, from: u8, to: u8, allowance: Any) -> Result<(), TxError> {
    let (granter, grantee) = (ground.text(from), ground.text(to));
    let done = ground.send(MsgGrantAllowance { granter, grantee, allowance: Some(allowance) });
    Feegrant.check_invariants(&ground.state).unwrap();
    done.map(drop)
}

fn pay(ground: &mut Ground, from: u8, to: u8, fee: u128) -> Result<(), TxError> {
    let done = ground.with(|ctx| feegrant::pay(ctx, &person(from), &person(to), &Coins::one("uzektra", fee), &[SEND]));
    Feegrant.check_invariants(&ground.state).unwrap();
    done
}

fn basic(limit: u128, end: Option<i64>) -> BasicAllowance {
    BasicAllowance { spend_limit: Coins::one("uzektra", limit).to_proto(), expiration: end.map(at) }
}

fn named(error: TxError) -> (String, u32, String) {
    (error.codespace.into(), error.code, error.log)
}

fn left(ground: &Ground) -> Option<Any> {
    feegrant::grant(&ground.state, &person(1), &person(2)).unwrap().map(|g| g.allowance.unwrap())
}

#[test]
fn until_nothing_is_left() {
    let mut ground = Ground::new();
    let missing = ("sdk".into(), 38, "fee-grant not found: not found".into());
    assert_eq!(named(pay(&mut ground, 1, 2, 1).unwrap_err()), missing);
    grant(&mut ground, 1, 2, any(&basic(10, Some(BEGIN + 5)))).unwrap();
    let (a, b) = (ground.text(1), ground.text(2));
    assert_eq!(shown(&ground.events), [format!("set_feegrant{{granter={a},grantee={b}}}")]);
    assert!(auth::account(&ground.state, &person(2)).unwrap().is_some());
    let again = grant(&mut ground, 1, 2, any(&basic(10, None))).unwrap_err();
    assert_eq!(named(again), ("sdk".into(), 18, "fee allowance already exists: invalid request".into()));
    pay(&mut ground, 1, 2, 4).unwrap();
    let told = |kind: &str| format!("{kind}{{granter={a},grantee={b}}}");
    assert_eq!(shown(&ground.events), [told("use_feegrant"), told("update_feegrant")]);
    assert_eq!(left(&ground), Some(any(&basic(6, Some(BEGIN + 5)))));
    let more = named(pay(&mut ground, 1, 2, 7).unwrap_err());
    assert_eq!(more, ("feegrant".into(), 2, "basic allowance: fee limit exceeded".into()));
    ground.block.time = at(BEGIN + 5);
    pay(&mut ground, 1, 2, 6).unwrap();
    assert_eq!(shown(&ground.events), [told("revoke_feegrant"), told("use_feegrant")]);
    assert_eq!(left(&ground), None);
    let past = grant(&mut ground, 1, 2, any(&basic(10, Some(BEGIN + 4)))).unwrap_err();
    assert_eq!(named(past), ("sdk".into(), 18, "expiration is before current block time: invalid request".into()));
}

#[test]
fn without_a_limit_and_without_an_end() {
    let mut ground = Ground::new();
    grant(&mut ground, 1, 2, any(&basic(0, None))).unwrap();
    pay(&mut ground, 1, 2, u128::MAX).unwrap();
    pay(&mut ground, 1, 2, 0).unwrap();
    assert_eq!(left(&ground), Some(any(&basic(0, None))));
    let (granter, grantee) = (ground.text(1), ground.text(2));
    ground.send(MsgRevokeAllowance { granter: granter.clone(), grantee: grantee.clone() }).unwrap();
    assert_eq!(left(&ground), None);
    let gone = ground.send(MsgRevokeAllowance { granter: granter.clone(), grantee }).unwrap_err();
    assert_eq!(gone.code, 38);
    let own = ground.send(MsgRevokeAllowance { granter: granter.clone(), grantee: granter }).unwrap_err();
    assert_eq!(named(own), ("sdk".into(), 7, "addresses must be different: invalid address".into()));
}

#[test]
fn for_these_messages_alone() {
    let allowed = |messages: &[&str], allowance: Any| AllowedMsgAllowance {
        allowance: Some(allowance),
        allowed_messages: messages.iter().map(|m| (*m).into()).collect(),
    };
    let mut ground = Ground::new();
    grant(&mut ground, 1, 2, any(&allowed(&[SEND], any(&basic(10, None))))).unwrap();
    pay(&mut ground, 1, 2, 1).unwrap();
    assert_eq!(left(&ground), Some(any(&allowed(&[SEND], any(&basic(9, None))))));
    grant(&mut ground, 3, 2, any(&allowed(&["/cosmos.gov.v1.MsgVote"], any(&basic(10, None))))).unwrap();
    let other = named(pay(&mut ground, 3, 2, 1).unwrap_err());
    let text = "message does not exist in allowed messages: message not allowed";
    assert_eq!(other, ("feegrant".into(), 7, text.into()));
    let none = grant(&mut ground, 4, 2, any(&allowed(&[], any(&basic(10, None))))).unwrap_err();
    assert_eq!((none.codespace, none.code), ("feegrant", 6));
    let mut deep = any(&basic(1, None));
    for _ in 0..5 {
        deep = any(&allowed(&[SEND], deep));
    }
    assert_eq!(named(grant(&mut ground, 4, 2, deep).unwrap_err()).1, 5);
}

#[test]
fn a_wrong_allowance_is_refused() {
    let periodic = |each: &str, all: &str, period: i64| PeriodicAllowance {
        basic: Some(BasicAllowance { spend_limit: vec![coin(all, 5)], expiration: None }),
        period: Some(Duration { seconds: period, nanos: 0 }),
        period_spend_limit: vec![coin(each, 1)],
        ..PeriodicAllowance::default()
    };
    let zero = BasicAllowance { spend_limit: vec![coin("uzektra", 0)], expiration: None };
    let cases = [
        (any(&zero), "sdk", 10),
        (any(&basic(1, Some(-1))), "feegrant", 4),
        (any(&basic(1, Some(i64::MAX))), "sdk", 18),
        (any(&periodic("uzektra", "other", 1)), "sdk", 10),
        (any(&periodic("uzektra", "uzektra", -1)), "feegrant", 4),
        (any(&periodic("uzektra", "uzektra", i64::MAX)), "sdk", 18),
        (any(&MsgPruneAllowances::default()), "feegrant", 5),
    ];
    let mut ground = Ground::new();
    for (allowance, codespace, code) in cases {
        let wrong = grant(&mut ground, 1, 2, allowance).unwrap_err();
        assert_eq!((wrong.codespace, wrong.code), (codespace, code), "{wrong}");
    }
    assert_eq!(named(grant(&mut ground, 1, 1, any(&basic(1, None))).unwrap_err()).1, 7);
    grant(&mut ground, 1, 2, any(&periodic("uzektra", "uzektra", 1))).unwrap();
}

#[test]
fn what_is_left_of_two_coins_goes_through_a_genesis_file() {
    let mut ground = Ground::new();
    let both = |amount| vec![coin("ufee", amount), coin("uzektra", amount)];
    let periodic = PeriodicAllowance {
        basic: Some(BasicAllowance { spend_limit: both(5), expiration: None }),
        period: Some(Duration { seconds: 1, nanos: 0 }),
        period_spend_limit: both(5),
        ..PeriodicAllowance::default()
    };
    grant(&mut ground, 1, 2, any(&periodic)).unwrap();
    pay(&mut ground, 1, 2, 5).unwrap();
    ground.round_trip(&Feegrant);
}

#[test]
fn what_has_ended_is_removed_bit_by_bit() {
    let mut ground = Ground::new();
    let many = PRUNED_BY_BLOCK + 30;
    let names: Vec<_> = (0..many).map(|k| zektra_modules::address::Address::of_module(&k.to_string())).collect();
    for name in &names {
        let (granter, grantee) = (ground.prefix.text(name), ground.text(2));
        let allowance = Some(any(&basic(1, Some(BEGIN + 3))));
        ground.send(MsgGrantAllowance { granter, grantee, allowance }).unwrap();
    }
    grant(&mut ground, 1, 2, any(&basic(1, Some(BEGIN + 9)))).unwrap();
    ground.round_trip(&Feegrant);
    let count = |ground: &Ground| {
        Feegrant.check_invariants(&ground.state).unwrap();
        names.iter().filter(|n| feegrant::grant(&ground.state, n, &person(2)).unwrap().is_some()).count()
    };
    ground.block.time = at(BEGIN + 3);
    ground.with(|ctx| Feegrant.end_block(ctx)).unwrap();
    assert_eq!(count(&ground), many);
    ground.block.time = at(BEGIN + 4);
    ground.with(|ctx| Feegrant.end_block(ctx)).unwrap();
    assert_eq!(count(&ground), many - PRUNED_BY_BLOCK);
    let pruner = ground.text(5);
    ground.send(MsgPruneAllowances { pruner: pruner.clone() }).unwrap();
    assert_eq!(shown(&ground.events), [format!("prune_feegrant{{pruner={pruner}}}")]);
    assert_eq!(count(&ground), 0);
    assert!(left(&ground).is_some());
}

#[test]
fn queries_find_grants_from_both_sides() {
    let mut ground = Ground::new();
    for (from, to) in [(1, 2), (1, 3), (4, 2)] {
        grant(&mut ground, from, to, any(&basic(u128::from(from), None))).unwrap();
    }
    let (granter, grantee) = (ground.text(1), ground.text(2));
    let one: QueryAllowanceResponse = ground
        .ask(&Feegrant, "Allowance", &QueryAllowanceRequest { granter: granter.clone(), grantee: grantee.clone() })
        .unwrap();
    assert_eq!(one.allowance.unwrap().allowance, Some(any(&basic(1, None))));
    let request = QueryAllowanceRequest { granter: grantee.clone(), grantee: granter.clone() };
    let none = ground.ask::<_, QueryAllowanceResponse>(&Feegrant, "Allowance", &request).unwrap_err();
    assert_eq!((none.code as u32, &none.message[..]), (13, "fee-grant not found: not found"));
    let request = QueryAllowancesRequest { grantee, pagination: None };
    let got: QueryAllowancesResponse = ground.ask(&Feegrant, "Allowances", &request).unwrap();
    assert_eq!(got.allowances.iter().map(|g| &g.granter).collect::<Vec<_>>(), [&ground.text(1), &ground.text(4)]);
    let request = QueryAllowancesByGranterRequest { granter, pagination: None };
    let issued: QueryAllowancesByGranterResponse = ground.ask(&Feegrant, "AllowancesByGranter", &request).unwrap();
    assert_eq!(issued.allowances.iter().map(|g| &g.grantee).collect::<Vec<_>>(), [&ground.text(2), &ground.text(3)]);
}

/// A periodic allowance of one denomination in whole seconds.
#[derive(Clone, Debug)]
struct Naive {
    all: Option<u128>,
    each: u128,
    left: u128,
    period: i64,
    next: i64,
    end: Option<i64>,
}

impl Naive {
    /// Pays, or says why not; `Ok(true)` if nothing is left.
    fn pay(&mut self, now: i64, fee: u128) -> Result<bool, u32> {
        if self.end.is_some_and(|end| now > end) {
            return Err(3);
        }
        let mut tried = self.clone();
        if now >= tried.next {
            tried.left = tried.all.map_or(tried.each, |all| all.min(tried.each));
            tried.next = if now > tried.next + tried.period { now } else { tried.next } + tried.period;
        }
        if fee > tried.left || tried.all.is_some_and(|all| fee > all) {
            return Err(2);
        }
        tried.left -= fee;
        tried.all = tried.all.map(|all| all - fee);
        *self = tried;
        Ok(self.all == Some(0))
    }

    fn message(&self) -> PeriodicAllowance {
        PeriodicAllowance {
            basic: Some(basic(self.all.unwrap_or(0), self.end)),
            period: Some(Duration { seconds: self.period, nanos: 0 }),
            period_spend_limit: Coins::one("uzektra", self.each).to_proto(),
            period_can_spend: Coins::one("uzektra", self.left).to_proto(),
            period_reset: Some(at(self.next)),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn in_each_period(
        all in prop::option::of(1u128..200),
        each in 1u128..50,
        first in 0u128..60,
        period in 0i64..20,
        next in -30i64..30,
        end in prop::option::of(0i64..200),
        steps in prop::collection::vec((0i64..12, 0u128..40), 1..40),
    ) {
        let end = end.map(|end| BEGIN + end);
        let mut naive = Naive { all, each, left: first, period, next: BEGIN + next, end };
        let mut ground = Ground::new();
        grant(&mut ground, 1, 2, any(&naive.message())).unwrap();
        let mut now = BEGIN;
        for (later, fee) in steps {
            now += later;
            ground.block.time = at(now);
            let wanted = naive.pay(now, fee);
            let done = pay(&mut ground, 1, 2, fee).map_err(|e| e.code);
            prop_assert_eq!(done, wanted.map(drop));
            if wanted == Ok(true) {
                prop_assert_eq!(left(&ground), None);
                return Ok(());
            }
            prop_assert_eq!(left(&ground), Some(any(&naive.message())));
        }
        ground.round_trip(&Feegrant);
    }
}
