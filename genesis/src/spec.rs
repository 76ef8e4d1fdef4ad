//! The short description of a chain that people write, in TOML.

use crate::document::Genesis;
use crate::{DocumentError, default_state};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeMap;
use zektra_modules::address::Prefix;
use zektra_modules::coin::{is_denom, parse_amount};
use zektra_proto::comet::Duration;
use zektra_proto::tendermint::types::{
    AbciParams, BlockParams, ConsensusParams, EvidenceParams, ValidatorParams, VersionParams,
};

/// What a denomination is.
const DENOM: &str = "a denomination: 3 to 128 letters, digits, / : . _ -";

/// A description that is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpecError {
    /// It is no TOML, or a field is missing, unknown or of another type.
    #[error("the description of the chain: {0}")]
    Toml(String),
    /// A field that holds what it must not.
    #[error("{field}: {found:?}, expected {expected}")]
    Field {
        /// Where.
        field: String,
        /// What stands there.
        found: String,
        /// What was expected.
        expected: String,
    },
    /// What it makes is refused.
    #[error(transparent)]
    Document(#[from] DocumentError),
}

/// A chain, described.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spec {
    /// The chain's id.
    pub chain_id: String,
    /// The prefix of its addresses.
    pub bech32_prefix: String,
    /// The first block's height.
    #[serde(default = "one")]
    pub initial_height: u64,
    /// Bounds of blocks and evidence.
    #[serde(default)]
    pub consensus: Consensus,
    /// The denomination of its own coin: what is staked, minted and deposited.
    pub native: String,
    /// Its coins.
    #[serde(default)]
    pub denoms: Vec<Denom>,
    /// What each validator of the first block has.
    #[serde(default)]
    pub founders: Founders,
    /// Who has how much at first.
    #[serde(default)]
    pub accounts: Vec<AccountSpec>,
}

/// What the operator of a validator of the first block has of the chain's own coin.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Founders {
    /// All of it.
    pub balance: String,
    /// The part that it stakes.
    pub stake: String,
}

impl Default for Founders {
    fn default() -> Self {
        Self { balance: "2000000000000".into(), stake: "1000000000000".into() }
    }
}

fn one() -> u64 {
    1
}

/// Bounds of blocks and evidence.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Consensus {
    /// Bytes of a block.
    pub max_bytes: i64,
    /// Gas of a block; −1 for any.
    pub max_gas: i64,
    /// Blocks after which evidence is too old.
    pub evidence_blocks: i64,
    /// Seconds after which evidence is too old.
    pub evidence_seconds: i64,
    /// Height from which votes carry extensions; 0 for never.
    pub vote_extensions_height: i64,
}

impl Default for Consensus {
    fn default() -> Self {
        Self {
            max_bytes: 4 << 20,
            max_gas: 100_000_000,
            evidence_blocks: 100_000,
            evidence_seconds: 48 * 3600,
            vote_extensions_height: 0,
        }
    }
}

/// A coin.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Denom {
    /// What amounts are counted in.
    pub base: String,
    /// What people see.
    pub display: String,
    /// How many digits the shown unit has more.
    pub exponent: u32,
    /// Its name.
    pub name: String,
    /// Its symbol.
    pub symbol: String,
    /// What it is for.
    #[serde(default)]
    pub description: String,
}

/// An account with coins.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountSpec {
    /// What people call it; not stored.
    #[serde(default)]
    pub name: String,
    /// Its address.
    pub address: String,
    /// Amounts by denomination.
    pub coins: BTreeMap<String, String>,
}

impl Spec {
    /// Reads a description.
    ///
    /// # Errors
    /// Text that is none.
    pub fn read(text: &str) -> Result<Self, SpecError> {
        toml::from_str(text).map_err(|e| SpecError::Toml(e.to_string()))
    }

    /// The genesis file of the chain, without validators.
    ///
    /// # Errors
    /// Which field holds what, and what was expected.
    pub fn genesis(&self, time: tendermint::Time, app_version: u64) -> Result<Genesis, SpecError> {
        let Self { chain_id, bech32_prefix, initial_height, consensus, native, denoms, founders, accounts } = self;
        let wrong = |field: String, found: &str, expected: &str| SpecError::Field {
            field,
            found: found.into(),
            expected: expected.into(),
        };
        if !is_denom(native) {
            return Err(wrong("native".into(), native, DENOM));
        }
        for (field, amount) in [("founders.balance", &founders.balance), ("founders.stake", &founders.stake)] {
            parse_amount(amount).map_err(|e| wrong(field.into(), amount, &e))?;
        }
        let mut state = default_state(bech32_prefix, native);
        let mut all = vec![];
        let mut balances = vec![];
        for (k, account) in accounts.iter().enumerate() {
            let mut coins = vec![];
            for (denom, amount) in &account.coins {
                let field = || format!("accounts[{k}].coins.{denom}");
                let amount = parse_amount(amount).map_err(|e| wrong(field(), amount, &e))?;
                if !is_denom(denom) {
                    return Err(wrong(field(), denom, DENOM));
                }
                coins.push(json!({"denom": denom, "amount": amount.to_string()}));
            }
            all.push(json!({
                "@type": "/cosmos.auth.v1beta1.BaseAccount",
                "address": account.address,
                "account_number": k.to_string(),
            }));
            balances.push(json!({"address": account.address, "coins": coins}));
        }
        state["auth"]["accounts"] = all.into();
        state["bank"]["balances"] = balances.into();
        state["bank"]["denom_metadata"] = denoms
            .iter()
            .map(|d| {
                json!({
                    "base": d.base, "display": d.display, "name": d.name, "symbol": d.symbol, "description": d.description,
                    "denom_units": [{"denom": d.base, "exponent": 0}, {"denom": d.display, "exponent": d.exponent}],
                })
            })
            .collect();
        let params = ConsensusParams {
            block: Some(BlockParams { max_bytes: consensus.max_bytes, max_gas: consensus.max_gas }),
            evidence: Some(EvidenceParams {
                max_age_num_blocks: consensus.evidence_blocks,
                max_age_duration: Some(Duration { seconds: consensus.evidence_seconds, nanos: 0 }),
                max_bytes: 1 << 20,
            }),
            validator: Some(ValidatorParams { pub_key_types: vec!["ed25519".into()] }),
            version: Some(VersionParams { app: app_version }),
            abci: Some(AbciParams { vote_extensions_enable_height: consensus.vote_extensions_height }),
        };
        let document = Genesis::assemble(chain_id, time, *initial_height, &params, &[], state);
        Ok(Genesis::check(document)?)
    }
}

/// The same description with another prefix: its accounts' addresses are written with it.
///
/// # Errors
/// A prefix that is none; an address that is none.
pub fn with_prefix(mut spec: Spec, prefix: &str) -> Result<Spec, SpecError> {
    let wrong = |field: &str, found: &str, expected: String| SpecError::Field {
        field: field.into(),
        found: found.into(),
        expected,
    };
    let old = Prefix::new(&spec.bech32_prefix).map_err(|e| wrong("bech32_prefix", &spec.bech32_prefix, e))?;
    let new = Prefix::new(prefix).map_err(|e| wrong("bech32_prefix", prefix, e))?;
    for account in &mut spec.accounts {
        let address =
            old.parse(&account.address).map_err(|e| wrong("accounts[].address", &account.address, e.to_string()))?;
        account.address = new.text(&address);
    }
    spec.bech32_prefix = prefix.into();
    Ok(spec)
}
