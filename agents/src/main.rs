//! `zektra`: seats, encrypted tables, training, models, from the command line.
//!
//! Exit codes: 0 done, 1 failed, 2 bad usage or input, 3 refused by a party or by the rules of hiding.

mod cli;

use clap::Parser as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    let json = cli.json;
    match cli::run(cli) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let code = cli::exit_code(&error);
            // What others say must not reach the terminal as commands.
            let text = format!("{error:#}").replace(|c: char| c.is_control() && c != '\n', "");
            if json {
                eprintln!("{}", serde_json::json!({ "error": text, "exit_code": code }));
            } else {
                eprintln!("error: {text}");
            }
            ExitCode::from(code)
        }
    }
}
