//! A row as the pipeline takes it.

use event::{COLUMNS, Kind, StoredRow, Timestamp, Value};

use super::schema::ALIASES;

/// Appends the row as one JSON object.
///
/// NULL columns are left out, timestamps are RFC 3339 in UTC, and JSON columns are objects, since
/// the service says no more than "JSON objects" of what they take.
pub(super) fn append(stored: StoredRow<'_>, json: &mut Vec<u8>) {
    let mut separator = b'{';
    for column in COLUMNS {
        let value = (column.value)(stored);
        if value == Value::Null {
            continue;
        }
        append_member(separator, column.name, column.kind, &value, json);
        separator = b',';
        for (alias, _) in ALIASES.iter().filter(|(_, of)| *of == column.name) {
            append_member(separator, alias, column.kind, &value, json);
        }
    }
    json.push(b'}');
}

fn append_member(separator: u8, name: &str, kind: Kind, value: &Value<'_>, json: &mut Vec<u8>) {
    json.push(separator);
    append_text(name, json);
    json.push(b':');
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
        (_, Value::Integer(number)) => json.extend_from_slice(number.to_string().as_bytes()),
        (_, Value::Timestamp(micros)) => {
            append_text(&Timestamp::from_micros(*micros).to_string(), json);
        }
        (_, Value::Null) => json.extend_from_slice(b"null"),
    }
}

fn is_object(json: &str) -> bool {
    json.trim_ascii_start().starts_with('{')
}

fn append_text(text: &str, json: &mut Vec<u8>) {
    serde_json::to_writer(json, text).expect("a Vec takes all that is written");
}
