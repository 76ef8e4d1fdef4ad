//! The commands of `zektrad`.
//!
//! Exit codes: 0 done, 1 failed, 2 bad usage or input, 4 halted because the chain waits for another program, 5 halted
//! because this program came before its upgrade.

mod comet;
mod doctor;
mod gentx;
mod init;
mod start;
mod upgrade;

use crate::app::AppError;
use crate::node::{Home, HomeError};
use crate::solo::SoloError;
use anyhow::Result;
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::io::{ErrorKind, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;
use tracing_subscriber::EnvFilter;
use zektra_genesis::SpecError;
use zektra_modules::upgrade::Migration;
use zektra_wallet::rejected::Rejected;

/// What `--help` says of exit codes.
const EXIT_CODES: &str = "Exit codes: 0 done; 1 failed; 2 bad usage or input; 4 halted: the chain waits for an upgrade that this \
    program does not know, or has made one: start the program that knows it in the same home; 5 halted: this program makes an \
    upgrade whose height has not come: start the one from before in the same home.";
/// The exit code of a node that waits for another program.
const HALTED: u8 = 4;
/// The exit code of a program that came before its upgrade.
const EARLY: u8 = 5;

/// The node of a Zektra chain.
#[derive(Parser)]
#[command(name = "zektrad", version, about, max_term_width = 100, after_help = EXIT_CODES)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    command: Command,
}

#[derive(Args)]
struct Common {
    /// The node's folder [default: ~/.zektra].
    #[arg(long, global = true, env = "ZEKTRA_HOME", value_name = "FOLDER")]
    home: Option<PathBuf>,
    /// What is logged: error, warn, info, debug, trace, or a filter as `info,zektra_app=debug`.
    #[arg(long, global = true, default_value = "info", value_name = "LEVEL")]
    log_level: String,
    /// How it is logged.
    #[arg(long, global = true, default_value = "text")]
    log_format: LogFormat,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    Text,
    Json,
}

#[derive(Subcommand)]
enum Command {
    /// Make a home: keys, configuration, a genesis file with this node as validator.
    Init(init::Init),
    /// Run the node: behind CometBFT, or alone with --solo.
    #[command(after_help = EXIT_CODES)]
    Start(start::Start),
    /// Make the homes of several validators of one chain.
    Testnet(init::Testnet),
    /// Give an account coins in the genesis file of a chain that begins.
    #[command(visible_alias = "add-account")]
    AddGenesisAccount(gentx::AddAccount),
    /// Make the transaction by which this node is a validator of a chain that begins.
    Gentx(gentx::Gentx),
    /// Put everybody's transactions into the genesis file.
    CollectGentxs(gentx::Collect),
    /// Print the genesis file of a chain that goes on from this home's state.
    Export,
    /// Check this home: database, invariants, validator, versions, ports; say what to do. Nothing is changed.
    Doctor,
    /// Print the upgrade that the chain plans and those that it made, and whether this program knows them.
    UpgradeInfo {
        /// text or json.
        #[arg(long, short, default_value = "text")]
        output: init::Output,
    },
    /// Print what CometBFT calls this node and its validator.
    #[command(subcommand, visible_alias = "tendermint")]
    Comet(comet::Comet),
    /// Print the version, and the versions of what it speaks.
    Version {
        /// text or json.
        #[arg(long, short, default_value = "text")]
        output: init::Output,
    },
    /// Print the configuration that is in force.
    Config,
}

/// Input that cannot be used, for what no other error says better.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Input(String);

/// What the system says of a path that was named wrongly.
const NAMED: [ErrorKind; 4] =
    [ErrorKind::NotFound, ErrorKind::PermissionDenied, ErrorKind::IsADirectory, ErrorKind::NotADirectory];

