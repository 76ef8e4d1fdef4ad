//! Messages as JSON and back: of any JSON, and of any bytes.

use proptest::prelude::*;
use proptest::sample::Index;
use prost::Message as _;
use prost_reflect::{DynamicMessage, MessageDescriptor};
use serde_json::Value;
use zektra_proto::json::{from_bytes, pool, to_bytes};

fn messages() -> Vec<MessageDescriptor> {
    pool().all_messages().filter(|m| !m.is_map_entry()).collect()
}

/// JSON that has a message's names, and values that may be right.
fn json(message: &MessageDescriptor, values: &mut impl Iterator<Item = (u8, String)>, depth: u32) -> Value {
    let mut out = serde_json::Map::new();
    for field in message.fields() {
        let Some((kind, text)) = values.next() else { break };
        let inner = match field.kind() {
            prost_reflect::Kind::Message(inner) if depth < 4 => json(&inner, values, depth + 1),
            _ => Value::from(text.clone()),
        };
        let value = match kind {
            0 => continue,
            1 => Value::Null,
            2 => Value::from(text.len()),
            3 => Value::from(vec![inner]),
            4 => serde_json::json!({"@type": "/cosmos.bank.v1beta1.MsgSend", "amount": [{"denom": text}]}),
            _ => inner,
        };
        let name = if kind % 2 == 0 { field.name() } else { field.json_name() };
        out.insert(name.into(), value);
    }
    out.into()
}

proptest! {
    /// An `Any` of an `Any`, and of other types that stand in a field of their own, to any depth.
    #[test]
    fn of_any_in_any(kinds in prop::collection::vec(0..3u8, 1..40)) {
        let mut held = ("/google.protobuf.Duration".to_string(), vec![0x08, 0x05]);
        for kind in kinds {
            let any = prost_types::Any { type_url: held.0, value: held.1 };
            held = match kind {
                0 => ("/cosmos.tx.v1beta1.TxBody".into(), field(1, &any.encode_to_vec())),
                _ => ("/google.protobuf.Any".into(), any.encode_to_vec()),
            };
        }
        let any = prost_types::Any { type_url: held.0, value: held.1 }.encode_to_vec();
        let json = from_bytes("google.protobuf.Any", &any).unwrap();
        prop_assert_eq!(to_bytes("google.protobuf.Any", &json).unwrap(), any);
    }
}

/// Digits on the wire, and a point in JSON.
#[test]
fn of_decimals_in_bytes() {
    let name = "cosmos.mint.v1beta1.QueryInflationResponse";
    for (digits, text) in [("130000000000000000", "0.130000000000000000"), ("-1", "-0.000000000000000001")] {
        let (bytes, json) = (field(1, digits.as_bytes()), serde_json::json!({ "inflation": text }));
        assert_eq!(from_bytes(name, &bytes).unwrap(), json);
        assert_eq!(to_bytes(name, &json).unwrap(), bytes);
    }
    assert_eq!(from_bytes(name, &[]).unwrap(), serde_json::json!({ "inflation": null }));
    // What is no number is shown as bytes are.
    let (bytes, json) = (field(1, &[0xff]), serde_json::json!({ "inflation": "/w==" }));
    assert_eq!(from_bytes(name, &bytes).unwrap(), json);
    assert_eq!(to_bytes(name, &json).unwrap(), bytes);
}

/// A oneof says which of its fields is set, if that is empty too.
#[test]
fn of_empty_bytes_in_a_oneof() {
    let (name, json) = ("tendermint.crypto.PublicKey", serde_json::json!({"ed25519": ""}));
    let bytes = to_bytes(name, &json).unwrap();
    assert_eq!(bytes, field(1, &[]));
    assert_eq!(from_bytes(name, &bytes).unwrap(), json);
}

/// A length-delimited field.
fn field(number: u8, held: &[u8]) -> Vec<u8> {
    let mut out = vec![number << 3 | 2];
    prost::encoding::encode_varint(held.len() as u64, &mut out);
    out.extend(held);
    out
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn of_every_message(message in any::<Index>(), values in prop::collection::vec((0..12u8, "[0-9]{0,3}(\\.[0-9])?|.{0,4}"), 0..12), bytes in prop::collection::vec(any::<u8>(), 0..40)) {
        let all = messages();
        let message = &all[message.index(all.len())];
        let name = message.full_name();
        if let Ok(read) = to_bytes(name, &json(message, &mut values.into_iter(), 0)) {
            // What was read of JSON is written and read as the same message.
            if let Ok(written) = from_bytes(name, &read) {
                let again = to_bytes(name, &written).unwrap();
                let decode = |bytes: &[u8]| DynamicMessage::decode(message.clone(), bytes).unwrap();
                prop_assert_eq!(decode(&again), decode(&read), "{}", written);
            }
        }
        let _ = from_bytes(name, &bytes);
    }
}
