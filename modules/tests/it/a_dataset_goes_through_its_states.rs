use crate::ground::{person, shown};
use crate::vault_world::{BOND, FORTUNE, NATIVE, OTHER, OWNER, World, code, developer, key, seat, terms, wanted};
use zektra_modules::address::Address;
use zektra_modules::coin::coin;
use zektra_modules::error::TxError;
use zektra_modules::module::Handler as _;
use zektra_modules::vault::{self, error::Vault as Code, seal};
use zektra_proto::vault::v1::{
    DatasetStatus as Status, MsgActivateDataset, MsgDropDraft, MsgLeaveSet, MsgRaiseAttempt, MsgRotateSeat,
    MsgSealDataset, MsgUnpauseDataset, MsgWithdrawGrant,
};

/// A dataset, number 1, that came this far: grant 1 was given when it was sealed, and it joined set 1 when it was active.
fn at(state: &str) -> World {
    let mut world = World::new();
    world.register(OWNER, 1).unwrap();
    assert_eq!((world.new_set(OTHER), world.new_set(OTHER)), (1, 2));
    assert_eq!(world.create(OWNER, 1, "rows").unwrap(), 1);
    world.name(OWNER, 1, &[OTHER]).unwrap();
    if state == "dropped" {
        let owner = world.text(OWNER);
        world.send(MsgDropDraft { owner, dataset: 1 }).unwrap();
        return world;
    }
    type Step = fn(&mut World) -> Result<(), TxError>;
    let steps: [(&str, Step); 5] = [
        ("draft", |w| {
            w.seal(OWNER, 1)?;
            w.attest(OWNER, 1)?;
            w.grant(OWNER, 1, terms()).map(drop)
        }),
        ("sealed", |w| {
            w.activate(OWNER, 1)?;
            w.join(OWNER, 1, 1)
        }),
        ("active", |w| w.pause(OWNER, 1)),
        ("paused", |w| w.revoke(OWNER, 1)),
        ("revoked", |w| w.erase(OWNER, 1)),
    ];
    for (before, step) in steps {
        if before == state {
            return world;
        }
        step(&mut world).unwrap();
    }
    assert_eq!(state, "erased");
    world
}

type Action = fn(&mut World) -> Result<(), TxError>;

/// What can be done with a dataset; 0, or the code of the error: for a draft, a sealed, active, paused, revoked, erased and
/// a dropped one.
const TABLE: [(&str, Action, [u32; 7]); 15] = [
    ("raise the attempt", raise, [0, 11, 11, 11, 11, 11, 10]),
    ("seal", |w| w.seal(OWNER, 1), [0, 11, 11, 11, 11, 11, 10]),
    ("drop", drop_it, [0, 11, 11, 11, 11, 11, 10]),
    ("name who may vouch", |w| w.name(OWNER, 1, &[OTHER]), [0, 0, 0, 0, 0, 0, 10]),
    ("attest", |w| w.attest(OTHER, 1), [11, 0, 0, 0, 0, 0, 10]),
    ("activate", |w| w.activate(OWNER, 1), [11, 0, 11, 11, 11, 11, 10]),
    ("pause", |w| w.pause(OWNER, 1), [11, 11, 0, 11, 11, 11, 10]),
    ("unpause", unpause, [11, 11, 11, 0, 11, 11, 10]),
    ("revoke", |w| w.revoke(OWNER, 1), [11, 0, 0, 0, 11, 11, 10]),
    ("erase", |w| w.erase(OWNER, 1), [11, 11, 11, 11, 0, 20, 10]),
    ("grant", |w| w.grant(OWNER, 1, terms()).map(drop), [11, 0, 0, 0, 11, 11, 10]),
    ("withdraw a grant", withdraw, [22, 0, 0, 0, 0, 0, 22]),
    ("lock", |w| w.take(1, &wanted(&developer())).map(drop), [25, 25, 0, 26, 27, 27, 10]),
    ("join a set", |w| w.join(OWNER, 2, 1), [11, 11, 0, 11, 11, 11, 10]),
    ("leave a set", leave, [40, 40, 0, 0, 0, 0, 10]),
];

