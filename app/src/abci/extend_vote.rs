//! What a validator adds to its vote: nothing yet.

use zektra_proto::tendermint::abci::ResponseExtendVote;

pub fn extend_vote() -> ResponseExtendVote {
    ResponseExtendVote::default()
}
