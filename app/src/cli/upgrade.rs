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

/// What to do where the chain waits for another program, and whether this one came before its upgrade.
pub fn advice(home: &Home, migrations: &'static [Migration]) -> (String, bool) {
    let stands = || -> Result<(u64, Info)> {
        let app = look(home, &home.config()?)?.context("no state")?;
        Ok((app.committed().height, upgrade::info(&app.latest()?, migrations)?))
    };
    let fine = "Nothing is wrong and nothing is lost: ";
    let usual = "start the program that this upgrade comes with in the same home; `zektrad upgrade-info` says where the \
                 chain stands.";
    let Ok((height, info)) = stands() else { return (format!("{fine}{usual}"), false) };
    let known = |name: &str| info.known.contains(&name);
    match (&info.plan, info.done.last()) {
        (Some(plan), _) if known(&plan.name) && u64::try_from(plan.height).is_ok_and(|at| at > height + 1) => {
            let (name, at) = (&plan.name, plan.height);
            let todo = "start the one from before it in the same home; it halts there, and this one goes on";
            (
                format!("{fine}the chain is at height {height}, this program makes {name:?} at height {at}: {todo}."),
                true,
            )
        }
        (_, Some((name, at))) if !known(name) => {
            let todo = "start the one that does in the same home";
            (format!("{fine}the chain made {name:?} at height {at}, which this program does not know: {todo}."), false)
        }
        _ => (format!("{fine}{usual}"), false),
    }
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
