//! `zektra tx`: messages, signatures, broadcast.

mod bank;
mod file;
mod gov;
mod grants;
pub(super) mod own;
mod rewards;
pub(super) mod send;
mod staking;

use super::fields::{self, sentence};
use super::grown::{Grown, Source, subcommand};
use super::settings::{Node, Place, Settings};
use super::{Shown, names};
use anyhow::{Result, bail};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::{ArgMatches, Args, Command, FromArgMatches, Parser, ValueEnum};
use own::{Made, OWN, Signer};
use prost::Message as _;
use prost_reflect::{FieldDescriptor, MessageDescriptor, MethodDescriptor};
use std::path::PathBuf;
use zektra_agents::rejected::{Rejected, expect};
use zektra_proto::json::{self as wire, pool};

/// Messages whose signer is an argument and not a flag.
const POSITIONAL: [&str; 2] = ["cosmos.bank.v1beta1.MsgSend", "cosmos.feegrant.v1beta1.MsgRevokeAllowance"];

/// Flags of commands that make a transaction.
#[derive(Args, Clone, Debug)]
struct Making {
    /// The key that signs: its name or address.
    #[arg(long, value_name = "KEY")]
    from: Option<String>,
    /// What is paid, as 5000uzektra.
    #[arg(long, value_name = "COINS", conflicts_with = "gas_prices")]
    fees: Option<String>,
    /// What is paid for a unit of gas, as 0.025uzektra [env: ZEKTRA_GAS_PRICES].
    #[arg(long, value_name = "PRICES")]
    gas_prices: Option<String>,
    /// Who pays the fee instead of the signer, having granted that: an address, or the name of a key.
    #[arg(long, value_name = "ACCOUNT")]
    fee_granter: Option<String>,
    /// Who pays the fee and signs, too: the signer of the message, or with --generate-only another account.
    #[arg(long, value_name = "ACCOUNT")]
    fee_payer: Option<String>,
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
pub(super) struct Sent {
    /// Whether the node checks the transaction before it answers.
    #[arg(long, short, default_value = "sync", value_name = "MODE")]
    broadcast_mode: Mode,
    /// Wait until the transaction is in a block, and print what became of it; all that it did with --output json.
    #[arg(long)]
    wait: bool,
}

#[derive(Args, Clone, Debug)]
pub(super) struct All {
    #[command(flatten)]
    pub place: Place,
    #[command(flatten)]
    pub node: Node,
    #[command(flatten)]
    making: Making,
    #[command(flatten)]
    signed: Signed,
    #[command(flatten)]
    pub sent: Sent,
    /// Do not ask before signing.
    #[arg(long, short)]
    yes: bool,
}

impl All {
    /// Asks nobody, and waits for the block.
    pub fn decided(&mut self) {
        (self.yes, self.sent.wait) = (true, true);
    }

