//! Block time while false proofs come in, and a job that is proven all the same.

use crate::http::Http;
use crate::node::{Node, cometbft, height};
use crate::onchain::{SMALL, World};
use crate::report::{Bar, Report};
use anyhow::Context as _;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost::Message as _;
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use zektra_app::node::dev;
use zektra_comet::{Comet as _, Remote};
use zektra_drive::job;
use zektra_drive::signed::{Signed, Signer};
use zektra_drive::tap::Tap;
use zektra_drive::{CHAIN, PEOPLE};
use zektra_proto::Any;
use zektra_proto::cosmos::tx::v1beta1::{TxBody, TxRaw};
use zektra_proto::training::v1::MsgSubmitPart;

/// Malformed proofs a second, and their bytes.
const MALFORMED: (u64, usize) = (1_000, 4 << 10);
/// False proofs of full size a second.
const FALSE: u64 = 20;
const CONNECTIONS: u64 = 8;
/// CometBFT's pause after a block.
const COMMIT: &str = "1s";
const BLOCKS: u64 = 20;

/// What is sent, and what became of it.
#[derive(Default)]
struct Sent {
    stop: AtomicBool,
    malformed: AtomicU64,
    false_ones: AtomicU64,
    /// That the mempool has taken: none.
    taken: AtomicU64,
}

fn broadcast(tx: &[u8]) -> String {
    json!({"jsonrpc": "2.0", "id": 1, "method": "broadcast_tx_sync", "params": {"tx": STANDARD.encode(tx)}}).to_string()
}

/// A transaction with a proof that is none, the `count`-th of its kind.
fn malformed(count: u64) -> Vec<u8> {
    let mut proof = vec![0x5a; MALFORMED.1];
    proof[..8].copy_from_slice(&count.to_le_bytes());
    let message = MsgSubmitPart { job: 1, iteration: 1, proof: proof.into(), ..MsgSubmitPart::default() };
    let type_url = "/zektra.training.v1.MsgSubmitPart".into();
    let body = TxBody { messages: vec![Any { type_url, value: message.encode_to_vec() }], ..TxBody::default() };
    TxRaw { body_bytes: body.encode_to_vec().into(), ..TxRaw::default() }.encode_to_vec()
}

/// The node's own part with a byte of its proof changed, well signed.
fn false_one(part: &Signed, count: u64) -> anyhow::Result<Vec<u8>> {
    part.later::<MsgSubmitPart>(0, |m| {
        let mut proof = m.proof.to_vec();
        let place = proof.len() / 4 + usize::try_from(count).unwrap_or(0) % (proof.len() / 2);
        proof[place] ^= 1 + u8::try_from(count / 100_000 % 255).unwrap_or(0);
        m.proof = proof.into();
    })
}

/// Sends at a pace until it is told to stop.
async fn stream(
    host: String,
    pace: f64,
    sent: Arc<Sent>,
    count: fn(&Sent) -> &AtomicU64,
    make: impl Fn(u64) -> anyhow::Result<Vec<u8>>,
) -> anyhow::Result<()> {
    let mut http = Http::connect(&host).await?;
    let mut ticks = tokio::time::interval(Duration::from_secs_f64(1.0 / pace));
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    while !sent.stop.load(Ordering::Relaxed) {
        ticks.tick().await;
        let number = count(&sent).fetch_add(1, Ordering::Relaxed);
        let answer: Value = serde_json::from_slice(&http.post(&broadcast(&make(number)?)).await?)?;
        if answer["result"]["code"] == 0 {
            sent.taken.fetch_add(1, Ordering::Relaxed);
        }
    }
    Ok(())
}

/// Milliseconds of a block over the next ones.
fn block_time(rpc: &Remote) -> anyhow::Result<f64> {
    let at = |rpc: &Remote| Ok::<_, anyhow::Error>(height(&rpc.call("status", json!({}))?));
    let reached = |target: u64| -> anyhow::Result<Instant> {
        while at(rpc)? < target {
            std::thread::sleep(Duration::from_millis(5));
        }
        Ok(Instant::now())
    };
    let first = at(rpc)? + 1;
    let begun = reached(first)?;
    Ok(1e3 * (reached(first + BLOCKS)? - begun).as_secs_f64() / BLOCKS as f64)
}

