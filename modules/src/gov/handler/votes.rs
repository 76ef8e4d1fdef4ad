//! Votes.

use crate::address::Prefix;
use crate::context::Context;
use crate::error::TxError;
use crate::gov::{keys, vote};
use crate::module::Handler;
use zektra_proto::cosmos::gov::v1::{MsgVote, MsgVoteResponse, MsgVoteWeighted, MsgVoteWeightedResponse};

/// What a vote reads.
fn reads(prefix: &Prefix, id: u64, voter: &str) -> Vec<Vec<u8>> {
    let Ok(voter) = prefix.parse(voter) else { return vec![] };
    vec![keys::voting(id), keys::vote(id, &voter)]
}

impl Handler for MsgVote {
    type Response = MsgVoteResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.voter]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.voter).map_err(|e| e.within("invalid voter address"))?;
        vote::check_option(self.option)
    }

    fn reads(&self, prefix: &Prefix) -> Vec<Vec<u8>> {
        reads(prefix, self.proposal_id, &self.voter)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgVoteResponse, TxError> {
        let voter = ctx.parse(&self.voter)?;
        vote::cast(ctx, self.proposal_id, &voter, vote::whole(self.option), self.metadata)?;
        Ok(MsgVoteResponse {})
    }
}

impl Handler for MsgVoteWeighted {
    type Response = MsgVoteWeightedResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.voter]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.voter).map_err(|e| e.within("invalid voter address"))?;
        vote::check_options(&self.options)
    }

    fn reads(&self, prefix: &Prefix) -> Vec<Vec<u8>> {
        reads(prefix, self.proposal_id, &self.voter)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgVoteWeightedResponse, TxError> {
        let voter = ctx.parse(&self.voter)?;
        vote::cast(ctx, self.proposal_id, &voter, self.options, self.metadata)?;
        Ok(MsgVoteWeightedResponse {})
    }
}
