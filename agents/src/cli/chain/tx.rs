//! `zektra tx`: messages, signatures, broadcast.

use super::fields::{self, kebab, sentence};
use super::grown::{Grown, Source, subcommand};
use super::settings::{Node, Place, Settings};
use super::{Shown, ask};
use anyhow::{Context as _, Result};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, Parser, ValueEnum};
use prost::Message as _;
use prost_reflect::{MessageDescriptor, MethodDescriptor};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use zektra_agents::chain::amounts;
use zektra_agents::chain::client::Broadcast;
use zektra_agents::chain::keyring::Entry;
use zektra_agents::chain::transaction::{self, Signing};
use zektra_agents::files;
use zektra_agents::rejected::{Rejected, allow, expect};
use zektra_proto::Any;
use zektra_proto::cosmos::base::abci::v1beta1::TxResponse;
use zektra_proto::cosmos::tx::v1beta1::{AuthInfo, Tx as Transaction, TxBody};
use zektra_proto::json::{self as wire, pool};

/// Gas where nothing else is said, as in the SDK.
const GAS: u64 = 200_000;

/// Gas that an estimate may have where nobody is asked: ten times what a transaction without an estimate has. A node
/// may claim anything, and the fee follows.
const UNASKED_GAS: u64 = 10 * GAS;

const SEND: &str = "cosmos.bank.v1beta1.MsgSend";
const MULTI_SEND: &str = "cosmos.bank.v1beta1.MsgMultiSend";

/// Flags of commands that make a transaction.
#[derive(Args, Clone, Debug)]
struct Making {
    /// The key that signs: its name or address.
    #[arg(long, value_name = "KEY")]
    from: Option<String>,
    /// What is paid, as 5000uzek.
    #[arg(long, value_name = "COINS", conflicts_with = "gas_prices")]
    fees: Option<String>,
    /// What is paid for a unit of gas, as 0.025uzek.
    #[arg(long, value_name = "PRICES", env = "ZEKTRA_GAS_PRICES")]
    gas_prices: Option<String>,
    /// Most gas to use: a number, or `auto` for what a simulation takes.
    #[arg(long, default_value = "200000", value_name = "GAS")]
    gas: Gas,
    /// With --gas auto: the simulation's gas times this.
    #[arg(long, default_value_t = 1.3, value_name = "FACTOR")]
    gas_adjustment: f64,
    /// With --gas auto: no estimate above this is taken. Without it, none above 2000000 is signed with --yes.
    #[arg(long, value_name = "GAS")]
    max_gas: Option<u64>,
    /// A text that everybody can read.
    #[arg(long, visible_alias = "memo", default_value = "")]
    note: String,
    /// No block above this height may hold the transaction.
    #[arg(long, default_value_t = 0, value_name = "HEIGHT")]
    timeout_height: u64,
    /// Only say what it would use.
    #[arg(long, conflicts_with = "generate_only")]
    dry_run: bool,
    /// Only print the transaction, not signed, as JSON.
    #[arg(long)]
    generate_only: bool,
}

/// Flags of commands that sign.
#[derive(Args, Clone, Debug)]
struct Signed {
    /// The chain that is signed for.
    #[arg(long, env = "ZEKTRA_CHAIN_ID", value_name = "ID")]
    chain_id: Option<String>,
    /// The signer's number; asked of the node if left out.
    #[arg(long, short, value_name = "N")]
    account_number: Option<u64>,
    /// The signer's sequence; asked of the node if left out.
    #[arg(long, short, value_name = "N")]
    sequence: Option<u64>,
    /// Ask no node: the two numbers must be given.
    #[arg(long, requires_all = ["account_number", "sequence"])]
    offline: bool,
}

/// Flags of commands that hand a transaction to a node.
#[derive(Args, Clone, Debug)]
struct Sent {
    /// Whether the node checks the transaction before it answers.
    #[arg(long, short, default_value = "sync", value_name = "MODE")]
    broadcast_mode: Mode,
    /// Wait until the transaction is in a block, and print what became of it; all that it did with --output json.
    #[arg(long)]
    wait: bool,
}

#[derive(Args, Clone, Debug)]
struct All {
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    node: Node,
    #[command(flatten)]
    making: Making,
    #[command(flatten)]
    signed: Signed,
    #[command(flatten)]
    sent: Sent,
    /// Do not ask before signing.
    #[arg(long, short)]
    yes: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Mode {
    Sync,
    Async,
}

#[derive(Clone, Copy, Debug)]
enum Gas {
    Auto,
    Most(u64),
}

impl std::str::FromStr for Gas {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            text => text.parse().map(Self::Most).map_err(|_| "expected a whole number from 0, or auto".into()),
        }
    }
}

