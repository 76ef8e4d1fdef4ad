//! The ABCI server: length-prefixed messages over TCP or a Unix socket, a thread a connection.
//!
//! CometBFT sends a request and a flush and waits for the answer to the flush. All answers to what has arrived go out in
//! one write: two small writes would meet Nagle's algorithm and the peer's delayed acknowledgement, some 44 ms a call.

use crate::abci::Halt;
use prost::Message as _;
use prost::bytes::{Buf as _, BytesMut};
use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixListener, UnixStream};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use tendermint_abci::Application;
use zektra_proto::tendermint::abci::request::Value as Asked;
use zektra_proto::tendermint::abci::response::Value as Answered;
use zektra_proto::tendermint::abci::{Request, RequestInfo, Response, ResponseException};

/// Largest message, CometBFT's own limit.
const MAX_MESSAGE: usize = 100 << 20;
/// Bytes read at once.
const READ: usize = 64 << 10;

/// Where to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Address {
    /// `tcp://host:port`; port 0 takes a free one.
    Tcp(String),
    /// `unix://path`.
    Unix(PathBuf),
}

impl std::str::FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once("://") {
            Some(("tcp", address)) if !address.is_empty() => Ok(Self::Tcp(address.into())),
            Some(("unix", path)) if !path.is_empty() => Ok(Self::Unix(path.into())),
            _ => Err(format!("address {text:?}: expected tcp://host:port or unix://path")),
        }
    }
}

trait Stream: Read + Write + Send {
    fn shut(&self);
    fn twin(&self) -> io::Result<Box<dyn Stream>>;
}

impl Stream for TcpStream {
    fn shut(&self) {
        let _ = self.shutdown(std::net::Shutdown::Both);
    }

    fn twin(&self) -> io::Result<Box<dyn Stream>> {
        Ok(Box::new(self.try_clone()?))
    }
}

impl Stream for UnixStream {
    fn shut(&self) {
        let _ = self.shutdown(std::net::Shutdown::Both);
    }

    fn twin(&self) -> io::Result<Box<dyn Stream>> {
        Ok(Box::new(self.try_clone()?))
    }
}

enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener, PathBuf),
}

impl Listener {
    fn accept(&self) -> io::Result<Box<dyn Stream>> {
        match self {
            Self::Tcp(listener) => {
                let (stream, _) = listener.accept()?;
                stream.set_nodelay(true)?;
                Ok(Box::new(stream))
            }
            Self::Unix(listener, _) => Ok(Box::new(listener.accept()?.0)),
        }
    }

    /// Ends a call of `accept`.
    fn wake(&self) {
        let _ = match self {
            Self::Tcp(listener) => listener.local_addr().and_then(TcpStream::connect).map(drop),
            Self::Unix(_, path) => UnixStream::connect(path).map(drop),
        };
    }
}

/// What the connections of a server share.
#[derive(Default)]
struct Shared {
    stop: AtomicBool,
    /// A twin of each open connection's stream, to close it from outside.
    open: Mutex<BTreeMap<u64, Box<dyn Stream>>>,
    /// Since CometBFT has connected: it has asked where the state is.
    asked: AtomicBool,
    /// Since CometBFT has connected: it has asked for more than that.
    worked: AtomicBool,
    /// The chain waits for another program: CometBFT goes, too.
    halted: AtomicBool,
}

impl Shared {
    fn open(&self) -> MutexGuard<'_, BTreeMap<u64, Box<dyn Stream>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    fn note(&self, request: &Request) {
        match request.value {
            Some(Asked::Info(_)) => {
                if !self.asked.swap(true, Ordering::SeqCst) {
                    tracing::info!("CometBFT is here");
                }
            }
            None | Some(Asked::Echo(_) | Asked::Flush(_) | Asked::Query(_)) => {}
            Some(_) => self.worked.store(true, Ordering::SeqCst),
        }
    }

    /// A connection has ended. With the last of them CometBFT is gone: when it goes right after its question where the
    /// state is, it was not content with the answer, and says so in its own log alone.
    fn left<A: Application>(&self, id: u64, app: &A) {
        let mut open = self.open();
        open.remove(&id);
        if !open.is_empty() || self.stopped() {
            return;
        }
        let (asked, worked) = (self.asked.swap(false, Ordering::SeqCst), self.worked.swap(false, Ordering::SeqCst));
        let height = app.info(RequestInfo::default()).last_block_height;
        if asked && !worked && height > 0 {
            tracing::warn!(
                height,
                "CometBFT has gone before its first block, the state here is at {height} and stays: if its own blocks \
                 end elsewhere, its data was reset or is older; put its data back, or begin both anew without the \
                 folder data/state of this home"
            );
        }
    }

    /// Whether the connection may run: none begins after the stop.
    fn enter(&self, id: u64, twin: Box<dyn Stream>) -> bool {
        let mut open = self.open();
        let may = !self.stopped();
        if may {
            open.insert(id, twin);
        }
        may
    }
}

