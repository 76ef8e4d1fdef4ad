use super::test_chain::{Person, TestChain, genesis};
use prost::Message as _;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use zektra_app::server::{Address, Server};
use zektra_proto::tendermint::abci::request::Value as Asked;
use zektra_proto::tendermint::abci::response::Value as Answered;
use zektra_proto::tendermint::abci::{Request, RequestEcho, RequestFlush, RequestInfo, Response};

fn encoded(asked: Asked) -> Vec<u8> {
    Request { value: Some(asked) }.encode_length_delimited_to_vec()
}

fn echo(message: &str) -> Vec<u8> {
    encoded(Asked::Echo(RequestEcho { message: message.into() }))
}

/// Reads `count` answers.
fn answers(stream: &mut impl Read, count: usize) -> Vec<Answered> {
    let (mut out, mut buffer) = (vec![], vec![]);
    while out.len() < count {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        buffer.push(byte[0]);
        let Ok(length) = prost::decode_length_delimiter(&buffer[..]) else { continue };
        let mut body = vec![0; length];
        stream.read_exact(&mut body).unwrap();
        out.push(Response::decode(&body[..]).unwrap().value.unwrap());
        buffer.clear();
    }
    out
}

#[test]
fn over_tcp_and_over_a_unix_socket_in_pieces_and_all_at_once() {
    let alice = Person::new("alice", 0);
    let chain = TestChain::new(&[&alice]);
    let path = chain.folder.path().join("abci.sock");
    let mut tcp = Server::listen(&"tcp://127.0.0.1:0".parse().unwrap(), chain.app.clone()).unwrap();
    let mut unix = Server::listen(&Address::Unix(path.clone()), chain.app.clone()).unwrap();
    assert!(Server::listen(&Address::Unix(path.clone()), chain.app.clone()).is_err(), "the socket is in use");
    let over_tcp = TcpStream::connect(tcp.address().trim_start_matches("tcp://")).unwrap();
    let over_unix = UnixStream::connect(&path).unwrap();
    fn talk<S: Read + Write>(mut stream: S) {
        let asked = [
            echo("one"),
            encoded(Asked::Info(RequestInfo::default())),
            echo(&"x".repeat(100_000)),
            encoded(Asked::Flush(RequestFlush {})),
        ]
        .concat();
        for piece in [1, 7, 50_000, asked.len()] {
            for part in asked.chunks(if piece < 50_000 { asked.len() / 50 + piece } else { piece }) {
                stream.write_all(part).unwrap();
            }
            let found = answers(&mut stream, 4);
            assert!(matches!(&found[0], Answered::Echo(e) if e.message == "one"));
            assert!(matches!(&found[1], Answered::Info(i) if i.data == "zektra" && i.app_version == 1));
            assert!(matches!(&found[2], Answered::Echo(e) if e.message.len() == 100_000));
            assert!(matches!(&found[3], Answered::Flush(_)));
        }
    }
    talk(over_tcp);
    talk(over_unix);
    // A message beyond the limit, and bytes that are none: the connection ends, the server goes on.
    for bad in [&[0xff, 0xff, 0xff, 0xff, 0x7f][..], &[3, 0xff, 0xff, 0xff], &[0x80; 11]] {
        let mut stream = UnixStream::connect(&path).unwrap();
        stream.write_all(bad).unwrap();
        assert_eq!(stream.read(&mut [0; 10]).unwrap_or(0), 0);
    }
    talk(UnixStream::connect(&path).unwrap());
    let idle = UnixStream::connect(&path).unwrap();
    tcp.stop();
    unix.stop();
    assert_eq!((&idle).read(&mut [0; 1]).unwrap_or(0), 0);
    assert!(!path.exists());
    assert!(UnixStream::connect(&path).is_err());
}

#[test]
fn an_address_says_what_it_should_be() {
    for wrong in ["", "tcp://", "127.0.0.1:1", "http://x"] {
        assert_eq!(
            wrong.parse::<Address>().unwrap_err(),
            format!("address {wrong:?}: expected tcp://host:port or unix://path")
        );
    }
}

/// The node ends in order, and CometBFT is told why.
#[test]
fn a_chain_that_waits_for_another_program_is_answered_with_the_reason() {
    let mut state = genesis(&[&Person::new("alice", 0)]);
    state["upgrade"] = serde_json::json!({"plan": {"name": "next", "height": "1", "info": "soon"}});
    let chain = TestChain::with(state, -1);
    let mut server = Server::listen(&"tcp://127.0.0.1:0".parse().unwrap(), chain.app.clone()).unwrap();
    let mut stream = TcpStream::connect(server.address().trim_start_matches("tcp://")).unwrap();
    let asked = encoded(Asked::FinalizeBlock(super::test_chain::request(1, &[])));
    stream.write_all(&[asked, echo("still there")].concat()).unwrap();
    let found = answers(&mut stream, 2);
    let why = "UPGRADE \"next\" NEEDED at height: 1: soon";
    assert!(matches!(&found[0], Answered::Exception(e) if e.error == why), "{:?}", found[0]);
    assert!(matches!(&found[1], Answered::Echo(_)));
    assert_eq!(chain.app.halted(), Some(why));
    server.stop();
}
