//! Commands whose subcommands are made at start, as clap's traits want them.

use clap::{ArgMatches, Args, Command, FromArgMatches};
use std::marker::PhantomData;

/// Where subcommands come from.
pub trait Source {
    /// The command with all of them.
    fn grow(command: Command) -> Command;
}

/// What a user picked of the subcommands of `S`.
#[derive(Clone, Debug)]
pub struct Grown<S>(ArgMatches, PhantomData<S>);

impl<S> Grown<S> {
    /// The subcommand with its arguments.
    pub fn picked(&self) -> Option<(&str, &ArgMatches)> {
        self.0.subcommand()
    }
}

impl<S: Source> Args for Grown<S> {
    fn augment_args(command: Command) -> Command {
        S::grow(command.subcommand_required(true).arg_required_else_help(true))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl<S> FromArgMatches for Grown<S> {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self(matches.clone(), PhantomData))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0 = matches.clone();
        Ok(())
    }
}

/// A subcommand of `A`'s arguments, which bring a text of their own along that says nothing here.
pub fn subcommand<A: Args>(name: &'static str, about: &'static str) -> Command {
    A::augment_args(Command::new(name)).about(about)
}