    /// Who signs.
    pub fn signer<'a>(&'a self, settings: &'a Settings) -> Signer<'a> {
        Signer { settings, key: self.making.from.as_deref(), offline: self.signed.offline }
    }
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
fn messages() -> impl Iterator<Item = (String, MethodDescriptor, MessageDescriptor, FieldDescriptor)> {
    let signer = pool().get_extension_by_name("cosmos.msg.v1.signer");
    pool().services().filter(|s| s.name() == "Msg").flat_map(|s| s.methods().collect::<Vec<_>>()).filter_map(move |m| {
        let module = names::module(m.parent_service())?;
        let input = m.input();
        let signers = input.options().get_extension(signer.as_ref()?).into_owned();
        let signer = input.get_field_by_name(signers.as_list()?.first()?.as_str()?)?;
        // What governance alone may do no account can sign.
        (signer.name() != "authority").then_some((module, m, input, signer))
    })
}

/// Whether who signs a message stands among its arguments.
fn names_signer(message: &MessageDescriptor) -> bool {
    POSITIONAL.contains(&message.full_name())
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
        let mut add = |module: &str, making: Command| match groups.iter_mut().find(|g| g.get_name() == module) {
            Some(group) => *group = group.clone().subcommand(making),
            None => {
                let about = format!("Transactions of {module}");
                let group = Command::new(module.to_string()).about(about).subcommand_required(true);
                groups.push(group.arg_required_else_help(true).subcommand(making));
            }
        };
        for own in OWN {
            // The flags bring a text of their own, which says nothing here.
            let making = own.command();
            let about = making.get_about().cloned().unwrap_or_default();
            add(own.module, All::augment_args(making).about(about));
        }
        for (module, method, input, signer) in messages() {
            if OWN.iter().any(|own| own.instead_of.contains(&input.full_name())) {
                continue;
            }
            let making = names::with_example(Command::new(names::command(&method)), &method);
            let skip = (!names_signer(&input)).then(|| signer.name());
            let making = fields::arguments(making, &input, skip);
            add(&module, All::augment_args(making).about(sentence(&method)));
        }
        command = command.subcommands(groups);
        command
    }
}

pub fn run(shown: Shown, tx: &Tx) -> Result<()> {
    let Some((name, matches)) = tx.picked() else { return Ok(()) };
    match name {
        "sign" => send::sign(shown, Sign::from_arg_matches(matches)?),
        "broadcast" => {
            let OfFile { file, place, node, sent } = OfFile::from_arg_matches(matches)?;
            let settings = Settings::new(&place, Some(&node))?;
            let tx = file::read(&file)?;
            expect(!tx.signatures.is_empty(), || format!("{}: the transaction is not signed", file.display()))?;
            send::broadcast(shown.with(&settings), &settings, &sent, &tx)
        }
        "simulate" => {
            let Simulate { file, from, place, node } = Simulate::from_arg_matches(matches)?;
            let settings = Settings::new(&place, Some(&node))?;
            let entry = settings.keyring.get(&from, &settings.prefix)?;
            let answer = send::simulate(&settings, &entry, &file::read(&file)?)?;
            shown.with(&settings).value(&wire::write(&answer)?);
            Ok(())
        }
        "encode" => {
            let Encode { file } = Encode::from_arg_matches(matches)?;
            shown.text(&STANDARD.encode(file::read(&file)?.encode_to_vec()));
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
            let all = All::from_arg_matches(matches)?;
            let settings = Settings::new(&all.place, Some(&all.node))?;
            let signer = all.signer(&settings);
            let made = match OWN.iter().find(|own| own.module == module && own.name == command) {
                Some(own) => (own.make)(signer, matches)?,
                None => {
                    let found = messages().find(|(m, method, ..)| m == module && names::command(method) == command);
                    let Some((_, _, input, field)) = found else { bail!("{module} {command}: no such command") };
                    grown(signer, &input, &field, matches)?
                }
            };
            send::send(shown.with(&settings), &settings, &all, made)
        }
    }
}

/// A message that an account may sign, by its method's full name.
pub(super) fn message_of(name: &str) -> Option<(MethodDescriptor, MessageDescriptor, FieldDescriptor)> {
    messages()
        .find(|(_, method, ..)| method.full_name() == name)
        .map(|(_, method, input, signer)| (method, input, signer))
}

/// What a command says that was made of a message's fields.
pub(super) fn grown(
    by: Signer<'_>,
    input: &MessageDescriptor,
    signer: &FieldDescriptor,
    matches: &ArgMatches,
) -> Result<Made> {
    let (account, message) = if names_signer(input) {
        let message = fields::message(by.settings, matches, input, None)?;
        (message[signer.name()].as_str().unwrap_or_default().to_string(), message)
    } else {
        let account = by.account()?;
        let mut message = fields::message(by.settings, matches, input, Some(signer.name()))?;
        message[signer.name()] = fields::signer(by.settings, signer, &account)?.into();
        (account, message)
    };
    Ok(Made { signer: account, messages: vec![own::of_json(input.full_name(), &message)?] })
}
