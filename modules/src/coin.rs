//! Amounts of denominations.

use crate::error::{Sdk, TxError};
use std::collections::BTreeMap;
use std::fmt;
use zektra_proto::cosmos::base::v1beta1::Coin;

/// Amounts by denomination: no zeros, sorted by denomination.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coins(BTreeMap<String, u128>);

/// Whether a denomination has the form that clients expect: a letter, then 2 to 127 letters, digits, `/:._-`.
pub fn is_denom(denom: &str) -> bool {
    let mut bytes = denom.bytes();
    let rest = |b: u8| b.is_ascii_alphanumeric() || b"/:._-".contains(&b);
    (3..=128).contains(&denom.len()) && bytes.next().is_some_and(|b| b.is_ascii_alphabetic()) && bytes.all(rest)
}

/// Reads an amount: decimal digits without a sign and without zeros before, of which Go's integers make octal numbers.
///
/// # Errors
/// Anything else, or 2^128 and above.
pub fn parse_amount(text: &str) -> Result<u128, String> {
    let wrong = || format!("amount {text:?}: expected a whole number from 0 to 2^128 - 1 without zeros before it");
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let one_form = digits && (text.len() == 1 || !text.starts_with('0'));
    if one_form { text.parse().map_err(|_| wrong()) } else { Err(wrong()) }
}

impl Coins {
    /// No coins.
    pub fn none() -> Self {
        Self::default()
    }

    /// One coin; none if the amount is 0.
    pub fn one(denom: &str, amount: u128) -> Self {
        let mut out = Self::none();
        if amount > 0 {
            out.0.insert(denom.into(), amount);
        }
        out
    }

    /// Coins of a message: at least one, sorted, each once, all positive.
    ///
    /// # Errors
    /// Any other list, with code 10.
    pub fn positive(list: &[Coin]) -> Result<Self, TxError> {
        let shown = || list.iter().map(|c| format!("{}{}", c.amount, c.denom)).collect::<Vec<_>>().join(",");
        let coins = Self::sorted(list)?;
        if coins.0.is_empty() || coins.0.len() != list.len() {
            return Err(Sdk::InvalidCoins.wrap(shown()));
        }
        Ok(coins)
    }

    /// A list that is sorted and names each denomination once; zeros are left out.
    ///
    /// # Errors
    /// Any other list, with code 10.
    pub fn sorted(list: &[Coin]) -> Result<Self, TxError> {
        let wrong = |why: String| Sdk::InvalidCoins.wrap(why);
        let mut out = BTreeMap::new();
        let mut before: Option<&str> = None;
        for coin in list {
            if !is_denom(&coin.denom) {
                return Err(wrong(format!("invalid denom: {}", coin.denom)));
            }
            if before.is_some_and(|b| b >= &coin.denom[..]) {
                return Err(wrong(format!("denomination {} is not sorted or stands twice", coin.denom)));
            }
            before = Some(&coin.denom);
            let amount = parse_amount(&coin.amount).map_err(wrong)?;
            if amount > 0 {
                out.insert(coin.denom.clone(), amount);
            }
        }
        Ok(Self(out))
    }

    /// The amount of a denomination.
    pub fn amount(&self, denom: &str) -> u128 {
        self.0.get(denom).copied().unwrap_or(0)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Denominations with their amounts.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u128)> {
        self.0.iter().map(|(denom, &amount)| (&denom[..], amount))
    }

    /// Adds an amount.
    ///
    /// # Errors
    /// 2^128 and above.
    pub fn add(&mut self, denom: &str, amount: u128) -> Result<(), TxError> {
        if amount > 0 {
            let sum = self.amount(denom).checked_add(amount);
            let sum = sum.ok_or_else(|| Sdk::InvalidCoins.wrap(format!("the amount of {denom} is too large")))?;
            self.0.insert(denom.into(), sum);
        }
        Ok(())
    }

    /// Adds all of `other`.
    ///
    /// # Errors
    /// 2^128 and above.
    pub fn add_all(&mut self, other: &Self) -> Result<(), TxError> {
        other.iter().try_for_each(|(denom, amount)| self.add(denom, amount))
    }

    /// What is left after `other` is taken away; `None` if that is more than there is.
    #[must_use]
    pub fn less(&self, other: &Self) -> Option<Self> {
        let mut out = self.clone();
        for (denom, amount) in other.iter() {
            match out.amount(denom).checked_sub(amount)? {
                0 => out.0.remove(denom),
                rest => out.0.insert(denom.into(), rest),
            };
        }
        Some(out)
    }

    /// As messages hold them.
    pub fn to_proto(&self) -> Vec<Coin> {
        self.iter().map(|(denom, amount)| coin(denom, amount)).collect()
    }
}

/// A coin as messages hold it.
pub fn coin(denom: &str, amount: u128) -> Coin {
    Coin { denom: denom.into(), amount: amount.to_string() }
}

/// The amount of a message's coin, which must be positive.
///
/// # Errors
/// No coin, or any other, with code 10.
pub fn positive(field: &str, coin: Option<&Coin>) -> Result<u128, TxError> {
    let coin = coin.ok_or_else(|| Sdk::InvalidCoins.wrap(format!("{field}: nothing, expected a coin")))?;
    let Coin { denom, amount } = coin;
    let found = parse_amount(amount).ok().filter(|&a| a > 0 && is_denom(denom));
    found.ok_or_else(|| Sdk::InvalidCoins.wrap(format!("{field}: {amount:?} of {denom:?}, expected a positive amount")))
}

/// The amount of a message's coin, which must be positive and of this denomination.
///
/// # Errors
/// No coin, or any other, with code 10.
pub fn positive_in(field: &str, coin: Option<&Coin>, denom: &str) -> Result<u128, TxError> {
    let amount = positive(field, coin)?;
    let found = coin.map(|c| &c.denom[..]).unwrap_or_default();
    if found != denom {
        return Err(Sdk::InvalidCoins.wrap(format!("{field}: denomination {found}, expected {denom}")));
    }
    Ok(amount)
}

impl fmt::Display for Coins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (denom, amount)) in self.0.iter().enumerate() {
            write!(f, "{}{amount}{denom}", if i > 0 { "," } else { "" })?;
        }
        Ok(())
    }
}
