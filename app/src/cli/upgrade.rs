//! What the chain plans to change its program for.

use super::init::Output;
use super::say;
use crate::node::Home;
use crate::node::run::look;
use anyhow::{Context as _, Result};
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

/// What upgrades say of a program that came before its own, as the SDK does.
const TOO_EARLY: &str = "BINARY UPDATED BEFORE TRIGGER!";

/// What to do where the chain waits for another program, and whether this one came before its upgrade.
pub fn advice(home: &Home, migrations: &'static [Migration], halted: &str) -> (String, bool) {
    let done = || -> Result<Option<(String, u64)>> {
        let app = look(home, &home.config()?)?.context("no state")?;
        Ok(upgrade::info(&app.latest()?, migrations)?.done.pop())
    };
    let early = halted.contains(TOO_EARLY);
    let unknown = |name: &str| migrations.iter().all(|m| m.name != name);
    let todo = match done() {
        _ if early => {
            "this program makes an upgrade whose height has not come: start the one from before it in the same home; it \
             halts there, and this one goes on"
                .into()
        }
        Ok(Some((name, at))) if unknown(&name) => {
            format!(
                "the chain made {name:?} at height {at}, which this program does not know: start the one that does in the \
                 same home"
            )
        }
        _ => "start the program that this upgrade comes with in the same home".into(),
    };
    let where_it_stands = "`zektrad upgrade-info` says where the chain stands";
    (format!("Nothing is wrong and nothing is lost: {todo}; {where_it_stands}."), early)
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
        for (name, at) in &info.done {
            let known = if info.known.contains(&&name[..]) { "" } else { "; this program does not know it" };
            say(&format!("done     {name:?} at height {at}{known}\n"));
        }
        let known: Vec<_> = info.known.iter().map(|name| format!("{name:?}")).collect();
        say(&format!("program  knows {}\n", if known.is_empty() { "none".into() } else { known.join(", ") }));
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
