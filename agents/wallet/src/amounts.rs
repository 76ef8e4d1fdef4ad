//! Coins and gas prices as people write them: `1500uzektra`, `1500uzektra,20atom`, `0.025uzektra`.

use crate::rejected::{Rejected, expect};
use zektra_proto::cosmos::base::v1beta1::Coin;

/// Digits of a gas price after its point, as in the SDK's decimals.
const DIGITS: usize = 18;

/// Splits a number from the denomination that follows it.
fn split(text: &str) -> Option<(&str, &str)> {
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.')?;
    let (number, denom) = text.split_at(at);
    let mut rest = denom.bytes();
    let named = rest.next().is_some_and(|b| b.is_ascii_alphabetic())
        && rest.all(|b| b.is_ascii_alphanumeric() || b"/:._-".contains(&b));
    (!number.is_empty() && named && (3..=128).contains(&denom.len())).then_some((number, denom))
}

/// Coins separated by commas, sorted by denomination as the chain wants them.
///
/// # Errors
/// Anything else; a denomination that stands twice.
pub fn coins(text: &str) -> Result<Vec<Coin>, Rejected> {
    let wrong =
        || Rejected::Input(format!("amount {text:?}: expected coins such as 1500uzektra or 1500uzektra,20atom"));
    let mut out = vec![];
    for part in text.split(',').map(str::trim).filter(|p| !p.is_empty()) {
        let (number, denom) = split(part).ok_or_else(wrong)?;
        let amount: u128 = number.parse().map_err(|_| wrong())?;
        out.push(Coin { denom: denom.into(), amount: amount.to_string() });
    }
    out.sort_by(|a, b| a.denom.cmp(&b.denom));
    let twice = out.windows(2).find(|w| w[0].denom == w[1].denom);
    expect(twice.is_none(), || format!("amount {text:?}: a denomination stands twice"))?;
    Ok(out)
}

/// One coin.
///
/// # Errors
/// None, or more than one.
pub fn coin(text: &str) -> Result<Coin, Rejected> {
    let mut all = coins(text)?;
    expect(all.len() == 1, || format!("amount {text:?}: expected one coin, such as 1500uzektra"))?;
    Ok(all.remove(0))
}

/// The fee of `gas` at prices such as `0.025uzektra`, each coin rounded up.
///
/// # Errors
/// Prices of another form, or a fee of 2^128 and above.
pub fn fee(prices: &str, gas: u64) -> Result<Vec<Coin>, Rejected> {
    let wrong = || Rejected::Input(format!("gas prices {prices:?}: expected a price such as 0.025uzektra"));
    let mut out = vec![];
    for part in prices.split(',').map(str::trim).filter(|p| !p.is_empty()) {
        let (number, denom) = split(part).ok_or_else(wrong)?;
        let (whole, rest) = number.split_once('.').unwrap_or((number, ""));
        let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
        expect(!whole.is_empty() && digits(whole) && digits(rest) && rest.len() <= DIGITS, || wrong().to_string())?;
        let scaled: u128 = format!("{whole}{rest:0<DIGITS$}").parse().map_err(|_| wrong())?;
        let scale = 10u128.pow(DIGITS as u32);
        // The whole part and the rest apart, so that the product stays in 128 bits for longer.
        let gas = u128::from(gas);
        let part = (scaled % scale).checked_mul(gas).map(|p| p.div_ceil(scale));
        let amount = (scaled / scale).checked_mul(gas).zip(part).and_then(|(a, b)| a.checked_add(b));
        let amount = amount.ok_or_else(|| Rejected::Input(format!("gas prices {prices:?}: the fee is too large")))?;
        out.push(format!("{amount}{denom}"));
    }
    coins(&out.join(","))
}

#[cfg(test)]
mod tests {
    use super::{coin, coins, fee};
    use proptest::prelude::*;

    fn shown(list: &[super::Coin]) -> String {
        list.iter().map(|c| format!("{}{}", c.amount, c.denom)).collect::<Vec<_>>().join(",")
    }

    #[test]
    fn coins_are_sorted() {
        assert_eq!(shown(&coins("5uzektra, 7atom").unwrap()), "7atom,5uzektra");
        assert_eq!(shown(&coins("3ibc/27AB:x.y_z-1").unwrap()), "3ibc/27AB:x.y_z-1");
        assert_eq!(shown(&coins("").unwrap()), "");
        for wrong in
            ["5", "uzektra", "-5uzektra", "5 uzektra", "1.5uzektra", "5uz", "5u zek", "1uzektra,2uzektra", "5é12"]
        {
            assert!(coins(wrong).is_err(), "{wrong}");
        }
        assert!(coin("1uzektra,2atom").is_err());
        assert!(coin("").is_err());
    }

    #[test]
    fn a_fee_is_rounded_up() {
        assert_eq!(shown(&fee("0.025uzektra", 200_000).unwrap()), "5000uzektra");
        assert_eq!(shown(&fee("0.0250001uzektra", 200_000).unwrap()), "5001uzektra");
        assert_eq!(shown(&fee("2uzektra,0.1atom", 15).unwrap()), "2atom,30uzektra");
        for wrong in ["uzektra", ".5uzektra", "0.1.2uzektra", "0.0000000000000000001uzektra", "x"] {
            assert!(fee(wrong, 1).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,24}", gas: u64) {
            let _ = coins(&text);
            let _ = fee(&text, gas);
        }

        #[test]
        fn an_amount_is_read_as_written(amount: u128, denom in "[a-z][a-z0-9/]{2,20}") {
            let text = format!("{amount}{denom}");
            prop_assert_eq!(shown(&coins(&text).unwrap()), text);
        }

        #[test]
        fn a_fee_is_the_smallest_that_pays(micro in 0u64..10_000_000, gas in 0u64..100_000_000) {
            let price = format!("{}.{:06}uzektra", micro / 1_000_000, micro % 1_000_000);
            let paid: u128 = fee(&price, gas).unwrap()[0].amount.parse().unwrap();
            let owed = u128::from(micro) * u128::from(gas);
            prop_assert!(paid * 1_000_000 >= owed && (paid == 0 || (paid - 1) * 1_000_000 < owed));
        }
    }
}
