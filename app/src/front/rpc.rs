//! CometBFT's RPC over HTTP: JSON-RPC in bodies, methods as addresses, and subscriptions over a websocket.

use crate::index::Query;
use crate::solo::{Happened, Solo};
use axum::body::Bytes;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use tokio::sync::broadcast::error::RecvError;
use tower_http::cors::CorsLayer;
use zektra_comet::{Comet as _, RpcError};

/// Longest body: a transaction of 1 MiB in base64, with room.
const MAX_BODY: usize = 4 << 20;
/// Calls of one batch.
const MAX_BATCH: usize = 100;
/// Subscriptions of one connection, CometBFT's own limit.
const MAX_SUBSCRIPTIONS: usize = 5;
/// Connections that subscribe, CometBFT's own limit.
const MAX_SUBSCRIBERS: usize = 100;

/// The RPC of a solo chain.
pub fn router(solo: Arc<Solo>) -> axum::Router {
    axum::Router::new()
        .route("/", axum::routing::get(list).post(body))
        .route("/websocket", axum::routing::get(upgrade))
        .route("/{method}", axum::routing::get(address))
        .layer(axum::extract::DefaultBodyLimit::max(MAX_BODY))
        .layer(CorsLayer::permissive())
        .with_state(solo)
}

async fn list() -> Response {
    let methods = "abci_info abci_query block block_by_hash block_results block_search blockchain broadcast_tx_async \
                   broadcast_tx_commit broadcast_tx_sync check_tx commit consensus_params genesis genesis_chunked header \
                   header_by_hash health net_info num_unconfirmed_txs status tx tx_search unconfirmed_txs validators";
    let links: String = methods.split_whitespace().map(|m| format!("<li><a href=\"{m}\">{m}</a></li>")).collect();
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>Zektra: RPC</title>\
         <body style=\"font:15px/1.5 system-ui;margin:2rem\"><h1>Zektra: RPC</h1><ul>{links}</ul></body></html>"
    );
    ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response()
}

fn answered(id: &Value, result: Result<Value, RpcError>) -> Value {
    match result {
        Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
        Err(e) => json!({"jsonrpc": "2.0", "id": id, "error": e.to_json()}),
    }
}

/// A request's id, method and parameters.
fn parsed(request: &Value) -> Result<(Value, &str, Value), (Value, RpcError)> {
    let id = request.get("id").cloned().unwrap_or(Value::Null);
    let wrong = |data: &str| RpcError { code: -32600, message: "Invalid Request".into(), data: data.into() };
    let Some(method) = request.get("method").and_then(Value::as_str) else {
        return Err((id, wrong("expected an object with the name of a method")));
    };
    let params = match request.get("params") {
        None | Some(Value::Null) => json!({}),
        Some(params @ Value::Object(_)) => params.clone(),
        Some(Value::Array(list)) if list.is_empty() => json!({}),
        Some(_) => return Err((id, RpcError::params("expected parameters by their names"))),
    };
    Ok((id, method, params))
}

fn call(solo: &Solo, request: &Value) -> Value {
    match parsed(request) {
        Ok((id, method, params)) => answered(&id, tokio::task::block_in_place(|| solo.call(method, params))),
        Err((id, e)) => answered(&id, Err(e)),
    }
}

fn no_json(e: &serde_json::Error) -> Value {
    let error = RpcError { code: -32700, message: "Parse error".into(), data: e.to_string() };
    answered(&Value::Null, Err(error))
}

async fn body(State(solo): State<Arc<Solo>>, body: Bytes) -> Response {
    let answer = match serde_json::from_slice::<Value>(&body) {
        Ok(Value::Array(batch)) if batch.len() > MAX_BATCH => {
            answered(&Value::Null, Err(RpcError::params(format!("a batch of more than {MAX_BATCH} calls"))))
        }
        Ok(Value::Array(batch)) => batch.iter().map(|request| call(&solo, request)).collect(),
        Ok(request) => call(&solo, &request),
        Err(e) => no_json(&e),
    };
    axum::Json(answer).into_response()
}

