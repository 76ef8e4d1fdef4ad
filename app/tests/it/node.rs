//! A `zektrad` of its own, as users run it.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

pub struct Node {
    child: Child,
    pub rpc: String,
    pub grpc: String,
    pub rest: String,
    /// What it printed until it was ready.
    pub said: String,
}

pub fn zektrad() -> Command {
    Command::new(env!("CARGO_BIN_EXE_zektrad"))
}

impl Node {
    /// Starts a solo chain on free ports, and waits until it is ready.
    pub fn start(home: &Path, more: &[&str]) -> Self {
        let mut command = zektrad();
        command.args(["start", "--solo", "--rpc", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--api", "127.0.0.1:0"]);
        command.args(["--log-level", "warn", "--home"]).arg(home).args(more);
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let (mut said, mut found) = (String::new(), [None, None, None]);
        while found.iter().any(Option::is_none) {
            let line = lines.next().expect("the node has ended").unwrap();
            for (name, place) in [("rpc ", 0), ("grpc ", 1), ("rest ", 2)] {
                if line.starts_with(name) {
                    found[place] = line.split_whitespace().nth(1).map(String::from);
                }
            }
            said.push_str(&line);
            said.push('\n');
        }
        let [rpc, grpc, rest] = found.map(Option::unwrap);
        Self { child, rpc, grpc, rest, said }
    }

    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks it to stop, as a terminal does; whether it ended well.
    pub fn stop(mut self) -> bool {
        Command::new("kill").arg("-INT").arg(self.child.id().to_string()).status().unwrap();
        self.child.wait().unwrap().success()
    }

    pub fn get(&self, path: &str) -> (u16, serde_json::Value) {
        get(&format!("{}{path}", self.rest), None)
    }
}

/// Status and JSON of an address; `height` in the header.
pub fn get(url: &str, height: Option<u64>) -> (u16, serde_json::Value) {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut request = agent.get(url);
    if let Some(height) = height {
        request = request.header("x-cosmos-block-height", height.to_string());
    }
    let mut response = request.call().unwrap();
    let text = response.body_mut().read_to_string().unwrap();
    (response.status().as_u16(), serde_json::from_str(&text).unwrap_or(serde_json::Value::String(text)))
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
