//! `zektra listing | node | credit | set | dataset | job …`: what the chain's messages and questions do to one kind of
//! thing, under its name.
//!
//! Each is a message of `zektra tx` or a question of `zektra query`, made by the same code and sent by the same function.

mod listing;
mod node;
mod rows;
mod vault;

use super::fields::{self, sentence};
use super::hex::hexed;
use super::settings::Settings;
use super::tx::own::{Made, Own, Signer};
use super::tx::{All, grown, message_of, send};
use super::{Shown, query};
use crate::cli::progress::Steps;
use crate::cli::{Output, in_words};
use anyhow::{Context as _, Result};
use clap::{ArgMatches, Args, Command, FromArgMatches, Subcommand};
pub use rows::{Credits, Datasets, Jobs, Listings, Nodes, Sets};
use serde_json::{Map, Value};
use std::marker::PhantomData;
use zektra_agents::chain::account;
use zektra_proto::json as wire;

/// What a command does.
enum Does {
    /// A message out of its fields, by its method's full name.
    Message(&'static str),
    /// A message out of flags of its own.
    Own { arguments: fn(Command) -> Command, make: fn(Signer<'_>, &ArgMatches) -> Result<Made> },
    /// A question, by its method's full name.
    Query(&'static str),
}

/// A command.
pub struct Row {
    name: &'static str,
    /// What it does, where the method does not say it.
    about: Option<&'static str>,
    example: &'static str,
    does: Does,
}

const fn own<A: Own>(name: &'static str, about: &'static str, example: &'static str) -> Row {
    fn make<A: Own>(from: Signer<'_>, matches: &ArgMatches) -> Result<Made> {
        A::from_arg_matches(matches)?.make(from)
    }
    Row { name, about: Some(about), example, does: Does::Own { arguments: A::augment_args, make: make::<A> } }
}

const fn message(name: &'static str, method: &'static str, example: &'static str) -> Row {
    Row { name, about: None, example, does: Does::Message(method) }
}

const fn ask(name: &'static str, method: &'static str, example: &'static str) -> Row {
    Row { name, about: None, example, does: Does::Query(method) }
}

/// The commands of a kind of thing.
pub trait Rows {
    /// What it is called.
    const NAME: &'static str;
    /// What can be done.
    const ROWS: &'static [Row];
}

/// What a user picked of the commands of `R`.
#[derive(Clone, Debug)]
pub struct Table<R>(ArgMatches, PhantomData<R>);

impl<R: Rows> FromArgMatches for Table<R> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self(matches.clone(), PhantomData))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0 = matches.clone();
        Ok(())
    }
}

impl<R: Rows> Subcommand for Table<R> {
    fn augment_subcommands(command: Command) -> Command {
        R::ROWS.iter().fold(command, |command, row| command.subcommand(row.command(R::NAME)))
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        Self::augment_subcommands(command)
    }

    fn has_subcommand(name: &str) -> bool {
        R::ROWS.iter().any(|row| row.name == name)
    }
}

/// The flags of commands that sign. They do not ask back, and wait for the block: what is asked for is what is typed.
fn signing(command: Command) -> Command {
    let command = All::augment_args(command).mut_arg("gas", |a| a.default_value("auto"));
    let quiet = ["yes", "wait", "broadcast_mode", "account_number", "sequence", "offline", "gas_adjustment"];
    quiet.into_iter().fold(command, |command, flag| command.mut_arg(flag, |a| a.hide(true)))
}

impl Row {
    fn command(&self, group: &str) -> Command {
        let plain = Command::new(self.name);
        let (command, about) = match &self.does {
            Does::Own { arguments, .. } => (signing(arguments(plain)), None),
            Does::Message(name) => match message_of(name) {
                Some((method, input, signer)) => {
                    let command = fields::arguments(plain, &input, Some(signer.name()));
                    (signing(command), Some(sentence(&method)))
                }
                None => (plain, None),
            },
            Does::Query(name) => match query::method_of(name) {
                Some(method) => (query::arguments(plain, &method), Some(sentence(&method))),
                None => (plain, None),
            },
        };
        let about = self.about.map(String::from).or(about).unwrap_or_default();
        command.about(about).after_help(format!("Example:\n  zektra {group} {} {}", self.name, self.example))
    }
}

pub fn run<R: Rows>(output: &Output, table: &Table<R>) -> Result<()> {
    let Some((name, matches)) = table.0.subcommand() else { return Ok(()) };
    let row = R::ROWS.iter().find(|row| row.name == name).context("no such command")?;
    match &row.does {
        Does::Query(name) => {
            let method = query::method_of(name).with_context(|| format!("{name}: no such method"))?;
            query::answered(Shown { json: output.json }, &method, matches)
        }
        Does::Message(name) => {
            let (_, input, signer) = message_of(name).with_context(|| format!("{name}: no such method"))?;
            sign(output, matches, |by| grown(by, &input, &signer, matches))
        }
        Does::Own { make, .. } => sign(output, matches, |by| make(by, matches)),
    }
}

/// Makes a message, brings it into a block, and prints what it answered.
fn sign(output: &Output, matches: &ArgMatches, make: impl FnOnce(Signer<'_>) -> Result<Made>) -> Result<()> {
    let mut all = All::from_arg_matches(matches)?;
    all.decided();
    let settings = Settings::new(&all.place, Some(&all.node))?;
    let shown = Shown { json: output.json }.with(&settings);
    let made = make(all.signer(&settings))?;
    let Some(tx) = send::signed(shown, &settings, &all, made)? else { return Ok(()) };
    let bar = Steps::new(output.quiet);
    bar.set("waiting for a block");
    let response = send::delivered(&settings, &all.sent, &tx);
    bar.done();
    let response = response?;
    send::demand_accepted(&response)?;
    let mut facts = Map::new();
    for any in account::answers(&response)? {
        let name = any.type_url.trim_start_matches('/');
        let answer = wire::from_bytes(name, &any.value)?;
        let answer = wire::pool().get_message_by_name(name).map_or(answer.clone(), |m| hexed(&answer, &m));
        facts.extend(answer.as_object().cloned().unwrap_or_default());
    }
    facts.insert("height".into(), response.height.into());
    facts.insert("transaction".into(), response.txhash.into());
    let facts = Value::Object(facts);
    Output { json: shown.json, quiet: output.quiet }.print(&facts, || in_words(&facts));
    Ok(())
}
