//! What the chain's authority may change.

use super::{params, set_params};
use crate::address::Prefix;
use crate::authority::demand_authority;
use crate::context::Context;
use crate::error::{Sdk, TxError};
use crate::module::Handler;
use prost::Message as _;
use zektra_proto::cosmos::consensus::v1::{MsgUpdateParams, MsgUpdateParamsResponse};
use zektra_proto::tendermint::types::{AbciParams, ConsensusParams};

/// Most bytes of a block, CometBFT's own limit.
const MOST_BYTES: i64 = 100 << 20;
/// Types of validators' keys that CometBFT knows.
const KEYS: [&str; 2] = ["ed25519", "secp256k1"];
/// The type that validators here have: without it CometBFT refuses each change of the set.
const OWN_KEY: &str = "ed25519";
/// Bytes that a block needs beside its evidence: header, and votes of the largest set; CometBFT stops at a block without
/// room for its own parts.
const OWN_BYTES: i64 = 256 << 10;

/// Checks parameters by CometBFT's rules: it would stop at others.
///
/// # Errors
/// Which rule they break.
pub fn check_params(params: &ConsensusParams) -> Result<(), TxError> {
    let wrong = |what: String| Err(Sdk::InvalidRequest.wrap(what));
    let block = params.block.unwrap_or_default();
    match block.max_bytes {
        0 => return wrong("block.MaxBytes cannot be 0".into()),
        b if b < -1 => return wrong(format!("block.MaxBytes must be -1 or greater than 0. Got {b}")),
        b if b > MOST_BYTES => return wrong(format!("block.MaxBytes is too big. {b} > {MOST_BYTES}")),
        _ => {}
    }
    if block.max_gas < -1 {
        return wrong(format!("block.MaxGas must be greater or equal to -1. Got {}", block.max_gas));
    }
    let evidence = params.evidence.unwrap_or_default();
    if evidence.max_age_num_blocks <= 0 {
        let blocks = evidence.max_age_num_blocks;
        return wrong(format!("evidence.MaxAgeNumBlocks must be greater than 0. Got {blocks}"));
    }
    let age = evidence.max_age_duration.unwrap_or_default();
    let age = crate::time::span(&zektra_proto::Duration { seconds: age.seconds, nanos: age.nanos })?;
    if age <= 0 {
        return wrong(format!("evidence.MaxAgeDuration must be greater than 0 if provided, Got {age}ns"));
    }
    let most = if block.max_bytes == -1 { MOST_BYTES } else { block.max_bytes };
    if evidence.max_bytes > most {
        let bytes = evidence.max_bytes;
        return wrong(format!("evidence.MaxBytesEvidence is greater than upper bound, {bytes} > {most}"));
    }
    if evidence.max_bytes > most - OWN_BYTES {
        return wrong(format!(
            "block.MaxBytes leaves {} bytes beside evidence.MaxBytes ({}): expected at least {OWN_BYTES} for header and votes",
            most - evidence.max_bytes,
            evidence.max_bytes
        ));
    }
    if evidence.max_bytes < 0 {
        return wrong(format!("evidence.MaxBytes must be non negative. Got: {}", evidence.max_bytes));
    }
    let enable = params.abci.unwrap_or_default().vote_extensions_enable_height;
    if enable < 0 {
        return wrong(format!("ABCI.VoteExtensionsEnableHeight cannot be negative. Got: {enable}"));
    }
    let keys = params.validator.as_ref().map(|v| &v.pub_key_types[..]).unwrap_or_default();
    if keys.is_empty() {
        return wrong("len(Validator.PubKeyTypes) must be greater than 0".into());
    }
    match keys.iter().enumerate().find(|(_, key)| !KEYS.contains(&&key[..])) {
        Some((k, key)) => wrong(format!("params.Validator.PubKeyTypes[{k}], {key}, is an unknown pubkey type")),
        None if !keys.iter().any(|key| key == OWN_KEY) => {
            wrong(format!("params.Validator.PubKeyTypes, {}: expected {OWN_KEY} among them", keys.join(", ")))
        }
        None => Ok(()),
    }
}

/// Whether the height at which vote extensions begin may change so at `height`.
fn check_extensions(before: i64, after: i64, height: i64) -> Result<(), TxError> {
    let wrong = |what: String| Err(Sdk::InvalidRequest.wrap(what));
    if before == after {
        return Ok(());
    }
    if after == 0 && before <= height {
        return wrong(format!(
            "vote extensions cannot be disabled once enabled: enabled height: {before}, current height: {height}"
        ));
    }
    if after != 0 && after <= height {
        return wrong(format!(
            "vote extensions cannot be updated to a past or current height, enable height: {after}, current height {height}"
        ));
    }
    if before > 0 && before <= height {
        return wrong(format!(
            "vote extensions cannot be modified once enabled: enable height: {before}, current height {height}"
        ));
    }
    Ok(())
}

/// The parameters that a message asks for; the version, which is the program's, is left out.
fn asked(message: &MsgUpdateParams) -> Result<ConsensusParams, TxError> {
    if message.block.is_none() || message.evidence.is_none() || message.validator.is_none() {
        return Err(Sdk::InvalidRequest.wrap("all parameters must be present"));
    }
    let MsgUpdateParams { authority: _, block, evidence, validator, abci } = message.clone();
    Ok(ConsensusParams { block, evidence, validator, abci, version: None })
}

impl Handler for MsgUpdateParams {
    type Response = MsgUpdateParamsResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.authority]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.authority).map_err(|e| e.within("invalid authority address"))?;
        check_params(&asked(self)?)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgUpdateParamsResponse, TxError> {
        demand_authority(ctx, &self.authority)?;
        let (before, asked) = (params(ctx.state)?, asked(&self)?);
        let height = i64::try_from(ctx.block.height).unwrap_or(i64::MAX);
        let enabled = |abci: Option<AbciParams>| abci.unwrap_or_default().vote_extensions_enable_height;
        if asked.abci.is_some() {
            check_extensions(enabled(before.abci), enabled(asked.abci), height)?;
        }
        let after = ConsensusParams { abci: asked.abci.or(before.abci), version: before.version, ..asked };
        set_params(ctx.state, &after)?;
        let shown = zektra_proto::json::from_bytes("tendermint.types.ConsensusParams", &after.encode_to_vec());
        let shown = shown.map(|json| json.to_string()).unwrap_or_default();
        ctx.emit("update_consensus_params", [("authority", self.authority), ("parameters", shown)]);
        Ok(MsgUpdateParamsResponse {})
    }
}
