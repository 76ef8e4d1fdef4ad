//! Messages of the older form: each is one of the newer.

use crate::address::Prefix;
use crate::authority::authority;
use crate::coin::Coins;
use crate::context::Context;
use crate::decimal::Dec;
use crate::error::TxError;
use crate::gov::error::Gov;
use crate::gov::{legacy, vote};
use crate::module::Handler;
use zektra_proto::cosmos::gov::v1;
use zektra_proto::cosmos::gov::v1beta1::{
    MsgDeposit, MsgDepositResponse, MsgSubmitProposal, MsgSubmitProposalResponse, MsgVote, MsgVoteResponse,
    MsgVoteWeighted, MsgVoteWeightedResponse, WeightedVoteOption,
};

impl Handler for MsgSubmitProposal {
    type Response = MsgSubmitProposalResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.proposer]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.proposer).map_err(|e| e.within("invalid proposer address"))?;
        legacy::check(&legacy::text(self.content.as_ref())?)?;
        if !self.initial_deposit.is_empty() {
            Coins::positive(&self.initial_deposit)?;
        }
        Ok(())
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgSubmitProposalResponse, TxError> {
        let text = legacy::text(self.content.as_ref())?;
        legacy::check(&text)?;
        let content = legacy::as_message(self.content.unwrap_or_default(), ctx.text(&authority()));
        let newer = v1::MsgSubmitProposal {
            messages: vec![content],
            initial_deposit: self.initial_deposit,
            proposer: self.proposer,
            metadata: String::new(),
            title: text.title,
            summary: text.description,
            expedited: false,
        };
        Ok(MsgSubmitProposalResponse { proposal_id: newer.handle(ctx)?.proposal_id })
    }
}

impl Handler for MsgDeposit {
    type Response = MsgDepositResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.depositor]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.depositor).map_err(|e| e.within("invalid depositor address"))?;
        Coins::positive(&self.amount)?;
        Ok(())
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgDepositResponse, TxError> {
        let Self { proposal_id, depositor, amount } = self;
        v1::MsgDeposit { proposal_id, depositor, amount }.handle(ctx)?;
        Ok(MsgDepositResponse {})
    }
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

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgVoteResponse, TxError> {
        let Self { proposal_id, voter, option } = self;
        v1::MsgVote { proposal_id, voter, option, metadata: String::new() }.handle(ctx)?;
        Ok(MsgVoteResponse {})
    }
}

/// Options whose weights are texts with a point, as the newer form has them.
fn newer(options: &[WeightedVoteOption]) -> Result<Vec<v1::WeightedVoteOption>, TxError> {
    let each = |o: &WeightedVoteOption| {
        let weight = Dec::read(&o.weight).map_err(|e| Gov::InvalidVote.wrap(e))?;
        Ok(v1::WeightedVoteOption { option: o.option, weight: weight.to_string() })
    };
    options.iter().map(each).collect()
}

impl Handler for MsgVoteWeighted {
    type Response = MsgVoteWeightedResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.voter]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.voter).map_err(|e| e.within("invalid voter address"))?;
        vote::check_options(&newer(&self.options)?)
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgVoteWeightedResponse, TxError> {
        let options = newer(&self.options)?;
        let Self { proposal_id, voter, .. } = self;
        v1::MsgVoteWeighted { proposal_id, voter, options, metadata: String::new() }.handle(ctx)?;
        Ok(MsgVoteWeightedResponse {})
    }
}
