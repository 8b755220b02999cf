//! A row of the table `events` as the stream takes it, and the stream's schema,
//! `scripts/pipeline-schema.json`.

use event::{COLUMNS, Kind, StoredRow};
use serde_json::{Value, json};

use super::json::{append_member, field};

/// Names under which the first rows of this project were published; queries still use them.
const ALIASES: [(&str, &str); 2] = [("event_type", "event"), ("api_key", "token")];

/// The schema to create the stream with.
pub fn schema() -> Value {
    let columns = COLUMNS.iter().map(|column| field(column.name, column.kind, column.required));
    let aliases = ALIASES.iter().map(|(alias, _)| field(alias, Kind::Text, true));
    json!({ "fields": columns.chain(aliases).collect::<Vec<_>>() })
}

/// Appends the row as one JSON object.
pub(super) fn append(stored: StoredRow<'_>, json: &mut Vec<u8>) {
    let mut separator = b'{';
    for column in COLUMNS {
        let value = (column.value)(stored);
        if append_member(separator, column.name, column.kind, &value, json) {
            separator = b',';
            for (alias, _) in ALIASES.iter().filter(|(_, of)| *of == column.name) {
                append_member(separator, alias, column.kind, &value, json);
            }
        }
    }
    json.push(b'}');
}
