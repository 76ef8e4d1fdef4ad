//! `zektra tx gov submit-proposal | vote | weighted-vote`, and what `zektra tx upgrade` proposes.

use super::own::{Made, Own, Signer, any, checked_decimal, of_json};
use crate::cli::chain::enums;
use crate::cli::chain::fields::coin;
use crate::cli::chain::settings::Bech;
use anyhow::{Context as _, Result};
use clap::Args;
use prost_reflect::EnumDescriptor;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::path::PathBuf;
use zektra_agents::chain::amounts;
use zektra_agents::files;
use zektra_agents::rejected::Rejected;
use zektra_proto::cosmos::gov::v1::{MsgVote, MsgVoteWeighted, VoteOption, WeightedVoteOption};
use zektra_proto::json::pool;

const SUBMIT: &str = "cosmos.gov.v1.MsgSubmitProposal";

/// `submit-proposal`.
#[derive(Args, Debug)]
pub struct Submit {
    /// JSON with messages, metadata, deposit (as 10000000uzektra), title, summary and expedited.
    file: PathBuf,
}

/// The file of `submit-proposal`, as the SDK's command takes it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct File {
    messages: Vec<Value>,
    metadata: String,
    deposit: String,
    title: String,
    summary: String,
    expedited: bool,
}

impl Own for Submit {
    fn make(self, from: Signer<'_>) -> Result<Made> {
        let file: File =
            serde_json::from_slice(&files::read(&self.file)?).with_context(|| self.file.display().to_string())?;
        let deposit = amounts::coins(&file.deposit)?.iter().map(coin).collect::<Vec<_>>();
        let message = json!({
            "messages": file.messages, "initial_deposit": deposit, "proposer": from.account()?,
            "metadata": file.metadata, "title": file.title, "summary": file.summary, "expedited": file.expedited,
        });
        let message = of_json(SUBMIT, &message).with_context(|| self.file.display().to_string())?;
        from.sign(vec![message])
    }
}

fn options() -> Result<EnumDescriptor> {
    pool().get_enum_by_name("cosmos.gov.v1.VoteOption").context("the types of governance are compiled in")
}

fn option(text: &str) -> Result<i32> {
    let options = options()?;
    let wrong = || Rejected::Input(format!("vote {text:?}: expected {}", enums::known(&options)));
    let name = enums::find(&options, text.trim()).ok_or_else(wrong)?;
    let option = VoteOption::from_str_name(&name).filter(|option| *option != VoteOption::Unspecified);
    Ok(option.ok_or_else(wrong)? as i32)
}

/// `vote`.
#[derive(Args, Debug)]
pub struct Vote {
    /// The proposal.
    proposal_id: u64,
    /// yes, no, abstain or no_with_veto.
    option: String,
    /// A text that everybody can read.
    #[arg(long, default_value = "", hide_default_value = true)]
    metadata: String,
}

impl Own for Vote {
    fn make(self, from: Signer<'_>) -> Result<Made> {
        let Self { proposal_id, option: said, metadata } = self;
        from.sign(vec![any(&MsgVote { proposal_id, voter: from.account()?, option: option(&said)?, metadata })])
    }
}

/// `weighted-vote`.
#[derive(Args, Debug)]
pub struct WeightedVote {
    /// The proposal.
    proposal_id: u64,
    /// Shares that make one together, as yes=0.6,no=0.4.
    options: String,
    /// A text that everybody can read.
    #[arg(long, default_value = "", hide_default_value = true)]
    metadata: String,
}

impl Own for WeightedVote {
    fn make(self, from: Signer<'_>) -> Result<Made> {
        let Self { proposal_id, options: said, metadata } = self;
        let options = said.split(',').map(|part| {
            let wrong = || Rejected::Input(format!("votes {said:?}: expected shares, as yes=0.6,no=0.4"));
            let (text, weight) = part.split_once('=').ok_or_else(wrong)?;
            Ok(WeightedVoteOption { option: option(text)?, weight: checked_decimal("weight", weight.trim())? })
        });
        let options = options.collect::<Result<Vec<_>>>()?;
        from.sign(vec![any(&MsgVoteWeighted { proposal_id, voter: from.account()?, options, metadata })])
    }
}

/// What a proposal says of itself.
#[derive(Args, Debug)]
struct Proposal {
    /// The proposal's title.
    #[arg(long, value_name = "TEXT")]
    title: String,
    /// What it is about.
    #[arg(long, value_name = "TEXT")]
    summary: String,
    /// What is paid in at once, as 10000000uzektra.
    #[arg(long, value_name = "COINS")]
    deposit: String,
    /// Another text that everybody can read.
    #[arg(long, default_value = "", hide_default_value = true)]
    metadata: String,
    /// Vote in less time, with a larger majority.
    #[arg(long)]
    expedited: bool,
}

impl Proposal {
    /// A proposal of a message that governance signs.
    fn of(self, from: Signer<'_>, message: impl FnOnce(&str) -> Value) -> Result<Made> {
        let governance = Bech::Account.encode(&from.settings.prefix, &Sha256::digest("gov")[..20])?;
        let deposit = amounts::coins(&self.deposit)?.iter().map(coin).collect::<Vec<_>>();
        let message = json!({
            "messages": [message(&governance)], "initial_deposit": deposit, "proposer": from.account()?,
            "metadata": self.metadata, "title": self.title, "summary": self.summary, "expedited": self.expedited,
        });
        from.sign(vec![of_json(SUBMIT, &message)?])
    }
}

/// `software-upgrade`.
#[derive(Args, Debug)]
pub struct Upgrade {
    /// The upgrade's name, which the new program knows.
    name: String,
    /// The first height of the new program.
    #[arg(long, value_name = "HEIGHT")]
    upgrade_height: i64,
    /// Where the new program is, or what else operators should know.
    #[arg(long, default_value = "", hide_default_value = true)]
    upgrade_info: String,
    #[command(flatten)]
    proposal: Proposal,
}

/// Says so if the chain is past the height already: the deposit is paid all the same.
fn warn_of_past(from: Signer<'_>, height: i64) {
    if from.offline {
        return;
    }
    // Whoever cannot be asked now is asked again later, if anybody must be.
    let Ok(status) = from.settings.client().rpc("status", json!({})) else { return };
    let last = status["sync_info"]["latest_block_height"].as_str().and_then(|h| h.parse::<i64>().ok());
    if let Some(last) = last.filter(|last| *last >= height) {
        eprintln!(
            "warning: --upgrade-height {height}: the chain is at {last} already, such a plan is refused when it passes"
        );
    }
}

impl Own for Upgrade {
    fn make(self, from: Signer<'_>) -> Result<Made> {
        let Self { name, upgrade_height, upgrade_info, proposal } = self;
        warn_of_past(from, upgrade_height);
        // No time, as Go writes it.
        let plan = json!({
            "name": name, "time": "0001-01-01T00:00:00Z", "height": upgrade_height.to_string(), "info": upgrade_info,
        });
        proposal.of(from, |authority| {
            json!({"@type": "/cosmos.upgrade.v1beta1.MsgSoftwareUpgrade", "authority": authority, "plan": plan})
        })
    }
}

/// `cancel-software-upgrade`.
#[derive(Args, Debug)]
pub struct CancelUpgrade {
    #[command(flatten)]
    proposal: Proposal,
}

impl Own for CancelUpgrade {
    fn make(self, from: Signer<'_>) -> Result<Made> {
        let kind = "/cosmos.upgrade.v1beta1.MsgCancelUpgrade";
        self.proposal.of(from, |authority| json!({"@type": kind, "authority": authority}))
    }
}