/// A server that listens.
pub struct Server {
    listener: Arc<Listener>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Server({})", self.address())
    }
}

impl Server {
    /// Listens, and answers each connection with a clone of `app`.
    ///
    /// # Errors
    /// The address is in use or cannot be bound.
    pub fn listen<A: Application>(address: &Address, app: A) -> io::Result<Self> {
        let listener = Arc::new(match address {
            Address::Tcp(address) => Listener::Tcp(TcpListener::bind(address)?),
            Address::Unix(path) => {
                // A socket that nobody answers is what a killed server left.
                if path.exists() && UnixStream::connect(path).is_err() {
                    std::fs::remove_file(path)?;
                }
                Listener::Unix(UnixListener::bind(path)?, path.clone())
            }
        });
        let shared = Arc::new(Shared::default());
        let (accepting, state) = (listener.clone(), shared.clone());
        let thread = std::thread::Builder::new().name("abci".into()).spawn(move || accept(&accepting, &state, &app))?;
        Ok(Self { listener, shared, thread: Some(thread) })
    }

    /// Where it listens, as CometBFT's `proxy_app` names it.
    pub fn address(&self) -> String {
        match &*self.listener {
            Listener::Tcp(listener) => match listener.local_addr() {
                Ok(address) => format!("tcp://{address}"),
                Err(e) => format!("tcp://({e})"),
            },
            Listener::Unix(_, path) => format!("unix://{}", path.display()),
        }
    }

