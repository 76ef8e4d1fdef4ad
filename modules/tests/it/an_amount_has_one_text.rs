use proptest::prelude::*;
use zektra_modules::coin::{Coins, is_denom, parse_amount};
use zektra_proto::cosmos::base::v1beta1::Coin;

fn coins(list: &[(String, String)]) -> Vec<Coin> {
    list.iter().map(|(denom, amount)| Coin { denom: denom.clone(), amount: amount.clone() }).collect()
}

#[test]
fn digits_without_sign_or_zeros_before() {
    for (text, amount) in [("0", 0), ("7", 7), ("340282366920938463463374607431768211455", u128::MAX)] {
        assert_eq!(parse_amount(text), Ok(amount));
    }
    // A Go client would read the octal number 8 in 010.
    for wrong in
        ["", "-1", "+1", "1.0", "1e3", " 1", "0x10", "010", "00", "١", "340282366920938463463374607431768211456"]
    {
        let error = parse_amount(wrong).unwrap_err();
        assert_eq!(
            error,
            format!("amount {wrong:?}: expected a whole number from 0 to 2^128 - 1 without zeros before it")
        );
    }
}

proptest! {
    #[test]
    fn whatever_is_read_is_written_as_it_was(text in "[0-9]{0,41}|.{0,6}", amount in any::<u128>()) {
        prop_assert_eq!(parse_amount(&amount.to_string()), Ok(amount));
        if let Ok(read) = parse_amount(&text) {
            prop_assert_eq!(read.to_string(), text);
        }
    }

    /// Sorted, each once, and for messages positive: the list is the one form of the coins.
    #[test]
    fn coins_are_one_list(list in prop::collection::vec(("[a-z]{2,4}|.{0,5}", "[0-9]{0,3}|.{0,3}"), 0..5)) {
        let list = coins(&list);
        if let Ok(read) = Coins::positive(&list) {
            prop_assert_eq!(read.to_proto(), &list[..]);
        }
        if let Ok(read) = Coins::sorted(&list) {
            let positive: Vec<_> = list.into_iter().filter(|c| c.amount != "0").collect();
            prop_assert_eq!(read.to_proto(), positive);
        }
    }

    #[test]
    fn a_denomination_is_text_of_128_bytes_at_most(text in ".{0,140}|[a-zA-Z][a-zA-Z0-9/:._-]{0,140}") {
        if is_denom(&text) {
            prop_assert!(text.is_ascii() && (3..=128).contains(&text.len()));
        }
    }
}
