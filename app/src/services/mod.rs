//! Services that belong to the node, not to a module: transactions, blocks, the node itself.

mod comet;
mod node;
mod tx;

pub use comet::COSMOS_SDK_VERSION;

use crate::app::App;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::sync::Arc;
use zektra_comet::{Comet, RpcError};
use zektra_modules::query::{Code, QueryError, Service};

/// What these services stand on.
#[derive(Clone)]
pub struct Node {
    /// The application; it holds these services, so they do not hold it.
    app: crate::app::WeakApp,
    /// Consensus.
    comet: Arc<dyn Comet>,
}

impl Node {
    fn app(&self) -> Result<App, QueryError> {
        self.app.upgrade().ok_or_else(|| Code::Unavailable.error("the node stops"))
    }

    /// Calls consensus.
    fn ask(&self, method: &str, params: Value) -> Result<Value, QueryError> {
        self.comet.call(method, params).map_err(refused)
    }
}

fn refused(e: RpcError) -> QueryError {
    if e.data.contains("must be less than or equal to") || e.data.contains("must be greater than 0") {
        return Code::InvalidArgument.error(e);
    }
    if e.data.contains("not available") || e.data.contains("not found") {
        return Code::NotFound.error(e);
    }
    Code::Unavailable.error(e)
}

/// A field of an answer, by its path.
fn field<T: DeserializeOwned>(answer: &Value, pointer: &str) -> Result<T, QueryError> {
    let found = answer.pointer(pointer).cloned().unwrap_or(Value::Null);
    serde_json::from_value(found).map_err(|e| Code::Internal.error(format!("{pointer} of CometBFT's answer: {e}")))
}

/// The services of a node.
pub fn services(app: &App, comet: Arc<dyn Comet>) -> Vec<Service> {
    let node = Node { app: app.downgrade(), comet };
    vec![tx::service(&node), comet::service(&node), node::service(&node)]
}
