use crate::ground::{person, shown};
use crate::vault_world::{DEVELOPER, LINEAR, OTHER, OWNER, World, code, developer, key, seat, terms, wanted};
use zektra_modules::error::TxError;
use zektra_modules::vault::{self, Use, error::Vault as Code};
use zektra_proto::vault::v1::{MsgRotateSeat, MsgWithdrawGrant, RevocationPolicy, Terms};
use zektra_statement::field::POLY_BYTES;

/// Dataset 1, active, under key 1.
fn world() -> World {
    let mut world = World::new();
    world.register(OWNER, 1).unwrap();
    world.active(OWNER, 1, "rows");
    world
}

fn withdraw(world: &mut World, grant: u64) -> Result<(), TxError> {
    world.send(MsgWithdrawGrant { owner: world.text(OWNER), grant }).map(drop)
}

fn still(world: &World, grant: u64) -> bool {
    vault::still_granted(&world.ground.state, 1, grant, world.ground.block.height).unwrap()
}

#[test]
fn and_a_job_gets_all_that_it_locks() {
    let (mut world, developer) = (world(), developer());
    world.grant(OWNER, 1, Terms { on_revoke: RevocationPolicy::Abort.into(), ..terms() }).unwrap();
    let granted = world.take(1, &wanted(&developer)).unwrap();
    assert_eq!(shown(&world.ground.events), ["vault_use_taken{dataset=1,grant=1,passes=2,opened=10}"]);
    assert_eq!((granted.number, granted.grant, &granted.owner), (1, 1, &person(OWNER)));
    assert_eq!((granted.dataset.rows, granted.dataset.groups, granted.dataset.owner_key), (1000, 8, key(1)));
    assert_eq!((granted.seat.key, granted.seat.epoch), (key(1), 0));
    // Features and moment of each tile.
    assert_eq!((granted.bytes, granted.on_revoke), (8 * 2 * POLY_BYTES as u64, RevocationPolicy::Abort));
    let grant = vault::grant(&world.ground.state, 1).unwrap().unwrap();
    assert_eq!((grant.passes_used, grant.privacy_used, world.record(1).live_jobs), (2, 10, 1));
    world.round_trip();
}

/// Each refusal has its own code.
#[test]
fn and_by_nobody_for_nothing_else() {
    let (mut world, developer, other) = (world(), developer(), person(OTHER));
    let usual = wanted(&developer);
    let refused = |world: &World, wanted: &Use<'_>| world.granted(1, wanted).unwrap_err();
    assert_eq!(code(world.granted(2, &usual)), Code::UnknownDataset as u32);
    assert_eq!(refused(&world, &usual).log, "dataset 1: nothing is granted");
    let grantee = world.text(DEVELOPER);
    let given = Terms { grantee, from_height: 20, until_height: 30, ..terms() };
    assert_eq!(world.grant(OWNER, 1, given).unwrap(), 1);
    world.ground.block.height = 25;
    world.granted(1, &usual).unwrap();
    let all = u64::MAX;
    for (wanted, code, log) in [
        (Use { developer: &other, ..usual }, Code::OtherGrantee, format!("it is for {}", world.text(DEVELOPER))),
        (
            Use { template: "free/1", ..usual },
            Code::TemplateNotGranted,
            r#""free/1", expected linear-classifier/1"#.into(),
        ),
        (
            Use { template: "cubic-classifier/1", ..usual },
            Code::TemplateNotGranted,
            r#""cubic-classifier/1", expected linear-classifier/1"#.into(),
        ),
        (Use { rows: 99, ..usual }, Code::TooFewRows, "99 rows in the job, expected at least 100".into()),
        (Use { passes: 11, ..usual }, Code::PassesSpent, "11 passes, expected at most 10".into()),
        (Use { passes: all, ..usual }, Code::PassesSpent, format!("{all} passes, expected at most 10")),
        (Use { opened: 1001, ..usual }, Code::PrivacySpent, "1001 coefficients, expected at most 1000".into()),
    ] {
        let error = refused(&world, &wanted);
        assert_eq!(error, code.wrap(format!("dataset 1, grant 1: {log}")));
    }
    for (height, code) in [(19, Code::GrantNotYet), (31, Code::GrantExpired)] {
        world.ground.block.height = height;
        assert_eq!(refused(&world, &usual).code, code as u32);
    }
    for height in [20, 30] {
        world.ground.block.height = height;
        world.granted(1, &usual).unwrap();
    }
    withdraw(&mut world, 1).unwrap();
    assert_eq!(refused(&world, &usual).code, Code::NoGrant as u32);
}

