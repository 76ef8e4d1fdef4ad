//! What operators do with their nodes.

use crate::address::{Address, Prefix};
use crate::bank;
use crate::coin::{Coins, coin, positive, positive_in};
use crate::compute::error::Compute;
use crate::compute::{amount, bond, is_leaving, keys, module, node, nodes, params};
use crate::context::Context;
use crate::error::TxError;
use crate::module::Handler;
use crate::staking;
use zektra_proto::compute::v1::{
    MsgAddBond, MsgAddBondResponse, MsgLeave, MsgLeaveResponse, MsgRegisterNode, MsgRegisterNodeResponse,
    MsgUpdateNode, MsgUpdateNodeResponse, Node, NodeStatus,
};
use zektra_statement::record::node_fingerprint;

/// Most bytes of a moniker.
const MONIKER: usize = 64;
/// Most bytes of an endpoint.
const ENDPOINT: usize = 256;
/// The most jobs at once that a node may take.
const JOBS: u32 = 1024;
/// The largest bond: weights stay far below 2^128.
const BOND: u128 = 1 << 96;

/// Checks a moniker.
pub fn check_moniker(moniker: &str) -> Result<(), TxError> {
    let (length, control) = (moniker.len(), moniker.chars().any(char::is_control));
    if control || !(1..=MONIKER).contains(&length) {
        let wrong = format!("moniker of {length} bytes: expected 1 to {MONIKER} without control characters");
        return Err(Compute::InvalidField.wrap(wrong));
    }
    Ok(())
}

/// Checks what an operator can change later.
pub fn check_fields(endpoint: &str, max_jobs: u32, validator: &str, prefix: &Prefix) -> Result<(), TxError> {
    if !(1..=ENDPOINT).contains(&endpoint.len()) || !endpoint.bytes().all(|b| b.is_ascii_graphic()) {
        let wrong = format!("endpoint of {} bytes: expected 1 to {ENDPOINT} printable characters", endpoint.len());
        return Err(Compute::InvalidField.wrap(wrong));
    }
    if !(1..=JOBS).contains(&max_jobs) {
        return Err(Compute::InvalidField.wrap(format!("max_jobs {max_jobs}: expected 1 to {JOBS}")));
    }
    if !validator.is_empty() {
        prefix.parse_operator(validator).map_err(|e| e.within("validator"))?;
    }
    Ok(())
}

fn demand_validator(ctx: &Context<'_>, validator: &str) -> Result<(), TxError> {
    if !validator.is_empty() && staking::validator(ctx.state, &ctx.prefix.parse_operator(validator)?)?.is_none() {
        return Err(Compute::ValidatorUnknown.wrap(validator));
    }
    Ok(())
}

/// A node that does not leave.
fn staying(ctx: &Context<'_>, operator: &Address) -> Result<Node, TxError> {
    let node = nodes::known(ctx, operator)?;
    if is_leaving(&node) { Err(Compute::NodeLeaving.wrap(node.operator)) } else { Ok(node) }
}

fn demand_most(bond: u128) -> Result<u128, TxError> {
    if bond > BOND {
        Err(Compute::BondTooLarge.wrap(format!("bond {bond}: expected at most {BOND}")))
    } else {
        Ok(bond)
    }
}

