//! Messages about datasets, sets and what they cost.

use super::any;
use super::chance::Chance;
use super::genesis::NATIVE;
use super::world::{World, account};
use crate::vault_world::{BOND, LINEAR, hash, key, seat};
use zektra_modules::address::Address;
use zektra_modules::coin::coin;
use zektra_modules::context::{load_all, number};
use zektra_modules::module::Handler;
use zektra_modules::vault::Use;
use zektra_modules::{market, vault};
use zektra_proto::Any;
use zektra_proto::market::v1::{
    Kind, Listing, MsgBuyCredits, MsgClose, MsgList, MsgReopen, MsgReturnCredits, MsgSchedule, MsgUpdateTier, Output,
    Rate, Tier,
};
use zektra_proto::vault::v1::{
    DatasetRecord, DatasetSet, DatasetStatus as Status, Grant, MsgActivateDataset, MsgAdmitToSet, MsgAttest,
    MsgCreateDataset, MsgCreateSet, MsgDropDraft, MsgGrantUse, MsgJoinSet, MsgLeaveSet, MsgNameVouchers,
    MsgPauseDataset, MsgRaiseAttempt, MsgRegisterSeat, MsgReportErasure, MsgRevokeDataset, MsgRotateSeat,
    MsgSealDataset, MsgUnpauseDataset, MsgWithdrawGrant, RevocationPolicy, Seat, SeatRecord, Terms,
};
use zektra_state::{Order, scan_prefix};
use zektra_statement::digest::Commitment;
use zektra_statement::record::Dataset;

/// Accounts with datasets, those that order jobs, who curates sets: the accounts that have to do with work.
pub const OWNERS: std::ops::Range<u64> = 20..23;
pub const DEVELOPERS: std::ops::Range<u64> = 23..25;
pub const CURATOR: u64 = 25;

fn index(who: &Address) -> u64 {
    u64::from(who.bytes()[0]) - 1
}

fn is_owner(who: &Address) -> bool {
    OWNERS.contains(&index(who))
}

fn is_curator(who: &Address) -> bool {
    index(who) == CURATOR
}

/// The seat that an account has now.
pub fn seat_of(world: &World, who: &Address) -> Option<(Commitment, SeatRecord)> {
    let prefix = vault::keys::seats_of(who);
    let all = scan_prefix(&world.state, &prefix, Order::Ascending).map(|entry| {
        let key = Commitment::from_bytes(&entry.unwrap().0[prefix.len()..]).unwrap();
        (key, vault::seat(&world.state, &key).unwrap().unwrap())
    });
    all.into_iter().find(|(_, record)| record.retired_height == 0)
}

/// A seat under a key that nobody has had.
fn new_seat(world: &World, chance: &mut Chance, epoch: u32) -> Seat {
    seat(world.block.height << 32 | chance.below(1 << 32), epoch)
}

/// The datasets of an account in one of these statuses.
fn own(world: &World, who: &Address, wanted: &[Status]) -> Vec<DatasetRecord> {
    let prefix = vault::keys::datasets_of(who);
    let all = scan_prefix(&world.state, &prefix, Order::Ascending).map(|entry| {
        let number = number(&entry.unwrap().0[prefix.len()..]).unwrap();
        vault::dataset(&world.state, number).unwrap().unwrap()
    });
    all.filter(|record| wanted.contains(&record.status())).collect()
}

fn one(world: &World, chance: &mut Chance, who: &Address, wanted: &[Status]) -> Option<u64> {
    chance.of(&own(world, who, wanted)).map(|record| record.number)
}

fn sets(world: &World) -> Vec<DatasetSet> {
    load_all(&world.state, vault::keys::SETS).unwrap()
}

pub fn register_seat(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let seat = Some(new_seat(world, chance, 0));
    is_owner(who).then(|| any(&MsgRegisterSeat { owner: world.text(who), seat }))
}

pub fn rotate_seat(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let (old, record) = seat_of(world, who)?;
    let new = Seat { name: record.seat.clone()?.name, ..new_seat(world, chance, record.seat?.epoch + 1) };
    let old_key = old.to_bytes().to_vec().into();
    Some(any(&MsgRotateSeat { owner: world.text(who), old_key, seat: Some(new) }))
}

