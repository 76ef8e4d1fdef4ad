//! Sets, and who joins and leaves them.

use crate::address::Prefix;
use crate::context::Context;
use crate::error::TxError;
use crate::module::Handler;
use crate::vault::error::Vault;
use crate::vault::{dataset, demand_owner, keys, next, one_text, seat, set};
use zektra_proto::vault::v1::{
    DatasetSet, DatasetStatus as Status, MsgAdmitToSet, MsgAdmitToSetResponse, MsgCreateSet, MsgCreateSetResponse,
    MsgJoinSet, MsgJoinSetResponse, MsgLeaveSet, MsgLeaveSetResponse,
};

impl Handler for MsgCreateSet {
    type Response = MsgCreateSetResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.curator]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.curator).map_err(|e| e.within("invalid curator address"))?;
        dataset::check_name(&self.name, Vault::InvalidSet)?;
        set::check_schema(&self.schema)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgCreateSetResponse, TxError> {
        let Self { curator, name, schema, open } = self;
        let curator = one_text(ctx, &curator)?;
        let number = next(ctx.state, keys::NEXT_SET)?;
        let created_height = ctx.block.height;
        let (datasets, admitted) = (vec![], vec![]);
        let new =
            DatasetSet { number, curator: curator.clone(), name, schema, datasets, created_height, open, admitted };
        set::store(ctx.state, &new)?;
        ctx.emit("vault_set_created", [("set", number.to_string()), ("curator", curator)]);
        Ok(MsgCreateSetResponse { set: number })
    }
}

impl Handler for MsgAdmitToSet {
    type Response = MsgAdmitToSetResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.curator]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.curator).map(drop).map_err(|e| e.within("invalid curator address"))
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgAdmitToSetResponse, TxError> {
        let Self { curator, set: number, dataset: member } = self;
        let mut found = set::known(ctx.state, number)?;
        let curator = one_text(ctx, &curator)?;
        if found.curator != curator {
            let whose = format!("set {number}: owned by {}, not by {curator}", found.curator);
            return Err(Vault::NotOwner.wrap(whose));
        }
        dataset::known(ctx.state, member)?;
        if found.datasets.contains(&member) || found.admitted.contains(&member) {
            return Err(Vault::MemberAlready.wrap(format!("set {number}: dataset {member}")));
        }
        if found.admitted.len() >= set::MAX_MEMBERS {
            let most = format!("set {number}: at most {} that have not joined", set::MAX_MEMBERS);
            return Err(Vault::SetFull.wrap(most));
        }
        found.admitted.push(member);
        set::store(ctx.state, &found)?;
        ctx.emit("vault_set_admitted", [("set", number.to_string()), ("dataset", member.to_string())]);
        Ok(MsgAdmitToSetResponse {})
    }
}

impl Handler for MsgJoinSet {
    type Response = MsgJoinSetResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.owner]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        demand_owner(prefix, &self.owner)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgJoinSetResponse, TxError> {
        let Self { owner, set: number, dataset: member } = self;
        let mut joined = set::known(ctx.state, number)?;
        let record = dataset::owned(ctx.state, member, &one_text(ctx, &owner)?)?;
        dataset::demand_status(&record, &[Status::Active])?;
        let held = dataset::stored(&record)?;
        seat::current(ctx.state, &held.owner_key)?;
        if held.schema.0[..] != joined.schema[..] {
            let expected = format!("{}, that of set {number}", hex::encode(&joined.schema));
            return Err(
                Vault::OtherSchema.wrap(format!("dataset {member}: schema {}, expected {expected}", held.schema))
            );
        }
        if joined.datasets.contains(&member) {
            return Err(Vault::MemberAlready.wrap(format!("set {number}: dataset {member}")));
        }
        let admitted = joined.admitted.iter().position(|&m| m == member);
        if !joined.open && joined.curator != record.owner && admitted.is_none() {
            return Err(Vault::NotAdmitted.wrap(format!("set {number}: dataset {member}")));
        }
        if joined.datasets.len() >= set::MAX_MEMBERS {
            return Err(Vault::SetFull.wrap(format!("set {number}: at most {} members", set::MAX_MEMBERS)));
        }
        joined.datasets.push(member);
        admitted.map(|at| joined.admitted.remove(at));
        set::store(ctx.state, &joined)?;
        ctx.emit("vault_set_joined", [("set", number.to_string()), ("dataset", member.to_string())]);
        Ok(MsgJoinSetResponse {})
    }
}

impl Handler for MsgLeaveSet {
    type Response = MsgLeaveSetResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.sender]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.sender).map(drop).map_err(|e| e.within("invalid sender address"))
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgLeaveSetResponse, TxError> {
        let Self { sender, set: number, dataset: member } = self;
        let sender = one_text(ctx, &sender)?;
        let mut left = set::known(ctx.state, number)?;
        if left.curator != sender {
            dataset::owned(ctx.state, member, &sender)?;
        }
        let before = (left.datasets.len(), left.admitted.len());
        left.datasets.retain(|&m| m != member);
        // Nor may it join any more without being admitted again.
        left.admitted.retain(|&m| m != member);
        if (left.datasets.len(), left.admitted.len()) == before {
            return Err(Vault::NotMember.wrap(format!("set {number}: dataset {member}")));
        }
        set::store(ctx.state, &left)?;
        ctx.emit("vault_set_left", [("set", number.to_string()), ("dataset", member.to_string())]);
        Ok(MsgLeaveSetResponse {})
    }
}