/// Idle blocks, blocks under both streams, and the job's own parts in them.
///
/// # Errors
/// A process does not start; a false proof is taken; the job does not end.
pub fn run(report: &mut Report) -> anyhow::Result<()> {
    let Some(comet) = cometbft() else {
        report.note("  skipped: no CometBFT; `scripts/setup tests` builds it, ZEKTRA_COMETBFT names another");
        return Ok(());
    };
    let world = World::new("flood", |home| Node::with_comet(&comet, home, COMMIT))?;
    world.encrypt(SMALL)?;
    let (number, node) = world.order(SMALL)?;
    let rpc = Remote::new(&world.node.rpc);
    let tap = Tap::before(&world.node.rpc)?;
    let mut running = job::run(&world.drive.by(&tap.address), number, node, SMALL.shape())?;
    report.note("  a job of two parts is proven; the first part waits while blocks are measured");
    let part = tap.next(&mut running)?;
    let index = PEOPLE.iter().position(|p| *p == node).context("one of the test accounts")?;
    let signer = Signer { secret: dev::account(u32::try_from(index)?).secret, number: index as u64 };
    let part = Signed::new(part, signer, CHAIN);
    let idle = block_time(&rpc)?;

    let sent = Arc::new(Sent::default());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let host = world.node.rpc.trim_start_matches("tcp://").to_string();
    let mut streams = vec![];
    for _ in 0..CONNECTIONS {
        let pace = MALFORMED.0 as f64 / CONNECTIONS as f64;
        let made = |count| Ok(malformed(count));
        streams.push(runtime.spawn(stream(host.clone(), pace, sent.clone(), |s| &s.malformed, made)));
    }
    let own = part.clone();
    let made = move |count| false_one(&own, count);
    streams.push(runtime.spawn(stream(host, FALSE as f64, sent.clone(), |s| &s.false_ones, made)));
    let begun = Instant::now();
    let flooded = block_time(&rpc)?;
    let seconds = begun.elapsed().as_secs_f64();
    let rates = [&sent.malformed, &sent.false_ones].map(|n| n.load(Ordering::Relaxed) as f64 / seconds);

    // The honest proofs, in the middle of it.
    let honest = Instant::now();
    tap.send(&part.bytes)?;
    let number_text = number.to_string();
    let included = |count: usize| -> anyhow::Result<bool> {
        let parts = world.drive.ask(&["query", "training", "parts", &number_text])?;
        Ok(parts["parts"].as_array().is_some_and(|p| p.len() >= count))
    };
    while !included(1)? {
        anyhow::ensure!(honest.elapsed() < Duration::from_secs(60), "the honest part waits");
    }
    let waited = honest.elapsed().as_secs_f64();
    let last = tap.next(&mut running)?;
    tap.send(&last)?;
    running.end()?;
    job::settled(&world.drive, number)?;
    sent.stop.store(true, Ordering::Relaxed);
    for stream in streams {
        runtime.block_on(stream)??;
    }
    let taken = sent.taken.load(Ordering::Relaxed);
    anyhow::ensure!(taken == 0, "the mempool took {taken} false proofs");
    report.table(
        &["", "ms a block", "malformed of 4 KB/s", "false of full size/s"],
        &[
            vec!["idle".into(), format!("{idle:.0}"), "0".into(), "0".into()],
            vec!["flooded".into(), format!("{flooded:.0}"), format!("{:.0}", rates[0]), format!("{:.1}", rates[1])],
        ],
    );
    report.note("  the job was proven, delivered and settled in the middle of it; no false proof was taken");
    report.figure("flood.honest", waited, "s", None)?;
    report.figure("flood", flooded / idle, "×", Some(Bar::AtMost(1.2)))
}
