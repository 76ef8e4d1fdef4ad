//! Reputation in integers: products of 128 bits, divisions rounded down.

use zektra_proto::reputation::v1::{Params, Pending, Record};

const ONE: u128 = 10_000;

/// What a node's work is worth, all from 0 to 10000.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Score {
    /// `10000·(good + P)/(good + bad + 4P)`: the part of the work that was good, a quarter for a newcomer.
    pub validity: u32,
    /// `10000·good/(good + K·bond)`: work for its bond, half at `K` work units a token.
    pub throughput: u32,
    /// `validity·(5000 + throughput/2)/10000`
    pub score: u32,
}

fn ratio(part: u128, of: u128) -> u32 {
    let ratio = part.saturating_mul(ONE).checked_div(of).unwrap_or(0);
    u32::try_from(ratio.min(ONE)).unwrap_or(0)
}

/// The score of a record whose decay is up to date; the bond in whole tokens.
pub fn score(params: &Params, good: u64, bad: u64, bond_tokens: u128) -> Score {
    let (good, bad, prior) = (u128::from(good), u128::from(bad), u128::from(params.prior_units));
    let validity = ratio(good + prior, good + bad + 4 * prior);
    let throughput = ratio(good, bond_tokens.saturating_mul(params.units_per_token.into()).saturating_add(good));
    Score { validity, throughput, score: validity * (5000 + throughput / 2) / 10_000 }
}

/// A record some epochs later: in each, good work loses a 32nd and bad work a 64th, rounded up.
///
/// It is iterated: what is left does not depend on when the record was touched. Both are 0 after 3000 epochs at the latest.
pub fn decay(record: &mut Record, epoch: u64) {
    for _ in record.epoch..epoch {
        if (record.good, record.bad) == (0, 0) {
            break;
        }
        record.good -= record.good.div_ceil(32);
        record.bad -= record.bad.div_ceil(64);
    }
    record.epoch = record.epoch.max(epoch);
}

/// Work units that an epoch's work counts as: no requester's counts beyond what it burned fees for, nor beyond a quarter of
/// all; late work counts half.
pub fn credit(params: &Params, work: &[Pending]) -> u64 {
    let paid = |p: &Pending| {
        let most = u128::from(p.burned_fee) * u128::from(params.units_per_fee);
        (u128::from(p.timely) + u128::from(p.late)).min(most)
    };
    let quarter = work.iter().map(paid).fold(0u128, u128::saturating_add) / 4;
    let counted = |p: &Pending| {
        let (timely, late) = (u128::from(p.timely), u128::from(p.late));
        // What is late is halved in its proportion; below 2^61 · 2^62.
        let halves = paid(p).min(quarter).saturating_mul(2 * timely + late);
        halves.checked_div(2 * (timely + late)).unwrap_or(0)
    };
    let sum = work.iter().map(counted).fold(0u128, u128::saturating_add);
    u64::try_from(sum).unwrap_or(u64::MAX)
}
