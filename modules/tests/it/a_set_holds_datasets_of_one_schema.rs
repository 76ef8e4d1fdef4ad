use crate::vault_world::{OTHER, OWNER, World, code, hash};
use zektra_modules::error::TxError;
use zektra_modules::vault::{self, error::Vault as Code};
use zektra_proto::vault::v1::{MsgAdmitToSet, MsgCreateSet, MsgLeaveSet};

fn leave(world: &mut World, sender: u8, set: u64, dataset: u64) -> Result<(), TxError> {
    world.send(MsgLeaveSet { sender: world.text(sender), set, dataset }).map(drop)
}

fn members(world: &World, set: u64) -> Vec<u64> {
    vault::members_of_set(&world.ground.state, set).unwrap()
}

#[test]
fn which_owners_join_and_leave() {
    let mut world = World::new();
    let set = world.new_set(OTHER);
    world.register(OWNER, 1).unwrap();
    world.register(4, 2).unwrap();
    let one = world.active(OWNER, 1, "one");
    let two = world.active(4, 2, "two");
    world.join(4, set, two).unwrap();
    world.join(OWNER, set, one).unwrap();
    assert_eq!(members(&world, set), [two, one]);
    for (sender, set, dataset, expected) in [
        (OWNER, set, one, Code::MemberAlready),
        (OTHER, set, one, Code::NotOwner),
        (OWNER, 9, one, Code::UnknownSet),
        (OWNER, set, 9, Code::UnknownDataset),
    ] {
        assert_eq!(code(world.join(sender, set, dataset)), expected as u32);
    }
    let curator = world.text(OTHER);
    let another = world.send(MsgCreateSet { curator, name: "b".into(), schema: hash(1), open: true }).unwrap().set;
    assert_eq!(code(world.join(OWNER, another, one)), Code::OtherSchema as u32);
    // Its owner and the curator take a dataset out, nobody else; a revoked one, too.
    assert_eq!(code(leave(&mut world, 4, set, one)), Code::NotOwner as u32);
    world.revoke(OWNER, one).unwrap();
    leave(&mut world, OTHER, set, one).unwrap();
    leave(&mut world, 4, set, two).unwrap();
    assert_eq!(code(leave(&mut world, 4, set, two)), Code::NotMember as u32);
    assert_eq!(members(&world, set), [0u64; 0]);
    assert_eq!(code(vault::members_of_set(&world.ground.state, 9)), Code::UnknownSet as u32);
    world.round_trip();
}

#[test]
fn whom_its_curator_admits() {
    let mut world = World::new();
    world.register(OWNER, 1).unwrap();
    world.register(OTHER, 2).unwrap();
    let (one, own) = (world.active(OWNER, 1, "one"), world.active(OTHER, 2, "own"));
    let curator = world.text(OTHER);
    let set = world.send(MsgCreateSet { curator, name: "few".into(), schema: hash(9), open: false }).unwrap().set;
    let admit = |world: &mut World, curator: u8, dataset: u64| {
        world.send(MsgAdmitToSet { curator: world.text(curator), set, dataset }).map(drop)
    };
    assert_eq!(code(world.join(OWNER, set, one)), Code::NotAdmitted as u32);
    // The curator's own need no word.
    world.join(OTHER, set, own).unwrap();
    assert_eq!(code(admit(&mut world, OWNER, one)), Code::NotOwner as u32);
    assert_eq!(code(admit(&mut world, OTHER, 9)), Code::UnknownDataset as u32);
    assert_eq!(code(admit(&mut world, OTHER, own)), Code::MemberAlready as u32);
    admit(&mut world, OTHER, one).unwrap();
    assert_eq!(code(admit(&mut world, OTHER, one)), Code::MemberAlready as u32);
    world.round_trip();
    // Admitted is not joined: that is its owner's to do.
    assert_eq!(members(&world, set), [own]);
    assert_eq!(code(world.join(OTHER, set, one)), Code::NotOwner as u32);
    world.join(OWNER, set, one).unwrap();
    assert_eq!(members(&world, set), [own, one]);
    // Who was taken out is admitted anew, or not at all.
    leave(&mut world, OTHER, set, one).unwrap();
    assert_eq!(code(world.join(OWNER, set, one)), Code::NotAdmitted as u32);
    admit(&mut world, OTHER, one).unwrap();
    leave(&mut world, OTHER, set, one).unwrap();
    assert_eq!(code(world.join(OWNER, set, one)), Code::NotAdmitted as u32);
    world.round_trip();
}

#[test]
fn and_not_more_than_sixty_four() {
    let mut world = World::new();
    let set = world.new_set(OTHER);
    world.register(OWNER, 1).unwrap();
    for k in 0..64 {
        let dataset = world.active(OWNER, 1, &format!("rows-{k}"));
        world.join(OWNER, set, dataset).unwrap();
    }
    let more = world.active(OWNER, 1, "more");
    assert_eq!(code(world.join(OWNER, set, more)), Code::SetFull as u32);
    leave(&mut world, OWNER, set, 3).unwrap();
    world.join(OWNER, set, more).unwrap();
    world.round_trip();
}
