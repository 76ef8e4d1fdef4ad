//! The methods of CometBFT's RPC that clients use, in its JSON: 64-bit numbers as text, transactions and results in
//! base64, hashes and addresses in upper-case hexadecimal.

use super::kept::{
    block_bytes, find_blocks, height_of, stored_block, stored_commit, stored_results, stored_validators,
};
use super::{Solo, SoloError, block};
use crate::app::APP_VERSION;
use crate::index::{self, Query};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use std::time::Duration;
use tendermint::{Block, validator};
use tendermint_abci::Application as _;
use zektra_comet::{Comet, RpcError};
use zektra_genesis::params_json;
use zektra_proto::tendermint::abci::{
    Event, ExecTxResult, RequestCheckTx, RequestInfo, RequestQuery, ResponseCheckTx, ResponseFinalizeBlock, TxResult,
    ValidatorUpdate,
};
use zektra_proto::tendermint::crypto::public_key::Sum;
use zektra_state::Order;

/// The version that clients read to choose their decoder: CometBFT's, whose RPC this is.
pub const COMETBFT_VERSION: &str = "0.38.26";
/// Entries of a page at most, and without a word.
const MAX_PAGE: u64 = 100;
const DEFAULT_PAGE: u64 = 30;
/// Headers that `blockchain` gives at most.
const MAX_HEADERS: u64 = 20;
/// Bytes of a part of the genesis file.
const GENESIS_CHUNK: usize = 16 << 20;
/// How long `broadcast_tx_commit` waits for a block.
const COMMIT_TIMEOUT: Duration = Duration::from_secs(10);

type Answer = Result<Value, RpcError>;

impl From<SoloError> for RpcError {
    fn from(e: SoloError) -> Self {
        Self::internal(e)
    }
}

/// The named parameters of a call.
struct Params<'a>(&'a Value);

impl Params<'_> {
    fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|v| !v.is_null())
    }

    fn wrong(name: &str, found: &Value, expected: &str) -> RpcError {
        RpcError::params(format!("parameter {name} is {found}, expected {expected}"))
    }

    fn text(&self, name: &str) -> Result<Option<&str>, RpcError> {
        self.get(name).map(|v| v.as_str().ok_or_else(|| Self::wrong(name, v, "a text"))).transpose()
    }

    /// A number, also as text.
    fn number(&self, name: &str) -> Result<Option<i64>, RpcError> {
        let read = |v: &Value| match v {
            Value::String(text) if text.is_empty() => Ok(0),
            Value::String(text) => text.parse().map_err(|_| Self::wrong(name, v, "a whole number")),
            other => other.as_i64().ok_or_else(|| Self::wrong(name, v, "a whole number")),
        };
        self.get(name).map(read).transpose()
    }

    fn flag(&self, name: &str) -> Result<bool, RpcError> {
        match self.get(name) {
            None => Ok(false),
            Some(Value::Bool(b)) => Ok(*b),
            Some(Value::String(text)) if text == "true" || text == "false" => Ok(text == "true"),
            Some(other) => Err(Self::wrong(name, other, "true or false")),
        }
    }

    /// Base64 in the body of a request; hexadecimal after `0x` in an address.
    fn bytes(&self, name: &str) -> Result<Vec<u8>, RpcError> {
        let text = self.text(name)?.ok_or_else(|| RpcError::params(format!("parameter {name} is missing")))?;
        let wrong = || Self::wrong(name, &json!(text), "base64, or hexadecimal after 0x");
        match text.strip_prefix("0x") {
            Some(digits) => hex::decode(digits).map_err(|_| wrong()),
            None => BASE64.decode(text).map_err(|_| wrong()),
        }
    }

    /// A hash: base64 in the body of a request, hexadecimal in an address.
    fn hash(&self, name: &str) -> Result<[u8; 32], RpcError> {
        let text = self.text(name)?.ok_or_else(|| RpcError::params(format!("parameter {name} is missing")))?;
        let digits = text.strip_prefix("0x").unwrap_or(text);
        let bytes = if digits.len() == 64 { hex::decode(digits).ok() } else { BASE64.decode(text).ok() };
        let found = bytes.and_then(|b| b.try_into().ok());
        found.ok_or_else(|| Self::wrong(name, &json!(text), "the 32 bytes of a hash"))
    }

    fn page(&self, total: u64) -> Result<(u64, u64), RpcError> {
        let per_page = match self.number("per_page")? {
            Some(n) if n > 0 => n.unsigned_abs().min(MAX_PAGE),
            _ => DEFAULT_PAGE,
        };
        let pages = total.div_ceil(per_page).max(1);
        let page = self.number("page")?.unwrap_or(1);
        match u64::try_from(page).ok().filter(|p| *p >= 1 && *p <= pages) {
            Some(page) => Ok(((page - 1) * per_page, per_page)),
            None => Err(RpcError::internal(format!("page should be within [1, {pages}] range, given {page}"))),
        }
    }
}