/// `zektra tx …`: its own commands, and one for each message that an account may sign.
pub type Tx = Grown<Messages>;

/// The subcommands of `Tx`.
#[derive(Clone, Copy, Debug)]
pub struct Messages;

#[derive(Debug, Parser)]
struct Sign {
    /// The transaction, as --generate-only prints it; `-` for the standard input.
    file: PathBuf,
    /// The key that signs: its name or address.
    #[arg(long, value_name = "KEY")]
    from: String,
    /// Where to write the signed transaction; the standard output if left out.
    #[arg(long, value_name = "FILE")]
    output_document: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    node: Node,
    #[command(flatten)]
    signed: Signed,
}

#[derive(Debug, Parser)]
struct OfFile {
    /// The transaction as JSON; `-` for the standard input.
    file: PathBuf,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    node: Node,
    #[command(flatten)]
    sent: Sent,
}

#[derive(Debug, Parser)]
struct Encode {
    /// The transaction as JSON; `-` for the standard input.
    file: PathBuf,
}

#[derive(Debug, Parser)]
struct Decode {
    /// The transaction's bytes: base64.
    bytes: String,
    /// They are hexadecimal digits instead.
    #[arg(long, short = 'x')]
    hex: bool,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Parser)]
struct Simulate {
    /// The transaction as JSON; `-` for the standard input.
    file: PathBuf,
    /// The key that would sign: its name or address.
    #[arg(long, value_name = "KEY")]
    from: String,
    #[command(flatten)]
    place: Place,
    #[command(flatten)]
    node: Node,
}

/// Messages that an account may sign: module, method, descriptor, field of the signer.
fn messages() -> impl Iterator<Item = (String, MethodDescriptor, MessageDescriptor, String)> {
    let signer = pool().get_extension_by_name("cosmos.msg.v1.signer");
    pool().services().filter(|s| s.name() == "Msg").flat_map(|s| s.methods().collect::<Vec<_>>()).filter_map(move |m| {
        let module = m.parent_service().package_name().split('.').nth(1)?.to_string();
        let input = m.input();
        let signers = input.options().get_extension(signer.as_ref()?).into_owned();
        let signer = signers.as_list()?.first()?.as_str()?.to_string();
        // What governance alone may do no account can sign.
        (signer != "authority").then_some((module, m, input, signer))
    })
}

impl Source for Messages {
    fn grow(command: Command) -> Command {
        let mut command = command
            .subcommand(subcommand::<Sign>("sign", "Sign a transaction of --generate-only"))
            .subcommand(subcommand::<OfFile>("broadcast", "Hand a signed transaction to a node"))
            .subcommand(subcommand::<Simulate>("simulate", "Say what a transaction would use"))
            .subcommand(subcommand::<Encode>("encode", "A transaction of JSON as base64"))
            .subcommand(subcommand::<Decode>("decode", "A transaction of base64 as JSON"));
        let mut groups: Vec<Command> = vec![];
        for (module, method, input, signer) in messages() {
            let making = Command::new(kebab(method.name()));
            let making = match input.full_name() {
                SEND => fields::arguments(making, &input, None),
                MULTI_SEND => multi_send_arguments(making),
                _ => fields::arguments(making, &input, Some(&signer)),
            };
            let making = All::augment_args(making).about(sentence(&method));
            match groups.iter_mut().find(|g| g.get_name() == module) {
                Some(group) => *group = group.clone().subcommand(making),
                None => {
                    let about = format!("Transactions of {module}");
                    let group = Command::new(module).about(about).subcommand_required(true);
                    groups.push(group.arg_required_else_help(true).subcommand(making));
                }
            }
        }
        command = command.subcommands(groups);
        command
    }
}

