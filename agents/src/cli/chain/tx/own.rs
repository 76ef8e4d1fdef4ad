//! Commands that say more than a message's fields: each makes messages of its arguments.

use super::{bank, gov, grants, rewards, staking};
use crate::cli::chain::settings::{Bech, Settings};
use anyhow::Result;
use clap::{ArgMatches, Args, Command};
use prost::{Message, Name};
use serde_json::Value;
use zektra_agents::rejected::{Rejected, expect};
use zektra_proto::Any;
use zektra_proto::cosmos::base::v1beta1::Coin;
use zektra_proto::json::{self, decimal, scaled};

/// What a command wants to be signed.
#[derive(Debug)]
pub struct Made {
    /// The account that signs.
    pub signer: String,
    /// What it does.
    pub messages: Vec<Any>,
}

/// Who signs, and what is known of the chain.
#[derive(Clone, Copy, Debug)]
pub struct Signer<'a> {
    /// Keys and node.
    pub settings: &'a Settings,
    /// The key that signs.
    pub key: Option<&'a str>,
    /// Whether no node may be asked.
    pub offline: bool,
}

impl Signer<'_> {
    /// The account that signs.
    ///
    /// # Errors
    /// Nobody said, or neither an address nor the name of a key.
    pub fn account(&self) -> Result<String> {
        let missing = || Rejected::Input("--from: name the key that signs".into());
        self.settings.address(self.key.ok_or_else(missing)?)
    }

    /// The same account as the operator of a validator.
    ///
    /// # Errors
    /// As [`Signer::account`].
    pub fn operator(&self) -> Result<String> {
        self.settings.address_as(Bech::Operator, &self.account()?)
    }

    /// Messages that this account signs.
    ///
    /// # Errors
    /// As [`Signer::account`].
    pub fn sign(&self, messages: Vec<Any>) -> Result<Made> {
        Ok(Made { signer: self.account()?, messages })
    }
}

/// A message of a type's name and of JSON.
///
/// # Errors
/// Fields that the message does not have.
pub fn of_json(name: &str, json: &Value) -> Result<Any> {
    let value = json::to_bytes(name, json).map_err(|e| {
        let at = json::culprit(name, json).map(|(path, found)| format!("{path} {found}: ")).unwrap_or_default();
        Rejected::Input(format!("{name}: {at}{}", e.why))
    })?;
    Ok(Any { type_url: format!("/{name}"), value })
}

/// A message.
pub fn any<M: Message + Name>(message: &M) -> Any {
    Any { type_url: format!("/{}", M::full_name()), value: message.encode_to_vec() }
}

/// A decimal as people write it, with all its digits.
///
/// # Errors
/// Anything else.
pub fn checked_decimal(name: &str, text: &str) -> Result<String> {
    let wrong = || Rejected::Input(format!("{name} {text:?}: expected a decimal, as 0.05"));
    Ok(scaled(text).and_then(|digits| decimal(&digits)).ok_or_else(wrong)?)
}

/// A whole number, however large.
///
/// # Errors
/// Anything else.
pub fn checked_number(name: &str, text: &str) -> Result<String> {
    expect(text.parse::<u128>().is_ok(), || format!("{name} {text:?}: expected a whole number from 0"))?;
    Ok(text.into())
}

/// Coins of a flag that may be left out.
///
/// # Errors
/// Text that is no list of coins.
pub fn coins(text: Option<&String>) -> Result<Vec<Coin>, Rejected> {
    text.map_or_else(|| Ok(vec![]), |text| zektra_agents::chain::amounts::coins(text))
}

