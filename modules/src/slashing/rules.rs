//! The parameters as numbers.

use super::{damaged, params};
use crate::decimal::Dec;
use zektra_proto::Duration;
use zektra_proto::cosmos::slashing::v1beta1::Params;
use zektra_state::{StateError, StateRead};

/// The longest time in jail in seconds: what clients' durations hold, about 292 years.
const LONGEST_JAIL: i64 = i64::MAX / 1_000_000_000;

/// What is counted, and what it costs.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// Blocks that are looked back at.
    pub window: u64,
    /// How many of them must be signed.
    pub min_signed: u64,
    /// How long who signs too few of them stays in jail.
    pub jail: Duration,
    /// The part of the stake that two votes for one height cost.
    pub double_sign: Dec,
    /// The part of the stake that missing too many blocks costs.
    pub downtime: Dec,
}

impl Rules {
    /// Reads parameters.
    ///
    /// # Errors
    /// Those that cannot be, said as a text.
    pub fn read(params: &Params) -> Result<Self, String> {
        let Params {
            signed_blocks_window: window,
            min_signed_per_window,
            downtime_jail_duration,
            slash_fraction_double_sign,
            slash_fraction_downtime,
        } = params;
        let part = |name: &str, digits: &[u8]| match Dec::read_bytes(digits) {
            Ok(part) if part <= Dec::one() => Ok(part),
            Ok(part) => Err(format!("{name} too large: {part}")),
            Err(e) => Err(format!("{name}: {e}")),
        };
        let positive = || format!("signed blocks window must be positive: {window}");
        let window = u64::try_from(*window).ok().filter(|&w| w > 0).ok_or_else(positive)?;
        let min_signed = part("min signed per window", min_signed_per_window)?;
        let min_signed = min_signed.times_whole(window.into()).and_then(Dec::rounded).map_err(|e| e.to_string())?;
        let jail = downtime_jail_duration.unwrap_or_default();
        let Duration { seconds, nanos } = jail;
        if (seconds, nanos) <= (0, 0) || seconds > LONGEST_JAIL || !(0..1_000_000_000).contains(&nanos) {
            return Err(format!(
                "downtime jail duration must be positive, at most {LONGEST_JAIL}s: {seconds}.{nanos:09}s"
            ));
        }
        Ok(Self {
            window,
            // At most the window.
            min_signed: u64::try_from(min_signed).unwrap_or(window),
            jail,
            double_sign: part("double sign slash fraction", slash_fraction_double_sign)?,
            downtime: part("downtime slash fraction", slash_fraction_downtime)?,
        })
    }

    /// The rules in force.
    ///
    /// # Errors
    /// The database fails.
    pub fn load(state: &dyn StateRead) -> Result<Self, StateError> {
        Self::read(&params(state)?).map_err(damaged)
    }

    /// Missed blocks of a window that cost nothing.
    pub fn max_missed(&self) -> u64 {
        self.window.saturating_sub(self.min_signed)
    }
}
