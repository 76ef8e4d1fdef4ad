//! Amino: the JSON that hardware wallets show and sign, and the bytes of keys that addresses come from.
//!
//! The rules are those of the Cosmos SDK's `x/tx/signing/aminojson`: names of types from `(amino.name)`, defaults left
//! out but for `(amino.dont_omitempty)`, 64-bit numbers as text, keys sorted, `&`, `<`, `>` escaped.

use crate::sign::{Key, Signer};
use crate::tx::Tx;
use prost_reflect::{
    DynamicMessage, ExtensionDescriptor, FieldDescriptor, MapKey, MessageDescriptor, ReflectMessage as _, Value,
};
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::LazyLock;
use zektra_modules::error::{Sdk, TxError};
use zektra_proto::json::pool;

fn option(name: &str) -> ExtensionDescriptor {
    pool().get_extension_by_name(name).expect("the options of amino are compiled in")
}

static NAME: LazyLock<ExtensionDescriptor> = LazyLock::new(|| option("amino.name"));
static ENCODING: LazyLock<ExtensionDescriptor> = LazyLock::new(|| option("amino.encoding"));
static MESSAGE_ENCODING: LazyLock<ExtensionDescriptor> = LazyLock::new(|| option("amino.message_encoding"));
static KEEP_EMPTY: LazyLock<ExtensionDescriptor> = LazyLock::new(|| option("amino.dont_omitempty"));

/// Bytes in front of a secp256k1 key.
const SECP256K1: [u8; 5] = [0xeb, 0x5a, 0xe9, 0x87, 33];
/// Bytes in front of a multisig key.
const MULTISIG: [u8; 4] = [0x22, 0xc1, 0xf7, 0xe2];

/// The bytes of a key as amino has them.
pub fn key_bytes(key: &Key) -> Vec<u8> {
    match key {
        Key::Secp256k1(key) => [&SECP256K1[..], key].concat(),
        Key::Multisig(threshold, keys) => {
            let mut out = MULTISIG.to_vec();
            out.push(0x08);
            varint(u64::from(*threshold), &mut out);
            for key in keys {
                let bytes = key_bytes(key);
                out.push(0x12);
                varint(bytes.len() as u64, &mut out);
                out.extend(bytes);
            }
            out
        }
    }
}

