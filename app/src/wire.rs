//! Protobuf bytes as they stand: unknown fields and other forms of the same message are refused.

use prost::Message as _;
use prost_reflect::{DynamicMessage, Kind, MessageDescriptor};
use zektra_modules::error::{Sdk, TxError};
use zektra_proto::json;

/// Depth of messages in messages at most.
const MAX_DEPTH: usize = 32;

/// A field of a message, as bytes.
struct Field<'a> {
    number: u32,
    wire_type: u8,
    /// What a length-delimited field holds.
    bytes: &'a [u8],
}

fn wrong(what: &str) -> TxError {
    Sdk::TxDecode.wrap(what)
}

/// A varint with the rest; `minimal` refuses longer forms of a number.
fn varint(bytes: &[u8], minimal: bool) -> Result<(u64, &[u8]), TxError> {
    let mut value = 0u64;
    for (k, &b) in bytes.iter().enumerate().take(10) {
        let part = u64::from(b & 0x7f);
        if k == 9 && part > 1 {
            return Err(wrong("a varint beyond 64 bits"));
        }
        value |= part << (7 * k);
        if b & 0x80 == 0 {
            if minimal && k > 0 && b == 0 {
                return Err(wrong("a varint that is longer than its value needs"));
            }
            return Ok((value, &bytes[k + 1..]));
        }
    }
    Err(wrong("a varint without an end"))
}

fn field(bytes: &[u8], minimal: bool) -> Result<(Field<'_>, &[u8]), TxError> {
    let (tag, rest) = varint(bytes, minimal)?;
    let number = u32::try_from(tag >> 3).ok().filter(|&n| n > 0 && n < 1 << 29);
    let number = number.ok_or_else(|| wrong("a field number out of range"))?;
    let wire_type = (tag & 7) as u8;
    let short = || wrong("a field that ends too early");
    let (held, rest) = match wire_type {
        0 => (&[][..], varint(rest, false)?.1),
        1 => (&[][..], rest.get(8..).ok_or_else(short)?),
        2 => {
            let (length, rest) = varint(rest, minimal)?;
            let length = usize::try_from(length).map_err(|_| short())?;
            rest.split_at_checked(length).ok_or_else(short)?
        }
        5 => (&[][..], rest.get(4..).ok_or_else(short)?),
        _ => return Err(wrong("a wire type that is not used")),
    };
    Ok((Field { number, wire_type, bytes: held }, rest))
}

/// Refuses a `TxRaw` that is not in the one form of ADR-027: fields in order, numbers as short as they can
/// be, nothing that is empty.
///
/// # Errors
/// Another form, code 2.
pub fn demand_canonical(mut bytes: &[u8]) -> Result<(), TxError> {
    let mut before = 0;
    while !bytes.is_empty() {
        let (found, rest) = field(bytes, true)?;
        // Signatures are repeated, body and auth info are not.
        if found.number < before || (found.number == before && found.number < 3) {
            return Err(wrong(&format!("non-canonical transaction: field {} after {before}", found.number)));
        }
        if found.number < 3 && found.wire_type == 2 && found.bytes.is_empty() {
            return Err(wrong(&format!("non-canonical transaction: field {} is there and empty", found.number)));
        }
        before = found.number;
        bytes = rest;
    }
    Ok(())
}

/// Refuses fields that the message `name` does not have, at any depth; `non_critical` lets numbers 1024 to 2047 pass.
///
/// # Errors
/// An unknown field or type, a field of another wire type, code 2.
pub fn refuse_unknown(name: &str, bytes: &[u8], non_critical: bool) -> Result<(), TxError> {
    let descriptor = json::descriptor(name).map_err(unresolved)?;
    refuse(&descriptor, bytes, if non_critical { Form::NonCritical } else { Form::Known }, 0)
}

/// Refuses a message `name` that is not in the one form that a careful encoder gives it: besides [`refuse_unknown`],
/// fields in the order of their numbers, each once, without defaults; also in what an `Any` holds.
///
/// # Errors
/// Another form, code 2.
pub fn demand_plain(name: &str, bytes: &[u8]) -> Result<(), TxError> {
    let descriptor = json::descriptor(name).map_err(unresolved)?;
    refuse(&descriptor, bytes, Form::Plain, 0)
}

/// How strict to be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Unknown fields with numbers 1024 to 2047 pass.
    NonCritical,
    /// No unknown field passes.
    Known,
    /// Nor does another form of the same message.
    Plain,
}

fn demand_same(message: &MessageDescriptor, bytes: &[u8]) -> Result<(), TxError> {
    let read = DynamicMessage::decode(message.clone(), bytes).map_err(|e| wrong(&e.to_string()))?;
    if read.encode_to_vec() != bytes {
        return Err(wrong(&format!("non-canonical encoding of {}", message.full_name())));
    }
    Ok(())
}

fn unresolved(e: json::JsonError) -> TxError {
    wrong(&format!("unable to resolve type URL /{}", e.message))
}

fn refuse(message: &MessageDescriptor, mut bytes: &[u8], form: Form, depth: usize) -> Result<(), TxError> {
    if depth > MAX_DEPTH {
        return Err(wrong("messages nested too deeply"));
    }
    // What stands in a field is part of the message around it; what an `Any` holds is not.
    if form == Form::Plain && depth == 0 {
        demand_same(message, bytes)?;
    }
    let is_any = message.full_name() == "google.protobuf.Any";
    let (mut type_url, mut value) = (&[][..], &[][..]);
    while !bytes.is_empty() {
        let (found, rest) = field(bytes, false)?;
        bytes = rest;
        let Some(known) = message.get_field(found.number) else {
            if form == Form::NonCritical && (1024..2048).contains(&found.number) {
                continue;
            }
            let what = format!(
                "errUnknownField \"{}\": {{TagNum: {}, WireType:{}}}",
                message.full_name(),
                found.number,
                found.wire_type
            );
            return Err(wrong(&what));
        };
        let expected = match known.kind() {
            Kind::String | Kind::Bytes | Kind::Message(_) => 2,
            Kind::Double | Kind::Fixed64 | Kind::Sfixed64 => 1,
            Kind::Float | Kind::Fixed32 | Kind::Sfixed32 => 5,
            _ => 0,
        };
        let packed = found.wire_type == 2 && known.is_list() && expected != 2;
        if found.wire_type != expected && !packed {
            let what = format!(
                "errMismatchedWireType \"{}\": {{TagNum: {}, GotWireType: {} != WantWireType: {expected}}}",
                message.full_name(),
                found.number,
                found.wire_type
            );
            return Err(wrong(&what));
        }
        if is_any {
            match found.number {
                1 => type_url = found.bytes,
                _ => value = found.bytes,
            }
        } else if let Kind::Message(inner) = known.kind() {
            refuse(&inner, found.bytes, form, depth + 1)?;
        }
    }
    if is_any {
        // Nobody could show what has no type.
        let name = str::from_utf8(type_url).map_err(|_| wrong("a type URL that is no text"))?;
        let inner = json::descriptor(name.rsplit('/').next().unwrap_or(name)).map_err(unresolved)?;
        if form == Form::Plain {
            if name.strip_prefix('/') != Some(inner.full_name()) {
                return Err(wrong(&format!("non-canonical type URL {name:?}: expected /{}", inner.full_name())));
            }
            demand_same(&inner, value)?;
        }
        refuse(&inner, value, form, depth + 1)?;
    }
    Ok(())
}
