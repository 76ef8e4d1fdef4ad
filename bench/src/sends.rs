//! Signed bank sends through the application: checks, blocks, commits to a real disk.

use crate::driven::{Driven, folder};
use crate::report::{Bar, Report, Samples};
use crate::senders::Senders;
use anyhow::{Context as _, ensure};
use serde_json::{Value, json};
use std::process::{Command, Stdio};

/// Accounts, each of which sends once a block.
const ACCOUNTS: usize = 10_000;
/// Blocks before the first that is measured: they find accounts without keys, empty caches, and a database whose logs
/// are new files, which the system makes room for page by page; later ones are written over.
const WARM: usize = 8;
/// Names the process that does nothing else, so that its memory is that of the application and its load.
const PART: &str = "ZEKTRA_BENCH_SENDS";

/// 10,000 sends a block: sends a second, checks a second, peak memory.
///
/// # Errors
/// A send is refused; a full disk.
pub fn run(report: &mut Report) -> anyhow::Result<()> {
    if let Ok(blocks) = std::env::var(PART) {
        println!("{PART} {}", play(blocks.parse()?)?);
        return Ok(());
    }
    let blocks = if report.quick { 3 } else { 10 };
    let child = Command::new(std::env::current_exe()?)
        .args(["sends", "--out", "/dev/null"])
        .env(PART, blocks.to_string())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .output()?;
    let text = String::from_utf8_lossy(&child.stdout);
    ensure!(child.status.success(), "the process that sends has failed: {text}");
    let found: Value = serde_json::from_str(text.lines().find_map(|l| l.strip_prefix(PART)).context("no figures")?)?;
    let number = |name: &str| found[name].as_f64().unwrap_or(f64::NAN);
    let row = |name: &str, key: &str| {
        let cells = found[key].as_array().into_iter().flatten().filter_map(Value::as_f64);
        [vec![name.to_string()], cells.map(|ms| format!("{ms:.0}")).collect()].concat()
    };
    report.table(
        &["ms for 10,000 sends", "least", "median", "most"],
        &[
            row("CheckTx, one after another", "check"),
            row("PrepareProposal", "prepare"),
            row("ProcessProposal", "process"),
            row("FinalizeBlock", "finalize"),
            row("Commit", "commit"),
            row("FinalizeBlock, signatures not seen before", "unseen_finalize"),
            row("Commit of those", "unseen_commit"),
        ],
    );
    report.note(
        "  signatures are verified by CheckTx and remembered; FinalizeBlock + Commit of such blocks make sends/s,",
    );
    report.note("  `unseen` is a node that replays: FinalizeBlock verifies on all cores first");
    report.figure("sends", number("sends"), "sends/s", Some(Bar::AtLeast(15_000.0)))?;
    report.figure("sends.unseen", number("unseen"), "sends/s", None)?;
    report.figure("sends.check-tx", number("checks"), "CheckTx/s", None)?;
    report.figure("sends.memory", number("peak_mib"), "MiB", Some(Bar::AtMost(500.0)))
}

/// Sends in blocks; the figures as JSON.
fn play(blocks: usize) -> anyhow::Result<Value> {
    eprintln!("  {ACCOUNTS} accounts in the genesis");
    let place = folder("sends")?;
    let mut senders = Senders::new(ACCOUNTS);
    let mut driven = Driven::begin(place.path(), &senders)?;
    let mut times: [Samples; 7] = Default::default();
    let rounds = WARM + 2 * blocks;
    for round in 0..rounds {
        let unseen = round >= WARM + blocks;
        eprintln!("  block {} of {rounds}", round + 1);
        let txs = senders.in_turn(0, ACCOUNTS);
        let mut took = vec![];
        if !unseen {
            let check = driven.check(&txs)?;
            let (prepare, process) = driven.propose(&txs)?;
            took.extend([check, prepare, process]);
        }
        let block = driven.block(&txs)?;
        took.extend([block.finalize, block.commit]);
        if round >= WARM {
            let into = times.iter_mut().skip(if unseen { 5 } else { 0 });
            into.zip(took).for_each(|(samples, took)| samples.push_micros(took));
        }
    }
    let [check, prepare, process, finalize, commit, unseen_finalize, unseen_commit] = &times;
    let cells = |s: &Samples| json!([s.min() / 1e3, s.median() / 1e3, s.max() / 1e3]);
    let rate = |parts: &[&Samples]| ACCOUNTS as f64 * 1e6 / parts.iter().map(|s| s.mean()).sum::<f64>();
    Ok(json!({
        "check": cells(check), "prepare": cells(prepare), "process": cells(process),
        "finalize": cells(finalize), "commit": cells(commit),
        "unseen_finalize": cells(unseen_finalize), "unseen_commit": cells(unseen_commit),
        "checks": rate(&[check]), "sends": rate(&[finalize, commit]), "unseen": rate(&[unseen_finalize, unseen_commit]),
        "peak_mib": crate::report::peak_memory()? / (1 << 20) as f64,
    }))
}
