//! Messages as JSON, as Cosmos clients read and write it: names in snake case, no field left out, 64-bit numbers as
//! text, `@type` in an `Any`, decimals of 18 digits with their point.

use crate::DESCRIPTORS;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use prost::{Message, Name};
use prost_reflect::{
    DescriptorPool, DeserializeOptions, DynamicMessage, ExtensionDescriptor, FieldDescriptor, Kind, MessageDescriptor,
    ReflectMessage as _, SerializeOptions,
};
use serde_json::Value;
use std::sync::LazyLock;

static POOL: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(DESCRIPTORS).expect("the build compiled these descriptors"));

static SCALAR: LazyLock<Option<ExtensionDescriptor>> =
    LazyLock::new(|| POOL.get_extension_by_name("cosmos_proto.scalar"));

const ANY: &str = "google.protobuf.Any";

/// Digits after the point of a decimal.
const DIGITS: usize = 18;

/// Descriptors of all messages and services.
pub fn pool() -> &'static DescriptorPool {
    &POOL
}

/// A message that cannot be read or written as JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}: {why}")]
pub struct JsonError {
    /// The message's full name.
    pub message: String,
    /// What is wrong.
    pub why: String,
}

impl JsonError {
    fn new(message: &str, why: impl ToString) -> Self {
        Self { message: message.into(), why: why.to_string() }
    }
}

/// The descriptor of a message.
///
/// # Errors
/// No message of this name is served.
pub fn descriptor(name: &str) -> Result<MessageDescriptor, JsonError> {
    POOL.get_message_by_name(name).ok_or_else(|| JsonError::new(name, "no such message"))
}

/// A message, given by its bytes, as JSON.
///
/// # Errors
/// An unknown message, or bytes that are none.
pub fn from_bytes(name: &str, bytes: &[u8]) -> Result<Value, JsonError> {
    let wrong = |e: &dyn ToString| JsonError::new(name, e.to_string());
    let message = DynamicMessage::decode(descriptor(name)?, bytes).map_err(|e| wrong(&e))?;
    let options = SerializeOptions::new().use_proto_field_name(true).skip_default_fields(false);
    let mut json = message.serialize_with_options(serde_json::value::Serializer, &options).map_err(|e| wrong(&e))?;
    convert(&message.descriptor(), &mut json, shown);
    fill(&message.descriptor(), &mut json);
    Ok(json)
}

/// The bytes of a message that is given as JSON; names in snake or camel case.
///
/// # Errors
/// An unknown message or field, a value of another type.
pub fn to_bytes(name: &str, json: &Value) -> Result<Vec<u8>, JsonError> {
    Ok(read_as(&descriptor(name)?, json).map_err(|e| JsonError::new(name, e))?.encode_to_vec())
}

fn read_as(message: &MessageDescriptor, json: &Value) -> Result<DynamicMessage, serde_json::Error> {
    let mut json = json.clone();
    convert(message, &mut json, held);
    let options = DeserializeOptions::new().deny_unknown_fields(true);
    DynamicMessage::deserialize_with_options(message.clone(), json, &options)
}

/// The field for which [`to_bytes`] refuses JSON, as `params.voting_period`, and what it holds. It costs much with JSON
/// that is large: it is for what people write.
pub fn culprit<'a>(name: &str, json: &'a Value) -> Option<(String, &'a Value)> {
    culprit_of(&descriptor(name).ok()?, json)
}

fn culprit_of<'a>(message: &MessageDescriptor, json: &'a Value) -> Option<(String, &'a Value)> {
    let inner = match message.full_name() {
        ANY => POOL.get_message_by_name(json.get("@type")?.as_str()?.rsplit('/').next()?)?,
        _ => message.clone(),
    };
    json.as_object()?.iter().filter(|(name, _)| *name != "@type").find_map(|(name, value)| {
        let alone = Value::Object([(name.clone(), value.clone())].into_iter().collect());
        if read_as(&inner, &alone).is_ok() {
            return None;
        }
        let field = inner.get_field_by_name(name).or_else(|| inner.get_field_by_json_name(name));
        let deeper = match (field.as_ref().map(FieldDescriptor::kind), value) {
            (Some(Kind::Message(of)), Value::Array(list)) => list.iter().enumerate().find_map(|(k, v)| {
                read_as(&of, v).err()?;
                let deeper = culprit_of(&of, v).map(|(path, v)| (format!("[{k}].{path}"), v));
                Some(deeper.unwrap_or_else(|| (format!("[{k}]"), v)))
            }),
            (Some(Kind::Message(of)), value) if !field.is_some_and(|f| f.is_map()) => {
                culprit_of(&of, value).map(|(path, v)| (format!(".{path}"), v))
            }
            _ => None,
        };
        let (path, value) = deeper.unwrap_or_else(|| (String::new(), value));
        Some((format!("{name}{path}"), value))
    })
}

