//! Executes a decided block; nothing is written yet.

use super::{height, time};
use crate::app::{APP_VERSION, App, AppError};
use zektra_modules::address::Address;
use zektra_modules::context::{Block, Vote};
use zektra_proto::tendermint::abci::{CommitInfo, RequestFinalizeBlock, ResponseFinalizeBlock};
use zektra_proto::tendermint::types::{BlockIdFlag, ConsensusParams, VersionParams};

pub fn finalize_block(app: &App, request: RequestFinalizeBlock) -> Result<ResponseFinalizeBlock, AppError> {
    let block = Block {
        chain_id: app.known()?.chain_id,
        height: height(request.height)?,
        time: time(request.time),
        hash: request.hash.to_vec(),
        proposer: request.proposer_address.to_vec(),
        votes: request.decided_last_commit.map_or(Ok(vec![]), |commit| votes(&commit))?,
        misbehavior: request.misbehavior,
        ..Block::default()
    };
    let done = app.execute(block, &request.txs)?;
    // CometBFT would take a version that is left out for 0, and write that into its headers.
    let version = Some(VersionParams { app: APP_VERSION });
    let params = done.params.map(|params| ConsensusParams { version, ..params });
    Ok(ResponseFinalizeBlock {
        events: done.events,
        tx_results: done.results,
        validator_updates: done.validators,
        consensus_param_updates: params,
        app_hash: done.root.into(),
    })
}

/// Who signed the block before, and who did not.
fn votes(commit: &CommitInfo) -> Result<Vec<Vote>, AppError> {
    let wrong = |what: String| AppError::Order(format!("the last commit: {what}"));
    let vote = |info: &zektra_proto::tendermint::abci::VoteInfo| {
        let validator = info.validator.clone().unwrap_or_default();
        let address = Address::new(validator.address.to_vec()).map_err(|e| wrong(e.to_string()))?;
        let power = u64::try_from(validator.power).map_err(|_| wrong(format!("a power of {}", validator.power)))?;
        // A vote for no block was there too.
        let signed = info.block_id_flag != BlockIdFlag::Absent as i32;
        Ok(Vote { validator: address, power, signed })
    };
    commit.votes.iter().map(vote).collect()
}