pub fn run(shown: Shown, tx: &Tx) -> Result<()> {
    let Some((name, matches)) = tx.picked() else { return Ok(()) };
    match name {
        "sign" => sign(shown, Sign::from_arg_matches(matches)?),
        "broadcast" => {
            let OfFile { file, place, node, sent } = OfFile::from_arg_matches(matches)?;
            let settings = Settings::new(&place, Some(&node))?;
            let tx = read(&file)?;
            expect(!tx.signatures.is_empty(), || format!("{}: the transaction is not signed", file.display()))?;
            broadcast(shown.with(&settings), &settings, &sent, &tx)
        }
        "simulate" => {
            let Simulate { file, from, place, node } = Simulate::from_arg_matches(matches)?;
            let settings = Settings::new(&place, Some(&node))?;
            let entry = settings.keyring.get(&from, &settings.prefix)?;
            let answer = simulate(&settings, &entry, &read(&file)?)?;
            shown.with(&settings).value(&wire::write(&answer)?);
            Ok(())
        }
        "encode" => {
            let Encode { file } = Encode::from_arg_matches(matches)?;
            shown.text(&STANDARD.encode(read(&file)?.encode_to_vec()));
            Ok(())
        }
        "decode" => {
            let Decode { bytes, hex, place } = Decode::from_arg_matches(matches)?;
            let form = if hex { "hexadecimal digits" } else { "base64" };
            let wrong =
                |e: &dyn std::fmt::Display| Rejected::Input(format!("transaction: expected {form} of one: {e}"));
            let bytes = match hex {
                true => hex::decode(bytes.trim()).map_err(|e| wrong(&e))?,
                false => STANDARD.decode(bytes.trim()).map_err(|e| wrong(&e))?,
            };
            let json = wire::from_bytes("cosmos.tx.v1beta1.Tx", &bytes).map_err(|e| wrong(&e))?;
            shown.with(&Settings::new(&place, None)?).value(&json);
            Ok(())
        }
        module => {
            let Some((command, matches)) = matches.subcommand() else { return Ok(()) };
            let found = messages().find(|(m, method, ..)| m == module && kebab(method.name()) == command);
            let Some((_, _, input, signer)) = found else { return Ok(()) };
            let all = All::from_arg_matches(matches)?;
            let settings = Settings::new(&all.place, Some(&all.node))?;
            send(
                shown.with(&settings),
                &settings,
                all,
                |from| match input.full_name() {
                    SEND => {
                        let message = fields::message(&settings, matches, &input, None)?;
                        let payer = message["from_address"].as_str().unwrap_or_default().to_string();
                        Ok((payer, message))
                    }
                    MULTI_SEND => multi_send(&settings, matches),
                    _ => {
                        let missing = || Rejected::Input("--from: name the key that signs".into());
                        let from = settings.address(from.ok_or_else(missing)?)?;
                        let mut message = fields::message(&settings, matches, &input, Some(&signer))?;
                        message[&signer] = from.clone().into();
                        Ok((from, message))
                    }
                },
                input.full_name(),
            )
        }
    }
}

fn multi_send_arguments(command: Command) -> Command {
    command
        .arg(
            Arg::new("from_address")
                .value_name("FROM_ADDRESS")
                .required(true)
                .help("who pays: an address, or the name of a key"),
        )
        .arg(
            Arg::new("rest")
                .value_name("TO_ADDRESS… AMOUNT")
                .required(true)
                .num_args(2..)
                .help("who is paid: addresses, or names of keys; then what each of them gets"),
        )
        .arg(
            Arg::new("split")
                .long("split")
                .action(ArgAction::SetTrue)
                .help("share the amount among them, in equal parts"),
        )
}

/// The payer, and the message of `multi-send FROM TO… AMOUNT`.
fn multi_send(settings: &Settings, matches: &ArgMatches) -> Result<(String, Value)> {
    let from = settings.address(matches.get_one::<String>("from_address").map_or("", |f| f))?;
    let rest: Vec<&String> = matches.get_many("rest").unwrap_or_default().collect();
    let Some((amount, to)) = rest.split_last() else { return Ok((from, json!({}))) };
    let mut each = amounts::coins(amount)?;
    let (mut total, mut rest) = (vec![], vec![]);
    let (count, split) = (to.len() as u128, matches.get_flag("split"));
    for coin in &mut each {
        let said: u128 = coin.amount.parse().unwrap_or(0);
        let part = if split { said / count } else { said };
        expect(part > 0 || !split, || format!("amount {amount:?}: less than one for each of {count} receivers"))?;
        if split && !said.is_multiple_of(count) {
            rest.push(format!("{}{}", said % count, coin.denom));
        }
        let all = part.checked_mul(count);
        let all = all.ok_or_else(|| Rejected::Input(format!("amount {amount:?}: too large for {count} receivers")))?;
        coin.amount = part.to_string();
        total.push(json!({"denom": coin.denom, "amount": all.to_string()}));
    }
    if split {
        let each: Vec<_> = each.iter().map(|coin| format!("{}{}", coin.amount, coin.denom)).collect();
        let rest = if rest.is_empty() { "nothing".into() } else { rest.join(",") };
        eprintln!("each of {count} gets {}; {rest} remains with {from}", each.join(","));
    }
    let each: Vec<Value> = each.iter().map(fields::coin).collect();
    let outputs = to.iter().map(|t| Ok(json!({"address": settings.address(t)?, "coins": each})));
    let outputs = outputs.collect::<Result<Vec<_>>>()?;
    Ok((from.clone(), json!({"inputs": [{"address": from, "coins": total}], "outputs": outputs})))
}

