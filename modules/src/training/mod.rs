//! Jobs: from an order to a model that is proven, delivered and paid for.
//!
//! ```text
//! Open ──all joined──▶ Locked ──last part──▶ Proven ──all released──▶ Delivered ──window over──▶ Settled
//!  │ │                 │  ▲ │ ▲                 │                        │
//!  │ └─time over──▶ Expired│ │ └answer─ Stalled ─┤time over               └dispute──▶ Failed
//!  └─cancel──▶ Expired │  │ └──owes──▶    │     └─time over──▶ Failed
//!              missed──▼  │assigned        └─time over, data revoked──▶ Aborted
//!                     Rescue ──no node left──▶ Failed
//! ```
//!
//! The module orchestrates: it alone calls `vault`, `market`, `compute` and `reputation`, which do not know each other.
//! Nobody is paid for a step that is not proven: each accepted part pays for its iterations, and a last slice of all pay
//! waits until every member has released its share of the model.
//!
//! # Invariants
//! A job that runs has one place in the queue of heights, at `due`; it is found from its parties and,
//! once it is locked, from its datasets. What nodes are said to have of jobs, and of their bonds for them, is what jobs have
//! of nodes. What a job has proven last is what its last accepted part shows. What members put
//! down is what the module holds.

mod block;
mod end;
pub mod error;
mod genesis;
mod handler;
mod invariants;
mod job;
pub mod keys;
mod query;

use crate::address::{Address, Prefix};
use crate::context::{Context, load};
use crate::error::TxError;
use crate::module::{GenesisError, Message, Module};
use crate::query::Service;
use serde_json::Value;
use zektra_proto::tendermint::abci::ValidatorUpdate;
use zektra_proto::training::v1::{
    JobStatus as Status, MsgAnswerStall, MsgCancel, MsgDispute, MsgJoin, MsgOrder, MsgRelease, MsgReportStall,
    MsgSubmitPart, MsgUpdateParams, Rules,
};
use zektra_state::{StateError, StateRead};

pub use handler::part::accept;
pub use job::{job, known};

/// The module.
pub struct Training;

/// The module's name.
pub const NAME: &str = "training";

fn damaged(what: impl std::fmt::Display) -> StateError {
    StateError::Damaged(format!("training: {what}"))
}

/// What jobs are held to.
///
/// # Errors
/// The database fails.
pub fn rules(state: &dyn StateRead) -> Result<Rules, StateError> {
    Ok(load(state, keys::RULES)?.unwrap_or_default())
}

/// The account that holds what members put down.
pub fn account() -> Address {
    Address::of_module(NAME)
}

/// A dataset was revoked: jobs that end with it end now. When everything is proven only the share of the model is left,
/// and whoever has not handed it over keeps it back. Orders that are not locked never will be.
///
/// # Errors
/// The database fails.
pub fn dataset_revoked(ctx: &mut Context<'_>, dataset: u64) -> Result<(), TxError> {
    for number in job::of_dataset(ctx.state, dataset)? {
        let mut job = job::known(ctx.state, number)?;
        let Some(k) = job.data.iter().position(|line| line.dataset == dataset && line.ends_with_it) else { continue };
        let why = format!("dataset {dataset} was revoked");
        let seat = job::record(&job)?.datasets.get(k).map_or(0, |d| d.owner);
        match job.status() {
            Status::Proven | Status::Delivered => {
                if end::missing(&job).contains(&(seat as usize)) {
                    end::kept_back(ctx, &mut job, &[seat as usize].into(), why)?;
                }
            }
            // Nobody gets out of an answer that way.
            Status::Stalled if job::stall(&job)?.member == seat => end::stalled(ctx, &mut job, seat)?,
            _ => end::abort(ctx, &mut job, why)?,
        }
    }
    Ok(())
}

impl Module for Training {
    fn name(&self) -> &'static str {
        NAME
    }

    fn messages(&self) -> Vec<Message> {
        vec![
            Message::of::<MsgUpdateParams>(),
            Message::of::<MsgOrder>(),
            Message::of::<MsgCancel>(),
            Message::of::<MsgJoin>(),
            Message::of::<MsgSubmitPart>(),
            Message::of::<MsgReportStall>(),
            Message::of::<MsgAnswerStall>(),
            Message::of::<MsgRelease>(),
            Message::of::<MsgDispute>(),
        ]
    }

    fn services(&self) -> Vec<Service> {
        vec![query::service()]
    }

    fn default_genesis(&self, native: &str) -> Value {
        genesis::default(native)
    }

    fn check_genesis(&self, genesis: &Value, prefix: &Prefix) -> Result<(), GenesisError> {
        genesis::check(genesis, prefix)
    }

    fn init_genesis(&self, ctx: &mut Context<'_>, genesis: &Value) -> Result<Vec<ValidatorUpdate>, GenesisError> {
        genesis::init(ctx, genesis)?;
        Ok(vec![])
    }

    fn export_genesis(&self, state: &dyn StateRead, _: &Prefix) -> Result<Value, GenesisError> {
        genesis::export(state)
    }

    /// At the end of a block, after its parts: what came in the last block of a deadline was in time.
    fn end_block(&self, ctx: &mut Context<'_>) -> Result<Vec<ValidatorUpdate>, TxError> {
        block::end(ctx)?;
        Ok(vec![])
    }

    fn check_invariants(&self, state: &dyn StateRead) -> Result<(), TxError> {
        invariants::check(state)
    }
}
