//! Uses are granted, and grants withdrawn.

use crate::address::Prefix;
use crate::context::Context;
use crate::error::TxError;
use crate::module::Handler;
use crate::vault::error::Vault;
use crate::vault::{dataset, demand_owner, grant, keys, next, one_text};
use zektra_proto::vault::v1::{
    DatasetStatus as Status, Grant, MsgGrantUse, MsgGrantUseResponse, MsgWithdrawGrant, MsgWithdrawGrantResponse,
};

impl Handler for MsgGrantUse {
    type Response = MsgGrantUseResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.owner]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        demand_owner(prefix, &self.owner)?;
        grant::check(self.terms.as_ref(), prefix)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgGrantUseResponse, TxError> {
        let Self { owner, dataset: of, terms } = self;
        let record = dataset::owned(ctx.state, of, &one_text(ctx, &owner)?)?;
        dataset::demand_status(&record, &[Status::Sealed, Status::Active, Status::Paused])?;
        let mut terms = terms.unwrap_or_default();
        if !terms.grantee.is_empty() {
            terms.grantee = one_text(ctx, &terms.grantee)?;
        }
        let (height, until) = (ctx.block.height, terms.until_height);
        if until != 0 && until < height {
            return Err(Vault::InvalidGrant.field("until_height", until, format!("0 or {height} and above")));
        }
        if grant::count_standing(ctx.state, of)? >= grant::MAX_STANDING {
            let most = format!("dataset {of}: at most {} that are not withdrawn", grant::MAX_STANDING);
            return Err(Vault::TooManyGrants.wrap(most));
        }
        let number = next(ctx.state, keys::NEXT_GRANT)?;
        let grantee = terms.grantee.clone();
        let new = Grant { number, dataset: of, terms: Some(terms), granted_height: height, ..Grant::default() };
        grant::add(ctx.state, &new)?;
        let facts = [("dataset", of.to_string()), ("grant", number.to_string()), ("grantee", grantee)];
        ctx.emit("vault_use_granted", facts);
        Ok(MsgGrantUseResponse { grant: number })
    }
}

impl Handler for MsgWithdrawGrant {
    type Response = MsgWithdrawGrantResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.owner]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        demand_owner(prefix, &self.owner)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgWithdrawGrantResponse, TxError> {
        let known = grant::known(ctx.state, self.grant)?;
        dataset::owned(ctx.state, known.dataset, &one_text(ctx, &self.owner)?)?;
        grant::demand_standing(&known)?;
        ctx.state.delete(keys::standing(known.dataset, known.number))?;
        let ids = [("dataset", known.dataset.to_string()), ("grant", self.grant.to_string())];
        grant::set(ctx.state, &Grant { withdrawn_height: ctx.block.height, ..known })?;
        ctx.emit("vault_grant_withdrawn", ids);
        Ok(MsgWithdrawGrantResponse {})
    }
}
