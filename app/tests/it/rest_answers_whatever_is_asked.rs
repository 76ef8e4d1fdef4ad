//! The fronts' readers of text: paths, queries and bodies of REST, the search language, amino's JSON.

use super::multisig::{amino_signed, together};
use super::solo_chain::{SoloChain, person};
use super::test_chain::{CHAIN_ID, PREFIX, Person};
use axum::body::Body;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use proptest::prelude::*;
use proptest::sample::Index;
use prost::Message as _;
use serde_json::{Value, json};
use std::sync::LazyLock;
use tokio::runtime::Runtime;
use tonic::codegen::Service as _;
use zektra_app::front::{Part, Route, Verb, rest, routes};
use zektra_app::index::Query;
use zektra_app::sign::Signer;
use zektra_modules::address::Prefix;
use zektra_proto::Any;
use zektra_proto::cosmos::tx::v1beta1::{TxBody, TxRaw};

struct Front {
    chain: SoloChain,
    routes: Vec<Route>,
    router: axum::Router,
    runtime: Runtime,
}

static FRONT: LazyLock<Front> = LazyLock::new(|| {
    let mut chain = SoloChain::new();
    chain.block();
    let (routes, router) = (routes(chain.app()), rest::router(chain.app().clone()));
    Front { chain, routes, router, runtime: Runtime::new().unwrap() }
});

/// Status and JSON.
fn ask(method: &str, uri: &str, body: Vec<u8>) -> (u16, Value) {
    let request = axum::http::Request::builder().method(method).uri(uri).body(Body::from(body)).unwrap();
    let mut router = FRONT.router.clone();
    // In a worker's thread: answering blocks.
    let answered = FRONT.runtime.spawn(async move {
        let response = router.call(request).await.unwrap();
        (response.status().as_u16(), axum::body::to_bytes(response.into_body(), 100 << 20).await.unwrap())
    });
    let (status, body) = FRONT.runtime.block_on(answered).unwrap();
    (status, serde_json::from_slice(&body).unwrap_or_else(|e| panic!("{status} {uri}: {e}")))
}

/// An answer, or an error that is the asker's.
fn right(status: u16, answer: &Value) -> bool {
    match status {
        200 => answer.is_object(),
        // A simulation that fails, as the Go gateway has it.
        500 => answer["code"] == 2,
        400 | 404 | 501 => answer["code"].is_u64() && answer["message"].as_str().is_some_and(|m| !m.is_empty()),
        _ => false,
    }
}