fn varint(mut value: u64, out: &mut Vec<u8>) {
    while value > 0x7f {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

/// What is signed in the mode of amino's JSON.
///
/// # Errors
/// A transaction that this mode cannot show.
pub fn sign_bytes(tx: &Tx, signer: &Signer<'_>) -> Result<Vec<u8>, TxError> {
    let refused = |what: &str| Sdk::InvalidRequest.wrap(format!("SIGN_MODE_LEGACY_AMINO_JSON does not support {what}"));
    let body = &tx.body;
    if !body.extension_options.is_empty() || !body.non_critical_extension_options.is_empty() {
        return Err(refused("protobuf extension options"));
    }
    if body.unordered || body.timeout_timestamp.is_some() {
        return Err(refused("unordered transactions and timeout timestamps"));
    }
    // What the JSON does not show, further fields or another form of the same, could be changed by anybody after signing.
    crate::wire::demand_plain("cosmos.tx.v1beta1.TxBody", &tx.raw.body_bytes)?;
    crate::wire::demand_plain("cosmos.tx.v1beta1.AuthInfo", &tx.raw.auth_info_bytes)?;
    let fee = tx.auth.fee.clone().unwrap_or_default();
    let mut shown = json!({
        "amount": fee.amount.iter().map(|c| json!({"amount": c.amount, "denom": c.denom})).collect::<Vec<_>>(),
        "gas": fee.gas_limit.to_string(),
    });
    for (name, value) in [("payer", fee.payer), ("granter", fee.granter)] {
        if !value.is_empty() {
            shown[name] = value.into();
        }
    }
    let messages = body.messages.iter().map(any).collect::<Result<Vec<_>, _>>()?;
    let mut doc = json!({
        "account_number": signer.account_number.to_string(),
        "chain_id": signer.chain_id,
        "fee": shown,
        "memo": body.memo,
        "msgs": messages,
        "sequence": signer.sequence.to_string(),
    });
    if body.timeout_height > 0 {
        doc["timeout_height"] = body.timeout_height.to_string().into();
    }
    let mut out = String::new();
    write(&doc, &mut out);
    Ok(out.into_bytes())
}

fn any(any: &zektra_proto::Any) -> Result<Json, TxError> {
    let name = any.type_url.rsplit('/').next().unwrap_or_default();
    let descriptor = pool().get_message_by_name(name);
    let descriptor =
        descriptor.ok_or_else(|| Sdk::TxDecode.wrap(format!("unable to resolve type URL {}", any.type_url)))?;
    let message = DynamicMessage::decode(descriptor, &any.value[..]).map_err(|e| Sdk::TxDecode.wrap(e))?;
    named(&message)
}

/// A message with its type.
fn named(message: &DynamicMessage) -> Result<Json, TxError> {
    let descriptor = message.descriptor();
    let options = descriptor.options();
    let name = options.get_extension(&NAME).as_str().unwrap_or_default().to_string();
    let name = if name.is_empty() { format!("/{}", descriptor.full_name()) } else { name };
    Ok(json!({"type": name, "value": content(message)?}))
}

fn content(message: &DynamicMessage) -> Result<Json, TxError> {
    let descriptor: MessageDescriptor = message.descriptor();
    match descriptor.full_name() {
        "google.protobuf.Any" => {
            let part = |name: &str| message.get_field_by_name(name);
            let type_url = part("type_url").and_then(|v| v.as_str().map(String::from)).unwrap_or_default();
            let value = part("value").and_then(|v| v.as_bytes().map(|b| b.to_vec())).unwrap_or_default();
            return any(&zektra_proto::Any { type_url, value });
        }
        "google.protobuf.Timestamp" | "google.protobuf.Duration" => {
            return serde_json::to_value(message).map_err(|e| Sdk::TxDecode.wrap(e));
        }
        _ => {}
    }
    let encoding = descriptor.options().get_extension(&MESSAGE_ENCODING).as_str().unwrap_or_default().to_string();
    if encoding == "key_field" {
        return Ok(match message.get_field_by_name("key").and_then(|v| v.as_bytes().map(|b| b.to_vec())) {
            Some(key) => base64(&key).into(),
            None => "".into(),
        });
    }
    let mut out = serde_json::Map::new();
    for field in descriptor.fields() {
        let options = field.options();
        let keep = options.get_extension(&KEEP_EMPTY).as_bool().unwrap_or(false);
        let kept = keep && field.containing_oneof().is_none();
        if !message.has_field(&field) && !kept {
            continue;
        }
        let value = message.get_field(&field);
        out.insert(field.name().into(), shown(&field, &value)?);
    }
    Ok(out.into())
}

fn shown(field: &FieldDescriptor, value: &Value) -> Result<Json, TxError> {
    Ok(match value {
        Value::Bool(v) => (*v).into(),
        Value::I32(v) => (*v).into(),
        Value::U32(v) => (*v).into(),
        Value::I64(v) => v.to_string().into(),
        Value::U64(v) => v.to_string().into(),
        Value::EnumNumber(v) => (*v).into(),
        Value::String(v) => v.clone().into(),
        Value::Bytes(v) => base64(v).into(),
        Value::List(list) => {
            let empty = list.is_empty();
            let legacy = field.options().get_extension(&ENCODING).as_str().is_some_and(|e| e == "legacy_coins");
            // An empty list of coins is a list; any other that is kept is nothing.
            if empty && !legacy {
                Json::Null
            } else {
                Json::Array(list.iter().map(|v| shown(field, v)).collect::<Result<_, _>>()?)
            }
        }
        Value::Message(message) => content(message)?,
        Value::Map(map) => {
            let sorted: BTreeMap<String, &Value> = map.iter().map(|(k, v)| (map_key(k), v)).collect();
            let entries = sorted.into_iter().map(|(k, v)| Ok((k, shown(field, v)?)));
            Json::Object(entries.collect::<Result<_, TxError>>()?)
        }
        Value::F32(_) | Value::F64(_) => return Err(Sdk::TxDecode.wrap("a floating-point number")),
    })
}

fn map_key(key: &MapKey) -> String {
    match key {
        MapKey::Bool(k) => k.to_string(),
        MapKey::I32(k) => k.to_string(),
        MapKey::I64(k) => k.to_string(),
        MapKey::U32(k) => k.to_string(),
        MapKey::U64(k) => k.to_string(),
        MapKey::String(k) => k.clone(),
    }
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// JSON with sorted keys and without spaces.
fn write(json: &Json, out: &mut String) {
    match json {
        Json::Object(fields) => {
            let sorted: BTreeMap<&String, &Json> = fields.iter().collect();
            out.push('{');
            for (k, (name, value)) in sorted.into_iter().enumerate() {
                if k > 0 {
                    out.push(',');
                }
                text(name, out);
                out.push(':');
                write(value, out);
            }
            out.push('}');
        }
        Json::Array(list) => {
            out.push('[');
            for (k, value) in list.iter().enumerate() {
                if k > 0 {
                    out.push(',');
                }
                write(value, out);
            }
            out.push(']');
        }
        Json::String(s) => text(s, out),
        // Numbers, booleans and null have one form.
        other => out.push_str(&other.to_string()),
    }
}

fn text(s: &str, out: &mut String) {
    out.push('"');
    for c in s.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '&' | '<' | '>' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => {
                write!(out, "\\u{:04x}", u32::from(c)).expect("a string takes all that is written");
            }
            c => out.push(c),
        }
    }
    out.push('"');
}
