//! A chain of one application in a folder, with signed transactions by cosmrs.

use cosmrs::crypto::secp256k1::SigningKey;
use cosmrs::tx::{Body, Fee, Msg as _, SignDoc, SignerInfo};
use cosmrs::{AccountId, Any, Coin};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use tendermint_abci::Application as _;
use tendermint_proto::google::protobuf::{Duration, Timestamp};
use zektra_app::app::{App, Config};
use zektra_proto::tendermint::abci::response_process_proposal::ProposalStatus;
use zektra_proto::tendermint::abci::{
    Event, RequestCheckTx, RequestFinalizeBlock, RequestInitChain, RequestPrepareProposal, RequestProcessProposal,
    RequestQuery, ResponseCheckTx, ResponseFinalizeBlock, ResponseQuery,
};
use zektra_proto::tendermint::types::{
    AbciParams, BlockParams, ConsensusParams, EvidenceParams, ValidatorParams, VersionParams,
};
use zektra_store::Options;

pub const CHAIN_ID: &str = "zektra-test-1";
pub const PREFIX: &str = "zektra";
pub const DENOM: &str = "uzektra";
/// What each account has at first.
pub const FUNDS: u128 = 1_000_000_000;
/// The fee of all transactions here.
pub const FEE: u128 = 2_000;
pub const GAS: u64 = 200_000;

/// Who signs.
pub struct Person {
    pub key: SigningKey,
    pub number: u64,
    pub sequence: u64,
    pub chain_id: &'static str,
}

impl Person {
    pub fn new(name: &str, number: u64) -> Self {
        Self::with_key(&Sha256::digest(name).into(), number, CHAIN_ID)
    }

    pub fn with_key(secret: &[u8; 32], number: u64, chain_id: &'static str) -> Self {
        Self { key: SigningKey::from_slice(secret).unwrap(), number, sequence: 0, chain_id }
    }

    pub fn id(&self) -> AccountId {
        self.key.public_key().account_id(PREFIX).unwrap()
    }

    pub fn address(&self) -> String {
        self.id().to_string()
    }

    /// A message that pays.
    pub fn pay(&self, to: &AccountId, amount: u128) -> Any {
        let amount = vec![coin(amount)];
        cosmrs::bank::MsgSend { from_address: self.id(), to_address: to.clone(), amount }.to_any().unwrap()
    }

    /// A signed transaction; the sequence goes up.
    pub fn sign(&mut self, messages: Vec<Any>) -> Vec<u8> {
        self.sequence += 1;
        self.sign_with(messages, self.sequence - 1, Fee::from_amount_and_gas(coin(FEE), GAS), self.chain_id)
    }

    pub fn sign_with(&self, messages: Vec<Any>, sequence: u64, fee: Fee, chain_id: &str) -> Vec<u8> {
        let body = Body::new(messages, "", 0u32);
        let auth = SignerInfo::single_direct(Some(self.key.public_key()), sequence).auth_info(fee);
        let doc = SignDoc::new(&body, &auth, &chain_id.parse().unwrap(), self.number).unwrap();
        doc.sign(&self.key).unwrap().to_bytes().unwrap()
    }
}

pub fn coin(amount: u128) -> Coin {
    Coin { denom: DENOM.parse().unwrap(), amount }
}

pub fn genesis(people: &[&Person]) -> Value {
    let mut state = zektra_genesis::default_state(PREFIX, DENOM);
    state["auth"]["accounts"] = people
        .iter()
        .map(|p| json!({"@type": "/cosmos.auth.v1beta1.BaseAccount", "address": p.address(), "account_number": p.number.to_string()}))
        .collect();
    state["bank"]["balances"] = people
        .iter()
        .map(|p| json!({"address": p.address(), "coins": [{"denom": DENOM, "amount": FUNDS.to_string()}]}))
        .collect();
    state
}

pub fn params(max_gas: i64) -> ConsensusParams {
    ConsensusParams {
        block: Some(BlockParams { max_bytes: 1 << 20, max_gas }),
        evidence: Some(EvidenceParams {
            max_age_num_blocks: 1000,
            max_age_duration: Some(Duration { seconds: 3600, nanos: 0 }),
            max_bytes: 1 << 16,
        }),
        validator: Some(ValidatorParams { pub_key_types: vec!["ed25519".into()] }),
        version: Some(VersionParams { app: 1 }),
        abci: Some(AbciParams { vote_extensions_enable_height: 0 }),
    }
}

pub struct TestChain {
    pub folder: TempDir,
    pub app: App,
    pub height: i64,
}

impl TestChain {
    pub fn new(people: &[&Person]) -> Self {
        Self::with(genesis(people), -1)
    }

    pub fn with(genesis: Value, max_gas: i64) -> Self {
        Self::at(1, &genesis, max_gas)
    }

