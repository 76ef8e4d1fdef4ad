//! A genesis file's plan, and the upgrades that were made before it.
//!
//! ```json
//! {"plan": null, "done": [{"name": "v2", "height": "100"}]}
//! ```

use super::handler::check_plan;
use super::{NAME, keys};
use crate::context::{Context, save};
use crate::module::{GenesisError, failed, read_genesis};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use zektra_proto::cosmos::upgrade::v1beta1::Plan;
use zektra_state::StateRead;

/// What a genesis file says of upgrades.
pub struct Genesis {
    plan: Option<Plan>,
    done: Vec<(String, u64)>,
}

pub fn read(genesis: &Value) -> Result<Genesis, GenesisError> {
    let mut out = Genesis { plan: None, done: vec![] };
    let fields = match genesis {
        Value::Null => return Ok(out),
        Value::Object(fields) => fields,
        other => return Err(GenesisError::new(NAME, other, "an object with plan and done")),
    };
    for (field, value) in fields {
        match (&field[..], value) {
            (_, Value::Null) => {}
            ("plan", plan) => {
                let plan: Plan = read_genesis("upgrade.plan", plan)?;
                check_plan(&plan).map_err(|e| GenesisError::new("upgrade.plan", e, "a plan"))?;
                out.plan = Some(plan);
            }
            ("done", Value::Array(done)) => {
                for (k, entry) in done.iter().enumerate() {
                    let wrong = || {
                        let expected = "a name and a height as text, each name once";
                        GenesisError::new(format!("upgrade.done[{k}]"), entry, expected)
                    };
                    let name = entry.get("name").and_then(Value::as_str).filter(|name| !name.is_empty());
                    let height = entry.get("height").and_then(Value::as_str).and_then(|text| text.parse().ok());
                    let (name, height) = name.zip(height).ok_or_else(wrong)?;
                    out.done.push((name.into(), height));
                }
            }
            (_, other) => {
                return Err(GenesisError::new(format!("upgrade.{field}"), other, "plan, or done with a list"));
            }
        }
    }
    let mut known: BTreeSet<&str> = out.plan.iter().map(|plan| &plan.name[..]).collect();
    for (k, (name, _)) in out.done.iter().enumerate() {
        if !known.insert(name) {
            return Err(GenesisError::new(format!("upgrade.done[{k}].name"), name, "each name once"));
        }
    }
    Ok(out)
}

pub fn init(ctx: &mut Context<'_>, genesis: &Value) -> Result<(), GenesisError> {
    let Genesis { plan, done } = read(genesis)?;
    if let Some(plan) = plan {
        save(ctx.state, keys::PLAN.to_vec(), &plan).map_err(failed(NAME))?;
    }
    for (name, height) in done {
        ctx.state.put(keys::done(height, &name), vec![1]).map_err(failed(NAME))?;
    }
    super::set_versions(ctx.state).map_err(failed(NAME))
}

/// Versions of modules are those of the program that reads the file.
pub fn export(state: &dyn StateRead) -> Result<Value, GenesisError> {
    let plan = super::plan(state).map_err(failed(NAME))?;
    let done = super::done(state).map_err(failed(NAME))?;
    if plan.is_none() && done.is_empty() {
        return Ok(Value::Null);
    }
    let plan = plan.map(|plan| zektra_proto::json::write(&plan)).transpose().map_err(failed(NAME))?;
    let done: Vec<_> = done.iter().map(|(name, height)| json!({"name": name, "height": height.to_string()})).collect();
    Ok(json!({"plan": plan, "done": done}))
}
