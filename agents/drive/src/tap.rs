//! A relay between a client and a node's RPC that keeps transactions with proofs back until whoever watches lets them go.

use super::Running;
use anyhow::{Result, ensure};
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::header::CONTENT_TYPE;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use zektra_comet::{Comet as _, Remote};

/// Names of messages with proofs, as they stand in a transaction.
const KEPT: [&[u8]; 2] = [b"zektra.vault.v1.MsgSealDataset", b"zektra.training.v1.MsgSubmitPart"];

/// The relay.
#[derive(Debug)]
pub struct Tap {
    /// Where clients find it.
    pub address: String,
    kept: Receiver<Vec<u8>>,
    upstream: String,
    // Ends the relay when it is dropped.
    _runtime: tokio::runtime::Runtime,
}

#[derive(Clone)]
struct Relay {
    upstream: String,
    keep: Sender<Vec<u8>>,
}

impl Relay {
    fn answer(&self, body: &[u8]) -> Value {
        let request: Value = serde_json::from_slice(body).unwrap_or_default();
        let (method, params) = (request["method"].as_str().unwrap_or_default(), request["params"].clone());
        if method == "broadcast_tx_sync" {
            let tx = STANDARD.decode(params["tx"].as_str().unwrap_or_default()).unwrap_or_default();
            if KEPT.iter().any(|name| tx.windows(name.len()).any(|w| w == *name)) {
                let hash = hex::encode_upper(Sha256::digest(&tx));
                // Whoever does not listen any more lets all pass.
                if self.keep.send(tx).is_ok() {
                    return json!({"result": {"code": 0, "data": "", "log": "", "codespace": "", "hash": hash}});
                }
            }
        }
        match Remote::new(&self.upstream).call(method, params) {
            Ok(result) => json!({"result": result}),
            Err(e) => json!({"error": e.to_json()}),
        }
    }
}

async fn relay(State(relay): State<Relay>, body: Bytes) -> ([(axum::http::HeaderName, &'static str); 1], String) {
    let answer = tokio::task::spawn_blocking(move || relay.answer(&body)).await.unwrap_or_default();
    ([(CONTENT_TYPE, "application/json")], answer.to_string())
}

impl Tap {
    /// Before the node whose RPC is at `upstream`.
    ///
    /// # Errors
    /// The system has no port or no thread.
    pub fn before(upstream: &str) -> Result<Self> {
        let (keep, kept) = channel();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))?;
        let address = format!("http://{}", listener.local_addr()?);
        let router = Router::new().fallback(relay).with_state(Relay { upstream: upstream.into(), keep });
        runtime.spawn(async move { axum::serve(listener, router).await });
        Ok(Self { address, kept, upstream: upstream.into(), _runtime: runtime })
    }

    /// The next transaction that `sender` wants to send and that is kept back.
    ///
    /// # Errors
    /// It ends without one.
    pub fn next(&self, sender: &mut Running) -> Result<Vec<u8>> {
        loop {
            match self.kept.recv_timeout(Duration::from_millis(100)) {
                Ok(tx) => return Ok(tx),
                Err(_) => ensure!(sender.runs(), "zektra {} has ended without a proof", sender.what),
            }
        }
    }

    /// What the node's mempool says of a transaction.
    ///
    /// # Errors
    /// No answer.
    pub fn send(&self, tx: &[u8]) -> Result<Value> {
        Ok(Remote::new(&self.upstream).call("broadcast_tx_sync", json!({"tx": STANDARD.encode(tx)}))?)
    }
}
