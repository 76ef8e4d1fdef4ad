//! Messages as amino's JSON has them.
//!
//! The rules are those of the Cosmos SDK's `x/tx/signing/aminojson`: names of types, fields and choices from the options of
//! `amino`, defaults left out but for `(amino.dont_omitempty)`, 64-bit numbers as text, decimals with their point,
//! durations in nanoseconds.

use prost_reflect::{
    DynamicMessage, ExtensionDescriptor, FieldDescriptor, Kind, MessageDescriptor, OneofDescriptor,
    ReflectMessage as _, Value,
};
use serde_json::{Value as Json, json};
use std::sync::LazyLock;
use zektra_modules::error::{Sdk, TxError};
use zektra_proto::Timestamp;
use zektra_proto::json::{self, pool};

/// Seconds of the years 1 to 9999.
const YEARS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

fn option(name: &str) -> ExtensionDescriptor {
    pool().get_extension_by_name(name).expect("the options of amino are compiled in")
}

static NAME: LazyLock<ExtensionDescriptor> = LazyLock::new(|| option("amino.name"));
static ENCODING: LazyLock<ExtensionDescriptor> = LazyLock::new(|| option("amino.encoding"));
static MESSAGE_ENCODING: LazyLock<ExtensionDescriptor> = LazyLock::new(|| option("amino.message_encoding"));
static KEEP_EMPTY: LazyLock<ExtensionDescriptor> = LazyLock::new(|| option("amino.dont_omitempty"));
static FIELD_NAME: LazyLock<ExtensionDescriptor> = LazyLock::new(|| option("amino.field_name"));
static ONEOF_NAME: LazyLock<ExtensionDescriptor> = LazyLock::new(|| option("amino.oneof_name"));
static SCALAR: LazyLock<ExtensionDescriptor> = LazyLock::new(|| option("cosmos_proto.scalar"));

fn refused(what: impl std::fmt::Display) -> TxError {
    Sdk::TxDecode.wrap(format!("amino's JSON does not show {what}"))
}

/// The text of an option; nothing if it is not there.
fn said(options: &DynamicMessage, option: &ExtensionDescriptor) -> Option<String> {
    options.get_extension(option).as_str().filter(|text| !text.is_empty()).map(String::from)
}

/// What an `Any` holds, with its type.
///
/// # Errors
/// An unknown type, bytes that are none of it, a value that amino does not have.
pub fn any(any: &zektra_proto::Any) -> Result<Json, TxError> {
    let name = any.type_url.rsplit('/').next().unwrap_or_default();
    let descriptor = pool().get_message_by_name(name);
    let descriptor =
        descriptor.ok_or_else(|| Sdk::TxDecode.wrap(format!("unable to resolve type URL {}", any.type_url)))?;
    let message = DynamicMessage::decode(descriptor, &any.value[..]).map_err(|e| Sdk::TxDecode.wrap(e))?;
    let descriptor = message.descriptor();
    let name = said(&descriptor.options(), &NAME).unwrap_or_else(|| format!("/{}", descriptor.full_name()));
    Ok(json!({"type": name, "value": content(&message)?}))
}

fn content(message: &DynamicMessage) -> Result<Json, TxError> {
    let descriptor: MessageDescriptor = message.descriptor();
    let part = |name: &str| message.get_field_by_name(name);
    let number = |name: &str| part(name).and_then(|v| v.as_i64().or(v.as_i32().map(i64::from))).unwrap_or_default();
    let bytes = |name: &str| part(name).and_then(|v| v.as_bytes().map(|b| b.to_vec())).unwrap_or_default();
    match descriptor.full_name() {
        "google.protobuf.Any" => {
            let type_url = part("type_url").and_then(|v| v.as_str().map(String::from)).unwrap_or_default();
            return any(&zektra_proto::Any { type_url, value: bytes("value") });
        }
        "google.protobuf.Timestamp" => return time(number("seconds"), number("nanos")).map(Json::from),
        "google.protobuf.Duration" => {
            let whole = number("seconds").checked_mul(1_000_000_000);
            let nanos = whole.and_then(|n| n.checked_add(number("nanos")));
            return nanos.map(|n| n.to_string().into()).ok_or_else(|| refused("durations of more than 64 bits"));
        }
        _ => {}
    }
    match said(&descriptor.options(), &MESSAGE_ENCODING).as_deref() {
        Some("key_field") => {
            let key = bytes("key");
            return Ok(if key.is_empty() { Json::Null } else { base64(&key).into() });
        }
        Some("threshold_string") => {
            let keys = part("public_keys");
            let keys = keys.iter().filter_map(|v| v.as_list()).flatten().map(value).collect::<Result<Vec<_>, _>>()?;
            let threshold = part("threshold").and_then(|v| v.as_u32()).unwrap_or_default();
            return Ok(json!({"pubkeys": keys, "threshold": threshold.to_string()}));
        }
        _ => {}
    }
    let mut out = serde_json::Map::new();
    for field in descriptor.fields() {
        if let Some(choice) = field.containing_oneof() {
            let shown = chosen(message, &field, &choice)?;
            let entry = out.entry(camel(choice.name())).or_insert(Json::Null);
            // The choice is null if nothing is chosen.
            if let Some(shown) = shown {
                *entry = shown;
            }
        } else if message.has_field(&field) || is_kept(&field) {
            if !message.has_field(&field) && !field.is_list() && matches!(field.kind(), Kind::Message(_)) {
                return Err(refused(format!("{} without {}", descriptor.full_name(), field.name())));
            }
            let name = said(&field.options(), &FIELD_NAME).unwrap_or_else(|| field.name().into());
            out.insert(name, held(&field, &message.get_field(&field))?);
        }
    }
    Ok(out.into())
}

