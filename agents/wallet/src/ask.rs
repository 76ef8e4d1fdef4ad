//! Questions to whoever sits at the terminal, or to what is piped in, a line each.

use crate::keyring::{Backend, Entry, MIN_PASSPHRASE, TEST_PASSPHRASE};
use crate::rejected::{Rejected, expect};
use anyhow::{Context as _, Result};
use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios, tcgetattr, tcsetattr};
use std::io::{BufRead as _, IsTerminal as _, Read as _, Write as _};
use zeroize::Zeroizing;

/// One line of what is typed or piped in, shown while it is typed.
///
/// # Errors
/// Nothing more is piped in.
pub fn line(prompt: &str) -> Result<Zeroizing<String>> {
    let mut error = std::io::stderr().lock();
    let _ = write!(error, "{prompt} ").and_then(|()| error.flush());
    drop(error);
    let mut text = Zeroizing::new(String::new());
    let read = std::io::stdin().lock().read_line(&mut text).context("cannot read the standard input")?;
    if !std::io::stdin().is_terminal() {
        eprintln!();
    }
    expect(read > 0, || format!("{prompt} the standard input has ended"))?;
    Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_string()))
}

/// The same, not shown.
///
/// # Errors
/// Nothing more is piped in.
pub fn secret(prompt: &str) -> Result<Zeroizing<String>> {
    if !std::io::stdin().is_terminal() {
        return line(prompt);
    }
    hidden(prompt).context("cannot read the terminal")
}

/// What Ctrl-C types.
const INTERRUPT: u8 = 3;

/// Shows again what is typed, whatever happens.
struct Restore(Termios);

impl Drop for Restore {
    fn drop(&mut self) {
        // A terminal that has gone shows nothing.
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &self.0);
    }
}

/// A line from the terminal. Ctrl-C ends it like a new line, and then the program: a signal in between would leave the
/// terminal as it is.
fn hidden(prompt: &str) -> std::io::Result<Zeroizing<String>> {
    let mut input = std::io::stdin().lock();
    let restore = Restore(tcgetattr(&input)?);
    let mut modes = restore.0.clone();
    modes.local_modes.remove(LocalModes::ECHO | LocalModes::ISIG);
    modes.local_modes.insert(LocalModes::ICANON | LocalModes::ECHONL);
    modes.special_codes[SpecialCodeIndex::VEOL] = INTERRUPT;
    tcsetattr(&input, OptionalActions::Now, &modes)?;
    let mut error = std::io::stderr().lock();
    write!(error, "{prompt} ").and_then(|()| error.flush())?;
    drop(error);
    let (mut bytes, mut byte) = (Zeroizing::new(vec![]), [0]);
    while input.read(&mut byte)? > 0 && ![b'\n', INTERRUPT].contains(&byte[0]) {
        bytes.push(byte[0]);
    }
    drop(restore);
    if byte[0] == INTERRUPT {
        eprintln!();
        rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::INT)?;
        return Err(std::io::ErrorKind::Interrupted.into());
    }
    let text = std::str::from_utf8(&bytes).map_err(|e| std::io::Error::new(std::io::ErrorKind::InvalidData, e))?;
    Ok(Zeroizing::new(text.trim_end_matches('\r').to_string()))
}

/// Whether the answer is yes.
///
/// # Errors
/// Nothing more is piped in.
pub fn confirm(question: &str) -> Result<bool> {
    let answer = line(&format!("{question} [y/N]:"))?;
    Ok(["y", "yes"].contains(&answer.trim().to_lowercase().as_str()))
}

/// A new passphrase, asked twice.
///
/// # Errors
/// One that is too short, or another one the second time.
pub fn new_passphrase(backend: Backend, name: &str) -> Result<Zeroizing<String>> {
    if backend == Backend::Test {
        return Ok(Zeroizing::new(TEST_PASSPHRASE.into()));
    }
    let first = secret(&format!("New passphrase of key {name:?} (at least {MIN_PASSPHRASE} bytes):"))?;
    expect(first.len() >= MIN_PASSPHRASE, || {
        format!("passphrase of {} bytes: expected at least {MIN_PASSPHRASE}", first.len())
    })?;
    let second = secret("Once more:")?;
    expect(*first == *second, || "passphrase: the two do not agree".into())?;
    Ok(first)
}

/// The passphrase of a key.
///
/// # Errors
/// Nothing is typed or piped in; a key whose secret is elsewhere.
pub fn passphrase(backend: Backend, entry: &Entry) -> Result<Zeroizing<String>> {
    entry.pem()?;
    if backend == Backend::Test {
        return Ok(Zeroizing::new(TEST_PASSPHRASE.into()));
    }
    secret(&format!("Passphrase of key {:?}:", entry.name))
}

/// What was asked was answered with no.
pub fn declined() -> Rejected {
    Rejected::Refused("not confirmed; nothing was done".into())
}
