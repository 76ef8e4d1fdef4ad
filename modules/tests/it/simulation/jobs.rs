//! Messages about compute nodes and jobs.

use super::any;
use super::chance::Chance;
use super::data::{CURATOR, DEVELOPERS, OWNERS, seat_of};
use super::genesis::NATIVE;
use super::world::{World, account};
use crate::jobs::{ALL, circuits, rules, template};
use crate::releases;
use crate::vault_world::{LINEAR, hash};
use sha2::{Digest as _, Sha256};
use std::ops::Range;
use zektra_modules::address::Address;
use zektra_modules::coin::coin;
use zektra_modules::context::{last_number, load_all};
use zektra_modules::module::Handler;
use zektra_modules::proofs::{self, Accepted};
use zektra_modules::{compute, market, staking, training, vault};
use zektra_proto::Any;
use zektra_proto::compute::v1::{MsgAddBond, MsgLeave, MsgRegisterNode, MsgUpdateNode};
use zektra_proto::market::v1::{Kind, Listing};
use zektra_proto::training::v1::{
    ChainJob, JobStatus as Status, Member, MsgAnswerStall, MsgCancel, MsgJoin, MsgOrder, MsgRelease, MsgReportStall,
    MsgSubmitPart, MsgUpdateParams, Rules, Sealed,
};
use zektra_records::{job_from_pb, template_to_pb};
use zektra_state::{Order, scan_prefix};

pub const NODES: Range<u64> = 26..32;
/// Whoever has to do with datasets, nodes or jobs.
pub const PARTIES: Range<u64> = OWNERS.start..NODES.end;
const BOND: u128 = 2_000_000_000;

fn is_node(who: &Address) -> bool {
    NODES.contains(&(u64::from(who.bytes()[0]) - 1))
}

fn validator(world: &World, chance: &mut Chance) -> String {
    if chance.one_in(3) {
        return String::new();
    }
    let all = staking::validators(&world.state).unwrap();
    chance.of(&all).map(|v| world.operator_text(&v.operator)).unwrap_or_default()
}

pub fn register(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let new = MsgRegisterNode {
        operator: world.text(who),
        moniker: "node".into(),
        endpoint: "http://node:1".into(),
        validator: validator(world, chance),
        bond: Some(coin(NATIVE, BOND)),
        price: chance.below(6),
        max_jobs: chance.between(1, 12) as u32,
    };
    let none = compute::node(&world.state, who).unwrap().is_none();
    (is_node(who) && none).then(|| any(&new))
}

pub fn update(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    compute::node(&world.state, who).unwrap()?;
    Some(any(&MsgUpdateNode {
        operator: world.text(who),
        endpoint: "http://node:2".into(),
        price: chance.below(6),
        max_jobs: chance.between(1, 12) as u32,
        paused: chance.one_in(8),
        validator: validator(world, chance),
    }))
}

pub fn add_bond(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    compute::node(&world.state, who).unwrap()?;
    let amount = Some(coin(NATIVE, u128::from(chance.between(1, 500_000_000))));
    Some(any(&MsgAddBond { operator: world.text(who), amount }))
}

pub fn leave(world: &World, _: &mut Chance, who: &Address) -> Option<Any> {
    compute::node(&world.state, who).unwrap()?;
    Some(any(&MsgLeave { operator: world.text(who) }))
}

/// The jobs that are not over.
fn live(world: &World) -> Vec<ChainJob> {
    let all = scan_prefix(&world.state, training::keys::DUE, Order::Ascending);
    all.map(|entry| training::known(&world.state, last_number(&entry.unwrap().0).unwrap()).unwrap()).collect()
}

/// A job in this status, with what an account could do in it.
fn job_with<T>(
    world: &World,
    chance: &mut Chance,
    status: Status,
    act: impl Fn(&ChainJob) -> Option<T>,
) -> Option<(ChainJob, T)> {
    let of_status = live(world).into_iter().filter(|job| job.status() == status);
    let mut all: Vec<(ChainJob, T)> = of_status.filter_map(|job| act(&job).map(|what| (job, what))).collect();
    if all.is_empty() { None } else { Some(all.swap_remove(chance.below(all.len() as u64) as usize)) }
}

/// The seat of an account that has something to do.
fn seat(job: &ChainJob, text: &str, waits: fn(&Member) -> bool) -> Option<usize> {
    job.members.iter().position(|m| m.address == text && waits(m))
}