fn upper(bytes: &[u8]) -> String {
    hex::encode_upper(bytes)
}

/// Bytes in base64; none as `null`.
fn base64_or_null(bytes: &[u8]) -> Value {
    if bytes.is_empty() { Value::Null } else { BASE64.encode(bytes).into() }
}

fn events(events: &[Event]) -> Value {
    events
        .iter()
        .map(|e| {
            let attributes: Vec<_> =
                e.attributes.iter().map(|a| json!({"key": a.key, "value": a.value, "index": a.index})).collect();
            json!({"type": e.r#type, "attributes": attributes})
        })
        .collect()
}

fn exec(result: &ExecTxResult) -> Value {
    json!({
        "code": result.code,
        "data": base64_or_null(&result.data),
        "log": result.log,
        "info": result.info,
        "gas_wanted": result.gas_wanted.to_string(),
        "gas_used": result.gas_used.to_string(),
        "events": events(&result.events),
        "codespace": result.codespace,
    })
}

fn checked(result: &ResponseCheckTx) -> Value {
    json!({
        "code": result.code,
        "data": base64_or_null(&result.data),
        "log": result.log,
        "info": result.info,
        "gas_wanted": result.gas_wanted.to_string(),
        "gas_used": result.gas_used.to_string(),
        "events": events(&result.events),
        "codespace": result.codespace,
    })
}

/// Changes of validators; none as `null`, and a power of 0 left out.
fn updates(updates: &[ValidatorUpdate]) -> Value {
    let shown = |update: &ValidatorUpdate| {
        let sum = update.pub_key.as_ref().and_then(|key| key.sum.as_ref()).map(|sum| match sum {
            Sum::Ed25519(key) => ("PublicKey_Ed25519", json!({"ed25519": BASE64.encode(key)})),
            Sum::Secp256k1(key) => ("PublicKey_Secp256K1", json!({"secp256k1": BASE64.encode(key)})),
        });
        let sum = sum.map(|(kind, value)| json!({"type": format!("tendermint.crypto.{kind}"), "value": value}));
        let mut shown = json!({"pub_key": {"Sum": sum}});
        if update.power != 0 {
            shown["power"] = update.power.to_string().into();
        }
        shown
    };
    if updates.is_empty() { Value::Null } else { updates.iter().map(shown).collect() }
}

/// A validator of a set.
pub(super) fn validator(info: &validator::Info) -> Value {
    json!({
        "address": info.address,
        "pub_key": info.pub_key,
        "voting_power": info.power.value().to_string(),
        "proposer_priority": "0",
    })
}

/// What executing a block gave, for subscribers.
pub(super) fn finalized(results: &ResponseFinalizeBlock) -> Value {
    json!({
        "events": events(&results.events),
        "tx_results": results.tx_results.iter().map(exec).collect::<Vec<_>>(),
        "validator_updates": updates(&results.validator_updates),
        "app_hash": BASE64.encode(&results.app_hash),
    })
}

/// A transaction with its result, for subscribers.
pub(super) fn tx_result(height: u64, index: usize, tx: &[u8], result: &ExecTxResult) -> Value {
    json!({"height": height.to_string(), "index": index, "tx": BASE64.encode(tx), "result": exec(result)})
}

/// A commit. Who is absent has no signature, not an empty one.
fn commit_json(mut shown: Value) -> Value {
    let signatures = shown.get_mut("signatures").and_then(Value::as_array_mut);
    for signature in signatures.into_iter().flatten().filter_map(|s| s.get_mut("signature")) {
        if signature == "" {
            *signature = Value::Null;
        }
    }
    shown
}

/// A block. The first has an empty commit where Rust's type has none.
pub(super) fn block_json(block: &Block) -> Value {
    let mut shown = json!(block);
    // Empty lists, not nothing.
    for list in ["/data/txs", "/evidence/evidence"] {
        if let Some(nothing) = shown.pointer_mut(list).filter(|v| v.is_null()) {
            *nothing = json!([]);
        }
    }
    if block.last_commit.is_none() {
        let id = json!({"hash": "", "parts": {"total": 0, "hash": ""}});
        shown["last_commit"] = json!({"height": "0", "round": 0, "block_id": id, "signatures": []});
    } else {
        shown["last_commit"] = commit_json(shown["last_commit"].take());
    }
    if block.header.last_block_id.is_none() {
        shown["header"]["last_block_id"] = json!({"hash": "", "parts": {"total": 0, "hash": ""}});
    }
    shown
}

fn header_json(block: &Block) -> Value {
    block_json(block)["header"].take()
}

impl Comet for Solo {
    fn call(&self, method: &str, params: Value) -> Answer {
        let params = Params(&params);
        match method {
            "health" => Ok(json!({})),
            "status" => self.status(),
            "net_info" => Ok(json!({"listening": false, "listeners": [], "n_peers": "0", "peers": []})),
            "genesis" => Ok(json!({"genesis": self.genesis})),
            "genesis_chunked" => self.genesis_chunked(&params),
            "blockchain" => self.blockchain(&params),
            "block" => self.shown_block(self.height_of(&params)?),
            "block_by_hash" => self.by_hash(&params, |solo, height| solo.shown_block(height)),
            "header" => Ok(json!({"header": header_json(&self.stored(self.height_of(&params)?)?.1)})),
            "header_by_hash" => {
                self.by_hash(&params, |solo, height| Ok(json!({"header": header_json(&solo.stored(height)?.1)})))
            }
            "block_results" => self.block_results(self.height_of(&params)?),
            "commit" => self.commit(self.height_of(&params)?),
            "validators" => self.validators(&params),
            "consensus_params" => {
                let height = self.height_within(&params, self.next())?;
                // Those of a height are what the block before it left.
                let before = self.app.store().snapshot(height.saturating_sub(1)).map_err(RpcError::internal)?;
                let held = zektra_modules::consensus::params(&before).map_err(RpcError::internal)?;
                Ok(json!({"block_height": height.to_string(), "consensus_params": params_json(&held)}))
            }
            "unconfirmed_txs" => self.unconfirmed(&params),
            "num_unconfirmed_txs" => self.unconfirmed_count(),
            "tx" => self.tx(&params),
            "tx_search" => self.tx_search(&params),
            "block_search" => self.block_search(&params),
            "abci_info" => {
                let info = self.app.info(RequestInfo::default());
                Ok(json!({"response": {
                    "data": info.data,
                    "version": info.version,
                    "app_version": info.app_version.to_string(),
                    "last_block_height": info.last_block_height.to_string(),
                    "last_block_app_hash": BASE64.encode(&info.last_block_app_hash),
                }}))
            }
            "abci_query" => self.abci_query(&params),
            "check_tx" => {
                let request = RequestCheckTx { tx: params.bytes("tx")?.into(), r#type: 0 };
                Ok(checked(&self.app.check_tx(request)))
            }
            "broadcast_tx_sync" => self.broadcast(&params),
            "broadcast_tx_async" => {
                let hash = upper(&crate::tx::hash(&params.bytes("tx")?));
                self.broadcast(&params)?;
                Ok(json!({"code": 0, "data": "", "log": "", "codespace": "", "hash": hash}))
            }
            "broadcast_tx_commit" => self.broadcast_commit(&params),
            _ => Err(RpcError::no_method()),
        }
    }
}

impl Solo {
    fn last(&self) -> u64 {
        self.app.committed().height
    }

    /// The height that is not there yet; its validators and parameters are known.
    fn next(&self) -> u64 {
        (self.last() + 1).max(self.initial_height)
    }

    /// The height that is asked for: the last without a word.
    fn height_of(&self, params: &Params<'_>) -> Result<u64, RpcError> {
        self.height_within(params, self.last())
    }

    /// The height that is asked for, `last` at most and without a word.
    fn height_within(&self, params: &Params<'_>, last: u64) -> Result<u64, RpcError> {
        let Some(asked) = params.number("height")? else { return Ok(last) };
        let Some(height) = u64::try_from(asked).ok().filter(|h| *h > 0) else {
            return Err(RpcError::internal(format!("height must be greater than 0, but got {asked}")));
        };
        if height > last {
            let wrong = format!("height {height} must be less than or equal to the current blockchain height {last}");
            return Err(RpcError::internal(wrong));
        }
        if height < self.initial_height {
            let first = self.initial_height;
            return Err(RpcError::internal(format!("height {height} is not available, lowest height is {first}")));
        }
        Ok(height)
    }

    fn stored(&self, height: u64) -> Result<(tendermint::block::Id, Block), RpcError> {
        stored_block(&self.app, height)?
            .ok_or_else(|| RpcError::internal(format!("height {height} is not available: no block yet")))
    }

    fn shown_block(&self, height: u64) -> Answer {
        let (id, block) = self.stored(height)?;
        Ok(json!({"block_id": id, "block": block_json(&block)}))
    }

    fn by_hash(&self, params: &Params<'_>, show: impl Fn(&Self, u64) -> Answer) -> Answer {
        match height_of(&self.app, &params.hash("hash")?)? {
            Some(height) => show(self, height),
            // As CometBFT: not an error.
            None => Ok(json!({"block_id": {"hash": "", "parts": {"total": 0, "hash": ""}}, "block": null})),
        }
    }

    fn status(&self) -> Answer {
        let last = self.last();
        let (mut hash, mut app_hash, mut time) = (String::new(), self.app.committed().root.clone(), self.genesis_time);
        let (mut first_hash, mut first_app_hash, mut first_time) = (String::new(), vec![], self.genesis_time);
        let mut earliest = 0;
        if let Some((id, block)) = stored_block(&self.app, last)? {
            // That of the header, as CometBFT has it: the state after the block before.
            (hash, app_hash, time) =
                (id.hash.to_string(), block.header.app_hash.as_bytes().to_vec(), block.header.time);
        } else if app_hash.is_empty() {
            app_hash = super::held(&self.tip).parent.app_hash.clone();
        }
        if let Some((id, block)) = stored_block(&self.app, self.initial_height)? {
            earliest = self.initial_height;
            (first_hash, first_app_hash, first_time) =
                (id.hash.to_string(), block.header.app_hash.as_bytes().to_vec(), block.header.time);
        }
        let power = stored_validators(&self.app, self.next(), &self.first)?.power(&self.signer.address());
        Ok(json!({
            "node_info": {
                "protocol_version": {"p2p": "8", "block": block::BLOCK_PROTOCOL.to_string(), "app": APP_VERSION.to_string()},
                "id": self.identity.node_id,
                // Nobody listens: clients want to read an address.
                "listen_addr": "tcp://127.0.0.1:0",
                "network": self.chain_id,
                "version": COMETBFT_VERSION,
                "channels": "00",
                "moniker": self.identity.moniker,
                "other": {"tx_index": "on", "rpc_address": self.identity.rpc_address},
            },
            "sync_info": {
                "latest_block_hash": hash,
                "latest_app_hash": upper(&app_hash),
                "latest_block_height": last.to_string(),
                "latest_block_time": time.to_rfc3339(),
                "earliest_block_hash": first_hash,
                "earliest_app_hash": upper(&first_app_hash),
                "earliest_block_height": earliest.to_string(),
                "earliest_block_time": first_time.to_rfc3339(),
                "catching_up": false,
            },
            "validator_info": {
                "address": self.signer.address(),
                "pub_key": self.signer.public(),
                "voting_power": power.to_string(),
            },
        }))
    }

    fn genesis_chunked(&self, params: &Params<'_>) -> Answer {
        let bytes = self.genesis.to_string().into_bytes();
        let chunks: Vec<_> = bytes.chunks(GENESIS_CHUNK).collect();
        let asked = params.number("chunk")?.unwrap_or(0);
        let found = usize::try_from(asked).ok().and_then(|k| chunks.get(k));
        let last = chunks.len().saturating_sub(1);
        let found = found.ok_or_else(|| {
            RpcError::internal(format!("there are {last} chunks after the first, chunk {asked} is none of them"))
        })?;
        Ok(json!({"chunk": asked.to_string(), "total": chunks.len().to_string(), "data": BASE64.encode(found)}))
    }

    fn blockchain(&self, params: &Params<'_>) -> Answer {
        let last = self.last();
        let bound = |name: &str, none: u64| -> Result<u64, RpcError> {
            let asked = params.number(name)?.unwrap_or(0);
            let wrong = || RpcError::internal(format!("{name} {asked}: heights must be non-negative"));
            Ok(match u64::try_from(asked).map_err(|_| wrong())? {
                0 => none,
                height => height,
            })
        };
        let most = bound("maxHeight", last)?.min(last);
        let least = bound("minHeight", 1)?.max(self.initial_height).max((most + 1).saturating_sub(MAX_HEADERS));
        if least > most && last > 0 {
            return Err(RpcError::internal(format!("min height {least} can't be greater than max height {most}")));
        }
        let mut metas = vec![];
        for height in (least..=most).rev() {
            let (id, block) = self.stored(height)?;
            let size = prost::Message::encoded_len(&zektra_proto::tendermint::types::Block::from(block.clone()));
            metas.push(json!({
                "block_id": id,
                "block_size": size.to_string(),
                "header": header_json(&block),
                "num_txs": block.data.len().to_string(),
            }));
        }
        Ok(json!({"last_height": last.to_string(), "block_metas": metas}))
    }

    fn block_results(&self, height: u64) -> Answer {
        let missing = || RpcError::internal(format!("could not find results for height #{height}: not available"));
        let results = stored_results(&self.app, height)?.ok_or_else(missing)?;
        let held = zektra_modules::consensus::params(&self.app.latest().map_err(RpcError::internal)?)
            .map_err(RpcError::internal)?;
        let txs: Vec<_> = results.tx_results.iter().map(exec).collect();
        Ok(json!({
            "height": height.to_string(),
            "txs_results": if txs.is_empty() { Value::Null } else { txs.into() },
            "finalize_block_events": events(&results.events),
            "validator_updates": updates(&results.validator_updates),
            "consensus_param_updates": params_json(results.consensus_param_updates.as_ref().unwrap_or(&held)),
            "app_hash": BASE64.encode(&results.app_hash),
        }))
    }

    fn commit(&self, height: u64) -> Answer {
        let (_, block) = self.stored(height)?;
        let missing = || RpcError::internal(format!("height {height} is not available: no commit"));
        let commit = stored_commit(&self.app, height)?.ok_or_else(missing)?;
        // The last block's commit is not in a block yet.
        let canonical = height < self.last();
        let (header, commit) = (header_json(&block), commit_json(json!(commit)));
        Ok(json!({"signed_header": {"header": header, "commit": commit}, "canonical": canonical}))
    }

    fn validators(&self, params: &Params<'_>) -> Answer {
        let height = self.height_within(params, self.next())?;
        let validators = stored_validators(&self.app, height, &self.first)?;
        let all = validators.all();
        let (skip, take) = params.page(all.len() as u64)?;
        let (skip, take) = (usize::try_from(skip).unwrap_or(usize::MAX), usize::try_from(take).unwrap_or(0));
        let shown: Vec<_> = all.iter().skip(skip).take(take).map(validator).collect();
        Ok(json!({
            "block_height": height.to_string(),
            "count": shown.len().to_string(),
            "total": all.len().to_string(),
            "validators": shown,
        }))
    }

    fn unconfirmed(&self, params: &Params<'_>) -> Answer {
        let limit = params.number("limit")?.filter(|l| *l > 0).map_or(DEFAULT_PAGE, i64::unsigned_abs).min(MAX_PAGE);
        let pool = super::held(&self.pool);
        let txs: Vec<_> = pool.txs().take(usize::try_from(limit).unwrap_or(0)).map(|t| BASE64.encode(t)).collect();
        Ok(json!({
            "n_txs": txs.len().to_string(),
            "total": pool.len().to_string(),
            "total_bytes": pool.bytes().to_string(),
            "txs": txs,
        }))
    }

    fn unconfirmed_count(&self) -> Answer {
        let pool = super::held(&self.pool);
        let count = pool.len().to_string();
        Ok(json!({"n_txs": count, "total": count, "total_bytes": pool.bytes().to_string(), "txs": null}))
    }

    fn shown_tx(&self, record: &TxResult, prove: bool) -> Answer {
        let result = record.result.clone().unwrap_or_default();
        let mut shown = json!({
            "hash": upper(&crate::tx::hash(&record.tx)),
            "height": record.height.to_string(),
            "index": record.index,
            "tx_result": exec(&result),
            "tx": BASE64.encode(&record.tx),
        });
        if prove {
            let height = u64::try_from(record.height).unwrap_or(0);
            let (_, block) = self.stored(height)?;
            shown["proof"] = block::tx_proof(&block.data, record.index);
        }
        Ok(shown)
    }

    fn tx(&self, params: &Params<'_>) -> Answer {
        let hash = params.hash("hash")?;
        let missing = || RpcError::internal(format!("tx ({}) not found", upper(&hash)));
        let record = index::get(self.app.store(), &hash).map_err(RpcError::internal)?.ok_or_else(missing)?;
        self.shown_tx(&record, params.flag("prove")?)
    }

    fn query_of(params: &Params<'_>) -> Result<Query, RpcError> {
        let text = params.text("query")?.unwrap_or_default();
        text.parse().map_err(RpcError::params)
    }

    fn order_of(params: &Params<'_>) -> Result<Order, RpcError> {
        match params.text("order_by")? {
            None | Some("" | "asc") => Ok(Order::Ascending),
            Some("desc") => Ok(Order::Descending),
            Some(other) => {
                Err(RpcError::params(format!("expected order_by to be either `asc` or `desc` or empty, got {other}")))
            }
        }
    }

    fn tx_search(&self, params: &Params<'_>) -> Answer {
        let (query, order) = (Self::query_of(params)?, Self::order_of(params)?);
        // Which pages there are is known only after counting: one that is none is refused then.
        let (skip, take) = params.page(index::MAX_COUNTED).unwrap_or((0, 0));
        let (records, total) =
            index::search(self.app.store(), &query, order, skip, take).map_err(RpcError::internal)?;
        params.page(total)?;
        let prove = params.flag("prove")?;
        let txs: Vec<_> = records.iter().map(|r| self.shown_tx(r, prove)).collect::<Result<_, _>>()?;
        Ok(json!({"txs": txs, "total_count": total.to_string()}))
    }

    /// Blocks by their height and by the events of their beginning and end.
    fn block_search(&self, params: &Params<'_>) -> Answer {
        let (query, order) = (Self::query_of(params)?, Self::order_of(params)?);
        let found = find_blocks(&self.app, self.initial_height, &query, order, index::MAX_LOOKED_AT)
            .map_err(RpcError::internal)?;
        let (skip, take) = params.page(found.len() as u64)?;
        let (skip, take) = (usize::try_from(skip).unwrap_or(usize::MAX), usize::try_from(take).unwrap_or(0));
        let (mut blocks, mut bytes) = (vec![], 0usize);
        for height in found.iter().skip(skip).take(take) {
            bytes = bytes.saturating_add(block_bytes(&self.app, *height)?);
            index::demand_page(&query, blocks.len() + 1, bytes).map_err(RpcError::internal)?;
            blocks.push(self.shown_block(*height)?);
        }
        Ok(json!({"blocks": blocks, "total_count": found.len().to_string()}))
    }

    fn abci_query(&self, params: &Params<'_>) -> Answer {
        let text = params.text("data")?.unwrap_or_default();
        let digits = text.strip_prefix("0x").unwrap_or(text);
        let wrong = || RpcError::params(format!("parameter data is {text:?}, expected hexadecimal"));
        let data = hex::decode(digits).map_err(|_| wrong())?;
        let (height, prove) = (params.number("height")?.unwrap_or(0), params.flag("prove")?);
        let path = params.text("path")?.unwrap_or_default().to_string();
        let answer = self.app.query(RequestQuery { data: data.into(), path, height, prove });
        let op = |o: &zektra_proto::tendermint::crypto::ProofOp| json!({"type": o.r#type, "key": BASE64.encode(&o.key), "data": BASE64.encode(&o.data)});
        let proof = answer.proof_ops.as_ref().map(|p| json!({"ops": p.ops.iter().map(op).collect::<Vec<_>>()}));
        Ok(json!({"response": {
            "code": answer.code,
            "log": answer.log,
            "info": answer.info,
            "index": answer.index.to_string(),
            "key": base64_or_null(&answer.key),
            "value": base64_or_null(&answer.value),
            "proofOps": proof,
            "height": answer.height.to_string(),
            "codespace": answer.codespace,
        }}))
    }

    fn broadcast(&self, params: &Params<'_>) -> Answer {
        let tx = params.bytes("tx")?;
        let hash = upper(&crate::tx::hash(&tx));
        let result = self.submit(tx).map_err(RpcError::internal)?;
        Ok(json!({
            "code": result.code,
            "data": BASE64.encode(&result.data),
            "log": result.log,
            "codespace": result.codespace,
            "hash": hash,
        }))
    }

    fn broadcast_commit(&self, params: &Params<'_>) -> Answer {
        let tx = params.bytes("tx")?;
        let hash = crate::tx::hash(&tx);
        let result = self.submit(tx).map_err(RpcError::internal)?;
        let mut shown = json!({"check_tx": checked(&result), "tx_result": exec(&ExecTxResult::default()), "hash": upper(&hash), "height": "0"});
        if result.code != 0 {
            return Ok(shown);
        }
        let found = self.wait_until(COMMIT_TIMEOUT, || index::get(self.app.store(), &hash).transpose());
        let late = || RpcError::internal("timed out waiting for tx to be included in a block");
        let record = found.ok_or_else(late)?.map_err(RpcError::internal)?;
        shown["tx_result"] = exec(&record.result.unwrap_or_default());
        shown["height"] = record.height.to_string().into();
        Ok(shown)
    }
}
