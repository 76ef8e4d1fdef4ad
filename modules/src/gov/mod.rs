//! Proposals, deposits and votes.
//!
//! A proposal waits for deposits, is voted on, and is then decided: what it says is executed as the chain's authority, all
//! of it or nothing.
//!
//! # Invariants
//! The module's account holds at least the sum of all deposits, which no proposal can spend. Each queue holds the
//! proposals of its status at their times. Deposits are there of proposals that are not decided, votes of those that are
//! voted on.

pub mod block;
pub mod deposit;
pub mod error;
mod genesis;
mod handler;
mod invariants;
pub mod keys;
mod legacy;
pub mod params;
pub mod proposal;
mod query;
pub mod tally;
pub mod vote;

pub use params::rules;

use crate::address::Prefix;
use crate::context::{Context, load_all};
use crate::error::TxError;
use crate::module::{GenesisError, Message, Module};
use crate::query::Service;
use error::Gov as GovError;
use serde_json::Value;
use zektra_proto::cosmos::gov::{v1, v1beta1};
use zektra_proto::tendermint::abci::ValidatorUpdate;
use zektra_state::{StateError, StateRead};

/// The module.
pub struct Gov;

/// The module's name.
pub const NAME: &str = "gov";

/// Most bytes of metadata and of a title.
pub const MAX_METADATA: usize = 255;
/// Most bytes of a summary.
pub const MAX_SUMMARY: usize = 40 * MAX_METADATA;

/// What the database must not hold.
fn damaged(what: String) -> StateError {
    StateError::Damaged(format!("gov: {what}"))
}

fn demand_metadata(text: &str) -> Result<(), TxError> {
    if text.len() > MAX_METADATA {
        return Err(GovError::MetadataTooLong.wrap(format!("got metadata with length {}", text.len())));
    }
    Ok(())
}

fn demand_summary(text: &str) -> Result<(), TxError> {
    if text.len() > MAX_SUMMARY {
        return Err(GovError::SummaryTooLong.wrap(format!("got summary with length {}", text.len())));
    }
    Ok(())
}

/// The constitution.
///
/// # Errors
/// The database fails.
pub fn constitution(state: &dyn StateRead) -> Result<String, StateError> {
    let bytes = state.get(keys::CONSTITUTION)?.unwrap_or_default();
    String::from_utf8(bytes).map_err(|e| damaged(e.to_string()))
}

/// All proposals, in the order of their numbers.
fn stored_proposals(state: &dyn StateRead) -> Result<Vec<v1::Proposal>, StateError> {
    load_all(state, keys::PROPOSALS)
}

impl Module for Gov {
    fn name(&self) -> &'static str {
        NAME
    }

    fn messages(&self) -> Vec<Message> {
        vec![
            Message::of::<v1::MsgSubmitProposal>(),
            Message::of::<v1::MsgExecLegacyContent>(),
            Message::of::<v1::MsgVote>(),
            Message::of::<v1::MsgVoteWeighted>(),
            Message::of::<v1::MsgDeposit>(),
            Message::of::<v1::MsgUpdateParams>(),
            Message::of::<v1::MsgCancelProposal>(),
            Message::of::<v1beta1::MsgSubmitProposal>(),
            Message::of::<v1beta1::MsgVote>(),
            Message::of::<v1beta1::MsgVoteWeighted>(),
            Message::of::<v1beta1::MsgDeposit>(),
        ]
    }

    fn services(&self) -> Vec<Service> {
        query::services()
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

    fn end_block(&self, ctx: &mut Context<'_>) -> Result<Vec<ValidatorUpdate>, TxError> {
        block::end(ctx)?;
        Ok(vec![])
    }

    fn check_invariants(&self, state: &dyn StateRead) -> Result<(), TxError> {
        invariants::check(state)
    }
}
