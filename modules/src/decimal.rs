//! Decimals of 18 digits after the point, as the Cosmos SDK's `math/dec.go` rounds them: never negative here, never
//! floating.

use crate::error::{Sdk, TxError};
use crate::query::QueryError;
use primitive_types::{U256, U512};
use std::fmt;

/// Digits after the point.
pub const DIGITS: usize = 18;
/// One, as the integer inside.
const ONE: u128 = 1_000_000_000_000_000_000;

/// A decimal: an integer of 256 bits in units of 10^-18.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dec(U256);

/// A number that does not fit: beyond 2^256 units, below zero, or divided by zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a number is too large, below zero, or divided by zero")]
pub struct OutOfRange;

impl From<OutOfRange> for TxError {
    fn from(e: OutOfRange) -> Self {
        Sdk::InvalidRequest.wrap(e)
    }
}

impl From<OutOfRange> for QueryError {
    fn from(e: OutOfRange) -> Self {
        TxError::from(e).into()
    }
}

/// What is done with digits that do not fit.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Round {
    Down,
    Up,
    /// To the nearest; a half to the even one.
    Nearest,
}

fn divided(number: U512, by: U512, round: Round) -> Result<U512, OutOfRange> {
    if by.is_zero() {
        return Err(OutOfRange);
    }
    let (quotient, rest) = number.div_mod(by);
    let up = match round {
        _ if rest.is_zero() => false,
        Round::Down => false,
        Round::Up => true,
        // The rest is below `by`, which is far below 2^511.
        Round::Nearest => match (rest + rest).cmp(&by) {
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Greater => true,
            std::cmp::Ordering::Equal => quotient.bit(0),
        },
    };
    if up { quotient.checked_add(U512::one()).ok_or(OutOfRange) } else { Ok(quotient) }
}

fn narrow(wide: U512) -> Result<Dec, OutOfRange> {
    U256::try_from(wide).map(Dec).map_err(|_| OutOfRange)
}

impl Dec {
    /// Zero.
    pub const ZERO: Self = Self(U256::zero());

    /// One.
    pub fn one() -> Self {
        Self(ONE.into())
    }

    /// A whole number.
    pub fn whole(number: u128) -> Self {
        // 2^128 · 10^18 < 2^188.
        Self(U256::from(number) * U256::from(ONE))
    }

    /// A number of hundredths: `percent(5)` is 0.05.
    pub fn percent(number: u64) -> Self {
        Self(U256::from(number) * U256::from(ONE / 100))
    }

    /// A number of ten thousandths.
    pub fn basis_points(number: u32) -> Self {
        Self(U256::from(number) * U256::from(ONE / 10_000))
    }