fn escaped(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// JSON of any shape.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        prop::sample::select(vec!["/cosmos.tx.v1beta1.Tx", "/google.protobuf.Any", "AAAA", "1", "-1"])
            .prop_map(Value::from),
    ];
    let name = prop::sample::select(vec![
        "tx",
        "tx_bytes",
        "txBytes",
        "body",
        "messages",
        "@type",
        "mode",
        "auth_info",
        "value",
        "x",
    ]);
    leaf.prop_recursive(5, 24, 4, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name.clone(), inner, 0..4)
                .prop_map(|m| Value::Object(m.into_iter().map(|(k, v)| (k.to_string(), v)).collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn by_a_path_and_a_query(
        route in any::<Index>(),
        fields in prop::collection::vec("[a-z0-9]{1,8}|.{1,12}", 4),
        query in prop::collection::vec(("pagination\\.(limit|offset|key|reverse|count_total|x)|height|denom|query|order_by|[a-z.]{1,9}", "[0-9]{1,20}|.{0,9}"), 0..4),
    ) {
        let route = &FRONT.routes[route.index(FRONT.routes.len())];
        let mut fields = fields.iter().map(|f| escaped(f));
        let parts = route.parts.iter().map(|part| match part {
            Part::Word(word) => word.clone(),
            _ => fields.next().unwrap_or_default(),
        });
        let path = parts.collect::<Vec<_>>().join("/");
        let query: Vec<_> = query.iter().map(|(k, v)| format!("{}={}", escaped(k), escaped(v))).collect();
        let method = if route.verb == Verb::Get { "GET" } else { "POST" };
        let (status, answer) = ask(method, &format!("/{path}?{}", query.join("&")), b"{}".to_vec());
        prop_assert!(right(status, &answer), "{method} {path} {status}: {answer}");
    }

    #[test]
    fn by_a_body(route in any::<Index>(), body in anything(), bytes in prop::collection::vec(any::<u8>(), 0..30)) {
        let posts: Vec<_> = FRONT.routes.iter().filter(|r| r.verb == Verb::Post).collect();
        let path = &posts[route.index(posts.len())].path;
        for body in [body.to_string().into_bytes(), bytes] {
            let (status, answer) = ask("POST", path, body);
            prop_assert!(right(status, &answer), "{path} {status}: {answer}");
        }
    }

    /// A search is read or refused, whatever stands in it; what was read is written so that it is read as the same.
    #[test]
    fn by_a_search(words in prop::collection::vec("[a-z]{1,3}\\.[a-z]|=|<=|>|CONTAINS|EXISTS|AND|'[^']{0,6}'|'(\\\\.){0,2}'|[0-9-]{1,4}|.{0,3}", 0..9)) {
        if let Ok(query) = words.join(" ").parse::<Query>() {
            prop_assert!(!query.conditions().is_empty());
            prop_assert_eq!(query.to_string().parse::<Query>().unwrap(), query);
        }
    }

    /// Quotes and backslashes stand behind a backslash.
    #[test]
    fn by_a_search_for_any_text(value in ".{0,8}|['\\\\ a]{0,6}", contains in any::<bool>()) {
        let escaped = value.replace('\\', r"\\").replace('\'', r"\'");
        let operation = if contains { "CONTAINS" } else { "=" };
        let query: Query = format!("a.b {operation} '{escaped}' AND c.d EXISTS").parse().unwrap();
        prop_assert_eq!(&query.conditions()[0].value, &value);
        prop_assert_eq!(query.to_string().parse::<Query>().unwrap(), query);
    }

    /// JSON with sorted keys, in ASCII where a browser could take it for more, and with the memo as it was written.
    #[test]
    fn by_what_a_wallet_signs(memo in any::<String>(), timeout in any::<u64>(), number in any::<u64>()) {
        let alice = Person::new("alice", 0);
        let (mut body, auth, signature) = amino_signed(&alice, &alice.address(), 5);
        (body.memo, body.timeout_height) = (memo.clone(), timeout);
        let bytes = together(&body, &auth, signature);
        let tx = zektra_app::tx::decode(&bytes, FRONT.chain.app().chain(), &Prefix::new(PREFIX).unwrap()).unwrap();
        let signer = Signer { chain_id: CHAIN_ID, account_number: number, sequence: 0 };
        let signed = zektra_app::amino::sign_bytes(&tx, &signer).unwrap();
        let text = String::from_utf8(signed).unwrap();
        let plain = !text.contains(['&', '<', '>', '\n', '\u{2028}', '\0']);
        prop_assert!(plain, "{}", text);
        let json: Value = serde_json::from_str(&text).unwrap();
        prop_assert_eq!(&json["memo"], &Value::from(memo));
        prop_assert_eq!(&json["account_number"], &Value::from(number.to_string()));
        let shown = (timeout > 0).then(|| Value::from(timeout.to_string()));
        prop_assert_eq!(json.get("timeout_height"), shown.as_ref());
    }
}

/// An `Any` in an `Any` and so on, from the inside out.
fn nested(depth: usize) -> Vec<u8> {
    let (mut heads, mut length) = (vec![], 0);
    for _ in 0..depth {
        let mut head = Any { type_url: "/google.protobuf.Any".into(), value: vec![] }.encode_to_vec();
        head.push(0x12);
        prost::encoding::encode_varint(length, &mut head);
        length += head.len() as u64;
        heads.push(head);
    }
    heads.into_iter().rev().flatten().collect()
}

/// Messages in messages, deeper than any client makes them, are refused before anybody walks down to the last.
#[test]
fn by_messages_in_messages() {
    let message = Any { type_url: "/google.protobuf.Any".into(), value: nested(20_000) };
    let body = TxBody { messages: vec![message], ..TxBody::default() };
    let raw = TxRaw { body_bytes: body.encode_to_vec().into(), ..TxRaw::default() };
    let tx = BASE64.encode(raw.encode_to_vec());
    for path in ["/cosmos/tx/v1beta1/decode", "/cosmos/tx/v1beta1/simulate"] {
        let (status, answer) = ask("POST", path, json!({"tx_bytes": tx}).to_string().into_bytes());
        assert!(right(status, &answer) && status != 200, "{path} {status}: {answer}");
        assert!(answer["message"].as_str().unwrap().contains("messages nested too deeply"), "{path}: {answer}");
    }
    let deep = "[".repeat(100_000);
    let (status, answer) = ask("POST", "/cosmos/tx/v1beta1/encode", format!("{{\"tx\":{deep}").into_bytes());
    assert_eq!(status, 400, "{answer}");
    // A transaction that is one is read.
    let mut alice = person(0);
    let tx = BASE64.encode(alice.sign(vec![alice.pay(&alice.id(), 1)]));
    let (status, answer) = ask("POST", "/cosmos/tx/v1beta1/decode", json!({"tx_bytes": tx}).to_string().into_bytes());
    assert_eq!((status, &answer["tx"]["body"]["messages"][0]["@type"]), (200, &json!("/cosmos.bank.v1beta1.MsgSend")));
}
