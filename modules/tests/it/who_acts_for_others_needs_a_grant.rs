use super::ground::{BEGIN, Ground, any, at, person, shown};
use proptest::prelude::*;
use prost::Name as _;
use std::collections::BTreeMap;
use zektra_modules::authz::authorization::{Authorization, Left};
use zektra_modules::authz::{self, Authz, MOST_LEVELS, PRUNED_BY_BLOCK};
use zektra_modules::coin::{Coins, coin};
use zektra_modules::error::TxError;
use zektra_modules::module::Message;
use zektra_modules::{MODULES, Module as _, bank};
use zektra_proto::Any;
use zektra_proto::cosmos::authz::v1beta1::{
    GenericAuthorization, Grant, MsgExec, MsgExecResponse, MsgGrant, MsgRevoke, QueryGranteeGrantsRequest,
    QueryGranteeGrantsResponse, QueryGranterGrantsRequest, QueryGranterGrantsResponse, QueryGrantsRequest,
    QueryGrantsResponse,
};
use zektra_proto::cosmos::bank::v1beta1::{MsgMultiSend, MsgSend, SendAuthorization};
use zektra_proto::cosmos::staking::v1beta1::stake_authorization::{Policy, Validators};
use zektra_proto::cosmos::staking::v1beta1::{AuthorizationType, MsgDelegate, StakeAuthorization};

const SEND: &str = "/cosmos.bank.v1beta1.MsgSend";
const MULTI: &str = "/cosmos.bank.v1beta1.MsgMultiSend";

fn ground() -> Ground {
    let mut ground = Ground::new();
    let genesis = bank::Bank.default_genesis("uzektra");
    ground.with(|ctx| Ok(bank::Bank.init_genesis(ctx, &genesis).unwrap())).unwrap();
    ground.with(|ctx| bank::mint(ctx, &person(1), &Coins::one("uzektra", 1000))).unwrap();
    ground
}

fn generic(url: &str) -> Any {
    any(&GenericAuthorization { msg: url.into() })
}

fn grant(ground: &mut Ground, from: u8, to: u8, what: Any, end: Option<i64>) -> Result<(), TxError> {
    let (granter, grantee) = (ground.text(from), ground.text(to));
    let grant = Some(Grant { authorization: Some(what), expiration: end.map(at) });
    let done = ground.send(MsgGrant { granter, grantee, grant });
    Authz.check_invariants(&ground.state).unwrap();
    done.map(drop)
}

fn pay(ground: &Ground, from: u8, to: u8, amount: u128) -> Any {
    let (from_address, to_address) = (ground.text(from), ground.text(to));
    any(&MsgSend { from_address, to_address, amount: vec![coin("uzektra", amount)] })
}

fn exec(ground: &mut Ground, who: u8, msgs: Vec<Any>) -> Result<MsgExecResponse, TxError> {
    let grantee = ground.text(who);
    let done = ground.send(MsgExec { grantee, msgs });
    Authz.check_invariants(&ground.state).unwrap();
    done
}

fn held(ground: &Ground, who: u8) -> u128 {
    bank::balance(&ground.state, &person(who), "uzektra").unwrap()
}

fn coded(error: &TxError) -> (&str, u32) {
    (error.codespace, error.code)
}

/// Only in transactions of their own are they counted, and verified before a vote.
#[test]
fn and_proofs_are_brought_by_whoever_signs() {
    let mut ground = ground();
    let carriers = MODULES.iter().flat_map(|m| m.messages()).filter(Message::carries_proof).map(|m| m.name());
    let carriers: Vec<_> = carriers.collect();
    assert_eq!(carriers, ["zektra.training.v1.MsgSubmitPart", "zektra.vault.v1.MsgSealDataset"]);
    for name in carriers {
        let inner = Any { type_url: format!("/{name}"), value: vec![] };
        let msgs = vec![pay(&ground, 1, 3, 5), inner.clone()];
        let refused = exec(&mut ground, 1, msgs).unwrap_err();
        assert_eq!(coded(&refused), ("sdk", 18), "{name}");
        assert!(refused.log.contains("expected no message with a proof within another"), "{}", refused.log);
        // However deep.
        let within = MsgExec { grantee: ground.text(1), msgs: vec![inner] };
        let refused = exec(&mut ground, 1, vec![any(&within)]).unwrap_err();
        assert!(refused.log.contains("expected no message with a proof within another"), "{}", refused.log);
    }
    assert_eq!(held(&ground, 3), 0);
}

