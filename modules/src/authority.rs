//! The chain's authority: the module of governance, whose messages change parameters.

use crate::address::Address;
use crate::context::Context;
use crate::error::{Sdk, TxError};

/// Whose messages may change parameters.
pub const AUTHORITY: &str = "gov";

/// The authority's address.
pub fn authority() -> Address {
    Address::of_module(AUTHORITY)
}

/// Refuses a message of anybody else.
///
/// # Errors
/// Another address.
pub fn demand_authority(ctx: &Context<'_>, found: &str) -> Result<(), TxError> {
    let expected = ctx.text(&authority());
    if found != expected {
        let wrong = format!(
            "invalid authority; expected {expected}, got {found}: expected gov account as only signer for proposal message"
        );
        return Err(TxError { codespace: AUTHORITY, code: 13, log: wrong });
    }
    Ok(())
}

/// Refuses the authority as one who lets others spend: what it holds are the deposits of proposals.
///
/// # Errors
/// It is the authority.
pub fn refuse_authority(ctx: &Context<'_>, granter: &Address) -> Result<(), TxError> {
    if *granter == authority() {
        return Err(
            Sdk::Unauthorized.wrap(format!("granter {}: the chain's authority grants nothing", ctx.text(granter)))
        );
    }
    Ok(())
}
