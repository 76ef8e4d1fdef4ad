//! `cosmos.tx.v1beta1.Service`: simulation, broadcast, transactions by hash and by what happened in them.

use super::{Node, field};
use crate::app::App;
use crate::index;
use crate::mempool::MAX_TX_BYTES;
use crate::tx;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use prost::Message as _;
use serde_json::json;
use zektra_modules::query::{Code, DEFAULT_LIMIT, MAX_LIMIT, QueryError, Service};
use zektra_proto::Any;
use zektra_proto::cosmos::base::abci::v1beta1::{GasInfo, Result as AbciResult, TxResponse};
use zektra_proto::cosmos::base::query::v1beta1::PageResponse;
use zektra_proto::cosmos::tx::v1beta1::{
    BroadcastMode, BroadcastTxRequest, BroadcastTxResponse, GetBlockWithTxsRequest, GetBlockWithTxsResponse,
    GetTxRequest, GetTxResponse, GetTxsEventRequest, GetTxsEventResponse, OrderBy, SimulateRequest, SimulateResponse,
    Tx, TxDecodeRequest, TxDecodeResponse, TxEncodeRequest, TxEncodeResponse, TxRaw,
};
use zektra_proto::tendermint::abci::TxResult;
use zektra_state::Order;

pub fn service(node: &Node) -> Service {
    let with = |node: &Node| node.clone();
    let (n1, n2, n3, n4, n5) = (with(node), with(node), with(node), with(node), with(node));
    Service::new("cosmos.tx.v1beta1.Service")
        .unary("Simulate", move |_, request| simulate(&n1, request))
        .unary("GetTx", move |_, request| get_tx(&n2, &request))
        .unary("BroadcastTx", move |_, request| broadcast(&n3, &request))
        .unary("GetTxsEvent", move |_, request| search(&n4, &request))
        .unary("GetBlockWithTxs", move |_, request| block_with_txs(&n5, &request))
        .unary("TxDecode", |_, request: TxDecodeRequest| {
            demand_size(&request.tx_bytes)?;
            Ok(TxDecodeResponse { tx: Some(read(&request.tx_bytes)?) })
        })
        .unary("TxEncode", |_, request: TxEncodeRequest| {
            let tx = request.tx.ok_or_else(|| Code::InvalidArgument.error("invalid empty tx"))?;
            let tx_bytes = raw(&tx).encode_to_vec();
            demand_size(&tx_bytes)?;
            Ok(TxEncodeResponse { tx_bytes: tx_bytes.into() })
        })
}

/// Refuses bytes that no mempool takes.
fn demand_size(tx_bytes: &[u8]) -> Result<(), QueryError> {
    let wrong = || format!("tx_bytes: {} bytes, expected at most {MAX_TX_BYTES}", tx_bytes.len());
    if tx_bytes.len() > MAX_TX_BYTES { Err(Code::InvalidArgument.error(wrong())) } else { Ok(()) }
}

/// A transaction as clients see it, of its bytes. JSON goes into each message, so their depth is checked first.
fn read(bytes: &[u8]) -> Result<Tx, QueryError> {
    let (raw, body, auth) = tx::parts(bytes).map_err(|e| Code::InvalidArgument.error(e))?;
    Ok(Tx { body: Some(body), auth_info: Some(auth), signatures: raw.signatures })
}

fn raw(tx: &Tx) -> TxRaw {
    TxRaw {
        body_bytes: tx.body.as_ref().map(prost::Message::encode_to_vec).unwrap_or_default().into(),
        auth_info_bytes: tx.auth_info.as_ref().map(prost::Message::encode_to_vec).unwrap_or_default().into(),
        signatures: tx.signatures.clone(),
    }
}

fn simulate(node: &Node, request: SimulateRequest) -> Result<SimulateResponse, QueryError> {
    // Older clients send the transaction itself.
    #[allow(deprecated)]
    let bytes = match &request.tx {
        Some(tx) => raw(tx).encode_to_vec().into(),
        None => request.tx_bytes,
    };
    if bytes.is_empty() {
        return Err(Code::InvalidArgument.error("empty txBytes is not allowed"));
    }
    demand_size(&bytes)?;
    let outcome = node.app()?.simulate(&bytes)?;
    if let Some(e) = outcome.error {
        return Err(Code::Unknown.error(format!(
            "{} With gas wanted: '{}' and gas used: '{}' ",
            e.log,
            u64::MAX,
            outcome.gas_used
        )));
    }
    #[allow(deprecated)]
    let result = AbciResult {
        data: outcome.data.into(),
        log: String::new(),
        events: outcome.events,
        msg_responses: outcome.responses,
    };
    Ok(SimulateResponse {
        gas_info: Some(GasInfo { gas_wanted: outcome.gas_wanted, gas_used: outcome.gas_used }),
        result: Some(result),
    })
}

/// A transaction of the index, as clients see it.
fn response(app: &App, record: &TxResult) -> Result<(Tx, TxResponse), QueryError> {
    let tx = read(&record.tx).unwrap_or_default();
    let result = record.result.clone().unwrap_or_default();
    let any = Any { type_url: "/cosmos.tx.v1beta1.Tx".into(), value: tx.encode_to_vec() };
    let height = u64::try_from(record.height).unwrap_or(0);
    let time = index::time(app.store(), height)?.map(|t| t.to_string()).unwrap_or_default();
    let response = TxResponse {
        height: record.height,
        txhash: hex::encode_upper(tx::hash(&record.tx)),
        codespace: result.codespace,
        code: result.code,
        data: hex::encode_upper(&result.data),
        raw_log: result.log,
        logs: vec![],
        info: result.info,
        gas_wanted: result.gas_wanted,
        gas_used: result.gas_used,
        tx: Some(any),
        timestamp: time,
        events: result.events,
    };
    Ok((tx, response))
}

