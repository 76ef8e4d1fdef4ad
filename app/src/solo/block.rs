//! Blocks as CometBFT makes them: headers, hashes and a validator's signature, so that its light clients accept them.

use super::validators::{Sets, Validators};
use base64::Engine as _;
use ed25519_consensus::SigningKey;
use prost::Message as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tendermint::account;
use tendermint::block::{self, Commit, CommitSig, Header, Round, parts};
use tendermint::hash::{AppHash, Hash};
use tendermint::merkle::{self, MerkleHash as _};
use tendermint::vote::{self, Vote};
use tendermint::{Block, PublicKey, Signature, Time, chain};
use zektra_proto::tendermint::abci::ExecTxResult;
use zektra_proto::tendermint::types::{Block as RawBlock, ConsensusParams, HashedParams};

/// The version of CometBFT's block format.
pub const BLOCK_PROTOCOL: u64 = 11;
/// Bytes of a part of a block.
const PART: usize = 65_536;

/// Something that is no block of this chain.
#[derive(Debug, thiserror::Error)]
#[error("a block cannot be made: {0}")]
pub struct BlockError(pub String);

impl BlockError {
    fn of(e: impl ToString) -> Self {
        Self(e.to_string())
    }
}

/// The validator that makes a solo chain's blocks.
#[derive(Clone)]
pub struct Signer {
    key: SigningKey,
    public: PublicKey,
    address: account::Id,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({})", self.address)
    }
}

impl Signer {
    /// The validator of a key.
    pub fn new(key: SigningKey) -> Self {
        let public = PublicKey::from_ed25519_consensus(key.verification_key());
        Self { key, public, address: account::Id::from(public) }
    }

    /// Its address.
    pub fn address(&self) -> account::Id {
        self.address
    }

    /// Its key.
    pub fn public(&self) -> PublicKey {
        self.public
    }

    /// Signs a block of these validators: the commit that makes it final, in which all others are absent.
    ///
    /// # Errors
    /// It is none of them.
    pub fn commit(&self, block: &Block, id: block::Id, validators: &Validators) -> Result<Commit, BlockError> {
        let header = &block.header;
        let stranger = || BlockError(format!("{} is no validator", self.address));
        let place = validators.place(&self.address).ok_or_else(stranger)?;
        let vote = Vote {
            vote_type: vote::Type::Precommit,
            height: header.height,
            round: Round::default(),
            block_id: Some(id),
            timestamp: Some(header.time),
            validator_address: self.address(),
            validator_index: vote::ValidatorIndex::try_from(place).map_err(BlockError::of)?,
            signature: None,
            extension: vec![],
            extension_signature: None,
        };
        let bytes = vote.into_signable_vec(header.chain_id.clone());
        let signature = Signature::try_from(&self.key.sign(&bytes).to_bytes()[..]).map_err(BlockError::of)?;
        let sig = CommitSig::BlockIdFlagCommit {
            validator_address: self.address(),
            timestamp: header.time,
            signature: Some(signature),
        };
        let mut signatures = vec![CommitSig::BlockIdFlagAbsent; validators.all().len()];
        signatures[place] = sig;
        Ok(Commit { height: header.height, round: Round::default(), block_id: id, signatures })
    }
}

/// What a block stands on.
#[derive(Clone, Debug)]
pub struct Parent {
    /// Its id; `None` before the first block.
    pub id: Option<block::Id>,
    /// Its commit.
    pub commit: Option<Commit>,
    /// The state after it.
    pub app_hash: Vec<u8>,
    /// The root of its results.
    pub results_hash: Hash,
}

fn root(leaves: &[impl AsRef<[u8]>]) -> Hash {
    Hash::Sha256(merkle::simple_hash_from_byte_vectors::<Sha256>(leaves))
}

/// The root of no leaves.
pub fn empty_root() -> Hash {
    Hash::Sha256(Sha256::default().empty_hash())
}

/// The root of a block's results: what of them is the same on all nodes.
pub fn results_hash(results: &[ExecTxResult]) -> Hash {
    let leaves: Vec<Vec<u8>> = results
        .iter()
        .map(|r| {
            let same = ExecTxResult {
                code: r.code,
                data: r.data.clone(),
                gas_wanted: r.gas_wanted,
                gas_used: r.gas_used,
                ..ExecTxResult::default()
            };
            same.encode_to_vec()
        })
        .collect();
    root(&leaves)
}

