//! Sends through one real CometBFT: from a client's broadcast to the block that has them.

use crate::driven::folder;
use crate::http::Http;
use crate::node::{Node, cometbft, height};
use crate::report::{Report, Samples};
use crate::senders::Senders;
use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use tokio::runtime::Builder;
use zektra_comet::{Comet as _, Remote};

const ACCOUNTS: usize = 10_000;
const CONNECTIONS: usize = 16;
/// CometBFT's pause after a block.
const COMMIT: &str = "200ms";
/// Sends a second in the part that measures latency.
const PACE: f64 = 500.0;
/// Longest wait for what is pending.
const PATIENCE: Duration = Duration::from_secs(60);

/// As many as go through, then a steady stream of them.
///
/// # Errors
/// A process does not start; a send is refused.
pub fn run(report: &mut Report) -> anyhow::Result<()> {
    let Some(comet) = cometbft() else {
        report.note("  skipped: no CometBFT; `scripts/setup tests` builds it, ZEKTRA_COMETBFT names another");
        return Ok(());
    };
    let (flood, steady) = if report.quick { (5_000, 1_500) } else { (30_000, 7_500) };
    report.note(format!("  a validator with {ACCOUNTS} accounts starts; blocks with a pause of {COMMIT}"));
    let place = folder("comet")?;
    let mut senders = Senders::new(ACCOUNTS);
    let node = Node::behind(&comet, place.path(), &senders, COMMIT)?;
    let mut rows = vec![];
    let mut figures = vec![];
    let mut first = 0;
    for (name, count, pace) in [("flood", flood, None), ("steady", steady, Some(PACE))] {
        let txs = senders.in_turn(first, count);
        first += count;
        report.note(format!("  {name}: {count} sends over {CONNECTIONS} connections"));
        let Sent { times, seconds, blocks } = send(&node, txs, pace)?;
        let cells = [times.median(), times.quantile(0.99), times.max()].map(|us| format!("{:.0}", us / 1e3));
        let rate = count as f64 / seconds;
        rows.push([vec![name.into(), format!("{rate:.0}"), blocks.to_string()], cells.to_vec()].concat());
        figures.push((name, rate, times));
    }
    report.table(&["part", "sends/s", "blocks", "ms to a block: median", "99 %", "most"], &rows);
    for (name, rate, times) in figures {
        report.figure(&format!("comet-sends.{name}"), rate, "sends/s", None)?;
        report.figure(&format!("comet-sends.{name}-p50"), times.median() / 1e3, "ms", None)?;
        report.figure(&format!("comet-sends.{name}-p99"), times.quantile(0.99) / 1e3, "ms", None)?;
    }
    Ok(())
}

/// What became of transactions.
struct Sent {
    /// From each broadcast to its block.
    times: Samples,
    /// From the first broadcast to the last block.
    seconds: f64,
    /// Blocks with transactions.
    blocks: usize,
}

type Queue = Arc<Mutex<VecDeque<(usize, Vec<u8>)>>>;

/// Broadcasts all, waits for the last block.
fn send(node: &Node, txs: Vec<Vec<u8>>, pace: Option<f64>) -> anyhow::Result<Sent> {
    let count = txs.len();
    let watch = Watch::start(&node.rpc)?;
    let queue: Queue = Arc::new(Mutex::new(txs.into_iter().enumerate().collect()));
    let begun = Instant::now();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let broadcast = runtime.block_on(broadcast(&node.rpc, &queue, begun, pace))?;
    ensure!(broadcast.len() == count, "{} of {count} were sent", broadcast.len());
    let remote = Remote::new(&node.rpc);
    let waiting = Instant::now();
    while remote.call("num_unconfirmed_txs", json!({}))?["total"] != "0" {
        ensure!(waiting.elapsed() < PATIENCE, "transactions are pending for {} s", PATIENCE.as_secs());
        std::thread::sleep(Duration::from_millis(20));
    }
    let (seen, first) = watch.stop()?;
    // Only now: reading blocks costs what they are measured with.
    let (mut times, mut blocks, mut last) = (Samples::default(), 0, begun);
    for (&height, &at) in seen.range(first + 1..) {
        let block = remote.call("block", json!({"height": height.to_string()}))?;
        let held: Vec<&str> =
            block["block"]["data"]["txs"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for sent in held.iter().filter_map(|tx| broadcast.get(*tx)) {
            times.push_micros(at.saturating_duration_since(*sent));
        }
        if !held.is_empty() {
            (blocks, last) = (blocks + 1, at);
        }
    }
    ensure!(times.len() == count, "{} of {count} are in blocks", times.len());
    Ok(Sent { times, seconds: (last - begun).as_secs_f64(), blocks })
}

/// When each transaction, in base64, was sent. A flood does not wait for checks: CometBFT passes them on to the
/// application every 20 ms, which would bound it.
async fn broadcast(
    rpc: &str,
    queue: &Queue,
    begun: Instant,
    pace: Option<f64>,
) -> anyhow::Result<BTreeMap<String, Instant>> {
    let mut clients = tokio::task::JoinSet::new();
    for _ in 0..CONNECTIONS {
        let mut http = Http::connect(rpc.trim_start_matches("tcp://")).await?;
        let queue = queue.clone();
        clients.spawn(async move {
            let mut out = vec![];
            loop {
                let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                let Some((place, tx)) = next else { return anyhow::Ok(out) };
                if let Some(pace) = pace {
                    let due = begun + Duration::from_secs_f64(place as f64 / pace);
                    tokio::time::sleep_until(due.into()).await;
                }
                let tx = BASE64.encode(tx);
                let request =
                    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"broadcast_tx_sync","params":{{"tx":"{tx}"}}}}"#);
                let sent = Instant::now();
                let answer: Value = serde_json::from_slice(&http.post(&request).await?)?;
                ensure!(answer["result"]["code"] == 0, "a send is refused: {answer}");
                out.push((tx, sent));
            }
        });
    }
    let mut out = BTreeMap::new();
    while let Some(sent) = clients.join_next().await {
        out.extend(sent??);
    }
    Ok(out)
}

/// Notes when each height appears.
struct Watch {
    stop: Arc<AtomicBool>,
    first: u64,
    thread: std::thread::JoinHandle<anyhow::Result<BTreeMap<u64, Instant>>>,
}

impl Watch {
    fn start(rpc: &str) -> anyhow::Result<Self> {
        let (stop, remote) = (Arc::new(AtomicBool::new(false)), Remote::new(rpc));
        let first = height(&remote.call("status", json!({}))?);
        let told = stop.clone();
        let thread = std::thread::spawn(move || {
            let (mut seen, mut last) = (BTreeMap::new(), first);
            // Once more after the end: the last block may have come meanwhile.
            loop {
                let ends = told.load(Ordering::Relaxed);
                let found = height(&remote.call("status", json!({}))?);
                for height in last + 1..=found {
                    seen.insert(height, Instant::now());
                }
                last = found;
                if ends {
                    return Ok(seen);
                }
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        Ok(Self { stop, first, thread })
    }

    /// When heights were seen, and the height before the first of them.
    fn stop(self) -> anyhow::Result<(BTreeMap<u64, Instant>, u64)> {
        self.stop.store(true, Ordering::Relaxed);
        let seen = self.thread.join().map_err(|_| anyhow::anyhow!("the watch has panicked"))?;
        Ok((seen.context("the watch")?, self.first))
    }
}