fn raise(w: &mut World) -> Result<(), TxError> {
    w.send(MsgRaiseAttempt { owner: w.text(OWNER), dataset: 1 }).map(drop)
}

fn drop_it(w: &mut World) -> Result<(), TxError> {
    w.send(MsgDropDraft { owner: w.text(OWNER), dataset: 1 }).map(drop)
}

fn unpause(w: &mut World) -> Result<(), TxError> {
    w.send(MsgUnpauseDataset { owner: w.text(OWNER), dataset: 1 }).map(drop)
}

fn withdraw(w: &mut World) -> Result<(), TxError> {
    w.send(MsgWithdrawGrant { owner: w.text(OWNER), grant: 1 }).map(drop)
}

fn leave(w: &mut World) -> Result<(), TxError> {
    w.send(MsgLeaveSet { sender: w.text(OWNER), set: 1, dataset: 1 }).map(drop)
}

#[test]
fn and_each_allows_its_own_actions() {
    for (k, state) in ["draft", "sealed", "active", "paused", "revoked", "erased", "dropped"].into_iter().enumerate() {
        for (name, action, codes) in TABLE {
            let mut world = at(state);
            let before = world.status(1);
            assert_eq!(code(action(&mut world)), codes[k], "{name} when it is {state}");
            let after = match (name, codes[k]) {
                ("seal", 0) => Some(Status::Sealed),
                ("activate" | "unpause", 0) => Some(Status::Active),
                ("pause", 0) => Some(Status::Paused),
                ("revoke", 0) => Some(Status::Revoked),
                ("drop", 0) => None,
                _ => before,
            };
            assert_eq!(world.status(1), after, "{name} when it is {state}");
            world.round_trip();
        }
    }
}

#[test]
fn by_its_owner_alone() {
    for (state, action) in [("draft", "seal"), ("active", "pause"), ("active", "revoke"), ("revoked", "erase")] {
        let mut world = at(state);
        let refused = match action {
            "seal" => world.seal(OTHER, 1),
            "pause" => world.pause(OTHER, 1),
            "revoke" => world.revoke(OTHER, 1),
            _ => world.erase(OTHER, 1),
        };
        let (one, other) = (world.text(OWNER), world.text(OTHER));
        assert_eq!(refused.unwrap_err().log, format!("dataset 1: owned by {one}, not by {other}: not the owner"));
    }
    let mut world = at("sealed");
    assert_eq!(code(world.grant(OTHER, 1, terms())), Code::NotOwner as u32);
    let sender = world.text(OTHER);
    assert_eq!(code(world.send(MsgWithdrawGrant { owner: sender, grant: 1 })), Code::NotOwner as u32);
    // Capitals are another text of the same address.
    let owner = world.text(OWNER).to_uppercase();
    let bond = Some(coin(NATIVE, BOND));
    world.send(MsgActivateDataset { owner, dataset: 1, bond }).unwrap();
}

#[test]
fn whose_bond_comes_back_when_it_is_erased() {
    let mut world = at("active");
    let module = Address::of_module("vault");
    assert_eq!((world.balance(&person(OWNER)), world.balance(&module)), (FORTUNE - BOND, BOND));
    let developer = developer();
    world.take(1, &wanted(&developer)).unwrap();
    world.revoke(OWNER, 1).unwrap();
    assert_eq!(world.erase(OWNER, 1).unwrap_err().log, "dataset 1: 1 jobs: jobs are live");
    world.act(|ground| ground.with(|ctx| vault::leave(ctx, 1))).unwrap();
    let again = world.act(|ground| ground.with(|ctx| vault::leave(ctx, 1)));
    assert_eq!(code(again), Code::Uncounted as u32);
    world.ground.block.height = 99;
    world.erase(OWNER, 1).unwrap();
    let said = shown(&world.ground.events);
    let statement = "06".repeat(32);
    let wanted = format!("vault_dataset_erased{{dataset=1,statement_hash={statement},bond={BOND}{NATIVE}}}");
    assert_eq!(said.last(), Some(&wanted));
    assert_eq!((world.balance(&person(OWNER)), world.balance(&module)), (FORTUNE, 0));
    let record = world.record(1);
    assert_eq!((record.bond, record.erasure.map(|e| e.height)), (None, Some(99)));
    // What was never bonded gives nothing back.
    let mut world = at("sealed");
    world.revoke(OWNER, 1).unwrap();
    world.erase(OWNER, 1).unwrap();
    assert_eq!(world.balance(&person(OWNER)), FORTUNE);
}

