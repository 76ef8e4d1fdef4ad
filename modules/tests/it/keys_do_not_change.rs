use zektra_modules::address::Address;
use zektra_modules::{
    auth, authz, bank, beacon, compute, consensus, distribution, evidence, feegrant, gov, market, mint, reputation,
    slashing, upgrade, vault,
};
use zektra_proto::Timestamp;
use zektra_statement::digest::{Commitment, Fingerprint};

fn shown(key: Vec<u8>) -> String {
    key.escape_ascii().to_string()
}

#[test]
fn keys_are_those_of_the_first_release() {
    let address = Address::new(vec![0xa0; 3]).unwrap();
    assert_eq!(shown(auth::keys::account(&address)), r"auth/account/\xa0\xa0\xa0");
    assert_eq!(shown(auth::keys::by_number(258)), r"auth/number/\x00\x00\x00\x00\x00\x00\x01\x02");
    assert_eq!(shown(auth::keys::module("bank")), "auth/module/bank");
    assert_eq!(shown(auth::keys::PARAMS.to_vec()), "auth/params");
    assert_eq!(shown(auth::keys::NEXT_NUMBER.to_vec()), "auth/next");
    assert_eq!(shown(bank::keys::balance(&address, "uzektra")), r"bank/balance/\x03\xa0\xa0\xa0uzektra");
    assert_eq!(shown(bank::keys::owner("uzektra", &address)), r"bank/owner/uzektra\x00\xa0\xa0\xa0");
    assert_eq!(shown(bank::keys::supply("uzektra")), "bank/supply/uzektra");
    assert_eq!(shown(bank::keys::metadata("uzektra")), "bank/metadata/uzektra");
    assert_eq!(shown(bank::keys::send_enabled("uzektra")), "bank/send/uzektra");
    assert_eq!(shown(bank::keys::PARAMS.to_vec()), "bank/params");
    assert_eq!(shown(beacon::key(1)), r"beacon/\x00\x00\x00\x00\x00\x00\x00\x01");
    assert_eq!(shown(consensus::PARAMS.to_vec()), "consensus/params");
    let time = zektra_proto::Timestamp { seconds: 1, nanos: 2 };
    assert_eq!(shown(gov::keys::PARAMS.to_vec()), "gov/params");
    assert_eq!(shown(gov::keys::CONSTITUTION.to_vec()), "gov/constitution");
    assert_eq!(shown(gov::keys::NEXT.to_vec()), "gov/next");
    assert_eq!(shown(gov::keys::proposal(1)), r"gov/proposal/\x00\x00\x00\x00\x00\x00\x00\x01");
    assert_eq!(shown(gov::keys::voting(1)), r"gov/voting/\x00\x00\x00\x00\x00\x00\x00\x01");
    assert_eq!(shown(gov::keys::deposit(1, &address)), r"gov/deposit/\x00\x00\x00\x00\x00\x00\x00\x01\xa0\xa0\xa0");
    assert_eq!(shown(gov::keys::vote(1, &address)), r"gov/vote/\x00\x00\x00\x00\x00\x00\x00\x01\xa0\xa0\xa0");
    let queued = |queue| shown(gov::keys::queued(queue, &time, 3));
    let rest = r"\x00\x00\x00\x00\x00\x00\x00\x01\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x03";
    assert_eq!(queued(gov::keys::ACTIVE), format!("gov/queue/active/{rest}"));
    assert_eq!(queued(gov::keys::INACTIVE), format!("gov/queue/inactive/{rest}"));
    assert_eq!(shown(slashing::keys::PARAMS.to_vec()), "slashing/params");
    assert_eq!(shown(slashing::keys::signing_info(&address)), r"slashing/info/\xa0\xa0\xa0");
    let missed = r"slashing/missed/\x03\xa0\xa0\xa0\x00\x00\x00\x00\x00\x00\x01\x02";
    assert_eq!(shown(slashing::keys::missed(&address, 258)), missed);
    assert_eq!(shown(evidence::keys::evidence(&[1, 2])), r"evidence/\x01\x02");
    let (other, end) = (Address::new(vec![0xb0; 2]).unwrap(), Timestamp { seconds: 258, nanos: 3 });
    let time = r"\x00\x00\x00\x00\x00\x00\x01\x02\x00\x00\x00\x03";
    assert_eq!(shown(feegrant::keys::grant(&address, &other)), r"feegrant/grant/\x02\xb0\xb0\xa0\xa0\xa0");
    assert_eq!(shown(feegrant::keys::by_granter(&address, &other)), r"feegrant/granter/\x03\xa0\xa0\xa0\xb0\xb0");
    let wanted = format!(r"feegrant/queue/{time}\x02\xb0\xb0\xa0\xa0\xa0");
    assert_eq!(shown(feegrant::keys::queue(&end, &address, &other)), wanted);
    assert_eq!(shown(authz::keys::grant(&address, &other, "/a.B")), r"authz/grant/\x03\xa0\xa0\xa0\x02\xb0\xb0/a.B");
    let wanted = r"authz/grantee/\x02\xb0\xb0\x03\xa0\xa0\xa0/a.B";
    assert_eq!(shown(authz::keys::by_grantee(&address, &other, "/a.B")), wanted);
    let wanted = format!(r"authz/queue/{time}\x03\xa0\xa0\xa0\x02\xb0\xb0/a.B");
    assert_eq!(shown(authz::keys::queue(&end, &address, &other, "/a.B")), wanted);
    assert_eq!(shown(upgrade::keys::PLAN.to_vec()), "upgrade/plan");
    assert_eq!(shown(upgrade::keys::done(258, "v2")), r"upgrade/done/\x00\x00\x00\x00\x00\x00\x01\x02v2");
    assert_eq!(shown(upgrade::keys::version("bank")), "upgrade/version/bank");
    assert_eq!(shown(mint::keys::PARAMS.to_vec()), "mint/params");
    assert_eq!(shown(mint::keys::MINTER.to_vec()), "mint/minter");
    assert_eq!(shown(distribution::keys::PARAMS.to_vec()), "distribution/params");
    assert_eq!(shown(distribution::keys::POOL.to_vec()), "distribution/pool");
    let other = Address::new(vec![0xb0; 2]).unwrap();
    let number = |n: u8| format!(r"{}\x{n:02x}", r"\x00".repeat(7));
    for (key, wanted) in [
        (distribution::keys::withdraw(&address), r"withdraw/\xa0\xa0\xa0".into()),
        (distribution::keys::outstanding(&address), r"outstanding/\xa0\xa0\xa0".into()),
        (distribution::keys::commission(&address), r"commission/\xa0\xa0\xa0".into()),
        (distribution::keys::current(&address), r"current/\xa0\xa0\xa0".into()),
        (distribution::keys::history(&address, 7), format!(r"history/\x03\xa0\xa0\xa0{}", number(7))),
        (distribution::keys::start(&address, &other), r"start/\x03\xa0\xa0\xa0\xb0\xb0".into()),
        (distribution::keys::slash(&address, 8, 7), format!(r"slash/\x03\xa0\xa0\xa0{}{}", number(8), number(7))),
    ] {
        assert_eq!(shown(key), format!("distribution/{wanted}"));
    }
}

