//! Fractions of coins: what rewards are counted in.

use crate::coin::{Coins, is_denom};
use crate::decimal::{Dec, OutOfRange};
use crate::error::TxError;
use std::collections::BTreeMap;
use std::fmt;
use zektra_proto::cosmos::base::v1beta1::DecCoin;

/// Decimal amounts by denomination: no zeros, sorted by denomination.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DecCoins(BTreeMap<String, Dec>);

impl DecCoins {
    /// No coins.
    pub fn none() -> Self {
        Self::default()
    }

    /// Whole coins.
    pub fn whole(coins: &Coins) -> Self {
        Self(coins.iter().map(|(denom, amount)| (denom.into(), Dec::whole(amount))).collect())
    }

    /// Reads a list that is sorted and names each denomination once; zeros are left out.
    ///
    /// # Errors
    /// Any other list, said as a text.
    pub fn read(list: &[DecCoin]) -> Result<Self, String> {
        let mut out = Self::none();
        let mut before: Option<&str> = None;
        for coin in list {
            let denom = &coin.denom[..];
            if !is_denom(denom) {
                return Err(format!("invalid denom: {denom}"));
            }
            if before.is_some_and(|b| b >= denom) {
                return Err(format!("denomination {denom} is not sorted or stands twice"));
            }
            before = Some(denom);
            out.set(denom, Dec::read(&coin.amount)?);
        }
        Ok(out)
    }

    fn set(&mut self, denom: &str, amount: Dec) {
        if amount.is_zero() {
            self.0.remove(denom);
        } else {
            self.0.insert(denom.into(), amount);
        }
    }

    /// The amount of a denomination.
    pub fn amount(&self, denom: &str) -> Dec {
        self.0.get(denom).copied().unwrap_or_default()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Denominations with their amounts.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Dec)> {
        self.0.iter().map(|(denom, &amount)| (&denom[..], amount))
    }

    fn each(&self, change: impl Fn(Dec) -> Result<Dec, OutOfRange>) -> Result<Self, OutOfRange> {
        let mut out = Self::none();
        for (denom, amount) in self.iter() {
            out.set(denom, change(amount)?);
        }
        Ok(out)
    }

    /// Adds all of `other`.
    ///
    /// # Errors
    /// An amount is too large.
    pub fn add(&mut self, other: &Self) -> Result<(), OutOfRange> {
        for (denom, amount) in other.iter() {
            self.set(denom, self.amount(denom).plus(amount)?);
        }
        Ok(())
    }

    /// Takes all of `other` away.
    ///
    /// # Errors
    /// That is more than there is.
    pub fn take(&mut self, other: &Self) -> Result<(), OutOfRange> {
        for (denom, amount) in other.iter() {
            self.set(denom, self.amount(denom).minus(amount)?);
        }
        Ok(())
    }

    /// The smaller amount of each denomination.
    #[must_use]
    pub fn least(&self, other: &Self) -> Self {
        let mut out = Self::none();
        for (denom, amount) in self.iter() {
            out.set(denom, amount.min(other.amount(denom)));
        }
        out
    }

    /// Each amount times a number, rounded to the nearest, a half to the even one.
    ///
    /// # Errors
    /// An amount is too large.
    pub fn times(&self, by: Dec) -> Result<Self, OutOfRange> {
        self.each(|amount| amount.times(by))
    }

    /// Each amount times a number, rounded down.
    ///
    /// # Errors
    /// An amount is too large.
    pub fn times_down(&self, by: Dec) -> Result<Self, OutOfRange> {
        self.each(|amount| amount.times_down(by))
    }

    /// Each amount over a number, rounded down.
    ///
    /// # Errors
    /// An amount is too large; division by zero.
    pub fn over_down(&self, by: Dec) -> Result<Self, OutOfRange> {
        self.each(|amount| amount.over_down(by))
    }

    /// The whole coins, and what is left.
    ///
    /// # Errors
    /// An amount of 2^128 and above.
    pub fn split(&self) -> Result<(Coins, Self), TxError> {
        let mut whole = Coins::none();
        for (denom, amount) in self.iter() {
            whole.add(denom, amount.floor()?)?;
        }
        Ok((whole, self.each(|amount| Ok(amount.fraction()))?))
    }

    /// As messages hold them.
    pub fn to_proto(&self) -> Vec<DecCoin> {
        self.iter().map(|(denom, amount)| DecCoin { denom: denom.into(), amount: amount.digits() }).collect()
    }
}

impl fmt::Display for DecCoins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (denom, amount)) in self.iter().enumerate() {
            write!(f, "{}{amount}{denom}", if i > 0 { "," } else { "" })?;
        }
        Ok(())
    }
}
