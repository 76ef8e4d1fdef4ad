//! `cosmos.base.node.v1beta1.Service`: how this node is set up and how far it is.

use super::{Node, field};
use serde_json::json;
use zektra_modules::query::Service;
use zektra_proto::cosmos::base::node::v1beta1::{ConfigRequest, ConfigResponse, StatusRequest, StatusResponse};

pub fn service(node: &Node) -> Service {
    let (config, status) = (node.clone(), node.clone());
    Service::new("cosmos.base.node.v1beta1.Service")
        .unary("Config", move |_, _: ConfigRequest| {
            let app = config.app()?;
            let prices: Vec<_> = app.config().min_gas_prices.iter().map(ToString::to_string).collect();
            Ok(ConfigResponse {
                minimum_gas_price: prices.join(","),
                pruning_keep_recent: app.config().store.keep.map_or("0".into(), |k| k.to_string()),
                pruning_interval: "1".into(),
                halt_height: 0,
            })
        })
        .unary("Status", move |_, _: StatusRequest| {
            let app = status.app()?;
            let committed = app.committed();
            // That of the validators of the next block, as in the Go SDK. The state is there whoever runs consensus.
            let header = status.ask("header", json!({"height": committed.height.to_string()}));
            let validators = header.and_then(|h| field::<tendermint::Hash>(&h, "/header/next_validators_hash"));
            Ok(StatusResponse {
                earliest_store_height: app.store().oldest()?,
                height: committed.height,
                timestamp: Some(committed.block.time),
                app_hash: committed.root.clone().into(),
                validator_hash: validators.map(|h| h.as_bytes().to_vec()).unwrap_or_default().into(),
            })
        })
}
