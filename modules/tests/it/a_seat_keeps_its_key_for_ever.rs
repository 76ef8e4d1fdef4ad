use crate::ground::shown;
use crate::vault_world::{OTHER, OWNER, World, code, key, seat};
use zektra_modules::error::TxError;
use zektra_modules::vault::{self, error::Vault as Code};
use zektra_proto::vault::v1::{MsgRotateSeat, Seat, SeatRecord};

fn rotate(world: &mut World, owner: u8, old: u64, new: Seat) -> Result<(), TxError> {
    let owner = world.text(owner);
    world.send(MsgRotateSeat { owner, old_key: key(old).to_bytes().to_vec().into(), seat: Some(new) }).map(drop)
}

#[test]
fn until_it_is_rotated_to_the_next_epoch() {
    let mut world = World::new();
    let owner = world.text(OWNER);
    world.register(OWNER, 1).unwrap();
    assert_eq!(shown(&world.ground.events), [format!("vault_seat_registered{{owner={owner},key={}}}", key(1))]);
    world.ground.block.height = 20;
    rotate(&mut world, OWNER, 1, seat(2, 1)).unwrap();
    let said = format!("vault_seat_rotated{{owner={owner},old_key={},key={},epoch=1}}", key(1), key(2));
    assert_eq!(shown(&world.ground.events), [said]);
    let held = |k| vault::seat(&world.ground.state, &key(k)).unwrap();
    let old = SeatRecord {
        owner: owner.clone(),
        seat: Some(seat(1, 0)),
        registered_height: 10,
        retired_height: 20,
        successor: key(2).to_bytes().to_vec().into(),
    };
    assert_eq!(held(1), Some(old));
    let new = SeatRecord { owner, seat: Some(seat(2, 1)), registered_height: 20, ..SeatRecord::default() };
    assert_eq!((held(2), held(3)), (Some(new), None));
    rotate(&mut world, OWNER, 2, seat(3, 2)).unwrap();
    world.round_trip();
}

#[test]
fn and_nobody_else_gets_it() {
    let mut world = World::new();
    world.register(OWNER, 1).unwrap();
    world.register(OTHER, 5).unwrap();
    rotate(&mut world, OWNER, 1, seat(2, 1)).unwrap();
    for used in [1, 2, 5] {
        assert_eq!(code(world.register(OTHER, used)), Code::KeyUsed as u32);
    }
    let wrong = |epoch, name: &str| Seat { name: name.into(), ..seat(3, epoch) };
    for (owner, old, new, expected) in [
        (OWNER, 1, seat(3, 1), Code::SeatRetired),
        (OTHER, 2, seat(3, 2), Code::NotOwner),
        (OWNER, 9, seat(3, 1), Code::UnknownSeat),
        (OWNER, 2, wrong(1, "alice"), Code::InvalidSeat),
        (OWNER, 2, wrong(3, "alice"), Code::InvalidSeat),
        (OWNER, 2, wrong(2, "bob"), Code::InvalidSeat),
        (OWNER, 2, seat(5, 2), Code::KeyUsed),
        (OWNER, 2, seat(2, 2), Code::KeyUsed),
    ] {
        assert_eq!(code(rotate(&mut world, owner, old, new)), expected as u32);
    }
}
