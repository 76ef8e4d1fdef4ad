//! Messages of those who act for others.

use super::authorization::Authorization;
use super::error::Authz;
use super::{add, revoke, spend, told};
use crate::address::Prefix;
use crate::auth;
use crate::authority::refuse_authority;
use crate::context::Context;
use crate::error::{Sdk, TxError};
use crate::module::{Handler, handler_of};
use crate::time;
use prost::{Message as _, Name as _};
use zektra_proto::Timestamp;
use zektra_proto::cosmos::authz::v1beta1::{
    Grant, MsgExec, MsgExecResponse, MsgGrant, MsgGrantResponse, MsgRevoke, MsgRevokeResponse,
};
use zektra_proto::tendermint::abci::EventAttribute;

/// Levels of messages that are carried out one within the other.
pub const MOST_LEVELS: usize = 6;

/// Refuses accounts that are one, or none.
fn check_accounts(prefix: &Prefix, granter: &str, grantee: &str) -> Result<(), TxError> {
    let grantee = prefix.parse(grantee).map_err(|e| e.within("invalid grantee address"))?;
    let granter = prefix.parse(granter).map_err(|e| e.within("invalid granter address"))?;
    if granter == grantee { Err(Authz::GranteeIsGranter.bare()) } else { Ok(()) }
}

impl Handler for MsgGrant {
    type Response = MsgGrantResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.granter]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        check_accounts(prefix, &self.granter, &self.grantee)?;
        let grant = self.grant.as_ref();
        Authorization::read(grant.and_then(|g| g.authorization.as_ref()))?.check(prefix)?;
        grant.and_then(|g| g.expiration.as_ref()).map_or(Ok(()), time::check)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgGrantResponse, TxError> {
        let (granter, grantee) = (ctx.parse(&self.granter)?, ctx.parse(&self.grantee)?);
        refuse_authority(ctx, &granter)?;
        let Grant { authorization, expiration } = self.grant.unwrap_or_default();
        let authorization = Authorization::read(authorization.as_ref())?;
        let now = &ctx.block.time;
        if let Some(end) = &expiration
            && time::nanos(end) <= time::nanos(now)
        {
            let whole = |time: &Timestamp| Timestamp { nanos: 0, ..*time };
            let (now, end) = (whole(now), whole(end));
            let wrong = format!("expiration must be after the current block time ({now}), got {end}");
            return Err(Authz::InvalidExpirationTime.wrap(wrong));
        }
        if auth::account(ctx.state, &grantee)?.is_none() {
            auth::create(ctx, &grantee)?;
        }
        let url = authorization.url()?;
        let grant = Grant { authorization: Some(authorization.to_any()), expiration };
        add(ctx, &granter, &grantee, &url, &grant)?;
        told(ctx, "cosmos.authz.v1beta1.EventGrant", &granter, &grantee, &url);
        Ok(MsgGrantResponse {})
    }
}

impl Handler for MsgRevoke {
    type Response = MsgRevokeResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.granter]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        check_accounts(prefix, &self.granter, &self.grantee)?;
        if self.msg_type_url.is_empty() {
            return Err(Sdk::InvalidRequest.wrap("missing msg method name"));
        }
        Ok(())
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgRevokeResponse, TxError> {
        let (granter, grantee) = (ctx.parse(&self.granter)?, ctx.parse(&self.grantee)?);
        revoke(ctx, &granter, &grantee, &self.msg_type_url)?;
        Ok(MsgRevokeResponse {})
    }
}

/// Checks a message with all that are within it, `level` of them around it.
fn check_exec(message: &MsgExec, prefix: &Prefix, level: usize) -> Result<(), TxError> {
    if level >= MOST_LEVELS {
        return Err(
            Sdk::InvalidRequest.wrap(format!("messages within messages: expected at most {MOST_LEVELS} levels"))
        );
    }
    prefix.parse(&message.grantee).map_err(|e| e.within("invalid grantee address"))?;
    if message.msgs.is_empty() {
        return Err(Sdk::InvalidRequest.wrap("messages cannot be empty"));
    }
    for (k, any) in message.msgs.iter().enumerate() {
        let inner = handler_of(any)?;
        if inner.carries_proof() {
            let found = format!("msg {k}: {}", any.type_url);
            return Err(Sdk::InvalidRequest.wrap(format!("{found}: expected no message with a proof within another")));
        }
        let checked = if any.type_url.trim_start_matches('/') == MsgExec::full_name() {
            let inner = MsgExec::decode(&any.value[..]).map_err(|e| Sdk::TxDecode.wrap(e))?;
            check_exec(&inner, prefix, level + 1)
        } else {
            inner.check(&any.value, prefix).map(drop)
        };
        checked.map_err(|e| e.within(format!("msg {k}")))?;
    }
    Ok(())
}

impl Handler for MsgExec {
    type Response = MsgExecResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.grantee]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        check_exec(self, prefix, 0)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgExecResponse, TxError> {
        let grantee = ctx.parse(&self.grantee)?;
        let mut results = vec![];
        for (k, any) in self.msgs.iter().enumerate() {
            let message = handler_of(any)?;
            let signers = message.check(&any.value, ctx.prefix)?;
            let [granter] = &signers[..] else { return Err(Authz::AuthorizationNumOfSigners.bare()) };
            // Whoever acts for nobody else needs no grant.
            if *granter != grantee {
                spend(ctx, granter, &grantee, any)?;
            }
            let first = ctx.events.len();
            let done = message.run(&any.value, ctx);
            let what = || format!("failed to execute message; message {}", any.type_url);
            let response = done.map_err(|e| if e.is_internal() { e } else { e.within(what()) })?;
            let index = EventAttribute { key: "authz_msg_index".into(), value: k.to_string(), index: true };
            ctx.events[first..].iter_mut().for_each(|e| e.attributes.push(index.clone()));
            results.push(response.value.into());
        }
        Ok(MsgExecResponse { results })
    }
}
