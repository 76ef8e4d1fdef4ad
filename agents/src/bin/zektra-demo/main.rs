//! The demonstration: a job on a chain of its own, or without a chain.

mod chain;
mod offline;

use anyhow::{Result, bail};
use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    match demonstrate() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn demonstrate() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(|a| &a[..]).collect();
    match arguments[..] {
        ["--out", path] => chain::run(PathBuf::from(path)),
        ["--offline", "--out", path] => offline::run(PathBuf::from(path)),
        _ => bail!("usage: zektra-demo [--offline] --out FOLDER (from the project's folder)"),
    }
}
