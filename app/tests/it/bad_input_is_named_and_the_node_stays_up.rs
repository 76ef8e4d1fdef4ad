use super::node::{Node, get, zektrad};
use serde_json::{Value, json};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;
use zektra_comet::{Comet as _, Remote};

/// Status and message of what a route refuses.
fn refused(node: &Node, path: &str) -> (u16, i64, String) {
    let (status, answer) = node.get(path);
    (status, answer["code"].as_i64().unwrap(), answer["message"].as_str().unwrap().to_string())
}

/// What a server answers to these bytes before it hangs up.
fn raw(address: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(bytes).unwrap();
    if !bytes.starts_with(b"POST") {
        // No request follows; the server may have hung up already.
        let _ = stream.shutdown(std::net::Shutdown::Write);
    }
    let mut answer = vec![];
    // A connection that is reset has no answer.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

#[test]
fn over_all_fronts() {
    let folder = tempfile::tempdir().unwrap();
    let node = Node::start(folder.path(), &["--on-tx"]);
    let cases = [
        ("/cosmos/bank/v1beta1/balances/zektra1xyz", 400, 3, "decoding bech32 failed"),
        (
            "/cosmos/auth/v1beta1/accounts/zektra1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqjz0hdw",
            400,
            3,
            "decoding bech32 failed",
        ),
        ("/cosmos/tx/v1beta1/txs/00", 400, 3, "hash \"00\": expected 64 hexadecimal digits"),
        (&format!("/cosmos/tx/v1beta1/txs/{}", "00".repeat(32)), 404, 5, "tx not found"),
        ("/cosmos/tx/v1beta1/txs", 400, 3, "query cannot be empty"),
        ("/cosmos/tx/v1beta1/txs?query=x", 400, 3, "expected =, <"),
        ("/cosmos/base/tendermint/v1beta1/blocks/99", 400, 3, "is bigger then the chain length"),
        ("/cosmos/base/tendermint/v1beta1/blocks/x", 400, 3, "GetBlockByHeightRequest"),
        ("/cosmos/bank/v1beta1/supply?pagination.limit=x", 400, 3, "QueryTotalSupplyRequest"),
        ("/cosmos/bank/v1beta1/supply?pagination.count_total=perhaps", 400, 3, "expected true or false"),
        ("/cosmos/nft/v1beta1/classes", 501, 12, "no such route"),
    ];
    for (path, status, code, message) in cases {
        let found = refused(&node, path);
        assert_eq!((found.0, found.1), (status, code), "{path}: {}", found.2);
        assert!(found.2.contains(message), "{path}: {:?} does not say {message:?}", found.2);
    }
    let header = get(&format!("{}/cosmos/bank/v1beta1/supply", node.rest), Some(0));
    assert_eq!(header.0, 200, "height 0 is the last");
    let body =
        "POST /cosmos/tx/v1beta1/simulate HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 3\r\n\r\nabc";
    assert!(raw(&node.rest, body.as_bytes()).contains("the body is no JSON"));
    for junk in [&b"\x16\x03\x01\x00"[..], &[0xff; 100], b"GET"] {
        raw(&node.rest, junk);
        raw(&node.rpc, junk);
        raw(&node.grpc, junk);
    }
    let rpc = Remote::new(&node.rpc);
    let wrong = |method: &str, params: Value| {
        let e = rpc.call(method, params).unwrap_err();
        (e.code, e.data)
    };
    assert_eq!(wrong("no_such", json!({})).0, -32601);
    assert_eq!(
        wrong("block", json!({"height": "99"})).1,
        "height 99 must be less than or equal to the current blockchain height 1"
    );
    assert_eq!(wrong("block", json!({"height": -1})).1, "height must be greater than 0, but got -1");
    assert_eq!(wrong("block", json!({"height": {}})).1, "parameter height is {}, expected a whole number");
    assert_eq!(wrong("broadcast_tx_sync", json!({})).1, "parameter tx is missing");
    assert_eq!(
        wrong("broadcast_tx_sync", json!({"tx": "%"})).1,
        "parameter tx is \"%\", expected base64, or hexadecimal after 0x"
    );
    assert_eq!(wrong("tx", json!({"hash": "00"})).1, "parameter hash is \"00\", expected the 32 bytes of a hash");
    use base64::Engine as _;
    let large = base64::engine::general_purpose::STANDARD.encode(vec![0; (1 << 20) + 1]);
    assert_eq!(
        wrong("broadcast_tx_sync", json!({"tx": large})).1,
        "tx too large. Max size is 1048576, but got 1048577"
    );
    let unreadable = rpc.call("broadcast_tx_sync", json!({"tx": "AAAA"})).unwrap();
    assert_eq!((&unreadable["code"], &unreadable["codespace"]), (&json!(2), &json!("sdk")));
    assert!(
        raw(&node.rpc, b"POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 1\r\n\r\n{")
            .contains("-32700")
    );
    // Still there.
    assert_eq!(rpc.call("status", json!({})).unwrap()["sync_info"]["latest_block_height"], "1");
    assert!(node.stop());
}

#[test]
fn at_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let refused = |arguments: &[&str], code: i32| {
        let done = zektrad().args(arguments).arg("--home").arg(folder.path()).output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        assert_eq!(done.status.code(), Some(code), "{arguments:?}: {said}");
        said
    };
    // Bad input, and what fails though the input is right.
    let said = |arguments: &[&str]| refused(arguments, 2);
    let failed = |arguments: &[&str]| refused(arguments, 1);
    let no_home = said(&["start", "--grpc", "127.0.0.1:0", "--api", "127.0.0.1:0", "--abci", "tcp://127.0.0.1:0"]);
    assert!(no_home.contains("genesis.json is missing: make a home with `zektrad init`"));
    assert!(said(&["start", "--solo", "--block-time", "0s"]).contains("expected a time as 500ms, 2s or 1m"));
    assert!(said(&["start", "--solo", "--log-level", "bogus"]).contains("--log-level \"bogus\": expected error, warn"));
    assert!(
        said(&["start", "--solo", "--log-level", "bogus="]).contains("--log-level \"bogus=\": expected error, warn")
    );
    for looks in ["doctor", "config", "export"] {
        assert!(said(&[looks]).contains("there is no node's home here: make one with `zektrad init`"));
    }
    assert!(said(&["start", "--spec", "none.toml"]).contains("--bech32-prefix are for --solo"));
    assert!(said(&["start", "--solo", "--spec", "none.toml"]).contains("--spec none.toml: No such file"));
    assert!(said(&["start", "--solo", "--chain-id", ""]).contains("chain_id"));
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = port.local_addr().unwrap().to_string();
    assert!(failed(&["start", "--solo", "--rpc", &taken]).contains("cannot be listened on"));
    assert!(said(&["init", "--bech32-prefix", "Z"]).contains("expected 1 to 20 lower-case letters and digits"));
    for address in ["127.0.0.1:x", "26657", ":26657", "127.0.0.1:99999"] {
        let wrong = said(&["start", "--solo", "--rpc", address]);
        assert!(wrong.contains(&format!("{address:?}, expected host:port as 127.0.0.1:26657")), "{wrong}");
    }
    assert!(said(&["start", "--comet-rpc", "foo"]).contains("\"foo\", expected host:port, tcp://host:port"));
    // Whoever was refused has left nothing.
    assert_eq!(folder.path().read_dir().unwrap().count(), 0);
    let file = folder.path().join("file");
    std::fs::write(&file, "").unwrap();
    for make in [&["init"][..], &["start", "--solo"]] {
        assert!(said(make).contains("holds other files, as \"file\", and no node's configuration"));
        let on_file = zektrad().args(make).arg("--home").arg(&file).output().unwrap();
        assert_eq!(on_file.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&on_file.stderr).contains(&format!("{}: Not a directory", file.display())));
    }
    let in_file = zektrad().args(["init", "--home"]).arg(file.join("home")).output().unwrap();
    assert_eq!(in_file.status.code(), Some(2), "{}", String::from_utf8_lossy(&in_file.stderr));
    std::fs::remove_file(&file).unwrap();
    assert!(said(&["init", "--spec", "none.toml"]).contains("--spec none.toml: No such file"));
    assert!(zektrad().args(["init", "my-name", "--home"]).arg(folder.path()).output().unwrap().status.success());
    // There is nothing to go on from yet.
    assert!(failed(&["export"]).contains("no block yet: the chain still begins with"));
    let shown = |what: &str| {
        let done = zektrad().args(["comet", what, "--home"]).arg(folder.path()).output().unwrap();
        String::from_utf8(done.stdout).unwrap()
    };
    assert_eq!(shown("show-node-id").trim().len(), 40);
    assert!(shown("show-address").starts_with("zektravalcons1"));
    assert!(shown("show-validator").contains("\"@type\":\"/cosmos.crypto.ed25519.PubKey\""));
    // A home is made now: the next may not make another.
    assert!(said(&["init"]).contains("is there already"));
    assert!(said(&["start", "--solo", "--chain-id", "other-1"]).contains("holds the chain zektra-dev-1"));
    let node = Node::start(folder.path(), &[]);
    assert!(failed(&["start", "--solo"]).contains("another zektrad runs in this home"));
    assert!(failed(&["export"]).contains("another zektrad runs in this home"));
    let running = zektrad().arg("doctor").arg("--home").arg(folder.path()).output().unwrap();
    let found = String::from_utf8_lossy(&running.stdout).into_owned();
    assert!(running.status.success() && found.contains("note   database: zektrad runs in this home"), "{found}");
    let status = Remote::new(&node.rpc).call("status", json!({})).unwrap();
    assert_eq!(status["node_info"]["moniker"], "my-name");
    assert!(node.said.contains("test accounts"));
    let taken = node.rpc.trim_start_matches("http://").to_string();
    assert!(node.stop());
    let _held = std::net::TcpListener::bind(&taken).unwrap();
    for front in ["--rpc", "--grpc", "--api", "--metrics"] {
        let mut ports = vec!["start", "--solo"];
        for other in ["--rpc", "--grpc", "--api", "--metrics"] {
            ports.extend([other, if other == front { &taken } else { "127.0.0.1:0" }]);
        }
        assert!(failed(&ports).contains(&format!("name another with {front} or in app.toml")));
    }
    let abci = format!("tcp://{taken}");
    let abci = failed(&["start", "--grpc", "127.0.0.1:0", "--api", "127.0.0.1:0", "--abci", &abci]);
    assert!(abci.contains(&format!("comet.abci \"tcp://{taken}\" cannot be listened on")), "{abci}");
    // A configuration with a field that nobody knows, then one that is right.
    let config = folder.path().join("config/app.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("{text}\n[gprc]\nenable = true\n")).unwrap();
    assert!(said(&["config"]).contains("unknown field `gprc`"));
    std::fs::write(&config, text.replace("127.0.0.1:9090", "9090")).unwrap();
    assert!(said(&["config"]).contains("grpc.address: \"9090\", expected host:port"));
    std::fs::write(&config, text).unwrap();
    let doctor = zektrad().arg("doctor").arg("--home").arg(folder.path()).output().unwrap();
    let found = String::from_utf8_lossy(&doctor.stdout).into_owned();
    assert!(found.contains("all invariants hold, of consensus, upgrade, auth, bank"), "{found}");
    assert!(found.contains("validator: \"my-name\", in the set, power "), "{found}");
    let exported = zektrad().arg("export").arg("--home").arg(folder.path()).output().unwrap();
    let genesis = zektra_genesis::Genesis::read(&String::from_utf8(exported.stdout).unwrap()).unwrap();
    assert!(genesis.typed.initial_height > 1);
}

