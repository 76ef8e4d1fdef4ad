//! What the chain plans to change its program for.

use super::init::Output;
use super::say;
use crate::node::Home;
use crate::node::run::look;
use anyhow::Result;
use serde_json::json;
use zektra_modules::upgrade::{self, Info, Migration};

/// Where the chain stands, in one line: its plan, and whether this program can carry it out.
pub fn plan(info: &Info) -> String {
    let Some(plan) = &info.plan else { return "none is planned".into() };
    let todo = match info.known.contains(&&plan.name[..]) {
        true => "this program knows it and makes it there; before that height the one without it must run",
        false => "this program does not know it and halts there: have the one ready that does",
    };
    let of = if plan.info.is_empty() { String::new() } else { format!(" ({})", plan.info) };
    format!("{:?} is planned at height {}{of}; {todo}", plan.name, plan.height)
}

/// Prints the plan of the last state, and the upgrades that were made. A node may run meanwhile.
pub fn info(home: &Home, output: Output, migrations: &'static [Migration]) -> Result<()> {
    home.demand()?;
    let app = look(home, &home.config()?)?;
    let height = app.as_ref().map_or(0, |app| app.committed().height);
    let info = match app.filter(|_| height > 0) {
        Some(app) => upgrade::info(&app.latest()?, migrations)?,
        None => Info { plan: None, done: vec![], known: migrations.iter().map(|m| m.name).collect() },
    };
    if output == Output::Text {
        say(&format!("height   {height}\nupgrade  {}\n", plan(&info)));
        info.done.iter().for_each(|(name, at)| say(&format!("done     {name:?} at height {at}\n")));
        return Ok(());
    }
    let planned = info.plan.as_ref().map(|plan| {
        let known = info.known.contains(&&plan.name[..]);
        json!({"name": plan.name, "height": plan.height.to_string(), "info": plan.info, "known": known})
    });
    let done: Vec<_> = info.done.iter().map(|(name, at)| json!({"name": name, "height": at.to_string()})).collect();
    let facts = json!({"height": height.to_string(), "plan": planned, "done": done, "known": info.known});
    say(&format!("{facts:#}\n"));
    Ok(())
}
