//! `zektrad` of a proposer that breaks the rules: for tests, and to see on `scripts/devnet` what honest validators do, with
//! `ZEKTRAD=target/debug/examples/zektrad-dishonest scripts/devnet start 3`.
//!
//! While its home holds `orders/NAME`, a `ResponsePrepareProposal` with transactions, it proposes just these whenever it is
//! its turn, and votes for them; else it does what `zektrad` does, behind it: only the socket to CometBFT is its own.

use anyhow::{Context as _, Result};
use prost::Message as _;
use prost::bytes::BytesMut;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;
use zektra_app::server::next_request;
use zektra_proto::tendermint::abci::request::Value as Asked;
use zektra_proto::tendermint::abci::response::Value as Answered;
use zektra_proto::tendermint::abci::response_process_proposal::ProposalStatus;
use zektra_proto::tendermint::abci::{Response, ResponsePrepareProposal, ResponseProcessProposal};

/// What is to be proposed: the first order by name.
fn order(orders: &Path) -> Option<ResponsePrepareProposal> {
    let mut all: Vec<PathBuf> = fs::read_dir(orders).ok()?.flatten().map(|entry| entry.path()).collect();
    all.sort();
    ResponsePrepareProposal::decode(&fs::read(all.first()?).ok()?[..]).ok()
}

/// Reads one answer of `zektrad`.
fn response(stream: &mut UnixStream) -> Result<Response> {
    let (mut length, mut shift, mut byte) = (0usize, 0, [0u8; 1]);
    loop {
        stream.read_exact(&mut byte)?;
        length |= usize::from(byte[0] & 0x7f) << shift;
        shift += 7;
        if byte[0] & 0x80 == 0 {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(Response::decode(&body[..])?)
}

/// Hands a connection's requests to `zektrad`, and its answers back.
fn relay(mut comet: UnixStream, mut honest: UnixStream, orders: &Path) -> Result<()> {
    let (mut input, mut chunk) = (BytesMut::new(), vec![0; 1 << 16]);
    loop {
        while let Some(request) = next_request(&mut input)? {
            honest.write_all(&request.encode_length_delimited_to_vec())?;
            let mut answer = response(&mut honest)?;
            match (&request.value, &mut answer.value) {
                (Some(Asked::PrepareProposal(_)), Some(Answered::PrepareProposal(proposal))) => {
                    if let Some(other) = order(orders) {
                        *proposal = other;
                    }
                }
                (Some(Asked::ProcessProposal(proposal)), Some(Answered::ProcessProposal(vote)))
                    if order(orders).is_some_and(|own| own.txs == proposal.txs) =>
                {
                    *vote = ResponseProcessProposal { status: ProposalStatus::Accept.into() };
                }
                _ => {}
            }
            comet.write_all(&answer.encode_length_delimited_to_vec())?;
        }
        let read = comet.read(&mut chunk)?;
        if read == 0 {
            return Ok(());
        }
        input.extend_from_slice(&chunk[..read]);
    }
}

/// Listens in `zektrad`'s place, once `zektrad` itself does at `inner`.
fn listen(outer: &Path, inner: &Path, orders: &Path) -> Result<()> {
    while UnixStream::connect(inner).is_err() {
        std::thread::sleep(Duration::from_millis(20));
    }
    for comet in UnixListener::bind(outer).with_context(|| format!("{}", outer.display()))?.incoming() {
        let (comet, honest, orders) = (comet?, UnixStream::connect(inner)?, orders.to_path_buf());
        std::thread::spawn(move || relay(comet, honest, &orders));
    }
    Ok(())
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().collect();
    let after = |name: &str| arguments.iter().skip_while(|a| *a != name).nth(1).cloned();
    let outer = after("--abci").and_then(|at| at.strip_prefix("unix://").map(PathBuf::from));
    let (Some(outer), Some(home)) = (outer, after("--home")) else {
        eprintln!("expected start --home HOME --abci unix://PATH");
        return ExitCode::FAILURE;
    };
    let inner = outer.with_extension("honest.sock");
    let (orders, own) = (Path::new(&home).join("orders"), inner.clone());
    std::thread::spawn(move || {
        if let Err(e) = listen(&outer, &own, &orders) {
            eprintln!("{e:#}");
            std::process::exit(1);
        }
    });
    let inner = format!("unix://{}", inner.display());
    let replaced = arguments.iter().map(|a| if a.starts_with("unix://") { inner.clone() } else { a.clone() });
    zektra_app::cli::run_with(replaced, zektra_modules::upgrade::MIGRATIONS)
}
