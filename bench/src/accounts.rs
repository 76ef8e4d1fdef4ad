//! What a block costs when the state is a hundred times larger.

use crate::driven::{Driven, folder};
use crate::report::{Bar, Report, Samples, Stopwatch, peak_memory};
use crate::senders::Senders;
use std::path::Path;
use std::time::{Duration, Instant};

const FEW: usize = 10_000;
const PATIENCE: Duration = Duration::from_secs(120);
/// Sends of a block: so few that their accounts are as many in both states, and what grows is the state alone.
const SENDS: usize = 2_000;

/// Blocks of random sends over a small and a large state, in turn.
///
/// # Errors
/// A send fails; a full disk.
pub fn run(report: &mut Report) -> anyhow::Result<()> {
    let (many, blocks) = if report.quick { (100_000, 5) } else { (1_000_000, 20) };
    let places = [folder("few")?, folder("many")?];
    let mut chains = vec![];
    for (count, place) in [FEW, many].into_iter().zip(&places) {
        report.note(format!("  a genesis of {count} accounts"));
        let begun = Instant::now();
        let senders = Senders::new(count);
        let keys = begun.elapsed().as_secs_f64();
        let driven = Driven::begin(place.path(), &senders)?;
        let state = begun.elapsed().as_secs_f64() - keys;
        report.note(format!("  keys in {keys:.1} s, state and its first block in {state:.1} s"));
        chains.push((senders, driven));
    }
    report.note(format!("  peak of memory {:.1} GiB: the genesis is read whole", peak_memory()? / (1u64 << 30) as f64));
    // The log goes into tables when the database is opened.
    let mut sizes = vec![];
    for ((senders, driven), place) in chains.iter_mut().zip(&places) {
        driven.reopen(place.path())?;
        sizes.push(size(place.path())? as f64 / senders.len() as f64);
    }
    report.note("  waiting until the tables are in order");
    settle()?;
    // Of each chain: whole blocks, their execution, their writing.
    let mut times: [[Samples; 3]; 2] = Default::default();
    for block in 0..=blocks {
        if block % 5 == 0 {
            report.note(format!("  block {} of {}", block + 1, blocks + 1));
        }
        for ((senders, driven), times) in chains.iter_mut().zip(&mut times) {
            let took = driven.block(&senders.by_chance(SENDS))?;
            // The first finds cold caches.
            if block > 0 {
                let [whole, finalize, commit] = times;
                whole.push(took.seconds() * 1e3);
                finalize.push(took.finalize.as_secs_f64() * 1e3);
                commit.push(took.commit.as_secs_f64() * 1e3);
            }
        }
    }
    let row = |accounts: usize, [whole, finalize, commit]: &[Samples; 3], size: f64| {
        let medians = [finalize, commit].map(|s| format!("{:.0}", s.median())).to_vec();
        [vec![accounts.to_string()], whole.cells(0), medians, vec![format!("{size:.0}")]].concat()
    };
    report.table(
        &["accounts", "ms a block: least", "median", "most", "FinalizeBlock", "Commit", "bytes an account"],
        &[row(FEW, &times[0], sizes[0]), row(many, &times[1], sizes[1])],
    );
    let [few, many] = times.map(|[whole, ..]| whole.median());
    report.figure("accounts", many / few, "times as long", Some(Bar::AtMost(2.0)))?;
    report.figure("accounts.disk", sizes[1], "bytes an account", None)
}

/// Waits until the database has sorted what the genesis wrote: until this process rests.
fn settle() -> anyhow::Result<()> {
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE {
        let mut watch = Stopwatch::start();
        std::thread::sleep(Duration::from_millis(500));
        if watch.lap().cpu < 0.02 {
            return Ok(());
        }
    }
    anyhow::bail!("the database does not come to rest in {} s", PATIENCE.as_secs())
}

/// Bytes of a folder's files.
fn size(folder: &Path) -> anyhow::Result<u64> {
    let mut out = 0;
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let about = entry.metadata()?;
        out += if about.is_dir() { size(&entry.path())? } else { about.len() };
    }
    Ok(out)
}
