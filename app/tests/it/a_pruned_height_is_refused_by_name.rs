use super::a_killed_node_goes_on::height;
use super::clients_from_registries_find_a_cosmos_chain::grpcurl;
use super::node::{Node, get, zektrad};
use serde_json::{Value, json};
use std::time::Duration;
use zektra_comet::{Comet as _, Remote};

#[test]
fn over_rest_grpc_and_abci() {
    let folder = tempfile::tempdir().unwrap();
    assert!(zektrad().args(["init", "--home"]).arg(folder.path()).output().unwrap().status.success());
    let config = folder.path().join("config/app.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("keep = 1000", "keep = 3")).unwrap();
    let node = Node::start(folder.path(), &["--block-time", "10ms"]);
    let rpc = Remote::new(&node.rpc);
    while height(&rpc) < 8 {
        std::thread::sleep(Duration::from_millis(10));
    }
    assert!(node.stop());
    // No more blocks: the heights stay.
    let node = Node::start(folder.path(), &["--on-tx"]);
    let rpc = Remote::new(&node.rpc);
    let last = height(&rpc);
    let oldest = last - 2;

    let url = format!("{}/cosmos/bank/v1beta1/supply", node.rest);
    let over_grpc = |height: u64| {
        let header = format!("x-cosmos-block-height: {height}");
        grpcurl(&node, &["-H", &header], &["cosmos.bank.v1beta1.Query/TotalSupply"])
    };
    let over_abci = |path: &str, data: &str, height: u64| {
        let params = json!({"path": path, "data": data, "height": height.to_string(), "prove": true});
        rpc.call("abci_query", params).unwrap()["response"].clone()
    };
    let service = |height| over_abci("/cosmos.bank.v1beta1.Query/TotalSupply", "", height);
    let stored = |height| over_abci("/store/state/key", &hex::encode("bank/params"), height);
    for height in [1, oldest - 1] {
        let said = format!("height {height} is not kept: the oldest is {oldest}, the last {last}");
        let (status, answer) = get(&url, Some(height));
        assert_eq!((status, &answer["code"], &answer["message"]), (400, &json!(3), &json!(said)));
        let refused = over_grpc(height).unwrap_err();
        assert!(refused.contains("Code: InvalidArgument") && refused.contains(&said), "{refused}");
        for answer in [service(height), stored(height)] {
            assert_eq!((&answer["code"], &answer["codespace"]), (&json!(18), &json!("sdk")));
            assert_eq!(answer["log"], format!("rpc error: code = InvalidArgument desc = {said}"));
        }
    }
    for height in [oldest, last] {
        assert_eq!(get(&url, Some(height)).0, 200);
        over_grpc(height).unwrap();
        for answer in [service(height), stored(height)] {
            assert_eq!((&answer["code"], &answer["height"]), (&json!(0), &json!(height.to_string())), "{answer}");
            assert_ne!(answer["value"], Value::Null);
        }
    }
    assert!(node.stop());
}
