//! A node as a client sees it: questions by ABCI over CometBFT's RPC or by gRPC, transactions by RPC.

use super::grpc;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost::Message;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::time::{Duration, Instant};
use zektra_comet::{Comet as _, Remote, RpcError};
use zektra_proto::cosmos::auth::v1beta1::{BaseAccount, QueryAccountInfoRequest, QueryAccountInfoResponse};
use zektra_proto::cosmos::base::abci::v1beta1::TxResponse;
use zektra_proto::cosmos::tx::v1beta1::{
    GetTxRequest, GetTxResponse, GetTxsEventRequest, GetTxsEventResponse, SimulateRequest, SimulateResponse,
};

/// Longest time that a node may take to answer.
pub(super) const TIMEOUT: Duration = Duration::from_secs(15);

/// How often a transaction that is waited for is asked.
const POLL: Duration = Duration::from_millis(200);

/// What can go wrong between a client and a chain.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// Nobody answers, or not as a node does.
    #[error("{0}")]
    Unreachable(String),
    /// The node answers with an error.
    #[error("{log} (code {code}{})", if codespace.is_empty() { String::new() } else { format!(", codespace {codespace}") })]
    Refused {
        /// Who numbers the errors.
        codespace: String,
        /// Which one.
        code: u32,
        /// What happened.
        log: String,
    },
    /// A transaction did not get into a block in time.
    #[error("transaction {hash}: not in a block after {waited:?}")]
    NotIncluded {
        /// Its hash.
        hash: String,
        /// How long it was waited for.
        waited: Duration,
    },
}

impl ChainError {
    /// Why a simulation fails, without what nodes write around it: there the gas is not known, and the code is that of
    /// the question. Nothing if it is no such answer.
    pub fn simulated(&self) -> Option<&str> {
        let Self::Refused { log, .. } = self else { return None };
        let (why, _) = log.split_once(" With gas wanted:")?;
        Some(why.strip_prefix("rpc error: code = Unknown desc = ").unwrap_or(why))
    }

    fn is(&self, sdk: u32, grpc: tonic::Code) -> bool {
        match self {
            Self::Refused { codespace, code, .. } if codespace == "sdk" => *code == sdk,
            Self::Refused { codespace, code, .. } if codespace == grpc::CODESPACE => *code == grpc as u32,
            _ => false,
        }
    }

    /// Whether what was asked for is not there.
    pub fn is_missing(&self) -> bool {
        self.is(22, tonic::Code::NotFound)
    }

    /// Whether the question was none.
    pub fn is_input(&self) -> bool {
        self.is(18, tonic::Code::InvalidArgument)
    }
}

impl From<RpcError> for ChainError {
    fn from(e: RpcError) -> Self {
        // The method's own words where there are any, not JSON-RPC's name of the code.
        Self::Unreachable(if e.data.is_empty() { e.message } else { e.data })
    }
}

/// What CometBFT's pool says of transactions that it does not take, with the SDK's codes of it.
const POOL: [(&str, u32); 3] = [("tx already exists in cache", 19), ("mempool is full", 20), ("tx too large", 21)];

/// The SDK's answer to a transaction that the node's pool does not take: CometBFT says so by an error of the RPC.
fn pool_refuses(tx: &[u8], error: &str) -> Option<TxResponse> {
    let (_, code) = POOL.iter().find(|(text, _)| error.to_lowercase().contains(text))?;
    Some(TxResponse {
        txhash: hex::encode_upper(Sha256::digest(tx)),
        code: *code,
        codespace: "sdk".into(),
        raw_log: error.into(),
        ..Default::default()
    })
}

/// Whether a node checks a transaction before it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broadcast {
    /// The answer is that of CheckTx.
    Sync,
    /// The answer comes at once and says nothing.
    Async,
}

/// A node.
#[derive(Debug)]
pub struct Client {
    rpc: Remote,
    grpc: Option<String>,
}

impl Client {
    /// The node whose RPC is at `node` (`tcp://host:port`, `http://…`, `https://…`); questions go to `grpc` (`host:port`) if it is
    /// given.
    pub fn new(node: &str, grpc: Option<&str>) -> Self {
        Self { rpc: Remote::new(node), grpc: grpc.map(Into::into) }
    }

    /// Calls a method of the node's RPC.
    ///
    /// # Errors
    /// No answer, or the method's error.
    pub fn rpc(&self, method: &str, params: Value) -> Result<Value, ChainError> {
        Ok(self.rpc.call(method, params)?)
    }

    /// The chain's id.
    ///
    /// # Errors
    /// No answer.
    pub fn chain_id(&self) -> Result<String, ChainError> {
        let status = self.rpc("status", json!({}))?;
        status["node_info"]["network"].as_str().map(Into::into).ok_or_else(|| self.strange("status"))
    }

    fn strange(&self, what: &str) -> ChainError {
        ChainError::Unreachable(format!("{}: an answer to {what} that is none", self.rpc.url()))
    }