/// Arguments of a command of its own.
pub trait Own: Args {
    /// The messages that they mean.
    ///
    /// # Errors
    /// Arguments that do not fit.
    fn make(self, from: Signer<'_>) -> Result<Made>;
}

/// A command of its own.
pub struct OwnCommand {
    /// Where it stands.
    pub module: &'static str,
    /// What it is called there.
    pub name: &'static str,
    about: &'static str,
    example: &'static str,
    /// Messages that need no command besides this.
    pub instead_of: &'static [&'static str],
    arguments: fn(Command) -> Command,
    /// What the arguments mean.
    pub make: fn(Signer<'_>, &ArgMatches) -> Result<Made>,
}

impl OwnCommand {
    /// The command without the flags that all have.
    pub fn command(&self) -> Command {
        let help = format!("Example:\n  zektra tx {} {} {}", self.module, self.name, self.example);
        (self.arguments)(Command::new(self.name)).about(self.about).after_help(help)
    }
}

fn make<A: Own>(from: Signer<'_>, matches: &ArgMatches) -> Result<Made> {
    A::from_arg_matches(matches)?.make(from)
}

const fn own<A: Own>(
    [module, name]: [&'static str; 2],
    about: &'static str,
    example: &'static str,
    instead_of: &'static [&'static str],
) -> OwnCommand {
    OwnCommand { module, name, about, example, instead_of, arguments: A::augment_args, make: make::<A> }
}

/// A proposal's file.
const PROPOSAL: &str = r#"proposal.json --from alice

with proposal.json as
  {
    "messages": [
      {
        "@type": "/cosmos.distribution.v1beta1.MsgCommunityPoolSpend",
        "authority": "zektra1…, of `zektra query auth module-account gov`",
        "recipient": "zektra1…",
        "amount": [{"denom": "uzektra", "amount": "1000000"}]
      }
    ],
    "deposit": "10000000uzektra",
    "title": "A title",
    "summary": "What it is for"
  }"#;

/// All of them.
pub const OWN: &[OwnCommand] = &[
    own::<bank::MultiSend>(
        ["bank", "multi-send"],
        "Sends coins from one account to many",
        "alice zektra1… zektra1… 1000uzektra",
        &["cosmos.bank.v1beta1.MsgMultiSend"],
    ),
    own::<staking::Create>(
        ["staking", "create-validator"],
        "Makes a validator, with a first delegation to it",
        "validator.json --from operator\n  zektra tx staking create-validator --amount 1000000uzektra --moniker \"St. Mary's\" --from operator",
        &["cosmos.staking.v1beta1.MsgCreateValidator"],
    ),
    own::<staking::Edit>(
        ["staking", "edit-validator"],
        "Changes a validator's description, commission or least own delegation",
        "--website https://example.org --commission-rate 0.05 --from operator",
        &["cosmos.staking.v1beta1.MsgEditValidator"],
    ),
    own::<rewards::Withdraw>(
        ["distribution", "withdraw-rewards"],
        "Pays out what a delegation to a validator has earned",
        "zektravaloper1… --from alice",
        &["cosmos.distribution.v1beta1.MsgWithdrawDelegatorReward"],
    ),
    own::<rewards::WithdrawAll>(
        ["distribution", "withdraw-all-rewards"],
        "Pays out what all of an account's delegations have earned",
        "--from alice --gas auto",
        &[],
    ),
    own::<rewards::WithdrawCommission>(
        ["distribution", "withdraw-validator-commission"],
        "Pays out the commission of one's validator",
        "--from operator",
        &["cosmos.distribution.v1beta1.MsgWithdrawValidatorCommission"],
    ),
    own::<gov::Submit>(
        ["gov", "submit-proposal"],
        "Proposes messages that the chain carries out if they are voted for",
        PROPOSAL,
        &["cosmos.gov.v1.MsgSubmitProposal"],
    ),
    own::<gov::Vote>(["gov", "vote"], "Votes on a proposal", "1 yes --from alice", &["cosmos.gov.v1.MsgVote"]),
    own::<gov::WeightedVote>(
        ["gov", "weighted-vote"],
        "Votes on a proposal, in shares",
        "1 yes=0.6,no=0.4 --from alice",
        &["cosmos.gov.v1.MsgVoteWeighted"],
    ),
    own::<gov::Upgrade>(
        ["upgrade", "software-upgrade"],
        "Proposes that all nodes run another program from a height on",
        "v2 --upgrade-height 100000 --title \"Version 2\" --summary Why --deposit 10000000uzektra --from alice",
        &[],
    ),
    own::<gov::CancelUpgrade>(
        ["upgrade", "cancel-software-upgrade"],
        "Proposes that a planned upgrade does not happen",
        "--title \"No version 2\" --summary Why --deposit 10000000uzektra --from alice",
        &[],
    ),
    own::<grants::Grant>(
        ["authz", "grant"],
        "Lets another account send messages of one kind for one",
        "zektra1… send --spend-limit 1000uzektra --from alice\n  zektra tx authz grant zektra1… generic --msg-type /cosmos.gov.v1.MsgVote --from alice",
        &["cosmos.authz.v1beta1.MsgGrant"],
    ),
    own::<grants::Exec>(
        ["authz", "exec"],
        "Carries out messages for other accounts",
        "tx.json --from bob",
        &["cosmos.authz.v1beta1.MsgExec"],
    ),
    own::<grants::Allow>(
        ["feegrant", "grant"],
        "Lets another account spend one's coins on fees",
        "alice zektra1… --spend-limit 100000uzektra --expiration 2030-01-01T00:00:00Z",
        &["cosmos.feegrant.v1beta1.MsgGrantAllowance"],
    ),
];
