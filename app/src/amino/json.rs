//! The one form of a JSON document that is signed: keys sorted, no spaces, `&`, `<`, `>` escaped.

use serde_json::Value as Json;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The document's bytes.
pub fn bytes(json: &Json) -> Vec<u8> {
    let mut out = String::new();
    write(json, &mut out);
    out.into_bytes()
}

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
