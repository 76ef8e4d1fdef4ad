//! Accounts and parameters of a genesis file.

use super::{Account, FEE_COLLECTOR, NAME, account, add, create_module, handler, keys};
use crate::address::Prefix;
use crate::context::{Context, save};
use crate::module::{GenesisError, failed, read_genesis};
use serde_json::Value;
use std::collections::BTreeSet;
use zektra_proto::cosmos::auth::v1beta1::{BaseAccount, GenesisState, Params};
use zektra_proto::json;
use zektra_state::{Order, StateRead, scan_prefix};

pub fn default() -> Value {
    let params = Params {
        max_memo_characters: 256,
        tx_sig_limit: 7,
        tx_size_cost_per_byte: 10,
        sig_verify_cost_ed25519: 590,
        sig_verify_cost_secp256k1: 1000,
    };
    let genesis = GenesisState { params: Some(params), accounts: vec![] };
    json::write(&genesis).expect("a genesis state is served")
}

fn read(genesis: &Value) -> Result<(Params, Vec<Account>), GenesisError> {
    let state: GenesisState = read_genesis(NAME, genesis)?;
    let params = state.params.ok_or_else(|| GenesisError::new("auth.params", "nothing", "the parameters"))?;
    let field = |k: usize| format!("auth.accounts[{k}]");
    let mut accounts = vec![];
    for (k, any) in state.accounts.iter().enumerate() {
        let account = Account::from_any(any).map_err(|e| GenesisError::new(field(k), e, "an account"))?;
        accounts.push(account);
    }
    Ok((params, accounts))
}

pub fn check(genesis: &Value, prefix: &Prefix) -> Result<(), GenesisError> {
    let (params, accounts) = read(genesis)?;
    if let Some(name) = handler::zero(&params) {
        return Err(GenesisError::new(format!("auth.params.{name}"), 0, "a positive number"));
    }
    let mut known = BTreeSet::new();
    for (k, account) in accounts.iter().enumerate() {
        let field = format!("auth.accounts[{k}].address");
        let address = account.base().map(|b| b.address.clone()).unwrap_or_default();
        let parsed = prefix.parse(&address);
        let parsed = parsed.map_err(|e| GenesisError::new(&field, &address, format!("an address: {e}")))?;
        if !known.insert(parsed) {
            return Err(GenesisError::new(field, address, "each address once"));
        }
    }
    Ok(())
}

pub fn init(ctx: &mut Context<'_>, genesis: &Value) -> Result<(), GenesisError> {
    let (params, mut accounts) = read(genesis)?;
    save(ctx.state, keys::PARAMS.to_vec(), &params).map_err(failed(NAME))?;
    // Numbers follow the order of the file's numbers, without gaps and repetitions.
    accounts.sort_by_key(|a| a.base().map_or(0, |b| b.account_number));
    for (number, mut account) in (0..).zip(accounts) {
        let base: Option<&mut BaseAccount> = match &mut account {
            Account::Base(base) => Some(base),
            Account::Module(module) => module.base_account.as_mut(),
        };
        let Some(base) = base else { continue };
        base.account_number = number;
        let address = ctx.parse(&base.address).map_err(failed(NAME))?;
        add(ctx.state, &address, &account).map_err(failed(NAME))?;
        let next = (number + 1).to_be_bytes().to_vec();
        ctx.state.put(keys::NEXT_NUMBER.to_vec(), next).map_err(failed(NAME))?;
    }
    create_module(ctx, FEE_COLLECTOR, &[]).map(drop).map_err(failed(NAME))
}

pub fn export(state: &dyn StateRead) -> Result<Value, GenesisError> {
    let mut accounts = vec![];
    for entry in scan_prefix(state, keys::NUMBERS, Order::Ascending) {
        let (_, address) = entry.map_err(failed(NAME))?;
        let address = crate::address::Address::new(address).map_err(failed(NAME))?;
        let found = account(state, &address).map_err(failed(NAME))?;
        accounts.extend(found.map(|a| a.to_any()));
    }
    let params = super::params(state).map_err(failed(NAME))?;
    json::write(&GenesisState { params: Some(params), accounts }).map_err(failed(NAME))
}
