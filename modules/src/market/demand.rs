//! What demand does to prices: more for datasets that are used more than they were.
//!
//! The form is that of Ethereum's base fee (EIP-1559), per dataset and epoch. Only epochs that have ended count: a job
//! cannot move its own price.

use super::{epoch, keys, params};
use crate::context::{Context, load, save};
use crate::error::TxError;
use zektra_proto::market::v1::{Demand, Params};
use zektra_state::{StateError, StateRead};

/// The most units of an epoch that are counted.
const MOST: u64 = 1 << 56;

/// The multiplier after an epoch: up if more was used than the target, down if less, by at most an eighth.
///
/// ```text
/// d = min(|used − target|, target),   step = max(1, multiplier · d / (8 · target))
/// ```
pub fn moved(params: &Params, multiplier: u32, used: u64, target: u64) -> u32 {
    let target = target.max(1);
    let distance = used.abs_diff(target).min(target);
    // At most an eighth of 32 bits.
    let step = u128::from(multiplier) * u128::from(distance) / (8 * u128::from(target));
    let step = u32::try_from(step).unwrap_or(u32::MAX).max(1);
    let next = match used.cmp(&target) {
        std::cmp::Ordering::Greater => multiplier.saturating_add(step),
        std::cmp::Ordering::Less => multiplier.saturating_sub(step),
        std::cmp::Ordering::Equal => multiplier,
    };
    next.clamp(params.demand_min, params.demand_max)
}

/// Counts the epochs that have ended since. It is iterated: the result does not depend on when the record was touched.
pub fn roll(params: &Params, demand: &mut Demand, epoch: u64) {
    for _ in demand.epoch..epoch {
        if demand.mean_times_eight == 0 {
            // The first use is the first target.
            demand.mean_times_eight = demand.used.saturating_mul(8);
        } else {
            let target = demand.mean_times_eight / 8;
            if demand.used == 0 && target == 0 && demand.multiplier == params.demand_min {
                break;
            }
            demand.multiplier = moved(params, demand.multiplier, demand.used, target);
            demand.mean_times_eight = (demand.mean_times_eight - target).saturating_add(demand.used);
        }
        demand.used = 0;
    }
    demand.epoch = demand.epoch.max(epoch);
}

/// How a dataset is asked for, as of the epoch that runs.
///
/// # Errors
/// The database fails.
pub fn demand(state: &dyn StateRead, dataset: u64) -> Result<Demand, StateError> {
    let (params, epoch) = (params(state)?, epoch(state)?);
    let new = Demand { dataset, multiplier: params.demand_start, epoch, ..Demand::default() };
    let mut demand = load(state, &keys::demand(dataset))?.unwrap_or(new);
    roll(&params, &mut demand, epoch);
    Ok(demand)
}

/// Counts the use of datasets in the epoch that runs, in units: when a job is locked.
///
/// # Errors
/// The database fails.
pub fn use_demand(ctx: &mut Context<'_>, used: &[(u64, u64)]) -> Result<(), TxError> {
    for (dataset, units) in used {
        let mut demand = demand(ctx.state, *dataset)?;
        demand.used = demand.used.saturating_add(*units).min(MOST);
        save(ctx.state, keys::demand(*dataset), &demand)?;
        ctx.emit("market_use", [("dataset", dataset.to_string()), ("units", units.to_string())]);
    }
    Ok(())
}
