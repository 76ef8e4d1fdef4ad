//! Measurements against the bars that the project sets itself: `cargo run -p zektra-bench -- [NAME ...]`.
//!
//! One module a bench, described in `bench/README.md`. A bench is a function over a [`Report`] and a
//! line in [`BENCHES`].

mod accuracy;
mod breast_cancer;
mod fit;
mod he_growth;
mod he_iteration;
mod he_large;
mod hiding;

mod report;
mod rows;

use anyhow::{Context as _, bail};
use clap::Parser;
use report::Report;
use std::path::PathBuf;

/// A bench: its name, what it measures, how it runs.
struct Bench {
    name: &'static str,
    about: &'static str,
    run: fn(&mut Report) -> anyhow::Result<()>,
}

const BENCHES: &[Bench] = &[
    Bench { name: "he-iteration", about: "one encrypted iteration, all parties on one thread", run: he_iteration::run },
    Bench { name: "he-growth", about: "time against rows, columns, members and iterations", run: he_growth::run },
    Bench {
        name: "he-large",
        about: "12,000 × 197, 32 mini-batches of 1,024, by the real command",
        run: he_large::run,
    },
    Bench {
        name: "he-memory",
        about: "peak memory of training and of encrypting 1 GiB of rows",
        run: he_large::memory,
    },
    Bench { name: "hiding", about: "bits that masks hide, and a member that steers by its noise", run: hiding::run },
    Bench {
        name: "accuracy",
        about: "encrypted training against integers, floats and scikit-learn",
        run: accuracy::run,
    },
];

/// Runs the named benches, or all of them.
#[derive(Parser)]
#[command(name = "zektra-bench", after_help = list())]
struct Arguments {
    /// Which benches.
    names: Vec<String>,
    /// Where the figures are appended, one JSON object a line.
    #[arg(long, default_value_os_t = report::workspace().join("target/bench.jsonl"))]
    out: PathBuf,
    /// Fail if a bar is missed.
    #[arg(long)]
    strict: bool,
}

fn list() -> String {
    let lines = BENCHES.iter().map(|b| format!("  {:<14} {}", b.name, b.about));
    format!("Benches:\n{}", lines.collect::<Vec<_>>().join("\n"))
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if let Some(unknown) = arguments.names.iter().find(|n| BENCHES.iter().all(|b| b.name != **n)) {
        bail!("no bench {unknown}\n{}", list());
    }
    let mut report = Report::new(&arguments.out)?;
    for bench in BENCHES.iter().filter(|b| arguments.names.is_empty() || arguments.names.iter().any(|n| n == b.name)) {
        report.title(bench.name, bench.about);
        (bench.run)(&mut report).with_context(|| format!("bench {}", bench.name))?;
    }
    let missed = report.finish();
    if arguments.strict && missed > 0 {
        bail!("{missed} bars missed");
    }
    Ok(())
}
