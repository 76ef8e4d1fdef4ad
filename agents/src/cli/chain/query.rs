//! `zektra query` and `zektra status`.

use super::fields::{self, sentence};
use super::grown::{Grown, Source, subcommand};
use super::settings::{Node, Place, Rpc, Settings};
use super::{Shown, names};
use anyhow::{Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, Parser, ValueEnum, value_parser};
use prost_reflect::{MethodDescriptor, ServiceDescriptor};
use serde_json::{Value, json};
use std::time::Duration;
use zektra_agents::chain::duration;
use zektra_agents::rejected::Rejected;
use zektra_proto::cosmos::tx::v1beta1::{GetTxsEventRequest, OrderBy};
use zektra_proto::json::{self, pool};

/// Flags of every question.
#[derive(Args, Clone, Debug)]
struct Asked {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    node: Node,
}

/// The same of questions that only the RPC answers.
#[derive(Args, Clone, Debug)]
struct AskedOfRpc {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    rpc: Rpc,
}

impl AskedOfRpc {
    fn settings(&self) -> Result<Settings> {
        Settings::of_rpc(&self.place, Some(&self.rpc))
    }
}

/// `zektra query …`: its own commands, and one for each method of the chain's services.
pub type Query = Grown<Queries>;

/// The subcommands of `Query`.
#[derive(Clone, Copy, Debug)]
pub struct Queries;

#[derive(Debug, Parser)]
struct Tx {
    /// Its hash, in hexadecimal digits.
    hash: String,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Debug, Parser)]
struct WaitTx {
    /// Its hash, in hexadecimal digits.
    hash: String,
    /// The longest time, as 500ms, 2s or 1m30s.
    #[arg(long, default_value = "15s", value_name = "TIME", value_parser = duration::read)]
    timeout: Duration,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Debug, Parser)]
struct Txs {
    /// What happened, as `transfer.sender='zektra1…' AND tx.height>5`.
    #[arg(long)]
    query: String,
    /// Which page, from 1.
    #[arg(long, default_value_t = 1)]
    page: u64,
    /// Entries of a page.
    #[arg(long, default_value_t = 100)]
    limit: u64,
    /// asc or desc, by height.
    #[arg(long, default_value = "asc", value_parser = ["asc", "desc"])]
    order_by: String,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Debug, Parser)]
struct Block {
    /// Its height, or its hash with --type=hash; the last if left out.
    of: Option<String>,
    /// What names it.
    #[arg(long = "type", default_value = "height", value_name = "KIND")]
    kind: Kind,
    #[command(flatten)]
    asked: AskedOfRpc,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    Height,
    Hash,
}

#[derive(Debug, Parser)]
struct Validators {
    /// As of this height; the last if left out.
    height: Option<u64>,
    #[command(flatten)]
    asked: Asked,
}

#[derive(Debug, Parser)]
struct BlockResults {
    /// Its height; the last if left out.
    height: Option<u64>,
    #[command(flatten)]
    asked: AskedOfRpc,
}

/// What a node says of itself.
#[derive(Debug, Args)]
pub struct Status {
    #[command(flatten)]
    asked: AskedOfRpc,
}

/// Services that are asked, each under the name of its command.
fn services() -> impl Iterator<Item = (String, ServiceDescriptor)> {
    pool().services().filter(|s| s.name() != "Msg").filter_map(|s| Some((names::module(&s)?, s)))
}

impl Source for Queries {
    fn grow(command: Command) -> Command {
        let mut command = command
            .subcommand(subcommand::<Tx>("tx", "A transaction in a block, by its hash"))
            .subcommand(subcommand::<Txs>("txs", "Transactions in blocks, by what happened in them"))
            .subcommand(subcommand::<WaitTx>("wait-tx", "The same as tx, once it is in a block"))
            .subcommand(subcommand::<Block>("block", "A block"))
            .subcommand(subcommand::<BlockResults>("block-results", "What the transactions of a block did"))
            .subcommand(subcommand::<Validators>("comet-validator-set", "Who makes blocks, as of a height"));
        for (module, service) in services() {
            let about = format!("Questions about {module}, to {}", service.full_name());
            let mut group = Command::new(module).about(about).subcommand_required(true).arg_required_else_help(true);
            for method in service.methods() {
                let asking = Command::new(names::command(&method)).visible_aliases(names::alias(&method));
                // The flags bring a text of their own, which says nothing here.
                let asking = arguments(asking, &method).about(sentence(&method));
                group = group.subcommand(names::with_example(asking, &method));
            }
            command = command.subcommand(group);
        }
        command
    }
}