/// A message as JSON.
///
/// # Errors
/// A message that is not served.
pub fn write<M: Message + Name>(message: &M) -> Result<Value, JsonError> {
    from_bytes(&M::full_name(), &message.encode_to_vec())
}

/// A message of JSON.
///
/// # Errors
/// An unknown field, a value of another type.
pub fn read<M: Message + Name + Default>(json: &Value) -> Result<M, JsonError> {
    let name = M::full_name();
    M::decode(&to_bytes(&name, json)?[..]).map_err(|e| JsonError::new(&name, e))
}

/// What an `Any` holds: its type, and the JSON of it. Types of `google.protobuf`, `Any` too, stand in a field of their own,
/// all others beside `@type`.
fn packed(json: &mut Value) -> Option<(MessageDescriptor, &mut Value)> {
    let inner = json.get("@type").and_then(Value::as_str).and_then(|url| url.rsplit('/').next());
    let inner = POOL.get_message_by_name(inner?)?;
    let json = if inner.package_name() == "google.protobuf" { json.get_mut("value")? } else { json };
    Some((inner, json))
}

/// Changes a decimal, in a field of a kind.
type Change = fn(&Kind, &str) -> Option<String>;

/// Changes the decimals in a message's JSON.
fn convert(message: &MessageDescriptor, json: &mut Value, change: Change) {
    if message.full_name() == ANY {
        if let Some((inner, json)) = packed(json) {
            convert(&inner, json, change);
        }
        return;
    }
    let Value::Object(fields) = json else { return };
    for (name, value) in fields {
        let Some(field) = message.get_field_by_name(name).or_else(|| message.get_field_by_json_name(name)) else {
            continue;
        };
        convert_field(&field, value, change);
    }
}

/// Puts `null` where the Go gateway has it: for messages that are not set and for bytes that are none.
fn fill(message: &MessageDescriptor, json: &mut Value) {
    if message.full_name() == ANY {
        if let Some((inner, json)) = packed(json) {
            fill(&inner, json);
        }
        return;
    }
    let Value::Object(fields) = json else { return };
    for field in message.fields() {
        let single = !field.is_list() && !field.is_map();
        let alone = single && field.containing_oneof().is_none();
        match (field.kind(), fields.get_mut(field.name())) {
            (Kind::Message(_), None) if alone => {
                fields.insert(field.name().into(), Value::Null);
            }
            (Kind::Bytes, Some(value)) if alone && value.as_str() == Some("") => *value = Value::Null,
            (Kind::Message(inner), Some(Value::Array(list))) => list.iter_mut().for_each(|v| fill(&inner, v)),
            (Kind::Message(inner), Some(value)) if single && value.is_object() => fill(&inner, value),
            _ => {}
        }
    }
}

fn convert_field(field: &FieldDescriptor, value: &mut Value, change: Change) {
    match (value, field.kind()) {
        (Value::Array(list), _) => list.iter_mut().for_each(|v| convert_field(field, v, change)),
        (value @ Value::Object(_), Kind::Message(inner)) if !field.is_map() => convert(&inner, value, change),
        (Value::String(text), kind @ (Kind::String | Kind::Bytes)) if is_decimal(field) => {
            if let Some(changed) = change(&kind, text) {
                *text = changed;
            }
        }
        _ => {}
    }
}

/// Whether a field holds a decimal as an integer scaled by 10^18, in text or in bytes.
pub fn is_decimal(field: &FieldDescriptor) -> bool {
    // Governance is the exception: there decimals are texts with their point on the wire, too.
    if field.parent_message().package_name() == "cosmos.gov.v1" {
        return false;
    }
    let Some(scalar) = &*SCALAR else { return false };
    field.options().get_extension(scalar).as_str().is_some_and(|s| s == "cosmos.Dec" || s == "cosmos.LegacyDec")
}