pub fn order(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let (own, _) = seat_of(world, who)?;
    let listings: Vec<Listing> = load_all(&world.state, market::keys::LISTINGS).unwrap();
    let sets: Vec<&Listing> = listings.iter().filter(|l| l.open && l.kind() == Kind::Set).collect();
    let listing = chance.of(&sets)?;
    // One of each owner, of two owners beside the developer: such jobs the circuits are for.
    let mut datasets: Vec<(String, u64)> = vec![];
    let wanted = vault::Use { developer: who, template: LINEAR, rows: 2000, passes: 1, opened: 1 };
    for number in vault::members_of_set(&world.state, listing.target).unwrap() {
        let owner = vault::dataset(&world.state, number).unwrap().unwrap().owner;
        let granted = vault::granted(&world.state, world.block.height, number, &wanted).is_ok();
        let new = owner != world.text(who) && datasets.iter().all(|(other, _)| *other != owner);
        if new && (granted || chance.one_in(64)) {
            datasets.push((owner, number));
        }
    }
    while datasets.len() > 2 {
        datasets.remove(chance.below(datasets.len() as u64) as usize);
    }
    if datasets.len() < 2 && !chance.one_in(32) {
        return None;
    }
    Some(any(&MsgOrder {
        developer: world.text(who),
        seat: own.to_bytes().to_vec().into(),
        release_key: releases::secret().public().to_vec().into(),
        listing: listing.number,
        tier: "basic".into(),
        datasets: datasets.into_iter().map(|(_, number)| number).collect(),
        template: Some(template_to_pb(&template(ALL as u32))),
        circuits: circuits().into(),
        max_attempts: 1,
        max_data_fee: Some(coin(NATIVE, 1_000_000_000)),
        max_unit_price: chance.between(2, 12),
        min_rows: 2000,
        deadline: world.block.height + chance.between(13, 120),
        use_credits: chance.one_in(2),
    }))
}

pub fn cancel(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let developer = world.text(who);
    let late = chance.one_in(8);
    let may = |job: &ChainJob| job.developer == developer && (late || job.members.iter().all(|m| m.joined == 0));
    let own = |job: &ChainJob| may(job).then_some(());
    let (job, ()) = job_with(world, chance, Status::Open, own)?;
    Some(any(&MsgCancel { developer, job: job.number }))
}

pub fn join(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let member = world.text(who);
    let waits = |job: &ChainJob| seat(job, &member, |m| m.joined == 0).filter(|_| !job.node.is_empty());
    let (job, seat) = job_with(world, chance, Status::Open, waits)?;
    let record = job_from_pb(job.record.as_ref().unwrap()).unwrap();
    let others = record.datasets.iter().filter(|d| d.owner as usize != seat).count();
    Some(any(&MsgJoin {
        member,
        job: job.number,
        seat: seat as u32,
        digest: record.digest().0.to_vec().into(),
        extension_roots: vec![hash(50 + seat as u8); others],
    }))
}

pub fn report_stall(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let node = world.text(who);
    let (job, ()) = job_with(world, chance, Status::Locked, |job| (job.node == node).then_some(()))?;
    let member = chance.below(job.members.len() as u64) as u32;
    let iteration = job.proven.as_ref().map_or(0, |p| p.iteration);
    Some(any(&MsgReportStall { node, job: job.number, member, iteration, phase: 0 }))
}

pub fn answer_stall(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let member = world.text(who);
    let owes = |job: &ChainJob| {
        let owed = job.stall.as_ref()?.member as usize;
        (job.members[owed].address == member).then_some(())
    };
    let (job, ()) = job_with(world, chance, Status::Stalled, owes)?;
    Some(any(&MsgAnswerStall { member, job: job.number, answer: vec![1].into() }))
}

pub fn release(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let member = world.text(who);
    let owes = |job: &ChainJob| seat(job, &member, |m| m.released == 0).filter(|_| job.developer != member);
    let (job, seat) = job_with(world, chance, Status::Proven, owes)?;
    let (number, seat) = (job.number, seat as u32);
    // What was proven, another share, or no message that anybody can open.
    let release = match chance.below(4) {
        0 => {
            let table = template(ALL as u32).compile().unwrap();
            let length = |state: &u16| (usize::from(table.states[usize::from(*state)].length) + 4) * 8;
            let ciphertext = vec![3; table.released.iter().map(length).sum::<usize>() + 16].into();
            Some(Sealed { encapsulated: hash(3), ciphertext })
        }
        1 => releases::stored(releases::sealed(&releases::shares(number + 1, seat), &releases::lock(&job), seat)),
        _ => releases::stored(releases::sealed(&releases::shares(number, seat), &releases::lock(&job), seat)),
    };
    Some(any(&MsgRelease { member, job: number, seat, release }))
}

pub fn dispute(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let developer = world.text(who);
    let own = |job: &ChainJob| (job.developer == developer).then_some(());
    let (job, ()) = job_with(world, chance, Status::Delivered, own)?;
    let mut seats = releases::wrong(&job);
    if seats.is_empty() || chance.one_in(8) {
        seats = vec![chance.below(job.members.len() as u64) as u32];
    }
    Some(any(&releases::disputing(&job, &seats)))
}

