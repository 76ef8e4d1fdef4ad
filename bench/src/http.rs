//! A connection that asks over HTTP/1.1 and costs next to nothing: load from the machine that is measured.

use anyhow::{Context as _, bail, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A connection that stays open.
pub struct Http {
    stream: TcpStream,
    host: String,
    buffer: Vec<u8>,
}

impl Http {
    /// Connects to `host:port`.
    ///
    /// # Errors
    /// Nobody listens.
    pub async fn connect(host: &str) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(host).await.with_context(|| format!("cannot connect to {host}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, host: host.into(), buffer: Vec::with_capacity(4096) })
    }

    /// The body at a path.
    ///
    /// # Errors
    /// A status other than 200; a connection that breaks.
    pub async fn get(&mut self, path: &str) -> anyhow::Result<Vec<u8>> {
        self.ask(format!("GET {path} HTTP/1.1\r\nhost: {}\r\n\r\n", self.host)).await
    }

    /// The answer to a JSON document.
    ///
    /// # Errors
    /// A status other than 200; a connection that breaks.
    pub async fn post(&mut self, json: &str) -> anyhow::Result<Vec<u8>> {
        let (host, length) = (&self.host, json.len());
        self.ask(format!(
            "POST / HTTP/1.1\r\nhost: {host}\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{json}"
        ))
        .await
    }

    async fn ask(&mut self, request: String) -> anyhow::Result<Vec<u8>> {
        self.stream.write_all(request.as_bytes()).await?;
        let end = loop {
            if let Some(at) = self.buffer.windows(4).position(|w| w == b"\r\n\r\n") {
                break at + 4;
            }
            self.read().await?;
        };
        let head = String::from_utf8_lossy(&self.buffer[..end]).into_owned();
        let length = head.lines().find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse::<usize>().ok())?
        });
        let Some(length) = length else { bail!("an answer without a length: {head}") };
        while self.buffer.len() < end + length {
            self.read().await?;
        }
        let rest = self.buffer.split_off(end + length);
        let body = std::mem::replace(&mut self.buffer, rest).split_off(end);
        ensure!(head.starts_with("HTTP/1.1 200"), "{head}{}", String::from_utf8_lossy(&body));
        Ok(body)
    }

    async fn read(&mut self) -> anyhow::Result<()> {
        ensure!(self.stream.read_buf(&mut self.buffer).await? > 0, "the server hung up");
        Ok(())
    }
}