    /// One that begins at this height.
    pub fn at(first: i64, genesis: &Value, max_gas: i64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let app = Self::open(&folder);
        let hash = init_at(first, &app, genesis, max_gas);
        assert!(!hash.is_empty());
        Self { folder, app, height: first - 1 }
    }

    /// An application that has seen nothing yet.
    pub fn empty() -> (TempDir, App) {
        let folder = tempfile::tempdir().unwrap();
        let app = Self::open(&folder);
        (folder, app)
    }

    fn open(folder: &TempDir) -> App {
        let store = Options { sync: false, ..Options::default() };
        App::open(Config { home: folder.path().into(), store, ..Config::default() }).unwrap()
    }

    /// As after a kill.
    pub fn reopen(&mut self) {
        let away = tempfile::tempdir().unwrap();
        // The database's lock goes with the last clone.
        self.app = Self::open(&away);
        self.app = Self::open(&self.folder);
        self.height = self.app.info(Default::default()).last_block_height;
    }

    pub fn check(&self, tx: &[u8]) -> ResponseCheckTx {
        self.app.check_tx(RequestCheckTx { tx: tx.to_vec().into(), r#type: 0 })
    }

    pub fn finalize(&self, txs: &[Vec<u8>]) -> ResponseFinalizeBlock {
        self.app.finalize_block(request(self.height + 1, txs))
    }

    /// Executes and commits.
    pub fn block(&mut self, txs: &[Vec<u8>]) -> ResponseFinalizeBlock {
        let done = self.finalize(txs);
        tendermint_abci::Application::commit(&self.app);
        self.height += 1;
        done
    }

    pub fn propose(&self, txs: &[Vec<u8>], max_tx_bytes: i64) -> Vec<Vec<u8>> {
        let txs = txs.iter().map(|t| t.clone().into()).collect();
        let height = self.height + 1;
        let request = RequestPrepareProposal { txs, max_tx_bytes, height, ..Default::default() };
        self.app.prepare_proposal(request).txs.into_iter().map(|t| t.to_vec()).collect()
    }

    /// Whether a proposed block is accepted.
    pub fn accepts(&self, txs: &[Vec<u8>]) -> bool {
        accepts(&self.app, self.height + 1, txs)
    }

    pub fn query(&self, path: &str, data: Vec<u8>, height: i64) -> ResponseQuery {
        self.app.query(RequestQuery { path: path.into(), data: data.into(), height, prove: false })
    }

    pub fn balance_at(&self, address: &AccountId, height: i64) -> u128 {
        use cosmrs::proto::cosmos::bank::v1beta1::{QueryBalanceRequest, QueryBalanceResponse};
        use cosmrs::proto::traits::Message as _;
        let request = QueryBalanceRequest { address: address.to_string(), denom: DENOM.into() };
        let answer = self.query("/cosmos.bank.v1beta1.Query/Balance", request.encode_to_vec(), height);
        assert_eq!(answer.code, 0, "{}", answer.log);
        QueryBalanceResponse::decode(&answer.value[..]).unwrap().balance.unwrap().amount.parse().unwrap()
    }

    pub fn balance(&self, address: &AccountId) -> u128 {
        self.balance_at(address, 0)
    }
}

pub fn init(app: &App, genesis: &Value, max_gas: i64) -> Vec<u8> {
    init_at(1, app, genesis, max_gas)
}

fn init_at(first: i64, app: &App, genesis: &Value, max_gas: i64) -> Vec<u8> {
    let request = RequestInitChain {
        time: Some(Timestamp { seconds: 1_700_000_000, nanos: 0 }),
        chain_id: CHAIN_ID.into(),
        consensus_params: Some(params(max_gas)),
        validators: vec![],
        app_state_bytes: genesis.to_string().into_bytes().into(),
        initial_height: first,
    };
    app.init_chain(request).app_hash.to_vec()
}

pub fn accepts(app: &App, height: i64, txs: &[Vec<u8>]) -> bool {
    let txs = txs.iter().map(|t| t.clone().into()).collect();
    app.process_proposal(RequestProcessProposal { txs, height, ..Default::default() }).status
        == ProposalStatus::Accept as i32
}

pub fn request(height: i64, txs: &[Vec<u8>]) -> RequestFinalizeBlock {
    RequestFinalizeBlock {
        txs: txs.iter().map(|t| t.clone().into()).collect(),
        hash: Sha256::digest(height.to_be_bytes()).to_vec().into(),
        height,
        time: Some(Timestamp { seconds: 1_700_000_000 + height, nanos: 0 }),
        proposer_address: vec![7; 20].into(),
        ..RequestFinalizeBlock::default()
    }
}

/// Events as text: `type{key=value,…}`.
pub fn shown(events: &[Event]) -> Vec<String> {
    let attributes =
        |e: &Event| e.attributes.iter().map(|a| format!("{}={}", a.key, a.value)).collect::<Vec<_>>().join(",");
    events.iter().map(|e| format!("{}{{{}}}", e.r#type, attributes(e))).collect()
}
