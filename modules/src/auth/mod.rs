//! Accounts: who may sign, with which key, how often already.

mod genesis;
mod handler;
pub mod keys;
mod query;

use crate::address::{Address, Prefix};
use crate::context::{Context, load, load_number, save};
use crate::error::{Sdk, TxError};
use crate::module::{GenesisError, Message, Module};
use crate::query::Service;
use prost::{Message as _, Name as _};
use serde_json::Value;
use zektra_proto::Any;
use zektra_proto::cosmos::auth::v1beta1::{BaseAccount, ModuleAccount, MsgUpdateParams, Params};
use zektra_proto::tendermint::abci::ValidatorUpdate;
use zektra_state::{StateError, StateRead, StateWrite};

/// The module.
pub struct Auth;

/// The module's name.
pub const NAME: &str = "auth";
/// Where fees go until they are distributed.
pub const FEE_COLLECTOR: &str = "fee_collector";

/// An account as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub enum Account {
    /// Of a key.
    Base(BaseAccount),
    /// Of a module: nobody signs for it.
    Module(ModuleAccount),
}

impl Account {
    /// What all accounts have.
    pub fn base(&self) -> Option<&BaseAccount> {
        match self {
            Self::Base(base) => Some(base),
            Self::Module(module) => module.base_account.as_ref(),
        }
    }

    /// As clients read it.
    pub fn to_any(&self) -> Any {
        let of = |name: String, value| Any { type_url: format!("/{name}"), value };
        match self {
            Self::Base(base) => of(BaseAccount::full_name(), base.encode_to_vec()),
            Self::Module(module) => of(ModuleAccount::full_name(), module.encode_to_vec()),
        }
    }

    fn from_any(any: &Any) -> Result<Self, StateError> {
        let damaged = |e: prost::DecodeError| StateError::Damaged(format!("an account: {e}"));
        let name = any.type_url.trim_start_matches('/');
        if name == BaseAccount::full_name() {
            Ok(Self::Base(BaseAccount::decode(&any.value[..]).map_err(damaged)?))
        } else if name == ModuleAccount::full_name() {
            Ok(Self::Module(ModuleAccount::decode(&any.value[..]).map_err(damaged)?))
        } else {
            Err(StateError::Damaged(format!("an account of type {}", any.type_url)))
        }
    }
}

/// The account of an address.
///
/// # Errors
/// The database fails.
pub fn account(state: &dyn StateRead, address: &Address) -> Result<Option<Account>, StateError> {
    load::<Any>(state, &keys::account(address))?.map(|any| Account::from_any(&any)).transpose()
}

/// Stores a new account under its address and its number.
fn add(state: &mut dyn StateWrite, address: &Address, account: &Account) -> Result<(), StateError> {
    set_account(state, address, account)?;
    if let Some(base) = account.base() {
        state.put(keys::by_number(base.account_number), address.bytes().to_vec())?;
    }
    if let Account::Module(module) = account {
        state.put(keys::module(&module.name), address.bytes().to_vec())?;
    }
    Ok(())
}

/// Stores an account that is known.
///
/// # Errors
/// A meter has run out.
pub fn set_account(state: &mut dyn StateWrite, address: &Address, account: &Account) -> Result<(), StateError> {
    save(state, keys::account(address), &account.to_any())
}

/// The next account's number, which is used up.
///
/// # Errors
/// The database fails.
pub fn next_number(state: &mut dyn StateWrite) -> Result<u64, TxError> {
    let next = load_number(state, keys::NEXT_NUMBER)?;
    let after = next.checked_add(1).ok_or_else(|| Sdk::InvalidRequest.wrap("no account numbers are left"))?;
    state.put(keys::NEXT_NUMBER.to_vec(), after.to_be_bytes().to_vec())?;
    Ok(next)
}

/// Makes an account for an address that has none.
///
/// # Errors
/// The database fails.
pub fn create(ctx: &mut Context<'_>, address: &Address) -> Result<BaseAccount, TxError> {
    let account_number = next_number(ctx.state)?;
    let base = BaseAccount { address: ctx.text(address), account_number, ..BaseAccount::default() };
    add(ctx.state, address, &Account::Base(base.clone()))?;
    Ok(base)
}

/// Makes the account of a module, if there is none.
///
/// # Errors
/// The database fails; the address has an account of another kind.
pub fn create_module(ctx: &mut Context<'_>, name: &str, permissions: &[&str]) -> Result<Address, TxError> {
    let address = Address::of_module(name);
    match account(ctx.state, &address)? {
        Some(Account::Module(_)) => {}
        Some(Account::Base(_)) => return Err(Sdk::Unauthorized.wrap(format!("{name} is the account of a key"))),
        None => {
            let account_number = next_number(ctx.state)?;
            let base = BaseAccount { address: ctx.text(&address), account_number, ..BaseAccount::default() };
            let module = ModuleAccount {
                base_account: Some(base),
                name: name.into(),
                permissions: permissions.iter().map(|&p| p.into()).collect(),
            };
            add(ctx.state, &address, &Account::Module(module))?;
        }
    }
    Ok(address)
}

/// The parameters.
///
/// # Errors
/// The database fails.
pub fn params(state: &dyn StateRead) -> Result<Params, StateError> {
    Ok(load(state, keys::PARAMS)?.unwrap_or_default())
}

impl Module for Auth {
    fn name(&self) -> &'static str {
        NAME
    }

    fn messages(&self) -> Vec<Message> {
        vec![Message::of::<MsgUpdateParams>()]
    }

    fn services(&self) -> Vec<Service> {
        vec![query::service()]
    }

    fn default_genesis(&self, _: &str) -> Value {
        genesis::default()
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
}
