//! The commands.

mod bundle;
mod chain;
mod data;
mod dispute;
mod job;
mod onchain;
mod progress;

use anyhow::Result;
use chain::acts::{self, Table};
use clap::error::ContextKind;
use clap::{Args, CommandFactory as _, Parser, Subcommand};
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::PathBuf;
use zektra_agents::chain::amounts;
use zektra_agents::rejected::Rejected;

/// Train models on data that nobody can see.
#[derive(Debug, Parser)]
#[command(name = "zektra", version, propagate_version = true, max_term_width = 100)]
pub struct Cli {
    /// Print results and errors as JSON.
    #[arg(long, global = true)]
    pub json: bool,
    /// Do not show progress.
    #[arg(long, short, global = true)]
    pub quiet: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// A member's key share: make, show, rotate.
    #[command(subcommand)]
    Seat(Seat),
    /// Draft a schema (public column bounds) from a CSV file.
    Schema(Schema),
    /// Encrypt a CSV file into a member's vault.
    #[command(after_help = "Example:\n  zektra encrypt patients.csv --schema schema.toml --home alice --name patients")]
    Encrypt(Encrypt),
    /// Run a job on encrypted datasets, all parties on this machine.
    #[command(
        after_help = "Example:\n  zektra train --job job.toml\n\nA job that was cut off goes on from its last finished phase."
    )]
    Train(Train),
    /// Decrypt the model of a finished job with the developer's seat.
    #[command(after_help = "Example:\n  zektra decrypt-model --home developer --job-id 1 --out model.json")]
    DecryptModel(DecryptModel),
    /// Use a decrypted model on a CSV file.
    #[command(after_help = "Example:\n  zektra predict --model model.json new-patients.csv --out answers.csv")]
    Predict(Predict),
    /// Train the same schedule in the clear, by floats and by exact integers, to compare with.
    Reference(Reference),
    /// Build the circuits of a proven job from this source and print their digest, for zektra-verify --circuits.
    #[command(after_help = "Example:\n  zektra circuits node/jobs/1-0/bundle.zkb")]
    Circuits {
        /// A bundle, or job.zk of a party's folder of the job.
        file: PathBuf,
    },
    /// Datasets on the chain: publish, grant their use, pause, revoke, look at them.
    #[command(subcommand)]
    Dataset(onchain::Dataset),
    /// Sets of several owners' datasets of one schema.
    #[command(subcommand)]
    Set(Table<acts::Sets>),
    /// Listings of the market: what a dataset or a set costs.
    #[command(subcommand)]
    Listing(Table<acts::Listings>),
    /// Compute nodes: register, change, leave, look at them.
    #[command(subcommand)]
    Node(Table<acts::Nodes>),
    /// What is paid ahead for compute.
    #[command(subcommand)]
    Credit(Table<acts::Credits>),
    /// Jobs on the chain: order, run, cancel, look at them.
    #[command(subcommand)]
    Job(onchain::Job),
    /// Bundles of proven jobs: fetch from the chain, show, verify.
    #[command(subcommand)]
    Bundle(bundle::Bundle),
    /// Audit how a model came to be, from the chain's data and one trusted header.
    #[command(after_help = "Example:\n  zektra audit 1 --trust 1234:8F4E…")]
    Audit(onchain::AuditJob),
    /// Keys of accounts on the chain: make, show, export.
    Keys(chain::keys::Keys),
    /// Ask the chain.
    #[command(visible_alias = "q", after_help = "Example:\n  zektra query bank balances zektra1…")]
    Query(chain::query::Query),
    /// Make, sign and send transactions.
    #[command(
        after_help = "Example:\n  zektra tx bank send alice zektra1… 1000uzektra --chain-id zektra-1 --gas auto --gas-prices 0.025uzektra"
    )]
    Tx(chain::tx::Tx),
    /// What a node says of itself.
    Status(chain::query::Status),
    /// Print the version.
    Version,
    /// Say in words what a file of this system is.
    Inspect {
        /// The file.
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
enum Seat {
    /// Make a new seat in a folder.
    #[command(after_help = "Example:\n  zektra seat new --home alice --name \"St. Mary's hospital\"")]
    New {
        /// The member's folder.
        #[arg(long)]
        home: PathBuf,
        /// What others see.
        #[arg(long)]
        name: String,
    },
    /// Show the public record of a seat.
    Show {
        /// The member's folder.
        #[arg(long)]
        home: PathBuf,
    },
    /// Replace the key share: after a lost label log, or to end the use of old tiles.
    Rotate {
        /// The member's folder.
        #[arg(long)]
        home: PathBuf,
    },
}

#[derive(Debug, Args)]
struct Schema {
    /// A CSV file with a header.
    csv: PathBuf,
    /// The column to learn.
    #[arg(long)]
    target: String,
    /// Where to write the schema.
    #[arg(long)]
    out: PathBuf,
    /// The schema's name.
    #[arg(long, default_value = "table")]
    name: String,
    /// Bounds at the mean plus and minus this many standard deviations.
    #[arg(long, default_value_t = 2.5)]
    spread: f64,
    /// A column that is not a feature; repeat for more.
    #[arg(long)]
    exclude: Vec<String>,
    /// Bound of a row's squared norm.
    #[arg(long, default_value_t = 3.25)]
    row_norm: f64,
    /// The constant column's value: larger for few features or unbalanced classes.
    #[arg(long, default_value_t = 0.5)]
    bias: f64,
    /// Features are mapped to plus and minus this before a row is scaled to its norm.
    #[arg(long, default_value_t = 2.0)]
    gain: f64,
}

#[derive(Debug, Args)]
struct Encrypt {
    /// A CSV file with a header.
    csv: PathBuf,
    /// The schema, the same for all owners of a job.
    #[arg(long)]
    schema: PathBuf,
    /// The owner's folder.
    #[arg(long)]
    home: PathBuf,
    /// The dataset's name in the vault.
    #[arg(long)]
    name: String,
    /// The chain's id.
    #[arg(long, env = "ZEKTRA_CHAIN_ID", default_value = "local")]
    chain_id: String,
    /// Raised to replace a dataset by other rows.
    #[arg(long, default_value_t = 0)]
    attempt: u32,
    /// Prove every row group too, for jobs that are proven; a dataset that is encrypted already is only proven.
    #[arg(long)]
    prove: bool,
}

#[derive(Debug, Args)]
struct Train {
    /// The job file.
    #[arg(long)]
    job: PathBuf,
    /// Only say what would be run and what it hides.
    #[arg(long)]
    plan: bool,
}

#[derive(Debug, Args)]
struct DecryptModel {
    /// The developer's folder.
    #[arg(long)]
    home: PathBuf,
    /// The job's id.
    #[arg(long, required_unless_present = "outcome")]
    job_id: Option<u64>,
    /// The job's attempt.
    #[arg(long, default_value_t = 0)]
    attempt: u32,
    /// An outcome file, instead of a job of the folder.
    #[arg(long, conflicts_with = "job_id")]
    outcome: Option<PathBuf>,
    /// Where to write the model (JSON, mode 0600).
    #[arg(long)]
    out: PathBuf,
}

#[derive(Debug, Args)]
struct Predict {
    /// A CSV file with the model's columns.
    csv: PathBuf,
    /// The model.
    #[arg(long)]
    model: PathBuf,
    /// Where to write the answers (CSV); standard output if left out.
    #[arg(long)]
    out: Option<PathBuf>,
    /// Also compare with the target column and print the accuracy.
    #[arg(long)]
    score: bool,
}

#[derive(Debug, Args)]
struct Reference {
    /// The job file.
    #[arg(long)]
    job: PathBuf,
    /// The owners' tables in the clear, in the order of the job's datasets.
    #[arg(long, required = true, num_args = 1..)]
    tables: Vec<PathBuf>,
    /// A labelled table to score on.
    #[arg(long)]
    test: PathBuf,
}

/// What a command prints: JSON, or the text made of it.
struct Output {
    json: bool,
    quiet: bool,
}

impl Output {
    fn print(&self, value: &Value, text: impl FnOnce() -> String) {
        let text = if self.json { value.to_string() } else { text() };
        // A reader that has gone, as in `zektra … | head`, is no failure.
        let _ = writeln!(std::io::stdout().lock(), "{text}");
    }
}

/// Why arguments are refused, if clap cannot say it; otherwise it does, and the program ends.
pub fn misread(error: clap::Error) -> Rejected {
    // An amount below zero looks like a flag.
    let below_zero = |text: &String| text.strip_prefix('-').is_some_and(|rest| amounts::coins(rest).is_ok());
    if error.kind() == clap::error::ErrorKind::UnknownArgument
        && let Some(text) = std::env::args().filter(|text| text.len() > 1).find(below_zero)
        && let Err(rejected) = amounts::coins(&text)
    {
        return rejected;
    }
    // The usage would ask for what the environment has given.
    let of_usage = error.get(ContextKind::Usage).is_some();
    let again = of_usage.then(|| without_env(Cli::command()).try_get_matches().err()).flatten();
    again.unwrap_or(error).exit()
}

fn without_env(command: clap::Command) -> clap::Command {
    command.mut_args(|arg| arg.env(None::<&'static str>)).mut_subcommands(without_env)
}

/// Runs a command.
///
/// # Errors
/// Whatever it meets; [`exit_code`] sorts it.
pub fn run(cli: Cli) -> Result<()> {
    let output = Output { json: cli.json, quiet: cli.quiet };
    let shown = chain::Shown { json: cli.json };
    match cli.command {
        Command::Seat(c) => data::seat(&output, c),
        Command::Schema(c) => data::schema(&output, c),
        Command::Encrypt(c) => data::encrypt(&output, c),
        Command::Train(c) => job::train(&output, c),
        Command::DecryptModel(c) => job::decrypt_model(&output, c),
        Command::Predict(c) => job::predict(&output, c),
        Command::Reference(c) => job::reference(&output, c),
        Command::Circuits { file } => job::circuits(&output, &file),
        Command::Dataset(c) => onchain::dataset(&output, c),
        Command::Set(c) => acts::run(&output, &c),
        Command::Listing(c) => acts::run(&output, &c),
        Command::Node(c) => acts::run(&output, &c),
        Command::Credit(c) => acts::run(&output, &c),
        Command::Job(c) => onchain::job(&output, c),
        Command::Bundle(c) => bundle::run(&output, c),
        Command::Audit(c) => onchain::audit(&output, c),
        Command::Keys(c) => chain::keys::run(shown, c),
        Command::Query(c) => chain::query::run(shown, &c),
        Command::Tx(c) => chain::tx::run(shown, &c),
        Command::Status(c) => chain::query::status(shown, &c),
        Command::Version => {
            let version = env!("CARGO_PKG_VERSION");
            output.print(&json!({"name": "zektra", "version": version}), || format!("zektra {version}"));
            Ok(())
        }
        Command::Inspect { file } => {
            let facts = zektra_agents::inspect::inspect(&file)?;
            output.print(&facts, || in_words(&facts));
            Ok(())
        }
    }
}

/// 2 for bad input, 3 for refusals, 1 for the rest.
pub fn exit_code(error: &anyhow::Error) -> u8 {
    use std::io::ErrorKind;
    use zektra_agents::{chain::client::ChainError, node::Refused, rejected::Rejected, schema, table};
    use zektra_he::{log::LogError, member::Refusal, profile::ProfileError, release::ReleaseError, seat::SeatError};
    use zektra_records::WireError;
    use zektra_statement::record::JobError;
    let is = |e: &(dyn std::error::Error + 'static)| {
        match e.downcast_ref() {
            Some(Rejected::Input(_)) => return Some(2),
            Some(Rejected::Refused(_)) => return Some(3),
            None => {}
        }
        // A field out of its range is input; a template that needs trust is a rule.
        if let Some(ProfileError::Job(JobError { field, .. })) = e.downcast_ref() {
            return Some(if field == "template" { 3 } else { 2 });
        }
        // A disk that is full says nothing about what was asked.
        if let Some(LogError::Io { .. }) = e.downcast_ref() {
            return Some(1);
        }
        if let Some(e) = e.downcast_ref::<ChainError>() {
            return Some(match e {
                e if e.is_input() => 2,
                e if e.is_missing() => 1,
                ChainError::Refused { .. } => 3,
                _ => 1,
            });
        }
        if let Some(e) = e.downcast_ref::<std::io::Error>() {
            let named =
                [ErrorKind::NotFound, ErrorKind::PermissionDenied, ErrorKind::IsADirectory, ErrorKind::NotADirectory];
            return named.contains(&e.kind()).then_some(2);
        }
        if e.is::<Refused>() || e.is::<Refusal>() || e.is::<ProfileError>() || e.is::<ReleaseError>() {
            return Some(3);
        }
        if e.is::<LogError>() {
            return Some(3);
        }
        let input = e.is::<table::TableError>()
            || e.is::<schema::SchemaError>()
            || e.is::<schema::DraftError>()
            || e.is::<WireError>()
            || e.is::<SeatError>()
            || e.is::<JobError>()
            || e.is::<toml::de::Error>()
            || e.is::<serde_json::Error>()
            || e.is::<clap::Error>();
        input.then_some(2)
    };
    error.chain().find_map(is).unwrap_or(1)
}

/// JSON as indented `name: value` lines.
fn in_words(value: &Value) -> String {
    fn walk(value: &Value, depth: usize, out: &mut String) {
        let pad = "  ".repeat(depth);
        match value {
            Value::Object(map) => {
                for (k, v) in map {
                    let name = k.replace('_', " ");
                    match v {
                        Value::Object(_) | Value::Array(_) => {
                            out.push_str(&format!("{pad}{name}:\n"));
                            walk(v, depth + 1, out);
                        }
                        Value::String(s) => out.push_str(&format!("{pad}{name}: {s}\n")),
                        v => out.push_str(&format!("{pad}{name}: {v}\n")),
                    }
                }
            }
            Value::Array(list) => {
                for v in list {
                    match v {
                        Value::Object(_) | Value::Array(_) => {
                            out.push_str(&format!("{pad}-\n"));
                            walk(v, depth + 1, out);
                        }
                        Value::String(s) => out.push_str(&format!("{pad}- {s}\n")),
                        v => out.push_str(&format!("{pad}- {v}\n")),
                    }
                }
            }
            v => out.push_str(&format!("{pad}{v}\n")),
        }
    }
    let mut out = String::new();
    walk(value, 0, &mut out);
    // What a file says must not reach the terminal as commands.
    out.retain(|c| c == '\n' || !c.is_control());
    out.trim_end().into()
}

#[cfg(test)]
mod tests {
    use super::Cli;
    use clap::CommandFactory as _;

    #[test]
    fn every_command_stands_alone() {
        // Names and flags that stand twice; clap looks for them only where its own debug assertions are built.
        fn walk(command: &clap::Command, path: &str) {
            let path = format!("{path} {}", command.get_name());
            let once = |what: &str, mut names: Vec<String>| {
                names.sort();
                let twice = names.windows(2).find(|pair| pair[0] == pair[1]);
                assert!(twice.is_none(), "{path}: the {what} {:?} stands twice", twice.unwrap()[0]);
            };
            let arguments = || command.get_arguments();
            once("argument", arguments().map(|a| a.get_id().to_string()).collect());
            once(
                "flag",
                arguments().filter_map(|a| a.get_long_and_visible_aliases()).flatten().map(String::from).collect(),
            );
            once("letter", arguments().filter_map(|a| a.get_short()).map(String::from).collect());
            once("command", command.get_subcommands().map(|c| c.get_name().into()).collect());
            // An argument that must be given behind one that may be left out is never read as meant.
            let positionals: Vec<_> = command.get_positionals().collect();
            let given = positionals.iter().rposition(|a| a.is_required_set()).unwrap_or(0);
            assert!(positionals[..given.min(positionals.len())].iter().all(|a| a.is_required_set()), "{path}");
            command.get_subcommands().for_each(|c| walk(c, &path));
        }
        let mut command = Cli::command();
        command.build();
        walk(&command, "");
    }
}
