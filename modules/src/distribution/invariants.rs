//! What holds after every block.

use super::records::{self, Start};
use super::{damaged, keys, module, period, rewards};
use crate::address::{Address, split_prefixed};
use crate::bank;
use crate::context::{load_all_keyed, number};
use crate::dec_coins::DecCoins;
use crate::decimal::Dec;
use crate::error::TxError;
use crate::staking::{self, Validator, delegation};
use std::collections::BTreeMap;
use zektra_proto::cosmos::distribution::v1beta1::ValidatorHistoricalRewards;
use zektra_state::{Order, StateError, StateRead, scan_prefix};

/// Units of the last digit by which slashes one after another may leave a stake above the shares' worth.
const TOLERANCE: &str = "3";

pub fn check(state: &dyn StateRead) -> Result<(), TxError> {
    let validators = staking::validators(state)?;
    let mut owed = records::pool(state)?;
    for validator in &validators {
        let outstanding = records::outstanding(state, &validator.operator)?;
        of_validator(state, validator, &outstanding)?;
        owed.add(&outstanding)?;
    }
    let held = DecCoins::whole(&bank::balances(state, &module())?);
    if owed.least(&held) != owed {
        return Err(damaged(format!("the account holds {held}, outstanding and the community's are {owed}")).into());
    }
    for (prefix, behind_length) in [
        (keys::OUTSTANDING, false),
        (keys::COMMISSION, false),
        (keys::CURRENT, false),
        (keys::HISTORY, true),
        (keys::STARTS, true),
        (keys::SLASHES, true),
    ] {
        for entry in scan_prefix(state, prefix, Order::Ascending) {
            let rest = &entry?.0[prefix.len()..];
            let operator = match behind_length {
                true => split_prefixed(rest).map(|(operator, _)| operator),
                false => Address::new(rest.to_vec()).ok(),
            };
            if !operator.is_some_and(|o| validators.iter().any(|v| v.operator == o)) {
                let name = String::from_utf8_lossy(prefix);
                return Err(damaged(format!("{name} has a record of no validator")).into());
            }
        }
    }
    Ok(())
}

/// All rewards can be withdrawn, and each end of a period is needed as often as it says.
fn of_validator(state: &dyn StateRead, validator: &Validator, outstanding: &DecCoins) -> Result<(), TxError> {
    let operator = &validator.operator;
    let mut needed: BTreeMap<u64, u32> = BTreeMap::new();
    let mut need = |period: u64| *needed.entry(period).or_default() += 1;
    need(records::current(state, operator)?.period.saturating_sub(1));
    records::slashes(state, operator, 0)?.iter().for_each(|slash| need(slash.period));
    let ratio = period::ratio(state, validator)?;
    let tolerance = Dec::read(TOLERANCE).map_err(damaged)?;
    let mut sum = records::commission(state, operator)?;
    let mut delegators = delegation::delegators(state, operator)?;
    delegators.sort();
    let starts = starts(state, operator)?;
    if !starts.iter().map(|(delegator, _)| delegator).eq(&delegators) {
        return Err(damaged(format!("starts and delegations of {operator:?} differ")).into());
    }
    for (delegator, start) in starts {
        need(start.period);
        let worth = validator.tokens_of(delegation::shares(state, &delegator, operator)?)?;
        let (earned, stake) = rewards::earned(state, operator, start, worth, &ratio)?;
        sum.add(&earned)?;
        if stake > worth.plus(tolerance)? {
            let what = format!(
                "calculated final stake for delegator {delegator:?} greater than current stake: {stake}, {worth}"
            );
            return Err(damaged(what).into());
        }
    }
    if sum.least(outstanding) != sum {
        return Err(damaged(format!("of {operator:?} {sum} are earned, {outstanding} outstanding")).into());
    }
    let kept = histories(state, operator)?;
    if kept != needed {
        return Err(damaged(format!("periods of {operator:?} are needed {needed:?}, kept {kept:?}")).into());
    }
    Ok(())
}

fn starts(state: &dyn StateRead, operator: &Address) -> Result<Vec<(Address, Start)>, TxError> {
    let prefix = keys::starts(operator);
    let mut out = vec![];
    for entry in scan_prefix(state, &prefix, Order::Ascending) {
        let delegator = Address::new(entry?.0[prefix.len()..].to_vec())?;
        out.extend(records::start(state, operator, &delegator)?.map(|start| (delegator, start)));
    }
    Ok(out)
}

/// How often the ends of a validator's periods say that they are needed.
fn histories(state: &dyn StateRead, operator: &Address) -> Result<BTreeMap<u64, u32>, StateError> {
    let all = load_all_keyed::<ValidatorHistoricalRewards>(state, &keys::histories(operator))?.into_iter();
    all.map(|(period, history)| Ok((number(&period)?, history.reference_count))).collect()
}
