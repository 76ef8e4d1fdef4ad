use proptest::prelude::*;
use zektra_modules::address::{Address, Prefix, split_prefixed};

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

/// Texts with a right checksum whose last bits are no part of the bytes.
#[test]
fn bits_that_are_left_over_are_refused() {
    use bech32::primitives::iter::Fe32IterExt as _;
    use bech32::{Bech32, ByteIterExt as _, Fe32, Hrp};
    let (prefix, hrp) = (Prefix::new("zektra").unwrap(), Hrp::parse("zektra").unwrap());
    let text = |bytes: &[u8], last: Option<Fe32>, more: Option<Fe32>| -> String {
        let mut symbols: Vec<Fe32> = bytes.iter().copied().bytes_to_fes().collect();
        if let (Some(last), Some(place)) = (last, symbols.last_mut()) {
            *place = last;
        }
        symbols.into_iter().chain(more).with_checksum::<Bech32>(&hrp).chars().collect()
    };
    // 32 bytes end in a symbol with four bits of padding, 20 bytes in a whole one.
    assert!(prefix.parse(&text(&[0; 32], None, None)).is_ok());
    assert!(prefix.parse(&text(&[0; 20], None, None)).is_ok());
    for wrong in [text(&[0; 32], Some(Fe32::P), None), text(&[0; 20], None, Some(Fe32::Q))] {
        assert_eq!(prefix.parse(&wrong).unwrap_err().code, 7, "{wrong}");
    }
}

proptest! {
    #[test]
    fn and_back(bytes in prop::collection::vec(any::<u8>(), 1..=255)) {
        let prefix = Prefix::new("zektra").unwrap();
        let address = Address::new(bytes).unwrap();
        prop_assert_eq!(prefix.parse(&prefix.text(&address)).unwrap(), address);
    }

    /// Whatever is read is written as it was, or in small letters.
    #[test]
    fn whatever_is_read(
        bytes in prop::collection::vec(any::<u8>(), 1..=40),
        at in any::<prop::sample::Index>(),
        other in prop::char::range('\0', '\u{7f}'),
        upper in any::<bool>(),
    ) {
        let prefix = Prefix::new("zektra").unwrap();
        let text = prefix.text(&Address::new(bytes).unwrap());
        let mut changed: Vec<char> = text.chars().collect();
        let at = at.index(changed.len());
        changed[at] = other;
        let changed: String = changed.into_iter().collect();
        let changed = if upper { changed.to_uppercase() } else { changed };
        if let Ok(address) = prefix.parse(&changed) {
            prop_assert_eq!(prefix.text(&address), changed.to_lowercase());
            prop_assert_eq!(changed.to_lowercase(), text);
        }
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>(), prefix in "[a-z]{1,21}|.{0,3}") {
        if let Ok(prefix) = Prefix::new(&prefix)
            && let Ok(address) = prefix.parse(&text)
        {
            prop_assert_eq!(prefix.text(&address), text.to_lowercase());
        }
    }

    #[test]
    fn a_prefixed_address_is_split_off(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        if let Some((address, rest)) = split_prefixed(&bytes) {
            prop_assert_eq!([&address.prefixed()[..], rest].concat(), bytes);
        }
    }
}
