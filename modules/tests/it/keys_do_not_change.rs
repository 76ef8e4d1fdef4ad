use zektra_modules::address::Address;
use zektra_modules::{auth, bank, beacon, consensus};

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
    assert_eq!(shown(bank::keys::balance(&address, "uzek")), r"bank/balance/\x03\xa0\xa0\xa0uzek");
    assert_eq!(shown(bank::keys::owner("uzek", &address)), r"bank/owner/uzek\x00\xa0\xa0\xa0");
    assert_eq!(shown(bank::keys::supply("uzek")), "bank/supply/uzek");
    assert_eq!(shown(bank::keys::metadata("uzek")), "bank/metadata/uzek");
    assert_eq!(shown(bank::keys::send_enabled("uzek")), "bank/send/uzek");
    assert_eq!(shown(bank::keys::PARAMS.to_vec()), "bank/params");
    assert_eq!(shown(beacon::key(1)), r"beacon/\x00\x00\x00\x00\x00\x00\x00\x01");
    assert_eq!(shown(consensus::PARAMS.to_vec()), "consensus/params");
}
