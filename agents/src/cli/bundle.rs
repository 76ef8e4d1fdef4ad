//! `zektra bundle fetch | show | verify`.

use super::chain::settings::{Node, Place, Settings};
use super::progress::Steps;
use super::{Output, in_words};
use anyhow::{Context as _, Result};
use clap::Subcommand;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::time::Instant;
use zektra_agents::files;
use zektra_agents::inspect::inspect;
use zektra_agents::onchain::bundle;
use zektra_agents::rejected::{Rejected, expect};
use zektra_proto::training::v1::{QueryJobRequest, QueryJobResponse};
use zektra_statement::digest::Commitment;
use zektra_verify::bundle::{Bundle as Bytes, MAX_BYTES};
use zektra_verify::known::{Trusted, parse_digest};
use zektra_verify::report::Report;
use zektra_verify::verify::{Refused, verify};

/// `zektra bundle …`
#[derive(Debug, Subcommand)]
pub enum Bundle {
    /// Put the bundle of a proven job together from the chain, and verify it; zektra-verify takes the file.
    #[command(
        after_help = "Example:\n  zektra bundle fetch 1 --out bundle.zkb && zektra-verify bundle.zkb\n\nThe circuits are those that the chain registered for the job; whether this program knows them, too, is said."
    )]
    Fetch {
        /// The job's number.
        job: u64,
        /// Where to write it.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        node: Node,
    },
    /// Say what a bundle is about, without verifying it.
    #[command(after_help = "Example:\n  zektra bundle show bundle.zkb")]
    Show {
        /// The bundle.
        file: PathBuf,
    },
    /// Verify a bundle, as zektra-verify does.
    #[command(after_help = "Example:\n  zektra bundle verify bundle.zkb")]
    Verify {
        /// The bundle.
        file: PathBuf,
        /// Trust the circuits with this digest, obtained elsewhere, for the job's template and number of members.
        #[arg(long, value_name = "HEX", value_parser = digest)]
        circuits: Vec<Commitment>,
    },
}

fn digest(hex: &str) -> Result<Commitment, String> {
    parse_digest(hex).ok_or_else(|| "expected 64 hexadecimal digits in small letters: four elements below p".into())
}

pub(super) fn run(output: &Output, command: Bundle) -> Result<()> {
    match command {
        Bundle::Fetch { job, out, place, node } => fetch(output, job, &out, &Settings::new(&place, Some(&node))?),
        Bundle::Show { file } => {
            read(&file)?;
            let facts = inspect(&file)?;
            output.print(&facts, || in_words(&facts));
            Ok(())
        }
        Bundle::Verify { file, circuits } => {
            let bytes = read(&file)?;
            let start = Instant::now();
            let report = verified(&bytes, circuits.into_iter().fold(Trusted::pinned(), Trusted::name))?;
            let milliseconds = start.elapsed().as_secs_f64() * 1000.0;
            let facts = json!({"accepted": true, "milliseconds": milliseconds, "report": report.to_json()});
            output.print(&facts, || format!("{report}\n\naccepted, verified in {milliseconds:.1} ms"));
            Ok(())
        }
    }
}

/// A file that is a bundle.
fn read(file: &Path) -> Result<Vec<u8>> {
    let length = std::fs::metadata(file).with_context(|| format!("cannot read {}", file.display()))?.len();
    expect(length <= MAX_BYTES as u64, || {
        format!("{}: {length} bytes, expected a bundle of at most {MAX_BYTES}", file.display())
    })?;
    let bytes = files::read(file)?;
    Bytes::decode(&bytes).map_err(|e| Rejected::Input(format!("{}: {e}", file.display())))?;
    Ok(bytes)
}

fn verified(bytes: &[u8], trusted: Trusted) -> Result<Report, Rejected> {
    verify(bytes, &trusted).map_err(|e| match e {
        Refused::Unreadable(_) => Rejected::Input(format!("the bundle: {e}")),
        e => Rejected::Refused(format!("the bundle is refused: {e}")),
    })
}

fn fetch(output: &Output, number: u64, out: &Path, settings: &Settings) -> Result<()> {
    let bar = Steps::new(output.quiet);
    bar.set("job and last proof");
    let client = settings.client();
    let found: QueryJobResponse =
        client.query("/zektra.training.v1.Query/Job", &QueryJobRequest { job: number }).inspect_err(|_| bar.done())?;
    let fetched = found.job.context("no such job").and_then(|job| bundle::fetch(&client, &job));
    bar.done();
    let bundle = fetched?;
    let circuits = bundle.job.circuits.context("the record names no circuits")?;
    let bytes = bundle.encode();
    // The chain vouches for the circuits here; this program's own list is asked besides.
    let report = verified(&bytes, Trusted::pinned().name(circuits))?;
    let known = report.circuits_known;
    files::write(out, &bytes)?;
    let facts = json!({
        "job": number,
        "bundle": out.display().to_string(),
        "bytes": bytes.len(),
        "node": report.node.to_string(),
        "circuits": circuits.to_string(),
        "circuits_known_here": known,
    });
    output.print(&facts, || {
        let flag = if known { String::new() } else { format!(" --circuits {circuits}") };
        format!("{}\nverified; again: zektra-verify {}{flag}", in_words(&facts), out.display())
    });
    Ok(())
}
