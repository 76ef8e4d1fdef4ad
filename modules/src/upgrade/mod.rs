//! Plans at which the chain changes its program.
//!
//! A program knows upgrades by their [`Migration`]s. At the height of a plan the one that knows it runs the migration and
//! goes on; all others halt there, before they change anything, and so does a program that knows a plan before its time,
//! or does not know the last one that was made: each would execute a block as no other does.
//!
//! The migrations come with the [`Block`](crate::Block) that is executed, from whoever runs the program: two programs can
//! so stand beside each other in one process, as tests have it, and nothing outside of a block has a say in it.

mod block;
mod genesis;
mod handler;
pub mod keys;
mod query;

use crate::MODULES;
use crate::address::Prefix;
use crate::context::{Context, load};
use crate::error::TxError;
use crate::module::{GenesisError, Message, Module};
use crate::query::Service;
use serde_json::Value;
use zektra_proto::cosmos::upgrade::v1beta1::{MsgCancelUpgrade, MsgSoftwareUpgrade, Plan};
use zektra_proto::tendermint::abci::ValidatorUpdate;
use zektra_state::{Order, StateError, StateRead, StateWrite, scan_prefix};

/// The module.
pub struct Upgrade;

/// The module's name.
pub const NAME: &str = "upgrade";

/// The code of an error at which the chain waits for another program; the others' are those of the Cosmos SDK.
const HALT: u32 = 100;

/// The upgrades that this program knows, the oldest first. None is ever taken off: the program must know the last one
/// that its chain has made.
pub const MIGRATIONS: &[Migration] = &[];

/// An upgrade that a program knows.
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// Its name, as plans have it.
    pub name: &'static str,
    /// What it changes in the state, before all else in its block.
    pub run: fn(&mut Context<'_>) -> Result<(), TxError>,
}

/// An upgrade is known by its name.
impl PartialEq for Migration {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

/// Where a chain stands with its upgrades, and a program with those that it knows.
#[derive(Clone, Debug, PartialEq)]
pub struct Info {
    /// What is planned.
    pub plan: Option<Plan>,
    /// What was made, with its height, the oldest first.
    pub done: Vec<(String, u64)>,
    /// What the program knows.
    pub known: Vec<&'static str>,
}

/// Where a chain stands with its upgrades, for a program with these migrations.
///
/// # Errors
/// The database fails.
pub fn info(state: &dyn StateRead, migrations: &[Migration]) -> Result<Info, StateError> {
    Ok(Info { plan: plan(state)?, done: done(state)?, known: migrations.iter().map(|m| m.name).collect() })
}

/// Whether an error says that the chain waits for another program: no fault, but the node must stop.
pub fn is_halt(error: &TxError) -> bool {
    (error.codespace, error.code) == (NAME, HALT)
}

fn halt(why: String) -> TxError {
    TxError { codespace: NAME, code: HALT, log: why }
}

/// What is planned.
///
/// # Errors
/// The database fails.
pub fn plan(state: &dyn StateRead) -> Result<Option<Plan>, StateError> {
    load(state, keys::PLAN)
}

fn damaged(what: &str) -> StateError {
    StateError::Damaged(format!("upgrade: {what}"))
}

/// Height and name of a key of an upgrade that was made.
fn parse_done(key: &[u8]) -> Result<(String, u64), StateError> {
    let rest = key.get(keys::DONE.len()..).and_then(|rest| rest.split_first_chunk());
    let (height, name) = rest.ok_or_else(|| damaged("the key of an upgrade"))?;
    let name = str::from_utf8(name).map_err(|_| damaged("a name that is no text"))?;
    Ok((name.into(), u64::from_be_bytes(*height)))
}

/// The upgrades that were made with their heights, the oldest first.
///
/// # Errors
/// The database fails.
pub fn done(state: &dyn StateRead) -> Result<Vec<(String, u64)>, StateError> {
    scan_prefix(state, keys::DONE, Order::Ascending).map(|entry| parse_done(&entry?.0)).collect()
}

/// The upgrade that was made last.
fn last_done(state: &dyn StateRead) -> Result<Option<(String, u64)>, StateError> {
    scan_prefix(state, keys::DONE, Order::Descending).next().map(|entry| parse_done(&entry?.0)).transpose()
}

/// The height at which an upgrade was made.
fn done_at(state: &dyn StateRead, name: &str) -> Result<Option<u64>, StateError> {
    Ok(done(state)?.into_iter().find(|(done, _)| done == name).map(|(_, height)| height))
}

/// The versions of all modules, by name.
///
/// # Errors
/// The database fails.
pub fn versions(state: &dyn StateRead) -> Result<Vec<(String, u64)>, StateError> {
    let read = |entry: Result<(Vec<u8>, Vec<u8>), StateError>| {
        let (key, value) = entry?;
        let name = str::from_utf8(&key[keys::VERSIONS.len()..]).map_err(|_| damaged("a module's name"))?;
        let version = value[..].try_into().map_err(|_| damaged("a module's version"))?;
        Ok((name.into(), u64::from_be_bytes(version)))
    };
    scan_prefix(state, keys::VERSIONS, Order::Ascending).map(read).collect()
}

/// Stores the versions that this program's modules have.
fn set_versions(state: &mut dyn StateWrite) -> Result<(), StateError> {
    MODULES.iter().try_for_each(|m| state.put(keys::version(m.name()), m.version().to_be_bytes().to_vec()))
}

impl Module for Upgrade {
    fn name(&self) -> &'static str {
        NAME
    }

    fn messages(&self) -> Vec<Message> {
        vec![Message::of::<MsgSoftwareUpgrade>(), Message::of::<MsgCancelUpgrade>()]
    }

    fn services(&self) -> Vec<Service> {
        vec![query::service()]
    }

    fn default_genesis(&self, _: &str) -> Value {
        Value::Null
    }

    fn check_genesis(&self, genesis: &Value, _: &Prefix) -> Result<(), GenesisError> {
        genesis::read(genesis).map(drop)
    }

    fn init_genesis(&self, ctx: &mut Context<'_>, genesis: &Value) -> Result<Vec<ValidatorUpdate>, GenesisError> {
        genesis::init(ctx, genesis)?;
        Ok(vec![])
    }

    fn export_genesis(&self, state: &dyn StateRead, _: &Prefix) -> Result<Value, GenesisError> {
        genesis::export(state)
    }

    fn begin_block(&self, ctx: &mut Context<'_>) -> Result<(), TxError> {
        block::begin(ctx)
    }

    fn check_invariants(&self, state: &dyn StateRead) -> Result<(), TxError> {
        let done = done(state)?;
        if let Some(plan) = plan(state)? {
            handler::check_plan(&plan)?;
            if done.iter().any(|(name, _)| *name == plan.name) {
                return Err(damaged(&format!("the plan {} was carried out already", plan.name)).into());
            }
        }
        let mut names: Vec<_> = done.iter().map(|(name, _)| name).collect();
        names.sort();
        names.dedup();
        if names.len() != done.len() {
            return Err(damaged("an upgrade was made twice").into());
        }
        Ok(())
    }
}