#[test]
fn in_the_database() {
    let folder = tempfile::tempdir().unwrap();
    Node::start(folder.path(), &[]).kill();
    let files = std::fs::read_dir(folder.path().join("data/state")).unwrap().map(|entry| entry.unwrap().path());
    let logs = files.filter(|path| path.extension().is_some_and(|e| e == "log"));
    let log = logs.max_by_key(|path| path.metadata().unwrap().len()).unwrap();
    let mut bytes = std::fs::read(&log).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 0x55;
    std::fs::write(&log, bytes).unwrap();
    let doctor = zektrad().arg("doctor").arg("--home").arg(folder.path()).output().unwrap();
    let found = String::from_utf8_lossy(&doctor.stdout).into_owned();
    let damaged = format!("{}: ", log.display());
    assert!(doctor.status.code() == Some(1) && found.contains("WRONG  database: the database is damaged"), "{found}");
    assert!(found.contains(&damaged), "{found}");
    let mut start = zektrad();
    start.args(["start", "--solo", "--rpc", "127.0.0.1:0", "--grpc", "127.0.0.1:0", "--api", "127.0.0.1:0", "--home"]);
    let started = start.arg(folder.path()).output().unwrap();
    let said = String::from_utf8_lossy(&started.stderr).into_owned();
    assert!(started.status.code() == Some(1) && said.contains(&damaged), "{said}");
}