/// Makes a transaction of one message, signs it and hands it to the node, or stops where a flag says so.
fn send(
    shown: Shown,
    settings: &Settings,
    all: All,
    message: impl FnOnce(Option<&str>) -> Result<(String, Value)>,
    name: &str,
) -> Result<()> {
    let All { place: _, node: _, making, signed, sent, yes } = all;
    let (payer, json) = message(making.from.as_deref())?;
    if let Some(from) = &making.from {
        let from = settings.address(from)?;
        expect(from == payer, || format!("--from {from}: the message is signed by {payer}"))?;
    }
    let bytes = wire::to_bytes(name, &json).map_err(|e| Rejected::Input(e.to_string()))?;
    let any = Any { type_url: format!("/{name}"), value: bytes };
    let draft = |fee, gas| transaction::unsigned(vec![any.clone()], &making.note, making.timeout_height, fee, gas);
    let entry = || settings.keyring.get(&payer, &settings.prefix);

    let prices = making.gas_prices.as_ref().or(settings.gas_prices.as_ref());
    let fee_of = |gas| match (&making.fees, prices) {
        (Some(fees), _) => amounts::coins(fees),
        (None, Some(prices)) => amounts::fee(prices, gas),
        (None, None) => Ok(vec![]),
    };

    let auto = matches!(making.gas, Gas::Auto);
    allow(!(auto && signed.offline), || "--gas auto asks a node, --offline none: give a number".into())?;
    let mut gas = match making.gas {
        Gas::Most(gas) => gas,
        Gas::Auto => GAS,
    };
    let chain_id = || settings.chain_id(signed.chain_id.as_deref());
    if auto && !making.dry_run && !making.generate_only {
        settings.demand_chain(&chain_id()?)?;
    }
    if auto || making.dry_run {
        // A fee costs gas whatever its amount; the least of each coin asks for no more than the payer has.
        let mut least = fee_of(GAS)?;
        least.iter_mut().for_each(|c| c.amount = "1".into());
        let info = simulate(settings, &entry()?, &draft(least, 0))?.gas_info.unwrap_or_default();
        gas = adjusted(info.gas_used, making.gas_adjustment)?;
        eprintln!("gas estimate: {gas}");
        if making.dry_run {
            return Ok(());
        }
        let most = making.max_gas.or((yes && !making.generate_only).then_some(UNASKED_GAS)).unwrap_or(u64::MAX);
        allow(gas <= most, || {
            format!("gas estimate {gas}: expected at most {most}; --max-gas takes more, and so does a yes when asked")
        })?;
    }
    let tx = draft(fee_of(gas)?, gas);
    if making.generate_only {
        shown.text(&document(&tx)?.to_string());
        return Ok(());
    }
    let (chain_id, entry) = (chain_id()?, entry()?);
    if !yes {
        eprintln!("{}", super::yaml::yaml(&document(&tx)?));
        if !ask::confirm(&format!("Sign this for the chain {chain_id} and send it?"))? {
            return Err(ask::declined().into());
        }
    }
    let tx = signed_by(settings, &entry, &tx, &signed, &chain_id)?;
    broadcast(shown, settings, &sent, &tx)
}

fn adjusted(used: u64, factor: f64) -> Result<u64, Rejected> {
    let fits = (1.0..=100.0).contains(&factor);
    expect(fits, || format!("--gas-adjustment {factor}: expected a number from 1 to 100"))?;
    Ok((used as f64 * factor).ceil() as u64)
}

fn simulate(
    settings: &Settings,
    entry: &Entry,
    tx: &Transaction,
) -> Result<zektra_proto::cosmos::tx::v1beta1::SimulateResponse> {
    let client = settings.client();
    let account = client.account(&entry.address(&settings.prefix)?)?;
    let tx = transaction::named(tx, &entry.pubkey, account.sequence)?;
    client.simulate(&tx).context("the simulation fails")
}

