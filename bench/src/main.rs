//! Measurements against the bars that the project sets itself: `cargo run -p zektra-bench -- [NAME ...]`.
//!
//! One module a bench, described in `bench/README.md`. A bench is a function over a [`Report`] and a
//! line in [`BENCHES`].

mod abci_latency;
mod accounts;
mod accuracy;
mod breast_cancer;
mod comet_sends;
mod driven;
mod endblock;
mod fit;
mod flood;
mod he_growth;
mod he_iteration;
mod he_large;
mod hiding;
mod http;
mod node;
mod onchain;
mod prove_growth;
mod prove_job;
mod proving;
mod queries;
mod report;
mod segment;
mod senders;
mod sends;

use anyhow::{Context as _, bail};
use clap::Parser;
use report::Report;
use std::path::PathBuf;

/// That of `zektrad`, so that what runs here runs as it does there.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
    Bench {
        name: "circuits",
        about: "building every circuit of a job, and loading it from the cache",
        run: proving::circuits,
    },
    Bench { name: "share", about: "a member's proof of its answer to a phase of 128 positions", run: proving::share },
    Bench { name: "offline-share", about: "the proof of one offline share, in a batch", run: proving::offline_share },
    Bench { name: "tile-proof", about: "an owner's proof of a row group", run: proving::tile },
    Bench { name: "step", about: "the node's proof of a phase on one tile, 3 members", run: proving::step },
    Bench { name: "fold", about: "everything of one phase: 3 answers, the step, the link", run: proving::fold },
    Bench {
        name: "iteration",
        about: "all proofs of one iteration, 3 members, one after another",
        run: proving::iteration,
    },
    Bench {
        name: "critical-path",
        about: "one member's part of a phase: its proof, two checks",
        run: proving::critical_path,
    },
    Bench { name: "verify", about: "the last proof of whole jobs of 2, 8 and 32 phases", run: prove_job::verify },
    Bench {
        name: "segment-verify",
        about: "a part of a job's proof, and a full section of a block",
        run: segment::run,
    },
    Bench { name: "prove-memory", about: "peak memory of the parties of a proven job", run: prove_job::memory },
    Bench {
        name: "prove-growth",
        about: "cost of a step against row groups, column blocks, members",
        run: prove_growth::run,
    },
    Bench {
        name: "chain-overhead",
        about: "a job over a solo chain against the same without one",
        run: onchain::overhead,
    },
    Bench { name: "chain-bytes", about: "bytes in blocks of a job, by message", run: onchain::bytes },
    Bench {
        name: "job-cost",
        about: "cost and latency of jobs of three shapes, unproven and proven",
        run: onchain::cost,
    },
    Bench { name: "flood", about: "block time under malformed and false proofs", run: flood::run },
    Bench { name: "abci-latency", about: "a call of CometBFT to the application", run: abci_latency::run },
    Bench { name: "sends", about: "10,000 signed bank sends a block, executed and committed", run: sends::run },
    Bench { name: "comet-sends", about: "sends through one real CometBFT", run: comet_sends::run },
    Bench { name: "accounts", about: "a block over a million accounts", run: accounts::run },
    Bench {
        name: "endblock",
        about: "begin and end of blocks of 100 validators, 100,000 delegations",
        run: endblock::run,
    },
    Bench { name: "queries", about: "balances over REST and gRPC while blocks run", run: queries::run },
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
    /// Leave out the longest parts.
    #[arg(long)]
    quick: bool,
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
    let mut report = Report::new(&arguments.out, arguments.quick)?;
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