#[test]
fn and_is_bonded_in_full_by_who_has_the_coins() {
    let mut world = at("sealed");
    let owner = world.text(OWNER);
    let mut with = |denom: &str, amount: u128| {
        let bond = Some(coin(denom, amount));
        world.send(MsgActivateDataset { owner: owner.clone(), dataset: 1, bond }).unwrap_err()
    };
    let little = with(NATIVE, BOND - 1);
    assert_eq!(little.log, "bond: 9999999uzektra, expected at least 10000000uzektra: invalid bond");
    assert_eq!(with("uother", 2 * BOND).code, Code::InvalidBond as u32);
    let poor = with(NATIVE, FORTUNE + 1);
    assert_eq!((poor.codespace, poor.code), ("sdk", 5));
    // Whoever vouches does so once, and not everybody.
    world.name(OWNER, 1, &(2..=17).collect::<Vec<u8>>()).unwrap();
    for k in 2..=16 {
        world.attest(k, 1).unwrap();
    }
    assert_eq!(code(world.attest(16, 1)), Code::VouchedAlready as u32);
    assert_eq!(code(world.attest(17, 1)), Code::TooManyAttestations as u32);
}

#[test]
fn and_is_vouched_for_by_whom_its_owner_names() {
    let mut world = at("sealed");
    assert_eq!(code(world.name(OTHER, 1, &[OTHER])), Code::NotOwner as u32);
    // Nobody takes the places of those who know it.
    for stranger in 3..20 {
        assert_eq!(code(world.attest(stranger, 1)), Code::NotNamed as u32);
    }
    world.name(OWNER, 1, &[4, 5]).unwrap();
    world.attest(4, 1).unwrap();
    assert_eq!(code(world.attest(OTHER, 1)), Code::NotNamed as u32);
    // Others are named in their place; what was said stays.
    world.name(OWNER, 1, &[]).unwrap();
    assert_eq!(code(world.attest(5, 1)), Code::NotNamed as u32);
    assert_eq!(world.record(1).attestations.len(), 2);
    world.name(OWNER, 1, &[5]).unwrap();
    world.round_trip();
    let twice = world.name(OWNER, 1, &[5, 6, 5]).unwrap_err();
    assert_eq!(twice.log, format!("vouchers[2]: {}, expected each voucher once: invalid dataset", world.text(5)));
    assert_eq!(code(world.name(OWNER, 1, &[7; 17])), Code::InvalidDataset as u32);
}

#[test]
fn and_is_not_active_before_somebody_vouches_for_it() {
    let mut world = at("draft");
    world.seal(OWNER, 1).unwrap();
    assert_eq!(world.activate(OWNER, 1).unwrap_err().log, "dataset 1: nobody vouches for it");
    world.attest(OTHER, 1).unwrap();
    world.activate(OWNER, 1).unwrap();
}

