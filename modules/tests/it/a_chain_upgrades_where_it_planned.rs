use super::ground::{Ground, shown};
use proptest::prelude::*;
use zektra_modules::authority::authority;
use zektra_modules::context::Context;
use zektra_modules::error::TxError;
use zektra_modules::upgrade::{self, Info, Migration, Upgrade, is_halt};
use zektra_modules::{MODULES, Module as _};
use zektra_proto::cosmos::upgrade::v1beta1::{
    ModuleVersion, MsgCancelUpgrade, MsgSoftwareUpgrade, Plan, QueryAppliedPlanRequest, QueryAppliedPlanResponse,
    QueryAuthorityRequest, QueryAuthorityResponse, QueryCurrentPlanRequest, QueryCurrentPlanResponse,
    QueryModuleVersionsRequest, QueryModuleVersionsResponse,
};
use zektra_state::StateRead as _;

fn mark(ctx: &mut Context<'_>) -> Result<(), TxError> {
    let before = ctx.state.get(b"mark")?.unwrap_or_default();
    Ok(ctx.state.put(b"mark".to_vec(), [&before[..], b"x"].concat())?)
}

const ALL: &[Migration] = &[Migration { name: "one", run: mark }, Migration { name: "two", run: mark }];

/// The program that knows so many upgrades.
fn program(ground: &mut Ground, known: usize) {
    ground.block.migrations = &ALL[..known];
}

fn planned(ground: &mut Ground, name: &str, height: i64) -> Result<(), TxError> {
    let plan = Some(Plan { name: name.into(), height, info: "get it".into(), ..Plan::default() });
    let authority = ground.prefix.text(&authority());
    ground.send(MsgSoftwareUpgrade { authority, plan }).map(drop)
}

fn cancel(ground: &mut Ground) {
    let authority = ground.prefix.text(&authority());
    ground.send(MsgCancelUpgrade { authority }).unwrap();
}

fn begin(ground: &mut Ground) -> Result<(), TxError> {
    let done = ground.with(|ctx| Upgrade.begin_block(ctx));
    Upgrade.check_invariants(&ground.state).unwrap();
    done
}

fn marks(ground: &Ground) -> usize {
    ground.state.get(b"mark").unwrap().map_or(0, |mark| mark.len())
}

#[test]
fn and_halts_without_the_program() {
    let mut ground = Ground::new();
    planned(&mut ground, "one", 12).unwrap();
    begin(&mut ground).unwrap();
    program(&mut ground, 1);
    let early = begin(&mut ground).unwrap_err();
    assert!(is_halt(&early));
    let text =
        "BINARY UPDATED BEFORE TRIGGER! UPGRADE \"one\" - in binary but not executed on chain. Downgrade your binary";
    assert_eq!(early.log, text);
    program(&mut ground, 0);
    ground.block.height = 12;
    let late = begin(&mut ground).unwrap_err();
    assert!(is_halt(&late));
    assert_eq!(late.log, "UPGRADE \"one\" NEEDED at height: 12: get it");
    program(&mut ground, 1);
    begin(&mut ground).unwrap();
    assert_eq!(shown(&ground.events), ["upgrade{name=one,height=12,info=get it}"]);
    assert_eq!(marks(&ground), 1);
    ground.block.height = 13;
    begin(&mut ground).unwrap();
    assert_eq!(marks(&ground), 1);
    // The program of before executes this chain no more.
    program(&mut ground, 0);
    let old = begin(&mut ground).unwrap_err();
    assert!(is_halt(&old));
    assert_eq!(old.log, "wrong app version 0, upgrade handler is missing for one upgrade plan");
    let again = planned(&mut ground, "one", 20).unwrap_err();
    assert_eq!(again.log, "upgrade with name one has already been completed: invalid request");
    let info = upgrade::info(&ground.state, ALL).unwrap();
    assert_eq!(info, Info { plan: None, done: vec![("one".into(), 12)], known: vec!["one", "two"] });
}

