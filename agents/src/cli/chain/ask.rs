//! Questions to whoever sits at the terminal, or to what is piped in, a line each.

use anyhow::{Context as _, Result};
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use zektra_agents::chain::keyring::{Entry, MIN_PASSPHRASE, TEST_PASSPHRASE};
use zektra_agents::rejected::{Rejected, expect};
use zeroize::Zeroizing;

use super::settings::{Backend, Settings};

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
    let text = rpassword::prompt_password(format!("{prompt} ")).context("cannot read the terminal")?;
    Ok(Zeroizing::new(text))
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
pub fn new_passphrase(settings: &Settings, name: &str) -> Result<Zeroizing<String>> {
    if settings.backend == Backend::Test {
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
pub fn passphrase(settings: &Settings, entry: &Entry) -> Result<Zeroizing<String>> {
    entry.pem()?;
    if settings.backend == Backend::Test {
        return Ok(Zeroizing::new(TEST_PASSPHRASE.into()));
    }
    secret(&format!("Passphrase of key {:?}:", entry.name))
}

/// What was asked was answered with no.
pub fn declined() -> Rejected {
    Rejected::Refused("not confirmed; nothing was done".into())
}
