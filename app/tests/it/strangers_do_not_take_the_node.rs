//! What one can do with connections alone.

use super::node::{Node, get, zektrad};
use super::solo_chain::{SoloChain, person};
use super::test_chain::coin;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use cosmrs::tx::Fee;
use prost::Message as _;
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::time::{Duration, Instant};
use zektra_app::front::rpc::answers;
use zektra_proto::cosmos::tx::v1beta1::{TxBody, TxRaw};

/// Starts a solo chain with these bounds of its fronts.
fn bounded(home: &Path, fronts: &str) -> Node {
    let config = home.join("config");
    std::fs::create_dir_all(&config).unwrap();
    std::fs::write(config.join("app.toml"), format!("[fronts]\n{fronts}")).unwrap();
    Node::start(home, &["--on-tx"])
}

fn said(address: &str, bytes: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(bytes).unwrap();
    stream
}

/// Waits until the other side has closed; what it said before.
fn closed(mut stream: TcpStream) -> String {
    let mut answer = vec![];
    match stream.read_to_end(&mut answer) {
        Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => panic!("still open"),
        _ => String::from_utf8_lossy(&answer).into_owned(),
    }
}

const UPGRADE: &[u8] = b"GET /websocket HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\n\r\n";

#[test]
fn with_connections_that_say_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let node = bounded(folder.path(), "connections = 4\nidle_secs = 1\ntimeout_secs = 1\n");
    let half = b"POST /cosmos/tx/v1beta1/simulate HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\n{";
    let begun = Instant::now();
    let starts = [&b""[..], b"P", b"GET / HT", half, half, b"", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"];
    let silent: Vec<_> = starts.iter().map(|bytes| said(&node.rest, bytes)).collect();
    let others = [said(&node.grpc, b""), said(&node.rpc, b""), said(&node.rpc, UPGRADE)];
    // More than there are places for: the next waits until they are closed.
    assert_eq!(node.get("/cosmos/bank/v1beta1/supply").0, 200);
    assert!(begun.elapsed() >= Duration::from_secs(1));
    for stream in silent.into_iter().chain(others) {
        closed(stream);
    }
    assert_eq!(get(&format!("{}/health", node.rpc), None).0, 200);
    assert!(node.stop());
}

#[test]
fn with_requests_that_grow() {
    let folder = tempfile::tempdir().unwrap();
    let node = bounded(folder.path(), "simulation_gas = 1000\n");
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let post = |url: &str, body: &str| {
        let mut answer = agent.post(url).send(body).unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    };
    let large = BASE64.encode(vec![0; (1 << 20) + 1]);
    for method in ["decode", "simulate"] {
        let url = format!("{}/cosmos/tx/v1beta1/{method}", node.rest);
        let (status, text) = post(&url, &json!({"tx_bytes": large}).to_string());
        assert_eq!(status, 400, "{text}");
        assert!(text.contains("tx_bytes: 1048577 bytes, expected at most 1048576"), "{text}");
    }
    let wide = json!({"tx": {"body": {"memo": "x".repeat((1 << 20) + 1)}}}).to_string();
    let (status, text) = post(&format!("{}/cosmos/tx/v1beta1/encode", node.rest), &wide);
    assert!(status == 400 && text.contains("bytes, expected at most 1048576"), "{text}");
    let values = format!("[{}0]", "0,".repeat(10_000));
    let (_, text) = post(&node.rpc, &values);
    assert!(text.contains("10001 values, expected at most 10000"), "{text}");
    let (status, _) = post(&node.rpc, &" ".repeat((2 << 20) + 1));
    assert_eq!(status, 413);
    // The chain of this home bounds a block's gas: more than that is not simulated either.
    let (alice, bob) = (person(0), person(1));
    let tx = |count| {
        let messages = (0..count).flat_map(|_| vec![alice.pay(&bob.id(), 1)]).collect();
        BASE64.encode(alice.sign_with(messages, 0, Fee::from_amount_and_gas(coin(0), 1u64), "zektra-dev-1"))
    };
    let simulate =
        |count| post(&format!("{}/cosmos/tx/v1beta1/simulate", node.rest), &json!({"tx_bytes": tx(count)}).to_string());
    assert_eq!(simulate(1).0, 200);
    let (status, text) = simulate(6600);
    assert!(status == 500 && text.contains("out of gas"), "{status} {}", &text[..text.len().min(500)]);
    assert!(node.stop());
}

