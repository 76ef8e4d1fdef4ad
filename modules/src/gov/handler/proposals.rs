//! Proposals and deposits on them.

use crate::address::Prefix;
use crate::authority::authority;
use crate::coin::Coins;
use crate::context::Context;
use crate::error::{Sdk, TxError};
use crate::gov::error::Gov;
use crate::gov::keys;
use crate::gov::{deposit, legacy, proposal};
use crate::module::Handler;
use serde_json::Value;
use zektra_proto::cosmos::gov::v1::{
    MsgCancelProposal, MsgCancelProposalResponse, MsgDeposit, MsgDepositResponse, MsgExecLegacyContent,
    MsgExecLegacyContentResponse, MsgSubmitProposal, MsgSubmitProposalResponse,
};

/// Refuses metadata of the recommended form that tell another title or summary than the proposal's.
fn check_metadata(msg: &MsgSubmitProposal) -> Result<(), TxError> {
    // Metadata of any other form are nobody's business.
    let Ok(Value::Object(fields)) = serde_json::from_str(&msg.metadata) else { return Ok(()) };
    let text = |name: &str| match fields.get(name) {
        None | Some(Value::Null) => Some(""),
        Some(value) => value.as_str(),
    };
    let texts = ["title", "summary", "details", "proposal_forum_url", "vote_option_context"].map(text);
    let [Some(title), Some(summary), Some(_), Some(_), Some(_)] = texts else { return Ok(()) };
    let authors = match fields.get("authors") {
        None | Some(Value::Null) => true,
        Some(Value::Array(list)) => list.iter().all(|v| v.is_string() || v.is_null()),
        Some(_) => false,
    };
    if !authors {
        return Ok(());
    }
    for (name, told, wanted) in [("title", title, &msg.title), ("summary", summary, &msg.summary)] {
        if told != wanted {
            let wrong = format!("metadata {name} '{told}' must equal proposal {name} '{wanted}'");
            return Err(Gov::InvalidProposalContent.wrap(wrong));
        }
    }
    Ok(())
}

impl Handler for MsgSubmitProposal {
    type Response = MsgSubmitProposalResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.proposer]
    }

    // The messages inside are checked when the proposal is taken in: so no message is checked inside another here, however
    // deep they are nested.
    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        if self.title.is_empty() {
            return Err(Sdk::InvalidRequest.wrap("proposal title cannot be empty"));
        }
        if self.summary.is_empty() {
            return Err(Sdk::InvalidRequest.wrap("proposal summary cannot be empty"));
        }
        prefix.parse(&self.proposer).map_err(|e| e.within("invalid proposer address"))?;
        if self.messages.is_empty() && self.metadata.is_empty() {
            return Err(Gov::NoProposalMsgs.wrap("either metadata or Msgs length must be non-nil"));
        }
        check_metadata(self)?;
        if !self.initial_deposit.is_empty() {
            Coins::positive(&self.initial_deposit)?;
        }
        Ok(())
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgSubmitProposalResponse, TxError> {
        Ok(MsgSubmitProposalResponse { proposal_id: proposal::submit(ctx, self)? })
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

    fn reads(&self, prefix: &Prefix) -> Vec<Vec<u8>> {
        let Ok(depositor) = prefix.parse(&self.depositor) else { return vec![] };
        vec![keys::proposal(self.proposal_id), keys::deposit(self.proposal_id, &depositor)]
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgDepositResponse, TxError> {
        let depositor = ctx.parse(&self.depositor)?;
        if deposit::add(ctx, self.proposal_id, &depositor, &Coins::positive(&self.amount)?)? {
            ctx.emit("proposal_deposit", [("voting_period_start", self.proposal_id.to_string())]);
        }
        Ok(MsgDepositResponse {})
    }
}

impl Handler for MsgCancelProposal {
    type Response = MsgCancelProposalResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.proposer]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.proposer).map_err(|e| e.within("invalid proposer address"))?;
        Ok(())
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgCancelProposalResponse, TxError> {
        let proposer = ctx.parse(&self.proposer)?;
        proposal::cancel(ctx, self.proposal_id, &proposer)?;
        Ok(MsgCancelProposalResponse {
            proposal_id: self.proposal_id,
            canceled_time: Some(ctx.block.time),
            canceled_height: ctx.block.height,
        })
    }
}

impl Handler for MsgExecLegacyContent {
    type Response = MsgExecLegacyContentResponse;

    fn signers(&self) -> Vec<&str> {
        vec![&self.authority]
    }

    fn check(&self, prefix: &Prefix) -> Result<(), TxError> {
        prefix.parse(&self.authority)?;
        Ok(())
    }

    fn handle(self, ctx: &mut Context<'_>) -> Result<MsgExecLegacyContentResponse, TxError> {
        let expected = ctx.text(&authority());
        if self.authority != expected {
            return Err(Gov::InvalidSigner.wrap(format!("expected {expected} got {}", self.authority)));
        }
        // Text says what it says: nothing is done.
        legacy::text(self.content.as_ref())?;
        Ok(MsgExecLegacyContentResponse {})
    }
}
