use proptest::prelude::*;
use zektra_modules::address::{Address, Prefix};

#[test]
fn of_the_test_vectors_of_clients() {
    // The address of cosmos1pkptre7fdkl6gfrzlesjjvhxhlc3r4gmmk8rs6 in CosmJS's documentation.
    let cosmos = Prefix::new("cosmos").unwrap();
    let address = cosmos.parse("cosmos1pkptre7fdkl6gfrzlesjjvhxhlc3r4gmmk8rs6").unwrap();
    assert_eq!(format!("{address:?}"), "0D82B1E7C96DBFA42462FE612932E6BFF111D51B");
    assert_eq!(cosmos.text(&address), "cosmos1pkptre7fdkl6gfrzlesjjvhxhlc3r4gmmk8rs6");
    let other = Prefix::new("zektra").unwrap().parse("cosmos1pkptre7fdkl6gfrzlesjjvhxhlc3r4gmmk8rs6").unwrap_err();
    assert_eq!(other.log, "invalid Bech32 prefix; expected zektra, got cosmos: invalid address");
    for wrong in [
        "",
        "cosmos",
        "cosmos1",
        "cosmos1pkptre7fdkl6gfrzlesjjvhxhlc3r4gmmk8rs7",
        "Cosmos1pkptre7fdkl6gfrzlesjjvhxhlc3r4gmmk8rs6",
    ] {
        assert_eq!(cosmos.parse(wrong).unwrap_err().code, 7, "{wrong}");
    }
    for wrong in ["", "1a", "a-b", "Ab", "abcdefghijklmnopqrstu"] {
        assert!(Prefix::new(wrong).is_err(), "{wrong}");
    }
}

proptest! {
    #[test]
    fn and_back(bytes in prop::collection::vec(any::<u8>(), 1..=255)) {
        let prefix = Prefix::new("zektra").unwrap();
        let address = Address::new(bytes).unwrap();
        prop_assert_eq!(prefix.parse(&prefix.text(&address)).unwrap(), address);
    }
}