    /// Reads the digits that messages hold: an integer in units of 10^-18.
    ///
    /// # Errors
    /// Anything else, said as a text.
    pub fn read(digits: &str) -> Result<Self, String> {
        let wrong = || format!("decimal {digits:?}: expected a whole number of 10^-18 from 0 to 2^256 - 1");
        if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) || digits.len() > 78 {
            return Err(wrong());
        }
        U256::from_dec_str(digits).map(Self).map_err(|_| wrong())
    }

    /// Reads a decimal with a point, as texts of governance hold it; of a whole number the point may be left out.
    ///
    /// # Errors
    /// Anything else, said as a text.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("decimal {text:?}: expected digits, a point and at most {DIGITS} digits behind it");
        let (whole, rest) = text.split_once('.').unwrap_or((text, "0"));
        if whole.is_empty() || rest.is_empty() || rest.len() > DIGITS {
            return Err(wrong());
        }
        Self::read(&format!("{whole}{rest:0<DIGITS$}")).map_err(|_| wrong())
    }

    /// Reads digits that messages hold as bytes.
    ///
    /// # Errors
    /// As [`Dec::read`].
    pub fn read_bytes(digits: &[u8]) -> Result<Self, String> {
        Self::read(str::from_utf8(digits).map_err(|e| e.to_string())?)
    }

    /// The digits that messages hold.
    pub fn digits(&self) -> String {
        self.0.to_string()
    }

    /// The digits as bytes.
    pub fn digit_bytes(&self) -> Vec<u8> {
        self.digits().into_bytes()
    }

    /// Whether it is 0.
    pub fn is_zero(&self) -> bool {
        self.0.is_zero()
    }

    /// The sum.
    ///
    /// # Errors
    /// 2^256 units and above.
    pub fn plus(self, other: Self) -> Result<Self, OutOfRange> {
        self.0.checked_add(other.0).map(Self).ok_or(OutOfRange)
    }

    /// The difference.
    ///
    /// # Errors
    /// Below zero.
    pub fn minus(self, other: Self) -> Result<Self, OutOfRange> {
        self.0.checked_sub(other.0).map(Self).ok_or(OutOfRange)
    }

    fn multiplied(self, other: Self, round: Round) -> Result<Self, OutOfRange> {
        narrow(divided(self.0.full_mul(other.0), ONE.into(), round)?)
    }

    fn parted(self, by: Self, round: Round) -> Result<Self, OutOfRange> {
        narrow(divided(self.0.full_mul(ONE.into()), by.0.into(), round)?)
    }

    /// The product, rounded to the nearest, a half to the even one.
    ///
    /// # Errors
    /// 2^256 units and above.
    pub fn times(self, other: Self) -> Result<Self, OutOfRange> {
        self.multiplied(other, Round::Nearest)
    }

    /// The product, rounded down.
    ///
    /// # Errors
    /// 2^256 units and above.
    pub fn times_down(self, other: Self) -> Result<Self, OutOfRange> {
        self.multiplied(other, Round::Down)
    }

    /// The product with a whole number, which is exact.
    ///
    /// # Errors
    /// 2^256 units and above.
    pub fn times_whole(self, number: u128) -> Result<Self, OutOfRange> {
        self.0.checked_mul(number.into()).map(Self).ok_or(OutOfRange)
    }

    /// The quotient, rounded to the nearest, a half to the even one.
    ///
    /// The SDK first cuts the quotient to 36 digits, then rounds these: a rest behind them does not count there, nor here.
    ///
    /// # Errors
    /// 2^256 units and above; division by zero.
    pub fn over(self, by: Self) -> Result<Self, OutOfRange> {
        let scaled = self.0.full_mul(ONE.into()).checked_mul(ONE.into()).ok_or(OutOfRange)?;
        let long = divided(scaled, by.0.into(), Round::Down)?;
        narrow(divided(long, ONE.into(), Round::Nearest)?)
    }

    /// The product with a whole number over a decimal, exact in between and rounded as [`Dec::over`].
    ///
    /// # Errors
    /// 2^256 units and above; division by zero.
    pub fn share(self, number: u128, of: Self) -> Result<Self, OutOfRange> {
        // Below 2^(256 + 128 + 60 + 60).
        let scaled = self.0.full_mul(number.into()) * U512::from(ONE) * U512::from(ONE);
        narrow(divided(divided(scaled, of.0.into(), Round::Down)?, ONE.into(), Round::Nearest)?)
    }

    /// The same, rounded down.
    ///
    /// # Errors
    /// 2^256 units and above; division by zero.
    pub fn share_down(self, number: u128, of: Self) -> Result<Self, OutOfRange> {
        narrow(divided(self.0.full_mul(number.into()) * U512::from(ONE), of.0.into(), Round::Down)?)
    }

    /// The product with a whole number over a whole number, exact in between and rounded down.
    ///
    /// # Errors
    /// 2^256 units and above; division by zero.
    pub fn share_of_whole(self, number: u128, of: u128) -> Result<Self, OutOfRange> {
        narrow(divided(self.0.full_mul(number.into()), of.into(), Round::Down)?)
    }

    /// The quotient, rounded down.
    ///
    /// # Errors
    /// 2^256 units and above; division by zero.
    pub fn over_down(self, by: Self) -> Result<Self, OutOfRange> {
        self.parted(by, Round::Down)
    }

    /// The quotient, rounded up.
    ///
    /// # Errors
    /// 2^256 units and above; division by zero.
    pub fn over_up(self, by: Self) -> Result<Self, OutOfRange> {
        self.parted(by, Round::Up)
    }

    /// The quotient with a whole number, rounded down.
    ///
    /// # Errors
    /// Division by zero.
    pub fn over_whole(self, by: u128) -> Result<Self, OutOfRange> {
        self.0.checked_div(by.into()).map(Self).ok_or(OutOfRange)
    }

    fn to_whole(self, round: Round) -> Result<u128, OutOfRange> {
        let whole = divided(self.0.into(), ONE.into(), round)?;
        u128::try_from(whole).map_err(|_| OutOfRange)
    }

    /// The whole number below.
    ///
    /// # Errors
    /// 2^128 and above.
    pub fn floor(self) -> Result<u128, OutOfRange> {
        self.to_whole(Round::Down)
    }

    /// The whole number above.
    ///
    /// # Errors
    /// 2^128 and above.
    pub fn ceiling(self) -> Result<u128, OutOfRange> {
        self.to_whole(Round::Up)
    }

    /// The nearest whole number; of a half the even one.
    ///
    /// # Errors
    /// 2^128 and above.
    pub fn rounded(self) -> Result<u128, OutOfRange> {
        self.to_whole(Round::Nearest)
    }

    /// What is behind the point.
    #[must_use]
    pub fn fraction(self) -> Self {
        Self(self.0 % U256::from(ONE))
    }
}

impl fmt::Display for Dec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = self.0.div_mod(ONE.into());
        write!(f, "{whole}.{:0>DIGITS$}", rest.to_string())
    }
}