impl Handler for MsgRegisterNode {
    type Response = MsgRegisterNodeResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.operator]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.operator)?;
        check_moniker(&self.moniker)?;
        check_fields(&self.endpoint, self.max_jobs, &self.validator, prefix)?;
        demand_most(positive("bond", self.bond.as_ref())?).map(drop)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgRegisterNodeResponse, TxError> {
        let operator = ctx.parse(&self.operator)?;
        let params = params(ctx.state)?;
        let bond = positive_in("bond", self.bond.as_ref(), &params.denom)?;
        let least = amount(&params.min_bond)?;
        if bond < least {
            return Err(Compute::BondTooSmall.wrap(format!("bond {bond}: expected at least {least}")));
        }
        if node(ctx.state, &operator)?.is_some() {
            return Err(Compute::NodeExists.wrap(self.operator));
        }
        demand_validator(ctx, &self.validator)?;
        let fee = Coins::one(&params.denom, amount(&params.registration_fee)?);
        bank::transfer(ctx, &operator, &module(), &Coins::one(&params.denom, bond))?;
        if !fee.is_empty() {
            bank::transfer(ctx, &operator, &module(), &fee)?;
            bank::burn(ctx, &module(), &fee)?;
        }
        let fingerprint = node_fingerprint(&ctx.block.chain_id, operator.bytes()).0.to_vec();
        let new = Node {
            operator: ctx.text(&operator),
            fingerprint: fingerprint.clone().into(),
            moniker: self.moniker,
            endpoint: self.endpoint,
            validator: self.validator,
            bond: Some(coin(&params.denom, bond)),
            price: self.price,
            max_jobs: self.max_jobs,
            status: NodeStatus::Active.into(),
            registered_height: ctx.block.height,
            engaged: "0".into(),
            ..Node::default()
        };
        nodes::set(ctx.state, &operator, &new)?;
        let attributes =
            [("node", new.operator), ("fingerprint", hex::encode(&fingerprint)), ("bond", bond.to_string())];
        ctx.emit("compute_register", attributes);
        Ok(MsgRegisterNodeResponse { fingerprint: fingerprint.into() })
    }
}

impl Handler for MsgUpdateNode {
    type Response = MsgUpdateNodeResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.operator]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.operator)?;
        check_fields(&self.endpoint, self.max_jobs, &self.validator, prefix)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgUpdateNodeResponse, TxError> {
        let Self { operator, endpoint, price, max_jobs, paused, validator } = self;
        let address = ctx.parse(&operator)?;
        let node = staying(ctx, &address)?;
        demand_validator(ctx, &validator)?;
        let status = if paused { NodeStatus::Paused } else { NodeStatus::Active }.into();
        nodes::set(ctx.state, &address, &Node { endpoint, price, max_jobs, validator, status, ..node })?;
        let attributes = [("node", operator), ("price", price.to_string()), ("paused", paused.to_string())];
        ctx.emit("compute_update", attributes);
        Ok(MsgUpdateNodeResponse {})
    }
}

impl Handler for MsgAddBond {
    type Response = MsgAddBondResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.operator]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.operator)?;
        positive("amount", self.amount.as_ref()).map(drop)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgAddBondResponse, TxError> {
        let operator = ctx.parse(&self.operator)?;
        let mut node = staying(ctx, &operator)?;
        let denom = params(ctx.state)?.denom;
        let more = positive_in("amount", self.amount.as_ref(), &denom)?;
        let sum = demand_most(bond(&node)?.saturating_add(more))?;
        bank::transfer(ctx, &operator, &module(), &Coins::one(&denom, more))?;
        node.bond = Some(coin(&denom, sum));
        nodes::set(ctx.state, &operator, &node)?;
        ctx.emit("compute_bond", [("node", self.operator), ("bond", sum.to_string())]);
        Ok(MsgAddBondResponse {})
    }
}

impl Handler for MsgLeave {
    type Response = MsgLeaveResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.operator]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.operator).map(drop)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgLeaveResponse, TxError> {
        let operator = ctx.parse(&self.operator)?;
        let node = staying(ctx, &operator)?;
        let leaves_at = ctx.block.height.saturating_add(params(ctx.state)?.unbonding_blocks);
        if node.live_jobs == 0 {
            ctx.state.put(keys::leaving(leaves_at, &operator), vec![1])?;
        }
        nodes::set(ctx.state, &operator, &Node { status: NodeStatus::Leaving.into(), leaves_at, ..node })?;
        ctx.emit("compute_leave", [("node", self.operator), ("leaves_at", leaves_at.to_string())]);
        Ok(MsgLeaveResponse { leaves_at })
    }
}
