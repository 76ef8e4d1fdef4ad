//! What becomes of a sealed dataset.

use crate::address::Prefix;
use crate::bank;
use crate::coin::{Coins, parse_amount};
use crate::context::Context;
use crate::error::TxError;
use crate::hooks;
use crate::module::Handler;
use crate::vault::error::Vault;
use crate::vault::{account, dataset, demand_owner, one_text, params, seat};
use zektra_proto::cosmos::base::v1beta1::Coin;
use zektra_proto::vault::v1::{
    Attestation, DatasetStatus as Status, Erasure, MsgActivateDataset, MsgActivateDatasetResponse, MsgAttest,
    MsgAttestResponse, MsgNameVouchers, MsgNameVouchersResponse, MsgPauseDataset, MsgPauseDatasetResponse,
    MsgReportErasure, MsgReportErasureResponse, MsgRevokeDataset, MsgRevokeDatasetResponse, MsgUnpauseDataset,
    MsgUnpauseDatasetResponse,
};

impl Handler for MsgNameVouchers {
    type Response = MsgNameVouchersResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.owner]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        demand_owner(prefix, &self.owner)?;
        dataset::check_vouchers(&self.vouchers, prefix)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgNameVouchersResponse, TxError> {
        let mut record = dataset::owned(ctx.state, self.dataset, &one_text(ctx, &self.owner)?)?;
        record.vouchers = self.vouchers.iter().map(|text| one_text(ctx, text)).collect::<Result<_, _>>()?;
        dataset::set(ctx.state, &record)?;
        let facts = [("dataset", self.dataset.to_string()), ("vouchers", record.vouchers.join(","))];
        ctx.emit("vault_vouchers_named", facts);
        Ok(MsgNameVouchersResponse {})
    }
}

impl Handler for MsgAttest {
    type Response = MsgAttestResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.voucher]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.voucher).map_err(|e| e.within("invalid voucher address"))?;
        dataset::check_statement(&self.statement_hash)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgAttestResponse, TxError> {
        let Self { voucher, dataset: number, statement_hash } = self;
        let voucher = one_text(ctx, &voucher)?;
        let mut record = dataset::known(ctx.state, number)?;
        dataset::demand_status(&record, &[Status::Sealed, Status::Active, Status::Paused, Status::Revoked])?;
        // Else anybody could take the places of those who know it.
        if record.owner != voucher && !record.vouchers.contains(&voucher) {
            return Err(Vault::NotNamed.wrap(format!("dataset {number}: {voucher}")));
        }
        if record.attestations.iter().any(|a| a.voucher == voucher) {
            return Err(Vault::VouchedAlready.wrap(format!("dataset {number}: {voucher}")));
        }
        if record.attestations.len() >= dataset::MAX_ATTESTATIONS {
            let most = format!("dataset {number}: at most {}", dataset::MAX_ATTESTATIONS);
            return Err(Vault::TooManyAttestations.wrap(most));
        }
        let hash = hex::encode(&statement_hash);
        let height = ctx.block.height;
        record.attestations.push(Attestation { voucher: voucher.clone(), statement_hash, height });
        dataset::set(ctx.state, &record)?;
        let facts = [("dataset", number.to_string()), ("voucher", voucher), ("statement_hash", hash)];
        ctx.emit("vault_dataset_attested", facts);
        Ok(MsgAttestResponse {})
    }
}

/// Reads a bond, of which only the amount is known not to depend on the state.
fn amount(bond: Option<&Coin>) -> Result<(&str, u128), TxError> {
    let wrong = Vault::InvalidBond;
    let bond = bond.ok_or_else(|| wrong.field("bond", "missing", "a coin"))?;
    let amount = parse_amount(&bond.amount).map_err(|e| wrong.wrap(format!("bond: {e}")))?;
    if amount == 0 { Err(wrong.field("bond", 0, "a positive amount")) } else { Ok((&bond.denom, amount)) }
}