#[test]
fn until_it_is_spent_by_all_jobs_together() {
    let (mut world, developer) = (world(), developer());
    world.grant(OWNER, 1, terms()).unwrap();
    let usual = wanted(&developer);
    let half = Use { passes: 5, opened: 500, ..usual };
    world.take(1, &half).unwrap();
    world.take(1, &half).unwrap();
    assert_eq!(code(world.take(1, &usual)), Code::PassesSpent as u32);
    let none = Use { passes: 0, opened: 1, ..usual };
    assert_eq!(code(world.take(1, &none)), Code::PrivacySpent as u32);
    // What a job did not use comes back, and not more.
    let back = |world: &mut World, passes, opened| {
        world.act(|ground| ground.with(|ctx| vault::give_back(ctx, 1, passes, opened)))
    };
    assert_eq!(code(back(&mut world, 11, 0)), Code::Uncounted as u32);
    assert_eq!(code(back(&mut world, 0, 1001)), Code::Uncounted as u32);
    back(&mut world, 2, 10).unwrap();
    assert_eq!(shown(&world.ground.events), ["vault_use_given_back{grant=1,passes=2,opened=10}"]);
    world.take(1, &usual).unwrap();
    assert_eq!(world.record(1).live_jobs, 3);
    // What was granted is not what is there when another comes first.
    let mut world = self::world();
    world.grant(OWNER, 1, terms()).unwrap();
    let whole = Use { passes: 10, ..usual };
    let first = world.granted(1, &whole).unwrap();
    world.take(1, &usual).unwrap();
    let late = world.act(|ground| ground.with(|ctx| vault::take(ctx, &first, &whole)));
    assert_eq!(code(late), Code::PassesSpent as u32);
}

#[test]
fn by_the_first_grant_that_fits() {
    let (mut world, developer) = (world(), developer());
    let usual = wanted(&developer);
    world.grant(OWNER, 1, Terms { min_rows: 5000, ..terms() }).unwrap();
    world.grant(OWNER, 1, Terms { grantee: world.text(OTHER), ..terms() }).unwrap();
    // Of both refusals the one is told that came later.
    let told = "dataset 1, grant 1: 1000 rows in the job, expected at least 5000: too few rows";
    assert_eq!(world.granted(1, &usual).unwrap_err().log, told);
    world.grant(OWNER, 1, Terms { max_passes: 2, ..terms() }).unwrap();
    world.grant(OWNER, 1, terms()).unwrap();
    assert_eq!(world.take(1, &usual).unwrap().grant, 3);
    assert_eq!(world.take(1, &usual).unwrap().grant, 4);
    withdraw(&mut world, 4).unwrap();
    assert_eq!(code(withdraw(&mut world, 4)), Code::GrantWithdrawn as u32);
    assert_eq!(code(world.take(1, &usual)), Code::PassesSpent as u32);
    world.round_trip();
}

#[test]
fn and_its_use_ends_when_the_owner_says_so() {
    let (mut world, developer) = (world(), developer());
    let usual = wanted(&developer);
    for _ in 0..2 {
        world.grant(OWNER, 1, Terms { until_height: 30, ..terms() }).unwrap();
    }
    world.take(1, &usual).unwrap();
    world.pause(OWNER, 1).unwrap();
    assert_eq!(code(world.granted(1, &usual)), Code::Paused as u32);
    assert!(still(&world, 1));
    world.ground.block.height = 30;
    assert!(still(&world, 1));
    world.ground.block.height = 31;
    assert!(!still(&world, 1));
    world.ground.block.height = 20;
    withdraw(&mut world, 1).unwrap();
    assert!(!still(&world, 1) && still(&world, 2));
    world.revoke(OWNER, 1).unwrap();
    assert_eq!(code(world.granted(1, &usual)), Code::Revoked as u32);
    assert!(!still(&world, 2));
    // A job can still account for what it took.
    world.act(|ground| ground.with(|ctx| vault::give_back(ctx, 1, 1, 1))).unwrap();
    world.act(|ground| ground.with(|ctx| vault::leave(ctx, 1))).unwrap();
    let state = &world.ground.state;
    assert_eq!(code(vault::still_granted(state, 1, 3, 1)), Code::UnknownGrant as u32);
    assert_eq!(code(vault::still_granted(state, 2, 1, 1)), Code::UnknownDataset as u32);
    let second = world.active(OWNER, 1, "more");
    assert_eq!(code(vault::still_granted(&world.ground.state, second, 1, 1)), Code::UnknownGrant as u32);
}

#[test]
fn and_not_under_the_key_of_an_old_epoch() {
    let (mut world, developer) = (world(), developer());
    world.grant(OWNER, 1, terms()).unwrap();
    world.take(1, &wanted(&developer)).unwrap();
    let owner = world.text(OWNER);
    let old_key = key(1).to_bytes().to_vec().into();
    world.send(MsgRotateSeat { owner, old_key, seat: Some(seat(2, 1)) }).unwrap();
    let error = world.granted(1, &wanted(&developer)).unwrap_err();
    let text = format!("key {}: retired at height 10, followed by {}: seat is retired", key(1), key(2));
    assert_eq!((error.code, error.log), (Code::SeatRetired as u32, text));
    // The job that holds it goes on.
    assert!(still(&world, 1));
}

#[test]
fn and_a_dataset_has_so_many_grants_at_once() {
    let mut world = world();
    for _ in 0..256 {
        let (owner, terms) = (world.text(OWNER), Some(terms()));
        world.ground.send(zektra_proto::vault::v1::MsgGrantUse { owner, dataset: 1, terms }).unwrap();
    }
    assert_eq!(code(world.grant(OWNER, 1, terms())), Code::TooManyGrants as u32);
    withdraw(&mut world, 7).unwrap();
    assert_eq!(world.grant(OWNER, 1, Terms { templates: vec![LINEAR.into()], ..terms() }).unwrap(), 257);
    // One that has ended already would never hold.
    withdraw(&mut world, 8).unwrap();
    assert_eq!(code(world.grant(OWNER, 1, Terms { until_height: 9, ..terms() })), Code::InvalidGrant as u32);
}