/// The node of a job brings its next part, with a proof that convinces if the job can go on; what came of it.
pub fn part(world: &mut World, chance: &mut Chance) -> Option<&'static str> {
    let works = |job: &ChainJob| matches!(job.status(), Status::Locked | Status::Stalled);
    let all: Vec<ChainJob> = live(world).into_iter().filter(works).collect();
    let mut job = chance.of(&all)?.clone();
    let iteration = chance.between(job.proven.as_ref().map_or(0, |p| p.iteration) + 1, ALL);
    let last = iteration == ALL;
    let message = MsgSubmitPart { states: last.then(|| releases::states(&job)), ..crate::jobs::part(&job, iteration) };
    // What cannot go on ends before the proof is looked at, which is none.
    if world.attempt(|ctx| message.clone().handle(ctx)).is_ok() {
        return Some("a part that comes too late for its data");
    }
    let circuit = proofs::circuit(&world.state, &circuits()).unwrap().unwrap();
    let hash = Sha256::new().chain_update(job.number.to_be_bytes()).chain_update(iteration.to_be_bytes());
    let accepted = Accepted { circuit, hash: hash.finalize().into() };
    world.attempt(|ctx| training::accept(message, ctx, &mut job, &accepted, last)).unwrap();
    Some("a part")
}

/// A change of the rules of jobs.
pub fn change(chance: &mut Chance, authority: String) -> Any {
    let params = Rules {
        draw_delay: chance.between(1, 5),
        part_blocks: chance.between(5, 15),
        last_slice: chance.below(10_001) as u32,
        deposit: Some(coin(NATIVE, u128::from(chance.below(20_000_000)))),
        miss_slash: chance.one([0, 500, 1000, 2000, 10_000]),
        max_rescues: chance.below(8) as u32,
        max_stalls: chance.below(4) as u32,
        cancel_fee: chance.below(10_001) as u32,
        max_links: 1 + chance.below(600),
        ..rules()
    };
    any(&MsgUpdateParams { authority, params: Some(params) })
}

/// Whoever is over has paid everything out: what was put aside, what members put down.
pub fn demand_paid(world: &World) {
    let jobs: Vec<ChainJob> = load_all(&world.state, training::keys::JOBS).unwrap();
    for job in jobs.iter().filter(|job| job.due == 0) {
        let escrow = market::escrow(&world.state, job.number).unwrap().unwrap();
        assert!(escrow.closed && escrow.held == "0", "job {} is over and {escrow:?} is open", job.number);
        assert!(job.members.iter().all(|m| m.deposit.is_empty()) && job.bonded.is_empty(), "{job:?}");
    }
    let down = jobs.iter().flat_map(|j| &j.members).filter(|m| !m.deposit.is_empty());
    let down: u128 = down.map(|m| m.deposit.parse::<u128>().unwrap()).sum();
    assert_eq!(world.balance(&training::account(), NATIVE), down);
}

/// What there is to work with when the chain begins: datasets in a set that is listed, developers, nodes.
pub fn begin(world: &mut World, chance: &mut Chance) {
    fn sent(world: &mut World, chance: &mut Chance, k: u64, make: super::messages::Make) {
        let message = make(world, chance, &account(k)).unwrap();
        world.deliver(&Default::default(), None, &[message]).unwrap();
    }
    use super::data;
    for k in OWNERS.chain(DEVELOPERS) {
        let new = crate::vault_world::seat(k, 0);
        let owner = world.text(&account(k));
        let message = any(&zektra_proto::vault::v1::MsgRegisterSeat { owner, seat: Some(new) });
        world.deliver(&Default::default(), None, &[message]).unwrap();
    }
    let curator = world.text(&account(CURATOR));
    let open = zektra_proto::vault::v1::MsgCreateSet { curator, name: "all".into(), schema: hash(9), open: true };
    world.deliver(&Default::default(), None, &[any(&open)]).unwrap();
    for k in OWNERS {
        sent(world, chance, k, data::create);
        while data::seal(world, chance).is_none() {}
        let owner = world.text(&account(k));
        let dataset = k - OWNERS.start + 1;
        let statement = zektra_proto::vault::v1::MsgAttest { voucher: owner, dataset, statement_hash: hash(5) };
        world.deliver(&Default::default(), None, &[any(&statement)]).unwrap();
        sent(world, chance, k, data::activate);
        sent(world, chance, k, data::grant);
        sent(world, chance, k, data::join_set);
    }
    sent(world, chance, CURATOR, data::list);
    NODES.for_each(|k| sent(world, chance, k, register));
}