/// Signs a transaction with a key of the keyring.
fn signed_by(
    settings: &Settings,
    entry: &Entry,
    tx: &Transaction,
    signed: &Signed,
    chain_id: &str,
) -> Result<Transaction> {
    let (account_number, sequence) = match (signed.account_number, signed.sequence) {
        (Some(number), Some(sequence)) => (number, sequence),
        (number, sequence) => {
            let account = settings.client().account(&entry.address(&settings.prefix)?)?;
            (number.unwrap_or(account.account_number), sequence.unwrap_or(account.sequence))
        }
    };
    let key = entry.open(&ask::passphrase(settings, entry)?)?;
    transaction::sign(tx, &key, &Signing { chain_id, account_number, sequence })
}

fn sign(shown: Shown, sign: Sign) -> Result<()> {
    let Sign { file, from, output_document, place, node, signed } = sign;
    let settings = Settings::new(&place, Some(&node))?;
    let chain_id = settings.chain_id(signed.chain_id.as_deref())?;
    let entry = settings.keyring.get(&from, &settings.prefix)?;
    let tx = read(&file)?;
    let (address, signers) = (entry.address(&settings.prefix)?, signers(&tx)?);
    allow(signers.iter().all(|s| *s == address), || {
        format!(
            "{}: signed by {}, not by {from} ({address})",
            file.display(),
            signers.iter().cloned().collect::<Vec<_>>().join(", ")
        )
    })?;
    let tx = signed_by(&settings, &entry, &tx, &signed, &chain_id)?;
    let text = document(&tx)?.to_string();
    match output_document {
        Some(path) => files::write(&path, text.as_bytes()),
        None => {
            shown.text(&text);
            Ok(())
        }
    }
}

fn broadcast(shown: Shown, settings: &Settings, sent: &Sent, tx: &Transaction) -> Result<()> {
    let how = match sent.broadcast_mode {
        Mode::Sync => Broadcast::Sync,
        Mode::Async => Broadcast::Async,
    };
    let client = settings.client();
    let mut response = client.broadcast(&tx.encode_to_vec(), how)?;
    let in_block = sent.wait && response.code == 0;
    if in_block {
        response = client.wait(&response.txhash, std::time::Duration::from_secs(30))?.tx_response.unwrap_or_default();
    }
    let full = wire::write(&response)?;
    shown.value(&if in_block && !shown.json { short(&full) } else { full });
    let TxResponse { code, codespace, raw_log, txhash, .. } = response;
    allow(code == 0, || {
        format!("the chain refuses transaction {txhash}: {raw_log} (code {code}, codespace {codespace})")
    })?;
    Ok(())
}

/// What became of a transaction, in a few lines.
fn short(response: &Value) -> Value {
    let names = ["height", "txhash", "code", "gas_used", "gas_wanted"];
    let log = (response["code"] != 0).then_some("raw_log");
    names.into_iter().chain(log).map(|name| (name.to_string(), response[name].clone())).collect()
}

/// Who signs the messages of a transaction.
fn signers(tx: &Transaction) -> Result<BTreeSet<String>> {
    let mut out = BTreeSet::new();
    for any in tx.body.iter().flat_map(|b| &b.messages) {
        let name = any.type_url.trim_start_matches('/');
        let message = wire::from_bytes(name, &any.value)?;
        let Some((.., field)) = messages().find(|(_, _, m, _)| m.full_name() == name) else { continue };
        match &message[&field] {
            Value::Array(inputs) => out.extend(inputs.iter().filter_map(|i| i["address"].as_str()).map(String::from)),
            value => out.extend(value.as_str().map(String::from)),
        }
    }
    Ok(out)
}

/// A transaction as JSON, in the form that the SDK's commands exchange.
fn document(tx: &Transaction) -> Result<Value> {
    Ok(wire::write(tx)?)
}

/// A transaction in a file of JSON, or on the standard input.
fn read(path: &Path) -> Result<Transaction> {
    let text = match path.to_str() {
        Some("-") => std::io::read_to_string(std::io::stdin()).context("cannot read the standard input")?,
        _ => String::from_utf8(files::read(path)?)
            .map_err(|_| Rejected::Input(format!("{}: not a text file", path.display())))?,
    };
    let json: Value = serde_json::from_str(&text).with_context(|| path.display().to_string())?;
    let tx: Transaction =
        wire::read(&json).map_err(|e| Rejected::Input(format!("{}: not a transaction: {e}", path.display())))?;
    let Transaction { body, auth_info, .. } = &tx;
    let whole = body.as_ref().is_some_and(|b: &TxBody| !b.messages.is_empty())
        && auth_info.as_ref().is_some_and(|a: &AuthInfo| a.fee.is_some());
    expect(whole, || format!("{}: not a transaction: it needs body.messages and auth_info.fee", path.display()))?;
    Ok(tx)
}
