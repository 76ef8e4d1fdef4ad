//! Messages about fee grants.

use super::allowance::Allowance;
use super::{PRUNED_BY_MESSAGE, add, grant, prune, revoke, told};
use crate::address::Prefix;
use crate::auth;
use crate::authority::refuse_authority;
use crate::context::Context;
use crate::error::{Sdk, TxError};
use crate::module::Handler;
use crate::time;
use zektra_proto::cosmos::feegrant::v1beta1::{
    MsgGrantAllowance, MsgGrantAllowanceResponse, MsgPruneAllowances, MsgPruneAllowancesResponse, MsgRevokeAllowance,
    MsgRevokeAllowanceResponse,
};

impl Handler for MsgGrantAllowance {
    type Response = MsgGrantAllowanceResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.granter]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        if prefix.parse(&self.grantee)? == prefix.parse(&self.granter)? {
            return Err(Sdk::InvalidAddress.wrap("cannot self-grant fee authorization"));
        }
        Allowance::read(self.allowance.as_ref())?.check()
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgGrantAllowanceResponse, TxError> {
        let (granter, grantee) = (ctx.parse(&self.granter)?, ctx.parse(&self.grantee)?);
        refuse_authority(ctx, &granter)?;
        if grant(ctx.state, &granter, &grantee)?.is_some() {
            return Err(Sdk::InvalidRequest.wrap("fee allowance already exists"));
        }
        let allowance = Allowance::read(self.allowance.as_ref())?;
        if allowance.expiration().is_some_and(|end| time::nanos(&end) < time::nanos(&ctx.block.time)) {
            return Err(Sdk::InvalidRequest.wrap("expiration is before current block time"));
        }
        // Whoever has no coins can begin with the fees of others.
        if auth::account(ctx.state, &grantee)?.is_none() {
            auth::create(ctx, &grantee)?;
        }
        add(ctx, &granter, &grantee, &allowance)?;
        told(ctx, "set_feegrant", &granter, &grantee);
        Ok(MsgGrantAllowanceResponse {})
    }
}

impl Handler for MsgRevokeAllowance {
    type Response = MsgRevokeAllowanceResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.granter]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        if prefix.parse(&self.grantee)? == prefix.parse(&self.granter)? {
            return Err(Sdk::InvalidAddress.wrap("addresses must be different"));
        }
        Ok(())
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgRevokeAllowanceResponse, TxError> {
        let (granter, grantee) = (ctx.parse(&self.granter)?, ctx.parse(&self.grantee)?);
        revoke(ctx, &granter, &grantee)?;
        Ok(MsgRevokeAllowanceResponse {})
    }
}

impl Handler for MsgPruneAllowances {
    type Response = MsgPruneAllowancesResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.pruner]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.pruner).map(drop)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgPruneAllowancesResponse, TxError> {
        prune(ctx, PRUNED_BY_MESSAGE)?;
        ctx.emit("prune_feegrant", [("pruner", self.pruner)]);
        Ok(MsgPruneAllowancesResponse {})
    }
}
