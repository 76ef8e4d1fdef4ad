//! Genesis files: what a chain begins with.
//!
//! A [`Spec`] is the short description that people write, a [`Genesis`] the file that nodes read: CometBFT's part
//! (chain id, time, parameters of consensus, validators) and `app_state`, a section for each module.

mod document;
mod founding;
mod spec;

pub use document::{DocumentError, Genesis, Validator, params_json};
pub use founding::{add_account, add_coins, gen_txs, set_gen_txs};
pub use spec::{Founders, Spec, SpecError, with_prefix};

use serde_json::{Map, Value, json};
use zektra_modules::MODULES;
use zektra_modules::address::Prefix;
use zektra_modules::module::GenesisError;

/// The description of the development chain: test accounts with coins.
pub const DEVNET: &str = include_str!("../devnet.toml");

/// The application's own section.
pub const CHAIN: &str = "chain";

/// The section of the transactions that make the first validators.
pub const GENUTIL: &str = "genutil";

/// A module's section.
pub fn section<'a>(app_state: &'a Value, name: &str) -> &'a Value {
    app_state.get(name).unwrap_or(&Value::Null)
}

/// What `app_state` holds if nothing else is said, on a chain whose own coin has the denomination `native`.
pub fn default_state(prefix: &str, native: &str) -> Value {
    assembled(prefix, MODULES.map(|m| (m.name(), m.default_genesis(native))))
}

/// An `app_state` of the modules' sections; those that are `null` are left out.
pub fn assembled<'a>(prefix: &str, sections: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    let mut out = Map::new();
    out.insert(CHAIN.into(), json!({"bech32_prefix": prefix}));
    out.extend(sections.into_iter().filter(|(_, v)| !v.is_null()).map(|(name, value)| (name.to_string(), value)));
    out.into()
}

/// Checks an `app_state`; gives the address prefix.
///
/// # Errors
/// Which field holds what, and what was expected.
pub fn check_state(app_state: &Value) -> Result<Prefix, GenesisError> {
    let Value::Object(sections) = app_state else {
        return Err(GenesisError::new("", app_state, "an object with a section for each module"));
    };
    let known = MODULES.map(|m| m.name());
    if let Some(other) = sections.keys().find(|k| ![CHAIN, GENUTIL].contains(&&k[..]) && !known.contains(&&k[..])) {
        return Err(GenesisError::new(other, "a section", format!("{CHAIN}, {GENUTIL}, {}", known.join(", "))));
    }
    founding::check(app_state)?;
    let found = section(app_state, CHAIN).get("bech32_prefix").and_then(Value::as_str).unwrap_or_default();
    let prefix = Prefix::new(found).map_err(|e| GenesisError::new("chain.bech32_prefix", format!("{found:?}"), e))?;
    for module in MODULES {
        module.check_genesis(section(app_state, module.name()), &prefix)?;
    }
    Ok(prefix)
}
