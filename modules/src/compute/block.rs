//! What the end of a block does: bonds return.

use super::{bond, keys, module, nodes};
use crate::address::Address;
use crate::bank;
use crate::coin::Coins;
use crate::context::Context;
use crate::error::TxError;
use zektra_state::{Order, StateError};

/// Bonds that the end of a block returns at most.
const MOST: usize = 200;

pub fn end(ctx: &mut Context<'_>) -> Result<(), TxError> {
    let end = [keys::LEAVING, &ctx.block.height.saturating_add(1).to_be_bytes()].concat();
    let due = ctx.state.scan(keys::LEAVING, Some(&end), Order::Ascending).take(MOST);
    let due: Vec<Vec<u8>> = due.map(|entry| Ok(entry?.0)).collect::<Result<_, StateError>>()?;
    for key in due {
        let rest = key.get(keys::LEAVING.len() + 8..).unwrap_or_default();
        let operator = Address::new(rest.to_vec())?;
        let node = nodes::known(ctx, &operator)?;
        let coin = node.bond.clone().unwrap_or_default();
        let coins = Coins::one(&coin.denom, bond(&node)?);
        ctx.state.delete(key)?;
        ctx.state.delete(keys::node(&operator))?;
        if !coins.is_empty() {
            bank::transfer(ctx, &module(), &operator, &coins)?;
        }
        ctx.emit("compute_return", [("node", node.operator), ("amount", coins.to_string())]);
    }
    Ok(())
}
