//! Times and spans as messages hold them, in whole nanoseconds.

use crate::error::{Sdk, TxError};
use zektra_proto::{Duration, Timestamp};

const SECOND: i128 = 1_000_000_000;

/// The first second of year 1, which Go's clients send where there is no time.
pub const NO_TIME: i64 = -62_135_596_800;
/// The last second of year 9999.
const LAST: i64 = 253_402_300_799;

/// Nanoseconds since 1970.
pub fn nanos(time: &Timestamp) -> i128 {
    i128::from(time.seconds) * SECOND + i128::from(time.nanos)
}

/// A time that can be written: from year 1 to 9999, nanoseconds below a second.
///
/// # Errors
/// Any other.
pub fn check(time: &Timestamp) -> Result<(), TxError> {
    if (NO_TIME..=LAST).contains(&time.seconds) && (0..1_000_000_000).contains(&time.nanos) {
        return Ok(());
    }
    let (seconds, nanos) = (time.seconds, time.nanos);
    Err(Sdk::InvalidRequest.wrap(format!("time of {seconds} s and {nanos} ns: expected a time of the years 1 to 9999")))
}

/// The nanoseconds of a span, which may be negative.
///
/// # Errors
/// More than 292 years, parts of different signs.
pub fn span(span: &Duration) -> Result<i128, TxError> {
    let (seconds, nanos) = (span.seconds, span.nanos);
    let sum = i128::from(seconds) * SECOND + i128::from(nanos);
    let one_sign = i128::from(nanos).abs() < SECOND && seconds.signum() * i64::from(nanos.signum()) >= 0;
    if one_sign && i64::try_from(sum).is_ok() {
        return Ok(sum);
    }
    Err(Sdk::InvalidRequest.wrap(format!("span of {seconds} s and {nanos} ns: expected at most 292 years")))
}

/// The time so many nanoseconds after 1970, at most the end of year 9999.
pub fn at(nanos: i128) -> Timestamp {
    let (seconds, rest) = (nanos.div_euclid(SECOND), nanos.rem_euclid(SECOND));
    let seconds = i64::try_from(seconds).unwrap_or(LAST).clamp(NO_TIME, LAST);
    Timestamp { seconds, nanos: i32::try_from(rest).unwrap_or(0) }
}

/// The time a span later, at most the end of year 9999.
///
/// # Errors
/// A span of more than 292 years.
pub fn later(time: &Timestamp, by: &Duration) -> Result<Timestamp, TxError> {
    Ok(at(nanos(time).saturating_add(span(by)?)))
}

/// A time in keys: seconds and nanoseconds, big-endian; times before 1970 are as 1970.
pub fn key(time: &Timestamp) -> [u8; 12] {
    let mut out = [0; 12];
    out[..8].copy_from_slice(&u64::try_from(time.seconds).unwrap_or(0).to_be_bytes());
    out[8..].copy_from_slice(&u32::try_from(time.nanos).unwrap_or(0).to_be_bytes());
    out
}

/// The time that [`key`] gave this.
pub fn of_key(key: &[u8; 12]) -> Timestamp {
    let [seconds @ .., a, b, c, d] = *key;
    let (seconds, nanos) = (u64::from_be_bytes(seconds), u32::from_be_bytes([a, b, c, d]));
    Timestamp { seconds: i64::try_from(seconds).unwrap_or(LAST), nanos: i32::try_from(nanos).unwrap_or(0) }
}
