//! Balance queries of many clients, while blocks with transactions run.

use crate::driven::folder;
use crate::http::Http;
use crate::node::Node;
use crate::report::{Bar, Report, Samples};
use crate::senders::{DENOM, Senders};
use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::Builder;
use tonic::client::Grpc;
use tonic::codegen::http::uri::PathAndQuery;
use tonic::transport::{Channel, Endpoint};
use zektra_comet::{Comet as _, Remote};
use zektra_proto::cosmos::bank::v1beta1::{QueryBalanceRequest, QueryBalanceResponse};

const ACCOUNTS: usize = 10_000;
const CONNECTIONS: usize = 64;
/// Time between two transactions.
const PACE: Duration = Duration::from_millis(5);
/// What one connection measures is thrown away until it is warm.
const WARM: Duration = Duration::from_secs(1);

/// REST and gRPC, one after the other.
///
/// # Errors
/// The node does not start; an answer that is none.
pub fn run(report: &mut Report) -> anyhow::Result<()> {
    let time = Duration::from_secs(if report.quick { 3 } else { 15 });
    report.note(format!("  a node with {ACCOUNTS} accounts starts"));
    let place = folder("queries")?;
    let mut senders = Senders::new(ACCOUNTS);
    let node = Node::solo(place.path(), &senders, "1s")?;
    let addresses: Arc<[String]> = (0..ACCOUNTS).map(|k| senders.address(k).to_string()).collect();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let mut rows = vec![];
    let mut figures = vec![];
    for (k, front) in ["rest", "grpc"].into_iter().enumerate() {
        let count = ((time + 2 * WARM).as_millis() / PACE.as_millis()) as usize;
        let txs = senders.in_turn(k * count, count);
        report.note(format!("  {CONNECTIONS} connections ask {front} for {} s", time.as_secs()));
        let load = Load::start(&node.rpc, txs);
        let samples = runtime.block_on(ask(&node, front, &addresses, time))?;
        let (sent, blocks) = load.stop()?;
        let rate = samples.len() as f64 / time.as_secs_f64();
        let cells = [samples.median(), samples.quantile(0.99), samples.max()].map(|us| format!("{:.2}", us / 1e3));
        rows.push([vec![front.into()], cells.to_vec(), vec![sent.to_string(), blocks.to_string()]].concat());
        figures.push((front, rate, samples.quantile(0.99) / 1e3));
    }
    report.table(&["ms an answer", "median", "99 %", "most", "sends meanwhile", "blocks"], &rows);
    for (front, rate, slow) in figures {
        report.figure(&format!("queries.{front}"), rate, "queries/s", Some(Bar::AtLeast(5_000.0)))?;
        report.figure(&format!("queries.{front}-p99"), slow, "ms", Some(Bar::AtMost(30.0)))?;
    }
    Ok(())
}

/// All connections ask one question after another; times of the answers.
async fn ask(node: &Node, front: &str, addresses: &Arc<[String]>, time: Duration) -> anyhow::Result<Samples> {
    let begun = Instant::now();
    let mut clients = tokio::task::JoinSet::new();
    for k in 0..CONNECTIONS {
        let mut client = match front {
            "rest" => Client::Rest(Http::connect(&node.rest).await?),
            _ => Client::Grpc(Grpc::new(Endpoint::from_shared(format!("http://{}", node.grpc))?.connect().await?)),
        };
        let addresses = addresses.clone();
        clients.spawn(async move {
            let mut times = vec![];
            for question in (0..).map(|n| n * CONNECTIONS + k) {
                let asked = Instant::now();
                if asked - begun >= WARM + time {
                    break;
                }
                client.balance(&addresses[question % addresses.len()]).await?;
                if asked - begun >= WARM {
                    times.push(asked.elapsed());
                }
            }
            anyhow::Ok(times)
        });
    }
    let mut samples = Samples::default();
    while let Some(times) = clients.join_next().await {
        times??.into_iter().for_each(|time| samples.push_micros(time));
    }
    Ok(samples)
}

enum Client {
    Rest(Http),
    Grpc(Grpc<Channel>),
}

impl Client {
    async fn balance(&mut self, address: &str) -> anyhow::Result<()> {
        let right = match self {
            Self::Rest(http) => {
                let path = format!("/cosmos/bank/v1beta1/balances/{address}/by_denom?denom={DENOM}");
                let answer = http.get(&path).await?;
                answer.starts_with(br#"{"balance":{"#)
            }
            Self::Grpc(grpc) => {
                grpc.ready().await?;
                let request = QueryBalanceRequest { address: address.into(), denom: DENOM.into() };
                let path = PathAndQuery::from_static("/cosmos.bank.v1beta1.Query/Balance");
                let codec = tonic::codec::ProstCodec::<_, QueryBalanceResponse>::default();
                let answer = grpc.unary(tonic::Request::new(request), path, codec).await?.into_inner();
                answer.balance.is_some_and(|coin| coin.amount != "0")
            }
        };
        ensure!(right, "an answer without a balance");
        Ok(())
    }
}

/// Transactions that go on meanwhile.
struct Load {
    stop: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<anyhow::Result<(usize, u64)>>,
}

impl Load {
    fn start(rpc: &str, txs: Vec<Vec<u8>>) -> Self {
        let (stop, remote) = (Arc::new(AtomicBool::new(false)), Remote::new(rpc));
        let told = stop.clone();
        let thread = std::thread::spawn(move || {
            let height = || anyhow::Ok(crate::node::height(&remote.call("status", json!({}))?));
            let (first, mut next, mut sent) = (height()?, Instant::now(), 0);
            for tx in txs {
                if told.load(Ordering::Relaxed) {
                    break;
                }
                let answer = remote.call("broadcast_tx_sync", json!({"tx": BASE64.encode(tx)}))?;
                ensure!(answer["code"] == 0, "a send is refused: {answer}");
                sent += 1;
                next += PACE;
                std::thread::sleep(next.saturating_duration_since(Instant::now()));
            }
            Ok((sent, height()? - first))
        });
        Self { stop, thread }
    }

    /// How many were sent, and the blocks that were made.
    fn stop(self) -> anyhow::Result<(usize, u64)> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow::anyhow!("the load has panicked"))?.context("the load")
    }
}