/// A decimal as JSON shows it; bytes hold its digits.
fn shown(kind: &Kind, text: &str) -> Option<String> {
    match kind {
        Kind::Bytes => decimal(&String::from_utf8(BASE64.decode(text).ok()?).ok()?),
        _ => decimal(text),
    }
}

/// A decimal as the JSON of a field of this kind holds it.
fn held(kind: &Kind, text: &str) -> Option<String> {
    let digits = scaled(text)?;
    Some(if *kind == Kind::Bytes { BASE64.encode(digits) } else { digits })
}

/// An integer scaled by 10^18, as a decimal.
pub fn decimal(scaled: &str) -> Option<String> {
    let (sign, digits) = scaled.strip_prefix('-').map_or(("", scaled), |digits| ("-", digits));
    let all = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let padded = format!("{digits:0>width$}", width = DIGITS + 1);
    let (whole, rest) = padded.split_at(padded.len() - DIGITS);
    all.then(|| format!("{sign}{whole}.{rest}"))
}

/// A decimal as an integer scaled by 10^18.
pub fn scaled(decimal: &str) -> Option<String> {
    let (sign, digits) = decimal.strip_prefix('-').map_or(("", decimal), |digits| ("-", digits));
    let (whole, rest) = digits.split_once('.').unwrap_or((digits, ""));
    let all = !whole.is_empty() && whole.bytes().chain(rest.bytes()).all(|b| b.is_ascii_digit());
    if !all || rest.len() > DIGITS {
        return None;
    }
    let number = format!("{whole}{rest:0<DIGITS$}");
    let number = number.trim_start_matches('0');
    Some(if number.is_empty() { "0".into() } else { format!("{sign}{number}") })
}

#[cfg(test)]
mod tests {
    use super::{decimal, scaled};
    use proptest::prelude::*;

    #[test]
    fn decimals_of_clients() {
        for (integer, text) in [
            ("130000000000000000", "0.130000000000000000"),
            ("0", "0.000000000000000000"),
            ("-1", "-0.000000000000000001"),
            ("12000000000000000000", "12.000000000000000000"),
        ] {
            assert_eq!(decimal(integer).unwrap(), text);
            assert_eq!(scaled(text).unwrap(), integer);
        }
        assert_eq!(scaled("0.5").unwrap(), "500000000000000000");
        for wrong in ["", "-", "1.2.3", "x", "0.1234567890123456789", ".5"] {
            assert_eq!(scaled(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn the_field_that_is_refused_is_found() {
        use serde_json::json;
        let plan = json!({"@type": "/cosmos.upgrade.v1beta1.MsgSoftwareUpgrade", "plan": {"height": "x"}});
        let fine = json!({"@type": "/cosmos.gov.v1.MsgVote", "proposal_id": "1"});
        for (name, json, path, value) in [
            (
                "cosmos.gov.v1.GenesisState",
                json!({"params": {"voting_period": "2d"}}),
                "params.voting_period",
                json!("2d"),
            ),
            ("cosmos.gov.v1.MsgVote", json!({"voter": "a", "foo": 1}), "foo", json!(1)),
            (
                "cosmos.gov.v1.MsgSubmitProposal",
                json!({"title": "t", "messages": [fine, plan]}),
                "messages[1].plan.height",
                json!("x"),
            ),
        ] {
            assert!(super::to_bytes(name, &json).is_err());
            assert_eq!(super::culprit(name, &json), Some((path.to_string(), &value)));
        }
    }

    #[test]
    fn decimals_of_governance_keep_their_point() {
        use crate::cosmos::gov::{v1, v1beta1};
        for text in ["0.5", "1", "0.334000000000000000"] {
            let vote = v1::WeightedVoteOption { option: 1, weight: text.into() };
            let json = super::write(&vote).unwrap();
            assert_eq!(json["weight"], text);
            assert_eq!(super::read::<v1::WeightedVoteOption>(&json).unwrap(), vote);
        }
        let vote = v1beta1::WeightedVoteOption { option: 1, weight: "500000000000000000".into() };
        let json = super::write(&vote).unwrap();
        assert_eq!(json["weight"], "0.500000000000000000");
        assert_eq!(super::read::<v1beta1::WeightedVoteOption>(&json).unwrap(), vote);
    }

    proptest! {
        #[test]
        fn a_decimal_is_its_integer(n in any::<i128>()) {
            prop_assert_eq!(scaled(&decimal(&n.to_string()).unwrap()).unwrap(), n.to_string());
        }
    }
}
