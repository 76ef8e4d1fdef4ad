//! `curl 'http://…/abci_query?path="/…"'`, as CometBFT's documentation has it and as its server, written in Go, takes it.

use super::node::Node;
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;

/// Asks over a connection that stays: the answer's JSON.
fn ask(stream: &mut BufReader<TcpStream>, request: &str) -> Value {
    stream.get_mut().write_all(request.as_bytes()).unwrap();
    let (mut length, mut line) = (0, String::new());
    while line != "\r\n" {
        line.clear();
        assert_ne!(stream.read_line(&mut line).unwrap(), 0, "closed after {request:?}");
        let name = line.to_ascii_lowercase();
        length = name.strip_prefix("content-length:").map_or(length, |n| n.trim().parse().unwrap());
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    serde_json::from_slice(&body).unwrap_or_else(|e| panic!("{request:?}: {e}: {}", String::from_utf8_lossy(&body)))
}

fn get(stream: &mut BufReader<TcpStream>, address: &str) -> Value {
    ask(stream, &format!("GET {address} HTTP/1.1\r\nhost: x\r\n\r\n"))
}

#[test]
fn with_quotes_and_brackets() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path(), &["--on-tx"]);
    let connect = |url: &str| BufReader::new(TcpStream::connect(url.trim_start_matches("http://")).unwrap());
    let mut rpc = connect(&node.rpc);
    let supply = get(&mut rpc, "/abci_query?path=\"/cosmos.bank.v1beta1.Query/TotalSupply\"");
    assert_eq!(supply["result"]["response"]["code"], 0, "{supply}");
    let found = get(&mut rpc, "/tx_search?query=\"tx.height>1\"");
    assert_eq!(found["result"]["total_count"], "0", "{found}");
    // The same with escapes, on the same connection.
    assert_eq!(get(&mut rpc, "/tx_search?query=%22tx.height%3E1%22"), found);
    // A body stays what it is, and so does what follows it.
    let call = r#"{"id": "\"<é>\"", "method": "block", "params": {"height": "1"}}"#;
    let post = format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{call}", call.len());
    assert_eq!(ask(&mut rpc, &post)["id"], "\"<é>\"");
    assert_eq!(get(&mut rpc, "/block?height=1")["result"]["block"]["header"]["height"], "1");
    let mut rest = connect(&node.rest);
    let found = get(&mut rest, "/cosmos/tx/v1beta1/txs?query=tx.height>1");
    assert_eq!(found["total"], "0", "{found}");
    assert!(node.stop());
}
