//! Writes the block that was executed: state, height and indexes in one batch.

use crate::app::{App, AppError};
use zektra_proto::tendermint::abci::ResponseCommit;
use zektra_state::Changes;

pub fn commit(app: &App) -> Result<ResponseCommit, AppError> {
    let committed = app.commit(Changes::new())?;
    tracing::info!(height = committed.height, app_hash = %hex::encode_upper(&committed.root), "block");
    // Commits are synced to disk, so blocks before the window are not needed to replay.
    let retain = app.0.config.retain_blocks.map_or(0, |keep| committed.height.saturating_sub(keep));
    Ok(ResponseCommit { retain_height: i64::try_from(retain).unwrap_or(0) })
}
