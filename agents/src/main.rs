//! `zektra`: seats, encrypted tables, training, models, from the command line.
//!
//! Exit codes: 0 done, 1 failed, 2 bad usage or input, 3 refused by a party, by the chain or by the rules of hiding.

mod cli;

use clap::Parser as _;
use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let (json, done) = match cli::Cli::try_parse() {
        Ok(cli) => (cli.json, cli::run(cli)),
        Err(error) => (false, Err(cli::misread(error).into())),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let code = cli::exit_code(&error);
            // What others say must not reach the terminal as commands.
            let text = format!("{error:#}").replace(|c: char| c.is_control() && c != '\n', "");
            let line = match json {
                true => serde_json::json!({ "error": text, "exit_code": code }).to_string(),
                false => format!("error: {text}"),
            };
            // A reader that has gone does not change the exit code.
            let _ = writeln!(std::io::stderr(), "{line}");
            ExitCode::from(code)
        }
    }
}