pub fn create(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let (key, _) = seat_of(world, who).filter(|_| is_owner(who))?;
    let name = format!("rows-{}-{}", world.block.height, chance.below(100));
    let id = Dataset::object_id(&world.block.chain_id, &key, &name).0.to_vec().into();
    Some(any(&MsgCreateDataset {
        owner: world.text(who),
        name,
        id,
        owner_key: key.to_bytes().to_vec().into(),
        schema: "version = 1\n".into(),
        schema_digest: hash(9),
        columns: 32,
        blocks: 1,
        classes: 1,
        scale_x: 8,
        scale_r: 8,
        row_norm: 832,
        range: 256,
    }))
}

pub fn raise_attempt(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let dataset = one(world, chance, who, &[Status::Draft])?;
    Some(any(&MsgRaiseAttempt { owner: world.text(who), dataset }))
}

pub fn drop_draft(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let dataset = one(world, chance, who, &[Status::Draft])?;
    Some(any(&MsgDropDraft { owner: world.text(who), dataset }))
}

/// Seals a draft by a proof that convinces: whether it did.
pub fn seal(world: &mut World, chance: &mut Chance) -> Option<bool> {
    let owner = account(chance.between(OWNERS.start, OWNERS.end - 1));
    let dataset = one(world, chance, &owner, &[Status::Draft])?;
    Some(seal_it(world, &owner, dataset))
}

fn seal_it(world: &mut World, owner: &Address, dataset: u64) -> bool {
    let message = MsgSealDataset {
        owner: world.text(owner),
        dataset,
        rows: 1000,
        groups: 8,
        root: key(77).to_bytes().to_vec().into(),
        content_root: hash(78),
        rows_log2: 15,
        proof: vec![1].into(),
    };
    message.check(&world.prefix).unwrap();
    world.attempt(|ctx| vault::seal::seal(ctx, &message, |_, _, _, _| Ok(()))).is_ok()
}

/// An owner that has no data in the first set which jobs may use does all that it takes; whether it has some then.
pub fn offer(world: &mut World, chance: &mut Chance) -> Option<bool> {
    let who = account(chance.between(OWNERS.start, OWNERS.end - 1));
    let developer = account(DEVELOPERS.start);
    let wanted = Use { developer: &developer, template: LINEAR, rows: 2000, passes: 1, opened: 1 };
    let mut old = vault::members_of_set(&world.state, 1).unwrap();
    old.retain(|number| vault::dataset(&world.state, *number).unwrap().unwrap().owner == world.text(&who));
    if old.iter().any(|number| vault::granted(&world.state, world.block.height, *number, &wanted).is_ok()) {
        return None;
    }
    let draft = create(world, chance, &who)?;
    let sent = |world: &mut World, message: Any| world.deliver(&Default::default(), None, &[message]).is_ok();
    if !sent(world, draft) {
        return Some(false);
    }
    let text = world.text(&who);
    let number = own(world, &who, &[Status::Draft]).last()?.number;
    for dataset in old {
        sent(world, any(&MsgLeaveSet { sender: text.clone(), set: 1, dataset }));
    }
    let terms = Terms {
        templates: vec![LINEAR.into()],
        max_passes: 1000,
        privacy_budget: 1 << 40,
        on_revoke: chance.one([RevocationPolicy::Finish, RevocationPolicy::Abort]).into(),
        ..Terms::default()
    };
    let (owner, bond) = (text.clone(), Some(coin(NATIVE, BOND)));
    let offered = seal_it(world, &who, number)
        && sent(world, any(&MsgAttest { voucher: text, dataset: number, statement_hash: hash(5) }))
        && sent(world, any(&MsgActivateDataset { owner: owner.clone(), dataset: number, bond }))
        && sent(world, any(&MsgGrantUse { owner: owner.clone(), dataset: number, terms: Some(terms) }))
        && sent(world, any(&MsgJoinSet { owner, set: 1, dataset: number }));
    let listings: Vec<Listing> = load_all(&world.state, market::keys::LISTINGS).unwrap();
    if !listings.iter().any(|l| l.open && l.kind() == Kind::Set && l.target == 1) {
        let (seller, tiers) = (world.text(&account(CURATOR)), vec![tier("basic", chance)]);
        sent(world, any(&MsgList { seller, kind: Kind::Set.into(), target: 1, tiers }));
    }
    Some(offered)
}

