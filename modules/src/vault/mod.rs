//! What owners publish: seats, encrypted datasets, who may use them, and sets of them.
//!
//! ```text
//! Draft → Sealed → Active ⇄ Paused
//!   ↓        └───────┴────────┴→ Revoked → erased
//! dropped
//! ```
//!
//! A draft has neither rows nor roots; a seal proves and fixes them. What is vouched for and bonded is active: jobs lock it by
//! a grant, whose passes and coefficients are counted. Other modules call [`granted`], [`take`], [`still_granted`],
//! [`give_back`] and [`leave`].
//!
//! # Invariants
//! The module's account holds the bonds. Every record is found by all its keys. A dataset that jobs may use has a seat, an
//! attestation and a bond; one that is erased has no live job.

mod dataset;
pub mod error;
mod genesis;
mod grant;
mod handler;
mod invariants;
pub mod keys;
mod query;
pub mod seal;
mod seat;
mod set;

pub use dataset::{dataset, offered};
pub use grant::{give_back, grant, granted, leave, still_granted, take};
pub use seat::{current_seat, seat};
pub use set::{demand_seller, members_of_set, set};

use crate::address::{Address, Prefix};
use crate::context::{Context, load, load_number};
use crate::error::TxError;
use crate::module::{GenesisError, Message, Module};
use crate::query::Service;
use error::Vault as VaultError;
use serde_json::Value;
use zektra_proto::tendermint::abci::ValidatorUpdate;
use zektra_proto::vault::v1::{
    MsgActivateDataset, MsgAdmitToSet, MsgAttest, MsgCreateDataset, MsgCreateSet, MsgDropDraft, MsgGrantUse,
    MsgJoinSet, MsgLeaveSet, MsgNameVouchers, MsgPauseDataset, MsgRaiseAttempt, MsgRegisterSeat, MsgReportErasure,
    MsgRevokeDataset, MsgRotateSeat, MsgSealDataset, MsgUnpauseDataset, MsgUpdateParams, MsgWithdrawGrant, Params,
    RevocationPolicy,
};
use zektra_state::{StateError, StateRead, StateWrite};
use zektra_statement::record::{Dataset, Seat};

/// The module.
pub struct Vault;

/// The module's name.
pub const NAME: &str = "vault";

/// What a job wants of a dataset.
#[derive(Clone, Copy, Debug)]
pub struct Use<'a> {
    /// Who pays for the job.
    pub developer: &'a Address,
    /// The id of its template.
    pub template: &'a str,
    /// Rows of all its datasets.
    pub rows: u64,
    /// Passes over this dataset.
    pub passes: u64,
    /// Coefficients that it opens.
    pub opened: u64,
}

/// What a job may use: everything of a dataset that it locks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The dataset's number.
    pub number: u64,
    /// The grant's number.
    pub grant: u64,
    /// The dataset's owner.
    pub owner: Address,
    /// The dataset.
    pub dataset: Dataset,
    /// The seat under whose key it is encrypted.
    pub seat: Seat,
    /// Bytes of its tiles.
    pub bytes: u64,
    /// What the job does when its use is not granted any more.
    pub on_revoke: RevocationPolicy,
}

fn damaged(what: impl std::fmt::Display) -> StateError {
    StateError::Damaged(format!("vault: {what}"))
}

/// The next number of a kind, which is used up: from 1.
fn next(state: &mut dyn StateWrite, key: &[u8]) -> Result<u64, TxError> {
    let next = load_number(state, key)?.max(1);
    let after = next.checked_add(1).ok_or_else(|| VaultError::NumbersSpent.wrap(String::from_utf8_lossy(key)))?;
    state.put(key.to_vec(), after.to_be_bytes().to_vec())?;
    Ok(next)
}

/// Refuses an owner that is no address.
fn demand_owner(prefix: &Prefix, text: &str) -> Result<(), TxError> {
    prefix.parse(text).map(drop).map_err(|e| e.within("invalid owner address"))
}

/// The one text of an address: signers may write it in capitals.
fn one_text(ctx: &Context<'_>, text: &str) -> Result<String, TxError> {
    Ok(ctx.text(&ctx.parse(text)?))
}

/// The account that holds the bonds.
fn account() -> Address {
    Address::of_module(NAME)
}

/// The parameters.
///
/// # Errors
/// The database fails.
pub fn params(state: &dyn StateRead) -> Result<Params, StateError> {
    Ok(load(state, keys::PARAMS)?.unwrap_or_default())
}

impl Module for Vault {
    fn name(&self) -> &'static str {
        NAME
    }

    fn messages(&self) -> Vec<Message> {
        vec![
            Message::of::<MsgUpdateParams>(),
            Message::of::<MsgRegisterSeat>(),
            Message::of::<MsgRotateSeat>(),
            Message::of::<MsgCreateDataset>(),
            Message::of::<MsgRaiseAttempt>(),
            Message::of::<MsgDropDraft>(),
            Message::of::<MsgSealDataset>(),
            Message::of::<MsgNameVouchers>(),
            Message::of::<MsgAttest>(),
            Message::of::<MsgActivateDataset>(),
            Message::of::<MsgPauseDataset>(),
            Message::of::<MsgUnpauseDataset>(),
            Message::of::<MsgRevokeDataset>(),
            Message::of::<MsgReportErasure>(),
            Message::of::<MsgGrantUse>(),
            Message::of::<MsgWithdrawGrant>(),
            Message::of::<MsgCreateSet>(),
            Message::of::<MsgAdmitToSet>(),
            Message::of::<MsgJoinSet>(),
            Message::of::<MsgLeaveSet>(),
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

    fn check_invariants(&self, state: &dyn StateRead) -> Result<(), TxError> {
        invariants::check(state)
    }
}