#[test]
fn unless_it_is_its_own() {
    let mut ground = ground();
    let (own, others) = (pay(&ground, 1, 3, 5), pay(&ground, 2, 3, 5));
    let done = exec(&mut ground, 1, vec![own.clone(), own.clone()]).unwrap();
    assert_eq!(done.results, [vec![], vec![]]);
    assert_eq!(held(&ground, 3), 10);
    let events = shown(&ground.events);
    assert!(events.iter().any(|e| e.contains("amount=5uzektra,authz_msg_index=0}")), "{events:?}");
    assert!(events.iter().any(|e| e.contains("amount=5uzektra,authz_msg_index=1}")), "{events:?}");
    // All or nothing.
    let refused = exec(&mut ground, 1, vec![own, others]).unwrap_err();
    assert_eq!(coded(&refused), ("authz", 2));
    assert!(refused.log.ends_with(": authorization not found"));
    assert_eq!(held(&ground, 3), 10);
}

#[test]
fn a_grant_is_for_one_type_and_ends() {
    let mut ground = ground();
    grant(&mut ground, 1, 2, generic(SEND), Some(BEGIN + 10)).unwrap();
    let (a, b) = (ground.text(1), ground.text(2));
    let told =
        |kind: &str| format!("cosmos.authz.v1beta1.{kind}{{grantee=\"{b}\",granter=\"{a}\",msg_type_url=\"{SEND}\"}}");
    assert_eq!(shown(&ground.events), [told("EventGrant")]);
    let send = pay(&ground, 1, 3, 5);
    exec(&mut ground, 2, vec![send.clone()]).unwrap();
    let other = exec(&mut ground, 3, vec![send.clone()]).unwrap_err();
    assert_eq!(coded(&other), ("authz", 2));
    ground.block.time = at(BEGIN + 10);
    exec(&mut ground, 2, vec![send.clone()]).unwrap();
    ground.block.time = at(BEGIN + 11);
    let late = exec(&mut ground, 2, vec![send.clone()]).unwrap_err();
    assert_eq!((coded(&late), &late.log[..]), (("authz", 6), "authorization expired"));
    let past = grant(&mut ground, 1, 2, generic(SEND), Some(BEGIN + 11)).unwrap_err();
    assert_eq!(coded(&past), ("authz", 3));
    let text = "expiration must be after the current block time (2023-11-14T22:13:31Z), got 2023-11-14T22:13:31Z";
    assert!(past.log.starts_with(text), "{}", past.log);
    // A new grant takes the place of the old one, its end with it.
    grant(&mut ground, 1, 2, generic(SEND), None).unwrap();
    ground.with(|ctx| Authz.begin_block(ctx)).unwrap();
    exec(&mut ground, 2, vec![send.clone()]).unwrap();
    let message = MsgRevoke { granter: a.clone(), grantee: b.clone(), msg_type_url: SEND.into() };
    ground.send(message.clone()).unwrap();
    assert_eq!(shown(&ground.events), [told("EventRevoke")]);
    assert_eq!(coded(&ground.send(message).unwrap_err()), ("authz", 2));
    assert_eq!(coded(&exec(&mut ground, 2, vec![send]).unwrap_err()), ("authz", 2));
}

