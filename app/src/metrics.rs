//! What a node counts while it runs, for Prometheus.

use crate::app::App;
use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use std::time::Duration;

/// The content type of [`Metrics::text`].
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Counters of a node.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    height: Gauge,
    block_time: Gauge,
    oldest: Gauge,
    blocks: Counter,
    transactions: Counter,
    failed: Counter,
    gas: Counter,
    execute: Histogram,
    commit: Histogram,
    checks: Counter,
    refused: Counter,
    queries: Counter,
}

impl Default for Metrics {
    fn default() -> Self {
        // From a millisecond to half a minute.
        let seconds = || Histogram::new(exponential_buckets(0.001, 2.0, 16));
        let mut metrics = Self {
            registry: Registry::with_prefix("zektra"),
            height: Gauge::default(),
            block_time: Gauge::default(),
            oldest: Gauge::default(),
            blocks: Counter::default(),
            transactions: Counter::default(),
            failed: Counter::default(),
            gas: Counter::default(),
            execute: seconds(),
            commit: seconds(),
            checks: Counter::default(),
            refused: Counter::default(),
            queries: Counter::default(),
        };
        let Self { registry, height, block_time, oldest, .. } = &mut metrics;
        registry.register("height", "Height of the last committed block", height.clone());
        registry.register_with_unit(
            "last_block_timestamp",
            "Time of the last block, Unix",
            Unit::Seconds,
            block_time.clone(),
        );
        registry.register("oldest_height", "Oldest height whose state can be asked", oldest.clone());
        let Self { registry, blocks, transactions, failed, gas, .. } = &mut metrics;
        registry.register("blocks", "Blocks committed since the start", blocks.clone());
        registry.register("transactions", "Transactions executed", transactions.clone());
        registry.register("transactions_failed", "Transactions that failed", failed.clone());
        registry.register("gas", "Gas used in blocks", gas.clone());
        let Self { registry, execute, commit, checks, refused, queries, .. } = &mut metrics;
        registry.register_with_unit("execute", "Time to execute a block", Unit::Seconds, execute.clone());
        registry.register_with_unit("commit", "Time to write a block", Unit::Seconds, commit.clone());
        registry.register("checks", "Transactions checked for the mempool", checks.clone());
        registry.register("checks_refused", "Transactions not taken into it", refused.clone());
        registry.register("queries", "Calls of services", queries.clone());
        metrics
    }
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

impl Metrics {
    /// A block was executed: its transactions, those that failed, the gas that all used.
    pub fn executed(&self, transactions: u64, failed: u64, gas: u64, time: Duration) {
        self.transactions.inc_by(transactions);
        self.failed.inc_by(failed);
        self.gas.inc_by(gas);
        self.execute.observe(time.as_secs_f64());
    }

    /// A block was written.
    pub fn committed(&self, time: Duration) {
        self.blocks.inc();
        self.commit.observe(time.as_secs_f64());
    }

    /// A transaction was checked for the mempool.
    pub fn checked(&self, taken: bool) {
        self.checks.inc();
        self.refused.inc_by(u64::from(!taken));
    }

    /// A service was asked.
    pub fn asked(&self) {
        self.queries.inc();
    }

    /// All of them, with what the application knows, in the format of OpenMetrics.
    pub fn text(&self, app: &App) -> String {
        let committed = app.committed();
        self.height.set(signed(committed.height));
        self.block_time.set(committed.block.time.seconds);
        self.oldest.set(signed(app.store().oldest().unwrap_or(0)));
        let mut out = String::new();
        if let Err(e) = text::encode(&mut out, &self.registry) {
            tracing::warn!(error = %e, "metrics cannot be written");
        }
        out
    }
}