pub fn name_vouchers(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let statuses = [Status::Draft, Status::Sealed, Status::Active, Status::Paused, Status::Revoked];
    let dataset = one(world, chance, who, &statuses)?;
    let vouchers = (OWNERS.start..=CURATOR).filter(|_| chance.one_in(2)).map(|k| world.text(&account(k))).collect();
    Some(any(&MsgNameVouchers { owner: world.text(who), dataset, vouchers }))
}

pub fn attest(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let voucher = world.text(who);
    let all = OWNERS.flat_map(|k| own(world, &account(k), &[Status::Sealed, Status::Active]));
    // Mostly what may be, and was not yet.
    let any_of_all = chance.one_in(8);
    let may = |d: &DatasetRecord| d.owner == voucher || d.vouchers.contains(&voucher);
    let fits = |d: &DatasetRecord| any_of_all || may(d) && d.attestations.iter().all(|a| a.voucher != voucher);
    let all: Vec<u64> = all.filter(fits).map(|d| d.number).collect();
    let dataset = *chance.of(&all)?;
    Some(any(&MsgAttest { voucher, dataset, statement_hash: hash(5) }))
}

pub fn activate(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let mut sealed = own(world, who, &[Status::Sealed]);
    sealed.retain(|d| !d.attestations.is_empty() || chance.one_in(8));
    let dataset = chance.of(&sealed)?.number;
    let bond = Some(coin(NATIVE, BOND + u128::from(chance.below(1000))));
    Some(any(&MsgActivateDataset { owner: world.text(who), dataset, bond }))
}

pub fn pause(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let dataset = one(world, chance, who, &[Status::Active])?;
    Some(any(&MsgPauseDataset { owner: world.text(who), dataset }))
}

pub fn unpause(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let dataset = one(world, chance, who, &[Status::Paused])?;
    Some(any(&MsgUnpauseDataset { owner: world.text(who), dataset }))
}

pub fn revoke(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let dataset = one(world, chance, who, &[Status::Sealed, Status::Active, Status::Paused])?;
    Some(any(&MsgRevokeDataset { owner: world.text(who), dataset }))
}

pub fn erase(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let mut revoked = own(world, who, &[Status::Revoked]);
    revoked.retain(|d| d.erasure.is_none() || chance.one_in(8));
    let dataset = chance.of(&revoked)?.number;
    Some(any(&MsgReportErasure { owner: world.text(who), dataset, statement_hash: hash(6) }))
}

pub fn grant(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let dataset = one(world, chance, who, &[Status::Sealed, Status::Active, Status::Paused])?;
    let until_height = if chance.one_in(3) { world.block.height + chance.between(5, 60) } else { 0 };
    let terms = Terms {
        templates: vec![LINEAR.into()],
        min_rows: 100,
        max_passes: chance.between(1, 50),
        // Of small ones a job takes all.
        privacy_budget: if chance.one_in(4) { 1 << chance.between(6, 16) } else { 1 << 40 },
        until_height,
        on_revoke: chance.one([RevocationPolicy::Finish, RevocationPolicy::Abort]).into(),
        ..Terms::default()
    };
    Some(any(&MsgGrantUse { owner: world.text(who), dataset, terms: Some(terms) }))
}

pub fn withdraw(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let all: Vec<Grant> = load_all(&world.state, vault::keys::GRANTS).unwrap();
    let (owner, datasets) = (world.text(who), own(world, who, &[Status::Sealed, Status::Active, Status::Paused]));
    let stands = |g: &&Grant| g.withdrawn_height == 0 && datasets.iter().any(|d| d.number == g.dataset);
    let all: Vec<u64> = all.iter().filter(stands).map(|g| g.number).collect();
    Some(any(&MsgWithdrawGrant { owner, grant: *chance.of(&all)? }))
}

