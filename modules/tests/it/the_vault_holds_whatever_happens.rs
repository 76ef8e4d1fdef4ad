//! Random histories: after each step all must hold that ever must, and what jobs took is what is counted.

use crate::vault_world::{LINEAR, NATIVE, World, hash, key, seat, terms};
use proptest::collection::vec;
use proptest::prelude::*;
use std::collections::BTreeMap;
use zektra_modules::coin::coin;
use zektra_modules::error::TxError;
use zektra_modules::vault::{self, Use};
use zektra_proto::vault::v1::{
    MsgActivateDataset, MsgAdmitToSet, MsgCreateSet, MsgDropDraft, MsgLeaveSet, MsgRaiseAttempt, MsgRotateSeat,
    MsgUnpauseDataset, MsgWithdrawGrant, RevocationPolicy, Terms,
};

#[derive(Clone, Debug)]
enum Step {
    Register(u64),
    Rotate(u64, u64, u32),
    Create(u64, u8),
    Raise(u64),
    Drop(u64),
    Seal(u64),
    Attest(u8, u64),
    Activate(u64, u128),
    Pause(u64),
    Unpause(u64),
    Revoke(u64),
    Erase(u64),
    Grant(u64, [u64; 4], bool),
    Withdraw(u64),
    NewSet(bool),
    Admit(u64, u64),
    Join(u64, u64),
    Leave(u64, u64),
    Take(u64, [u64; 3]),
    End(usize, u64),
    Blocks(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let dataset = || 1..6u64;
    prop_oneof![
        2 => (0..5u64).prop_map(Step::Register),
        1 => (0..5u64, 5..9u64, 0..3u32).prop_map(|(old, new, epoch)| Step::Rotate(old, new, epoch)),
        4 => (0..3u64, 0..6u8).prop_map(|(key, name)| Step::Create(key, name)),
        1 => dataset().prop_map(Step::Raise),
        1 => dataset().prop_map(Step::Drop),
        4 => dataset().prop_map(Step::Seal),
        4 => (1..4u8, dataset()).prop_map(|(who, dataset)| Step::Attest(who, dataset)),
        5 => (dataset(), 9_999_999..400_000_000u128).prop_map(|(dataset, bond)| Step::Activate(dataset, bond)),
        1 => dataset().prop_map(Step::Pause),
        2 => dataset().prop_map(Step::Unpause),
        1 => dataset().prop_map(Step::Revoke),
        2 => dataset().prop_map(Step::Erase),
        4 => (dataset(), [0..3000u64, 1..40u64, 1..400u64, 0..60u64], any::<bool>())
            .prop_map(|(dataset, numbers, all)| Step::Grant(dataset, numbers, all)),
        1 => (1..8u64).prop_map(Step::Withdraw),
        1 => any::<bool>().prop_map(Step::NewSet),
        1 => (1..3u64, dataset()).prop_map(|(set, dataset)| Step::Admit(set, dataset)),
        2 => (1..3u64, dataset()).prop_map(|(set, dataset)| Step::Join(set, dataset)),
        1 => (1..3u64, dataset()).prop_map(|(set, dataset)| Step::Leave(set, dataset)),
        8 => (dataset(), [0..4000u64, 0..6u64, 0..60u64]).prop_map(|(dataset, numbers)| Step::Take(dataset, numbers)),
        4 => (any::<usize>(), 0..3u64).prop_map(|(job, back)| Step::End(job, back)),
        2 => (1..10u64).prop_map(Step::Blocks),
    ]
}

/// A job that holds a dataset.
struct Job {
    dataset: u64,
    grant: u64,
    passes: u64,
    opened: u64,
}

/// What jobs use, and have used for good: passes and coefficients of each grant.
#[derive(Default)]
struct Ledger {
    jobs: Vec<Job>,
    used: BTreeMap<u64, (u64, u64)>,
}

/// Seats of keys 0, 1, 2 are of the accounts 1, 2, 3, and so are their datasets.
fn owner(world: &World, dataset: u64) -> u8 {
    let record = vault::dataset(&world.ground.state, dataset).unwrap();
    let text = record.map(|r| r.owner).unwrap_or_default();
    (1..4).find(|k| world.text(*k) == text).unwrap_or(1)
}

fn make(world: &mut World, ledger: &mut Ledger, step: &Step) -> Result<(), TxError> {
    let of = |world: &World, dataset: u64| (owner(world, dataset), world.text(owner(world, dataset)));
    match *step {
        Step::Register(k) => world.register(k as u8 % 3 + 1, k),
        Step::Rotate(old, new, epoch) => {
            let owner = world.text(old as u8 % 3 + 1);
            let old_key = key(old).to_bytes().to_vec().into();
            world.send(MsgRotateSeat { owner, old_key, seat: Some(seat(new, epoch)) }).map(drop)
        }
        Step::Create(k, name) => world.create(k as u8 % 3 + 1, k, &format!("rows-{name}")).map(drop),
        Step::Raise(dataset) => world.send(MsgRaiseAttempt { owner: of(world, dataset).1, dataset }).map(drop),
        Step::Drop(dataset) => world.send(MsgDropDraft { owner: of(world, dataset).1, dataset }).map(drop),
        Step::Seal(dataset) => world.seal(owner(world, dataset), dataset),
        Step::Attest(who, dataset) => {
            world.name(of(world, dataset).0, dataset, &[who])?;
            world.attest(who, dataset)
        }
        Step::Activate(dataset, bond) => {
            let bond = Some(coin(NATIVE, bond));
            world.send(MsgActivateDataset { owner: of(world, dataset).1, dataset, bond }).map(drop)
        }
        Step::Pause(dataset) => world.pause(owner(world, dataset), dataset),
        Step::Unpause(dataset) => world.send(MsgUnpauseDataset { owner: of(world, dataset).1, dataset }).map(drop),
        Step::Revoke(dataset) => world.revoke(owner(world, dataset), dataset),
        Step::Erase(dataset) => world.erase(owner(world, dataset), dataset),
        Step::Grant(dataset, [min_rows, max_passes, privacy_budget, until_height], all) => {
            let grantee = if all { String::new() } else { world.text(2) };
            let on_revoke = if all { RevocationPolicy::Finish } else { RevocationPolicy::Abort }.into();
            let given = Terms { grantee, min_rows, max_passes, privacy_budget, until_height, on_revoke, ..terms() };
            world.grant(owner(world, dataset), dataset, given).map(drop)
        }
        Step::Withdraw(grant) => {
            let dataset = vault::grant(&world.ground.state, grant).unwrap().map_or(0, |g| g.dataset);
            world.send(MsgWithdrawGrant { owner: of(world, dataset).1, grant }).map(drop)
        }
        Step::NewSet(open) => {
            let (curator, name, schema) = (world.text(2), "all".into(), hash(9));
            world.send(MsgCreateSet { curator, name, schema, open }).map(drop)
        }
        Step::Admit(set, dataset) => world.send(MsgAdmitToSet { curator: world.text(2), set, dataset }).map(drop),
        Step::Join(set, dataset) => world.join(owner(world, dataset), set, dataset),
        Step::Leave(set, dataset) => world.send(MsgLeaveSet { sender: of(world, dataset).1, set, dataset }).map(drop),
        Step::Take(dataset, [rows, passes, opened]) => {
            let developer = crate::ground::person(if rows % 2 == 0 { 2 } else { 3 });
            let wanted = Use { developer: &developer, template: LINEAR, rows, passes, opened };
            let grant = world.take(dataset, &wanted)?.grant;
            ledger.jobs.push(Job { dataset, grant, passes, opened });
            let used = ledger.used.entry(grant).or_default();
            *used = (used.0 + passes, used.1 + opened);
            Ok(())
        }
        Step::End(job, back) => {
            if ledger.jobs.is_empty() {
                return Ok(());
            }
            let Job { dataset, grant, passes, opened } = ledger.jobs.remove(job % ledger.jobs.len());
            let (passes, opened) = (passes.min(back), opened.min(back));
            let used = ledger.used.get_mut(&grant).unwrap();
            *used = (used.0 - passes, used.1 - opened);
            world.act(|ground| {
                ground.with(|ctx| {
                    vault::give_back(ctx, grant, passes, opened)?;
                    vault::leave(ctx, dataset)
                })
            })
        }
        Step::Blocks(blocks) => {
            world.ground.block.height += blocks;
            Ok(())
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn and_counts_what_jobs_take(steps in vec(step(), 1..120)) {
        let (mut world, mut ledger) = (World::new(), Ledger::default());
        for k in 0..3 {
            world.register(k as u8 + 1, k).unwrap();
        }
        // Two datasets that jobs may use.
        for (owner, key) in [(1, 0), (2, 1)] {
            let dataset = world.active(owner, key, "first");
            world.grant(owner, dataset, terms()).unwrap();
        }
        for step in &steps {
            // Whether it is allowed or not: `World::act` checks the invariants.
            let _ = make(&mut world, &mut ledger, step);
            for dataset in 1..6 {
                let live = vault::dataset(&world.ground.state, dataset).unwrap().map_or(0, |r| r.live_jobs);
                prop_assert_eq!(live, ledger.jobs.iter().filter(|j| j.dataset == dataset).count() as u64);
            }
            for (grant, used) in &ledger.used {
                let found = vault::grant(&world.ground.state, *grant).unwrap().unwrap();
                prop_assert_eq!((found.passes_used, found.privacy_used), *used);
            }
        }
        world.round_trip();
    }
}