#[test]
fn with_calls_that_do_not_end() {
    let folder = tempfile::tempdir().unwrap();
    let node = bounded(folder.path(), "timeout_secs = 1\n");
    // Each says that a body follows, and sends half of it.
    let half = |path: &str, kind: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: {kind}\r\ncontent-length: 9\r\n\r\n\0\0"
        )
    };
    let rest = said(&node.rest, half("/cosmos/tx/v1beta1/simulate", "application/json").as_bytes());
    let grpc = said(&node.grpc, half("/cosmos.bank.v1beta1.Query/Params", "application/grpc").as_bytes());
    let (rest, grpc) = (closed(rest), closed(grpc).to_lowercase());
    assert!(rest.starts_with("HTTP/1.1 408") && rest.contains("no answer in 1 s"), "{rest}");
    assert!(grpc.starts_with("http/1.1 200"), "{grpc}");
    assert!(grpc.contains("grpc-status: 4\r\n") && grpc.contains("content-type: application/grpc"), "{grpc}");
    assert!(node.stop());
}

#[test]
fn with_answers_that_nobody_reads() {
    let folder = tempfile::tempdir().unwrap();
    let node = bounded(folder.path(), "answers_mib = 1\n");
    let body = TxBody { memo: "x".repeat(1_000_000), ..TxBody::default() }.encode_to_vec();
    let tx = TxRaw { body_bytes: body.into(), ..TxRaw::default() }.encode_to_vec();
    let text = json!({"tx_bytes": BASE64.encode(tx)}).to_string();
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let url = format!("{}/cosmos/tx/v1beta1/decode", node.rest);
    let decode = || {
        let mut answer = agent.post(&url).send(&text).unwrap();
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    };
    let until = |wanted: u16| {
        let begun = Instant::now();
        loop {
            let (status, text) = decode();
            assert!(status == 200 || status == 503, "{status} {text}");
            if status == wanted {
                return text;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "{wanted} is not answered");
        }
    };
    assert!(until(200).len() > 1_000_000);
    let head = format!("POST /cosmos/tx/v1beta1/decode HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n", text.len());
    let silent = said(&node.rest, b"");
    let (mut asking, request) = (silent.try_clone().unwrap(), head + &text);
    let asks = std::thread::spawn(move || while asking.write_all(request.as_bytes()).is_ok() {});
    let refused = until(503);
    assert!(refused.contains("1 MiB of answers wait to be read: ask again later, or for less"), "{refused}");
    assert_eq!(node.get("/cosmos/bank/v1beta1/params").0, 200);
    silent.shutdown(std::net::Shutdown::Both).unwrap();
    asks.join().unwrap();
    drop(silent);
    until(200);
    assert!(node.stop());
}

