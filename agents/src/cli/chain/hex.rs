//! Bytes in hexadecimal digits, as people compare them; JSON of protobuf has them in base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use prost_reflect::{Kind, MessageDescriptor};
use serde_json::Value;

/// A message's JSON with the bytes of all its fields in hexadecimal digits.
pub fn hexed(value: &Value, message: &MessageDescriptor) -> Value {
    let Value::Object(fields) = value else { return value.clone() };
    let hexed = fields.iter().map(|(name, value)| {
        let kind = message.get_field_by_name(name).map(|f| f.kind());
        (name.clone(), kind.map_or_else(|| value.clone(), |kind| of_kind(value, &kind)))
    });
    Value::Object(hexed.collect())
}

fn of_kind(value: &Value, kind: &Kind) -> Value {
    match (value, kind) {
        (Value::Array(list), _) => list.iter().map(|value| of_kind(value, kind)).collect(),
        (Value::String(text), Kind::Bytes) => {
            STANDARD.decode(text).map_or_else(|_| value.clone(), |bytes| hex::encode(bytes).into())
        }
        (_, Kind::Message(message)) => hexed(value, message),
        _ => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::hexed;
    use serde_json::json;
    use zektra_proto::json::pool;

    #[test]
    fn bytes_are_shown_in_hexadecimal_digits() {
        let job = pool().get_message_by_name("zektra.training.v1.ChainJob").unwrap();
        let found = json!({"number": "1", "lock": "AP8=", "members": [{"extension_roots": ["Ag==", "AQ=="]}],
            "proven": {"hash": "/w==", "iteration": "4"}, "stall": null});
        let shown = json!({"number": "1", "lock": "00ff", "members": [{"extension_roots": ["02", "01"]}],
            "proven": {"hash": "ff", "iteration": "4"}, "stall": null});
        assert_eq!(hexed(&found, &job), shown);
    }
}
