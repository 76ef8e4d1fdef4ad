//! Drafts: datasets that are being encrypted.

use crate::address::Prefix;
use crate::context::Context;
use crate::error::TxError;
use crate::module::Handler;
use crate::vault::error::Vault;
use crate::vault::{dataset, demand_owner, keys, next, one_text, seat};
use zektra_proto::vault::v1::{
    DatasetRecord, DatasetStatus as Status, MsgCreateDataset, MsgCreateDatasetResponse, MsgDropDraft,
    MsgDropDraftResponse, MsgRaiseAttempt, MsgRaiseAttemptResponse,
};
use zektra_records::{WireError, commitment, dataset_to_pb, fingerprint};
use zektra_statement::digest::{Commitment, Fingerprint};
use zektra_statement::record::Dataset;

/// The dataset of a message, as it is in a draft.
fn draft(m: &MsgCreateDataset) -> Result<Dataset, TxError> {
    let wrong = |e: WireError| Vault::InvalidDataset.wrap(e);
    Ok(Dataset {
        id: fingerprint("id", &m.id).map_err(wrong)?,
        owner_key: commitment("owner_key", &m.owner_key).map_err(wrong)?,
        attempt: 0,
        schema: fingerprint("schema_digest", &m.schema_digest).map_err(wrong)?,
        rows: 0,
        groups: 0,
        columns: m.columns,
        blocks: m.blocks,
        classes: m.classes,
        scale_x: m.scale_x,
        scale_r: m.scale_r,
        row_norm: m.row_norm,
        range: m.range,
        root: Commitment([0; 4]),
        content_root: Fingerprint::NONE,
    })
}

impl Handler for MsgCreateDataset {
    type Response = MsgCreateDatasetResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.owner]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        demand_owner(prefix, &self.owner)?;
        dataset::check_name(&self.name, Vault::InvalidDataset)?;
        dataset::check_schema(&self.schema)?;
        dataset::check_shape(&draft(self)?)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgCreateDatasetResponse, TxError> {
        let draft = draft(&self)?;
        let id = Dataset::object_id(&ctx.block.chain_id, &draft.owner_key, &self.name);
        if draft.id != id {
            let expected = format!("{id}, that of chain {}, owner_key and name", ctx.block.chain_id);
            return Err(Vault::InvalidDataset.field("id", draft.id, expected));
        }
        let owner = one_text(ctx, &self.owner)?;
        seat::owned(ctx.state, &draft.owner_key, &owner)?;
        let address = ctx.parse(&owner)?;
        let number = next(ctx.state, keys::NEXT_DATASET)?;
        let record = DatasetRecord {
            number,
            owner: owner.clone(),
            name: self.name,
            dataset: Some(dataset_to_pb(&draft)),
            status: Status::Draft.into(),
            created_height: ctx.block.height,
            ..DatasetRecord::default()
        };
        dataset::add(ctx.state, &address, &id, &record, &self.schema)?;
        let ids = [("dataset", number.to_string()), ("owner", owner), ("id", id.to_string())];
        ctx.emit("vault_dataset_created", ids);
        Ok(MsgCreateDatasetResponse { dataset: number })
    }
}

impl Handler for MsgRaiseAttempt {
    type Response = MsgRaiseAttemptResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.owner]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        demand_owner(prefix, &self.owner)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgRaiseAttemptResponse, TxError> {
        let owner = one_text(ctx, &self.owner)?;
        let mut record = dataset::owned(ctx.state, self.dataset, &owner)?;
        dataset::demand_status(&record, &[Status::Draft])?;
        let draft = dataset::stored(&record)?;
        let attempt = draft.attempt.checked_add(1).ok_or_else(|| Vault::NumbersSpent.wrap("attempt"))?;
        record.dataset = Some(dataset_to_pb(&Dataset { attempt, ..draft }));
        dataset::set(ctx.state, &record)?;
        let facts = [("dataset", self.dataset.to_string()), ("attempt", attempt.to_string())];
        ctx.emit("vault_attempt_raised", facts);
        Ok(MsgRaiseAttemptResponse { attempt })
    }
}

impl Handler for MsgDropDraft {
    type Response = MsgDropDraftResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.owner]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        demand_owner(prefix, &self.owner)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgDropDraftResponse, TxError> {
        let address = ctx.parse(&self.owner)?;
        let record = dataset::owned(ctx.state, self.dataset, &ctx.text(&address))?;
        dataset::demand_status(&record, &[Status::Draft])?;
        dataset::drop_draft(ctx.state, &address, &record)?;
        ctx.emit("vault_draft_dropped", [("dataset", self.dataset.to_string())]);
        Ok(MsgDropDraftResponse {})
    }
}
