//! The fronts: each service answers over gRPC and over REST as it does over ABCI.

pub mod answers;
mod escape;
pub mod gate;
pub mod grpc;
pub mod metrics;
pub mod openapi;
pub mod rest;
mod routes;
pub mod rpc;
pub mod serve;
pub mod shares;

pub use routes::{Part, Route, Verb, routes};

/// The header that names a past height.
pub const HEIGHT_HEADER: &str = "x-cosmos-block-height";

use crate::app::App;
use zektra_modules::query::{Code, QueryError};

/// The height of a request: the last one unless the header names another.
fn height(app: &App, header: Option<&[u8]>) -> Result<u64, QueryError> {
    let last = app.committed().height;
    let Some(text) = header else { return Ok(last) };
    let wrong = || {
        let found = String::from_utf8_lossy(text);
        Code::InvalidArgument.error(format!("header {HEIGHT_HEADER} {found:?}: expected a height, 0 for the last"))
    };
    let named: u64 = std::str::from_utf8(text).ok().and_then(|t| t.trim().parse().ok()).ok_or_else(wrong)?;
    Ok(if named == 0 { last } else { named })
}
