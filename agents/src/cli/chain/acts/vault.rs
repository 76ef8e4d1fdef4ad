//! `zektra dataset attest | erased`, `zektra set create`.

use crate::cli::chain::tx::own::{Made, Own, Signer, any};
use anyhow::{Context as _, Result};
use clap::Args;
use std::path::PathBuf;
use zektra_agents::files;
use zektra_proto::vault::v1::{MsgAttest, MsgCreateSet, MsgReportErasure, QueryDatasetRequest, QueryDatasetResponse};

/// A dataset and a text about it.
#[derive(Args, Debug)]
struct Said {
    /// The dataset's number.
    dataset: u64,
    /// The text; the chain keeps its BLAKE3 hash.
    #[arg(long, value_name = "FILE")]
    statement: PathBuf,
}

impl Said {
    fn hash(&self) -> Result<Vec<u8>> {
        Ok(blake3::hash(&files::read(&self.statement)?).as_bytes().to_vec())
    }
}

/// Whoever vouches.
#[derive(Args, Debug)]
pub struct Attest {
    #[command(flatten)]
    said: Said,
}

/// Whoever has erased.
#[derive(Args, Debug)]
pub struct Erased {
    #[command(flatten)]
    said: Said,
}

/// A set that is new.
#[derive(Args, Debug)]
pub struct CreateSet {
    /// 1 to 64 letters, digits, - or _.
    name: String,
    /// The number of a dataset with the schema that all of them have.
    #[arg(long, value_name = "DATASET")]
    like: u64,
    /// Any owner's dataset of the schema may join; else you admit each.
    #[arg(long)]
    open: bool,
}

impl Own for Attest {
    fn make(self, from: Signer<'_>) -> Result<Made> {
        let statement_hash = self.said.hash()?.into();
        let message = MsgAttest { voucher: from.account()?, dataset: self.said.dataset, statement_hash };
        from.sign(vec![any(&message)])
    }
}

impl Own for Erased {
    fn make(self, from: Signer<'_>) -> Result<Made> {
        let statement_hash = self.said.hash()?.into();
        let message = MsgReportErasure { owner: from.account()?, dataset: self.said.dataset, statement_hash };
        from.sign(vec![any(&message)])
    }
}

impl Own for CreateSet {
    fn make(self, from: Signer<'_>) -> Result<Made> {
        let request = QueryDatasetRequest { dataset: self.like };
        let found: QueryDatasetResponse = from.settings.client().query("/zektra.vault.v1.Query/Dataset", &request)?;
        let record = found.dataset.and_then(|d| d.dataset);
        let record = record.with_context(|| format!("--like {}: no such dataset", self.like))?;
        let message =
            MsgCreateSet { curator: from.account()?, name: self.name, schema: record.schema, open: self.open };
        from.sign(vec![any(&message)])
    }
}
