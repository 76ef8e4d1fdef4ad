//! Proposals of the older form, whose content is text or named what to do: text is kept, all else has become messages.

use super::error::Gov;
use crate::error::TxError;
use crate::query::{Code, QueryError};
use prost::{Message as _, Name as _};
use zektra_proto::cosmos::gov::{v1, v1beta1};
use zektra_proto::{Any, Timestamp};

const MAX_TITLE: usize = 140;
const MAX_DESCRIPTION: usize = 10_000;

/// Whether an `Any` holds a message of a type.
fn is<M: prost::Name>(any: &Any) -> bool {
    any.type_url.trim_start_matches('/') == M::full_name()
}

/// Where contents that are messages today were handled.
fn route(any: &Any) -> &str {
    match any.type_url.trim_start_matches('/') {
        "cosmos.distribution.v1beta1.CommunityPoolSpendProposal"
        | "cosmos.distribution.v1beta1.CommunityPoolSpendProposalWithDeposit" => "distribution",
        "cosmos.params.v1beta1.ParameterChangeProposal" => "params",
        "cosmos.upgrade.v1beta1.SoftwareUpgradeProposal" | "cosmos.upgrade.v1beta1.CancelSoftwareUpgradeProposal" => {
            "upgrade"
        }
        _ => &any.type_url,
    }
}

/// Reads a content, which is text.
pub(super) fn text(content: Option<&Any>) -> Result<v1beta1::TextProposal, TxError> {
    let content = content.ok_or_else(|| Gov::InvalidProposalContent.wrap("missing content"))?;
    if !is::<v1beta1::TextProposal>(content) {
        return Err(Gov::NoProposalHandlerExists.wrap(route(content)));
    }
    v1beta1::TextProposal::decode(&content.value[..]).map_err(|e| Gov::InvalidProposalContent.wrap(e))
}

/// Refuses a text without title or description, or with too long ones.
pub(super) fn check(text: &v1beta1::TextProposal) -> Result<(), TxError> {
    let wrong = |what: String| Err(Gov::InvalidProposalContent.wrap(what));
    if text.title.trim().is_empty() {
        return wrong("proposal title cannot be blank".into());
    }
    if text.title.len() > MAX_TITLE {
        return wrong(format!("proposal title is longer than max length of {MAX_TITLE}"));
    }
    if text.description.is_empty() {
        return wrong("proposal description cannot be blank".into());
    }
    if text.description.len() > MAX_DESCRIPTION {
        return wrong(format!("proposal description is longer than max length of {MAX_DESCRIPTION}"));
    }
    Ok(())
}

/// Refuses a message that is to carry out a content of the older form which nothing carries out.
pub(super) fn demand_content(any: &Any) -> Result<(), TxError> {
    if !is::<v1::MsgExecLegacyContent>(any) {
        return Ok(());
    }
    let msg = v1::MsgExecLegacyContent::decode(&any.value[..]).map_err(|e| Gov::InvalidProposalContent.wrap(e))?;
    text(msg.content.as_ref()).map(drop)
}

/// A content as the message that stands for it.
pub(super) fn as_message(content: Any, authority: String) -> Any {
    let msg = v1::MsgExecLegacyContent { content: Some(content), authority };
    Any { type_url: format!("/{}", v1::MsgExecLegacyContent::full_name()), value: msg.encode_to_vec() }
}

/// What the older form shows of a proposal: its content, or the one message itself, or its texts if there is none.
fn content(proposal: &v1::Proposal) -> Result<Any, QueryError> {
    match &proposal.messages[..] {
        [] => {
            let (title, description) = (proposal.title.clone(), proposal.summary.clone());
            let text = v1beta1::TextProposal { title, description };
            let type_url = format!("/{}", v1beta1::TextProposal::full_name());
            Ok(Any { type_url, value: text.encode_to_vec() })
        }
        [any] if is::<v1::MsgExecLegacyContent>(any) => {
            let msg = v1::MsgExecLegacyContent::decode(&any.value[..]).map_err(|e| Code::Internal.error(e))?;
            Ok(msg.content.unwrap_or_default())
        }
        [any] => Ok(any.clone()),
        _ => Err(Code::Unknown.error(
            "can't convert a gov/v1 Proposal to gov/v1beta1 Proposal when amount of proposal messages not exactly one: \
             invalid type",
        )),
    }
}

/// A proposal in the older form.
pub(super) fn proposal(proposal: &v1::Proposal) -> Result<v1beta1::Proposal, QueryError> {
    // Times that are not set were Go's zero.
    let time = |time: Option<Timestamp>| Some(time.unwrap_or(Timestamp { seconds: -62_135_596_800, nanos: 0 }));
    Ok(v1beta1::Proposal {
        proposal_id: proposal.id,
        content: Some(content(proposal)?),
        status: proposal.status,
        final_tally_result: Some(tally(proposal.final_tally_result.clone().unwrap_or_default())),
        submit_time: time(proposal.submit_time),
        deposit_end_time: time(proposal.deposit_end_time),
        total_deposit: proposal.total_deposit.clone(),
        voting_start_time: time(proposal.voting_start_time),
        voting_end_time: time(proposal.voting_end_time),
    })
}

/// A tally in the older form.
pub(super) fn tally(tally: v1::TallyResult) -> v1beta1::TallyResult {
    let v1::TallyResult { yes_count, abstain_count, no_count, no_with_veto_count } = tally;
    v1beta1::TallyResult { yes: yes_count, abstain: abstain_count, no: no_count, no_with_veto: no_with_veto_count }
}

/// A deposit in the older form.
pub(super) fn deposit(deposit: v1::Deposit) -> v1beta1::Deposit {
    let v1::Deposit { proposal_id, depositor, amount } = deposit;
    v1beta1::Deposit { proposal_id, depositor, amount }
}
