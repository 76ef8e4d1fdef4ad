//! What a block begins with: an upgrade, or the refusal to go on without it.

use super::{halt, keys, last_done, plan, set_versions};
use crate::consensus;
use crate::context::Context;
use crate::error::TxError;

pub fn begin(ctx: &mut Context<'_>) -> Result<(), TxError> {
    let height = ctx.block.height;
    let known = |name: &str| ctx.block.migrations.iter().find(|m| m.name == name);
    let plan = plan(ctx.state)?;
    // Negative heights are refused when a plan is made.
    let due = plan.as_ref().filter(|plan| u64::try_from(plan.height).is_ok_and(|at| at <= height));
    let Some(due) = due else {
        if let Some((last, _)) = last_done(ctx.state)?
            && known(&last).is_none()
        {
            let version = consensus::params(ctx.state)?.version.map_or(0, |v| v.app);
            let wrong = format!("wrong app version {version}, upgrade handler is missing for {last} upgrade plan");
            return Err(halt(wrong));
        }
        return match plan.filter(|plan| known(&plan.name).is_some()) {
            None => Ok(()),
            Some(early) => Err(halt(format!(
                "BINARY UPDATED BEFORE TRIGGER! UPGRADE \"{}\" - in binary but not executed on chain. Downgrade your binary",
                early.name
            ))),
        };
    };
    let Some(migration) = known(&due.name) else {
        let (name, at, info) = (&due.name, due.height, &due.info);
        return Err(halt(format!("UPGRADE \"{name}\" NEEDED at height: {at}: {info}")));
    };
    let (name, info) = (due.name.clone(), due.info.clone());
    (migration.run)(ctx)?;
    set_versions(ctx.state)?;
    ctx.state.delete(keys::PLAN.to_vec())?;
    ctx.state.put(keys::done(height, &name), vec![1])?;
    ctx.emit("upgrade", [("name", name), ("height", height.to_string()), ("info", info)]);
    Ok(())
}