#[test]
fn a_migration_that_fails_is_no_halt() {
    fn fails(_: &mut Context<'_>) -> Result<(), TxError> {
        Err(zektra_modules::error::Sdk::InvalidRequest.wrap("no"))
    }
    let mut ground = Ground::new();
    planned(&mut ground, "bad", 10).unwrap();
    ground.block.migrations = &[Migration { name: "bad", run: fails }];
    assert!(!is_halt(&begin(&mut ground).unwrap_err()));
    assert!(upgrade::plan(&ground.state).unwrap().is_some());
}

#[test]
#[allow(deprecated)]
fn only_the_authority_plans() {
    let mut ground = Ground::new();
    let plan = |name: &str, height| Plan { name: name.into(), height, ..Plan::default() };
    let (somebody, authority) = (ground.text(1), ground.prefix.text(&authority()));
    let theirs = MsgSoftwareUpgrade { authority: somebody.clone(), plan: Some(plan("a", 20)) };
    let refused = ground.send(theirs).unwrap_err();
    assert_eq!((refused.codespace, refused.code), ("gov", 13));
    assert_eq!(ground.send(MsgCancelUpgrade { authority: somebody }).unwrap_err().code, 13);
    let timed = Plan { time: Some(super::ground::at(5)), ..plan("a", 20) };
    let light = Plan { upgraded_client_state: Some(zektra_proto::Any::default()), ..plan("a", 20) };
    let cases = [
        (plan("", 20), "plan: name cannot be empty"),
        (plan("a", 0), "plan: height must be greater than 0"),
        (plan("a", -1), "plan: height must be greater than 0"),
        (timed, "plan: time-based upgrades have been deprecated in the SDK"),
        (light, "plan: upgrade logic for IBC has been moved to the IBC module"),
        (plan("a", 9), "upgrade cannot be scheduled in the past"),
    ];
    for (plan, text) in cases {
        let wrong = ground.send(MsgSoftwareUpgrade { authority: authority.clone(), plan: Some(plan) }).unwrap_err();
        assert_eq!(wrong.log, format!("{text}: invalid request"));
    }
    let go = Plan { time: Some(super::ground::at(-62_135_596_800)), ..plan("a", 20) };
    ground.send(MsgSoftwareUpgrade { authority, plan: Some(go) }).unwrap();
    assert_eq!(upgrade::plan(&ground.state).unwrap().unwrap().height, 20);
    cancel(&mut ground);
    assert_eq!(upgrade::plan(&ground.state).unwrap(), None);
}

#[test]
fn queries_tell_of_plans_and_versions() {
    let mut ground = Ground::new();
    ground.with(|ctx| Ok(Upgrade.init_genesis(ctx, &serde_json::Value::Null).unwrap())).unwrap();
    planned(&mut ground, "one", 10).unwrap();
    let current: QueryCurrentPlanResponse = ground.ask(&Upgrade, "CurrentPlan", &QueryCurrentPlanRequest {}).unwrap();
    assert_eq!(current.plan.unwrap().name, "one");
    program(&mut ground, 1);
    begin(&mut ground).unwrap();
    let applied = |ground: &Ground, name: &str| {
        let request = QueryAppliedPlanRequest { name: name.into() };
        ground.ask::<_, QueryAppliedPlanResponse>(&Upgrade, "AppliedPlan", &request).unwrap().height
    };
    assert_eq!((applied(&ground, "one"), applied(&ground, "two")), (10, 0));
    let versions = |name: &str| {
        let request = QueryModuleVersionsRequest { module_name: name.into() };
        ground.ask::<_, QueryModuleVersionsResponse>(&Upgrade, "ModuleVersions", &request)
    };
    assert_eq!(versions("").unwrap().module_versions.len(), MODULES.len());
    assert_eq!(versions("bank").unwrap().module_versions, [ModuleVersion { name: "bank".into(), version: 1 }]);
    let none = versions("nothing").unwrap_err();
    assert_eq!(none.message, "x/upgrade: QueryModuleVersions module nothing not found: not found");
    let authority: QueryAuthorityResponse = ground.ask(&Upgrade, "Authority", &QueryAuthorityRequest {}).unwrap();
    assert_eq!(authority.address, ground.prefix.text(&zektra_modules::authority::authority()));
}