#[test]
fn and_so_are_those_of_the_vault() {
    let address = Address::new(vec![0xa0; 3]).unwrap();
    let number = |n: u8| format!(r"{}\x{n:02x}", r"\x00".repeat(7));
    let commitment = Commitment([1, 2, 3, 4]);
    let key = [1, 2, 3, 4].map(|n| format!(r"\x{n:02x}{}", r"\x00".repeat(7))).concat();
    for (found, wanted) in [
        (vault::keys::PARAMS.to_vec(), "params".into()),
        (vault::keys::NEXT_DATASET.to_vec(), "next/dataset".into()),
        (vault::keys::NEXT_GRANT.to_vec(), "next/grant".into()),
        (vault::keys::NEXT_SET.to_vec(), "next/set".into()),
        (vault::keys::seat(&commitment), format!("seat/{key}")),
        (vault::keys::seat_of(&address, &commitment), format!(r"seats-of/\x03\xa0\xa0\xa0{key}")),
        (vault::keys::dataset(5), format!("dataset/{}", number(5))),
        (vault::keys::schema(5), format!("schema/{}", number(5))),
        (vault::keys::dataset_of(&address, 5), format!(r"datasets-of/\x03\xa0\xa0\xa0{}", number(5))),
        (vault::keys::object(&Fingerprint([0xb0; 32])), format!("object/{}", r"\xb0".repeat(32))),
        (vault::keys::grant(5, 6), format!("grant/{}{}", number(5), number(6))),
        (vault::keys::grant_of(6), format!("grant-of/{}", number(6))),
        (vault::keys::standing(5, 6), format!("standing/{}{}", number(5), number(6))),
        (vault::keys::set(7), format!("set/{}", number(7))),
    ] {
        assert_eq!(shown(found), format!("vault/{wanted}"));
    }
}

#[test]
fn and_so_are_those_of_work() {
    let (address, other) = (Address::new(vec![0xa0; 3]).unwrap(), Address::new(vec![0xb0; 2]).unwrap());
    let number = |n: u8| format!(r"{}\x{n:02x}", r"\x00".repeat(7));
    for (key, wanted) in [
        (compute::keys::PARAMS.to_vec(), "compute/params".into()),
        (compute::keys::EPOCH.to_vec(), "compute/epoch".into()),
        (compute::keys::UNITS.to_vec(), "compute/units".into()),
        (compute::keys::node(&address), r"compute/node/\xa0\xa0\xa0".into()),
        (compute::keys::leaving(7, &address), format!(r"compute/leaving/{}\xa0\xa0\xa0", number(7))),
        (reputation::keys::PARAMS.to_vec(), "reputation/params".into()),
        (reputation::keys::EPOCH.to_vec(), "reputation/epoch".into()),
        (reputation::keys::record(&address), r"reputation/record/\xa0\xa0\xa0".into()),
        (reputation::keys::pending(&address, &other), r"reputation/pending/\x03\xa0\xa0\xa0\xb0\xb0".into()),
        (market::keys::PARAMS.to_vec(), "market/params".into()),
        (market::keys::NEXT.to_vec(), "market/next".into()),
        (market::keys::EPOCH.to_vec(), "market/epoch".into()),
        (market::keys::listing(7), format!("market/listing/{}", number(7))),
        (market::keys::seller(&address, 7), format!(r"market/seller/\x03\xa0\xa0\xa0{}", number(7))),
        (market::keys::demand(7), format!("market/demand/{}", number(7))),
        (market::keys::escrow(7), format!("market/escrow/{}", number(7))),
        (market::keys::payout(7, 8), format!("market/payout/{}{}", number(7), number(8))),
        (market::keys::credits(&address), r"market/credits/\xa0\xa0\xa0".into()),
    ] {
        assert_eq!(shown(key), wanted);
    }
}