#[test]
fn and_is_sealed_by_a_proof_of_all_that_it_says() {
    let mut world = at("draft");
    let (owner, height) = (world.text(OWNER), world.ground.block.height);
    world.send(MsgRaiseAttempt { owner, dataset: 1 }).unwrap();
    let message = world.sealing(OWNER, 1);
    // What is no proof at all is refused by who verifies it.
    let refused = world.send(message.clone()).unwrap_err();
    assert_eq!((refused.codespace, refused.code), ("proofs", 6));
    let doubt = Code::ProofRefused.wrap("the proof is another's");
    let refused = world.act(|ground| ground.with(|ctx| seal::seal(ctx, &message, |_, _, _, _| Err(doubt.clone()))));
    assert_eq!(refused.unwrap_err(), doubt);
    let proven = |ground: &mut crate::ground::Ground| {
        ground.with(|ctx| {
            seal::seal(ctx, &message, |_, record, rows_log2, proof| {
                let held = record.dataset.clone().unwrap();
                assert_eq!((held.rows, held.groups, held.attempt, rows_log2, proof), (1000, 8, 1, 15, &[1u8][..]));
                assert_eq!((held.root, held.content_root), (message.root.clone(), message.content_root.clone()));
                Ok(())
            })
        })
    };
    world.act(proven).unwrap();
    assert_eq!(world.record(1).sealed_height, height);
    // 128 rows a row group.
    for (rows, groups, fits) in
        [(1024, 8, true), (897, 8, true), (896, 8, false), (1025, 8, false), (1, 1, true), (1 << 27, 1 << 20, true)]
    {
        let mut world = at("draft");
        let message = MsgSealDataset { rows, groups, ..world.sealing(OWNER, 1) };
        message.check(&world.ground.prefix).unwrap();
        let done = world.act(|ground| ground.with(|ctx| seal::seal(ctx, &message, |_, _, _, _| Ok(()))));
        assert_eq!(code(done), if fits { 0 } else { Code::InvalidSeal as u32 }, "{rows} in {groups}");
    }
}

#[test]
fn and_nobody_elses_seal_is_verified() {
    let mut world = at("draft");
    let ahead = |world: &World, message: &MsgSealDataset| message.verify(&world.ground.state, &world.ground.block);
    let message = world.sealing(OWNER, 1);
    let of = |owner: String| MsgSealDataset { owner, ..message.clone() };
    assert_eq!(code(ahead(&world, &of(world.text(OTHER)))), Code::NotOwner as u32);
    assert_eq!(code(ahead(&world, &MsgSealDataset { rows: 1, ..message.clone() })), Code::InvalidSeal as u32);
    // The owner's is looked at, in whatever letters it is signed.
    for owner in [message.owner.clone(), message.owner.to_uppercase()] {
        let refused = ahead(&world, &of(owner)).unwrap_err();
        assert_eq!((refused.codespace, refused.code), ("proofs", 6));
    }
    world.seal(OWNER, 1).unwrap();
    assert_eq!(code(ahead(&world, &message)), Code::WrongStatus as u32);
}

#[test]
fn and_its_object_id_is_used_once() {
    let mut world = at("dropped");
    assert_eq!(code(world.create(OWNER, 1, "rows")), Code::ObjectUsed as u32);
    assert_eq!(world.create(OWNER, 1, "other").unwrap(), 2);
    assert_eq!(code(world.create(OWNER, 1, "other")), Code::ObjectUsed as u32);
    let mut other = world.round_trip();
    assert_eq!(code(other.create(OWNER, 1, "rows")), Code::ObjectUsed as u32);
    assert_eq!(other.create(OWNER, 1, "next").unwrap(), 3);
}

#[test]
fn and_needs_a_current_seat_of_its_owner() {
    let mut world = World::new();
    assert_eq!(code(world.create(OWNER, 1, "rows")), Code::UnknownSeat as u32);
    world.register(OTHER, 1).unwrap();
    assert_eq!(code(world.create(OWNER, 1, "rows")), Code::NotOwner as u32);
    let rotate = |world: &mut World| {
        let owner = world.text(OWNER);
        let old_key = key(1).to_bytes().to_vec().into();
        world.send(MsgRotateSeat { owner, old_key, seat: Some(seat(2, 1)) }).unwrap();
    };
    let retired = Code::SeatRetired as u32;
    for (state, action) in [("draft", 1), ("sealed", 5), ("active", 13), ("paused", 7), ("active", 12)] {
        let mut world = at(state);
        rotate(&mut world);
        let (name, act, _) = TABLE[action];
        assert_eq!(code(act(&mut world)), retired, "{name} when it is {state}");
        // It is still the owner's to end.
        if state != "draft" {
            world.revoke(OWNER, 1).unwrap();
            world.erase(OWNER, 1).unwrap();
        }
        world.round_trip();
    }
    let mut world = at("draft");
    rotate(&mut world);
    assert_eq!(code(world.create(OWNER, 1, "more")), retired);
    world.create(OWNER, 2, "rows").unwrap();
}
