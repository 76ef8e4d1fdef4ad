//! CometBFT's RPC: its methods by name, whoever answers them. A node asks consensus with it, a client asks a node.

use serde_json::{Value, json};
use std::time::Duration;

/// Consensus as seen from the application's services.
pub trait Comet: Send + Sync {
    /// Calls a method of CometBFT's RPC with named parameters.
    ///
    /// # Errors
    /// What the method says, or that nobody answers.
    fn call(&self, method: &str, params: Value) -> Result<Value, RpcError>;
}

/// An error of a JSON-RPC method.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}{}{data}", if data.is_empty() { "" } else { ": " })]
pub struct RpcError {
    /// JSON-RPC's code.
    pub code: i64,
    /// What kind of error it is.
    pub message: String,
    /// What happened.
    pub data: String,
}

impl RpcError {
    /// The method does not exist.
    pub fn no_method() -> Self {
        Self { code: -32601, message: "Method not found".into(), data: String::new() }
    }

    /// A parameter is missing or has another type.
    pub fn params(data: impl ToString) -> Self {
        Self { code: -32602, message: "Invalid params".into(), data: data.to_string() }
    }

    /// The method failed.
    pub fn internal(data: impl ToString) -> Self {
        Self { code: -32603, message: "Internal error".into(), data: data.to_string() }
    }

    /// As JSON-RPC has it.
    pub fn to_json(&self) -> Value {
        json!({"code": self.code, "message": self.message, "data": self.data})
    }
}

/// Longest time that CometBFT may take to answer.
const TIMEOUT: Duration = Duration::from_secs(15);

/// A CometBFT that is reached over HTTP.
pub struct Remote {
    agent: ureq::Agent,
    url: String,
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Remote({})", self.url)
    }
}

impl Remote {
    /// The RPC at `address`: `host:port`, `tcp://host:port`, `http://…` or `https://…`.
    pub fn new(address: &str) -> Self {
        let plain = if address.contains("://") { address.to_string() } else { format!("http://{address}") };
        let url = plain.replacen("tcp://", "http://", 1);
        let config = ureq::Agent::config_builder().timeout_global(Some(TIMEOUT)).http_status_as_error(false).build();
        Self { agent: config.into(), url }
    }

    /// Says what is wrong with an address that [`Remote::new`] cannot reach whatever runs.
    ///
    /// # Errors
    /// No host, no port where no scheme gives one, a scheme that is not spoken.
    pub fn check(address: &str) -> Result<(), String> {
        let wrong = || format!("{address:?}, expected host:port, tcp://host:port, http://… or https://…");
        let (scheme, place) = address.split_once("://").unwrap_or(("tcp", address));
        let place = place.split('/').next().unwrap_or_default();
        let port = place.rsplit_once(':').filter(|(_, port)| port.bytes().all(|b| b.is_ascii_digit()));
        let fits = match (scheme, port) {
            ("tcp" | "http" | "https", Some((host, port))) => !host.is_empty() && port.parse::<u16>().is_ok(),
            ("http" | "https", None) => !place.is_empty(),
            _ => false,
        };
        if fits { Ok(()) } else { Err(wrong()) }
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }
}

impl Comet for Remote {
    fn call(&self, method: &str, params: Value) -> Result<Value, RpcError> {
        let unreachable = |e: ureq::Error| RpcError::internal(format!("no answer from {}: {e}", self.url));
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let sent = self.agent.post(&self.url).header("content-type", "application/json").send(request.to_string());
        let mut response = sent.map_err(unreachable)?;
        let text = response.body_mut().with_config().limit(100 << 20).read_to_string().map_err(unreachable)?;
        let other = || RpcError::internal(format!("{} does not answer as CometBFT's RPC does", self.url));
        let mut answer: Value = serde_json::from_str(&text).map_err(|_| other())?;
        if let Some(error) = answer.get("error").filter(|e| !e.is_null()) {
            let text = |key| error.get(key).and_then(Value::as_str).unwrap_or_default().to_string();
            let code = error.get("code").and_then(Value::as_i64).unwrap_or(-32603);
            return Err(RpcError { code, message: text("message"), data: text("data") });
        }
        answer.get_mut("result").map(Value::take).ok_or_else(other)
    }
}

#[cfg(test)]
mod tests {
    use super::Remote;

    #[test]
    fn addresses_are_checked() {
        for fits in [
            "localhost:26657",
            "tcp://[::1]:26657",
            "http://127.0.0.1:1/path",
            "https://rpc.example.org",
            "https://rpc.example.org/",
            "https://name:word@rpc.example.org:443/x",
        ] {
            assert_eq!(Remote::check(fits), Ok(()), "{fits}");
        }
        for wrong in
            ["", "foo", "26657", ":26657", "foo:", "foo:99999", "tcp://foo", "http://", "http://:1", "ftp://foo:1"]
        {
            assert!(Remote::check(wrong).unwrap_err().contains("expected host:port"), "{wrong}");
        }
    }
}
