//! `cosmos.base.tendermint.v1beta1.Service`: blocks, validators and the node's identity, as consensus knows them.

use super::{Node, field};
use crate::solo::rpc::COMETBFT_VERSION;
use prost::Message as _;
use serde_json::{Value, json};
use zektra_modules::address::Prefix;
use zektra_modules::query::{Code, Query, QueryError, Service};
use zektra_proto::Any;
use zektra_proto::cosmos::base::query::v1beta1::{PageRequest, PageResponse};
use zektra_proto::cosmos::base::tendermint::v1beta1::{
    AbciQueryRequest, AbciQueryResponse, Block as SdkBlock, GetBlockByHeightRequest, GetBlockByHeightResponse,
    GetLatestBlockRequest, GetLatestBlockResponse, GetLatestValidatorSetRequest, GetLatestValidatorSetResponse,
    GetNodeInfoRequest, GetNodeInfoResponse, GetSyncingRequest, GetSyncingResponse, GetValidatorSetByHeightRequest,
    GetValidatorSetByHeightResponse, Header as SdkHeader, Module, ProofOp, ProofOps, Validator, VersionInfo,
};
use zektra_proto::cosmos::crypto::ed25519::PubKey;
use zektra_proto::tendermint::abci::RequestQuery;
use zektra_proto::tendermint::p2p::{DefaultNodeInfo, DefaultNodeInfoOther, ProtocolVersion};
use zektra_proto::tendermint::types::{Block, BlockId};

/// The level of the Cosmos SDK's interfaces that clients find here. No Go SDK is inside: clients parse this version
/// to know what they may call.
pub const COSMOS_SDK_VERSION: &str = "v0.50.14";
/// Validators of a page of CometBFT's RPC.
const PER_PAGE: usize = 100;

pub fn service(node: &Node) -> Service {
    let with = || node.clone();
    let (info, syncing, latest, by_height, validators, validators_at, abci) =
        (with(), with(), with(), with(), with(), with(), with());
    Service::new("cosmos.base.tendermint.v1beta1.Service")
        .unary("GetNodeInfo", move |_, _: GetNodeInfoRequest| node_info(&info))
        .unary("GetSyncing", move |_, _: GetSyncingRequest| {
            let status = syncing.ask("status", json!({}))?;
            Ok(GetSyncingResponse { syncing: field(&status, "/sync_info/catching_up")? })
        })
        .unary("GetLatestBlock", move |q, _: GetLatestBlockRequest| {
            let (block_id, block) = block(&latest, 0)?;
            let sdk_block = Some(sdk_block(&block, q.prefix));
            Ok(GetLatestBlockResponse { block_id: Some(block_id), block: Some(block), sdk_block })
        })
        .unary("GetBlockByHeight", move |q, request: GetBlockByHeightRequest| {
            demand_height(&by_height, request.height)?;
            let (block_id, block) = block(&by_height, request.height)?;
            let sdk_block = Some(sdk_block(&block, q.prefix));
            Ok(GetBlockByHeightResponse { block_id: Some(block_id), block: Some(block), sdk_block })
        })
        .unary("GetLatestValidatorSet", move |q, request: GetLatestValidatorSetRequest| {
            let (block_height, validators, pagination) = validator_set(&validators, q, 0, request.pagination)?;
            Ok(GetLatestValidatorSetResponse { block_height, validators, pagination })
        })
        .unary("GetValidatorSetByHeight", move |q, request: GetValidatorSetByHeightRequest| {
            demand_height(&validators_at, request.height)?;
            let (block_height, validators, pagination) =
                validator_set(&validators_at, q, request.height, request.pagination)?;
            Ok(GetValidatorSetByHeightResponse { block_height, validators, pagination })
        })
        .unary("ABCIQuery", move |_, request: AbciQueryRequest| abci_query(&abci, request))
}

fn demand_height(node: &Node, height: i64) -> Result<(), QueryError> {
    let last = node.app()?.committed().height;
    if u64::try_from(height).is_ok_and(|h| h <= last) {
        return Ok(());
    }
    Err(Code::InvalidArgument.error(format!("requested block height {height} is bigger then the chain length {last}")))
}

/// The parameters of a method for a height; 0 is the last.
fn at(height: i64) -> Value {
    if height == 0 { json!({}) } else { json!({"height": height.to_string()}) }
}

fn decoded<T, U>(answer: &Value, pointer: &str) -> Result<U, QueryError>
where
    T: serde::de::DeserializeOwned + Into<U>,
{
    Ok(field::<T>(answer, pointer)?.into())
}

/// A block with its id.
pub(super) fn block(node: &Node, height: i64) -> Result<(BlockId, Block), QueryError> {
    let answer = node.ask("block", at(height))?;
    let id = decoded::<tendermint::block::Id, BlockId>(&answer, "/block_id")?;
    Ok((id, decoded::<tendermint::Block, Block>(&answer, "/block")?))
}

/// The same block with the proposer's address as text.
fn sdk_block(block: &Block, prefix: &Prefix) -> SdkBlock {
    let header = block.header.clone().unwrap_or_default();
    let proposer = zektra_modules::address::Address::new(header.proposer_address.clone());
    SdkBlock {
        header: Some(SdkHeader {
            version: header.version,
            chain_id: header.chain_id,
            height: header.height,
            time: header.time.map(|t| zektra_proto::Timestamp { seconds: t.seconds, nanos: t.nanos }),
            last_block_id: header.last_block_id,
            last_commit_hash: header.last_commit_hash.into(),
            data_hash: header.data_hash.into(),
            validators_hash: header.validators_hash.into(),
            next_validators_hash: header.next_validators_hash.into(),
            consensus_hash: header.consensus_hash.into(),
            app_hash: header.app_hash.into(),
            last_results_hash: header.last_results_hash.into(),
            evidence_hash: header.evidence_hash.into(),
            proposer_address: proposer.map(|a| prefix.consensus_text(&a)).unwrap_or_default(),
        }),
        data: block.data.clone(),
        evidence: block.evidence.clone(),
        last_commit: block.last_commit.clone(),
    }
}

