//! ABCI 2.0, one file a method.
//!
//! CometBFT opens four connections. The one for consensus owns the block that is worked on; the others see the last
//! committed state. An error in a consensus call stops the process: whoever goes on after it could disagree with the
//! other validators. Where the chain waits for another program, or its genesis file is refused, CometBFT is told so, and
//! the node ends in order.

mod check_tx;
pub(crate) mod commit;
mod extend_vote;
pub(crate) mod finalize_block;
mod info;
pub(crate) mod init_chain;
mod prepare_proposal;
mod process_proposal;
mod query;
mod verify_vote_extension;

pub use info::NAME;

use crate::app::{App, AppError};
use crate::snapshots;
use tendermint_abci::Application;
use zektra_proto::Timestamp;
use zektra_proto::tendermint::abci::{
    RequestApplySnapshotChunk, RequestCheckTx, RequestExtendVote, RequestFinalizeBlock, RequestInfo, RequestInitChain,
    RequestLoadSnapshotChunk, RequestOfferSnapshot, RequestPrepareProposal, RequestProcessProposal, RequestQuery,
    RequestVerifyVoteExtension, ResponseApplySnapshotChunk, ResponseCheckTx, ResponseCommit, ResponseExtendVote,
    ResponseFinalizeBlock, ResponseInfo, ResponseInitChain, ResponseListSnapshots, ResponseLoadSnapshotChunk,
    ResponseOfferSnapshot, ResponsePrepareProposal, ResponseProcessProposal, ResponseQuery,
    ResponseVerifyVoteExtension,
};

/// Stops where nothing can be answered: the connection's thread panics, and the server ends the process.
fn must<T, E: std::fmt::Display>(call: &str, result: Result<T, E>) -> T {
    match result {
        Ok(value) => value,
        Err(e) => panic!("{call}: {e}"),
    }
}

/// What a call unwinds with, past all who report panics, when the node ends in order: why.
#[derive(Debug)]
pub(crate) struct Halt(pub String);

/// Ends the node in order: CometBFT is told why.
fn end(app: &App, why: AppError) -> ! {
    let said = why.to_string();
    app.end(why);
    std::panic::resume_unwind(Box::new(Halt(said)))
}

/// A time as CometBFT sends it.
fn time(sent: Option<tendermint_proto::google::protobuf::Timestamp>) -> Timestamp {
    sent.map_or_else(Timestamp::default, |t| Timestamp { seconds: t.seconds, nanos: t.nanos })
}

/// A height as CometBFT sends it.
fn height(sent: i64) -> Result<u64, AppError> {
    u64::try_from(sent).map_err(|_| AppError::Order(format!("height {sent}")))
}

impl Application for App {
    fn info(&self, request: RequestInfo) -> ResponseInfo {
        info::info(self, &request)
    }

    fn init_chain(&self, request: RequestInitChain) -> ResponseInitChain {
        match init_chain::init_chain(self, request) {
            // No fault of the application, and nothing has begun that others could disagree with.
            Err(refused) if refused.is_of_genesis() => end(self, refused),
            done => must("init_chain", done),
        }
    }

    fn query(&self, request: RequestQuery) -> ResponseQuery {
        query::query(self, &request)
    }

    fn check_tx(&self, request: RequestCheckTx) -> ResponseCheckTx {
        must("check_tx", check_tx::check_tx(self, &request))
    }

    fn prepare_proposal(&self, request: RequestPrepareProposal) -> ResponsePrepareProposal {
        must("prepare_proposal", prepare_proposal::prepare_proposal(self, request))
    }

    fn process_proposal(&self, request: RequestProcessProposal) -> ResponseProcessProposal {
        must("process_proposal", process_proposal::process_proposal(self, request))
    }

    fn extend_vote(&self, _request: RequestExtendVote) -> ResponseExtendVote {
        extend_vote::extend_vote()
    }

    fn verify_vote_extension(&self, request: RequestVerifyVoteExtension) -> ResponseVerifyVoteExtension {
        verify_vote_extension::verify_vote_extension(&request)
    }

    fn finalize_block(&self, request: RequestFinalizeBlock) -> ResponseFinalizeBlock {
        match finalize_block::finalize_block(self, request) {
            Err(halt @ AppError::Halt(_)) => end(self, halt),
            done => must("finalize_block", done),
        }
    }

    fn commit(&self) -> ResponseCommit {
        must("commit", commit::commit(self))
    }

    fn list_snapshots(&self) -> ResponseListSnapshots {
        ResponseListSnapshots { snapshots: snapshots::list(self) }
    }

    fn load_snapshot_chunk(&self, request: RequestLoadSnapshotChunk) -> ResponseLoadSnapshotChunk {
        ResponseLoadSnapshotChunk { chunk: snapshots::load(self, &request).into() }
    }

    fn offer_snapshot(&self, request: RequestOfferSnapshot) -> ResponseOfferSnapshot {
        ResponseOfferSnapshot { result: must("offer_snapshot", snapshots::offer(self, &request)) as i32 }
    }

    fn apply_snapshot_chunk(&self, request: RequestApplySnapshotChunk) -> ResponseApplySnapshotChunk {
        must("apply_snapshot_chunk", snapshots::apply(self, request))
    }
}
