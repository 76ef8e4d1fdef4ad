//! A call over the ABCI socket, as CometBFT's socket client makes it.

use crate::driven::{Driven, folder};
use crate::report::{Bar, Report, Samples};
use crate::senders::Senders;
use anyhow::{Context as _, ensure};
use prost::Message as _;
use std::io::{BufReader, BufWriter, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;
use tendermint_abci::ServerBuilder;
use zektra_app::server::{Address, Server};
use zektra_proto::tendermint::abci::request::Value as Asked;
use zektra_proto::tendermint::abci::response::Value as Answered;
use zektra_proto::tendermint::abci::{Request, RequestEcho, RequestFlush, RequestInfo, Response};

/// Calls of each kind to our server.
const CALLS: usize = 5_000;
/// Calls of each kind to the stock server, which is slow.
const STOCK_CALLS: usize = 40;

/// Echo and Info over a Unix socket and over TCP, and beside them those of the stock server.
///
/// # Errors
/// A server that does not answer.
pub fn run(report: &mut Report) -> anyhow::Result<()> {
    let place = folder("abci")?;
    let app = Driven::begin(place.path(), &Senders::new(10))?.app;
    let path = std::env::temp_dir().join(format!("zektra-bench-{}.sock", std::process::id()));
    let unix = Server::listen(&Address::Unix(path.clone()), app.clone())?;
    let tcp = Server::listen(&Address::Tcp("127.0.0.1:0".into()), app.clone())?;
    let stock = ServerBuilder::default().bind("127.0.0.1:0", app)?;
    let stock_address = stock.local_addr();
    // It cannot be stopped: its thread ends with the process.
    std::thread::spawn(move || drop(stock.listen()));

    let over_tcp = |address: &str| -> anyhow::Result<Client> {
        let stream = TcpStream::connect(address.trim_start_matches("tcp://"))?;
        // As Go does unless it is told otherwise.
        stream.set_nodelay(true)?;
        Client::new(stream.try_clone()?, stream)
    };
    let stream = UnixStream::connect(&path)?;
    let mut over_unix = Client::new(stream.try_clone()?, stream)?;
    let mut rows = vec![];
    let mut medians = vec![];
    let mut clients = [
        ("unix", &mut over_unix, CALLS),
        ("tcp", &mut over_tcp(&tcp.address())?, CALLS),
        ("stock, tcp", &mut over_tcp(&stock_address)?, STOCK_CALLS),
    ];
    for (name, client, calls) in &mut clients {
        for call in ["echo", "info"] {
            let calls = if report.quick { *calls / 4 } else { *calls };
            let samples = client.measure(call, calls)?;
            let cells = [samples.median(), samples.quantile(0.99), samples.max()].map(|us| format!("{:.3}", us / 1e3));
            rows.push([vec![format!("{name}: {call}")], cells.to_vec()].concat());
            medians.push((*name, call, samples.median() / 1e3));
        }
    }
    report.table(&["ms a call", "median", "99 %", "most"], &rows);
    for (name, call, ms) in medians {
        let (figure, bar) = match name {
            "unix" => (format!("abci-latency.{call}"), Some(Bar::AtMost(0.1))),
            "tcp" => (format!("abci-latency.tcp-{call}"), None),
            _ => (format!("abci-latency.stock-tcp-{call}"), None),
        };
        report.figure(&figure, ms, "ms", bar)?;
    }
    drop((unix, tcp));
    Ok(())
}

/// CometBFT's socket client: a request and a flush leave in one write of a buffered writer, answers are read by
/// somebody else, and the call returns with the answer to its flush.
struct Client {
    writer: BufWriter<Box<dyn Write>>,
    answers: Receiver<Answered>,
}

impl Client {
    fn new(reader: impl Read + Send + 'static, writer: impl Write + 'static) -> anyhow::Result<Self> {
        let (tell, answers) = channel();
        std::thread::Builder::new().name("answers".into()).spawn(move || {
            let mut reader = BufReader::new(reader);
            while let Ok(Some(answer)) = read(&mut reader) {
                if tell.send(answer).is_err() {
                    break;
                }
            }
        })?;
        Ok(Self { writer: BufWriter::with_capacity(4096, Box::new(writer)), answers })
    }

    fn call(&mut self, asked: Asked) -> anyhow::Result<Answered> {
        for value in [asked, Asked::Flush(RequestFlush {})] {
            self.writer.write_all(&Request { value: Some(value) }.encode_length_delimited_to_vec())?;
        }
        self.writer.flush()?;
        let answer = self.answers.recv().context("the server hung up")?;
        let flushed = self.answers.recv().context("the server hung up")?;
        ensure!(matches!(flushed, Answered::Flush(_)), "{flushed:?} in answer to a flush");
        Ok(answer)
    }

    fn measure(&mut self, call: &str, calls: usize) -> anyhow::Result<Samples> {
        let mut samples = Samples::default();
        for k in 0..calls + calls / 10 {
            let asked = match call {
                "echo" => Asked::Echo(RequestEcho { message: "hello".into() }),
                _ => Asked::Info(RequestInfo::default()),
            };
            let begun = Instant::now();
            let answer = self.call(asked)?;
            // The first tenth warms up.
            if k >= calls / 10 {
                samples.push_micros(begun.elapsed());
            }
            let right = match &answer {
                Answered::Echo(echo) => echo.message == "hello",
                Answered::Info(info) => info.last_block_height == 1,
                _ => false,
            };
            ensure!(right, "{answer:?} in answer to {call}");
        }
        Ok(samples)
    }
}

/// The next answer; `None` at the end.
fn read(reader: &mut impl std::io::BufRead) -> anyhow::Result<Option<Answered>> {
    let mut length = 0usize;
    for shift in (0..).step_by(7).take(5) {
        let mut byte = [0];
        if shift == 0 && reader.fill_buf()?.is_empty() {
            return Ok(None);
        }
        reader.read_exact(&mut byte)?;
        length |= usize::from(byte[0] & 0x7f) << shift;
        if byte[0] & 0x80 == 0 {
            break;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(Response::decode(&body[..])?.value)
}
