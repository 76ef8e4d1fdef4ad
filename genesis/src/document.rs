//! The genesis file.

use crate::check_state;
use serde_json::{Value, json};
use zektra_modules::module::GenesisError;
use zektra_proto::tendermint::types::ConsensusParams;

/// Longest chain id, CometBFT's limit.
const MAX_CHAIN_ID: usize = 50;

/// A genesis file that is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DocumentError {
    /// It is no JSON.
    #[error("the genesis file is no JSON: {0}")]
    Json(String),
    /// A field of CometBFT's part.
    #[error("{field}: {found}, expected {expected}")]
    Field {
        /// Where.
        field: &'static str,
        /// What stands there.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// A field of a module's part.
    #[error(transparent)]
    State(#[from] GenesisError),
}

/// Parameters of consensus in CometBFT's JSON: 64-bit numbers as text, durations in nanoseconds.
pub fn params_json(params: &ConsensusParams) -> Value {
    let block = params.block.unwrap_or_default();
    let evidence = params.evidence.unwrap_or_default();
    let age = evidence.max_age_duration.unwrap_or_default();
    let nanos = i128::from(age.seconds) * 1_000_000_000 + i128::from(age.nanos);
    let kinds = params.validator.clone().map(|v| v.pub_key_types).unwrap_or_default();
    let extensions = params.abci.map_or(0, |a| a.vote_extensions_enable_height);
    json!({
        "block": {"max_bytes": block.max_bytes.to_string(), "max_gas": block.max_gas.to_string()},
        "evidence": {
            "max_age_num_blocks": evidence.max_age_num_blocks.to_string(),
            "max_age_duration": nanos.to_string(),
            "max_bytes": evidence.max_bytes.to_string(),
        },
        "validator": {"pub_key_types": kinds},
        "version": {"app": params.version.map_or(0, |v| v.app).to_string()},
        "abci": {"vote_extensions_enable_height": extensions.to_string()},
    })
}

/// A validator of the first block.
#[derive(Clone, Debug)]
pub struct Validator {
    /// Its consensus key.
    pub key: tendermint::PublicKey,
    /// Its power.
    pub power: u64,
    /// What people call it.
    pub name: String,
}

/// A genesis file that was checked.
#[derive(Clone, Debug)]
pub struct Genesis {
    /// As it was read.
    pub document: Value,
    /// CometBFT's part of it.
    pub typed: tendermint::Genesis<Value>,
}

impl Genesis {
    /// Reads and checks a file's text.
    ///
    /// # Errors
    /// Which field holds what, and what was expected.
    pub fn read(text: &str) -> Result<Self, DocumentError> {
        Self::check(serde_json::from_str(text).map_err(|e| DocumentError::Json(e.to_string()))?)
    }

    /// Checks a document.
    ///
    /// # Errors
    /// Which field holds what, and what was expected.
    pub fn check(document: Value) -> Result<Self, DocumentError> {
        let wrong = |field, found: &Value, expected: &str| DocumentError::Field {
            field,
            found: found.to_string(),
            expected: expected.into(),
        };
        let chain_id = &document["chain_id"];
        if chain_id.as_str().is_none_or(|id| id.is_empty() || id.len() > MAX_CHAIN_ID) {
            return Err(wrong("chain_id", chain_id, "a text of 1 to 50 characters"));
        }
        let time = &document["genesis_time"];
        if time.as_str().is_none_or(|t| tendermint::Time::parse_from_rfc3339(t).is_err()) {
            return Err(wrong("genesis_time", time, "a time as 2026-01-31T12:00:00Z"));
        }
        let first = &document["initial_height"];
        if first.as_str().and_then(|h| h.parse::<i64>().ok()).is_none_or(|h| h < 1) {
            return Err(wrong("initial_height", first, "a text that is a positive number, as \"1\""));
        }
        if !document["validators"].is_array() && !document["validators"].is_null() {
            return Err(wrong("validators", &document["validators"], "a list"));
        }
        let typed: tendermint::Genesis<Value> = serde_json::from_value(document.clone()).map_err(|e| {
            DocumentError::Field { field: "genesis", found: e.to_string(), expected: "CometBFT's fields".into() }
        })?;
        for validator in &typed.validators {
            if validator.power.value() == 0 {
                return Err(wrong("validators[].power", &json!(validator.power), "a positive number"));
            }
        }
        check_state(&typed.app_state)?;
        Ok(Self { document, typed })
    }

    /// Makes a document.
    pub fn assemble(
        chain_id: &str,
        time: tendermint::Time,
        initial_height: u64,
        params: &ConsensusParams,
        validators: &[Validator],
        app_state: Value,
    ) -> Value {
        let validators: Vec<_> = validators
            .iter()
            .map(|v| {
                let address = tendermint::account::Id::from(v.key);
                json!({"address": address, "pub_key": v.key, "power": v.power.to_string(), "name": v.name})
            })
            .collect();
        json!({
            "genesis_time": time.to_rfc3339(),
            "chain_id": chain_id,
            "initial_height": initial_height.to_string(),
            "consensus_params": params_json(params),
            "validators": validators,
            "app_hash": "",
            "app_state": app_state,
        })
    }
}