fn validator_set(
    node: &Node,
    query: &Query<'_>,
    height: i64,
    page: Option<PageRequest>,
) -> Result<(i64, Vec<Validator>, Option<PageResponse>), QueryError> {
    let page = page.unwrap_or_default();
    let (mut all, mut total, mut found_at) = (vec![], 1, 0);
    while all.len() < total {
        // All pages of one height.
        let mut params = at(if found_at == 0 { height } else { found_at });
        params["page"] = (all.len() / PER_PAGE + 1).to_string().into();
        params["per_page"] = PER_PAGE.to_string().into();
        let answer = node.ask("validators", params)?;
        let mut some: Vec<tendermint::validator::Info> = field(&answer, "/validators")?;
        for (k, v) in some.iter_mut().enumerate() {
            // The library leaves it out when it reads.
            let priority = field::<String>(&answer, &format!("/validators/{k}/proposer_priority"));
            v.proposer_priority = priority.ok().and_then(|p| p.parse::<i64>().ok()).unwrap_or(0).into();
        }
        let number = |pointer| field::<String>(&answer, pointer).map(|n| n.parse::<i64>().unwrap_or(0));
        (total, found_at) = (usize::try_from(number("/total")?).unwrap_or(0), number("/block_height")?);
        if some.is_empty() {
            break;
        }
        all.extend(some);
    }
    let limit = if page.limit == 0 { PER_PAGE } else { usize::try_from(page.limit).unwrap_or(PER_PAGE) };
    let shown = all.iter().skip(usize::try_from(page.offset).unwrap_or(usize::MAX)).take(limit.min(PER_PAGE));
    let validators = shown
        .map(|v| {
            let address = zektra_modules::address::Address::new(v.address.as_bytes().to_vec());
            let key = PubKey { key: v.pub_key.to_bytes().into() };
            Validator {
                address: address.map(|a| query.prefix.consensus_text(&a)).unwrap_or_default(),
                pub_key: Some(Any { type_url: "/cosmos.crypto.ed25519.PubKey".into(), value: key.encode_to_vec() }),
                voting_power: i64::from(v.power),
                proposer_priority: v.proposer_priority.value(),
            }
        })
        .collect();
    let pagination = PageResponse { next_key: Default::default(), total: all.len() as u64 };
    Ok((found_at, validators, Some(pagination)))
}

fn node_info(node: &Node) -> Result<GetNodeInfoResponse, QueryError> {
    let status = node.ask("status", json!({}))?;
    let text = |name: &str| field::<String>(&status, &format!("/node_info/{name}")).unwrap_or_default();
    let number = |name: &str| text(&format!("protocol_version/{name}")).parse().unwrap_or(0);
    let build = |path: &str, version: &str| Module { path: path.into(), version: version.into(), sum: String::new() };
    Ok(GetNodeInfoResponse {
        default_node_info: Some(DefaultNodeInfo {
            protocol_version: Some(ProtocolVersion { p2p: number("p2p"), block: number("block"), app: number("app") }),
            default_node_id: text("id"),
            listen_addr: text("listen_addr"),
            network: text("network"),
            version: text("version"),
            channels: hex::decode(text("channels")).unwrap_or_default(),
            moniker: text("moniker"),
            other: Some(DefaultNodeInfoOther {
                tx_index: text("other/tx_index"),
                rpc_address: text("other/rpc_address"),
            }),
        }),
        application_version: Some(VersionInfo {
            name: crate::abci::NAME.into(),
            app_name: "zektrad".into(),
            version: env!("CARGO_PKG_VERSION").into(),
            // What relayers look up to know which interfaces to use.
            build_deps: vec![
                build("github.com/cometbft/cometbft", &format!("v{COMETBFT_VERSION}")),
                build("github.com/cosmos/cosmos-sdk", COSMOS_SDK_VERSION),
            ],
            cosmos_sdk_version: COSMOS_SDK_VERSION.into(),
            ..VersionInfo::default()
        }),
    })
}

fn abci_query(node: &Node, request: AbciQueryRequest) -> Result<AbciQueryResponse, QueryError> {
    use tendermint_abci::Application as _;
    // Only the store: services have their own routes, and could ask themselves for ever.
    if !request.path.starts_with("/store/") {
        return Err(Code::InvalidArgument.error(format!("path {}: expected /store/<name>/key", request.path)));
    }
    let AbciQueryRequest { data, path, height, prove } = request;
    let answer = node.app()?.query(RequestQuery { data, path, height, prove });
    let op = |o: zektra_proto::tendermint::crypto::ProofOp| ProofOp {
        r#type: o.r#type,
        key: o.key.into(),
        data: o.data.into(),
    };
    Ok(AbciQueryResponse {
        code: answer.code,
        log: answer.log,
        info: answer.info,
        index: answer.index,
        key: answer.key,
        value: answer.value,
        proof_ops: answer.proof_ops.map(|ops| ProofOps { ops: ops.ops.into_iter().map(op).collect() }),
        height: answer.height,
        codespace: answer.codespace,
    })
}
