//! `zektra-verify`: whether a bundle proves what its record says. Needs no network and no other file.
#![cfg_attr(not(test), deny(clippy::unwrap_used))]

use clap::Parser;
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;
use zektra_statement::digest::Commitment;
use zektra_verify::bundle::MAX_BYTES;
use zektra_verify::known::{Trusted, parse_digest};
use zektra_verify::verify::{Refused, verify};

/// Verifies the bundle of a proven training job.
///
/// Exit code: 0 accepted, 1 refused, 2 unreadable or bad usage.
#[derive(Parser)]
#[command(name = "zektra-verify", version)]
struct Arguments {
    /// The bundle.
    bundle: PathBuf,
    /// Trust the circuits with this digest, obtained elsewhere, for the job's template and number of members.
    #[arg(long, value_name = "HEX", value_parser = digest)]
    circuits: Vec<Commitment>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

fn digest(hex: &str) -> Result<Commitment, String> {
    parse_digest(hex).ok_or_else(|| "expected 64 hexadecimal digits in small letters: four elements below p".into())
}

/// At most one byte more than a bundle may have.
fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = vec![];
    std::fs::File::open(path)?.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn refuse(json: bool, code: u8, reason: &str) -> ExitCode {
    if json {
        println!("{}", serde_json::json!({ "accepted": false, "exit_code": code, "reason": reason }));
    } else {
        let word = if code == 1 { "refused" } else { "unreadable" };
        eprintln!("{word}: {reason}");
    }
    ExitCode::from(code)
}

/// Whoever closes the pipe has read enough: what was found stays the exit code.
fn say(what: &dyn std::fmt::Display) {
    let _ = writeln!(std::io::stdout(), "{what}");
}

fn main() -> ExitCode {
    let Arguments { bundle, circuits, json } = Arguments::parse();
    let bytes = match read(&bundle) {
        Ok(bytes) => bytes,
        Err(e) => return refuse(json, 2, &format!("{}: {e}", bundle.display())),
    };
    let trusted = circuits.into_iter().fold(Trusted::pinned(), Trusted::name);
    let start = Instant::now();
    let result = verify(&bytes, &trusted);
    let milliseconds = start.elapsed().as_secs_f64() * 1000.0;
    match result {
        Ok(report) => {
            if json {
                let report = report.to_json();
                say(&serde_json::json!({ "accepted": true, "milliseconds": milliseconds, "report": report }));
            } else {
                say(&format_args!("{report}\n\naccepted, verified in {milliseconds:.1} ms"));
            }
            ExitCode::SUCCESS
        }
        Err(e @ Refused::Unreadable(_)) => refuse(json, 2, &e.to_string()),
        Err(e) => refuse(json, 1, &e.to_string()),
    }
}
