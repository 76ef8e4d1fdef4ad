//! `cosmos.auth.v1beta1.Query`.

use super::{Account, account, keys, params};
use crate::address::Address;
use crate::query::{Code, Query, QueryError, Service, page};
use prost::Message as _;
use zektra_proto::Any;
use zektra_proto::cosmos::auth::v1beta1::{
    AddressBytesToStringRequest, AddressBytesToStringResponse, AddressStringToBytesRequest,
    AddressStringToBytesResponse, Bech32PrefixRequest, Bech32PrefixResponse, QueryAccountAddressByIdRequest,
    QueryAccountAddressByIdResponse, QueryAccountInfoRequest, QueryAccountInfoResponse, QueryAccountRequest,
    QueryAccountResponse, QueryAccountsRequest, QueryAccountsResponse, QueryModuleAccountByNameRequest,
    QueryModuleAccountByNameResponse, QueryModuleAccountsRequest, QueryModuleAccountsResponse, QueryParamsRequest,
    QueryParamsResponse,
};
use zektra_state::{Order, scan_prefix};

pub fn service() -> Service {
    Service::new("cosmos.auth.v1beta1.Query")
        .unary("Accounts", accounts)
        .unary("Account", |q, r: QueryAccountRequest| {
            Ok(QueryAccountResponse { account: Some(known(q, &r.address)?.to_any()) })
        })
        .unary("AccountAddressByID", address_by_id)
        .unary("Params", |q, _: QueryParamsRequest| Ok(QueryParamsResponse { params: Some(params(q.state)?) }))
        .unary("ModuleAccounts", |q, _: QueryModuleAccountsRequest| {
            Ok(QueryModuleAccountsResponse { accounts: modules(q)?.into_iter().map(|(_, any)| any).collect() })
        })
        .unary("ModuleAccountByName", |q, r: QueryModuleAccountByNameRequest| {
            let found = modules(q)?.into_iter().find(|(name, _)| *name == r.name);
            let missing = || Code::NotFound.error(format!("account {} not found", r.name));
            Ok(QueryModuleAccountByNameResponse { account: Some(found.ok_or_else(missing)?.1) })
        })
        .unary("Bech32Prefix", |q, _: Bech32PrefixRequest| {
            Ok(Bech32PrefixResponse { bech32_prefix: q.prefix.as_str().into() })
        })
        .unary("AddressBytesToString", |q, r: AddressBytesToStringRequest| {
            let address = Address::new(r.address_bytes.to_vec())?;
            Ok(AddressBytesToStringResponse { address_string: q.prefix.text(&address) })
        })
        .unary("AddressStringToBytes", |q, r: AddressStringToBytesRequest| {
            Ok(AddressStringToBytesResponse { address_bytes: q.address(&r.address_string)?.bytes().to_vec().into() })
        })
        .unary("AccountInfo", |q, r: QueryAccountInfoRequest| {
            Ok(QueryAccountInfoResponse { info: known(q, &r.address)?.base().cloned() })
        })
}

fn known(q: &Query<'_>, text: &str) -> Result<Account, QueryError> {
    let address = q.address(text)?;
    let missing = || Code::NotFound.error(format!("account {text} not found: key not found"));
    account(q.state, &address)?.ok_or_else(missing)
}

fn accounts(q: &Query<'_>, r: QueryAccountsRequest) -> Result<QueryAccountsResponse, QueryError> {
    let (accounts, pagination) = page(q.state, keys::ACCOUNTS, r.pagination.as_ref(), |_, value| {
        Any::decode(&value[..]).map(Some).map_err(|e| Code::Internal.error(e))
    })?;
    Ok(QueryAccountsResponse { accounts, pagination: Some(pagination) })
}

fn address_by_id(
    q: &Query<'_>,
    r: QueryAccountAddressByIdRequest,
) -> Result<QueryAccountAddressByIdResponse, QueryError> {
    let found = q.state.get(&keys::by_number(r.account_id))?;
    let missing = || Code::NotFound.error(format!("account address not found with account number {}", r.account_id));
    let address = Address::new(found.ok_or_else(missing)?)?;
    Ok(QueryAccountAddressByIdResponse { account_address: q.prefix.text(&address) })
}

/// Accounts of modules, by name.
fn modules(q: &Query<'_>) -> Result<Vec<(String, Any)>, QueryError> {
    let mut out = vec![];
    for entry in scan_prefix(q.state, keys::MODULES, Order::Ascending) {
        let (key, address) = entry?;
        let name = String::from_utf8_lossy(&key[keys::MODULES.len()..]).into_owned();
        let account = account(q.state, &Address::new(address)?)?;
        out.extend(account.map(|a| (name, a.to_any())));
    }
    Ok(out)
}
