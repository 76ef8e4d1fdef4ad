//! What an order pays, fixed when it is placed.

use super::demand::demand;
use super::error::Market;
use super::listing::{known, rate_at, tier};
use crate::address::Address;
use crate::error::TxError;
use zektra_proto::market::v1::Kind;
use zektra_state::StateRead;

const MIB: u64 = 1 << 20;
/// Below it all sizes in MiB.
const MOST_MIB: u64 = 1 << 32;
/// Datasets of an order at most.
const PARTS: usize = 64;
/// The quality of a dataset of which none was measured, in basis points.
pub const UNRATED: u32 = 10_000;

/// The price of one dataset in an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Its number.
    pub dataset: u64,
    /// Who is paid.
    pub owner: Address,
    /// Its size, rounded up.
    pub mib: u64,
    /// MiB times passes.
    pub units: u64,
    /// Base units for a unit.
    pub price: u64,
    /// Base units for all units.
    pub fee: u128,
    /// What the rate is multiplied by for demand, in basis points.
    pub demand: u32,
    /// What the rate is multiplied by for quality, in basis points.
    pub quality: u32,
    /// Whether the quality was measured.
    pub rated: bool,
}

/// The price of a unit: `⌊rate · demand · quality / 10^8⌋`, at least 1.
pub fn price(rate: u64, demand: u32, quality: u32) -> u64 {
    // 2^64 · 2^32 · 2^32
    let product = u128::from(rate) * u128::from(demand) * u128::from(quality);
    u64::try_from(product / 100_000_000).unwrap_or(u64::MAX).max(1)
}

/// What an order at a height pays in a tier of a listing, for datasets with their owners and sizes in bytes.
///
/// # Errors
/// The listing is unknown or closed, the tier is unknown or has no rate; more passes than it allows; no datasets, too many
/// or too large ones, or others than the one that is listed.
pub fn quote(
    state: &dyn StateRead,
    height: u64,
    listing: u64,
    tier_name: &str,
    parts: &[(u64, Address, u64)],
    passes: u64,
) -> Result<Vec<Line>, TxError> {
    let listing = known(state, listing)?;
    let number = listing.number;
    if !listing.open {
        return Err(Market::ListingClosed.wrap(format!("listing {number}")));
    }
    let tier = tier(&listing, tier_name)?;
    let most = u64::from(tier.max_passes);
    if !(1..=most).contains(&passes) {
        return Err(Market::InvalidPasses.wrap(format!("passes {passes}: expected 1 to {most}")));
    }
    let rate = rate_at(tier, height);
    let rate = rate.ok_or_else(|| Market::NotPriced.wrap(format!("tier {tier_name:?} at height {height}")))?;
    if !(1..=PARTS).contains(&parts.len()) {
        return Err(Market::InvalidParts.wrap(format!("{} datasets: expected 1 to {PARTS}", parts.len())));
    }
    let others = parts.len() > 1 || parts.iter().any(|(dataset, _, _)| *dataset != listing.target);
    if listing.kind() == Kind::Dataset && others {
        return Err(Market::InvalidParts.wrap(format!("expected dataset {} alone", listing.target)));
    }
    let line = |(dataset, owner, bytes): &(u64, Address, u64)| {
        let mib = bytes.div_ceil(MIB);
        if !(1..MOST_MIB).contains(&mib) {
            let wrong = format!("dataset {dataset} of {mib} MiB: expected 1 to {}", MOST_MIB - 1);
            return Err(Market::InvalidParts.wrap(wrong));
        }
        let (demand, quality) = (demand(state, *dataset)?.multiplier, UNRATED);
        // Below 2^32 · 2^20.
        let units = mib.saturating_mul(passes);
        let price = price(rate, demand, quality);
        let fee = u128::from(units) * u128::from(price);
        let (dataset, owner) = (*dataset, owner.clone());
        Ok(Line { dataset, owner, mib, units, price, fee, demand, quality, rated: false })
    };
    parts.iter().map(line).collect()
}