impl Handler for MsgActivateDataset {
    type Response = MsgActivateDatasetResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.owner]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        demand_owner(prefix, &self.owner)?;
        amount(self.bond.as_ref()).map(drop)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgActivateDatasetResponse, TxError> {
        let owner = ctx.parse(&self.owner)?;
        let mut record = dataset::owned(ctx.state, self.dataset, &ctx.text(&owner))?;
        dataset::demand_status(&record, &[Status::Sealed])?;
        seat::current(ctx.state, &dataset::stored(&record)?.owner_key)?;
        if record.attestations.is_empty() {
            return Err(Vault::NotVouchedFor.wrap(format!("dataset {}", self.dataset)));
        }
        let (denom, amount) = amount(self.bond.as_ref())?;
        let least = params(ctx.state)?;
        let needed = parse_amount(&least.min_bond).map_err(|e| Vault::InvalidParams.wrap(e))?;
        if denom != least.denom || amount < needed {
            let expected = format!("at least {needed}{}", least.denom);
            return Err(Vault::InvalidBond.field("bond", format!("{amount}{denom}"), expected));
        }
        let bond = Coins::one(denom, amount);
        bank::transfer(ctx, &owner, &account(), &bond)?;
        record.set_status(Status::Active);
        record.bond = self.bond;
        dataset::set(ctx.state, &record)?;
        let facts = [("dataset", self.dataset.to_string()), ("bond", bond.to_string())];
        ctx.emit("vault_dataset_activated", facts);
        Ok(MsgActivateDatasetResponse {})
    }
}

/// Moves a dataset from one status to another.
fn turn(ctx: &mut Context<'_>, owner: &str, number: u64, from: &[Status], to: Status) -> Result<(), TxError> {
    let mut record = dataset::owned(ctx.state, number, &one_text(ctx, owner)?)?;
    dataset::demand_status(&record, from)?;
    if to == Status::Active {
        seat::current(ctx.state, &dataset::stored(&record)?.owner_key)?;
    }
    if to == Status::Revoked {
        record.revoked_height = ctx.block.height;
    }
    record.set_status(to);
    Ok(dataset::set(ctx.state, &record)?)
}

impl Handler for MsgPauseDataset {
    type Response = MsgPauseDatasetResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.owner]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        demand_owner(prefix, &self.owner)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgPauseDatasetResponse, TxError> {
        turn(ctx, &self.owner, self.dataset, &[Status::Active], Status::Paused)?;
        ctx.emit("vault_dataset_paused", [("dataset", self.dataset.to_string())]);
        Ok(MsgPauseDatasetResponse {})
    }
}

impl Handler for MsgUnpauseDataset {
    type Response = MsgUnpauseDatasetResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.owner]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        demand_owner(prefix, &self.owner)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgUnpauseDatasetResponse, TxError> {
        turn(ctx, &self.owner, self.dataset, &[Status::Paused], Status::Active)?;
        ctx.emit("vault_dataset_unpaused", [("dataset", self.dataset.to_string())]);
        Ok(MsgUnpauseDatasetResponse {})
    }
}

impl Handler for MsgRevokeDataset {
    type Response = MsgRevokeDatasetResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.owner]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        demand_owner(prefix, &self.owner)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgRevokeDatasetResponse, TxError> {
        let from = [Status::Sealed, Status::Active, Status::Paused];
        turn(ctx, &self.owner, self.dataset, &from, Status::Revoked)?;
        ctx.emit("vault_dataset_revoked", [("dataset", self.dataset.to_string())]);
        hooks::after_dataset_revoked(ctx, self.dataset)?;
        Ok(MsgRevokeDatasetResponse {})
    }
}

impl Handler for MsgReportErasure {
    type Response = MsgReportErasureResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.owner]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        demand_owner(prefix, &self.owner)?;
        dataset::check_statement(&self.statement_hash)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgReportErasureResponse, TxError> {
        let Self { owner, dataset: number, statement_hash } = self;
        let owner = ctx.parse(&owner)?;
        let mut record = dataset::owned(ctx.state, number, &ctx.text(&owner))?;
        dataset::demand_status(&record, &[Status::Revoked])?;
        if let Some(done) = &record.erasure {
            return Err(Vault::ErasedAlready.wrap(format!("dataset {number}: at height {}", done.height)));
        }
        if record.live_jobs > 0 {
            return Err(Vault::JobsLive.wrap(format!("dataset {number}: {} jobs", record.live_jobs)));
        }
        let bond = dataset::bond(record.bond.take().as_ref())?;
        if !bond.is_empty() {
            bank::transfer(ctx, &account(), &owner, &bond)?;
        }
        let hash = hex::encode(&statement_hash);
        record.erasure = Some(Erasure { statement_hash, height: ctx.block.height });
        dataset::set(ctx.state, &record)?;
        let facts = [("dataset", number.to_string()), ("statement_hash", hash), ("bond", bond.to_string())];
        ctx.emit("vault_dataset_erased", facts);
        Ok(MsgReportErasureResponse {})
    }
}