fn get_tx(node: &Node, request: &GetTxRequest) -> Result<GetTxResponse, QueryError> {
    let app = node.app()?;
    if request.hash.is_empty() {
        return Err(Code::InvalidArgument.error("tx hash cannot be empty"));
    }
    let wrong = || Code::InvalidArgument.error(format!("hash {:?}: expected 64 hexadecimal digits", request.hash));
    let hash = hex::decode(&request.hash).ok().and_then(|h| tx::TxHash::try_from(h).ok()).ok_or_else(wrong)?;
    let missing = || Code::NotFound.error(format!("tx not found: {}", request.hash));
    let record = index::get(app.store(), &hash)?.ok_or_else(missing)?;
    let (tx, response) = response(&app, &record)?;
    Ok(GetTxResponse { tx: Some(tx), tx_response: Some(response) })
}

fn search(node: &Node, request: &GetTxsEventRequest) -> Result<GetTxsEventResponse, QueryError> {
    let app = node.app()?;
    #[allow(deprecated)]
    let (events, pagination) = (&request.events, request.pagination.clone().unwrap_or_default());
    let text = if request.query.is_empty() { events.join(" AND ") } else { request.query.clone() };
    if text.is_empty() {
        return Err(Code::InvalidArgument.error("query cannot be empty"));
    }
    let query: index::Query = text.parse().map_err(|e| Code::InvalidArgument.error(e))?;
    let order = match request.order_by() {
        OrderBy::Desc => Order::Descending,
        _ => Order::Ascending,
    };
    let limit = [request.limit, pagination.limit].into_iter().find(|l| *l > 0).unwrap_or(DEFAULT_LIMIT).min(MAX_LIMIT);
    let skip = match request.page.checked_sub(1) {
        Some(before) => before.saturating_mul(limit),
        None => pagination.offset,
    };
    let (records, total) = index::search(app.store(), &query, order, skip, limit)?;
    let mut out = GetTxsEventResponse { total, ..GetTxsEventResponse::default() };
    for record in &records {
        let (tx, response) = response(&app, record)?;
        out.txs.push(tx);
        out.tx_responses.push(response);
    }
    Ok(out)
}

fn broadcast(node: &Node, request: &BroadcastTxRequest) -> Result<BroadcastTxResponse, QueryError> {
    if request.tx_bytes.is_empty() {
        return Err(Code::InvalidArgument.error("invalid empty tx"));
    }
    let method = match request.mode() {
        BroadcastMode::Sync => "broadcast_tx_sync",
        BroadcastMode::Async => "broadcast_tx_async",
        other => {
            let name = other.as_str_name();
            let wrong = format!("unsupported mode {name}: expected BROADCAST_MODE_SYNC or BROADCAST_MODE_ASYNC");
            return Err(Code::InvalidArgument.error(wrong));
        }
    };
    let txhash = hex::encode_upper(tx::hash(&request.tx_bytes));
    let answered = node.comet.call(method, json!({"tx": BASE64.encode(&request.tx_bytes)}));
    let response = match answered {
        Ok(answer) => TxResponse {
            txhash,
            codespace: field(&answer, "/codespace").unwrap_or_default(),
            code: field(&answer, "/code")?,
            data: field(&answer, "/data").unwrap_or_default(),
            raw_log: field(&answer, "/log").unwrap_or_default(),
            ..TxResponse::default()
        },
        // What consensus refuses before the application sees it has codes of its own.
        Err(e) => {
            let said = e.data.to_lowercase();
            let code = if said.contains("tx already exists in cache") {
                19
            } else if said.contains("mempool is full") {
                20
            } else if said.contains("tx too large") {
                21
            } else {
                return Err(super::refused(e));
            };
            TxResponse { txhash, codespace: "sdk".into(), code, raw_log: e.data, ..TxResponse::default() }
        }
    };
    Ok(BroadcastTxResponse { tx_response: Some(response) })
}

fn block_with_txs(node: &Node, request: &GetBlockWithTxsRequest) -> Result<GetBlockWithTxsResponse, QueryError> {
    let page = request.pagination.clone().unwrap_or_default();
    let last = node.app()?.committed().height;
    if request.height < 1 || u64::try_from(request.height).is_ok_and(|h| h > last) {
        let height = request.height;
        let wrong = format!("requested height {height} is not between 1 and the chain length {last}");
        return Err(Code::InvalidArgument.error(wrong));
    }
    let (block_id, block) = super::comet::block(node, request.height)?;
    let all = block.data.as_ref().map(|d| d.txs.clone()).unwrap_or_default();
    let limit = if page.limit == 0 { DEFAULT_LIMIT } else { page.limit.min(MAX_LIMIT) };
    let (skip, limit) = (usize::try_from(page.offset).unwrap_or(usize::MAX), usize::try_from(limit).unwrap_or(0));
    let txs = all.iter().skip(skip).take(limit).map(|bytes| read(bytes).unwrap_or_default()).collect();
    let pagination = Some(PageResponse { next_key: Default::default(), total: all.len() as u64 });
    Ok(GetBlockWithTxsResponse { txs, block_id: Some(block_id), block: Some(block), pagination })
}
