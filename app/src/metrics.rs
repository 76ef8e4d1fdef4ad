//! Counters of a node, in Prometheus' text format.

use crate::app::App;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What a node counts while it runs.
#[derive(Debug, Default)]
pub struct Metrics {
    blocks: AtomicU64,
    transactions: AtomicU64,
    failed: AtomicU64,
    gas: AtomicU64,
    execute_micros: AtomicU64,
    commit_micros: AtomicU64,
    checks: AtomicU64,
    refused: AtomicU64,
    queries: AtomicU64,
}

fn add(counter: &AtomicU64, by: u64) {
    counter.fetch_add(by, Ordering::Relaxed);
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

impl Metrics {
    /// A block was executed: its transactions, those that failed, the gas that all used.
    pub fn executed(&self, transactions: u64, failed: u64, gas: u64, time: Duration) {
        add(&self.transactions, transactions);
        add(&self.failed, failed);
        add(&self.gas, gas);
        add(&self.execute_micros, micros(time));
    }

    /// A block was written.
    pub fn committed(&self, time: Duration) {
        add(&self.blocks, 1);
        add(&self.commit_micros, micros(time));
    }

    /// A transaction was checked for the mempool.
    pub fn checked(&self, taken: bool) {
        add(&self.checks, 1);
        add(&self.refused, u64::from(!taken));
    }

    /// A service was asked.
    pub fn asked(&self) {
        add(&self.queries, 1);
    }

    /// All of them, with what the application knows.
    pub fn text(&self, app: &App) -> String {
        let committed = app.committed();
        let oldest = app.store().oldest().unwrap_or(0);
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let seconds = |counter: &AtomicU64| read(counter) as f64 / 1e6;
        let rows: [(&str, &str, &str, f64); 12] = [
            ("height", "gauge", "Height of the last committed block.", committed.height as f64),
            ("block_time_seconds", "gauge", "Time of the last block, Unix.", committed.block.time.seconds as f64),
            ("oldest_height", "gauge", "Oldest height whose state can be asked.", oldest as f64),
            ("blocks_total", "counter", "Blocks committed since the start.", read(&self.blocks) as f64),
            ("transactions_total", "counter", "Transactions executed.", read(&self.transactions) as f64),
            ("transactions_failed_total", "counter", "Transactions that failed.", read(&self.failed) as f64),
            ("gas_total", "counter", "Gas used in blocks.", read(&self.gas) as f64),
            ("execute_seconds_total", "counter", "Time to execute blocks.", seconds(&self.execute_micros)),
            ("commit_seconds_total", "counter", "Time to write blocks.", seconds(&self.commit_micros)),
            ("checks_total", "counter", "Transactions checked for the mempool.", read(&self.checks) as f64),
            ("checks_refused_total", "counter", "Transactions not taken into it.", read(&self.refused) as f64),
            ("queries_total", "counter", "Calls of services.", read(&self.queries) as f64),
        ];
        let mut out = String::new();
        for (name, kind, help, value) in rows {
            let _ = writeln!(out, "# HELP zektra_{name} {help}\n# TYPE zektra_{name} {kind}\nzektra_{name} {value}");
        }
        out
    }
}