/// The root of a block's transactions.
pub fn data_hash(txs: &[Vec<u8>]) -> Hash {
    root(&txs.iter().map(Sha256::digest).collect::<Vec<_>>())
}

/// That a transaction is in a block, as CometBFT's RPC has it.
pub fn tx_proof(txs: &[Vec<u8>], index: u32) -> Value {
    let leaves: Vec<_> = txs.iter().map(|t| Sha256::digest(t).to_vec()).collect();
    let place = usize::try_from(index).unwrap_or(usize::MAX);
    let (Some(tx), Some(leaf)) = (txs.get(place), leaves.get(place)) else { return Value::Null };
    let base64 = |bytes: &[u8]| base64::engine::general_purpose::STANDARD.encode(bytes);
    let aunts: Vec<_> = aunts(&leaves, place).iter().map(|a| base64(a)).collect();
    let proof = json!({
        "total": txs.len().to_string(),
        "index": index.to_string(),
        "leaf_hash": base64(&Sha256::default().leaf_hash(leaf)),
        "aunts": aunts,
    });
    json!({"root_hash": root(&leaves), "data": base64(tx), "proof": proof})
}

/// The roots beside the path from a leaf to the root, from below (RFC 6962).
fn aunts(leaves: &[Vec<u8>], place: usize) -> Vec<merkle::Hash> {
    if leaves.len() <= 1 {
        return vec![];
    }
    let (left, right) = leaves.split_at(leaves.len().next_power_of_two() / 2);
    let (mut out, other) =
        if place < left.len() { (aunts(left, place), right) } else { (aunts(right, place - left.len()), left) };
    out.push(merkle::simple_hash_from_byte_vectors::<Sha256>(other));
    out
}

fn consensus_hash(params: &ConsensusParams) -> Hash {
    let block = params.block.unwrap_or_default();
    let hashed = HashedParams { block_max_bytes: block.max_bytes, block_max_gas: block.max_gas };
    Hash::Sha256(Sha256::digest(hashed.encode_to_vec()).into())
}

/// What a block holds besides what follows from its parent.
#[derive(Clone, Debug)]
pub struct Content<'a> {
    /// The chain's id.
    pub chain_id: &'a chain::Id,
    /// The block's height.
    pub height: u64,
    /// The block's time.
    pub time: Time,
    /// The parameters of consensus.
    pub params: &'a ConsensusParams,
    /// The version of the state machine.
    pub app_version: u64,
    /// The transactions.
    pub txs: Vec<Vec<u8>>,
}

/// Makes the block after `parent`.
///
/// # Errors
/// A height or hash of another form.
pub(super) fn make(content: Content<'_>, parent: &Parent, sets: &Sets, signer: &Signer) -> Result<Block, BlockError> {
    let Content { chain_id, height, time, params, app_version, txs } = content;
    let signatures: Vec<Vec<u8>> = parent
        .commit
        .iter()
        .flat_map(|c| &c.signatures)
        .map(|sig| zektra_proto::tendermint::types::CommitSig::from(sig.clone()).encode_to_vec())
        .collect();
    let header = Header {
        version: block::header::Version { block: BLOCK_PROTOCOL, app: app_version },
        chain_id: chain_id.clone(),
        height: block::Height::try_from(height).map_err(BlockError::of)?,
        time,
        last_block_id: parent.id,
        last_commit_hash: Some(root(&signatures)),
        data_hash: Some(data_hash(&txs)),
        validators_hash: sets.now.hash(),
        next_validators_hash: sets.next.hash(),
        consensus_hash: consensus_hash(params),
        app_hash: AppHash::try_from(parent.app_hash.clone()).map_err(BlockError::of)?,
        last_results_hash: Some(parent.results_hash),
        evidence_hash: Some(empty_root()),
        proposer_address: signer.address(),
    };
    Ok(Block::new(header, txs, tendermint::evidence::List::default(), parent.commit.clone()))
}

/// A block's id: the hash of its header, and the root of its parts.
///
/// # Errors
/// A block of more parts than can be counted.
pub fn id(block: &Block) -> Result<block::Id, BlockError> {
    let bytes = RawBlock::from(block.clone()).encode_to_vec();
    let parts: Vec<&[u8]> = bytes.chunks(PART).collect();
    let total = u32::try_from(parts.len()).map_err(BlockError::of)?;
    let part_set_header = parts::Header::new(total, root(&parts)).map_err(BlockError::of)?;
    Ok(block::Id { hash: block.header.hash(), part_set_header })
}