    /// Asks the service method `path`, as of `height`, or as of the last block if that is 0. Messages are protobuf.
    ///
    /// # Errors
    /// No answer, or the service's own error.
    pub fn ask(&self, path: &str, request: Vec<u8>, height: u64) -> Result<Vec<u8>, ChainError> {
        if let Some(address) = &self.grpc {
            return grpc::query(address, path, request, height);
        }
        let params = json!({"path": path, "data": hex::encode(request), "height": height.to_string(), "prove": false});
        let answer = self.rpc("abci_query", params)?;
        let answer = &answer["response"];
        let code = answer["code"].as_u64().unwrap_or(0) as u32;
        let text = |key: &str| answer[key].as_str().unwrap_or_default().to_string();
        if code != 0 {
            return Err(ChainError::Refused { codespace: text("codespace"), code, log: text("log") });
        }
        STANDARD.decode(text("value")).map_err(|_| self.strange(path))
    }

    /// The same with messages.
    ///
    /// # Errors
    /// As [`Client::ask`].
    pub fn query<Q: Message, A: Message + Default>(&self, path: &str, request: &Q) -> Result<A, ChainError> {
        let answer = self.ask(path, request.encode_to_vec(), 0)?;
        A::decode(&answer[..]).map_err(|_| self.strange(path))
    }

    /// Number and sequence of an account.
    ///
    /// # Errors
    /// An account that the chain does not know: it has received nothing yet.
    pub fn account(&self, address: &str) -> Result<BaseAccount, ChainError> {
        let request = QueryAccountInfoRequest { address: address.into() };
        let answer: QueryAccountInfoResponse = self.query("/cosmos.auth.v1beta1.Query/AccountInfo", &request)?;
        answer.info.ok_or_else(|| self.strange("AccountInfo"))
    }

    /// What a transaction would do. It needs its signers and empty signatures, no right ones.
    ///
    /// # Errors
    /// What the transaction would fail with.
    pub fn simulate(&self, tx: &impl Message) -> Result<SimulateResponse, ChainError> {
        let request = SimulateRequest { tx_bytes: tx.encode_to_vec().into(), ..Default::default() };
        self.query("/cosmos.tx.v1beta1.Service/Simulate", &request)
    }

    /// Hands a transaction to the node.
    ///
    /// # Errors
    /// No answer. What the chain or the node's pool says of the transaction is in the response's `code`.
    pub fn broadcast(&self, tx: &[u8], how: Broadcast) -> Result<TxResponse, ChainError> {
        let method = match how {
            Broadcast::Sync => "broadcast_tx_sync",
            Broadcast::Async => "broadcast_tx_async",
        };
        let answer = match self.rpc.call(method, json!({"tx": STANDARD.encode(tx)})) {
            Err(e) => return pool_refuses(tx, &e.data).ok_or_else(|| e.into()),
            Ok(answer) => answer,
        };
        let text = |key: &str| answer[key].as_str().unwrap_or_default().to_string();
        Ok(TxResponse {
            txhash: text("hash"),
            code: answer["code"].as_u64().unwrap_or(0) as u32,
            codespace: text("codespace"),
            data: text("data"),
            raw_log: text("log"),
            ..Default::default()
        })
    }

    /// A transaction in a block, by its hash in hexadecimal digits.
    ///
    /// # Errors
    /// No such transaction.
    pub fn tx(&self, hash: &str) -> Result<GetTxResponse, ChainError> {
        self.query("/cosmos.tx.v1beta1.Service/GetTx", &GetTxRequest { hash: hash.into() })
    }

    /// The same, once it is in a block.
    ///
    /// # Errors
    /// It does not get into one in time.
    pub fn wait(&self, hash: &str, longest: Duration) -> Result<GetTxResponse, ChainError> {
        let start = Instant::now();
        loop {
            match self.tx(hash) {
                Err(e) if e.is_missing() && start.elapsed() < longest => {}
                Err(e) if e.is_missing() => {
                    return Err(ChainError::NotIncluded { hash: hash.into(), waited: longest });
                }
                other => return other,
            }
            std::thread::sleep(POLL.min(longest.saturating_sub(start.elapsed())));
        }
    }

    /// Transactions in blocks, by what happened in them.
    ///
    /// # Errors
    /// A query of another form.
    pub fn txs(&self, request: &GetTxsEventRequest) -> Result<GetTxsEventResponse, ChainError> {
        self.query("/cosmos.tx.v1beta1.Service/GetTxsEvent", request)
    }
}

/// The chain's last height.
///
/// # Errors
/// No answer.
pub fn height(client: &Client) -> Result<u64, ChainError> {
    let status = client.rpc("status", json!({}))?;
    let height = status["sync_info"]["latest_block_height"].as_str().and_then(|h| h.parse().ok());
    height.ok_or_else(|| client.strange("status"))
}
