//! Times as people write them for Go's programs: `300ms`, `2s`, `1m30s`, `1.5h`.

use std::time::Duration;

/// Units in nanoseconds.
const UNITS: [(&str, f64); 7] =
    [("ns", 1.0), ("us", 1e3), ("µs", 1e3), ("ms", 1e6), ("s", 1e9), ("m", 6e10), ("h", 3.6e12)];

/// Reads a time.
///
/// # Errors
/// Another form, a number without a unit, more than a hundred years.
pub fn read(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?}, expected a time as 500ms, 2s or 1m30s");
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let (mut rest, mut nanos) = (text, 0.0);
    while !rest.is_empty() || text.is_empty() {
        let digit = |c: char| c.is_ascii_digit() || c == '.';
        let unit = rest.find(|c| !digit(c)).ok_or_else(wrong)?;
        let end = rest[unit..].find(digit).map_or(rest.len(), |length| unit + length);
        let (_, size) = UNITS.iter().find(|(name, _)| *name == &rest[unit..end]).ok_or_else(wrong)?;
        nanos += rest[..unit].parse::<f64>().map_err(|_| wrong())? * size;
        rest = &rest[end..];
    }
    let years = 100.0 * 365.0 * 24.0 * 3.6e12;
    if nanos <= years { Ok(Duration::from_nanos(nanos as u64)) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::read;
    use std::time::Duration;

    #[test]
    fn as_go_reads_them() {
        for (text, millis) in [
            ("0", 0),
            ("2s", 2000),
            ("500ms", 500),
            ("1m30s", 90_000),
            ("1.5h", 5_400_000),
            (".5s", 500),
            ("2000us", 2),
        ] {
            assert_eq!(read(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for wrong in ["", "2", "s", "2x", "-1s", "1s2", "1.2.3s", "2 s", "9999999h", "1e3s"] {
            assert!(read(wrong).unwrap_err().contains("expected a time as 500ms"), "{wrong}");
        }
    }
}
