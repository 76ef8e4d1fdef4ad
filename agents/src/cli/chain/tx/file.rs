//! Transactions in files.

use anyhow::{Context as _, Result};
use serde_json::Value;
use std::path::Path;
use zektra_agents::files;
use zektra_agents::rejected::{Rejected, expect};
use zektra_proto::cosmos::tx::v1beta1::{AuthInfo, Tx as Transaction, TxBody};
use zektra_proto::json as wire;

/// A transaction as JSON, in the form that the SDK's commands exchange.
///
/// # Errors
/// A message of a type that is not known.
pub fn document(tx: &Transaction) -> Result<Value> {
    Ok(wire::write(tx)?)
}

/// A transaction in a file of JSON, or on the standard input.
///
/// # Errors
/// No such file, or no transaction in it.
pub fn read(path: &Path) -> Result<Transaction> {
    let text = match path.to_str() {
        Some("-") => std::io::read_to_string(std::io::stdin()).context("cannot read the standard input")?,
        _ => String::from_utf8(files::read(path)?)
            .map_err(|_| Rejected::Input(format!("{}: not a text file", path.display())))?,
    };
    let json: Value = serde_json::from_str(&text).with_context(|| path.display().to_string())?;
    let tx: Transaction =
        wire::read(&json).map_err(|e| Rejected::Input(format!("{}: not a transaction: {e}", path.display())))?;
    let Transaction { body, auth_info, .. } = &tx;
    let whole = body.as_ref().is_some_and(|b: &TxBody| !b.messages.is_empty())
        && auth_info.as_ref().is_some_and(|a: &AuthInfo| a.fee.is_some());
    expect(whole, || format!("{}: not a transaction: it needs body.messages and auth_info.fee", path.display()))?;
    Ok(tx)
}
