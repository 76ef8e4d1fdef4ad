//! Where the application is.

use crate::app::{APP_VERSION, App};
use zektra_proto::tendermint::abci::{RequestInfo, ResponseInfo};

/// The application's name.
pub const NAME: &str = "zektra";

pub fn info(app: &App, _: &RequestInfo) -> ResponseInfo {
    let committed = app.committed();
    ResponseInfo {
        data: NAME.into(),
        version: env!("CARGO_PKG_VERSION").into(),
        app_version: APP_VERSION,
        last_block_height: i64::try_from(committed.height).unwrap_or(i64::MAX),
        last_block_app_hash: committed.root.clone().into(),
    }
}