pub fn run(shown: Shown, query: &Query) -> Result<()> {
    let Some((name, matches)) = query.picked() else { return Ok(()) };
    match name {
        "tx" => {
            let Tx { hash, asked } = Tx::from_arg_matches(matches)?;
            let settings = Settings::new(&asked.place, Some(&asked.node))?;
            let answer = settings.client().tx(&digits(&hash)?)?;
            shown.with(&settings).value(&json::write(&answer)?["tx_response"]);
        }
        "wait-tx" => {
            let WaitTx { hash, timeout, asked } = WaitTx::from_arg_matches(matches)?;
            let settings = Settings::new(&asked.place, Some(&asked.node))?;
            let answer = settings.client().wait(&digits(&hash)?, timeout)?;
            shown.with(&settings).value(&json::write(&answer)?["tx_response"]);
        }
        "txs" => {
            let Txs { query, page, limit, order_by, asked } = Txs::from_arg_matches(matches)?;
            let settings = Settings::new(&asked.place, Some(&asked.node))?;
            let order = if order_by == "desc" { OrderBy::Desc } else { OrderBy::Asc };
            let request = GetTxsEventRequest { query, page, limit, order_by: order as i32, ..Default::default() };
            let answer = settings.client().txs(&request)?;
            let pages = answer.total.div_ceil(limit.max(1));
            let answer = json::write(&answer)?;
            // As the SDK's command shows it.
            shown.with(&settings).value(&json!({
                "total_count": answer["total"], "count": answer["tx_responses"].as_array().map_or(0, Vec::len).to_string(),
                "page_number": page.to_string(), "page_total": pages.to_string(), "limit": limit.to_string(),
                "txs": answer["tx_responses"],
            }));
        }
        "block" => {
            let Block { of, kind, asked } = Block::from_arg_matches(matches)?;
            let settings = asked.settings()?;
            let (method, params) = match (kind, &of) {
                (Kind::Height, None) => ("block", json!({})),
                (Kind::Height, Some(height)) => {
                    let wrong = || Rejected::Input(format!("height {height:?}: expected a whole number"));
                    ("block", json!({"height": height.parse::<u64>().map_err(|_| wrong())?.to_string()}))
                }
                (Kind::Hash, of) => {
                    let hash = hex::decode(digits(of.as_deref().unwrap_or_default())?)?;
                    ("block_by_hash", json!({"hash": STANDARD.encode(hash)}))
                }
            };
            let mut answer = settings.client().rpc(method, params)?;
            if answer["block"].is_null() {
                bail!("block {}: not found", of.unwrap_or_default());
            }
            shown.with(&settings).value(&answer["block"].take());
        }
        "block-results" => {
            let BlockResults { height, asked } = BlockResults::from_arg_matches(matches)?;
            let settings = asked.settings()?;
            let params = height.map_or_else(|| json!({}), |h| json!({"height": h.to_string()}));
            shown.with(&settings).value(&settings.client().rpc("block_results", params)?);
        }
        "comet-validator-set" => {
            let Validators { height, asked } = Validators::from_arg_matches(matches)?;
            let settings = Settings::new(&asked.place, Some(&asked.node))?;
            let (name, request) = match height {
                Some(height) => ("GetValidatorSetByHeight", json!({"height": height.to_string()})),
                None => ("GetLatestValidatorSet", json!({})),
            };
            let service = services().find(|(module, _)| module == "comet").map(|(_, service)| service);
            let method = service.and_then(|s| s.methods().find(|m| m.name() == name));
            let Some(method) = method else { return Ok(()) };
            shown.with(&settings).value(&answer(&settings, &method, &request, 0)?);
        }
        module => {
            let Some((_, service)) = services().find(|(m, _)| m == module) else { return Ok(()) };
            let Some((command, matches)) = matches.subcommand() else { return Ok(()) };
            let Some(method) = service.methods().find(|m| names::command(m) == command) else { return Ok(()) };
            answered(shown, &method, matches)?;
        }
    }
    Ok(())
}

/// A question's method, by its full name.
pub(super) fn method_of(name: &str) -> Option<MethodDescriptor> {
    services().flat_map(|(_, service)| service.methods().collect::<Vec<_>>()).find(|method| method.full_name() == name)
}

/// A command with the arguments of a question.
pub(super) fn arguments(command: Command, method: &MethodDescriptor) -> Command {
    let asking = Asked::augment_args(fields::arguments(command, &method.input(), None));
    // Of some questions the height is the subject.
    if method.input().get_field_by_name("height").is_some() {
        return asking;
    }
    let height = Arg::new("height").long("height").value_name("HEIGHT").value_parser(value_parser!(u64));
    asking.arg(height.help("ask as of this height"))
}

/// Asks, and shows the answer.
///
/// # Errors
/// Arguments that do not fit; what the node says.
pub(super) fn answered(shown: Shown, method: &MethodDescriptor, matches: &ArgMatches) -> Result<()> {
    let asked = Asked::from_arg_matches(matches)?;
    let settings = Settings::new(&asked.place, Some(&asked.node))?;
    shown.with(&settings).value(&ask(&settings, method, matches)?);
    Ok(())
}

fn ask(settings: &Settings, method: &MethodDescriptor, matches: &ArgMatches) -> Result<Value> {
    let input = method.input();
    let height = match input.get_field_by_name("height") {
        Some(_) => 0,
        None => matches.get_one("height").copied().unwrap_or(0),
    };
    let request = fields::message(settings, matches, &input, None)?;
    answer(settings, method, &request, height)
}

fn answer(settings: &Settings, method: &MethodDescriptor, request: &Value, height: u64) -> Result<Value> {
    let (input, output) = (method.input(), method.output());
    let bytes = json::to_bytes(input.full_name(), request).map_err(|e| Rejected::Input(e.to_string()))?;
    let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
    let answer = settings.client().ask(&path, bytes, height)?;
    Ok(json::from_bytes(output.full_name(), &answer)?)
}

fn digits(hash: &str) -> Result<String, Rejected> {
    let hash = hash.strip_prefix("0x").unwrap_or(hash);
    let fits = hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit());
    let wrong = || Rejected::Input(format!("hash {hash:?}: expected 64 hexadecimal digits"));
    if fits { Ok(hash.to_uppercase()) } else { Err(wrong()) }
}

pub fn status(shown: Shown, status: &Status) -> Result<()> {
    let settings = status.asked.settings()?;
    shown.with(&settings).value(&settings.client().rpc("status", json!({}))?);
    Ok(())
}