#[test]
fn payments_stay_within_their_limit() {
    let mut ground = ground();
    let limit = |amount: u128, allow_list: Vec<String>| {
        any(&SendAuthorization { spend_limit: vec![coin("uzektra", amount)], allow_list })
    };
    let list = vec![ground.text(3)];
    grant(&mut ground, 1, 2, limit(10, list.clone()), None).unwrap();
    let (to_three, to_four) = (pay(&ground, 1, 3, 4), pay(&ground, 1, 4, 4));
    assert_eq!(coded(&exec(&mut ground, 2, vec![to_four]).unwrap_err()), ("sdk", 4));
    exec(&mut ground, 2, vec![to_three.clone(), to_three.clone()]).unwrap();
    let left = authz::grant(&ground.state, &person(1), &person(2), SEND).unwrap().unwrap();
    assert_eq!(left.authorization, Some(limit(2, list.clone())));
    let more = exec(&mut ground, 2, vec![to_three]).unwrap_err();
    assert_eq!(
        (coded(&more), &more.log[..]),
        (("sdk", 5), "requested amount is more than spend limit: insufficient funds")
    );
    let rest = pay(&ground, 1, 3, 2);
    exec(&mut ground, 2, vec![rest]).unwrap();
    assert_eq!(authz::grant(&ground.state, &person(1), &person(2), SEND).unwrap(), None);
    assert!(shown(&ground.events)[0].starts_with("cosmos.authz.v1beta1.EventRevoke{grantee="));
    let twice = grant(&mut ground, 1, 2, limit(1, [list.clone(), list.clone()].concat()), None).unwrap_err();
    assert_eq!(coded(&twice), ("bank", 8));
    // An address in capitals is the same one.
    let capitals = vec![list[0].to_uppercase()];
    let twice = grant(&mut ground, 1, 2, limit(1, [list, capitals.clone()].concat()), None).unwrap_err();
    assert_eq!(coded(&twice), ("bank", 8));
    grant(&mut ground, 1, 2, limit(1, capitals), None).unwrap();
    let last = pay(&ground, 1, 3, 1);
    exec(&mut ground, 2, vec![last]).unwrap();
    let none = any(&SendAuthorization::default());
    assert_eq!(coded(&grant(&mut ground, 1, 2, none, None).unwrap_err()), ("sdk", 10));
}

#[test]
fn delegations_stay_within_theirs() {
    let mut ground = ground();
    let operator = |who: u8| Ground::new().prefix.operator_text(&person(who));
    let stake = |policy: Option<Policy>, most: Option<u128>| {
        let mut a = StakeAuthorization { max_tokens: most.map(|m| coin("uzektra", m)), policy, authorization_type: 0 };
        a.set_authorization_type(AuthorizationType::Delegate);
        Authorization::Stake(a)
    };
    let list = |who: u8| Validators { address: vec![operator(who)] };
    let delegate = |who: u8, amount: u128| {
        let (delegator_address, validator_address) = (Ground::new().text(1), operator(who));
        any(&MsgDelegate { delegator_address, validator_address, amount: Some(coin("uzektra", amount)) })
    };
    let mut accept = |a: &Authorization, message: Any| ground.with(|ctx| a.accept(ctx, &message));
    let allow = stake(Some(Policy::AllowList(list(7))), Some(10));
    let less = stake(Some(Policy::AllowList(list(7))), Some(6));
    assert_eq!(accept(&allow, delegate(7, 4)), Ok(Left::Less(less)));
    assert_eq!(accept(&allow, delegate(7, 10)), Ok(Left::None));
    assert_eq!(coded(&accept(&allow, delegate(7, 11)).unwrap_err()), ("sdk", 5));
    assert_eq!(coded(&accept(&allow, delegate(8, 1)).unwrap_err()), ("sdk", 4));
    let deny = stake(Some(Policy::DenyList(list(7))), None);
    assert_eq!(accept(&deny, delegate(8, 1)), Ok(Left::Same));
    assert_eq!(coded(&accept(&deny, delegate(7, 1)).unwrap_err()), ("sdk", 4));
    let capitals = |who: u8| Validators { address: vec![operator(who).to_uppercase()] };
    let deny = stake(Some(Policy::DenyList(capitals(7))), None);
    assert_eq!(coded(&accept(&deny, delegate(7, 1)).unwrap_err()), ("sdk", 4));
    assert_eq!(accept(&stake(None, None), delegate(7, u128::MAX)), Ok(Left::Same));
    assert_eq!(allow.url().unwrap(), format!("/{}", MsgDelegate::full_name()));
    let prefix = Ground::new().prefix;
    let unsaid = Authorization::Stake(StakeAuthorization::default()).check(&prefix).unwrap_err();
    assert_eq!(coded(&unsaid), ("authz", 4));
}