/// Whether an error is one of the application for which this holds.
fn of_app(error: &(dyn std::error::Error + 'static), holds: impl Fn(&AppError) -> bool) -> bool {
    let inner = |e: &SoloError| matches!(e, SoloError::App(e) if holds(e));
    error.downcast_ref::<AppError>().is_some_and(&holds) || error.downcast_ref().is_some_and(inner)
}

/// 2 for bad input, 4 for a chain that waits for another program, 1 for the rest.
fn exit_code(error: &anyhow::Error) -> u8 {
    if error.chain().any(|e| of_app(e, |e| matches!(e, AppError::Halt(_)))) {
        return HALTED;
    }
    let input = |e: &(dyn std::error::Error + 'static)| {
        e.is::<Input>()
            || of_app(e, AppError::is_of_genesis)
            || e.is::<SpecError>()
            || e.is::<Rejected>()
            || match e.downcast_ref() {
                Some(HomeError::Content { .. } | HomeError::Exists(_) | HomeError::Missing(_)) => true,
                Some(HomeError::None(_) | HomeError::Foreign(..)) => true,
                Some(HomeError::Io { error, .. }) => NAMED.contains(&error.kind()),
                Some(HomeError::Taken(_)) | None => false,
            }
    };
    if error.chain().any(input) { 2 } else { 1 }
}

/// The home that is named, or the usual one.
fn home(common: &Common) -> Home {
    Home::new(common.home.clone().unwrap_or_else(|| {
        let user = std::env::var_os("HOME").map_or_else(|| PathBuf::from("."), PathBuf::from);
        user.join(".zektra")
    }))
}

/// The log's lines. Whoever read them may have gone, which must not stop a node.
struct Lines;

impl std::io::Write for Lines {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        let _ = std::io::stderr().write_all(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Prints a result; a reader that has gone, as in `zektrad export | head`, is no failure.
fn say(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

fn log(common: &Common) -> Result<()> {
    // A single word that is no level would be taken for the name of a part, and silence all others, as would one
    // without its level.
    let word = common.log_level.bytes().all(|b| b.is_ascii_alphanumeric());
    let open = common.log_level.split(',').any(|part| part.ends_with('='));
    if (word || open) && common.log_level.parse::<tracing::level_filters::LevelFilter>().is_err() {
        let expected = "error, warn, info, debug, trace, off, or a filter";
        return Err(Input(format!("--log-level {:?}: expected {expected}", common.log_level)).into());
    }
    let filter =
        EnvFilter::try_new(&common.log_level).map_err(|e| Input(format!("--log-level {:?}: {e}", common.log_level)))?;
    let logger = tracing_subscriber::fmt().with_env_filter(filter).with_writer(|| Lines).with_target(false);
    let logger = logger.with_ansi(std::io::stderr().is_terminal());
    match common.log_format {
        LogFormat::Text => logger.init(),
        LogFormat::Json => logger.json().init(),
    }
    Ok(())
}

/// Runs the command that the process was given, in a program that knows these upgrades; what it ends with.
pub fn run(migrations: &'static [Migration]) -> ExitCode {
    run_with(std::env::args_os(), migrations)
}

/// Runs the command of these arguments, the program's name first.
pub fn run_with(
    arguments: impl IntoIterator<Item = impl Into<OsString> + Clone>,
    migrations: &'static [Migration],
) -> ExitCode {
    let Cli { common, command } = Cli::parse_from(arguments);
    let home = home(&common);
    let done = log(&common).and_then(|()| match command {
        Command::Init(command) => init::init(&home, &command),
        Command::Start(command) => start::start(&home, &command, migrations),
        Command::Testnet(command) => init::testnet(&command),
        Command::AddGenesisAccount(command) => gentx::add_genesis_account(&home, &command),
        Command::Gentx(command) => gentx::gentx(&home, &command),
        Command::CollectGentxs(command) => gentx::collect_gentxs(&home, &command),
        Command::Export => init::export(&home),
        Command::Doctor => doctor::doctor(&home, migrations),
        Command::UpgradeInfo { output } => upgrade::info(&home, output, migrations),
        Command::Comet(command) => comet::comet(&home, &command),
        Command::Version { output } => init::version(output),
        Command::Config => init::config(&home),
    });
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            let (code, said) = match exit_code(&e) {
                HALTED => {
                    let (advice, early) = upgrade::advice(&home, migrations, &format!("{e:#}"));
                    (if early { EARLY } else { HALTED }, format!("halted: {e:#}\n{advice}"))
                }
                code => (code, format!("error: {e:#}")),
            };
            // A reader that has gone does not change the exit code.
            let _ = writeln!(std::io::stderr(), "{said}");
            ExitCode::from(code)
        }
    }
}
