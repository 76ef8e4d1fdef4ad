//! What holds after every block.

use super::{bond, damaged, engaged, is_leaving, keys, module, nodes, params};
use crate::bank;
use crate::error::TxError;
use zektra_state::{Order, StateRead, scan_prefix};

pub fn check(state: &dyn StateRead) -> Result<(), TxError> {
    let (mut sum, mut leaving) = (0u128, 0usize);
    for (operator, node) in nodes::all(state)? {
        sum = sum.checked_add(bond(&node)?).ok_or_else(|| damaged("bonds beyond 2^128"))?;
        let engaged = engaged(&node)?;
        if engaged > bond(&node)? || engaged > 0 && node.live_jobs == 0 {
            let wrong = format!("{engaged} stand for the {} jobs of {}", node.live_jobs, node.operator);
            return Err(damaged(wrong).into());
        }
        if is_leaving(&node) && node.live_jobs == 0 {
            leaving += 1;
            if state.get(&keys::leaving(node.leaves_at, &operator))?.is_none() {
                return Err(damaged(format!("{} leaves and is not in the queue", node.operator)).into());
            }
        }
    }
    if scan_prefix(state, keys::LEAVING, Order::Ascending).count() != leaving {
        return Err(damaged("the queue holds nodes that do not leave or have jobs").into());
    }
    let held = bank::balance(state, &module(), &params(state)?.denom)?;
    if held != sum {
        return Err(damaged(format!("bonds are {sum}, the account holds {held}")).into());
    }
    Ok(())
}
