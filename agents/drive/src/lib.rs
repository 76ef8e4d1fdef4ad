//! Drives a chain and `zektra` by their commands, as people do: for the demonstration, tests and benches.
//!
//! Nothing here knows how a command does its work: what is tried is what users get.

pub mod job;
pub mod signed;
pub mod tap;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

/// The development chain.
pub const CHAIN: &str = "zektra-dev-1";
/// Its test accounts, in their order.
pub const PEOPLE: [&str; 5] = ["alice", "bob", "developer", "carol", "dave"];
/// The words that they come from.
pub const WORDS: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon \
    abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon art";

/// Commands of `zektra` in a folder, with a keyring of their own there.
#[derive(Clone, Debug)]
pub struct Drive {
    zektra: PathBuf,
    folder: PathBuf,
    node: String,
    shown: bool,
}

/// A command that runs.
#[derive(Debug)]
pub struct Running {
    what: String,
    child: Child,
}

/// A binary beside another one.
///
/// # Errors
/// It is not built.
pub fn beside(program: &Path, name: &str) -> Result<PathBuf> {
    let found = program.with_file_name(name);
    ensure!(found.exists(), "{} is not built: cargo build --workspace --all-targets", found.display());
    Ok(found)
}

fn answer(what: &str, done: &Output) -> Result<Value> {
    let wrong = String::from_utf8_lossy(&done.stderr);
    ensure!(done.status.success(), "zektra {what} failed: {wrong}");
    serde_json::from_slice(&done.stdout).with_context(|| format!("zektra {what} printed no JSON: {wrong}"))
}

impl Drive {
    /// Commands of the program `zektra` in `folder`, which ask the node whose RPC is at `node`.
    pub fn new(zektra: PathBuf, folder: &Path, node: &str) -> Self {
        Self { zektra, folder: folder.into(), node: node.into(), shown: false }
    }

    /// Where commands run.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The same commands by way of another address.
    #[must_use]
    pub fn by(&self, node: &str) -> Self {
        Self { node: node.into(), ..self.clone() }
    }

    /// The same, with each command and what it says while it runs in front of whoever watches.
    #[must_use]
    pub fn shown(self) -> Self {
        Self { shown: true, ..self }
    }

    /// The same behind the scene.
    #[must_use]
    pub fn quiet(&self) -> Self {
        Self { shown: false, ..self.clone() }
    }

    /// A command, to be run.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.zektra);
        command
            .current_dir(&self.folder)
            .env("ZEKTRA_HOME", self.folder.join("wallet"))
            .env("ZEKTRA_KEYRING_BACKEND", "test")
            .env("ZEKTRA_CHAIN_ID", CHAIN)
            .env("ZEKTRA_NODE", &self.node)
            .env("ZEKTRA_GAS_PRICES", "0.025uzektra")
            .args(arguments);
        command
    }

    /// Runs a command to its end: its JSON.
    ///
    /// # Errors
    /// It fails: what it says.
    pub fn ask(&self, arguments: &[&str]) -> Result<Value> {
        self.begin(arguments)?.end()
    }

    /// Begins a command.
    ///
    /// # Errors
    /// It cannot be run.
    pub fn begin(&self, arguments: &[&str]) -> Result<Running> {
        let what = arguments.join(" ");
        let mut command = self.command(arguments);
        command.arg("--json").stdout(Stdio::piped());
        if self.shown {
            println!("$ zektra {what}");
        } else {
            command.stderr(Stdio::piped());
        }
        Ok(Running { what, child: command.spawn()? })
    }
}

impl Running {
    /// Whether it still runs.
    pub fn runs(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Waits for its end: its JSON.
    ///
    /// # Errors
    /// It fails: what it says.
    pub fn end(self) -> Result<Value> {
        answer(&self.what, &self.child.wait_with_output()?)
    }
}