/// A method as an address: `/block?height=5`, `/tx?hash=0x…`, texts in quotes.
async fn address(State(solo): State<Arc<Solo>>, Path(method): Path<String>, RawQuery(query): RawQuery) -> Response {
    let mut params = Map::new();
    for (name, text) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned() {
        let value = match text.strip_prefix('"').and_then(|t| t.strip_suffix('"')) {
            // A text where bytes are due stands for its own bytes.
            Some(quoted) if name == "tx" => base64::engine::general_purpose::STANDARD.encode(quoted),
            Some(quoted) if name == "data" => hex::encode(quoted),
            Some(quoted) => quoted.into(),
            None => text,
        };
        params.insert(name, value.into());
    }
    let result = tokio::task::block_in_place(|| solo.call(&method, params.into()));
    let status = match &result {
        Ok(_) => StatusCode::OK,
        Err(e) if *e == RpcError::no_method() => StatusCode::NOT_FOUND,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    };
    (status, axum::Json(answered(&json!(-1), result))).into_response()
}

async fn upgrade(State(solo): State<Arc<Solo>>, upgrade: WebSocketUpgrade) -> Response {
    if solo.subscribers() >= MAX_SUBSCRIBERS {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many connections subscribe").into_response();
    }
    upgrade.max_message_size(MAX_BODY).on_upgrade(move |socket| talk(socket, solo))
}

/// What one connection hears of: by the text of its query, the id of the request and the query itself.
type Subscriptions = BTreeMap<String, (Value, Query)>;

async fn talk(mut socket: WebSocket, solo: Arc<Solo>) {
    let mut happened = solo.subscribe();
    let mut subscriptions = Subscriptions::new();
    loop {
        let out = tokio::select! {
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => match serde_json::from_str::<Value>(&text) {
                    Ok(request) => vec![handle(&solo, &mut subscriptions, &request)],
                    Err(e) => vec![no_json(&e)],
                },
                Some(Err(_)) | None => return,
                // What follows a farewell is its answer, then the end.
                Some(Ok(_)) => vec![],
            },
            event = happened.recv() => match event {
                Ok(event) => fitting(&subscriptions, &event),
                // Whoever is too slow would miss some without knowing: better to begin anew.
                Err(RecvError::Lagged(_)) if !subscriptions.is_empty() => {
                    let e = RpcError { code: -32000, message: "Server error".into(), data: "subscription was canceled (reason: client is not pulling messages fast enough)".into() };
                    let _ = socket.send(text(&answered(&Value::Null, Err(e)))).await;
                    return;
                }
                Err(RecvError::Lagged(_)) => vec![],
                Err(RecvError::Closed) => return,
            },
        };
        for value in out {
            if socket.send(text(&value)).await.is_err() {
                return;
            }
        }
    }
}

fn text(value: &Value) -> Message {
    Message::Text(value.to_string().into())
}

fn fitting(subscriptions: &Subscriptions, event: &Happened) -> Vec<Value> {
    let fits = subscriptions.iter().filter(|(_, (_, query))| query.fits(&event.events));
    fits.map(|(query, (id, _))| answered(id, Ok(json!({"query": query, "data": event.data, "events": event.events}))))
        .collect()
}

fn handle(solo: &Solo, subscriptions: &mut Subscriptions, request: &Value) -> Value {
    let (id, method, params) = match parsed(request) {
        Ok(parsed) => parsed,
        Err((id, e)) => return answered(&id, Err(e)),
    };
    let query = || {
        let text = params.get("query").and_then(Value::as_str);
        text.ok_or_else(|| RpcError::params("parameter query is missing")).map(String::from)
    };
    let result = match method {
        "subscribe" => query().and_then(|text| {
            let parsed = text.parse().map_err(RpcError::params)?;
            if subscriptions.contains_key(&text) {
                return Err(RpcError::internal("already subscribed"));
            }
            if subscriptions.len() >= MAX_SUBSCRIPTIONS {
                return Err(RpcError::internal(format!("max_subscriptions_per_client {MAX_SUBSCRIPTIONS} reached")));
            }
            subscriptions.insert(text, (id.clone(), parsed));
            Ok(json!({}))
        }),
        "unsubscribe" => query().and_then(|text| {
            subscriptions.remove(&text).map(|_| json!({})).ok_or_else(|| RpcError::internal("subscription not found"))
        }),
        "unsubscribe_all" => {
            subscriptions.clear();
            Ok(json!({}))
        }
        _ => return call(solo, request),
    };
    answered(&id, result)
}
