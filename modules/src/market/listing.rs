//! Listings: tiers, and rates that change at heights.

use super::error::Market;
use super::keys;
use crate::context::{load, save};
use crate::error::TxError;
use zektra_proto::market::v1::{Listing, Output, Rate, Tier};
use zektra_state::{StateError, StateRead, StateWrite};

/// Tiers of a listing at most.
const TIERS: usize = 16;
/// Rates of a tier at most.
const RATES: usize = 16;
/// Most bytes of a tier's name.
const TIER_NAME: usize = 32;
/// Most bytes of a licence class.
const LICENCE: usize = 64;
/// The most passes of a tier.
const PASSES: u32 = 1 << 20;
/// The highest rate: prices stay far below 2^64.
const RATE: u64 = 1 << 48;

/// A listing.
///
/// # Errors
/// The database fails.
pub fn listing(state: &dyn StateRead, number: u64) -> Result<Option<Listing>, StateError> {
    load(state, &keys::listing(number))
}

/// A listing that must be there.
pub fn known(state: &dyn StateRead, number: u64) -> Result<Listing, TxError> {
    listing(state, number)?.ok_or_else(|| Market::ListingUnknown.wrap(format!("listing {number}")))
}

pub fn set(state: &mut dyn StateWrite, listing: &Listing) -> Result<(), StateError> {
    save(state, keys::listing(listing.number), listing)
}

/// A tier of a listing.
pub fn tier<'a>(listing: &'a Listing, name: &str) -> Result<&'a Tier, TxError> {
    let found = listing.tiers.iter().find(|tier| tier.name == name);
    found.ok_or_else(|| Market::TierUnknown.wrap(format!("tier {name:?} of listing {}", listing.number)))
}

/// The rate that orders at a height pay, if there is one.
pub fn rate_at(tier: &Tier, height: u64) -> Option<u64> {
    tier.schedule.iter().rev().find(|entry| entry.from_height <= height).map(|entry| entry.rate)
}

/// Checks all tiers of a listing.
pub fn check_tiers(tiers: &[Tier]) -> Result<(), TxError> {
    if !(1..=TIERS).contains(&tiers.len()) {
        return Err(Market::InvalidTier.wrap(format!("{} tiers: expected 1 to {TIERS}", tiers.len())));
    }
    for (k, tier) in tiers.iter().enumerate() {
        if tiers.iter().take(k).any(|other| other.name == tier.name) {
            return Err(Market::InvalidTier.wrap(format!("tier {:?}: expected each name once", tier.name)));
        }
        check_tier(tier)?;
        check_schedule(tier)?;
    }
    Ok(())
}

/// Checks a tier without its schedule.
pub fn check_tier(tier: &Tier) -> Result<(), TxError> {
    let Tier { name, licence, max_passes, output, schedule: _ } = tier;
    let wrong = |what: String| Err(Market::InvalidTier.wrap(what));
    let word = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !word || !(1..=TIER_NAME).contains(&name.len()) {
        let expected = format!("1 to {TIER_NAME} lower-case letters, digits and hyphens");
        return wrong(format!("name of {} bytes: expected {expected}", name.len()));
    }
    if licence.len() > LICENCE || licence.chars().any(char::is_control) {
        return wrong(format!("licence of {} bytes: expected at most {LICENCE}", licence.len()));
    }
    if !(1..=PASSES).contains(max_passes) {
        return wrong(format!("max_passes {max_passes}: expected 1 to {PASSES}"));
    }
    match Output::try_from(*output) {
        Ok(Output::Weights | Output::InferenceOnly) => Ok(()),
        _ => wrong(format!("output {output}: expected weights or inference only")),
    }
}

/// Checks a tier's rates.
fn check_schedule(tier: &Tier) -> Result<(), TxError> {
    let wrong = |what: String| Err(Market::InvalidSchedule.wrap(what));
    let count = tier.schedule.len();
    if !(1..=RATES).contains(&count) {
        return wrong(format!("{count} rates of tier {:?}: expected 1 to {RATES}", tier.name));
    }
    tier.schedule.iter().try_for_each(|entry| check_rate(entry.rate))?;
    match tier.schedule.windows(2).find(|w| w[0].from_height >= w[1].from_height) {
        Some(w) => {
            let expected = format!("from_height {}: expected more than {}", w[1].from_height, w[0].from_height);
            wrong(expected)
        }
        None => Ok(()),
    }
}

/// Checks a rate.
pub fn check_rate(rate: u64) -> Result<(), TxError> {
    if !(1..=RATE).contains(&rate) {
        return Err(Market::InvalidSchedule.wrap(format!("rate {rate}: expected 1 to {RATE}")));
    }
    Ok(())
}

/// Sets a tier's rate from a height on, which must lie ahead. What was announced for a height is never raised with less
/// notice than the parameter's; what has passed never changes.
pub fn schedule(tier: &mut Tier, new: Rate, height: u64, notice: u64) -> Result<(), TxError> {
    let Rate { from_height, rate } = new;
    if from_height <= height {
        let wrong = format!("from_height {from_height}: expected more than {height}, the height of the block");
        return Err(Market::InvalidSchedule.wrap(wrong));
    }
    let earliest = height.saturating_add(notice);
    if rate_at(tier, from_height).is_some_and(|before| rate > before) && from_height < earliest {
        return Err(Market::NoNotice.wrap(format!("from_height {from_height}: expected at least {earliest}")));
    }
    // What no order can pay any more makes room.
    let past = tier.schedule.iter().filter(|entry| entry.from_height <= height).count().saturating_sub(1);
    tier.schedule.drain(..past);
    match tier.schedule.binary_search_by_key(&from_height, |entry| entry.from_height) {
        Ok(found) => tier.schedule[found] = new,
        Err(place) => tier.schedule.insert(place, new),
    }
    check_schedule(tier)
}