/// Over HTTP/2 one can live, answer every ping, and let nothing of an answer through.
#[test]
fn with_answers_that_nobody_lets_through() {
    let folder = tempfile::tempdir().unwrap();
    let node = bounded(folder.path(), "idle_secs = 1\n");
    // A GET of /openapi.json with a window of no bytes (RFC 9113, RFC 7541).
    let frame = |kind: u8, flags: u8, stream: u8, content: &[u8]| {
        [&[0, 0, u8::try_from(content.len()).unwrap(), kind, flags, 0, 0, 0, stream], content].concat()
    };
    let headers = [&[0x82, 0x86, 0x04, 13][..], b"/openapi.json", &[0x01, 1, b'x']].concat();
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let asked = [&preface[..], &frame(4, 0, 0, &[0, 4, 0, 0, 0, 0]), &frame(1, 5, 1, &headers)].concat();
    let (mut stream, begun) = (said(&node.rest, &asked), Instant::now());
    let (mut head, mut seen) = ([0; 9], [0; 10]);
    while stream.read_exact(&mut head).is_ok() {
        let mut content = vec![0; u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize];
        if stream.read_exact(&mut content).is_err() {
            break;
        }
        seen[usize::from(head[3])] += 1;
        // A ping is answered with itself; one that is not written finds the connection closed.
        if head[3] == 6 && stream.write_all(&frame(6, 1, 0, &content)).is_err() {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "still open");
    }
    let [data, answers, .., pings, _, _, _] = seen;
    assert!(data == 0 && answers == 1 && pings > 0, "{seen:?}");
    assert!(begun.elapsed() >= Duration::from_secs(1));
    assert!(node.stop());
}

#[tokio::test(flavor = "multi_thread")]
async fn with_batches_of_long_answers() {
    let chain = SoloChain::new();
    let batch = [1, 2, 3].map(|id| json!({"jsonrpc": "2.0", "id": id, "method": "genesis"}));
    let free = |_| Ok(());
    let text = answers(&chain.solo, &batch, 100, free).await;
    let found: Value = serde_json::from_str(&text).unwrap();
    assert!(found[0]["result"]["genesis"].is_object());
    for (k, id) in [(1, 2), (2, 3)] {
        let error = found[k]["error"]["data"].as_str().unwrap();
        assert!(found[k]["id"] == id && error.contains("more than 100: ask in another batch"), "{error}");
    }
    assert_eq!(answers(&chain.solo, &[], 100, free).await, "[]");
    // Each has its room, or says why not.
    let narrow = |bytes| if bytes > 1000 { Err("no room".to_string()) } else { Ok(()) };
    let batch = ["genesis", "health"].map(|method| json!({"jsonrpc": "2.0", "id": 4, "method": method}));
    let found: Value = serde_json::from_str(&answers(&chain.solo, &batch, 1 << 20, narrow).await).unwrap();
    assert_eq!((&found[0]["error"]["data"], &found[1]["result"]), (&json!("no room"), &json!({})));
}

#[test]
fn with_websockets_that_do_not_subscribe() {
    let folder = tempfile::tempdir().unwrap();
    let node = bounded(folder.path(), "idle_secs = 2\n");
    let silent: Vec<_> = (0..100).map(|_| said(&node.rpc, UPGRADE)).collect();
    // As a client does: a text of less than 126 bytes, masked with zeros.
    let request =
        json!({"jsonrpc": "2.0", "id": 1, "method": "subscribe", "params": {"query": "tm.event='Tx'"}}).to_string();
    let frame = [&[0x81, 0x80 | u8::try_from(request.len()).unwrap(), 0, 0, 0, 0], request.as_bytes()].concat();
    let mut subscriber = said(&node.rpc, &[UPGRADE, &frame].concat());
    let mut heard = vec![];
    let mut hear = |until: &[u8]| {
        while !heard.windows(until.len()).any(|w| w == until) {
            let mut some = [0; 1024];
            let count = subscriber.read(&mut some).unwrap();
            assert!(count > 0, "closed after {:?}", String::from_utf8_lossy(&heard));
            heard.extend_from_slice(&some[..count]);
        }
    };
    hear(b"\"result\":{}");
    for socket in silent {
        // Asked for a sign of life, they gave none.
        assert!(closed(socket).contains("101 Switching Protocols"));
    }
    assert!(node.stop());
}

#[test]
fn with_bounds_that_are_none() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("config");
    std::fs::create_dir_all(&config).unwrap();
    std::fs::write(config.join("app.toml"), "[fronts]\nconnections = 0\n").unwrap();
    let done = zektrad().args(["config", "--home"]).arg(folder.path()).output().unwrap();
    let text = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(text.contains("fronts.connections: 0, expected a positive number"), "{text}");
}