pub fn create_set(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let open = chance.one_in(2);
    let new = MsgCreateSet { curator: world.text(who), name: "some".into(), schema: hash(9), open };
    is_curator(who).then(|| any(&new))
}

pub fn admit(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let closed: Vec<u64> = sets(world).iter().filter(|s| !s.open).map(|s| s.number).collect();
    let (set, of) = (*chance.of(&closed)?, account(chance.between(OWNERS.start, OWNERS.end - 1)));
    let dataset = one(world, chance, &of, &[Status::Active])?;
    is_curator(who).then(|| any(&MsgAdmitToSet { curator: world.text(who), set, dataset }))
}

pub fn join_set(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let dataset = one(world, chance, who, &[Status::Active])?;
    let mut may = sets(world);
    may.retain(|s| (s.open || s.admitted.contains(&dataset)) && !s.datasets.contains(&dataset) || chance.one_in(8));
    Some(any(&MsgJoinSet { owner: world.text(who), set: chance.of(&may)?.number, dataset }))
}

pub fn leave_set(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let (all, sender) = (sets(world), world.text(who));
    let set = chance.of(&all)?;
    let dataset = *chance.of(&set.datasets)?;
    let may = set.curator == sender || vault::dataset(&world.state, dataset).unwrap()?.owner == sender;
    (may || chance.one_in(8)).then(|| any(&MsgLeaveSet { sender, set: set.number, dataset }))
}

fn tier(name: &str, chance: &mut Chance) -> Tier {
    let schedule = vec![Rate { from_height: 0, rate: chance.between(1, 2_000_000) }];
    let output = Output::Weights.into();
    Tier { name: name.into(), licence: "research".into(), max_passes: 10, output, schedule }
}

pub fn list(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let (kind, target) = match is_curator(who) {
        true => (Kind::Set, chance.of(&sets(world))?.number),
        false => (Kind::Dataset, one(world, chance, who, &[Status::Sealed, Status::Active])?),
    };
    let tiers = vec![tier("basic", chance)];
    Some(any(&MsgList { seller: world.text(who), kind: kind.into(), target, tiers }))
}

/// A listing of an account's.
fn listed(world: &World, chance: &mut Chance, who: &Address, open: bool) -> Option<Listing> {
    let (all, seller): (Vec<Listing>, _) = (load_all(&world.state, market::keys::LISTINGS).unwrap(), world.text(who));
    let own: Vec<Listing> = all.into_iter().filter(|l| l.seller == seller && l.open == open).collect();
    chance.of(&own).cloned()
}

pub fn update_tier(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let listing = listed(world, chance, who, true)?;
    let known = chance.one_in(2);
    let name = if known { "basic".into() } else { format!("tier-{}", listing.tiers.len()) };
    let mut tier = tier(&name, chance);
    if known {
        tier.schedule.clear();
    }
    Some(any(&MsgUpdateTier { seller: world.text(who), listing: listing.number, tier: Some(tier) }))
}

pub fn schedule(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let listing = listed(world, chance, who, true)?.number;
    let from_height = world.block.height + chance.between(1, 40);
    let (seller, tier, rate) = (world.text(who), "basic".into(), chance.between(1, 2_000_000));
    Some(any(&MsgSchedule { seller, listing, tier, from_height, rate }))
}

pub fn close(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let listing = listed(world, chance, who, true)?.number;
    Some(any(&MsgClose { seller: world.text(who), listing }))
}

pub fn reopen(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let listing = listed(world, chance, who, false)?.number;
    Some(any(&MsgReopen { seller: world.text(who), listing }))
}

pub fn buy_credits(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let amount = Some(coin(NATIVE, u128::from(chance.between(1, 200))));
    DEVELOPERS.contains(&index(who)).then(|| any(&MsgBuyCredits { buyer: world.text(who), amount }))
}

pub fn return_credits(world: &World, chance: &mut Chance, who: &Address) -> Option<Any> {
    let held = market::credits(&world.state, who).unwrap();
    let amount = Some(coin(NATIVE, chance.amount(held)?));
    Some(any(&MsgReturnCredits { holder: world.text(who), amount }))
}
