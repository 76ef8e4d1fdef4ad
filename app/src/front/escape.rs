//! Addresses as people type them: `/tx_search?query="tx.height>1"`. CometBFT's own server takes quotes and brackets as they
//! are, hyper refuses them before anybody can answer; so they are percent-encoded on their way in.
//!
//! Only the addresses of GET and HEAD requests without a body are touched. From the first request on that is another one, with a body, an
//! upgrade, HTTP/2 or no HTTP at all, a connection's bytes stay what they are: nothing here must be right about bodies.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Bytes read at once, each of which becomes at most three.
const READ: usize = 4096;
const METHODS: [&[u8]; 2] = [b"GET ", b"HEAD "];
/// Headers of requests that are more than their head.
const MORE: [&[u8]; 3] = [b"content-length", b"transfer-encoding", b"upgrade"];
/// Of a header's name, what tells it from those.
const NAME: usize = 18;

/// Where in a request the next byte stands.
#[derive(Debug)]
enum At {
    /// Before the method.
    Begin,
    /// In the method, before these of its bytes.
    Method(&'static [u8]),
    Address,
    /// In the version, or in a header's value.
    Value,
    /// In a header's name.
    Name(Vec<u8>),
    /// In bytes that are not touched any more.
    Passed,
}

/// The addresses of a connection's requests as hyper takes them.
#[derive(Debug)]
struct Escaper {
    at: At,
    /// The request that is read is more than its head.
    more: bool,
}

impl Escaper {
    const fn new() -> Self {
        Self { at: At::Begin, more: false }
    }

    fn push(&mut self, byte: u8, out: &mut Vec<u8>) {
        let next = match &mut self.at {
            At::Passed => None,
            At::Begin if matches!(byte, b'\r' | b'\n') => None,
            At::Begin => {
                let rest = METHODS.iter().find_map(|method| method.strip_prefix(&[byte]));
                Some(rest.map_or(At::Passed, At::Method))
            }
            At::Method(rest) => Some(match rest.strip_prefix(&[byte]) {
                Some([]) => At::Address,
                Some(rest) => At::Method(rest),
                None => At::Passed,
            }),
            At::Address if needs(byte) => {
                out.extend(format!("%{byte:02X}").bytes());
                return;
            }
            At::Address => match byte {
                b' ' => Some(At::Value),
                b'\n' => Some(At::Passed),
                _ => None,
            },
            At::Value => (byte == b'\n').then(|| At::Name(vec![])),
            At::Name(name) => match byte {
                b'\r' => None,
                b'\n' if !name.is_empty() || self.more => Some(At::Passed),
                b'\n' => Some(At::Begin),
                b':' => {
                    self.more |= MORE.contains(&&name[..]);
                    Some(At::Value)
                }
                _ => {
                    if name.len() < NAME {
                        name.push(byte.to_ascii_lowercase());
                    }
                    None
                }
            },
        };
        out.push(byte);
        if let Some(next) = next {
            self.at = next;
        }
    }
}

/// Whether hyper or what it parses with refuses a byte that Go's server takes.
fn needs(byte: u8) -> bool {
    matches!(byte, b'"' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}') || !byte.is_ascii()
}

/// A connection whose requests' addresses are percent-encoded where they must be.
#[derive(Debug)]
pub struct Escaped<S> {
    stream: S,
    escaper: Escaper,
    /// What was read and encoded, and how much of it was given on.
    held: Vec<u8>,
    given: usize,
}

impl<S> Escaped<S> {
    /// What comes on `stream`.
    pub const fn new(stream: S) -> Self {
        Self { stream, escaper: Escaper::new(), held: vec![], given: 0 }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Escaped<S> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let Self { stream, escaper, held, given } = self.get_mut();
        if *given == held.len() {
            if matches!(escaper.at, At::Passed) {
                *held = vec![];
                *given = 0;
                return Pin::new(stream).poll_read(cx, buf);
            }
            let mut bytes = [0; READ];
            let mut read = ReadBuf::new(&mut bytes);
            ready!(Pin::new(stream).poll_read(cx, &mut read))?;
            held.clear();
            *given = 0;
            for byte in read.filled() {
                escaper.push(*byte, held);
            }
        }
        let left = &held[*given..];
        let fits = left.len().min(buf.remaining());
        buf.put_slice(&left[..fits]);
        *given += fits;
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Escaped<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::{Escaped, Escaper};
    use tokio::io::AsyncReadExt as _;

    fn escaped(bytes: &[u8]) -> String {
        let (mut escaper, mut out) = (Escaper::new(), vec![]);
        bytes.iter().for_each(|b| escaper.push(*b, &mut out));
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn of_request_after_request() {
        let first = "GET /a?q=\"x>1\" HTTP/1.1\r\nhost: \"h\"\r\n\r\n";
        let as_hyper_takes_it = "GET /a?q=%22x%3E1%22 HTTP/1.1\r\nhost: \"h\"\r\n\r\n";
        assert_eq!(escaped(first.repeat(3).as_bytes()), as_hyper_takes_it.repeat(3));
        let head = escaped(first.replacen("GET", "HEAD", 1).repeat(2).as_bytes());
        assert_eq!(head, as_hyper_takes_it.replacen("GET", "HEAD", 1).repeat(2));
        assert_eq!(escaped("GET /ä{%22} HTTP/1.1\n\n".as_bytes()), "GET /%C3%A4%7B%22%7D HTTP/1.1\n\n");
    }

    #[test]
    fn and_of_nothing_else() {
        let get = "GET /\" HTTP/1.1\r\n\r\n";
        for before in [
            "POST /\" HTTP/1.1\r\ncontent-length: 0\r\n\r\n",
            "GET / HTTP/1.1\r\nContent-Length: 25\r\n\r\n",
            "GET / HTTP/1.1\r\na: b\r\nTRANSFER-ENCODING: chunked\r\n\r\n",
            "GET / HTTP/1.1\r\nupgrade: websocket\r\n\r\n",
            "GET / HTTP/1.1\r\nnothing\r\n\r\n",
            "GET /\n",
            "HEAP / HTTP/1.1\r\n\r\n",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            "\u{16}\u{3}",
        ] {
            let bytes = format!("{before}{get}");
            assert_eq!(escaped(bytes.as_bytes()), bytes);
        }
        // A header that only begins as one of those.
        let other = "GET / HTTP/1.1\r\ncontent-lengthy: 1\r\nupgrade-insecure-requests: 1\r\n\r\n";
        assert!(escaped(format!("{other}{get}").as_bytes()).contains("%22"));
    }

    #[tokio::test]
    async fn whatever_the_reader_has_room_for() {
        let line = format!("GET /{} HTTP/1.1\r\n\r\nPUT ", "\"".repeat(5000));
        let mut stream = Escaped::new(line.as_bytes());
        let mut out: Vec<u8> = vec![];
        let mut room = [0; 7];
        loop {
            match stream.read(&mut room).await.unwrap() {
                0 => break,
                read => out.extend(&room[..read]),
            }
        }
        assert_eq!(out, line.replace('"', "%22").into_bytes());
    }
}