#[test]
fn a_genesis_file_that_is_wrong_is_named() {
    let prefix = Ground::new().prefix;
    let cases = [
        (serde_json::json!([]), "upgrade"),
        (serde_json::json!({"plans": 1}), "upgrade.plans"),
        (serde_json::json!({"plan": {"name": "a"}}), "upgrade.plan"),
        (serde_json::json!({"done": [{"name": "a"}]}), "upgrade.done[0]"),
        (
            serde_json::json!({"done": [{"name": "a", "height": "1"}, {"name": "a", "height": "2"}]}),
            "upgrade.done[1].name",
        ),
    ];
    for (genesis, field) in cases {
        assert_eq!(Upgrade.check_genesis(&genesis, &prefix).unwrap_err().field, field);
    }
}

#[derive(Clone, Debug)]
enum Act {
    Plan(usize, i64),
    Cancel,
    Block(usize),
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn whatever_is_planned_and_run(acts in prop::collection::vec(prop_oneof![
        2 => (0usize..2, -2i64..4).prop_map(|(name, ahead)| Act::Plan(name, ahead)),
        1 => Just(Act::Cancel),
        4 => (0usize..=2).prop_map(Act::Block),
    ], 1..60)) {
        let mut ground = Ground::new();
        ground.with(|ctx| Ok(Upgrade.init_genesis(ctx, &serde_json::Value::Null).unwrap())).unwrap();
        let mut plan: Option<(usize, u64)> = None;
        let mut done: Vec<(usize, u64)> = vec![];
        for act in acts {
            let height = ground.block.height;
            match act {
                Act::Plan(name, ahead) => {
                    let at = height.checked_add_signed(ahead).unwrap();
                    let right = at >= height && done.iter().all(|(n, _)| *n != name);
                    prop_assert_eq!(planned(&mut ground, ALL[name].name, at as i64).is_ok(), right);
                    if right {
                        plan = Some((name, at));
                    }
                }
                Act::Cancel => {
                    cancel(&mut ground);
                    plan = None;
                }
                Act::Block(known) => {
                    program(&mut ground, known);
                    let before = ground.state.changes().clone();
                    let knows = |name: usize| name < known;
                    let due = plan.filter(|(_, at)| *at <= height);
                    let goes_on = match (due, plan) {
                        (Some((name, _)), _) => knows(name),
                        (None, plan) => {
                            done.last().is_none_or(|(last, _)| knows(*last)) && plan.is_none_or(|(name, _)| !knows(name))
                        }
                    };
                    let begun = begin(&mut ground);
                    prop_assert_eq!(begun.is_ok(), goes_on, "{:?}", begun);
                    if let Err(e) = begun {
                        prop_assert!(is_halt(&e));
                        prop_assert_eq!(ground.state.changes(), &before);
                        continue;
                    }
                    if let Some((name, _)) = due {
                        done.push((name, height));
                        plan = None;
                    }
                    ground.block.height += 1;
                }
            }
            let info = upgrade::info(&ground.state, &[]).unwrap();
            prop_assert_eq!(info.plan.map(|p| (p.name, p.height as u64)), plan.map(|(n, at)| (ALL[n].name.to_string(), at)));
            let made: Vec<_> = done.iter().map(|(n, at)| (ALL[*n].name.to_string(), *at)).collect();
            prop_assert_eq!(info.done, made);
            prop_assert_eq!(marks(&ground), done.len());
        }
        ground.round_trip(&Upgrade);
    }
}