#[test]
fn what_cannot_be_granted_is_refused() {
    let mut ground = ground();
    let cases = [
        (generic("/cosmos.nothing.v1.MsgNothing"), ("sdk", 29)),
        (generic("cosmos.bank.v1beta1.MsgSend"), ("sdk", 29)),
        (generic(""), ("sdk", 29)),
        (any(&MsgRevoke::default()), ("sdk", 29)),
    ];
    for (what, code) in cases {
        assert_eq!(coded(&grant(&mut ground, 1, 2, what, None).unwrap_err()), code);
    }
    assert_eq!(coded(&grant(&mut ground, 1, 1, generic(SEND), None).unwrap_err()), ("authz", 7));
    assert_eq!(coded(&grant(&mut ground, 1, 2, generic(SEND), Some(i64::MAX)).unwrap_err()), ("sdk", 18));
    assert_eq!(coded(&exec(&mut ground, 1, vec![]).unwrap_err()), ("sdk", 18));
    let nothing = Any { type_url: "/a.B".into(), value: vec![] };
    assert_eq!(coded(&exec(&mut ground, 1, vec![nothing]).unwrap_err()), ("sdk", 6));
    let wrong = any(&MsgSend::default());
    assert!(exec(&mut ground, 1, vec![wrong]).unwrap_err().log.starts_with("msg 0: invalid from address"));
}

#[test]
fn levels_are_counted() {
    let mut ground = ground();
    let mut message = pay(&ground, 1, 3, 5);
    for level in 1..=MOST_LEVELS + 1 {
        let exec = MsgExec { grantee: ground.text(1), msgs: vec![message] };
        let done = ground.send(exec.clone());
        assert_eq!(done.is_ok(), level <= MOST_LEVELS, "{level}: {done:?}");
        message = any(&exec);
    }
    assert_eq!(held(&ground, 3), 5 * MOST_LEVELS as u128);
    // Who acts for one who acts for a third needs a grant from each.
    grant(&mut ground, 1, 2, generic(SEND), None).unwrap();
    let inner = any(&MsgExec { grantee: ground.text(2), msgs: vec![pay(&ground, 1, 3, 1)] });
    assert_eq!(coded(&exec(&mut ground, 4, vec![inner.clone()]).unwrap_err()), ("authz", 2));
    grant(&mut ground, 2, 4, generic("/cosmos.authz.v1beta1.MsgExec"), None).unwrap();
    exec(&mut ground, 4, vec![inner]).unwrap();
}

#[test]
fn what_has_ended_is_removed_bit_by_bit() {
    let mut ground = ground();
    let many = PRUNED_BY_BLOCK + 30;
    for k in 0..many {
        let granter = ground.prefix.text(&zektra_modules::address::Address::of_module(&k.to_string()));
        let grant = Some(Grant { authorization: Some(generic(SEND)), expiration: Some(at(BEGIN + 3)) });
        let grantee = ground.text(2);
        ground.send(MsgGrant { granter, grantee, grant }).unwrap();
    }
    ground.round_trip(&Authz);
    let count = |ground: &Ground| {
        Authz.check_invariants(&ground.state).unwrap();
        let pagination =
            Some(zektra_proto::cosmos::base::query::v1beta1::PageRequest { limit: 1000, ..Default::default() });
        let request = QueryGranteeGrantsRequest { grantee: ground.text(2), pagination };
        ground.ask::<_, QueryGranteeGrantsResponse>(&Authz, "GranteeGrants", &request).unwrap().grants.len()
    };
    for (time, left) in [(3, many), (4, 30), (4, 0)] {
        ground.block.time = at(BEGIN + time);
        ground.with(|ctx| Authz.begin_block(ctx)).unwrap();
        assert_eq!(count(&ground), left);
    }
}