fn is_kept(field: &FieldDescriptor) -> bool {
    field.options().get_extension(&KEEP_EMPTY).as_bool().unwrap_or(false)
}

/// A field of a choice, if it is the chosen one: with the type that the field has there.
fn chosen(
    message: &DynamicMessage,
    field: &FieldDescriptor,
    choice: &OneofDescriptor,
) -> Result<Option<Json>, TxError> {
    let unnamed = || refused(format!("{} of {}", field.name(), choice.full_name()));
    let kind = said(&field.options(), &ONEOF_NAME).ok_or_else(unnamed)?;
    if !message.has_field(field) {
        return Ok(None);
    }
    let name = said(&field.options(), &FIELD_NAME).unwrap_or_else(|| field.name().into());
    Ok(Some(json!({"type": kind, "value": {name: held(field, &message.get_field(field))?}})))
}

/// `some_name` as `SomeName`.
fn camel(name: &str) -> String {
    let words = name.split('_').filter_map(|word| word.split_at_checked(1));
    words.map(|(first, rest)| first.to_uppercase() + rest).collect()
}

/// The value of a field.
fn held(field: &FieldDescriptor, given: &Value) -> Result<Json, TxError> {
    let is_coins = said(&field.options(), &ENCODING).is_some_and(|e| e == "legacy_coins");
    match (said(&field.options(), &SCALAR).as_deref(), given) {
        // An empty list of coins is a list; any other that is kept is nothing.
        (_, Value::List(list)) if list.is_empty() => Ok(if is_coins { json!([]) } else { Json::Null }),
        // A map has keys in an order of its own.
        (_, Value::Map(_)) => Err(refused("maps")),
        (_, Value::List(list)) => Ok(Json::Array(list.iter().map(value).collect::<Result<_, _>>()?)),
        (Some("cosmos.Int"), given) => {
            let digits = text(given).ok_or_else(|| refused("such an integer"))?;
            Ok(if digits.is_empty() { "0".into() } else { digits.into() })
        }
        (Some("cosmos.Dec"), given) if json::is_decimal(field) => {
            let digits = text(given).ok_or_else(|| refused("such a decimal"))?;
            // The one form of its digits, which the JSON shows.
            let shown = json::decimal(&digits).filter(|d| json::scaled(d).as_ref() == Some(&digits));
            let wrong = || refused(format!("{} {digits:?}", field.full_name()));
            Ok(if digits.is_empty() { "0".into() } else { shown.ok_or_else(wrong)?.into() })
        }
        (_, given) => value(given),
    }
}

/// The digits of a number, in text or in bytes.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bytes(bytes) => str::from_utf8(bytes).ok().map(String::from),
        _ => None,
    }
}

fn value(value: &Value) -> Result<Json, TxError> {
    Ok(match value {
        Value::Bool(v) => (*v).into(),
        Value::I32(v) | Value::EnumNumber(v) => (*v).into(),
        Value::U32(v) => (*v).into(),
        Value::I64(v) => v.to_string().into(),
        Value::U64(v) => v.to_string().into(),
        Value::String(v) => v.clone().into(),
        Value::Bytes(v) if v.is_empty() => Json::Null,
        Value::Bytes(v) => base64(v).into(),
        Value::Message(message) => content(message)?,
        Value::F32(_) | Value::F64(_) => return Err(refused("floating-point numbers")),
        Value::List(_) | Value::Map(_) => return Err(refused("lists of lists")),
    })
}

/// A time of UTC, its fraction without zeros at its end.
fn time(seconds: i64, nanos: i64) -> Result<String, TxError> {
    let fits = YEARS.contains(&seconds) && (0..1_000_000_000).contains(&nanos);
    let nanos = i32::try_from(nanos).ok().filter(|_| fits).ok_or_else(|| refused("such a time"))?;
    let whole = Timestamp { seconds, nanos: 0 }.to_string();
    if nanos == 0 {
        return Ok(whole);
    }
    let fraction = format!("{nanos:09}");
    Ok(format!("{}.{}Z", whole.trim_end_matches('Z'), fraction.trim_end_matches('0')))
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
