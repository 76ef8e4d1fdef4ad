//! CometBFT's RPC over HTTP: JSON-RPC in bodies, methods as addresses, and subscriptions over a websocket.

use super::serve::Place;
use crate::index::Query;
use crate::solo::{Happened, Listener, Solo, TooSlow};
use axum::Extension;
use axum::body::Bytes;
use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::MissedTickBehavior;
use tower_http::cors::CorsLayer;
use zektra_comet::{Comet as _, RpcError};

/// Longest body: a transaction of 1 MiB in base64, with room.
const MAX_BODY: usize = 2 << 20;
/// Values of one body: each costs far more memory than its text.
const MAX_VALUES: usize = 10_000;
/// Calls of one batch.
const MAX_BATCH: usize = 100;
/// Bytes of a batch's answers after which the other calls are not made.
const MAX_BATCH_BYTES: usize = 64 << 20;
/// Subscriptions of one connection, CometBFT's own limit.
const MAX_SUBSCRIPTIONS: usize = 5;
/// Connections that subscribe, CometBFT's own limit.
const MAX_SUBSCRIBERS: usize = 100;

/// The RPC of a solo chain.
///
/// A websocket is asked for a sign of life twice in the time `idle` after which a silent connection is closed.
pub fn router(solo: Arc<Solo>, idle: Duration) -> axum::Router {
    axum::Router::new()
        .route("/", axum::routing::get(list).post(body))
        .route(
            "/websocket",
            axum::routing::get(move |State(solo), Extension(place), asked: WebSocketUpgrade| async move {
                asked.max_message_size(MAX_BODY).on_upgrade(move |socket| talk(socket, solo, place, idle / 2))
            }),
        )
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

fn answered(id: &Value, result: Result<Value, RpcError>) -> String {
    let answer = match result {
        Ok(result) => json!({"jsonrpc": "2.0", "id": id, "result": result}),
        Err(e) => json!({"jsonrpc": "2.0", "id": id, "error": e.to_json()}),
    };
    answer.to_string()
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

/// Whether a method reads whole blocks, or searches: its answer in the making takes many times what its text does.
fn is_heavy(method: &str) -> bool {
    matches!(
        method,
        "abci_query"
            | "block"
            | "block_by_hash"
            | "block_results"
            | "block_search"
            | "blockchain"
            | "commit"
            | "genesis"
            | "genesis_chunked"
            | "header"
            | "header_by_hash"
            | "tx_search"
            | "unconfirmed_txs"
    )
}

/// Calls a method, when it is its turn: the status as an address has it, and the answer.
async fn called(solo: &Solo, id: &Value, method: &str, params: Value) -> (StatusCode, String) {
    let pass = match is_heavy(method) {
        true => solo.app().gate().pass().await.map(Some),
        false => Ok(None),
    };
    tokio::task::block_in_place(|| {
        let result = match &pass {
            Ok(_) => solo.call(method, params),
            Err(busy) => Err(RpcError::internal(busy)),
        };
        let status = match &result {
            Ok(_) => StatusCode::OK,
            Err(e) if *e == RpcError::no_method() => StatusCode::NOT_FOUND,
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        (status, answered(id, result))
    })
}

async fn call(solo: &Solo, request: &Value) -> String {
    match parsed(request) {
        Ok((id, method, params)) => called(solo, &id, method, params).await.1,
        Err((id, e)) => answered(&id, Err(e)),
    }
}

/// Reads a body, or says why it cannot be.
fn read(body: &[u8]) -> Result<Value, String> {
    let wrong =
        |data: String| answered(&Value::Null, Err(RpcError { code: -32700, message: "Parse error".into(), data }));
    // Values beside each other have commas between them.
    let values = body.iter().filter(|byte| **byte == b',').count() + 1;
    if values > MAX_VALUES {
        return Err(wrong(format!("{values} values, expected at most {MAX_VALUES}")));
    }
    serde_json::from_slice(body).map_err(|e| wrong(e.to_string()))
}

async fn body(State(solo): State<Arc<Solo>>, Extension(place): Extension<Place>, body: Bytes) -> Response {
    let text = match read(&body) {
        Ok(Value::Array(batch)) if batch.len() > MAX_BATCH => {
            let e = RpcError::params(format!("a batch of more than {MAX_BATCH} calls"));
            answered(&Value::Null, Err(e))
        }
        Ok(Value::Array(batch)) => answers(&solo, &batch, MAX_BATCH_BYTES, |bytes| place.room(bytes)).await,
        Ok(request) => call(&solo, &request).await,
        Err(refused) => refused,
    };
    ([(header::CONTENT_TYPE, "application/json")], text).into_response()
}

/// The answers of a batch, each in its `room` until all are there. After `most` bytes of them the calls that follow are
/// refused.
pub async fn answers<R>(
    solo: &Solo,
    batch: &[Value],
    most: usize,
    room: impl Fn(usize) -> Result<R, String>,
) -> String {
    let (mut out, mut rooms) = (String::from("["), vec![]);
    for (k, request) in batch.iter().enumerate() {
        let answer = if out.len() <= most {
            let answer = call(solo, request).await;
            room(answer.len()).map(|room| {
                rooms.push(room);
                answer
            })
        } else {
            Err(format!("the answers before this have {} bytes, more than {most}: ask in another batch", out.len()))
        };
        let id = || request.get("id").cloned().unwrap_or(Value::Null);
        let answer = answer.unwrap_or_else(|why| answered(&id(), Err(RpcError::internal(why))));
        if k > 0 {
            out.push(',');
        }
        out.push_str(&answer);
    }
    out + "]"
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
    let (status, text) = called(&solo, &json!(-1), &method, params.into()).await;
    (status, [(header::CONTENT_TYPE, "application/json")], text).into_response()
}

/// What one connection hears of: by the text of its query, the id of the request and the query itself.
type Subscriptions = BTreeMap<String, (Value, Query)>;

async fn talk(mut socket: WebSocket, solo: Arc<Solo>, place: Place, ping: Duration) {
    // Only whoever subscribes counts as a subscriber.
    let mut happened: Option<Listener> = None;
    let mut pings = tokio::time::interval(ping);
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut subscriptions = Subscriptions::new();
    loop {
        let out = tokio::select! {
            message = socket.recv() => match message {
                Some(Ok(Message::Text(text))) => match read(text.as_bytes()) {
                    Ok(request) => {
                        let answer = handle(&solo, &mut subscriptions, &request).await;
                        match subscriptions.is_empty() {
                            true => happened = None,
                            false => {
                                let wanted = subscriptions.values().map(|(_, query)| query.clone()).collect();
                                happened.get_or_insert_with(|| solo.subscribe()).want(wanted);
                            }
                        }
                        Some(answer)
                    }
                    Err(refused) => Some(refused),
                },
                Some(Err(_)) | None => return,
                // What follows a farewell is its answer, then the end.
                Some(Ok(_)) => None,
            },
            _ = pings.tick() => {
                if socket.send(Message::Ping(Bytes::new())).await.is_err() {
                    return;
                }
                None
            }
            event = next(&mut happened) => match event {
                Ok(event) => {
                    for text in fitting(&subscriptions, &event) {
                        if !send(&mut socket, &place, text).await {
                            return;
                        }
                    }
                    None
                }
                // Whoever is too slow would miss some without knowing: better to begin anew.
                Err(TooSlow) => {
                    let why = "subscription was canceled (reason: client is not pulling messages fast enough)";
                    send(&mut socket, &place, server_error(why)).await;
                    return;
                }
            },
        };
        if let Some(text) = out
            && !send(&mut socket, &place, text).await
        {
            return;
        }
    }
}

fn server_error(why: &str) -> String {
    let e = RpcError { code: -32000, message: "Server error".into(), data: why.into() };
    answered(&Value::Null, Err(e))
}

/// Sends a text, if there is room for it and it is read in time; whether the connection goes on. The room is also for the
/// event that the text says.
async fn send(socket: &mut WebSocket, place: &Place, text: String) -> bool {
    let (room, text) = match place.room(text.len().saturating_mul(2)) {
        Ok(room) => (Some(room), text),
        Err(why) => (None, server_error(&why)),
    };
    let patience = place.patience(text.len());
    let sent = tokio::time::timeout(patience, socket.send(Message::Text(text.into()))).await;
    room.is_some() && matches!(sent, Ok(Ok(())))
}

async fn next(happened: &mut Option<Listener>) -> Result<Arc<Happened>, TooSlow> {
    match happened {
        Some(happened) => happened.next().await,
        None => std::future::pending().await,
    }
}

/// An event as each subscription that it fits hears it, one after the other. Its data is JSON already.
fn fitting(subscriptions: &Subscriptions, event: &Happened) -> impl Iterator<Item = String> {
    let fits = subscriptions.iter().filter(|(_, (_, query))| query.fits(&event.events));
    fits.map(|(query, (id, _))| {
        let (data, events, query) = (&event.data, json!(event.events), json!(query));
        let result = format!(r#"{{"data":{data},"events":{events},"query":{query}}}"#);
        format!(r#"{{"id":{id},"jsonrpc":"2.0","result":{result}}}"#)
    })
}

async fn handle(solo: &Solo, subscriptions: &mut Subscriptions, request: &Value) -> String {
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
            if subscriptions.is_empty() && solo.subscribers() >= MAX_SUBSCRIBERS {
                return Err(RpcError::internal(format!("max_subscription_clients {MAX_SUBSCRIBERS} reached")));
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
        _ => return call(solo, request).await,
    };
    answered(&id, result)
}