#[test]
fn queries_find_grants_from_both_sides() {
    let mut ground = ground();
    for (from, to, url) in [(1, 2, SEND), (1, 2, MULTI), (1, 3, SEND), (4, 2, SEND)] {
        grant(&mut ground, from, to, generic(url), None).unwrap();
    }
    let (granter, grantee) = (ground.text(1), ground.text(2));
    let mut request = QueryGrantsRequest { granter: granter.clone(), grantee: grantee.clone(), ..Default::default() };
    let all: QueryGrantsResponse = ground.ask(&Authz, "Grants", &request).unwrap();
    assert_eq!(all.grants.len(), 2);
    request.msg_type_url = MULTI.into();
    let one: QueryGrantsResponse = ground.ask(&Authz, "Grants", &request).unwrap();
    assert_eq!(one.grants[0].authorization, Some(generic(MULTI)));
    request.msg_type_url = "/a.B".into();
    let none = ground.ask::<_, QueryGrantsResponse>(&Authz, "Grants", &request).unwrap_err();
    assert_eq!(none.message, "authorization not found for /a.B type: authorization not found");
    let request = QueryGranterGrantsRequest { granter, pagination: None };
    let by: QueryGranterGrantsResponse = ground.ask(&Authz, "GranterGrants", &request).unwrap();
    let seen: Vec<_> = by.grants.iter().map(|g| &g.grantee).collect();
    assert_eq!(seen, [&ground.text(2), &ground.text(2), &ground.text(3)]);
    let request = QueryGranteeGrantsRequest { grantee, pagination: None };
    let of: QueryGranteeGrantsResponse = ground.ask(&Authz, "GranteeGrants", &request).unwrap();
    let seen: Vec<_> = of.grants.iter().map(|g| &g.granter).collect();
    assert_eq!(seen, [&ground.text(1), &ground.text(1), &ground.text(4)]);
    ground.round_trip(&Authz);
}

#[derive(Clone, Debug)]
enum Act {
    Grant(u8, u8, bool, Option<i64>),
    Revoke(u8, u8, bool),
    Use(u8, u8),
    Wait(i64),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let who = 1u8..4;
    let act = prop_oneof![
        3 => (who.clone(), who.clone(), any_bool(), prop::option::of(0i64..15)).prop_map(|(f, t, m, e)| Act::Grant(f, t, m, e)),
        1 => (who.clone(), who.clone(), any_bool()).prop_map(|(f, t, m)| Act::Revoke(f, t, m)),
        3 => (who.clone(), who).prop_map(|(f, t)| Act::Use(f, t)),
        2 => (0i64..6).prop_map(Act::Wait),
    ];
    prop::collection::vec(act, 1..50)
}

fn any_bool() -> impl Strategy<Value = bool> {
    proptest::bool::ANY
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn that_has_not_ended(acts in acts()) {
        let mut ground = ground();
        for who in 2..4 {
            ground.with(|ctx| bank::mint(ctx, &person(who), &Coins::one("uzektra", 1000))).unwrap();
        }
        let mut model: BTreeMap<(u8, u8, bool), Option<i64>> = BTreeMap::new();
        let mut now = BEGIN;
        let url = |multi: bool| if multi { MULTI } else { SEND };
        let multi_send = any(&MsgMultiSend::default());
        prop_assert_eq!(&multi_send.type_url[..], MULTI);
        for act in acts {
            match act {
                Act::Grant(from, to, multi, end) => {
                    let end = end.map(|end| now + end);
                    let done = grant(&mut ground, from, to, generic(url(multi)), end);
                    let right = from != to && end.is_none_or(|end| end > now);
                    prop_assert_eq!(done.is_ok(), right);
                    if right {
                        model.insert((from, to, multi), end);
                    }
                }
                Act::Revoke(from, to, multi) => {
                    let (granter, grantee) = (ground.text(from), ground.text(to));
                    let done = ground.send(MsgRevoke { granter, grantee, msg_type_url: url(multi).into() });
                    prop_assert_eq!(done.is_ok(), model.remove(&(from, to, multi)).is_some());
                }
                Act::Use(from, to) => {
                    let send = pay(&ground, from, 9, 1);
                    let may = from == to || model.get(&(from, to, false)).is_some_and(|end| end.is_none_or(|end| end >= now));
                    prop_assert_eq!(exec(&mut ground, to, vec![send]).is_ok(), may);
                }
                Act::Wait(by) => {
                    now += by;
                    ground.block.time = at(now);
                    ground.with(|ctx| Authz.begin_block(ctx)).unwrap();
                    model.retain(|_, end| end.is_none_or(|end| end >= now));
                }
            }
            Authz.check_invariants(&ground.state).unwrap();
            for from in 1..4 {
                for to in 1..4 {
                    for multi in [false, true] {
                        let found = authz::grant(&ground.state, &person(from), &person(to), url(multi)).unwrap();
                        let wanted = model.get(&(from, to, multi)).map(|end| end.map(at));
                        prop_assert_eq!(found.map(|g| g.expiration), wanted);
                    }
                }
            }
        }
        ground.round_trip(&Authz);
    }
}
