//! Values in the form in which a stream takes them.
//!
//! Timestamps are RFC 3339 in UTC, JSON columns hold objects only: the service says no more than
//! "JSON objects" of what they take.

use std::fmt;
use std::io::Write;

use event::{Kind, Timestamp, Value};
use serde_json::json;

/// Appends `"name":value` behind a separator; NULL is left out.
///
/// Says whether anything was appended.
pub(super) fn append_member(
    separator: u8,
    name: &str,
    kind: Kind,
    value: &Value<'_>,
    json: &mut Vec<u8>,
) -> bool {
    if *value == Value::Null {
        return false;
    }
    // Names of columns need no escape.
    json.extend_from_slice(&[separator, b'"']);
    json.extend_from_slice(name.as_bytes());
    json.extend_from_slice(b"\":");
    match (kind, value) {
        (Kind::Json, Value::Text(object)) if is_object(object) => {
            json.extend_from_slice(object.as_bytes());
        }
        (Kind::Json, Value::Text(other)) => {
            json.extend_from_slice(b"{\"value\":");
            json.extend_from_slice(other.as_bytes());
            json.push(b'}');
        }
        (_, Value::Text(text)) => append_text(text, json),
        (_, Value::Uuid(uuid)) => append_text(uuid.hyphenated().encode_lower(&mut [0; 36]), json),
        (_, Value::Integer(number)) => append(format_args!("{number}"), json),
        (_, Value::Timestamp(micros)) => {
            append(format_args!("\"{}\"", Timestamp::from_micros(*micros)), json);
        }
        (_, Value::Null) => {}
    }
    true
}

/// A field of a stream's schema, in the form that `wrangler` reads.
pub(super) fn field(name: &str, kind: Kind, required: bool) -> serde_json::Value {
    match kind {
        Kind::Text => json!({ "name": name, "type": "string", "required": required }),
        Kind::Json => json!({ "name": name, "type": "json", "required": required }),
        Kind::Integer => json!({ "name": name, "type": "int64", "required": required }),
        Kind::Timestamp => {
            json!({ "name": name, "type": "timestamp", "unit": "microsecond", "required": required })
        }
    }
}

fn append(text: fmt::Arguments<'_>, json: &mut Vec<u8>) {
    json.write_fmt(text).expect("a Vec takes all that is written");
}

fn is_object(json: &str) -> bool {
    json.trim_ascii_start().starts_with('{')
}

fn append_text(text: &str, json: &mut Vec<u8>) {
    serde_json::to_writer(json, text).expect("a Vec takes all that is written");
}
