//! `zektrad` with one upgrade more, as the release that carries it: for tests, and to rehearse one on `scripts/devnet`
//! with `ZEKTRAD=target/debug/examples/zektrad-next`.
//!
//! A plan with the name `next` halts `zektrad` at its height, and this program goes on from there.

use std::process::ExitCode;
use zektra_modules::consensus;
use zektra_modules::context::Context;
use zektra_modules::error::TxError;
use zektra_modules::upgrade::Migration;

/// Blocks of 5 million gas.
fn migrate(ctx: &mut Context<'_>) -> Result<(), TxError> {
    let mut params = consensus::params(ctx.state)?;
    let block = params.block.get_or_insert_default();
    block.max_gas = 5_000_000;
    Ok(consensus::set_params(ctx.state, &params)?)
}

/// All of `zektrad`'s come before it: there are none yet.
const MIGRATIONS: &[Migration] = &[Migration { name: "next", run: migrate }];

fn main() -> ExitCode {
    zektra_app::cli::run(MIGRATIONS)
}