    /// Stops: calls that run are finished, then all connections are closed.
    pub fn stop(&mut self) {
        {
            let open = self.shared.open();
            self.shared.stop.store(true, Ordering::SeqCst);
            open.values().for_each(|stream| stream.shut());
        }
        self.listener.wake();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        if let Listener::Unix(_, path) = &*self.listener {
            let _ = std::fs::remove_file(path);
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn accept<A: Application>(listener: &Listener, shared: &Arc<Shared>, app: &A) {
    let mut connections: Vec<JoinHandle<()>> = vec![];
    for id in 0.. {
        let stream = listener.accept();
        if shared.stopped() {
            break;
        }
        let entered = stream.and_then(|stream| Ok((stream.twin()?, stream)));
        let (twin, stream) = match entered {
            Ok(both) => both,
            Err(e) => {
                tracing::warn!(error = %e, "a connection was not accepted");
                continue;
            }
        };
        if !shared.enter(id, twin) {
            break;
        }
        let (app, shared) = (app.clone(), shared.clone());
        let run = move || {
            if let Err(e) = serve(stream, &app, &shared)
                && !shared.stopped()
                && !shared.halted.load(Ordering::SeqCst)
            {
                tracing::warn!(error = %e, "a connection of CometBFT broke");
            }
            // The twin holds the connection open until it is dropped too.
            shared.left(id, &app);
        };
        match std::thread::Builder::new().name("abci connection".into()).spawn(run) {
            Ok(thread) => connections.push(thread),
            Err(e) => tracing::error!(error = %e, "no thread for a connection"),
        }
        connections.retain(|thread| !thread.is_finished());
    }
    for thread in connections {
        let _ = thread.join();
    }
}

/// Answers until the peer hangs up.
fn serve<A: Application>(mut stream: Box<dyn Stream>, app: &A, shared: &Shared) -> io::Result<()> {
    let (mut input, mut output) = (BytesMut::with_capacity(READ), Vec::with_capacity(READ));
    let mut chunk = vec![0; READ];
    loop {
        while let Some(request) = next_request(&mut input)? {
            shared.note(&request);
            let response = answer(app, request, shared);
            response.encode_length_delimited(&mut output).map_err(io::Error::other)?;
        }
        // Nothing more has arrived: whoever waits gets all answers at once.
        if !output.is_empty() {
            stream.write_all(&output)?;
            stream.flush()?;
            output.clear();
        }
        let read = stream.read(&mut chunk)?;
        if read == 0 {
            return Ok(());
        }
        input.extend_from_slice(&chunk[..read]);
    }
}

/// Takes the next whole request off what has arrived; `None` until it is there.
///
/// # Errors
/// A length beyond CometBFT's limit, bytes that are no request: the connection cannot go on.
pub fn next_request(input: &mut BytesMut) -> io::Result<Option<Request>> {
    let wrong = |e: String| io::Error::new(io::ErrorKind::InvalidData, e);
    let Some(header) = input.iter().take(10).position(|b| b & 0x80 == 0) else {
        return if input.len() >= 10 { Err(wrong("a length of more than 10 bytes".into())) } else { Ok(None) };
    };
    let mut rest = &input[..=header];
    let length = prost::encoding::decode_varint(&mut rest).map_err(|e| wrong(e.to_string()))?;
    let length = usize::try_from(length).ok().filter(|&l| l <= MAX_MESSAGE);
    let length = length.ok_or_else(|| wrong(format!("a message of more than {MAX_MESSAGE} bytes")))?;
    if input.len() < header + 1 + length {
        input.reserve(header + 1 + length - input.len());
        return Ok(None);
    }
    input.advance(header + 1);
    let body = input.split_to(length).freeze();
    Request::decode(body).map(Some).map_err(|e| wrong(e.to_string()))
}

fn answer<A: Application>(app: &A, request: Request, shared: &Shared) -> Response {
    let Some(asked) = request.value else {
        return exception("an empty request");
    };
    let consensus = matches!(
        asked,
        Asked::InitChain(_)
            | Asked::PrepareProposal(_)
            | Asked::ProcessProposal(_)
            | Asked::ExtendVote(_)
            | Asked::VerifyVoteExtension(_)
            | Asked::FinalizeBlock(_)
            | Asked::Commit(_)
    );
    match catch_unwind(AssertUnwindSafe(|| dispatch(app, asked))) {
        Ok(value) => Response { value: Some(value) },
        Err(panic) => {
            // The node ends in order; CometBFT says why, too.
            if let Some(Halt(why)) = panic.downcast_ref() {
                shared.halted.store(true, Ordering::SeqCst);
                return exception(why);
            }
            let why = panic.downcast_ref::<String>().map(String::as_str).or(panic.downcast_ref::<&str>().copied());
            let why = why.unwrap_or("a panic without a text");
            if consensus {
                tracing::error!(
                    why,
                    "the application cannot go on: the process ends, a restart begins at the last commit"
                );
                // Going on could part this validator from the others.
                std::process::abort();
            }
            tracing::error!(why, "a call failed");
            exception(why)
        }
    }
}

fn exception(why: &str) -> Response {
    Response { value: Some(Answered::Exception(ResponseException { error: why.into() })) }
}

fn dispatch<A: Application>(app: &A, asked: Asked) -> Answered {
    match asked {
        Asked::Echo(r) => Answered::Echo(app.echo(r)),
        Asked::Flush(_) => Answered::Flush(app.flush()),
        Asked::Info(r) => Answered::Info(app.info(r)),
        Asked::InitChain(r) => Answered::InitChain(app.init_chain(r)),
        Asked::Query(r) => Answered::Query(app.query(r)),
        Asked::CheckTx(r) => Answered::CheckTx(app.check_tx(r)),
        Asked::Commit(_) => Answered::Commit(app.commit()),
        Asked::ListSnapshots(_) => Answered::ListSnapshots(app.list_snapshots()),
        Asked::OfferSnapshot(r) => Answered::OfferSnapshot(app.offer_snapshot(r)),
        Asked::LoadSnapshotChunk(r) => Answered::LoadSnapshotChunk(app.load_snapshot_chunk(r)),
        Asked::ApplySnapshotChunk(r) => Answered::ApplySnapshotChunk(app.apply_snapshot_chunk(r)),
        Asked::PrepareProposal(r) => Answered::PrepareProposal(app.prepare_proposal(r)),
        Asked::ProcessProposal(r) => Answered::ProcessProposal(app.process_proposal(r)),
        Asked::ExtendVote(r) => Answered::ExtendVote(app.extend_vote(r)),
        Asked::VerifyVoteExtension(r) => Answered::VerifyVoteExtension(app.verify_vote_extension(r)),
        Asked::FinalizeBlock(r) => Answered::FinalizeBlock(app.finalize_block(r)),
    }
}
